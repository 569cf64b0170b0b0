// The packed package itself: its size, what is in it, and what the checkers say.
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { test } from "node:test";

import { run, tarball, tools } from "./project.mjs";

test("the tarball holds what it needs and nothing else", () => {
  const files = run(tools, "tar", "-tzf", tarball).split("\n").map((file) => file.replace("package/", ""));
  console.log(`tarball: ${(statSync(tarball).size / 1000).toFixed(1)} KB packed, ${files.length} files`);
  for (const file of ["README.md", "package.json", "dist/LICENSE-MIT", "dist/module/tokenlatch.wasm", "dist/entrypoints/workerd.js"]) assert.ok(files.includes(file), file);
  const strange = files.filter((file) => !/^(README\.md|package\.json|dist\/(LICENSE-\w+|.*\.(js|js\.map|d\.ts|wasm|json)))$/.test(file));
  assert.deepEqual(strange, []);
});

test("publint has nothing to say", () => {
  assert.match(run(tools, "publint", "run", tarball, "--strict"), /All good!/);
});

test("the types are right by every resolution that exports exist for", () => {
  const subpaths = ["./stores/memory", "./stores/db0", "./stores/unstorage", "./middleware/fetch", "./middleware/hono", "./middleware/express", "./middleware/node", "./middleware/forward"];
  // Only bundlers and edge runtimes can import the one that is left out.
  run(tools, "attw", tarball, "--profile", "node16", "--include-entrypoints", ...subpaths, "--exclude-entrypoints", "./tokenlatch.wasm");
});
