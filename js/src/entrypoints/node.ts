import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { start } from "../instance.js";

function bytes(): Uint8Array<ArrayBuffer> {
  try {
    // Written in this way bundlers see which file is meant.
    return readFileSync(new URL("../module/tokenlatch.wasm", import.meta.url));
  } catch {
    // Vite takes it for an address of a web server, and an imitated browser's `URL` may be none that Node reads.
    const { url } = import.meta;
    return readFileSync(join(dirname(fileURLToPath(url)), "../module/tokenlatch.wasm"));
  }
}

start(new WebAssembly.Module(bytes()));

export * from "../index.js";
