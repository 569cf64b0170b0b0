// Node, Deno and Bun: `stdio.mjs INPUT`, a command a line on standard input, an answer a line on standard output.
import { readFile } from "node:fs/promises";
import process from "node:process";
import { createInterface } from "node:readline";

import { guest } from "./guest.mjs";

// Standard output is for answers alone; some package greets the world.
console.log = () => {};
const { Deno, Bun } = globalThis;
const [runtime, version] = Deno ? ["deno", Deno.version.deno] : Bun ? ["bun", Bun.version] : ["node", process.versions.node];
const tools = new URL("../../../node_modules/", import.meta.url);
const platform = {
  nodeCrypto: () => import("./node-crypto-map.mjs"),
  glue: () => import(new URL("@biscuit-auth/biscuit-wasm/module/biscuit_bg.js", tools)),
  wasm: async (path) => WebAssembly.compile(await readFile(new URL(path, tools))),
};
const input = JSON.parse(await readFile(process.argv[2], "utf8"));
const answer = guest(input, platform, (name) => import(`./cases/${name}.mjs`));
process.stdout.write(`${JSON.stringify({ runtime, version })}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
}
