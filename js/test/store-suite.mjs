// The tests of every store, as functions over a store: run by `stores.test.mjs` in Node, and by small scripts in Deno, Bun and workerd.
// Each case has its own users, so that all can share a database.
import assert from "node:assert/strict";

import { Latch, createToken } from "tokenlatch";

// Made on first use: a worker can't make one at startup.
let signal;
const context = {
  get signal() {
    return (signal ??= new AbortController().signal);
  },
};
const NOW = 1_795_341_384;

let count = 0;

function users(...names) {
  count += 1;
  const run = `${Date.now().toString(36)}.${Math.random().toString(36).slice(2, 8)}.${count}`;
  return names.map((name) => `${name}.${run}`);
}

function recordOf(user, name = "backup", more = {}) {
  return { ...createToken({ now: NOW, user, name, access: "full", expires: "never" }).record, ...more };
}

const byId = (records) => [...records].sort((one, other) => (one.id < other.id ? -1 : 1));

export const cases = {
  async "finds a record by any of several hashes, and none by an unknown one"(store) {
    const [user] = users("alice");
    const record = recordOf(user);
    assert.equal(await store.insert(record, context), "stored");
    const unknown = `sha256:${"0".repeat(64)}`;
    assert.deepEqual(await store.find([unknown, record.hash], context), record);
    assert.deepEqual(await store.find([record.hash, unknown], context), record);
    assert.deepEqual(await store.find([record.hash], context), record);
    assert.equal(await store.find([unknown], context), null);
    assert.equal(await store.find([record.hash.toUpperCase()], context), null);
  },

  async "keeps a record whole, with keys that it doesn't know"(store) {
    const [user] = users("alice");
    const more = { note: "ä \u{1f511} \" \\ %_ '", nested: { list: [1, null, true] }, expires: 253_402_300_799, addresses: ["2001:db8::/32"] };
    const record = recordOf(user, "x".repeat(50), { ...more, access: { features: ["a", "b"] }, readOnly: true });
    assert.equal(await store.insert(record, context), "stored");
    assert.deepEqual(await store.find([record.hash], context), record);
    assert.deepEqual(await store.listOf(user, context), [record]);
  },

  async "refuses a hash or an id that another record has"(store) {
    const [user, other] = users("alice", "bob");
    const record = recordOf(user);
    await store.insert(record, context);
    assert.equal(await store.insert(record, context), "hash_taken");
    assert.equal(await store.insert({ ...recordOf(other), hash: record.hash }, context), "hash_taken");
    assert.deepEqual(await store.listOf(other, context), []);
    assert.deepEqual(await store.find([record.hash], context), record);
  },

  async "keeps names unique among a user's live tokens, by their case, and no further"(store) {
    const [user, other] = users("alice", "bob");
    const first = recordOf(user);
    assert.equal(await store.insert(first, context), "stored");
    assert.equal(await store.insert(recordOf(user), context), "name_taken");
    assert.equal(await store.insert(recordOf(user, "Backup"), context), "stored");
    assert.equal(await store.insert(recordOf(other), context), "stored");
    await store.revoke({ ...first, revoked: NOW }, context);
    assert.equal(await store.insert(recordOf(user), context), "stored");
    assert.equal((await store.listOf(user, context)).length, 3);
  },

  async "lists the records of one user only, revoked ones too"(store) {
    const [user] = users("al");
    const others = [`${user}x`, `x${user}`, user.toUpperCase()];
    const mine = [recordOf(user, "a"), recordOf(user, "b")];
    for (const record of [...mine, ...others.map((name) => recordOf(name, "a"))]) await store.insert(record, context);
    await store.revoke({ ...mine[0], revoked: NOW }, context);
    const listed = await store.listOf(user, context);
    assert.deepEqual(byId(listed), byId([{ ...mine[0], revoked: NOW }, mine[1]]));
    assert.deepEqual(await store.listOf(`${user}y`, context), []);
  },

  async "renames a live token and changes nothing else"(store) {
    const [user] = users("alice");
    const [record, other] = [recordOf(user, "a", { note: 1 }), recordOf(user, "b")];
    await store.insert(record, context);
    await store.insert(other, context);
    assert.equal(await store.rename({ ...record, name: "b" }, context), "name_taken");
    assert.equal(await store.rename({ ...record, name: "c" }, context), "renamed");
    assert.deepEqual(await store.find([record.hash], context), { ...record, name: "c" });
    assert.equal(await store.insert(recordOf(user, "a"), context), "stored");
    assert.equal(await store.rename({ ...recordOf(user, "z"), name: "y" }, context), "gone");
  },

  async "a renaming writes the name and nothing else that its caller knew"(store) {
    const [user] = users("alice");
    const record = recordOf(user, "a", { readOnly: true, addresses: ["192.0.2.0/24"] });
    await store.insert(record, context);
    // The caller has an outdated record: the token's access was reduced since.
    assert.equal(await store.rename({ ...record, readOnly: false, addresses: [], name: "b" }, context), "renamed");
    assert.deepEqual(await store.find([record.hash], context), { ...record, name: "b" });
    assert.equal(await store.rename({ ...record, name: "c" }, context), "renamed");
    assert.deepEqual(await store.listOf(user, context), [{ ...record, name: "c" }]);
    assert.equal(typeof store.capabilities.atomicRename, "boolean");
  },

  async "a revocation keeps its time, and no renaming undoes it"(store) {
    const [user] = users("alice");
    const record = recordOf(user);
    await store.insert(record, context);
    await store.revoke({ ...record, revoked: NOW + 1 }, context);
    await store.revoke({ ...record, revoked: NOW + 2 }, context);
    assert.equal(await store.rename({ ...record, name: "c" }, context), "gone");
    assert.deepEqual(await store.find([record.hash], context), { ...record, revoked: NOW + 1 });
    await store.revoke({ ...recordOf(user, "z"), revoked: NOW }, context);
  },

  async "a revoked record holds nothing of what the token could do"(store) {
    const [user, other] = users("alice", "bob");
    const latch = new Latch({ store, now: () => NOW });
    for (const one of [user, other]) await latch.putAccount({ user: one, features: "all" });
    const wish = { access: { features: ["backup", "mail"] }, addresses: ["192.0.2.0/24"] };
    for (const revoke of [
      async () => latch.revoke({ user, names: ["renamed"] }),
      async () => latch.removeAccount(user),
    ]) {
      const { token, description } = await latch.create({ user, name: "limited", ...wish });
      const kept = await latch.create({ user: other, name: description.id.slice(0, 8), ...wish });
      await latch.rename({ user, id: description.id, newName: "renamed" });
      await revoke();
      // Again: nothing is restored.
      await latch.revoke({ user, ids: [description.id] });
      const stored = (await store.listOf(user, context)).find(({ id }) => id === description.id);
      assert.deepEqual([stored.access, stored.addresses, stored.revoked, stored.name], [{ features: [] }, [], NOW, "renamed"]);
      assert.deepEqual(await store.find([stored.hash], context), stored);
      assert.equal((await latch.verify(`Bearer ${token}`, { feature: "backup", address: "192.0.2.7" })).reason, "token_revoked");
      assert.equal((await latch.verify(`Bearer ${kept.token}`, { feature: "backup", address: "192.0.2.7" })).reason, "ok");
    }
  },

  async "removes for good what was revoked long ago, and nothing else"(store) {
    const [user] = users("alice");
    const latch = new Latch({ store, now: () => NOW });
    await latch.putAccount({ user, features: "all" });
    const made = (name) => createToken({ now: NOW - 50_000, user, name, access: "full", expires: "never" });
    const [old, edge, live] = [made("old"), made("edge"), made("live")];
    for (const { record } of [old, edge, live]) await store.insert(record, context);
    await store.rename({ ...old.record, name: "older" }, context);
    await store.revoke({ ...old.record, name: "older", revoked: NOW - 20_001 }, context);
    await store.revoke({ ...edge.record, revoked: NOW - 20_000 }, context);
    const reasons = async () => Promise.all([old, edge, live].map(async ({ token }) => (await latch.verify(`Bearer ${token}`)).reason));
    assert.deepEqual(await reasons(), ["token_revoked", "token_revoked", "ok"]);
    assert.ok((await latch.prune({ keepRevoked: 20_000 })) >= 1);
    assert.deepEqual(await reasons(), ["token_unknown", "token_revoked", "ok"]);
    assert.deepEqual((await store.listOf(user, context)).map(({ name }) => name).sort(), ["edge", "live"]);
    assert.equal(await latch.prune({ keepRevoked: 20_000 }), 0);
    assert.equal((await latch.create({ user, name: "older", access: "full" })).description.status, "active");
  },

  async "a revocation wins over renamings at the same time"(store) {
    const [user] = users("alice");
    for (let round = 0; round < 5; round += 1) {
      const record = recordOf(user, `r${round}`);
      await store.insert(record, context);
      await Promise.all([
        store.rename({ ...record, name: `s${round}` }, context),
        store.revoke({ ...record, revoked: NOW }, context),
        store.rename({ ...record, name: `t${round}` }, context),
      ]);
      assert.equal((await store.find([record.hash], context)).revoked, NOW);
    }
  },

  async "of many creations of one name at once one is stored, where names are unique"(store) {
    const [user] = users("alice");
    const insertions = await Promise.all(Array.from({ length: 8 }, () => store.insert(recordOf(user), context)));
    const stored = insertions.filter((insertion) => insertion === "stored").length;
    if (store.capabilities.uniqueNames) assert.deepEqual([stored, insertions.filter((one) => one === "name_taken").length], [1, 7]);
    else assert.ok(stored >= 1);
  },

  async "keeps accounts"(store) {
    const [user] = users("alice");
    assert.equal(await store.account(user, context), null);
    const account = { user, suspended: true, features: ["apitokens", "ä"] };
    await store.putAccount({ user, features: "all" }, context);
    await store.putAccount(account, context);
    const { generation, ...rest } = await store.account(user, context);
    assert.deepEqual(rest, account);
    assert.equal(typeof generation, "string");
    assert.equal(await store.account(user.toUpperCase(), context), null);
    await store.removeAccount(user, context);
    await store.removeAccount(user, context);
    assert.equal(await store.account(user, context), null);
  },

  async "an account keeps its generation until it is removed, and the next one has another"(store) {
    const [user] = users("alice");
    const generation = async () => (await store.account(user, context)).generation;
    await store.putAccount({ user, features: "all" }, context);
    const first = await generation();
    await store.putAccount({ user, features: [], suspended: true }, context);
    assert.equal(await generation(), first);
    await store.removeAccount(user, context);
    await store.putAccount({ user, features: "all" }, context);
    assert.ok(first.length >= 5 && (await generation()) !== first);
  },

  async "a token that is stored while its account goes doesn't come back with the next one"(store) {
    for (const before of ["removed", "made again"]) {
      const [user] = users("alice");
      let release;
      const held = new Promise((resolve) => (release = resolve));
      // Only `insert` is delayed, until the account was removed.
      let isHeld;
      const isAsked = new Promise((resolve) => (isHeld = resolve));
      const slow = new Proxy(store, {
        get(target, name) {
          if (name !== "insert") return typeof target[name] === "function" ? target[name].bind(target) : target[name];
          return async (record, more) => {
            isHeld();
            await held;
            return target.insert(record, more);
          };
        },
      });
      const [quick, late] = [new Latch({ store, now: () => NOW }), new Latch({ store: slow, now: () => NOW })];
      await quick.putAccount({ user, features: "all" });
      const creation = late.create({ user, name: "late", access: "full" }).catch((error) => error);
      await isAsked;
      await quick.removeAccount(user);
      if (before === "made again") await quick.putAccount({ user, features: "all" });
      release();
      assert.equal((await creation).code, "account_unknown");
      if (before === "removed") await quick.putAccount({ user, features: "all" });
      assert.equal((await quick.list({ user })).total, 0);
      await quick.create({ user, name: "late", access: "full" });
    }
  },

  async "a token bound to another account of its user is refused, however it came into the store"(store) {
    const [user] = users("alice");
    const latch = new Latch({ store, now: () => NOW });
    await latch.putAccount({ user, features: "all" });
    const { generation } = await store.account(user, context);
    const made = (more) => createToken({ now: NOW, user, name: "backup", access: "full", expires: "never", ...more });
    const [old, own, unbound] = [made(), made({ name: "own" }), made({ name: "unbound" })];
    assert.equal(await store.insert({ ...old.record, accountGeneration: "another" }, context), "stored");
    assert.equal(await store.insert({ ...own.record, accountGeneration: generation }, context), "stored");
    assert.equal(await store.insert(unbound.record, context), "stored");
    assert.equal((await latch.verify(`Bearer ${old.token}`)).reason, "account_unknown");
    assert.equal((await latch.verify(`Bearer ${own.token}`)).reason, "ok");
    assert.equal((await latch.verify(`Bearer ${unbound.token}`)).reason, "ok", "from before accounts had generations");
  },

  async "an account that a store gave may be stored again, changed"(store) {
    const [user] = users("alice");
    const latch = new Latch({ store, now: () => NOW });
    await latch.putAccount({ user, features: "all" });
    const { token } = await latch.create({ user, name: "backup", access: "full" });
    await latch.putAccount({ ...(await store.account(user, context)), suspended: true });
    assert.equal((await latch.verify(`Bearer ${token}`)).reason, "account_suspended");
    await latch.putAccount({ ...(await store.account(user, context)), suspended: false });
    assert.equal((await latch.verify(`Bearer ${token}`)).reason, "ok");
  },

  async "users that look like paths, keys or commands are just users"(store) {
    for (const user of ["..", ".", "@", "-", "a..b", "hash", "constructor", "CON"].flatMap((name) => users(name).concat(name))) {
      const record = recordOf(user, "constructor");
      await store.putAccount({ user, features: "all" }, context);
      // A user may exist from an earlier run.
      const insertion = await store.insert(record, context);
      assert.ok(insertion === "stored" || insertion === "name_taken");
      if (insertion === "stored") assert.deepEqual(await store.find([record.hash], context), record);
      const { generation: _, ...account } = await store.account(user, context);
      assert.deepEqual(account, { user, features: "all" });
    }
  },

  async "carries a token through its whole life"(store) {
    const [user, other] = users("alice", "bob");
    const latch = new Latch({ store, now: () => NOW, peppers: [{ id: "p1", key: "0123456789abcdef".repeat(4) }] });
    await latch.putAccount({ user, features: "all" });
    await latch.putAccount({ user: other, features: "all" });
    const { token, description } = await latch.create({ user, name: "backup", access: "full" });
    assert.equal(description.status, "active");
    assert.equal((await latch.verify(`cpanel ${user}:${token}`)).reason, "ok");
    assert.equal((await latch.verify(`cpanel ${other}:${token}`)).reason, "user_mismatch");
    await assert.rejects(latch.create({ user, name: "backup", access: "full" }), { code: "name_taken" });
    await assert.rejects(latch.rename({ user: other, name: "backup", newName: "x" }), { code: "token_not_found" });
    assert.deepEqual((await latch.revoke({ user: other, ids: [description.id] })).unknown, [description.id]);
    assert.equal((await latch.rename({ user, name: "backup", newName: "nightly" })).name, "nightly");
    assert.equal((await latch.list({ user })).tokens[0].name, "nightly");
    assert.equal((await latch.verify(`Bearer ${token}`)).name, "nightly");
    const { immediate, tokens } = await latch.revoke({ user, names: ["nightly", "nothing"] });
    assert.equal(immediate, store.capabilities.immediateRevocation);
    assert.equal(tokens[0].status, "revoked");
    assert.equal((await latch.verify(`Bearer ${token}`)).reason, "token_revoked");
    await assert.rejects(latch.rename({ user, id: description.id, newName: "again" }), { code: "record_revoked" });

    const second = await latch.create({ user, name: "second", access: "full" });
    await latch.removeAccount(user);
    assert.equal((await latch.verify(`Bearer ${second.token}`)).reason, "token_revoked");
    await assert.rejects(latch.create({ user, name: "third", access: "full" }), { code: "account_unknown" });
  },
};

/** Runs all cases and returns the failures, for runtimes without a test runner. */
export async function failures(store) {
  const failed = [];
  for (const [name, run] of Object.entries(cases)) {
    try {
      await run(store);
    } catch (error) {
      failed.push(`${name}: ${error?.stack ?? error}`);
    }
  }
  return { ran: Object.keys(cases).length, failed };
}
