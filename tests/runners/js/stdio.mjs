// Node, Deno and Bun: `stdio.mjs FACE`, commands on standard input, one JSON text a line, an answer a line on standard output.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Buffer } from "node:buffer";
import process from "node:process";

import { answers } from "./guest.mjs";

const face = process.argv[2];
const { Deno, Bun } = globalThis;
const [runtime, version] = Deno ? ["Deno", Deno.version.deno] : Bun ? ["Bun", Bun.version] : ["Node", process.versions.node];

/** The bytes that the face loads: in Node the file, elsewhere (where Deno needn't be allowed to read) the text in the package. */
async function loaded() {
  const dist = "../node_modules/tokenlatch/dist/";
  if (runtime === "Node") return readFileSync(new URL(`${dist}module/tokenlatch.wasm`, import.meta.url));
  return (await import(`${dist}module/inline-bytes.js`)).inlineBytes();
}

const bytes = await loaded();
const digest = createHash("sha256").update(bytes).digest("hex");
console.log(JSON.stringify({ runtime, version, face, module_sha256: digest }));
const parts = [];
for await (const part of process.stdin) parts.push(part);
process.stdout.write(answers(face, new WebAssembly.Module(bytes), Buffer.concat(parts).toString("utf8")));
