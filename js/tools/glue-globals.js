// What the generated glue finds in place of the globals of these names, which it would touch as soon as it is loaded.
export { Utf8Decoder as TextDecoder, Utf8Encoder as TextEncoder } from "../dist/runtime/text.js";
