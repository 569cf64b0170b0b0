// The installed package through bundlers, and what they built in Chromium and in Next.js.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";

import { executable } from "../browser/chromium.mjs";
import { shown } from "./browser.mjs";
import { project, run, tool } from "./project.mjs";

/** Fails where nothing may be skipped. */
function missing(t, what) {
  if (process.env.TOKENLATCH_REQUIRE_ALL === "1") assert.fail(what);
  t.skip(what);
}

test("a Vite project in Chromium", async (t) => {
  const folder = project("vite", { type: "module" });
  run(folder, "vite", "build", "--logLevel", "warn");
  if (executable === undefined) return missing(t, "Chromium isn't installed");
  assert.equal(await shown(join(folder, "dist")), "ok true");
});

test("an esbuild project in Chromium", async (t) => {
  const folder = project("esbuild", { type: "module" });
  run(folder, "esbuild", "main.js", "--bundle", "--format=esm", "--minify", "--outfile=out.js", "--log-level=warning");
  if (executable === undefined) return missing(t, "Chromium isn't installed");
  assert.equal(await shown(folder), "ok true");
});

test("one file for Node, by esbuild, from the entry point that carries the module", () => {
  const folder = project("esbuild", { type: "module" });
  run(folder, "esbuild", "server.js", "--bundle", "--platform=node", "--format=esm", "--outfile=alone/server.mjs", "--log-level=warning");
  run(folder, process.execPath, "-e", "require('node:fs').rmSync('node_modules', { recursive: true })");
  assert.equal(run(folder, process.execPath, "alone/server.mjs"), "ok");
});

test("a Next.js route on the edge runtime, and a guarded one in Node", async () => {
  const folder = project("next");
  run(folder, process.execPath, tool("next/dist/bin/next"), "build");
  const server = spawn(process.execPath, [tool("next/dist/bin/next"), "start", "--port", "0", "--hostname", "127.0.0.1"], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  try {
    let said = "";
    while (!/http:\/\/127\.0\.0\.1:\d+/.test(said)) said += (await once(server.stdout, "data"))[0];
    const [origin] = said.match(/http:\/\/127\.0\.0\.1:\d+/);
    const answer = await fetch(`${origin}/api/verify`);
    assert.equal(await answer.text(), "ok string");
    const token = await (await fetch(`${origin}/api/guarded`)).text();
    const ask = async (authorization) => fetch(`${origin}/api/guarded?a=b`, { method: "POST", body: "content", headers: { Authorization: authorization } });
    const admitted = await ask(`Bearer ${token}`);
    assert.equal(admitted.status, 200);
    assert.deepEqual(await admitted.json(), { user: "alice", path: "/api/guarded", holds: false, body: "content" });
    assert.equal((await ask("Bearer x")).status, 401);
  } finally {
    server.kill();
  }
});
