import assert from "node:assert/strict";
import { test } from "node:test";

import { Latch, LatchError, TokenlatchError, createToken } from "tokenlatch";
import { memoryStore } from "tokenlatch/stores/memory";

import { ACCOUNT, NOW } from "./helpers.mjs";

const never = () => new Promise(() => {});

async function prepared(more = {}) {
  const store = memoryStore({ accounts: [ACCOUNT] });
  const latch = new Latch({ store, now: () => NOW, ...more });
  const { token, description } = await latch.create({ user: "alice", name: "backup", access: "full" });
  return { store, latch, token, description };
}

/** A store like another but for some of its functions. */
function altered(store, changes) {
  const methods = ["find", "listOf", "insert", "rename", "revoke", "account", "putAccount", "removeAccount"];
  const copied = Object.fromEntries(methods.map((name) => [name, store[name].bind(store)]));
  return { capabilities: store.capabilities, ...copied, ...changes };
}

test("reads the header of a standard request, of Node's, and as such", async () => {
  const { latch, token } = await prepared();
  const header = `Bearer ${token}`;
  for (const request of [
    header,
    [header],
    new Request("http://h/", { headers: { Authorization: header } }),
    { rawHeaders: ["Host", "h", "authorization", header] },
  ]) {
    assert.equal((await latch.verify(request)).reason, "ok");
  }
  assert.equal((await latch.verify({ rawHeaders: ["Authorization", header, "AUTHORIZATION", header] })).reason, "header_repeated");
  const repeated = new Request("http://h/", { headers: [["Authorization", header], ["Authorization", header]] });
  assert.equal((await latch.verify(repeated)).status, 401);
  assert.equal((await latch.verify(null)).reason, "header_missing");
  for (const request of [42, {}, { headers: {} }, { rawHeaders: "x" }, Symbol("x")]) {
    await assert.rejects(latch.verify(request), { code: "option_invalid", field: "request" });
  }
});

for (const [what, find, reason] of [
  ["throws", () => { throw new Error("down"); }, "store_failed"],
  ["rejects", async () => { throw new Error("down"); }, "store_failed"],
  ["rejects with nothing", () => Promise.reject(), "store_failed"],
  ["throws something with a code of another", () => { throw Object.assign(new Error("x"), { code: "ok" }); }, "store_failed"],
  ["hangs", never, "store_timeout"],
  ["gives a number", async () => 42, "store_answer_invalid"],
  ["gives true", async () => true, "store_answer_invalid"],
  ["gives text", async () => "record", "store_answer_invalid"],
  ["gives an array", async () => [], "store_answer_invalid"],
  ["gives an empty object", async () => ({}), "store_answer_invalid"],
  ["gives a Date", async () => new Date(), "store_answer_invalid"],
]) {
  test(`refuses, and says why, when the store ${what}`, async () => {
    const { store, token } = await prepared();
    const latch = new Latch({ store: altered(store, { find }), now: () => NOW, timeout: 50 });
    for (const header of [`Bearer ${token}`, "Bearer x", null]) {
      const verdict = await latch.verify(header);
      assert.deepEqual([verdict.allowed, verdict.status, verdict.reason], [false, 503, reason]);
      assert.deepEqual([verdict.refusal.status, verdict.user, verdict.id], [503, null, null]);
      assert.ok(verdict.fault instanceof LatchError);
      assert.ok(!JSON.stringify([verdict, verdict.fault.message]).includes(token));
    }
  });
}

for (const [what, change, reason] of [
  ["a record of a newer version", (record) => ({ ...record, v: 2 }), "store_answer_invalid"],
  ["a record without a key", ({ readOnly, ...record }) => record, "store_answer_invalid"],
  ["a record with an expiry that can't be read", (record) => ({ ...record, expires: "soon" }), "store_answer_invalid"],
  ["a record with a revocation that can't be read", (record) => ({ ...record, revoked: Number.NaN }), "store_answer_invalid"],
  ["a record under a pepper that isn't given", (record) => ({ ...record, hash: `hmac-sha256:p9:${"0".repeat(64)}` }), "store_answer_invalid"],
  ["another token's record", () => createToken({ user: "alice", name: "x", access: "full" }).record, "token_unknown"],
]) {
  test(`refuses when the store gives ${what}`, async () => {
    const { store, token } = await prepared();
    const find = async (hashes) => change(await store.find(hashes));
    const latch = new Latch({ store: altered(store, { find }), now: () => NOW });
    const verdict = await latch.verify(`Bearer ${token}`);
    assert.deepEqual([verdict.allowed, verdict.reason], [false, reason]);
  });
}

for (const [what, accounts, reason] of [
  ["throws", () => { throw new Error("down"); }, "store_failed"],
  ["hangs", never, "store_timeout"],
  ["gives nothing", () => undefined, "account_unknown"],
  ["gives another user's", () => ({ user: "bob", features: "all" }), "account_unknown"],
  ["gives nonsense", () => ({ features: "every" }), "store_answer_invalid"],
  ["gives a suspended one", () => ({ user: "alice", suspended: true, features: "all" }), "account_suspended"],
  ["gives one that can't have tokens", () => ({ user: "alice", features: ["backup"] }), "tokens_disabled"],
]) {
  test(`refuses when the look-up of accounts ${what}`, async () => {
    const { store, token } = await prepared();
    const latch = new Latch({ store, accounts, now: () => NOW, timeout: 50 });
    const verdict = await latch.verify(`cpanel alice:${token}`);
    assert.deepEqual([verdict.allowed, verdict.reason], [false, reason]);
    await assert.rejects(latch.create({ user: "alice", name: "other", access: "full" }));
    await assert.rejects(latch.putAccount(ACCOUNT), { code: "store_unsupported" });
  });
}

test("asks the store the same for every header, good or bad", async () => {
  const { store, token } = await prepared();
  const asked = [];
  const find = (hashes) => (asked.push(`find ${hashes.length}`), store.find(hashes));
  const account = (user) => (asked.push("account"), store.account(user));
  const latch = new Latch({ store: altered(store, { find, account }), now: () => NOW });
  for (const header of [`Bearer ${token}`, `cpanel bob:${token}`, "Bearer x", "", null, "Basic x", `Bearer ${"A".repeat(32)}`]) {
    asked.length = 0;
    await latch.verify(header);
    assert.deepEqual(asked, ["find 1", "account"], String(header));
  }
});

test("every refusal with 401 has the same reply", async () => {
  const { latch, token } = await prepared();
  await latch.revoke({ user: "alice", names: ["backup"] });
  const headers = [null, "", "Bearer x", "Basic x", `Bearer ${"A".repeat(32)}`, `cpanel bob:${token}`, `Bearer ${token}`];
  const refusals = await Promise.all(headers.map(async (header) => JSON.stringify((await latch.verify(header)).refusal)));
  assert.equal(new Set(refusals).size, 1);
});

test("a clock that stands at zero admits nothing", async () => {
  const { store, token } = await prepared();
  const verdict = await new Latch({ store, now: () => 0 }).verify(`Bearer ${token}`);
  assert.deepEqual([verdict.allowed, verdict.status, verdict.reason], [false, 503, "clock_invalid"]);
});

test("a store that fails makes every other operation throw a coded error", async () => {
  const { store } = await prepared();
  const down = async () => { throw new Error("down"); };
  const names = ["find", "listOf", "insert", "rename", "revoke", "account", "putAccount", "removeAccount"];
  const latch = new Latch({ store: altered(store, Object.fromEntries(names.map((name) => [name, down]))), timeout: 50 });
  for (const ask of [
    () => latch.create({ user: "alice", name: "x", access: "full" }),
    () => latch.list({ user: "alice" }),
    () => latch.describe({ user: "alice", name: "backup" }),
    () => latch.rename({ user: "alice", name: "backup", newName: "x" }),
    () => latch.revoke({ user: "alice", names: ["backup"] }),
    () => latch.putAccount(ACCOUNT),
    () => latch.removeAccount("alice"),
  ]) {
    await assert.rejects(ask, (error) => error instanceof LatchError && error.code === "store_failed" && error.cause.message === "down");
  }
});

test("a token isn't handed out when storing it gives no clear answer", async () => {
  const { store } = await prepared();
  for (const [answer, code] of [[undefined, "store_answer_invalid"], ["hash_taken", "hash_taken"], ["name_taken", "name_taken"]]) {
    const latch = new Latch({ store: altered(store, { insert: async () => answer }) });
    await assert.rejects(latch.create({ user: "alice", name: "x", access: "full" }), { code });
  }
});

test("never hands a user another's records, even when the store does", async () => {
  const { store } = await prepared();
  const latch = new Latch({ store: altered(store, { listOf: () => store.listOf("alice") }) });
  await assert.rejects(latch.list({ user: "bob" }), { code: "store_answer_invalid" });
  await assert.rejects(latch.revoke({ user: "bob", names: ["backup"] }), { code: "store_answer_invalid" });
});

test("refuses wrong options when it is made", () => {
  const store = memoryStore();
  for (const [options, code, field] of [
    [undefined, "option_invalid", "options"],
    [{}, "option_invalid", "store"],
    [{ store: {} }, "option_invalid", "store"],
    [{ store: altered(store, { capabilities: { uniqueNames: true } }) }, "option_invalid", "store"],
    [{ store: altered(store, { account: undefined }) }, "option_invalid", "accounts"],
    [{ store, accounts: {} }, "option_invalid", "accounts"],
    [{ store, timeout: 0 }, "option_invalid", "timeout"],
    [{ store, timeout: "5" }, "option_invalid", "timeout"],
    [{ store, now: 5 }, "option_invalid", "now"],
    [{ store, pepper: {} }, "option_invalid", "pepper"],
    [{ store, peppers: [{ id: "p", key: "00" }] }, "pepper_invalid", undefined],
    [{ store, catalogue: [{}] }, "field_missing", undefined],
    [{ store, zone: "Mars" }, "zone_invalid", undefined],
    [{ store, prefix: "_" }, "prefix_invalid", undefined],
    [{ store, policy: { maxLifetime: 0 } }, "value_invalid", undefined],
  ]) {
    assert.throws(() => new Latch(options), (error) => {
      assert.equal(error.code, code, error.message);
      if (field !== undefined) assert.equal(error.field, field);
      return true;
    });
  }
});

test("hands on its policy, zone, prefix and peppers, whatever the caller says", async () => {
  const key = "0123456789abcdef".repeat(4);
  const { latch, token, store } = await prepared({ prefix: "tl", peppers: [{ id: "p1", key }], policy: { maxLifetime: 60 }, zone: "UTC" });
  assert.match(token, /^tl_[A-Z0-9]{39}$/);
  assert.match((await store.listOf("alice"))[0].hash, /^hmac-sha256:p1:/);
  const wish = { user: "alice", name: "x", access: "full", policy: {}, pepper: undefined, account: undefined, expires: "never" };
  await assert.rejects(latch.create(wish), (error) => error instanceof TokenlatchError && error.code === "expiry_required");
  await assert.rejects(latch.create({ user: "alice", name: "x", access: "full", extra: 1 }), { code: "field_unknown" });
  await assert.rejects(latch.create({ user: "alice", name: "a b", access: "full" }), { code: "name_character" });
  await assert.rejects(latch.verify(null, { api: "ftp" }), { code: "value_invalid" });
});

test("gives a coded error for whatever it is given, and asks the store for no user that can't be", async () => {
  const { store } = await prepared();
  const asked = [];
  const spied = Object.fromEntries(["listOf", "account"].map((name) => [name, (user) => (asked.push(user), store[name](user))]));
  const latch = new Latch({ store: altered(store, spied) });
  const throwing = new Proxy({}, { get() { throw new TypeError("no"); } });
  for (const user of [undefined, null, 42, {}, [], Symbol("x"), "", "a b", "a:b", "ä", "x".repeat(65), "__proto__\0"]) {
    for (const ask of [
      () => latch.create({ user, name: "x", access: "full" }),
      () => latch.list({ user }),
      () => latch.describe({ user, name: "x" }),
      () => latch.rename({ user, name: "x", newName: "y" }),
      () => latch.revoke({ user, names: ["x"] }),
      () => latch.putAccount({ user, features: "all" }),
      () => latch.removeAccount(user),
    ]) {
      await assert.rejects(ask, (error) => error instanceof LatchError || error instanceof TokenlatchError);
    }
  }
  assert.deepEqual(asked, []);
  for (const options of [undefined, null, 42, "x"]) {
    for (const name of ["create", "list", "describe", "rename", "revoke", "putAccount"]) {
      await assert.rejects(latch[name](options), (error) => error instanceof LatchError || error instanceof TokenlatchError);
    }
  }
  await assert.rejects(latch.create(throwing), TypeError);
  await assert.rejects(latch.rename({ user: "alice", name: "backup" }), { code: "field_missing", field: "newName" });
  await assert.rejects(latch.revoke({ user: "alice" }), { code: "selection_invalid" });
  await assert.rejects(latch.describe({ user: "alice" }), { code: "selection_invalid" });
  await assert.rejects(latch.verify("Bearer x", null), { code: "type_invalid" });
});

test("asks its own accounts and its own names, whatever the caller hands it", async () => {
  const { latch } = await prepared();
  await assert.rejects(latch.create({ user: "alice", name: "backup", access: "full", taken: [] }), { code: "name_taken" });
  await latch.putAccount({ user: "alice", suspended: true, features: "all" });
  const wish = { user: "alice", name: "other", access: "full", account: ACCOUNT };
  await assert.rejects(latch.create(wish), { code: "account_suspended" });
});

test("leaves no timer behind", async () => {
  const { latch, token } = await prepared({ timeout: 60_000 });
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  await latch.verify(`Bearer ${token}`);
  await latch.list({ user: "alice" });
  assert.equal(timers(), before);
});
