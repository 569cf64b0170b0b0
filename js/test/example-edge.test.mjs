// The example edge in real workerd, with its Durable Object, an origin and a backend: no database anywhere.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { rmSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { temporaryFolder } from "./services.mjs";
import { KEY, startOrigin } from "./origin.mjs";
import { startWorker } from "./worker.mjs";

const folder = temporaryFolder();

describe("the example edge", () => {
  let worker;
  let served;
  let backend;
  const seen = [];
  const tokens = [];
  let logged = "";

  const options = () => ({
    bindings: { ORIGIN: served.url, ORIGIN_TOKEN: "edge:SECRET", PUBLIC_KEYS: KEY.publicHex, BACKEND: `http://127.0.0.1:${backend.address().port}` },
    durableObjects: { FOLLOWER: { className: "Follower", useSQLite: true } },
    durableObjectsPersist: folder,
    // Its log is checked at the end.
    handleRuntimeStdio: (...streams) => streams.forEach((stream) => stream.on("data", (text) => void (logged += text))),
  });
  const started = async () => startWorker(new URL("../examples/edge/src/index.ts", import.meta.url), options());

  before(async () => {
    served = await startOrigin();
    backend = createServer((request, response) => {
      seen.push({ ...request.headers, url: request.url });
      response.end(`for ${request.headers["x-token-user"]}`);
    });
    // On a busy machine workerd may send requests over connections that were just closed as idle.
    backend.keepAliveTimeout = 120_000;
    await new Promise((resolve) => backend.listen(0, "127.0.0.1", resolve));
    worker = await started();
  });
  after(async () => {
    await worker?.dispose();
    backend.close();
    await served.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function ask(token, { path = "/v1/backups/7?b=c", headers: more = {}, ...init } = {}) {
    if (token !== undefined) tokens.push(token);
    const headers = { "X-Token-User": "root", ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }), ...more };
    const response = await worker.dispatchFetch(`http://worker${path}`, { headers, ...init });
    return [response.status, await response.text()];
  }

  async function until(what, holds, milliseconds = 5_000) {
    const began = Date.now();
    while (!(await holds())) {
      assert.ok(Date.now() - began < milliseconds, `not within ${milliseconds} ms: ${what}`);
      await pause(20);
    }
    return Date.now() - began;
  }
  const isAdmitted = async (token) => (await ask(token))[0] === 200;

  test("admits by the origin's table, and forwards the user of a request", async () => {
    const { token } = served.origin.issue();
    assert.deepEqual(await ask(token), [200, "for alice"]);
    assert.equal((await ask("x"))[0], 401);
    assert.equal((await ask())[0], 401);
    assert.ok(!JSON.stringify(seen).includes(token));
    assert.ok(!JSON.stringify(seen).includes("root"));
  });

  test("200 requests are answered from memory: the origin gets none of them", async () => {
    const { token } = served.origin.issue();
    await until("it is known", () => isAdmitted(token));
    const before = served.origin.asked.length;
    const statuses = await Promise.all(Array.from({ length: 200 }, async () => (await ask(token))[0]));
    assert.deepEqual(new Set(statuses), new Set([200]));
    assert.ok(served.origin.asked.length - before < 10, String(served.origin.asked.slice(before)));
  });

  test("a revocation is in force within two seconds", async () => {
    const issued = served.origin.issue();
    await until("it is known", () => isAdmitted(issued.token));
    served.origin.revoke(issued);
    const lag = await until("it is revoked", async () => !(await isAdmitted(issued.token)), 2_000);
    console.log(`revoked at the edge after ${lag} ms`);
  });

  test("a read-only token may read", async () => {
    const { token } = served.origin.issue({ user: "bob", access: { features: ["mail"] } });
    await until("it is known", async () => (await ask(token))[0] === 403);
    const reads = served.origin.issue({ readOnly: true });
    await until("it is known", () => isAdmitted(reads.token));
    assert.equal((await ask(reads.token, { method: "DELETE" }))[0], 403);
    assert.equal((await ask(reads.token, { path: "/v1/backups", method: "POST", body: "x" }))[0], 403);
    assert.equal((await ask(reads.token, { method: "HEAD" }))[0], 200);
  });

  test("refuses what no route names, and paths that servers read differently", async () => {
    const full = served.origin.issue();
    const limited = served.origin.issue({ access: { features: ["backup"] } });
    await until("they are known", async () => (await isAdmitted(full.token)) && (await isAdmitted(limited.token)));
    seen.length = 0;
    for (const path of ["/", "/v1", "/v1/other", "/v1/backups/7/8", "//evil.example/steal", "/\\evil.example", "/..//evil.example", "/v1/backups/%37", "/v1/backups/7?_method=DELETE"]) {
      for (const { token } of [full, limited]) assert.equal((await ask(token, { path }))[0], 403, path);
    }
    for (const path of ["/v1/backups/", "/V1/backups", "/status/"]) assert.equal((await ask(limited.token, { path }))[0], 403, path);
    assert.equal((await ask(full.token, { method: "PUT", body: "x" }))[0], 403);
    assert.deepEqual(seen, []);
    assert.deepEqual(await ask(full.token, { path: "/x/../v1/backups/7" }), [200, "for alice"]);
    assert.equal(seen[0].url, "/v1/backups/7");
  });

  test("a public route needs no token, and forwards no identity", async () => {
    const { token } = served.origin.issue();
    await until("it is known", () => isAdmitted(token));
    for (const one of [undefined, "x", token]) {
      seen.length = 0;
      assert.deepEqual(await ask(one, { path: "/status?a", headers: { X_Token_User: "root" } }), [200, "for undefined"]);
      assert.deepEqual([seen[0].url, seen[0].x_token_user, seen[0].authorization], ["/status?a", undefined, undefined]);
    }
    assert.equal((await ask(undefined, { path: "/status", method: "POST", body: "x" }))[0], 401);
  });

  test("forwards to its backend only, without claims of the client", async () => {
    const { token } = served.origin.issue();
    await until("it is known", () => isAdmitted(token));
    const claims = { "X_Token_User": "root", "X-Forwarded-Host": "evil.example", "X-Method-Override": "DELETE" };
    seen.length = 0;
    assert.deepEqual(await ask(token, { headers: claims }), [200, "for alice"]);
    assert.deepEqual(seen.map((one) => [one.url, one["x_token_user"], one["x-forwarded-host"], one["x-method-override"]]), [["/v1/backups/7?b=c", undefined, undefined, undefined]]);
  });

  test("uses arrive at the origin", async () => {
    const { token, id } = served.origin.issue();
    await until("it is known", () => isAdmitted(token));
    await until("they are reported", async () => (await ask(token), served.origin.uses[id] !== undefined), 15_000);
    assert.ok(served.origin.uses[id].uses > 0);
  });

  test("a restarted edge decides by the saved table, refuses when it is too old, and recovers", async () => {
    const { token } = served.origin.issue();
    await until("it is known", () => isAdmitted(token));
    served.origin.set({ isCut: true });
    await worker.dispose();
    worker = await started();
    assert.deepEqual(await ask(token), [200, "for alice"]);
    served.origin.set({ isCut: false, maxAge: 2 });
    const short = served.origin.issue();
    await until("the shorter age is known", () => isAdmitted(short.token));
    served.origin.set({ isCut: true });
    await until("it is stale", async () => (await ask(token))[0] === 503, 8_000);
    assert.match((await ask(token))[1], /Service Unavailable/);
    assert.equal((await ask(undefined, { path: "/status" }))[0], 200);
    served.origin.set({ isCut: false });
    await until("it is back", () => isAdmitted(token), 8_000);
  });

  test("logs reasons, and no secrets", () => {
    assert.match(logged, /"reason":"snapshot_stale"/);
    assert.match(logged, /"code":"origin_failed"/);
    for (const secret of ["SECRET", ...tokens.filter((token) => token.length > 20)]) assert.ok(!logged.includes(secret));
  });
});
