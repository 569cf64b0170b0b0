// Runs the code of the README: its JavaScript unchanged, its worker in workerd. Checks that every subpath and script that it names exists.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

import { schema } from "tokenlatch/stores/db0";

import { firstToken } from "../examples/worker/first-token.mjs";
import { startWorker } from "./worker.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const blocks = (language) => [...readme.matchAll(/^```(\w+)\n(.*?)^```/gms)].filter((match) => match[1] === language).map((match) => match[2]);
// In the package, so that it can be imported by name.
const folder = mkdtempSync(fileURLToPath(new URL("readme-", import.meta.url)));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const [index, source] of blocks("js").entries()) {
  test(`the JavaScript block ${index + 1} runs`, () => {
    const { stderr, status } = spawnSync(process.execPath, ["--input-type=module", "--eval", source], { cwd: root, encoding: "utf8" });
    assert.equal(status, 0, stderr);
  });
}

test("the worker guards an origin", async () => {
  const [source] = blocks("ts");
  writeFileSync(`${folder}/index.ts`, source);
  const worker = await startWorker(pathToFileURL(`${folder}/index.ts`), {
    bindings: { ORIGIN: "http://origin.test" },
    d1Databases: ["DB"],
    outboundService: (request) => new Response(`origin for ${request.headers.get("X-Token-User")}`),
  });
  try {
    const database = await worker.getD1Database("DB");
    const { token, statements } = firstToken({ user: "alice", name: "first", access: "full" });
    for (const statement of [...schema("sqlite"), ...statements]) await database.prepare(statement).run();
    assert.equal((await worker.dispatchFetch("http://worker/")).status, 401);
    const admitted = await worker.dispatchFetch("http://worker/", { headers: { Authorization: `Bearer ${token}` } });
    assert.equal(await admitted.text(), "origin for alice");
  } finally {
    await worker.dispose();
  }
});

test("the migration's command prints the schema", () => {
  const script = /node --input-type=module -e '([^']+)'/.exec(readme)[1];
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { cwd: root, encoding: "utf8" });
  assert.equal(stdout, `${schema("sqlite").join(";\n")};\n`);
});

test("every subpath and script that it names exists", async () => {
  for (const [subpath] of readme.matchAll(/tokenlatch\/(?:stores|middleware)\/\w+/g)) await import(subpath);
  const { scripts } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  for (const [, script] of readme.matchAll(/npm run (\S+)/g)) assert.ok(Object.hasOwn(scripts, script), script);
});

test("the internal files of the stores have no subpath", async () => {
  for (const name of ["connection", "generation", "schema"]) {
    await assert.rejects(import(`tokenlatch/stores/internal/${name}`), { code: "ERR_PACKAGE_PATH_NOT_EXPORTED" });
  }
});
