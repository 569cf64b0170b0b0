// Every example is compiled and run.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { createClient } from "@libsql/client";
import { build as esbuild } from "esbuild";
import { EdgeRuntime } from "edge-runtime";
import { createToken } from "tokenlatch";
import { build as vite } from "vite";

import { freePort, missing, onPath, temporaryFolder } from "./services.mjs";

const examples = fileURLToPath(new URL("../examples/", import.meta.url));
const folder = temporaryFolder();
after(() => rmSync(folder, { recursive: true, force: true }));
const bin = (name) => fileURLToPath(new URL(`../node_modules/.bin/${name}`, import.meta.url));

test("all compile strictly", () => {
  const tsc = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));
  const { stdout, status } = spawnSync(process.execPath, [tsc, "-p", examples], { encoding: "utf8" });
  assert.equal(status, 0, stdout);
});

test("node: creates, verifies, lists and revokes in an SQLite file", async () => {
  const env = { ...process.env, TOKENS_DB: join(folder, "node.db"), NODE_NO_WARNINGS: "1" };
  const run = (...args) => runWith("", ...args);
  const runWith = (input, ...args) => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [join(examples, "node/tokens.mjs"), ...args], { encoding: "utf8", env, input });
    return { out: stdout.trim(), err: stderr.trim(), status };
  };
  const token = run("create", "alice", "backup").out.split("\n")[0];
  assert.match(token, /^[A-Z0-9]{32}$/);
  assert.match(run("create", "alice", "backup").err, /^name_taken: /);
  assert.equal(runWith(`cpanel alice:${token}\n`, "verify").out, "admitted: alice, by the token backup");
  assert.equal(run("list", "alice").out, `backup\t…${token.slice(-4)}\tactive`);
  assert.equal(run("revoke", "bob", "backup").out, "there is no such token");
  assert.equal(run("revoke", "alice", "backup").out, "revoked");
  assert.deepEqual(runWith(`cpanel alice:${token}\n`, "verify"), { out: "refused: token_revoked", err: "", status: 1 });
  assert.equal(run("list", "alice").out, `backup\t…${token.slice(-4)}\trevoked`);
  assert.equal(run("toString").status, 2);
  assert.deepEqual(runWith("", "verify"), { out: "refused: header_missing", err: "", status: 1 });
  const suspended = "UPDATE tokenlatch_accounts SET account = json_set(account, '$.suspended', json('true'))";
  const database = createClient({ url: `file:${env.TOKENS_DB}` });
  await database.execute(suspended);
  database.close();
  assert.match(run("create", "alice", "other").err, /^account_suspended: /);
  assert.ok(!readFileSync(env.TOKENS_DB).includes(token));
});

for (const [name, command, args] of [
  ["deno", "deno", ["run", "--no-lock", "--unstable-kv", "--allow-net", "--allow-env", "--allow-read", "--allow-write", "deno/serve.ts"]],
  ["bun", "bun", ["run", "bun/serve.ts"]],
]) {
  test(`${name}: a guarded server that keeps its tokens`, async () => {
    const port = await freePort();
    const env = { ...process.env, PORT: String(port), TOKENS_DB: join(folder, `${name}.db`) };
    const ask = async (authorization) => {
      const response = await fetch(`http://127.0.0.1:${port}/`, { headers: authorization ? { Authorization: authorization } : {} });
      return [response.status, await response.text()];
    };
    const started = async () => {
      const child = spawn(bin(command), args, { cwd: examples, env, stdio: ["ignore", "pipe", "pipe"] });
      let said = "";
      child.stdout.on("data", (text) => void (said += text));
      child.stderr.on("data", (text) => void (said += text));
      for (let attempt = 0; ; attempt += 1) {
        if (child.exitCode !== null || attempt > 200) throw new Error(said);
        if (await ask().then(() => true, () => false)) break;
        await pause(50);
      }
      return { child, said: () => said };
    };
    const first = await started();
    const token = /once: (\S+)/.exec(first.said())[1];
    try {
      assert.equal((await ask())[0], 401);
      const [status, text] = await ask(`Bearer ${token}`);
      assert.equal(status, 200);
      assert.match(text, /^Hello alice/);
    } finally {
      await ended(first.child);
    }
    const second = await started();
    try {
      assert.equal((await ask(`Bearer ${token}`))[0], 200);
      assert.ok(!second.said().includes("shown this once"));
    } finally {
      await ended(second.child);
    }
  });
}

async function ended(child) {
  if (child.exitCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}

test("vercel-edge: a guarded function in a runtime that forbids compiling code", async () => {
  const wasm = createRequire(import.meta.url).resolve("tokenlatch/tokenlatch.wasm");
  const compiledByThePlatform = {
    name: "compiled-by-the-platform",
    setup(bundle) {
      bundle.onResolve({ filter: /\.wasm\?module$/ }, () => ({ path: "module", namespace: "platform" }));
      bundle.onLoad({ filter: /.*/, namespace: "platform" }, () => ({ contents: "export default globalThis.compiledModule;" }));
    },
  };
  const { outputFiles } = await esbuild({
    stdin: {
      contents: 'import handler from "./api/guarded.ts"; addEventListener("fetch", (event) => event.respondWith(handler(event.request)));',
      resolveDir: join(examples, "vercel-edge"),
    },
    bundle: true,
    write: false,
    format: "iife",
    target: "es2022",
    conditions: ["edge-light", "worker", "browser"],
    plugins: [compiledByThePlatform],
    outfile: "guarded.js",
  });
  const account = { user: "alice", features: "all" };
  const { token, record } = createToken({ user: "alice", name: "edge", access: "full" });
  const runtime = new EdgeRuntime({
    codeGeneration: { strings: false, wasm: false },
    extend: (context) =>
      Object.assign(context, {
        compiledModule: new WebAssembly.Module(readFileSync(wasm)),
        process: { env: { TOKENLATCH_RECORDS: JSON.stringify([record]), TOKENLATCH_ACCOUNTS: JSON.stringify([account]) } },
      }),
    initialCode: outputFiles[0].text,
  });
  const ask = async (headers) => runtime.dispatchFetch("http://edge.test/", { headers });
  assert.equal((await ask({})).status, 401);
  const admitted = await ask({ Authorization: `Bearer ${token}` });
  assert.deepEqual([admitted.status, await admitted.json()], [200, { user: "alice", token: "edge" }]);
});

test("browser: a page that checks a pasted token without requests", async (t) => {
  const outDir = join(folder, "browser");
  await vite({ configFile: join(examples, "browser/vite.config.mjs"), build: { outDir }, logLevel: "error" });
  const chromium = onPath("chromium");
  if (chromium === undefined) return missing(t, "Chromium");
  const types = { html: "text/html", js: "text/javascript", wasm: "application/wasm" };
  // The script after the page fills in a token as a user would, and writes the result into the title.
  const probe = (token) => `
    addEventListener("load", () => {
      const input = document.querySelector("#token");
      input.value = ${JSON.stringify(token)};
      input.dispatchEvent(new Event("input"));
      document.title = document.querySelector("#result").textContent;
    });`;
  const pages = new Map();
  const server = createServer((request, response) => {
    const path = new URL(request.url, "http://h").pathname;
    const page = pages.get(path);
    const file = join(outDir, page === undefined ? path : "index.html");
    if (path.startsWith("/probe")) return void response.setHeader("Content-Type", types.js).end(probe(pages.get(path.slice(6))));
    if (!existsSync(file)) return void response.writeHead(404).end();
    const content = readFileSync(file);
    response.setHeader("Content-Type", types[file.split(".").at(-1)] ?? "application/octet-stream");
    response.end(page === undefined ? content : String(content).replace("</body>", `<script type="module" src="/probe${path}"></script></body>`));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => server.close());
  const { token } = createToken({ user: "alice", name: "x", access: "full", prefix: "tl" });
  const broken = token.slice(0, -1) + (token.endsWith("0") ? "1" : "0");
  for (const [path, text, shown] of [
    ["/good", token, /<title>Well formed; it ends in [A-Z0-9]{4}\.<\/title>/],
    ["/broken", broken, /<title>[^<]*checksum[^<]*<\/title>/],
  ]) {
    pages.set(path, text);
    const url = `http://127.0.0.1:${server.address().port}${path}`;
    const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=10000", `--user-data-dir=${join(folder, "profile")}`, "--dump-dom", url];
    const child = spawn(chromium, flags, { stdio: ["ignore", "pipe", "ignore"] });
    let dom = "";
    child.stdout.on("data", (chunk) => void (dom += chunk));
    await once(child, "close");
    assert.match(dom, shown);
  }
});
