// What the drivers share: they run in Node, bundle the guest and its cases, and carry commands there and answers back.
import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { builtinModules } from "node:module";
import { basename, join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

/** The cases of ours share one bundle, so that there is one table. A peer has its own: it may not be fit for a runtime. */
const OURS = ["empty", "table", "table-hot", "table-update", "record", "create", "snapshot", "verify-many"];

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const biscuit = here("../../../node_modules/@biscuit-auth/biscuit-wasm/module/");

/** `require("crypto")` of an old package, where only `import` reaches what the runtime has itself. */
export const required = {
  name: "required",
  setup(build) {
    const names = new Set(builtinModules);
    build.onResolve({ filter: /.*/ }, ({ path, kind }) => {
      const name = path.replace("node:", "");
      return kind === "require-call" && names.has(name) ? { path: name, namespace: "required" } : undefined;
    });
    build.onLoad({ filter: /.*/, namespace: "required" }, ({ path }) => ({ contents: `export * from "node:${path}"; export { default } from "node:${path}";` }));
  },
};

/**
 * Bundles the guest and every case.
 *
 * @param {string} runtime
 * @param {string} entry the guest's file
 * @param {import("esbuild").BuildOptions} options
 * @returns {Promise<{ folder: string, files: string[], missing: Record<string, string> }>} `missing` has the cases that can't be bundled
 */
export async function bundle(runtime, entry, options) {
  const folder = here(`../../built/bench-${runtime}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const common = {
    outdir: folder,
    outbase: here("."),
    bundle: true,
    format: "esm",
    target: "es2022",
    splitting: true,
    loader: { ".wasm": "copy" },
    assetNames: "[name]",
    chunkNames: "chunk-[hash]",
    logLevel: "silent",
    ...options,
  };
  const cases = readdirSync(here("cases")).map((name) => basename(name, ".mjs"));
  const file = (name) => here(`cases/${name}.mjs`);
  await build({ ...common, entryPoints: [here(entry), ...cases.filter((name) => OURS.includes(name)).map(file)] });
  const missing = {};
  for (const name of cases.filter((name) => !OURS.includes(name))) {
    try {
      await build({ ...common, entryPoints: [file(name)] });
    } catch (error) {
      const text = error.errors?.[0]?.text ?? String(error);
      missing[name] = text.replace(/^Could not resolve "(?:node:)?(\w+)".*/s, "needs node:$1, which isn't here");
    }
  }
  await build({ ...common, outbase: biscuit, entryPoints: [join(biscuit, "biscuit_bg.js")] });
  cpSync(join(biscuit, "biscuit_bg.wasm"), join(folder, "biscuit_bg.wasm"));
  const files = readdirSync(folder, { recursive: true }).filter((name) => /\.(js|wasm)$/.test(name));
  return { folder, files, missing };
}

/** Says who answers, then hands each command on and writes its answer. */
export async function drive(identity, missing, ask) {
  process.stdout.write(`${JSON.stringify(identity)}\n`);
  for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line);
    const reason = missing[command.prepare];
    const answer = reason === undefined ? await ask(command) : { missing: reason };
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}
