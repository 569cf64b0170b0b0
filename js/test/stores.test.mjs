// The one suite of the stores over every adapter that can run here.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { createRequire } from "node:module";
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

/** The suite over one store. `open` gives it and how to close it, or undefined when something is missing. */
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
// Before Node 22.13 there is none; Deno, which has it too, runs the suite below in any case.
if (nodeHasSqlite) suite("db0: node:sqlite", async () => sql(nodeSqlite({ path: join(folder(), "tokens.db") })));
let postgres;
before(async () => void (postgres = await startPostgres()));
after(async () => postgres?.stop());
suite("db0: PostgreSQL", async () => postgres && sql(postgresql({ url: postgres.url })));
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

test("a database keeps what must never be raced, whoever writes to it", async () => {
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

test("what has been damaged at rest is never taken for a live token", async () => {
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

test("PostgreSQL keeps names unique and revocations final among many connections", async (t) => {
  if (postgres === undefined) return missing(t, "PostgreSQL");
  const databases = Array.from({ length: 6 }, () => createDatabase(postgresql({ url: postgres.url })));
  const opened = databases.map((database) => db0Store(database));
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

test("refuses a database that can't keep names unique, and a base that isn't plain", () => {
  assert.throws(() => db0Store({ dialect: "mysql", prepare() {} }), { code: "store_unsupported" });
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
