/* @ts-self-types="./hot-path.d.ts" */

import { unixNow } from "../runtime/clock.js";
import { Utf8Encoder } from "../runtime/text.js";
import { TokenlatchError } from "../types/error.js";
import type { Call, TableVerifyOptions, Verdict, VerifyManyOptions } from "../types/index.js";
import { failed, guarded, module, refuseBroken, room, send, state } from "./instance.js";
import { isPlain, plain, wrong } from "./plain-object.js";

/** Codes from here on carry a reason for refusal above the place of the record. */
export const REFUSED = 2 ** 32;

/** The highest number that a call or a handle can have. */
const MAX_U32 = 2 ** 32 - 1;

/** A header of more characters is malformed whatever it says, and so is an address of more: no more need be handed over. */
const MAX_HEADER = 600;
const MAX_ADDRESS = 64;

/** How many requests go over at once. */
const BATCH = 4096;

const encoder = new Utf8Encoder();

/** Frees the module's side of tables and snapshots that nobody holds any more. */
export const forgotten = new FinalizationRegistry<number>((handle) => {
  try {
    guarded(() => module.tableFree(handle));
  } catch {
    // The module is broken; there is nothing left to free.
  }
});

/** Asks for the code of one request as `verify` takes it. */
export function askOne(handle: number, authorization: string | null | undefined, options: TableVerifyOptions | undefined): number {
  if (options === undefined) return ask(handle, authorization ?? "", 0, "", unixNow());
  const { call, address, now } = readOptions(options);
  return ask(handle, authorization ?? "", call, address, now);
}

/** Asks the module for the code of one request. Strings are written straight into its memory. */
function ask(handle: number, authorization: string, call: number, address: string, now: number): number {
  refuseBroken();
  const { header, headerAt, address: place, addressAt } = room();
  try {
    if (typeof authorization === "string" && authorization.length <= header.length) {
      const length = authorization.length;
      const ascii = length === 0 || encoder.encodeInto(authorization, header).written === length;
      if (ascii && address === "") return module.tableVerify(handle, call, headerAt, length, 0, 0, now);
      if (ascii && address.length <= place.length && encoder.encodeInto(address, place).written === address.length) {
        return module.tableVerify(handle, call, headerAt, length, addressAt, address.length, now);
      }
    }
    // Long or not ASCII, or no string at all: the general way.
    return module.tableVerifyText(handle, call, authorization, address, now);
  } catch (thrown) {
    // Here already, because on a full stack the call of `failed` may itself be refused.
    if (typeof thrown !== "string") state.broken = true;
    throw failed(thrown);
  }
}

/** Asks whose token was admitted: the module writes it into the room for holders. Gives the number of bytes, or 0. */
export function askHolder(handle: number, code: number): number {
  const { holder, holderAt } = room();
  try {
    return module.snapshotHolder(handle, code, holderAt, holder.length);
  } catch (thrown) {
    if (typeof thrown !== "string") state.broken = true;
    throw failed(thrown);
  }
}

/** Gives a call a number. */
export function prepareCall(handle: number, call: Call): number {
  const numbered: { call: number } = guarded(() => module.tablePrepare(handle, call));
  return numbered.call;
}

/** Forgets the calls that were prepared. */
export function forgetCalls(handle: number): void {
  if (handle === 0) throw freed();
  guarded(() => module.tableForgetCalls(handle));
}

/** Asks for the codes of many requests; gives the verdict on each, in their order. */
export function askMany(
  handle: number,
  headers: readonly (string | null | undefined)[],
  options: VerifyManyOptions | undefined,
  verdict: (code: number) => Verdict,
): Verdict[] {
  const verdicts: Verdict[] = [];
  const { call, now, addresses } = readManyOptions(headers, options);
  for (let from = 0; from < headers.length; from += BATCH) {
    const count = Math.min(BATCH, headers.length - from);
    const bytes = written(headers, addresses, from, count);
    const codes = send(bytes, (module, at, length) => module.tokenlatch_verify_many(handle, call, at, length, BigInt(now)));
    const numbers = new DataView(codes.buffer);
    for (let at = 0; at < 8 * count; at += 8) verdicts.push(verdict(numbers.getInt32(at + 4, true) * REFUSED + numbers.getUint32(at, true)));
  }
  return verdicts;
}

/** Requests as the module reads them: how many, the two lengths of each, then all texts. */
function written(headers: readonly unknown[], addresses: readonly unknown[] | undefined, from: number, count: number): Uint8Array {
  const texts: string[] = [];
  let length = 4 + 4 * count;
  for (let at = from; at < from + count; at++) {
    const header = text(headers[at], "headers", at, MAX_HEADER);
    const address = addresses === undefined ? "" : text(addresses[at], "addresses", at, MAX_ADDRESS);
    texts.push(header, address);
    length += header.length + address.length;
  }
  const bytes = new Uint8Array(length);
  // All in one go, for the encoder costs more by the call than by the character.
  const { read, written } = encoder.encodeInto(texts.join(""), bytes.subarray(4 + 4 * count));
  if (read === written && written === length - 4 - 4 * count) return measured(texts, bytes);
  // It isn't all ASCII, and side by side two halves of a character might become one.
  const parts = texts.map((text) => encoder.encode(text));
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 4 + 4 * count));
  let place = 4 + 4 * count;
  for (const part of parts) {
    whole.set(part, place);
    place += part.length;
  }
  return measured(parts, whole);
}

/** Writes the number of requests, and the length of each text. */
function measured(texts: readonly { readonly length: number }[], bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer);
  view.setUint32(0, texts.length / 2, true);
  for (let at = 0; at < texts.length; at++) view.setUint16(4 + 2 * at, texts[at]!.length, true);
  return bytes;
}

function text(value: unknown, field: string, index: number, most: number): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") throw wrong(`${field}[${index}]`, "expected a string");
  return value.length > most ? value.slice(0, most) : value;
}

/** The module's own words for a code. */
export function explain(handle: number, code: number): Verdict {
  if (code === -1) {
    throw handle === 0 ? freed() : new TokenlatchError("call_unknown", "no call of that number was prepared", "call");
  }
  if (code < 0) throw failed(new Error("the module lost its own memory"));
  return freeze(guarded(() => module.tableVerdict(handle, code)));
}

/** The options of `verify`, with defaults for what was left out. */
interface Asked {
  call: number;
  address: string;
  now: number;
}

/** Reads the options of `verify`: own properties only, each once. Written out, for it is on the hot path. */
function readOptions(options: TableVerifyOptions): Asked {
  let call = 0;
  let address = "";
  let now: number | undefined;
  // What isn't plain has no properties of its own, and would count as a call that names nothing.
  if (typeof options !== "object" || options === null || !isPlain(options)) throw wrong("options", "expected a plain object");
  for (const key in options) {
    if (!Object.hasOwn(options, key)) continue;
    const value: unknown = options[key as keyof TableVerifyOptions];
    switch (key) {
      case "now":
        now = instant(value);
        break;
      case "call":
        call = callNumber(value);
        break;
      case "address":
        if (value === undefined || value === null) break;
        if (typeof value !== "string") throw wrong(key, "expected a string");
        address = value;
        break;
      default:
        throw unknown(key, "`call`, `address`, `now`");
    }
  }
  return { call, address, now: now ?? unixNow() };
}

function readManyOptions(
  headers: readonly unknown[],
  options: VerifyManyOptions = {},
): { call: number; now: number; addresses: readonly unknown[] | undefined } {
  if (!Array.isArray(headers)) throw wrong("headers", "expected an array of strings");
  const own = plain(options, "options");
  let call = 0;
  let now: number | undefined;
  let addresses: readonly unknown[] | undefined;
  for (const key of Object.keys(own)) {
    const value = own[key];
    if (key === "now") now = instant(value);
    else if (key === "call") call = callNumber(value);
    else if (key !== "addresses") throw unknown(key, "`call`, `addresses`, `now`");
    else if (value !== undefined) {
      if (!Array.isArray(value) || value.length !== headers.length) throw wrong(key, "expected an array with an address for each header");
      addresses = value;
    }
  }
  return { call, now: now ?? unixNow(), addresses };
}

function freed(): TokenlatchError {
  return new TokenlatchError("table_unknown", "the table has been freed");
}

function unknown(key: string, known: string): TokenlatchError {
  return new TokenlatchError("field_unknown", `the option isn't known; known are ${known}`, key);
}

/** Checks a time; `undefined` stays so. */
export function instant(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw wrong("now", "expected whole Unix seconds");
  return value;
}

function callNumber(value: unknown): number {
  if (value === undefined) return 0;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > MAX_U32) {
    throw wrong("call", "expected a number that `prepare` gave");
  }
  return value;
}

/** Freezes an answer to its leaves: it is handed to every caller alike. */
function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const part of Object.values(value)) freeze(part);
    Object.freeze(value);
  }
  return value;
}
