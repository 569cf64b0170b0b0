// The follower of signed snapshots in Node, Deno, Bun and workerd, and tests for Node only.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { LatchError, SnapshotFollower } from "tokenlatch";
import { guard } from "tokenlatch/middleware/fetch";

import { Exclusive } from "../dist/runtime/exclusive.js";
import { casesOf } from "./follower-suite.mjs";
import { KEY, startOrigin } from "./origin.mjs";
import { startWorker } from "./worker.mjs";

const here = import.meta.dirname;
let served;
before(async () => void (served = await startOrigin()));
after(async () => served.stop());

describe("in Node", () => {
  for (const behaviour of Object.keys(casesOf(""))) test(behaviour, async () => casesOf(served.url)[behaviour]());
});

function assertRan({ ran, failed }) {
  assert.deepEqual(failed, []);
  assert.equal(ran, Object.keys(casesOf("")).length);
}

const tool = (name) => join(createRequire(import.meta.url).resolve(`${name}/package.json`), "../../.bin", name);
for (const [name, args] of [
  ["deno", ["run", "--no-lock", "--allow-net", "--allow-env", "--allow-read", "follower-deno.mjs"]],
  ["bun", ["run", "follower-bun.mjs"]],
]) {
  test(`the same in ${name}`, async () => {
    const child = spawn(tool(name), [...args, served.url], { cwd: here, stdio: ["ignore", "pipe", "pipe"] });
    let [out, err] = ["", ""];
    child.stdout.on("data", (text) => void (out += text));
    child.stderr.on("data", (text) => void (err += text));
    const [status] = await once(child, "close");
    assert.equal(status, 0, err);
    assertRan(JSON.parse(out));
  });
}

test("the same in workerd", async () => {
  const worker = await startWorker(new URL("follower-worker.mjs", import.meta.url), {
    compatibilityFlags: ["nodejs_compat"], // for node:assert
  });
  try {
    const response = await worker.dispatchFetch(`http://worker/?origin=${encodeURIComponent(served.url)}`);
    assertRan(await response.json());
  } finally {
    await worker.dispose();
  }
});

test("a follower doesn't keep a process alive", () => {
  served.origin.reset();
  const script = `
    import { SnapshotFollower } from "tokenlatch";
    const follower = new SnapshotFollower({ url: process.argv[1], publicKeys: [process.argv[2]], interval: 60_000 });
    follower.start();
    await follower.poll();
    console.log(follower.ready);`;
  const began = Date.now();
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "--eval", script, "http://127.0.0.1:9", KEY.publicHex], { cwd: join(here, ".."), encoding: "utf8", timeout: 20_000 });
  assert.deepEqual([status, stdout, stderr], [0, "false\n", ""]);
  assert.ok(Date.now() - began < 10_000);
});

test("no rejected promise is unhandled", () => {
  const script = `
    import { SnapshotFollower } from "tokenlatch";
    const follower = new SnapshotFollower({ url: "http://127.0.0.1:9", publicKeys: [process.argv[1]], onError() { throw new Error("x"); }, timeout: 20 });
    follower.start();
    setTimeout(() => void follower.stop(), 1_500);`;
  const { stderr, status } = spawnSync(process.execPath, ["--input-type=module", "--eval", script, KEY.publicHex], { cwd: join(here, ".."), encoding: "utf8", timeout: 20_000 });
  assert.deepEqual([status, stderr], [0, ""]);
});

test("an attempt whose request has ended, and its timers with it, is replaced", async () => {
  const exclusive = new Exclusive();
  const lost = exclusive.run(30, () => new Promise(() => {}));
  let [last, runs] = [undefined, 0];
  await exclusive.run(30, async (attempt) => void ((last = attempt), (runs += 1)));
  assert.deepEqual([runs, last.isActive], [1, false]);
  // Callers that come during an attempt wait for it and don't start another.
  const running = exclusive.run(1_000, () => pause(50));
  await Promise.all([exclusive.run(1_000, async () => void (runs += 1)), exclusive.run(1_000, async () => void (runs += 1))]);
  assert.equal(runs, 1);
  await running;
  assert.equal(await Promise.race([lost, pause(10).then(() => "unsettled")]), "unsettled");
});

test("a middleware accepts a follower", async () => {
  served.origin.reset();
  const { token, id } = served.origin.issue();
  const follower = new SnapshotFollower({ url: served.url, publicKeys: [KEY.publicHex], usage: false });
  const notes = [];
  const handler = guard(follower, { onRefusal: ({ status, reason }) => void notes.push([status, reason]) }, (request, identity) => {
    assert.equal(request.headers.get("Authorization"), null);
    return Response.json(identity);
  });
  const ask = async (authorization) => handler(new Request("http://h/", { headers: { Authorization: authorization } }));
  const early = await ask(`Bearer ${token}`);
  assert.equal(early.status, 503);
  await follower.poll();
  const admitted = await ask(`Bearer ${token}`);
  const identity = { user: "alice", id, name: "t0", expires: null, access: "full", readOnly: false };
  assert.deepEqual([admitted.status, await admitted.json()], [200, { ...identity, expires: served.origin.records[0].expires }]);
  assert.equal((await ask("Bearer x")).status, 401);
  assert.deepEqual(notes, [[503, "snapshot_missing"], [401, "header_malformed"]]);
});

test("a polluted prototype doesn't make two calls equal", async () => {
  served.origin.reset();
  const { token } = served.origin.issue({ access: { features: ["backup"] } });
  const follower = new SnapshotFollower({ url: served.url, publicKeys: [KEY.publicHex], usage: false });
  await follower.poll();
  assert.equal(follower.verify(`Bearer ${token}`, { feature: "backup", writes: false }).reason, "ok");
  const reason = follower.verify(`Bearer ${token}`, { writes: false }).reason;
  assert.notEqual(reason, "ok");
  const other = new SnapshotFollower({ url: served.url, publicKeys: [KEY.publicHex], usage: false });
  await other.poll();
  try {
    Object.prototype.feature = "backup";
    assert.equal(other.verify(`Bearer ${token}`, { feature: "backup", writes: false }).reason, "ok");
    assert.equal(other.verify(`Bearer ${token}`, { writes: false }).reason, reason);
  } finally {
    delete Object.prototype.feature;
  }
});

test("invalid options are refused at once, without quoting a secret", () => {
  const good = { url: "https://origin.example", publicKeys: [KEY.publicHex] };
  assert.ok(new SnapshotFollower(good));
  for (const [field, options] of [
    ["options", null],
    ["url", { ...good, url: "ftp://origin.example" }],
    ["url", { ...good, url: "origin" }],
    ["url", { ...good, url: "https://root:SECRET@origin.example" }],
    ["url", { ...good, url: "https://origin.example?token=SECRET" }],
    ["url", { ...good, url: "http://origin.example", authorization: "whm root:SECRET" }],
    ["authorization", { ...good, authorization: "whm root:SECRET\n" }],
    ["authorization", { ...good, authorization: "" }],
    ["authorization", { ...good, authorization: 7 }],
    ["store", { ...good, store: { get() {} } }],
    ["interval", { ...good, interval: 5 }],
    ["wait", { ...good, wait: 0 }],
    ["maxAge", { ...good, maxAge: 1.5 }],
    ["timeout", { ...good, timeout: Number.NaN }],
    ["usage", { ...good, usage: true }],
    ["usage.interval", { ...good, usage: {} }],
    ["fetch", { ...good, fetch: "fetch" }],
    ["onError", { ...good, onError: 1 }],
    ["pollInterval", { ...good, pollInterval: 5 }],
  ]) {
    assert.throws(() => new SnapshotFollower(options), (error) => {
      assert.ok(error instanceof LatchError);
      assert.deepEqual([error.code, error.field], ["option_invalid", field]);
      assert.ok(!error.stack.includes("SECRET"));
      return true;
    });
  }
  for (const publicKeys of [[], ["00"], ["zz".repeat(32)], "x", undefined]) {
    assert.throws(() => new SnapshotFollower({ ...good, publicKeys }), (error) => typeof error.code === "string");
  }
});

test("the token for the origin is sent over plain http to this machine only, unless `fetch` is custom", () => {
  const good = { publicKeys: [KEY.publicHex], authorization: "whm root:SECRET" };
  const isTaken = (url, more = {}) => {
    try {
      return new SnapshotFollower({ ...good, url, ...more }) instanceof SnapshotFollower;
    } catch (error) {
      assert.ok(error instanceof LatchError);
      assert.deepEqual([error.code, error.field], ["option_invalid", "url"]);
      assert.match(error.message, /must begin with https:\/\//);
      return false;
    }
  };
  for (const host of ["localhost", "LOCALHOST:2086", "127.0.0.1:2086", "127.1", "127.255.255.254", "[::1]:2086", "[0:0:0:0:0:0:0:1]"]) {
    assert.equal(isTaken(`http://${host}`), true, host);
  }
  for (const host of [
    "origin.example:2086", "10.0.0.1", "192.0.2.7", "128.0.0.1", "0.0.0.0", "[::]", "[::2]", "[2001:db8::1]",
    "localhost.example", "notlocalhost", "127.0.0.1.example", "x127.0.0.1.example",
  ]) {
    assert.equal(isTaken(`http://${host}`), false, host);
    assert.equal(isTaken(new URL(`http://${host}`), { authorization: () => "whm root:SECRET" }), false, host);
    assert.equal(isTaken(`https://${host}`), true, host);
    assert.equal(isTaken(`http://${host}`, { authorization: undefined }), true, host);
    assert.equal(isTaken(`http://${host}`, { fetch: async () => new Response(null, { status: 204 }) }), true, host);
  }
});
