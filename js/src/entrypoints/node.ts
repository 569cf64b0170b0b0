import { fileBytes } from "../module/file-bytes.js";
import { start } from "../module/instance.js";

start(new WebAssembly.Module(fileBytes()));

export * from "../index.js";
