/* @ts-self-types="./text.d.ts" */

/*
 * UTF-8 by the runtime's TextEncoder and TextDecoder, which are looked up on first use: test runners that emulate a browser, such as Jest
 * with jsdom, lack them or define them in a setup file. A slower implementation is used without them.
 */

type Encoder = Pick<TextEncoder, "encode" | "encodeInto">;
type Decoder = Pick<TextDecoder, "decode">;

/** Accessed by this name, because the build replaces the global names by these classes. */
const globals: Partial<Pick<typeof globalThis, "TextEncoder" | "TextDecoder">> = globalThis;

/** Encodes text as UTF-8. */
export class Utf8Encoder implements Encoder {
  #native: Encoder | undefined;

  /** Returns the bytes of a text. */
  encode(text: string): Uint8Array<ArrayBuffer> {
    return this.#encoder().encode(text) as Uint8Array<ArrayBuffer>;
  }

  /** Writes as much of a text as fits into `bytes`. */
  encodeInto(text: string, bytes: Uint8Array): { read: number; written: number } {
    return this.#encoder().encodeInto(text, bytes);
  }

  #encoder(): Encoder {
    return (this.#native ??= typeof globals.TextEncoder === "function" ? new globals.TextEncoder() : slowEncoder);
  }
}

/** Decodes UTF-8. A byte order mark is kept as a character. */
export class Utf8Decoder implements Decoder {
  #native: Decoder | undefined;

  /** Returns the text of some bytes. Invalid sequences become U+FFFD. */
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
      // A lone surrogate.
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

/** The range of the second byte after some first bytes. Others would be overlong, a surrogate, or out of range. */
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
      let [min, max] = SECOND[first] ?? [0x80, 0xbf];
      let left = length - 1;
      for (; left > 0 && at < bytes.length && bytes[at]! >= min && bytes[at]! <= max; left -= 1, at += 1) {
        code = (code << 6) | (bytes[at]! & 0x3f);
        [min, max] = [0x80, 0xbf];
      }
      text += left === 0 ? String.fromCodePoint(code) : "\ufffd";
    }
    return text;
  },
};
