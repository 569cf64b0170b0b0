/* @ts-self-types="./inline.d.ts" */

import { base64 } from "./module/bytes.js";

/** The module's bytes from the text that is compiled into the package, for runtimes and bundlers that can't be given a file. */
export function inlineBytes(): Uint8Array<ArrayBuffer> {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
  return bytes;
}
