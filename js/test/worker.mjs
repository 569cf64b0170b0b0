// Bundles a worker as wrangler does and runs it in real workerd through miniflare. The module stays a separate file, which workerd compiles
// when it loads the worker: it forbids compiling bytes at run time.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";
import { Miniflare } from "miniflare";

const compiledModules = {
  name: "compiled-modules",
  setup(bundle) {
    bundle.onResolve({ filter: /\.wasm$/ }, async ({ path, importer, kind, resolveDir, pluginData }) => {
      if (pluginData?.resolved === true) return undefined;
      const resolved = await bundle.resolve(path, { importer, kind, resolveDir, pluginData: { resolved: true } });
      files.set(basename(resolved.path), resolved.path);
      return { path: `./${basename(resolved.path)}`, external: true };
    });
  },
};
const files = new Map();

export async function bundleWorker(entry) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(entry)],
    bundle: true,
    write: false,
    outfile: "worker.js",
    format: "esm",
    target: "es2022",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    plugins: [compiledModules],
    loader: { ".wasm": "file" },
    logLevel: "error",
  });
  return outputFiles[0].text;
}

export async function startWorker(entry, options = {}) {
  const script = await bundleWorker(entry);
  const wasm = [...files].map(([name, path]) => ({ type: "CompiledWasm", path: name, contents: readFileSync(path) }));
  const miniflare = new Miniflare({
    modules: [{ type: "ESModule", path: "worker.js", contents: script }, ...wasm],
    compatibilityDate: "2026-04-01",
    ...options,
  });
  try {
    await miniflare.ready;
  } catch (error) {
    await miniflare.dispose();
    throw error;
  }
  return miniflare;
}
