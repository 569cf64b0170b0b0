// Vercel's edge runtime, made as strict as the hosted one: `edge-runtime.mjs FACE`.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { EdgeRuntime } from "edge-runtime";

import { bundle, drive, face, sha256 } from "./driver.mjs";

let file;
/** `import … from "x.wasm?module"` as Next.js builds it: the platform compiles the file and puts the module into the globals. */
const compiledByThePlatform = {
  name: "wasm-module",
  setup(build) {
    build.onResolve({ filter: /\.wasm\?module$/ }, async ({ path, resolveDir }) => {
      const found = await build.resolve(path.replace("?module", ""), { resolveDir, kind: "import-statement" });
      return { path: found.path, namespace: "wasm-module" };
    });
    build.onLoad({ filter: /.*/, namespace: "wasm-module" }, ({ path }) => {
      file = path;
      return { contents: "export default globalThis.wasm_tokenlatch;" };
    });
  },
};

const { script } = await bundle("edge.mjs", { format: "iife", conditions: ["edge-light", "worker", "browser"], plugins: [compiledByThePlatform] });
const { version } = createRequire(import.meta.url)("edge-runtime/package.json");
const runtime = new EdgeRuntime({
  codeGeneration: { strings: false, wasm: false },
  extend: (context) => Object.assign(context, { wasm_tokenlatch: new WebAssembly.Module(readFileSync(file)) }),
  initialCode: script,
});
await drive({ runtime: "edge-runtime", version, module_sha256: sha256(file) }, async (text) => {
  const answer = await runtime.dispatchFetch(`http://edge.test/${face}`, { method: "POST", body: text });
  if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
  return answer.text();
});
