// What the drivers share: they run in Node, bundle a guest from the installed package, and carry text to it and back.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

export const face = process.argv[2];

/**
 * Bundles a guest as the runtime's own tools do.
 *
 * @param {string} guest the file's name
 * @param {import("esbuild").BuildOptions} options conditions, and what else the runtime's tools set
 * @returns {Promise<{ folder: string, script: string, wasm?: string }>} where the bundle lies; `wasm` is the module's file name
 */
export async function bundle(guest, options) {
  const folder = fileURLToPath(new URL(`../built/${guest.replace(".mjs", "")}-${face}`, import.meta.url));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await build({
    entryPoints: [fileURLToPath(new URL(guest, import.meta.url))],
    outdir: folder,
    bundle: true,
    format: "esm",
    target: "es2022",
    loader: { ".wasm": "copy" },
    entryNames: "guest",
    assetNames: "[name]",
    logLevel: "warning",
    ...options,
  });
  return { folder, script: readFileSync(join(folder, "guest.js"), "utf8"), wasm: readdirSync(folder).find((name) => name.endsWith(".wasm")) };
}

/** The SHA-256 of a file in hex. */
export function sha256(path) {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

/**
 * Says who answers, then asks everything that comes on standard input at once, and writes the answers.
 *
 * @param {{ runtime: string, version: string, module_sha256: string }} identity
 * @param {(text: string) => Promise<string>} ask
 */
export async function drive({ runtime, version, module_sha256 }, ask) {
  console.log(JSON.stringify({ runtime, version, face, module_sha256 }));
  const parts = [];
  for await (const part of process.stdin) parts.push(part);
  const answers = await ask(Buffer.concat(parts).toString("utf8"));
  await new Promise((done) => process.stdout.write(answers, done));
}
