/* @ts-self-types="./text.d.ts" */

/*
 * UTF-8 by the runtime's own TextEncoder and TextDecoder, which are looked for when they are first needed: test runners that imitate a
 * browser, such as Jest with jsdom, have neither, or get them from a set-up file. Without them it is done here, more slowly.
 */

type Encoder = Pick<TextEncoder, "encode" | "encodeInto">;
type Decoder = Pick<TextDecoder, "decode">;

/** By this name, because the build puts these classes in the place of the global names. */
const globals: Partial<Pick<typeof globalThis, "TextEncoder" | "TextDecoder">> = globalThis;

/** Writes text as UTF-8. */
export class Utf8Encoder implements Encoder {
  #native: Encoder | undefined;

  /** The bytes of a text. */
  encode(text: string): Uint8Array<ArrayBuffer> {
    return this.#found().encode(text) as Uint8Array<ArrayBuffer>;
  }

  /** Writes as much of a text as there is room for. */
  encodeInto(text: string, bytes: Uint8Array): { read: number; written: number } {
    return this.#found().encodeInto(text, bytes);
  }

  #found(): Encoder {
    return (this.#native ??= typeof globals.TextEncoder === "function" ? new globals.TextEncoder() : slowEncoder);
  }
}

/** Reads UTF-8. A byte order mark is a character like any other. */
export class Utf8Decoder implements Decoder {
  #native: Decoder | undefined;

  /** The text of some bytes; what isn't UTF-8 becomes U+FFFD. */
  decode(bytes?: Uint8Array): string {
    if (bytes === undefined) return "";
    return (this.#native ??= typeof globals.TextDecoder === "function" ? new globals.TextDecoder("utf-8", { ignoreBOM: true }) : slowDecoder).decode(bytes);
  }
}

const slowEncoder: Encoder = {
  encode(text = "") {
    const bytes = new Uint8Array(3 * text.length);
    return bytes.slice(0, slowEncoder.encodeInto(text, bytes).written);
  },
  encodeInto(text, bytes) {
    let read = 0;
    let written = 0;
    for (const character of text) {
      let code = character.codePointAt(0)!;
      // Half of a pair.
      if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
      const length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
      if (written + length > bytes.length) break;
      if (length === 1) {
        bytes[written] = code;
      } else {
        for (let at = length - 1; at > 0; at -= 1, code >>= 6) bytes[written + at] = 0x80 | (code & 0x3f);
        bytes[written] = ((0xf00 >> length) & 0xff) | code;
      }
      read += character.length;
      written += length;
    }
    return { read, written };
  },
};

/** Second bytes that some first bytes have: others would spell a character in too many bytes, half of a pair, or none at all. */
const SECOND: Readonly<Record<number, readonly [number, number]>> = { 0xe0: [0xa0, 0xbf], 0xed: [0x80, 0x9f], 0xf0: [0x90, 0xbf], 0xf4: [0x80, 0x8f] };

const slowDecoder: Decoder = {
  decode(input) {
    const bytes = input as Uint8Array;
    let text = "";
    for (let at = 0; at < bytes.length; ) {
      const first = bytes[at]!;
      at += 1;
      const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
      let code = length === 1 ? first : first & (0x7f >> length);
      let [least, most] = SECOND[first] ?? [0x80, 0xbf];
      let left = length - 1;
      for (; left > 0 && at < bytes.length && bytes[at]! >= least && bytes[at]! <= most; left -= 1, at += 1) {
        code = (code << 6) | (bytes[at]! & 0x3f);
        [least, most] = [0x80, 0xbf];
      }
      text += left === 0 ? String.fromCodePoint(code) : "\ufffd";
    }
    return text;
  },
};
