// The example worker in real workerd, with D1, in front of an origin: a project with the packed package installed.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

import { createToken } from "tokenlatch";
import { schema } from "tokenlatch/stores/db0";

import { firstToken } from "../examples/worker/first-token.mjs";
import { temporaryFolder } from "./services.mjs";
import { startWorker } from "./worker.mjs";

const js = fileURLToPath(new URL("..", import.meta.url));
const example = new URL("../examples/worker/", import.meta.url);
const now = Math.floor(Date.now() / 1000);
const folderOfMigrations = new URL("migrations/", example);
/** The statements of each migration, in order. */
const migrations = readdirSync(folderOfMigrations).sort().map((name) => readFileSync(new URL(name, folderOfMigrations), "utf8").trimEnd().split(";\n"));

/** Copies the example beside the files of the tarball of `npm pack`, as in an installation. */
function project() {
  const folder = temporaryFolder();
  const run = (command, ...args) => {
    const { status, stderr } = spawnSync(command, args, { cwd: js, encoding: "utf8" });
    assert.equal(status, 0, stderr);
  };
  run("npm", "pack", "--ignore-scripts", "--silent", "--pack-destination", folder);
  const [tarball] = readdirSync(folder);
  const installed = join(folder, "node_modules/tokenlatch");
  mkdirSync(installed, { recursive: true });
  run("tar", "-xzf", join(folder, tarball), "-C", installed, "--strip-components=1");
  symlinkSync(join(js, "node_modules/db0"), join(folder, "node_modules/db0"));
  cpSync(fileURLToPath(example), join(folder, "worker"), { recursive: true });
  return folder;
}

describe("the example worker", () => {
  let worker;
  const folder = project();
  const forwarded = [];

  before(async () => {
    worker = await startWorker(pathToFileURL(join(folder, "worker/src/index.ts")), {
      bindings: { ORIGIN: "http://origin.test" },
      d1Databases: ["DB", "UPGRADED", "FRESH"],
      outboundService: async (request) => {
        forwarded.push({ url: request.url, headers: Object.fromEntries(request.headers), body: await request.text() });
        return new Response(`origin for ${request.headers.get("X-Token-User")}`);
      },
    });
    for (const migration of migrations) await execute(migration);
  });
  after(async () => {
    await worker?.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  async function execute(statements, name = "DB") {
    const database = await worker.getD1Database(name);
    for (const statement of statements) await database.prepare(statement).run();
  }

  async function issued(options) {
    const { token, statements } = firstToken({ access: "full", ...options });
    await execute(statements);
    return token;
  }

  async function ask(authorization, { path = "/files", ...init } = {}) {
    const headers = authorization === undefined ? {} : { Authorization: authorization };
    const response = await worker.dispatchFetch(`http://worker${path}`, { ...init, headers: { ...headers, ...init.headers } });
    return { status: response.status, headers: response.headers, body: await response.text() };
  }

  test("the migrations lead to the schema of the store, also from an installed one", async () => {
    const [first, ...later] = migrations;
    const rows = async (name, query) => (await (await worker.getD1Database(name)).prepare(query).all()).results;
    await execute(first, "UPGRADED");
    await execute([`INSERT INTO tokenlatch_accounts (user_name, account) VALUES ('alice', '{"user":"alice","features":"all"}')`], "UPGRADED");
    for (const migration of later) await execute(migration, "UPGRADED");
    await execute(schema("sqlite"), "FRESH");
    const made = "SELECT type, name, sql FROM sqlite_master WHERE tbl_name LIKE 'tokenlatch%' ORDER BY type, name";
    assert.deepEqual(await rows("UPGRADED", made), await rows("FRESH", made));
    const [{ generation }] = await rows("UPGRADED", "SELECT generation FROM tokenlatch_generations WHERE user_name = 'alice'");
    assert.match(generation, /^[0-9a-f]{32}$/);
  });

  test("admits a valid token and forwards its user, but not the token", async () => {
    const token = await issued({ user: "alice", name: "good" });
    for (const authorization of [`Bearer ${token}`, `cpanel alice:${token}`, `CPANEL  alice:${token}`]) {
      forwarded.length = 0;
      const headers = { "X-Token-User": "root", "X-Other": "kept" };
      const { status, body } = await ask(authorization, { path: "/a/b?c=d", method: "POST", body: "content", headers });
      assert.deepEqual([status, body], [200, "origin for alice"]);
      assert.equal(forwarded[0].url, "http://origin.test/a/b?c=d");
      assert.equal(forwarded[0].body, "content");
      assert.equal(forwarded[0].headers["x-token-user"], "alice");
      assert.equal(forwarded[0].headers["x-token-name"], "good");
      assert.equal(forwarded[0].headers["x-other"], "kept");
      assert.ok(!JSON.stringify(forwarded).includes(token));
    }
  });

  test("refuses missing, malformed, unknown, expired and wrong-user tokens with the same 401", async () => {
    const token = await issued({ user: "alice", name: "a" });
    const expired = await issued({ user: "alice", name: "expired", now: now - 100, expires: now - 50 });
    const expected = JSON.stringify({ type: "about:blank", title: "Unauthorized", status: 401 });
    forwarded.length = 0;
    for (const authorization of [
      undefined,
      "",
      "Bearer",
      "Bearer short",
      `Basic ${token}`,
      `Bearer ${token}x`,
      `Bearer ${token}, Bearer ${token}`,
      `Bearer ${"A".repeat(32)}`,
      `cpanel bob:${token}`,
      `whm alice:${token}`,
      `Bearer ${expired}`,
    ]) {
      const { status, headers, body } = await ask(authorization);
      assert.deepEqual([status, body], [401, expected], authorization);
      const [challenge, type, cache] = ["WWW-Authenticate", "Content-Type", "Cache-Control"].map((name) => headers.get(name));
      assert.deepEqual([challenge, type, cache], ['Bearer realm="tokenlatch"', "application/problem+json", "no-store"]);
    }
    assert.deepEqual(forwarded, []);
  });

  test("refuses a valid token without permission with 403", async () => {
    const limited = await issued({ user: "alice", name: "limited", access: { features: ["mail"] } });
    const readOnly = await issued({ user: "alice", name: "reads", readOnly: true });
    const elsewhere = await issued({ user: "alice", name: "elsewhere", addresses: ["192.0.2.0/24"] });
    const body = JSON.stringify({ type: "about:blank", title: "Forbidden", status: 403 });
    for (const [token, init] of [[limited, {}], [readOnly, { method: "POST" }], [elsewhere, {}]]) {
      const answer = await ask(`Bearer ${token}`, init);
      assert.deepEqual([answer.status, answer.body], [403, body]);
    }
    assert.equal((await ask(`Bearer ${readOnly}`)).status, 200);
    const inside = { headers: { "CF-Connecting-IP": "192.0.2.7" } };
    assert.equal((await ask(`Bearer ${elsewhere}`, { headers: { "X-Forwarded-For": "192.0.2.7" } })).status, 403);
    assert.equal((await ask(`Bearer ${elsewhere}`, inside)).status, 200);
  });

  test("a revocation is in force at the next request", async () => {
    const manager = await issued({ user: "carol", name: "manager" });
    const created = await ask(`Bearer ${manager}`, { path: "/tokens?name=script", method: "POST" });
    assert.deepEqual([created.status, created.headers.get("Cache-Control")], [201, "no-store"]);
    const { token } = JSON.parse(created.body);
    assert.equal((await ask(`Bearer ${manager}`, { path: "/tokens?name=script", method: "POST" })).status, 400);
    assert.equal((await ask(`Bearer ${token}`)).status, 200);
    const listed = JSON.parse((await ask(`Bearer ${manager}`, { path: "/tokens" })).body);
    assert.deepEqual(listed.tokens.map((one) => one.name), ["manager", "script"]);
    const revoked = await ask(`Bearer ${manager}`, { path: "/tokens?name=script", method: "DELETE" });
    assert.deepEqual([revoked.status, JSON.parse(revoked.body).immediate], [200, true]);
    assert.equal((await ask(`Bearer ${token}`)).status, 401);
    assert.equal((await ask(`Bearer ${manager}`)).status, 200);
  });

  test("forwards to its origin only, without claims of the client", async () => {
    const token = await issued({ user: "gina", name: "hostile" });
    forwarded.length = 0;
    const claims = { "X-Token-User": "root", "X_Token_User": "root", "X-Forwarded-For": "192.0.2.7", "X-HTTP-Method-Override": "DELETE", "X-Original-URL": "/tokens" };
    const paths = ["//evil.example/steal", "///evil.example", "/\\\\evil.example/x", "//user@evil.example:99/x", "/https://evil.example/", "/%2f/evil.example", "/..//evil.example", "/x?//evil.example#//evil.example"];
    for (const path of paths) assert.equal((await ask(`Bearer ${token}`, { path, headers: claims })).status, 200, path);
    assert.equal(forwarded.length, paths.length);
    for (const { url, headers } of forwarded) {
      assert.equal(new URL(url).host, "origin.test");
      assert.equal(headers["x-token-user"], "gina");
      for (const name of Object.keys(claims).slice(1)) assert.equal(headers[name.toLowerCase()], undefined, name);
    }
  });

  test("a limited, short-lived, bound token creates and manages only tokens within its access", async () => {
    await issued({ user: "hugo", name: "full" });
    const narrow = { access: { features: ["apitokens", "backup"] }, addresses: ["192.0.2.0/24"], expires: now + 600 };
    const token = await issued({ user: "hugo", name: "narrow", ...narrow });
    const headers = { "CF-Connecting-IP": "192.0.2.7" };
    const tokens = async (method, query = "") => ask(`Bearer ${token}`, { path: `/tokens${query}`, method, headers });
    const created = await tokens("POST", "?name=child&access=full&expires=never&readOnly=0&user=root");
    assert.equal(created.status, 201);
    const { description } = JSON.parse(created.body);
    assert.deepEqual([description.access, description.addresses, description.expires, description.user], [narrow.access, narrow.addresses, narrow.expires, "hugo"]);
    assert.deepEqual(JSON.parse((await tokens("GET")).body).tokens.map((one) => one.name), ["child", "narrow"]);
    assert.deepEqual(JSON.parse((await tokens("DELETE", "?name=full")).body).unknown, ["full"]);
  });

  test("creates tokens by POST only", async () => {
    const token = await issued({ user: "ivy", name: "full" });
    for (const method of ["HEAD", "PUT", "PATCH", "OPTIONS", "MKCOL"]) {
      const { status, body } = await ask(`Bearer ${token}`, { path: `/tokens?name=${method}`, method });
      assert.deepEqual([status, body], [405, ""], method);
    }
    assert.deepEqual(JSON.parse((await ask(`Bearer ${token}`, { path: "/tokens" })).body).tokens.map((one) => one.name), ["full"]);
  });

  test("answers 200 requests at once without an error", async () => {
    const token = await issued({ user: "dave", name: "many" });
    const { token: unknown } = createToken({ user: "dave", name: "unknown", access: "full" });
    const wanted = Array.from({ length: 200 }, (_, index) => (index % 4 === 3 ? [`Bearer ${unknown}`, 401] : [`Bearer ${token}`, 200]));
    const started = performance.now();
    const statuses = await Promise.all(wanted.map(async ([authorization]) => (await ask(authorization)).status));
    assert.deepEqual(statuses, wanted.map(([, status]) => status));
    console.log(`200 requests at once in ${Math.round(performance.now() - started)} ms`);
  });

  test("refuses with 503 when the database fails", async () => {
    const token = await issued({ user: "erin", name: "last" });
    await execute(["ALTER TABLE tokenlatch_tokens RENAME TO away"]);
    const { status, body } = await ask(`Bearer ${token}`);
    assert.deepEqual([status, body], [503, JSON.stringify({ type: "about:blank", title: "Service Unavailable", status: 503 })]);
    await execute(["ALTER TABLE away RENAME TO tokenlatch_tokens"]);
    assert.equal((await ask(`Bearer ${token}`)).status, 200);
  });
});
