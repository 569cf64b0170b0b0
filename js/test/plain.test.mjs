// Options and calls are read once, from plain objects: nothing else counts as an empty call or as empty options.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runInNewContext } from "node:vm";

import { Latch, Snapshot, SnapshotFollower, TokenTable, verifyToken } from "tokenlatch";
import { memoryStore } from "tokenlatch/stores/memory";

import { keyOf } from "./encoder.mjs";
import { ACCOUNT, NOW, alices, publish } from "./helpers.mjs";

const { token, record } = alices();
const GOOD = `Bearer ${token}`;
const KEY = keyOf(1);

class WithGetters {
  get realm() {
    return "admin";
  }
  get call() {
    return { realm: "admin" };
  }
}
class WithoutPrototype extends null {
  constructor() {
    return Object.create(new.target.prototype);
  }
  get realm() {
    return "admin";
  }
}

const unplain = {
  "a promise": async () => ({ realm: "admin" }),
  "a Map": () => new Map([["realm", "admin"]]),
  "a Set": () => new Set(),
  "an array": () => [],
  null: () => null,
  "an instance with getters": () => new WithGetters(),
  "an instance of a class without prototype": () => new WithoutPrototype(),
  "a Date": () => new Date(),
  "URLSearchParams": () => new URLSearchParams("realm=admin"),
  "an object that inherits": () => Object.create({ realm: "admin" }),
  "an iterator": () => [1][Symbol.iterator](),
  "a function": () => () => ({}),
  "text": () => "admin",
  "a Map of another realm": () => runInNewContext("new Map()"),
};

async function follower() {
  const bytes = publish(KEY, { version: 1, made: NOW, records: [record] });
  const one = new SnapshotFollower({
    url: "https://origin.test",
    publicKeys: [KEY.publicHex],
    usage: false,
    now: () => NOW,
    fetch: async () => new Response(bytes, { headers: { "Content-Type": "application/octet-stream" } }),
  });
  await one.poll();
  assert.equal(one.verify(GOOD).reason, "ok", String(one.state.error));
  return one;
}

/** Every function that takes a call or options of a decision. */
const takers = {
  async "Latch.verify"() {
    const latch = new Latch({ store: memoryStore({ records: [record], accounts: [ACCOUNT] }), now: () => NOW });
    return (call) => latch.verify(GOOD, call);
  },
  async "SnapshotFollower.verify"() {
    const one = await follower();
    return async (call) => one.verify(GOOD, call);
  },
  async "SnapshotFollower.verify, with an address"() {
    const one = await follower();
    return async (call) => one.verify(GOOD, call, "192.0.2.7");
  },
  async "SnapshotFollower.verifyMany"() {
    const one = await follower();
    return async (options) => one.verifyMany([GOOD], options);
  },
  async "SnapshotFollower.verifyMany, the call"() {
    const one = await follower();
    return async (call) => one.verifyMany([GOOD], { call });
  },
  async "TokenTable.verify"() {
    const table = new TokenTable({ records: [record], accounts: [ACCOUNT] });
    return async (options) => table.verify(GOOD, options);
  },
  async "TokenTable.verifyMany"() {
    const table = new TokenTable({ records: [record], accounts: [ACCOUNT] });
    return async (options) => table.verifyMany([GOOD], options);
  },
  async "TokenTable.prepare"() {
    const table = new TokenTable({ records: [record], accounts: [ACCOUNT] });
    return async (call) => table.prepare(call);
  },
  async "Snapshot.verify"() {
    const snapshot = Snapshot.load(publish(KEY, { version: 1, made: NOW, records: [record] }), { publicKeys: [KEY.publicHex], now: NOW });
    return async (options) => snapshot.verify(GOOD, options);
  },
  async "Snapshot.prepare"() {
    const snapshot = Snapshot.load(publish(KEY, { version: 1, made: NOW, records: [record] }), { publicKeys: [KEY.publicHex], now: NOW });
    return async (call) => snapshot.prepare(call);
  },
  async verifyToken() {
    return async (call) => verifyToken({ now: NOW, authorization: GOOD, record, account: ACCOUNT, call });
  },
};

for (const [name, make] of Object.entries(takers)) {
  describe(name, () => {
    for (const [what, value] of Object.entries(unplain)) {
      test(`refuses ${what}`, async () => {
        const take = await make();
        await assert.rejects(take(value()), { code: "type_invalid" });
      });
    }

    test("accepts plain objects of this realm and of another", async () => {
      const take = await make();
      for (const plain of [{}, Object.create(null), runInNewContext("({})")]) await take(plain);
    });
  });
}

test("a follower distinguishes calls", async () => {
  const one = await follower();
  const calls = [
    { realm: "admin" },
    { feature: { toJSON: () => undefined } },
    { module: { toJSON: () => "Tokens" }, function: "list" },
    { feature: Number.NaN },
    { feature: null },
    { feature: () => "backup" },
    { feature: Symbol("backup") },
    { writes: "false" },
    { relam: "admin" },
    { toJSON: () => ({}) },
    { api: "1:a", feature: "b" },
    JSON.parse('{"__proto__":{"realm":"admin"}}'),
  ];
  for (let round = 0; round < 2; round += 1) {
    for (const plain of [undefined, {}, { module: "Tokens", function: "list" }, { feature: "backup", writes: false }]) assert.equal(one.verify(GOOD, plain).reason, "ok");
    assert.equal(one.verify(GOOD, calls[0]).allowed, false);
    for (const call of calls.slice(1)) assert.throws(() => one.verify(GOOD, call), { name: "TokenlatchError" });
  }
  try {
    for (const prototype of [Object.prototype, String.prototype, Array.prototype]) prototype.toJSON = () => "polluted";
    assert.equal(one.verify(GOOD, { realm: "admin" }).allowed, false);
    assert.equal(one.verify(GOOD, { feature: "backup", writes: false }).allowed, true);
  } finally {
    for (const prototype of [Object.prototype, String.prototype, Array.prototype]) delete prototype.toJSON;
  }
});

test("changing a call during a store call has no effect", async () => {
  const call = { realm: "admin" };
  const store = memoryStore({ records: [record] });
  const accounts = async () => (delete call.realm, ACCOUNT);
  assert.equal((await new Latch({ store, accounts, now: () => NOW }).verify(GOOD, call)).reason, "realm_mismatch");
});

test("each property is read once", async () => {
  const reads = [];
  const counted = (values) => new Proxy(values, { get: (target, key) => (reads.push(key), target[key]) });
  const latch = new Latch({ store: memoryStore({ records: [record], accounts: [ACCOUNT] }), now: () => NOW });
  await latch.verify(GOOD, counted({ feature: "backup", writes: false }));
  assert.deepEqual(reads.splice(0), ["feature", "writes"]);
  (await follower()).verify(GOOD, counted({ feature: "backup", address: "192.0.2.7" }));
  assert.deepEqual(reads.splice(0), ["feature", "address"]);
  await latch.putAccount(counted({ user: "alice", features: "all" }));
  assert.deepEqual(reads.splice(0), ["user", "features"]);
});

test("changing the options of a Latch later has no effect, and an account is stored as it was checked", async () => {
  const policy = { maxLifetime: 60 };
  const catalogue = [{ module: "A", function: "b", apis: ["uapi"], feature: "backup", writes: true }];
  const store = memoryStore({ records: [record], accounts: [ACCOUNT] });
  const latch = new Latch({ store, policy, catalogue, now: () => NOW });
  delete policy.maxLifetime;
  catalogue[0].feature = null;
  await assert.rejects(latch.create({ user: "alice", name: "x", access: "full", expires: "never" }), { code: "expiry_required" });
  const { token: limited } = await latch.create({ user: "alice", name: "y", access: { features: ["mail"] } });
  assert.equal((await latch.verify(`Bearer ${limited}`, { module: "A", function: "b" })).reason, "feature_not_granted");
  class Lax { get maxLifetime() { return 60; } }
  for (const wrong of [new Lax(), new Map(), Promise.resolve({})]) assert.throws(() => new Latch({ store, policy: wrong }), { code: "type_invalid" });

  let turn = 0;
  const features = [];
  await latch.putAccount(Object.defineProperty({ user: "bob" }, "features", { enumerable: true, get: () => (turn++ === 0 ? features : "all") }));
  features.push("apitokens");
  assert.deepEqual((await store.account("bob")).features, []);
  for (const value of Object.values(unplain)) await assert.rejects(latch.putAccount(value()), { code: "type_invalid" });
});

test("a lookup that returns an account with getters admits nothing", async () => {
  class Kept {
    user = "alice";
    features = "all";
    generation = "first";
    get suspended() {
      return true;
    }
  }
  const latch = new Latch({ store: memoryStore({ records: [record] }), accounts: () => new Kept(), now: () => NOW });
  assert.equal((await latch.verify(GOOD)).reason, "store_answer_invalid");
});
