/* @ts-self-types="./inline-bytes.d.ts" */

import { base64 } from "./bytes.js";

/** Newer runtimes decode base64 by themselves, several times as fast. */
const bytesType: Uint8ArrayConstructor & { readonly fromBase64?: (text: string) => Uint8Array<ArrayBuffer> } = Uint8Array;

/** The module's bytes from the text that is compiled into the package, for runtimes and bundlers that can't be given a file. */
export function inlineBytes(): Uint8Array<ArrayBuffer> {
  if (bytesType.fromBase64 !== undefined) return bytesType.fromBase64(base64);
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
  return bytes;
}
