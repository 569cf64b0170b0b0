import { readFileSync } from "node:fs";

import { start } from "../instance.js";

start(new WebAssembly.Module(readFileSync(new URL("../module/tokenlatch.wasm", import.meta.url))));

export * from "../index.js";
