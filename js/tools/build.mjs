// Builds the files of the package from `src` and the module in `dist/module`: ECMAScript modules, CommonJS, declarations and source maps.
// `npm run build:module` builds the module.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const root = new URL("../", import.meta.url);
const at = (path) => fileURLToPath(new URL(path, root));

/** Writes a file only if it changes, so that file watchers aren't triggered. */
function write(path, text) {
  try {
    if (readFileSync(at(path), "utf8") === text) return;
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
  writeFileSync(at(path), text);
}

function compile(project) {
  const { status, error } = spawnSync(process.execPath, [at("node_modules/typescript/bin/tsc"), "-p", at(project)], { stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) process.exit(1);
}

/** Bundles the generated glue, so that it uses no global when it is loaded. */
async function glue(format, outfile) {
  await build({
    entryPoints: [at("dist/module/tokenlatch.js")],
    outfile: at(outfile),
    bundle: true,
    inject: [at("tools/glue-globals.js")],
    format,
    // For Deno, which doesn't look for types beside a JavaScript file.
    banner: { js: '/* @ts-self-types="./glue.d.ts" */' },
    platform: "neutral",
    target: "es2022",
    // Used only in a branch that no entry point reaches.
    logOverride: { "empty-import-meta": "silent" },
  });
}

// The module as text, for runtimes and bundlers that can't load a file.
const base64 = readFileSync(at("dist/module/tokenlatch.wasm")).toString("base64");
write("dist/module/bytes.js", `export const base64 = "${base64}";\n`);
write("dist/module/bytes.d.ts", "/** `tokenlatch.wasm` in base64. */\nexport declare const base64: string;\n");
// The type of `import compiled from "tokenlatch/tokenlatch.wasm"` where the runtime or the bundler compiles it.
write(
  "dist/module/compiled.d.ts",
  "/** `tokenlatch.wasm`, compiled by the runtime or the bundler. */\ndeclare const compiled: WebAssembly.Module;\nexport default compiled;\n",
);

// The bundled glue has the types of the generated one.
copyFileSync(at("dist/module/tokenlatch.d.ts"), at("dist/module/glue.d.ts"));

compile("tsconfig.json");
await glue("esm", "dist/module/glue.js");

// CommonJS, for Node versions whose `require` can't load an ECMAScript module, and for tools that require it.
mkdirSync(at("dist/cjs/module"), { recursive: true });
write("dist/cjs/package.json", '{ "type": "commonjs" }\n');
await glue("cjs", "dist/cjs/module/glue.js");
copyFileSync(at("dist/module/glue.d.ts"), at("dist/cjs/module/glue.d.ts"));
await build({ entryPoints: [at("dist/module/bytes.js")], outdir: at("dist/cjs/module"), format: "cjs", platform: "neutral" });
compile("tsconfig.cjs.json");

for (const name of ["LICENSE-APACHE", "LICENSE-MIT"]) copyFileSync(at(`../${name}`), at(`dist/${name}`));
