import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Reads the bytes of `tokenlatch.wasm` from the package's own folder: for Node. */
export function fileBytes(): Uint8Array<ArrayBuffer> {
  try {
    // Bundlers recognise the file in this form.
    return readFileSync(new URL("./tokenlatch.wasm", import.meta.url));
  } catch {
    // Vite rewrites that to a web address, and a browser emulation may have a `URL` class that Node doesn't accept.
    const { url } = import.meta;
    return readFileSync(join(dirname(fileURLToPath(url)), "tokenlatch.wasm"));
  }
}
