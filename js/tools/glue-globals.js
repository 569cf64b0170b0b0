// Replaces these globals in the generated glue, which would use them as soon as it is loaded.
export { Utf8Decoder as TextDecoder, Utf8Encoder as TextEncoder } from "../dist/runtime/text.js";
