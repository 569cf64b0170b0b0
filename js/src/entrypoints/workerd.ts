import { start } from "../module/instance.js";
import compiled from "../module/tokenlatch.wasm";

start(compiled);

export * from "../index.js";
