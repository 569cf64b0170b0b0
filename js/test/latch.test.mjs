import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Latch, LatchError, TokenlatchError, createToken } from "tokenlatch";
import { guard } from "tokenlatch/middleware/fetch";
import { memoryStore } from "tokenlatch/stores/memory";

import { ACCOUNT, NOW, inFreshProcess } from "./helpers.mjs";

const never = () => new Promise(() => {});

async function prepared(more = {}) {
  const store = memoryStore({ accounts: [ACCOUNT] });
  const latch = new Latch({ store, now: () => NOW, ...more });
  const { token, description } = await latch.create({ user: "alice", name: "backup", access: "full" });
  return { store, latch, token, description };
}

/** A store with some functions replaced. */
function altered(store, changes) {
  const methods = ["find", "listOf", "insert", "rename", "revoke", "account", "putAccount", "removeAccount"];
  const copied = Object.fromEntries(methods.map((name) => [name, store[name].bind(store)]));
  return { capabilities: store.capabilities, ...copied, ...changes };
}

test("reads the header of a standard request, of Node's request, and a header itself", async () => {
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
    // The message says what to pass instead.
    await assert.rejects(latch.verify(request), { code: "option_invalid", field: "request", message: /request\.headers\.authorization/ });
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
  test(`refuses with a reason when the store ${what}`, async () => {
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
  test(`refuses when the store returns ${what}`, async () => {
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
  test(`refuses when the lookup of accounts ${what}`, async () => {
    const { store, token } = await prepared();
    const latch = new Latch({ store, accounts, now: () => NOW, timeout: 50 });
    const verdict = await latch.verify(`cpanel alice:${token}`);
    assert.deepEqual([verdict.allowed, verdict.reason], [false, reason]);
    await assert.rejects(latch.create({ user: "alice", name: "other", access: "full" }));
    await assert.rejects(latch.putAccount(ACCOUNT), { code: "store_unsupported" });
  });
}

test("makes the same store calls for every header, valid or not", async () => {
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

test("a clock at zero admits nothing", async () => {
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

test("a token isn't returned when the store's answer is unclear", async () => {
  const { store } = await prepared();
  for (const [answer, code] of [[undefined, "store_answer_invalid"], ["hash_taken", "hash_taken"], ["name_taken", "name_taken"]]) {
    const latch = new Latch({ store: altered(store, { insert: async () => answer }) });
    await assert.rejects(latch.create({ user: "alice", name: "x", access: "full" }), { code });
  }
});

test("never returns another user's records, even when the store does", async () => {
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
    [{ store, peppers: [{ id: "p", key: "00" }] }, "pepper_invalid", "peppers[0].key"],
    [{ store, catalogue: [{}] }, "field_missing", "catalogue[0].module"],
    [{ store, catalogue: [{ module: "", function: "x", apis: ["uapi"], feature: null, writes: true }] }, "catalogue_invalid", "catalogue[0]"],
    [{ store, zone: "Mars" }, "zone_invalid", "zone"],
    [{ store, zone: {} }, "field_missing", "zone.offset"],
    [{ store, prefix: "_" }, "prefix_invalid", "prefix"],
    [{ store, policy: { maxLifetime: 0 } }, "value_invalid", "policy.maxLifetime"],
    [{ store, policy: { caps: { tokens: 0 } } }, "value_invalid", "policy.caps.tokens"],
  ]) {
    assert.throws(() => new Latch(options), (error) => {
      assert.equal(error.code, code, error.message);
      if (field !== undefined) assert.equal(error.field, field);
      return true;
    });
  }
});

test("applies its policy, zone, prefix and peppers, whatever the caller passes", async () => {
  const key = "0123456789abcdef".repeat(4);
  const { latch, token, store } = await prepared({ prefix: "tl", peppers: [{ id: "p1", key }], policy: { maxLifetime: 60 }, zone: "UTC" });
  assert.match(token, /^tl_[A-Z0-9]{39}$/);
  assert.match((await store.listOf("alice"))[0].hash, /^hmac-sha256:p1:/);
  const wish = { user: "alice", name: "x", access: "full", policy: {}, pepper: undefined, account: undefined, expires: "never" };
  await assert.rejects(latch.create(wish), { name: "TokenlatchError", code: "field_unknown", field: "policy" });
  const { policy: _, ...plain } = wish;
  await assert.rejects(latch.create(plain), (error) => error instanceof TokenlatchError && error.code === "expiry_required");
  await assert.rejects(latch.create({ user: "alice", name: "x", access: "full", extra: 1 }), { code: "field_unknown" });
  await assert.rejects(latch.create({ user: "alice", name: "a b", access: "full" }), { code: "name_character" });
  await assert.rejects(latch.verify(null, { api: "ftp" }), { code: "value_invalid" });
});

test("caps the tokens of a user, and those created within an hour", async () => {
  let now = NOW;
  const { latch } = await prepared({ policy: { caps: { tokens: 3, tokensPerHour: 4, features: 1 } }, now: () => now });
  const wish = { user: "alice", access: "full" };
  await assert.rejects(latch.create({ ...wish, name: "wide", access: { features: ["a", "b"] } }), { code: "features_too_many" });
  await latch.create({ ...wish, name: "b" });
  await latch.create({ ...wish, name: "c" });
  await assert.rejects(latch.create({ ...wish, name: "d" }), { code: "tokens_too_many" });
  await latch.revoke({ user: "alice", names: ["b", "c"] });
  await latch.create({ ...wish, name: "d" });
  await assert.rejects(latch.create({ ...wish, name: "e" }), { code: "creations_too_many" });
  now += 3_600;
  await latch.create({ ...wish, name: "e" });
});

test("a token that is created while its account is removed is revoked with it", async () => {
  const { store, latch } = await prepared();
  let late;
  const removeAccount = async (user, context) => {
    late = await latch.create({ user, name: "late", access: "full" });
    await store.removeAccount(user, context);
  };
  await new Latch({ store: altered(store, { removeAccount }), now: () => NOW }).removeAccount("alice");
  assert.equal((await latch.verify(`Bearer ${late.token}`)).reason, "token_revoked");
});

test("throws a coded error for any invalid value, and never calls the store for an invalid user", async () => {
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
  await assert.rejects(latch.create(throwing), { code: "option_invalid", field: "user" });
  const spoilt = new Proxy({ user: "alice" }, { get() { throw new TypeError("no"); } });
  await assert.rejects(latch.create(spoilt), { code: "value_invalid", field: "options" });
  await assert.rejects(latch.rename({ user: "alice", name: "backup" }), { code: "field_missing", field: "newName" });
  await assert.rejects(latch.revoke({ user: "alice" }), { code: "selection_invalid" });
  await assert.rejects(latch.describe({ user: "alice" }), { code: "selection_invalid" });
  await assert.rejects(latch.verify("Bearer x", null), { code: "type_invalid" });
});

test("uses its own accounts and names, whatever the caller passes", async () => {
  const { latch } = await prepared();
  await assert.rejects(latch.create({ user: "alice", name: "backup", access: "full", taken: [] }), { code: "field_unknown", field: "taken" });
  await assert.rejects(latch.create({ user: "alice", name: "backup", access: "full" }), { code: "name_taken" });
  await latch.putAccount({ user: "alice", suspended: true, features: "all" });
  const wish = { user: "alice", name: "other", access: "full" };
  await assert.rejects(latch.create({ ...wish, account: ACCOUNT }), { code: "field_unknown", field: "account" });
  await assert.rejects(latch.create(wish), { code: "account_suspended" });
});

test("keeps revoked tokens for 400 days, and refuses other times and stores that can't remove", async () => {
  const { store, latch, token } = await prepared();
  await latch.revoke({ user: "alice", names: ["backup"] });
  const after = (seconds) => new Latch({ store, now: () => NOW + seconds });
  assert.equal(await after(400 * 86_400).prune(), 0);
  assert.equal((await latch.verify(`Bearer ${token}`)).reason, "token_revoked");
  assert.equal(await after(400 * 86_400 + 1).prune(), 1);
  assert.equal((await latch.verify(`Bearer ${token}`)).reason, "token_unknown");
  for (const keepRevoked of [-1, 0, 400, 3_599, 3_600.5, Number.NaN, "1", null, 2 ** 53]) {
    await assert.rejects(latch.prune({ keepRevoked }), { code: "option_invalid", field: "keepRevoked" });
  }
  await assert.rejects(latch.prune({ keep: 1 }), { code: "field_unknown", field: "keep" });
  await assert.rejects(new Latch({ store: altered(store, {}) }).prune(), { code: "store_unsupported" });
  for (const [prune, code] of [[() => { throw new Error("down"); }, "store_failed"], [async () => undefined, "store_answer_invalid"], [async () => "1", "store_answer_invalid"]]) {
    await assert.rejects(new Latch({ store: altered(store, { prune }) }).prune(), { code });
  }
});

test("leaves no timer behind", async () => {
  const { latch, token } = await prepared({ timeout: 60_000 });
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  await latch.verify(`Bearer ${token}`);
  await latch.list({ user: "alice" });
  assert.equal(timers(), before);
});

test("accepts documented options only, not those that the host supplies", async () => {
  const { latch, store } = await prepared({ policy: { maxLifetime: 86_400 } });
  const before = (await store.listOf("alice")).length;
  const good = { user: "alice", name: "x", access: "full" };
  for (const [key, value] of Object.entries({
    now: 253_402_300_799 - 86_400,
    entropy: "00".repeat(63) + "01",
    creator: { access: "full" },
    policy: {},
    prefix: "tl",
    pepper: { id: "p", key: "00".repeat(16) },
    peppers: [],
    account: ACCOUNT,
    taken: [],
    zone: "UTC",
    warnDays: 1,
    records: [],
    toString: "x",
  })) {
    // As from the body of a request.
    const body = JSON.parse(JSON.stringify({ [key]: value }));
    const expected = { name: "TokenlatchError", code: "field_unknown", field: key };
    await assert.rejects(latch.create({ ...good, ...body }), expected);
    await assert.rejects(latch.list({ user: "alice", ...body }), expected);
    await assert.rejects(latch.describe({ user: "alice", name: "backup", ...body }), expected);
    await assert.rejects(latch.rename({ user: "alice", name: "backup", newName: "y", ...body }), expected);
    await assert.rejects(latch.revoke({ user: "alice", names: ["backup"], ...body }), expected);
  }
  await assert.rejects(latch.create({ ...good, ...JSON.parse('{"__proto__":{"now":1}}') }), { code: "field_unknown" });
  assert.equal((await store.listOf("alice")).length, before);
  const { description } = await latch.create(good);
  assert.equal(description.expires, NOW + 86_400);
});

describe("managing on behalf of a token", () => {
  /** A latch with a token of each kind, and their verdicts. */
  async function asked() {
    const { latch, store } = await prepared();
    const made = {};
    for (const [name, more] of Object.entries({
      full: { expires: "never" },
      readOnly: { readOnly: true },
      limited: { access: { features: ["apitokens", "backup"] } },
      bound: { addresses: ["192.0.2.0/24"] },
      brief: { expires: NOW + 600 },
      admin: { realm: "admin" },
      narrow: { access: { features: ["backup"] }, readOnly: true, addresses: ["192.0.2.7"], expires: NOW + 300 },
    })) {
      const { token } = await latch.create({ user: "alice", name, access: "full", ...more });
      const realm = more.realm === "admin" ? "admin" : "account";
      const call = { feature: "backup", writes: false, address: "192.0.2.7", realm };
      made[name] = await latch.verify(`Bearer ${token}`, call);
      assert.equal(made[name].reason, "ok", name);
    }
    return { latch, store, made };
  }

  test("grants at most the access of the token", async () => {
    const { latch, made } = await asked();
    const wide = { access: "full", readOnly: false, addresses: [], expires: "never", realm: "admin" };
    for (const [name, by] of Object.entries(made)) {
      if (name === "full" || name === "admin") continue;
      await assert.rejects(latch.create({ by, name: `${name}-wide`, ...wide }), { code: "access_exceeds_creator" }, name);
    }
    await assert.rejects(latch.create({ by: made.full, name: "x", access: "full", realm: "admin" }), { code: "access_exceeds_creator", field: "realm" });
    await assert.rejects(latch.create({ by: made.limited, name: "x", access: { features: ["mail"] } }), { code: "access_exceeds_creator", field: "access" });
    await assert.rejects(latch.create({ by: made.readOnly, name: "x", access: "full" }), { code: "access_exceeds_creator", field: "readOnly" });
    await assert.rejects(latch.create({ by: made.bound, name: "x", access: "full", addresses: ["203.0.113.1"] }), { code: "access_exceeds_creator", field: "addresses" });
    const { description } = await latch.create({ by: made.narrow, name: "x", access: { features: ["backup"] }, readOnly: true });
    assert.deepEqual([description.user, description.addresses, description.expires], ["alice", ["192.0.2.7"], NOW + 300]);
  });

  test("a new token outlives neither the token nor the administrator's limit", async () => {
    const { store, made, latch } = await asked();
    const brief = { by: made.brief, access: "full" };
    assert.equal((await latch.create({ ...brief, name: "a" })).description.expires, NOW + 600);
    assert.equal((await latch.create({ ...brief, name: "b", expires: NOW + 600 })).description.expires, NOW + 600);
    await assert.rejects(latch.create({ ...brief, name: "c", expires: NOW + 601 }), { code: "expiry_too_late" });
    await assert.rejects(latch.create({ ...brief, name: "c", expires: "never" }), { code: "expiry_required" });
    const strict = new Latch({ store, now: () => NOW, policy: { maxLifetime: 60 } });
    assert.equal((await strict.create({ ...brief, name: "d" })).description.expires, NOW + 60);
    assert.equal((await latch.create({ by: made.full, name: "e", access: "full", expires: "never" })).description.expires, null);
  });

  test("manages only tokens within its access; others are unknown", async () => {
    const { latch, made } = await asked();
    const names = async (by) => (await latch.list({ by, includeRevoked: true, pageSize: 1000 })).tokens.map((one) => one.name);
    assert.deepEqual(await names(made.full), ["backup", "bound", "brief", "full", "limited", "narrow", "readOnly"]);
    assert.deepEqual(await names(made.limited), ["limited", "narrow"]);
    assert.deepEqual(await names(made.readOnly), ["narrow", "readOnly"]);
    assert.deepEqual(await names(made.bound), ["bound", "narrow"]);
    assert.deepEqual(await names(made.narrow), ["narrow"]);
    const by = made.limited;
    for (const name of ["full", "admin", "brief", "backup", "missing"]) {
      await assert.rejects(latch.describe({ by, name }), { code: "token_not_found" });
      await assert.rejects(latch.rename({ by, name, newName: "stolen" }), { code: "token_not_found" });
      assert.deepEqual(await latch.revoke({ by, names: [name] }), { tokens: [], unknown: [name], immediate: true });
    }
    assert.deepEqual((await latch.revoke({ by, ids: [made.full.id, made.narrow.id] })).unknown, [made.full.id]);
    assert.equal((await latch.describe({ user: "alice", id: made.full.id })).status, "active");
    await assert.rejects(latch.rename({ by, name: "limited", newName: "full" }), { code: "name_taken" });
    assert.equal((await latch.rename({ by, name: "limited", newName: "renamed" })).name, "renamed");
  });

  test("calls the module once for all tokens", () => {
    // Counts the calls of each function that the module exports.
    const counting = `
      const calls = {};
      const { Instance } = WebAssembly;
      WebAssembly.Instance = class {
        constructor(...given) {
          const counted = ([name, value]) => [name, typeof value !== "function" ? value : (...asked) => ((calls[name] = (calls[name] ?? 0) + 1), value(...asked))];
          this.exports = Object.fromEntries(Object.entries(new Instance(...given).exports).map(counted));
        }
      };`;
    const counts = inFreshProcess(counting, `
      const { memoryStore } = await import("tokenlatch/stores/memory");
      const latch = new tokenlatch.Latch({ store: memoryStore({ accounts: [{ user: "alice", features: "all" }] }) });
      const { token } = await latch.create({ user: "alice", name: "asks", access: "full", readOnly: true });
      const by = await latch.verify("Bearer " + token, { writes: false });
      for (let index = 0; index < 20; index += 1) await latch.create({ user: "alice", name: "t" + index, access: "full", readOnly: index % 2 === 0 });
      await latch.revoke({ user: "alice", names: ["t0", "t1"] });
      for (const name of Object.keys(calls)) delete calls[name];
      const { total } = await latch.list({ by, includeRevoked: true });
      console.log(JSON.stringify({ total, updated: calls.updateToken ?? 0, called: calls.tokenlatch_call ?? 0 }));
    `);
    assert.deepEqual(counts, { total: 11, updated: 0, called: 1 });
  });

  test("records with integers as BigInts are accepted, and two with the same id are refused", async () => {
    const { latch, store, made } = await asked();
    const by = made.limited;
    const big = altered(store, { listOf: async (user) => (await store.listOf(user)).map((record) => ({ ...record, created: BigInt(record.created) })) });
    const other = new Latch({ store: big, now: () => NOW });
    assert.deepEqual((await other.list({ by })).tokens.map((one) => one.name), (await latch.list({ by })).tokens.map((one) => one.name));
    const twice = altered(store, {
      listOf: async (user) => {
        const records = await store.listOf(user);
        const full = records.find(({ name }) => name === "full");
        return [...records, { ...full, id: records.find(({ name }) => name === "narrow").id }];
      },
    });
    await assert.rejects(new Latch({ store: twice, now: () => NOW }).list({ by }), { code: "store_answer_invalid" });
  });

  test("an undefined `by` is refused", async () => {
    const { latch } = await asked();
    await assert.rejects(latch.create({ user: "alice", by: undefined, name: "open", access: "full" }), { code: "option_invalid", field: "by" });
  });

  test("the token must have been admitted here, and must still be valid", async () => {
    const { latch, made } = await asked();
    const { user, id, name } = made.full;
    const copies = [{ user, id, name }, { ...made.full }, JSON.parse(JSON.stringify(made.full)), Object.create(made.full), "alice", 7, null, [], await latch.verify(null)];
    for (const by of copies) {
      await assert.rejects(latch.create({ by, name: "x", access: "full" }), { code: "option_invalid", field: "by" });
      await assert.rejects(latch.list({ by }), { code: "option_invalid", field: "by" });
    }
    const changed = await latch.verify(`Bearer ${(await latch.create({ user: "alice", name: "changed", access: { features: ["backup"] } })).token}`, { feature: "backup" });
    changed.id = id;
    changed.access = "full";
    await assert.rejects(latch.create({ by: changed, name: "x", access: "full" }), { code: "access_exceeds_creator" });
    await latch.putAccount({ user: "bob", features: "all" });
    await assert.rejects(latch.create({ by: made.full, user: "bob", name: "x", access: "full" }), { code: "access_exceeds_creator", field: "user" });
    await assert.rejects(latch.list({ by: made.full, user: "bob" }), { code: "access_exceeds_creator", field: "user" });
    await latch.revoke({ by: made.full, names: ["full"] });
    await assert.rejects(latch.create({ by: made.full, name: "x", access: "full" }), { code: "token_not_found", field: "by" });
    await assert.rejects(latch.list({ by: made.full }), { code: "token_not_found", field: "by" });
    let now = NOW;
    const { store, latch: other } = await prepared();
    const clocked = new Latch({ store, now: () => now });
    const { token } = await other.create({ user: "alice", name: "brief", access: "full", expires: NOW + 5 });
    const by = await clocked.verify(`Bearer ${token}`);
    now += 5;
    await assert.rejects(clocked.create({ by, name: "x", access: "full" }), { code: "token_not_found", field: "by" });
  });

  test("accepts the identity of a middleware", async () => {
    const { latch } = await asked();
    const { token } = await latch.create({ user: "alice", name: "maker", access: { features: ["backup"] } });
    const handler = guard(latch, { call: { feature: "backup" } }, async (_request, by) => Response.json((await latch.list({ by })).tokens.map((one) => one.name)));
    const response = await handler(new Request("http://h/", { headers: { Authorization: `Bearer ${token}` } }));
    assert.deepEqual(await response.json(), ["maker", "narrow"]);
  });
});
