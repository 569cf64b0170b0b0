/* @ts-self-types="./inline.d.ts" */

import { inlineBytes } from "../module/inline-bytes.js";
import { start } from "../module/instance.js";

start(new WebAssembly.Module(inlineBytes()));

export * from "../index.js";
