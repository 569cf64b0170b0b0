// A follower against the native origin: `tokenlatch serve --snapshot-key` over its own database. The binary is the
// workspace's, or the one that TOKENLATCH_BINARY names.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { SnapshotFollower } from "tokenlatch";

import { freePort, missing, temporaryFolder } from "./services.mjs";

const workspace = join(import.meta.dirname, "../../target");
const binary = [process.env.TOKENLATCH_BINARY, join(workspace, "release/tokenlatch"), join(workspace, "debug/tokenlatch")].find(
  (path) => path !== undefined && existsSync(path) && spawnSync(path, ["snapshot", "--help"]).status === 0,
);

describe("a follower of the native origin", { skip: binary === undefined && process.env.TOKENLATCH_REQUIRE_ALL !== "1" }, () => {
  const folder = temporaryFolder();
  const env = { ...process.env, TOKENLATCH_DATABASE: join(folder, "tokens.db") };
  const errors = [];
  let server;
  let url;
  let publicKey;
  let edgeToken;

  function run(...args) {
    const { stdout, stderr, status } = spawnSync(binary, ["--json", ...args], { cwd: folder, env, encoding: "utf8" });
    assert.equal(status, 0, `${args.join(" ")}: ${stderr}`);
    return JSON.parse(stdout);
  }
  const issue = (name, ...more) => run("token", "create", "--user", "alice", "--name", name, "--full", ...more).token;
  const textOf = (token) => (typeof token === "string" ? token : token.token);

  async function serve(...more) {
    const child = spawn(
      binary,
      ["serve", "--http", "--listen", `127.0.0.1:${await freePort()}`, "--admin-listen", new URL(url).host, "--snapshot-key", "key", "--usage-interval", "1", ...more],
      { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] },
    );
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => void (said += text));
    for (let attempt = 0; !(await fetch(`${url}/health`).then(({ ok }) => ok, () => false)); attempt += 1) {
      if (child.exitCode !== null || attempt > 300) throw new Error(said);
      await pause(50);
    }
    return { said: () => said, stop: async () => (child.kill("SIGTERM"), new Promise((resolve) => child.once("exit", resolve))) };
  }

  async function until(what, holds, milliseconds = 10_000) {
    const began = performance.now();
    while (!(await holds())) {
      assert.ok(performance.now() - began < milliseconds, `not within ${milliseconds} ms: ${what}; ${errors.map(({ message }) => message)}`);
      await pause(2);
    }
    return performance.now() - began;
  }

  const follower = (more = {}) =>
    new SnapshotFollower({
      url,
      publicKeys: [publicKey],
      authorization: `whm root:${edgeToken}`,
      usage: { interval: 200 },
      onError: (error) => void errors.push(error),
      ...more,
    });

  before(async (t) => {
    if (binary === undefined) return missing(t, "the native binary");
    publicKey = run("snapshot", "keygen", "key").publicKey;
    run("account", "add", "root", "--all-features");
    run("account", "add", "alice", "--all-features");
    run("account", "administrator", "root", "on");
    const rights = "snapshot-read,usage-report";
    edgeToken = textOf(run("token", "create", "--user", "root", "--name", "edge", "--features", rights, "--realm", "admin").token);
    url = `http://127.0.0.1:${await freePort()}`;
    server = await serve();
  });
  after(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("catches up, and gets a creation and a revocation at once", async () => {
    const edge = follower();
    edge.start();
    await until("the first snapshot", () => edge.ready);
    const reason = (token) => edge.verify(`Bearer ${token}`).reason;
    const lags = [];
    for (let round = 0; round < 5; round += 1) {
      const token = textOf(issue(`t${round}`));
      await until("created", () => reason(token) === "ok");
      const { id, name, user } = edge.verify(`cpanel alice:${token}`);
      assert.deepEqual([user, name, typeof id], ["alice", `t${round}`, "string"]);
      run("token", "revoke", "--user", "alice", `t${round}`);
      // Another process wrote it into the database, which the server polls every 250 ms.
      lags.push(await until("revoked", () => reason(token) === "token_revoked", 2_000));
    }
    console.log(`revocations by another process known after ${lags.map(Math.round)} ms of the command's end`);
    await edge.stop();
    assert.deepEqual(errors, []);
  });

  test("usage reports arrive once", async () => {
    const token = textOf(issue("used"));
    const edge = follower();
    await edge.poll();
    for (let round = 0; round < 7; round += 1) assert.equal(edge.verify(`Bearer ${token}`).allowed, true);
    await edge.stop();
    assert.deepEqual(edge.state.usage, { waiting: 0, lost: 0 });
    const listed = JSON.stringify(run("token", "list", "--user", "alice"));
    assert.match(listed, /"uses":7/);
  });

  test("a restart of the origin is a pause without loss", async () => {
    const token = textOf(issue("kept"));
    const edge = follower({ interval: 100 });
    edge.start();
    await until("it is known", () => edge.verify(`Bearer ${token}`).allowed);
    await server.stop();
    await until("a failure", () => edge.state.failures > 0);
    assert.equal(edge.verify(`Bearer ${token}`).allowed, true);
    const later = textOf(issue("later"));
    server = await serve();
    await until("the later one is known", () => edge.verify(`Bearer ${later}`).allowed, 20_000);
    await edge.stop();
  });

  test("a wrong key, a wrong token and one of the account's realm are refused", async () => {
    assert.equal((await follower({ publicKeys: ["d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"] }).poll()).error.code, "snapshot_signature");
    const { error } = await follower({ authorization: `whm root:${"A".repeat(32)}` }).poll();
    assert.deepEqual([error.code, error.message], ["origin_failed", "the origin answered with status 401"]);
    assert.equal((await follower({ authorization: `whm alice:${textOf(issue("plain"))}` }).poll()).error.code, "origin_failed");
    assert.ok(!server.said().includes(edgeToken));
  });
});
