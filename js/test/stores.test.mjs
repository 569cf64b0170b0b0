// The suite of the stores over every available adapter.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { createConnection, createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { createDatabase } from "db0";
import libsql from "db0/connectors/libsql/node";
import nodeSqlite from "db0/connectors/node-sqlite";
import postgresql from "db0/connectors/postgresql";
import { Latch, createToken } from "tokenlatch";
import { db0Store } from "tokenlatch/stores/db0";
import { memoryStore } from "tokenlatch/stores/memory";
import { unstorageStore } from "tokenlatch/stores/unstorage";
import { createStorage } from "unstorage";
import fs from "unstorage/drivers/fs";
import redis from "unstorage/drivers/redis";

import { missing, startPostgres, startRedis, temporaryFolder } from "./services.mjs";
import { cases } from "./store-suite.mjs";
import { startWorker } from "./worker.mjs";

/** Runs the suite over one store. `open` returns the store and how to close it, or undefined if something is missing. */
function suite(name, open) {
  describe(name, () => {
    let opened;
    before(async () => void (opened = await open()));
    after(async () => opened?.close?.());
    for (const [behaviour, run] of Object.entries(cases)) {
      test(behaviour, async (t) => (opened === undefined ? missing(t, name) : run(opened.store)));
    }
  });
}

async function sql(connector) {
  const database = createDatabase(connector);
  const store = db0Store(database);
  await store.migrate();
  await store.migrate();
  return { store, database, close: () => database.dispose() };
}

/** A store in PostgreSQL that reopens a lost database. */
async function postgresStore(url, more = {}) {
  const store = db0Store(() => createDatabase(postgresql({ url, ...more })));
  await store.migrate();
  await store.migrate();
  return { store, close: () => store.close() };
}

const folders = [];
function folder() {
  folders.push(temporaryFolder());
  return folders.at(-1);
}
after(() => folders.forEach((path) => rmSync(path, { recursive: true, force: true })));

const nodeHasSqlite = process.getBuiltinModule?.("node:sqlite") !== undefined;

suite("memory", async () => ({ store: memoryStore() }));
suite("unstorage: memory", async () => ({ store: unstorageStore(createStorage(), { immediateRevocation: true }) }));
suite("unstorage: file system", async () => ({ store: unstorageStore(createStorage({ driver: fs({ base: folder() }) }), { immediateRevocation: true }) }));
suite("db0: libSQL", async () => sql(libsql({ url: `file:${join(folder(), "tokens.db")}` })));
// Not available before Node 22.13. Deno also has it and runs the suite below.
if (nodeHasSqlite) suite("db0: node:sqlite", async () => sql(nodeSqlite({ path: join(folder(), "tokens.db") })));
let postgres;
before(async () => void (postgres = await startPostgres()));
after(async () => postgres?.stop());
suite("db0: PostgreSQL", async () => postgres && postgresStore(postgres.url));
suite("unstorage: Redis", async () => {
  const server = await startRedis();
  if (server === undefined) return undefined;
  const storage = createStorage({ driver: redis({ url: server.url }) });
  const close = async () => {
    await storage.dispose();
    await server.stop();
  };
  return { store: unstorageStore(storage, { immediateRevocation: true }), close };
});

describe("inside workerd", () => {
  let worker;
  before(async () => {
    worker = await startWorker(new URL("stores-worker.mjs", import.meta.url), {
      d1Databases: ["DB"],
      kvNamespaces: ["KV"],
      compatibilityFlags: ["nodejs_compat"], // for node:assert
    });
  });
  after(async () => worker?.dispose());
  for (const name of ["d1", "kv"]) {
    test(name === "d1" ? "db0: Cloudflare D1" : "unstorage: Cloudflare KV", async () => {
      const response = await worker.dispatchFetch(`http://worker/${name}`);
      assertRan(await response.json());
    });
  }
});

const tool = (name) => createRequire(import.meta.url).resolve(`${name}/package.json`);

for (const [name, command, args] of [
  ["unstorage: Deno KV", "deno", ["run", "--no-lock", "--unstable-kv", "--allow-env", "--allow-read", "stores-deno.mjs", "kv"]],
  ["db0: node:sqlite in Deno", "deno", ["run", "--no-lock", "--allow-env", "--allow-read", "stores-deno.mjs", "sqlite"]],
  ["db0: bun:sqlite", "bun", ["run", "stores-bun.mjs"]],
]) {
  test(name, () => {
    const binary = join(tool(command), "../../.bin", command);
    const { stdout, stderr, status } = spawnSync(binary, args, { cwd: import.meta.dirname, encoding: "utf8" });
    assert.equal(status, 0, stderr);
    assertRan(JSON.parse(stdout));
  });
}

function assertRan({ ran, failed }) {
  assert.deepEqual(failed, []);
  assert.equal(ran, Object.keys(cases).length);
}

test("a database enforces its rules for every writer", async () => {
  const { store, database, close } = await sql(libsql({ url: `file:${join(folder(), "raw.db")}` }));
  await store.insert({ id: "1", user: "a", name: "x", hash: "h1", revoked: 5 });
  await store.insert({ id: "2", user: "a", name: "x", hash: "h2", revoked: null });
  const run = (statement) => database.prepare(statement).run();
  await assert.rejects(run("UPDATE tokenlatch_tokens SET revoked = NULL WHERE id = '1'"), /token_revoked/);
  await assert.rejects(run("UPDATE tokenlatch_tokens SET hash = 'h3' WHERE id = '2'"), /token_fixed/);
  await assert.rejects(run("DELETE FROM tokenlatch_tokens"), /token_kept/);
  await assert.rejects(run("INSERT INTO tokenlatch_tokens VALUES ('3', 'a', 'x', 'h3', NULL, '{}')"), /UNIQUE/);
  await close();
});

test("a key-value store removes the revocation after the record, in another run", async () => {
  const storage = createStorage();
  const latch = new Latch({ store: unstorageStore(storage), now: () => 1_800_000_000 });
  await latch.putAccount({ user: "alice", features: "all" });
  await latch.create({ user: "alice", name: "x", access: "full" });
  await latch.rename({ user: "alice", name: "x", newName: "y" });
  await latch.revoke({ user: "alice", names: ["y"] });
  const left = async () => (await storage.getKeys()).map((key) => key.split(":")[1]).sort();
  assert.deepEqual(await left(), ["account", "hash", "name", "revoked", "user"]);
  const later = new Latch({ store: unstorageStore(storage), now: () => 1_800_003_601 });
  assert.equal(await later.prune({ keepRevoked: 3_600 }), 1);
  assert.deepEqual(await left(), ["account", "revoked"]);
  assert.equal(await later.prune({ keepRevoked: 3_600 }), 0);
  assert.deepEqual(await left(), ["account"]);
});

test("changes of one account run in order in a key-value store, and one that hangs delays the next only", async (t) => {
  const storage = createStorage();
  const [store, other] = [unstorageStore(storage), unstorageStore(storage)];
  const { setItem } = storage;
  const generations = new Set();
  storage.setItem = async (key, value) => {
    generations.add(value.generation);
    await new Promise((resolve) => setTimeout(resolve, 20));
    return setItem.call(storage, key, value);
  };
  await Promise.all([store.putAccount({ user: "alice", features: [] }), other.putAccount({ user: "alice", features: "all" })]);
  assert.equal(generations.size, 1);
  await Promise.all([store.putAccount({ user: "alice", features: [] }), other.removeAccount("alice")]);
  assert.equal(await store.account("alice"), null);

  t.mock.timers.enable({ apis: ["setTimeout"] });
  storage.setItem = () => new Promise(() => {});
  void store.putAccount({ user: "alice", features: [] });
  await new Promise(setImmediate);
  storage.setItem = setItem;
  let isStored = false;
  const stored = other.putAccount({ user: "alice", features: "all" }).then(() => (isStored = true));
  await new Promise(setImmediate);
  assert.equal(isStored, false);
  t.mock.timers.tick(2_000);
  await stored;
});

test("a database from before pruning is upgraded", async () => {
  const database = createDatabase(libsql({ url: `file:${join(folder(), "before.db")}` }));
  const first = readFileSync(new URL("../examples/worker/migrations/0001_tokens.sql", import.meta.url), "utf8");
  for (const statement of first.trimEnd().split(";\n")) await database.prepare(statement).run();
  const store = db0Store(database);
  await store.insert({ id: "1", user: "a", name: "x", hash: "h1", revoked: 5 });
  await assert.rejects(store.prune(6), /token_kept/);
  await store.migrate();
  assert.equal(await store.prune(6), 1);
  await database.dispose();
});

test("a damaged record never counts as a live token", async () => {
  const account = { user: "alice", features: "all" };
  const refused = async (store, token) => {
    const verdict = await new Latch({ store, accounts: () => account }).verify(`Bearer ${token}`);
    assert.deepEqual([verdict.allowed, verdict.reason], [false, "store_answer_invalid"]);
  };
  const issue = async (store) => {
    const { token, record } = createToken({ user: "alice", name: "x", access: "full" });
    await store.insert(record, {});
    return { token, record };
  };

  const storage = createStorage();
  const keyValue = unstorageStore(storage);
  for (const junk of ["x", 0, false, {}, [], { revoked: null }, { revoked: "soon" }]) {
    const { token, record } = await issue(unstorageStore(storage, { base: "other" }));
    await storage.setItem(`tokenlatch:hash:${record.hash}`, record);
    await storage.setItem(`tokenlatch:revoked:${record.hash}`, junk);
    await refused(keyValue, token);
    await storage.setItem(`tokenlatch:hash:${record.hash}`, junk);
    await storage.removeItem(`tokenlatch:revoked:${record.hash}`);
    await refused(keyValue, token);
  }

  const { store, database, close } = await sql(libsql({ url: `file:${join(folder(), "damaged.db")}` }));
  for (const [column, junk] of [["record", "{"], ["record", "null"], ["record", "42"], ["record", "{}"], ["revoked", "soon"], ["name", ""]]) {
    const { token, record } = await issue(store);
    await database.prepare(`UPDATE tokenlatch_tokens SET ${column} = ? WHERE id = ?`).run(junk, record.id);
    await refused(store, token);
    if (column !== "revoked") await database.prepare("UPDATE tokenlatch_tokens SET revoked = 1 WHERE id = ?").run(record.id);
  }
  await close();
});

test("a late removal in a key-value store doesn't restore the token", async () => {
  const storage = createStorage();
  const store = unstorageStore(storage);
  const latch = new Latch({ store });
  await latch.putAccount({ user: "alice", features: "all" });
  const { setItem } = storage;
  // The account is removed and created between the check of the account and the write of the record.
  storage.setItem = async (key, value) => {
    if (key.includes(":hash:")) {
      storage.setItem = setItem;
      await latch.removeAccount("alice");
      await latch.putAccount({ user: "alice", features: "all" });
    }
    return setItem.call(storage, key, value);
  };
  const { token } = await latch.create({ user: "alice", name: "late", access: "full" });
  assert.equal((await latch.verify(`Bearer ${token}`)).reason, "account_unknown");
  assert.deepEqual((await latch.list({ user: "alice", includeRevoked: true })).tokens, []);
});

test("accounts from before generations get one, and their tokens keep working", async () => {
  const storage = createStorage();
  await storage.setItem("tokenlatch:account:616c696365", { user: "alice", features: "all" });
  const { store: sqlStore, database, close } = await sql(libsql({ url: `file:${join(folder(), "old.db")}` }));
  await database.exec("DROP TRIGGER tokenlatch_accounts_made");
  await sqlStore.putAccount({ user: "alice", features: "all" });
  for (const store of [unstorageStore(storage), sqlStore]) {
    const latch = new Latch({ store });
    const { token, record } = createToken({ user: "alice", name: "old", access: "full" });
    await store.insert(record, {});
    await store.migrate?.();
    const newer = await latch.create({ user: "alice", name: "newer", access: "full" });
    for (const one of [token, newer.token]) assert.equal((await latch.verify(`Bearer ${one}`)).reason, "ok");
    const before = (await store.account("alice")).generation;
    await latch.removeAccount("alice");
    await latch.putAccount({ user: "alice", features: "all" });
    assert.notEqual((await store.account("alice")).generation, before);
  }
  await close();
});

/** Runs a script in several processes at once. All must succeed. */
async function inProcesses(count, script, more = {}) {
  const children = Array.from({ length: count }, () => spawn(process.execPath, ["--input-type=module", "--eval", script], { cwd: import.meta.dirname, env: { ...process.env, ...more } }));
  return Promise.all(
    children.map(async (child) => {
      let said = "";
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
      const [status] = await once(child, "close");
      return status === 0 ? "ok" : `${status}: ${said}`;
    }),
  );
}

// All begin at the same moment, when every process is ready.
const migrating = (store) => `
  import { createDatabase } from "db0";
  import nodeSqlite from "db0/connectors/node-sqlite";
  import libsql from "db0/connectors/libsql/node";
  import postgresql from "db0/connectors/postgresql";
  import { db0Store } from "tokenlatch/stores/db0";
  const store = db0Store(() => createDatabase(${store}));
  await new Promise((resolve) => setTimeout(resolve, process.env.AT - Date.now()));
  for (let round = 0; round < 5; round += 1) await store.migrate();
  await store.close();
`;

test("any number of processes may create the tables at once, and again", async (t) => {
  if (postgres === undefined) return missing(t, "PostgreSQL");
  const admin = createDatabase(postgresql({ url: postgres.url }));
  for (let round = 0; round < 3; round += 1) {
    await admin.prepare(`CREATE DATABASE fresh_${round}`).run();
    const url = postgres.url.replace(/postgres$/, `fresh_${round}`);
    const script = migrating(`postgresql({ url: ${JSON.stringify(url)} })`);
    // On an empty database, and on one with the tables.
    for (const _ of ["empty", "made"]) {
      assert.deepEqual(await inProcesses(6, script, { AT: String(Date.now() + 1_500) }), Array(6).fill("ok"));
    }
  }
  await admin.dispose();
});

test("any number of processes may create the tables of one SQLite file at once", async () => {
  const path = join(folder(), "shared.db");
  const connector = nodeHasSqlite ? `nodeSqlite({ path: ${JSON.stringify(path)} })` : `libsql({ url: ${JSON.stringify(`file:${path}`)} })`;
  for (const _ of ["empty", "made"]) {
    assert.deepEqual(await inProcesses(6, migrating(connector), { AT: String(Date.now() + 1_500) }), Array(6).fill("ok"));
  }
});

test("a store in PostgreSQL reconnects after every kind of lost connection", async (t) => {
  if (postgres === undefined) return missing(t, "PostgreSQL");
  // A proxy between the store and the database, so that the connection can become silent.
  const sockets = new Set();
  let isSilent = false;
  const { port } = new URL(postgres.url);
  const proxy = createServer((near) => {
    const far = createConnection(Number(port), "127.0.0.1");
    for (const [one, other] of [[near, far], [far, near]]) {
      sockets.add(one);
      one.on("error", () => other.destroy()).on("close", () => other.destroy());
      one.on("data", (bytes) => void (isSilent || other.write(bytes)));
    }
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const { store, close } = await postgresStore(postgres.url.replace(port, proxy.address().port), { application_name: "lost" });
  const latch = new Latch({ store, timeout: 1_000 });
  await latch.putAccount({ user: "lost", features: "all" });
  const { token } = await latch.create({ user: "lost", name: "backup", access: "full" });
  const verified = async () => (await latch.verify(`Bearer ${token}`)).reason;
  const back = async (what) => {
    const began = Date.now();
    for (let reason = "none"; reason !== "ok"; ) {
      assert.ok(Date.now() - began < 15_000, what);
      reason = await verified();
      // Until it is back there are only refusals with a reason.
      if (reason !== "ok") assert.match(reason, /^store_(failed|timeout)$/, what);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  assert.equal(await verified(), "ok");

  const admin = createDatabase(postgresql({ url: postgres.url }));
  await admin.prepare("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'").all();
  await back("the server ended the connection");
  await admin.dispose();

  for (const socket of sockets) socket.destroy();
  await back("the network cut the connection");

  isSilent = true;
  assert.equal(await verified(), "store_timeout");
  isSilent = false;
  await back("the connection fell silent");

  await new Promise((resolve) => {
    proxy.close(resolve);
    for (const socket of sockets) socket.destroy();
  });
  for (const end = Date.now() + 1_000; Date.now() < end; ) assert.match(await verified(), /^store_(failed|timeout)$/);
  await close();
  assert.equal(await verified(), "store_failed");
});

test("PostgreSQL serialises a removal and a creation at the same moment", async (t) => {
  if (postgres === undefined) return missing(t, "PostgreSQL");
  const stores = [];
  for (let index = 0; index < 2; index += 1) stores.push(await postgresStore(postgres.url));
  const [creating, removing] = stores.map(({ store }) => new Latch({ store }));
  for (let round = 0; round < 30; round += 1) {
    const user = `leaving.${round}`;
    await removing.putAccount({ user, features: "all" });
    const [created] = await Promise.allSettled([creating.create({ user, name: "late", access: "full" }), removing.removeAccount(user)]);
    await removing.putAccount({ user, features: "all" });
    assert.equal((await removing.list({ user })).total, 0, `${round}: ${created.status}`);
  }
  await Promise.all(stores.map(({ close }) => close()));
});

test("PostgreSQL keeps names unique and revocations final among many connections", async (t) => {
  if (postgres === undefined) return missing(t, "PostgreSQL");
  const databases = Array.from({ length: 6 }, () => createDatabase(postgresql({ url: postgres.url })));
  const opened = databases.map((database) => db0Store(() => database));
  await opened[0].migrate();
  const count = (answers, wanted) => answers.filter((answer) => answer === wanted).length;
  for (let round = 0; round < 20; round += 1) {
    const user = `race.${round}`;
    const record = (name, index) => ({ id: `${user}.${name}.${index}`, user, name, hash: `${user}.${name}.${index}` });
    const created = await Promise.all(opened.map((store, index) => store.insert(record("same", index))));
    assert.deepEqual([count(created, "stored"), count(created, "name_taken")], [1, opened.length - 1]);

    const mine = opened.map((_, index) => record(`own-${index}`, index));
    await Promise.all(opened.map((store, index) => store.insert(mine[index])));
    const renamed = await Promise.all(opened.map((store, index) => store.rename({ ...mine[index], name: "wanted" })));
    assert.deepEqual([count(renamed, "renamed"), count(renamed, "name_taken")], [1, opened.length - 1]);

    await Promise.all(opened.map((store, index) => (index % 2 === 0 ? store.revoke({ ...mine[0], revoked: index }) : store.rename({ ...mine[0], name: `n${index}` }))));
    const found = await opened[0].find([mine[0].hash]);
    assert.ok([0, 2, 4].includes(found.revoked));
  }
  const run = (statement) => databases[0].prepare(statement).run();
  await assert.rejects(run("UPDATE tokenlatch_tokens SET revoked = NULL WHERE id = 'race.0.own-0.0'"), /token_revoked/);
  await assert.rejects(run("UPDATE tokenlatch_tokens SET hash = 'other' WHERE id = 'race.0.own-1.1'"), /token_fixed/);
  await assert.rejects(run("DELETE FROM tokenlatch_tokens"), /token_kept/);
  await Promise.all(databases.map((database) => database.dispose()));
});

test("refuses a database without unique names, and an invalid base", () => {
  assert.throws(() => db0Store({ dialect: "mysql", prepare() {} }), { code: "store_unsupported" });
  assert.throws(() => db0Store(createDatabase(postgresql({ url: "postgresql://127.0.0.1:1/x" }))), { code: "option_invalid", field: "database", message: /function/ });
  for (const nothing of [() => undefined, () => null, () => ({})]) assert.throws(() => db0Store(nothing), { code: "option_invalid", field: "database" });
  const cached = { prepare() {}, dialect: "postgresql", connector: "cloudflare-hyperdrive-postgresql" };
  assert.throws(() => db0Store(cached), { code: "option_invalid", field: "immediateRevocation" });
  assert.equal(db0Store(cached, { immediateRevocation: false }).capabilities.immediateRevocation, false);
  assert.throws(() => unstorageStore(createStorage(), { base: "a:b" }), { code: "option_invalid", field: "base" });
  for (const nothing of [undefined, null, 42, {}]) {
    assert.throws(() => db0Store(nothing), { code: "option_invalid", field: "database" });
    assert.throws(() => unstorageStore(nothing), { code: "option_invalid", field: "storage" });
    if (nothing !== undefined) assert.throws(() => memoryStore({ records: nothing }), { code: "option_invalid", field: "records" });
  }
  const twice = { id: "1", user: "a", name: "x", hash: "h" };
  assert.throws(() => memoryStore({ records: [twice, twice] }), { code: "option_invalid", field: "records[1]" });
});
