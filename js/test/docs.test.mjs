// Every function and class that the package exports, and every method of the Latch and of the follower, has a doc comment with an example.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const source = new URL("../src/", import.meta.url);
const files = [
  ...["types/error", "types/latch-error", "module/functions", "module/table", "module/refusal", "latch/latch", "stores/internal/schema"],
  ...["snapshot/snapshot", "snapshot/follower", "snapshot/follower-options", "snapshot/relay"],
].map((name) => `${name}.ts`);
for (const folder of ["stores", "middleware"]) {
  const names = readdirSync(new URL(`${folder}/`, source)).filter((name) => name.endsWith(".ts"));
  files.push(...names.map((name) => `${folder}/${name}`));
}

/** Not exported by an entry point, or not a method. */
const INTERNAL = new Set(["fromModule", "codeOf", "constructor", "if", "for", "headerOf", "retryDelay", "answer", "admittedDigest"]);

/** The doc comment before a declaration; empty if there is none. */
function comment(text, index) {
  const before = text.slice(0, index).trimEnd();
  return before.endsWith("*/") ? before.slice(before.lastIndexOf("/**")) : "";
}

/** Whether a declaration implements the overloads before it, which have the comments. */
function isImplementation(text, index, name) {
  const before = text.slice(0, index).trimEnd();
  const isOverload = new RegExp(`^(?:export (?:async )?function |  )${name}[(<]`, "m");
  return before.endsWith(";") && isOverload.test(before.slice(before.lastIndexOf("*/")));
}

for (const file of files) {
  test(`${file} has an example for each export`, () => {
    const text = readFileSync(new URL(file, source), "utf8");
    const pattern = ["latch/latch.ts", "snapshot/follower.ts", "snapshot/relay.ts"].includes(file) ? /^(?:export (?:class|function) |  (?:async )?)(\w+)[(<].*[{;]$/gm : /^export (?:async )?(?:class|function) (\w+)/gm;
    for (const match of text.matchAll(pattern)) {
      if (INTERNAL.has(match[1]) || isImplementation(text, match.index, match[1])) continue;
      assert.match(comment(text, match.index), /@example/, `${match[1]} in ${file}`);
    }
  });
}
