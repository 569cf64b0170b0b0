// The installed package in Node, Deno and Bun projects.
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";

import { attempt, project, run, tool } from "./project.mjs";

const NODES = { "this Node": process.execPath, "Node 22": tool("node-22/bin/node"), "Node 24": tool("node-24/bin/node") };

test("a Node project of ECMAScript modules", () => {
  const folder = project("node-esm", { type: "module" });
  for (const [name, node] of Object.entries(NODES)) assert.equal(run(folder, node, "main.mjs"), "ok ok true", name);
});

test("a Node project of CommonJS, also where `require` can't load an ECMAScript module", () => {
  const folder = project("node-cjs");
  for (const [name, node] of Object.entries(NODES)) {
    assert.equal(run(folder, node, "main.cjs"), "ok ok json_invalid function", name);
    const old = run(folder, node, "--no-experimental-require-module", "main.cjs");
    assert.equal(old, "ok ok json_invalid function", `${name}, CommonJS`);
    // As bundlers and imitated browsers choose.
    for (const more of [[], ["--no-experimental-require-module"]]) {
      const browser = run(folder, node, "--conditions=browser", ...more, "main.cjs");
      assert.equal(browser, "ok ok json_invalid function", `${name}, for a browser ${more}`);
    }
  }
});

test("a Deno project, type-checked, without any permission", () => {
  const folder = project("deno");
  assert.equal(run(folder, "deno", "run", "--check", "--no-prompt", "main.ts"), "ok");
});

test("a Bun project, and Bun's bundle of it", () => {
  const folder = project("bun");
  assert.equal(run(folder, "bun", "main.ts"), "ok");
  run(folder, "bun", "build", "main.ts", "--target=bun", "--outfile=out.js");
  assert.equal(run(folder, "bun", "out.js"), "ok");
});

test("a TypeScript project by both resolutions, and wrong options don't compile", () => {
  const folder = project("typescript", { type: "module" });
  const strict = ["--strict", "--target", "es2022", "--lib", "es2022,dom", "--types", ""];
  for (const resolution of [["--module", "nodenext"], ["--module", "esnext", "--moduleResolution", "bundler"]]) {
    run(folder, "tsc", ...strict, ...resolution, "--outDir", "out", "main.ts");
    assert.equal(run(folder, process.execPath, "out/main.js"), "ok 1 user_empty function");
    const { status, output } = attempt(folder, "tsc", ...strict, ...resolution, "--noEmit", "wrong.ts");
    assert.notEqual(status, 0);
    const lines = new Set([...output.matchAll(/wrong\.ts\((\d+),/g)].map(([, line]) => Number(line)));
    assert.deepEqual([...lines], [3, 4, 5, 6, 7, 8], output);
  }
});
