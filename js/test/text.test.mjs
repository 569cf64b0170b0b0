// The package's UTF-8 for runtimes without it, compared with the runtime's.
import assert from "node:assert/strict";
import { test } from "node:test";

import { inFreshProcess } from "./helpers.mjs";

const native = { TextDecoder, TextEncoder };
const [encoder, decoder] = [new TextEncoder(), new TextDecoder("utf-8", { ignoreBOM: true })];
delete globalThis.TextDecoder;
delete globalThis.TextEncoder;
const { Utf8Decoder, Utf8Encoder } = await import("../dist/runtime/text.js");
const [slowEncoder, slowDecoder] = [new Utf8Encoder(), new Utf8Decoder()];
slowEncoder.encode("");
slowDecoder.decode(new Uint8Array(0));
Object.assign(globalThis, native);

test("encodes texts as the runtime does, completely or as far as they fit", () => {
  const texts = ["", "a", "\0\x7f\x80\u07ff\u0800\uffff\u{10000}\u{10ffff}", "\ud800", "\udc00\ud800", "a\ud83d", "\ufeffa", "\u{1f511}\u{1f511}", "é".repeat(50)];
  for (const text of texts) {
    assert.deepEqual(slowEncoder.encode(text), encoder.encode(text));
    for (let room = 0; room < 12; room += 1) {
      const [own, theirs] = [new Uint8Array(room), new Uint8Array(room)];
      assert.deepEqual(slowEncoder.encodeInto(text, own), encoder.encodeInto(text, theirs));
      assert.deepEqual(own, theirs);
    }
  }
});

test("decodes bytes as the runtime does, valid or not", () => {
  const firsts = [0x00, 0x41, 0x7f, 0x80, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff];
  const rest = [0x41, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc2];
  for (const first of firsts) {
    for (const second of rest) {
      for (const third of rest) {
        for (const fourth of rest) {
          const bytes = Uint8Array.of(first, second, third, fourth);
          for (const length of [1, 2, 3, 4]) assert.equal(slowDecoder.decode(bytes.subarray(0, length)), decoder.decode(bytes.subarray(0, length)), String(bytes));
        }
      }
    }
  }
  assert.equal(slowDecoder.decode(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61)), "\ufeffa");
});

test("the package uses neither these nor crypto when it is loaded, and works without the first two", () => {
  const bare = "delete globalThis.TextDecoder; delete globalThis.TextEncoder; const { crypto } = globalThis; delete globalThis.crypto; globalThis.touched = [];" +
    "for (const name of ['TextDecoder', 'TextEncoder', 'crypto']) Object.defineProperty(globalThis, name, { configurable: true, get() { touched.push(name); return undefined; } });";
  const use = `const atLoad = [...touched]; Object.defineProperty(globalThis, "crypto", { value: crypto });
    const { token, record } = tokenlatch.createToken({ user: "alice", name: "backup", access: "full" });
    const table = new tokenlatch.TokenTable({ records: [record], accounts: [{ user: "alice", features: "all" }] });
    let refused; try { tokenlatch.createToken({ user: "älice", name: "backup", access: "full" }); } catch (error) { refused = error.code; }
    console.log(JSON.stringify([atLoad, table.verify("Bearer " + token).reason, table.verify("Bearer ä").reason, refused]));`;
  assert.deepEqual(inFreshProcess(bare, use), [[], "ok", "header_malformed", "user_character"]);
});
