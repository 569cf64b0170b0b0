import { start } from "../module/instance.js";
import compiled from "../module/tokenlatch.wasm?module";

start(compiled);

export * from "../index.js";
