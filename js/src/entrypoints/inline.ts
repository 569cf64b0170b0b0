/* @ts-self-types="./inline.d.ts" */

import { inlineBytes } from "../inline.js";
import { start } from "../instance.js";

start(new WebAssembly.Module(inlineBytes()));

export * from "../index.js";
