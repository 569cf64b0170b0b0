/* @ts-self-types="./asking.d.ts" */

import { TokenlatchError } from "./errors.js";
import { failed, guarded, module, refuseBroken, room, send, state } from "./instance.js";
import type { TableVerifyOptions, Verdict, VerifyManyOptions } from "./types.js";

/** Codes from here on carry a reason for refusal above the place of the record. */
export const REFUSED = 2 ** 32;

/** The highest number that a call or a handle can have. */
const MAX_U32 = 2 ** 32 - 1;

/** A header of more characters is malformed whatever it says, and so is an address of more: no more need be handed over. */
const MAX_HEADER = 600;
const MAX_ADDRESS = 64;

/** The most bytes of requests that go over at once. */
const BATCH = 1 << 20;

const encoder = new TextEncoder();

/** Frees the module's side of tables and snapshots that nobody holds any more. */
export const forgotten = new FinalizationRegistry<number>((handle) => {
  try {
    guarded(() => module.tableFree(handle));
  } catch {
    // The module is broken; there is nothing left to free.
  }
});

/** Asks the module for the code of one request. Strings are written straight into its memory. */
export function ask(handle: number, authorization: string, call: number, address: string, now: number): number {
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

/** Asks for the codes of many requests, and gives each with its index to `told`. */
export function askMany(
  handle: number,
  headers: readonly (string | null | undefined)[],
  options: VerifyManyOptions | undefined,
  told: (code: number, index: number) => void,
): void {
  const { call, now, addresses } = readManyOptions(headers, options);
  const bytes = new Uint8Array(BATCH);
  const view = new DataView(bytes.buffer);
  let used = 0;
  let first = 0;
  const flush = (after: number): void => {
    const codes = send(bytes.subarray(0, used), (module, at, length) => module.tokenlatch_verify_many(handle, call, at, length, BigInt(now)));
    const numbers = new DataView(codes.buffer, codes.byteOffset, codes.byteLength);
    for (let index = first; index < after; index++) {
      const place = (index - first) * 8;
      told(numbers.getInt32(place + 4, true) * REFUSED + numbers.getUint32(place, true), index);
    }
    used = 0;
    first = after;
  };
  for (let index = 0; index < headers.length; index++) {
    if (used + 4 + 3 * (MAX_HEADER + MAX_ADDRESS) > BATCH) flush(index);
    const header = text(headers[index], "headers", index, MAX_HEADER);
    const address = text(addresses?.[index], "addresses", index, MAX_ADDRESS);
    const from = used + 4;
    const headerLength = encoder.encodeInto(header, bytes.subarray(from)).written;
    const addressLength = address === "" ? 0 : encoder.encodeInto(address, bytes.subarray(from + headerLength)).written;
    view.setUint16(used, headerLength, true);
    view.setUint16(used + 2, addressLength, true);
    used = from + headerLength + addressLength;
  }
  if (first < headers.length) flush(headers.length);
}

function text(value: unknown, field: string, index: number, most: number): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") throw wrong(`${field}[${index}]`, "expected a string");
  return value.length > most ? value.slice(0, most) : value;
}

/** The module's own words for a code. */
export function explain(handle: number, code: number): Verdict {
  if (code === -1) {
    throw handle === 0
      ? new TokenlatchError("table_unknown", "the table has been freed")
      : new TokenlatchError("call_unknown", "no call of that number was prepared", "call");
  }
  if (code < 0) throw failed(new Error("the module lost its own memory"));
  return freeze(guarded(() => module.tableVerdict(handle, code)));
}

/** The options of `verify`, with defaults for what was left out. */
export interface Asked {
  call: number;
  address: string;
  now: number;
}

/** Reads the options of `verify`: own properties only, each once. Written out, for it is on the hot path. */
export function readOptions(options: TableVerifyOptions): Asked {
  let call = 0;
  let address = "";
  let now: number | undefined;
  if (typeof options !== "object" || options === null) throw wrong("options", "expected an object");
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
  return { call, address, now: now ?? present() };
}

function readManyOptions(
  headers: readonly unknown[],
  options: VerifyManyOptions = {},
): { call: number; now: number; addresses: readonly unknown[] | undefined } {
  if (!Array.isArray(headers)) throw wrong("headers", "expected an array of strings");
  if (typeof options !== "object" || options === null) throw wrong("options", "expected an object");
  let call = 0;
  let now: number | undefined;
  let addresses: readonly unknown[] | undefined;
  for (const key of Object.keys(options)) {
    const value: unknown = options[key as keyof VerifyManyOptions];
    if (key === "now") now = instant(value);
    else if (key === "call") call = callNumber(value);
    else if (key !== "addresses") throw unknown(key, "`call`, `addresses`, `now`");
    else if (value !== undefined) {
      if (!Array.isArray(value) || value.length !== headers.length) throw wrong(key, "expected an array with an address for each header");
      addresses = value;
    }
  }
  return { call, now: now ?? present(), addresses };
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

/** The clock's time. */
export function present(): number {
  return Math.floor(Date.now() / 1000);
}

/** An option of the wrong type. */
export function wrong(field: string, message: string): TokenlatchError {
  return new TokenlatchError("type_invalid", message, field);
}

/** Freezes an answer to its leaves: it is handed to every caller alike. */
function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const part of Object.values(value)) freeze(part);
    Object.freeze(value);
  }
  return value;
}
