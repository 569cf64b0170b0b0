import { readFileSync } from "node:fs";
import { join } from "node:path";

import { start } from "../module/instance.js";

start(new WebAssembly.Module(readFileSync(join(__dirname, "../../module/tokenlatch.wasm"))));

export * from "../index.js";
