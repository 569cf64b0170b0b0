/* @ts-self-types="./inline-bytes.d.ts" */

import { base64 } from "./bytes.js";

/** Newer runtimes have a decoder of base64 of their own, several times as fast. */
const bytesType: Uint8ArrayConstructor & { readonly fromBase64?: (text: string) => Uint8Array<ArrayBuffer> } = Uint8Array;

/** Decodes the module from the text that the package contains, for runtimes and bundlers that can't load a file. */
export function inlineBytes(): Uint8Array<ArrayBuffer> {
  if (bytesType.fromBase64 !== undefined) return bytesType.fromBase64(base64);
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
  return bytes;
}
