/* @ts-self-types="./hot-path.d.ts" */

import { unixNow } from "../runtime/clock.js";
import { Utf8Encoder } from "../runtime/text.js";
import { TokenlatchError } from "../types/error.js";
import type { Call, HeaderFields, Realm, TableVerifyOptions, Verdict, VerifyManyOptions } from "../types/index.js";
import { assertUsable, buffers, callModule, module, moduleError, requestBytes, sendBytes, state } from "./instance.js";
import { isPlain, readPlain, typeInvalid } from "./plain-object.js";

/**
 * A code has the reason's number above the lower 32 bits, and the index of the record in them. Codes below this admit a token. A public
 * admission has a reason, like a refusal, and no record.
 */
export const REASON = 2 ** 32;

/** The most bytes of a method and a target, and of header fields, as of any request to the module. */
const MAX_REQUEST = 8 << 20;

/** The highest number that a call or a handle can have. */
const MAX_U32 = 2 ** 32 - 1;

/** A longer header or address is malformed, whatever its content, so it is cut to this many characters. */
const MAX_HEADER = 600;
const MAX_ADDRESS = 64;

/** Requests per call of the module. */
const BATCH = 4096;

const encoder = new Utf8Encoder();

/** Frees the module's memory of tables and snapshots that were garbage collected. */
export const finalizers = new FinalizationRegistry<number>((handle) => {
  try {
    callModule(() => module.tableFree(handle));
  } catch {
    // The module is broken: there is nothing to free.
  }
});

/** Returns the code of the verdict about one request, from the arguments of `verify`. */
export function verifyOne(handle: number, authorization: string | null | undefined, options: TableVerifyOptions | undefined): number {
  if (options === undefined) return verifyCode(handle, authorization ?? "", 0, "", unixNow());
  const { call, address, now } = readOptions(options);
  return verifyCode(handle, authorization ?? "", call, address, now);
}

/** Calls the module for one request. ASCII strings are written straight into its memory. */
function verifyCode(handle: number, authorization: string, call: number, address: string, now: number): number {
  assertUsable();
  const { header, headerAt, address: addressBuffer, addressAt } = buffers();
  try {
    if (typeof authorization === "string" && authorization.length <= header.length) {
      const length = authorization.length;
      const ascii = length === 0 || encoder.encodeInto(authorization, header).written === length;
      if (ascii && address === "") return module.tableVerify(handle, call, headerAt, length, 0, 0, now);
      if (ascii && address.length <= addressBuffer.length && encoder.encodeInto(address, addressBuffer).written === address.length) {
        return module.tableVerify(handle, call, headerAt, length, addressAt, address.length, now);
      }
    }
    // Too long, not ASCII or not a string: the general interface.
    return module.tableVerifyText(handle, call, authorization, address, now);
  } catch (thrown) {
    // Set here, because with a full stack the call of `moduleError` may fail too.
    if (typeof thrown !== "string") state.broken = true;
    throw moduleError(thrown);
  }
}

/** Returns the code of the verdict about one request by its header fields, from the arguments of `verifyFields`. */
export function verifyFields(handle: number, fields: HeaderFields, options: TableVerifyOptions = {}): number {
  // Read completely before the buffers are written, because the caller's getters may call the module.
  const texts = fieldTexts(fields);
  const { call, address, now } = readOptions(options);
  const { header, headerAt, address: addressBuffer, addressAt } = buffers();
  const addressLength = encoder.encodeInto(address.slice(0, MAX_ADDRESS), addressBuffer).written;
  const verify = (at: number, length: number) => module.tableVerifyFields(handle, call, at, length, addressAt, addressLength, now);
  const length = writeFields(texts, header);
  if (length !== undefined) return callModule(() => verify(length === 0 ? 0 : headerAt, length));
  const characters = texts.reduce((sum, text) => sum + text.length, 4 * texts.length);
  if (characters > MAX_REQUEST) throw new TokenlatchError("request_too_large", "the header fields may have at most 8 MiB", "fields");
  // A character has at most three bytes.
  const bytes = new Uint8Array(3 * characters);
  return sendBytes(bytes.subarray(0, writeFields(texts, bytes)), (_, at, sent) => verify(at, sent));
}

/** Checks header fields and returns their texts: name, value, name, value and so on. */
function fieldTexts(fields: HeaderFields): string[] {
  const texts: string[] = [];
  if (!Array.isArray(fields)) throw typeInvalid("fields", "expected an array of names and values");
  for (let index = 0; index < fields.length; index++) {
    const field: unknown = fields[index];
    const isPair = Array.isArray(field) && field.length === 2;
    const name: unknown = isPair ? field[0] : undefined;
    const value: unknown = isPair ? field[1] : undefined;
    if (typeof name !== "string" || typeof value !== "string") throw typeInvalid(`fields[${index}]`, "expected a name and a value");
    texts.push(name, value);
  }
  return texts;
}

/** Writes fields for the module: the two lengths of each, then the two texts. Returns the number of bytes; undefined if there is no room. */
function writeFields(texts: readonly string[], bytes: Uint8Array): number | undefined {
  let at = 0;
  for (let index = 0; index < texts.length; index += 2) {
    let from = at + 8;
    for (let part = 0; part < 2; part++) {
      const text = texts[index + part]!;
      if (from + text.length > bytes.length) return undefined;
      // The encoder costs more per call than a short text.
      let written = 0;
      for (let code; written < text.length && (code = text.charCodeAt(written)) < 0x80; written++) bytes[from + written] = code;
      if (written < text.length) {
        const encoded = encoder.encodeInto(text, bytes.subarray(from));
        if (encoded.read !== text.length) return undefined;
        written = encoded.written;
      }
      for (let byte = 0; byte < 4; byte++) bytes[at + 4 * part + byte] = written >>> (8 * byte);
      from += written;
    }
    at = from;
  }
  return at;
}

/** Has the module write the holder of an admitted token into the holder buffer. Returns the number of bytes, or 0. */
export function readHolder(handle: number, code: number): number {
  const { holder, holderAt } = buffers();
  try {
    return module.snapshotHolder(handle, code, holderAt, holder.length);
  } catch (thrown) {
    if (typeof thrown !== "string") state.broken = true;
    throw moduleError(thrown);
  }
}

/** Prepares a call and returns its number. */
export function prepareCall(handle: number, call: Call): number {
  const prepared: { call: number } = callModule(() => module.tablePrepare(handle, call));
  return prepared.call;
}

/** Returns the call number of a request's method and target. */
export function routeNumber(handle: number, method: string, target: string, realm: Realm): number {
  if (typeof method !== "string") throw typeInvalid("method", "expected a string");
  if (typeof target !== "string") throw typeInvalid("target", "expected a string");
  if (realm !== "account" && realm !== "admin") throw new TokenlatchError("value_invalid", "expected `account` or `admin`", "realm");
  const realmNumber = realm === "admin" ? 1 : 0;
  const request = method + target;
  const { header, headerAt } = buffers();
  // Both counts: a text that is cut in the middle may have as many bytes as characters.
  const { read, written } = encoder.encodeInto(request, header);
  const isWhole = read === request.length && written === request.length;
  const number = isWhole
    ? callModule(() => module.tableRoute(handle, realmNumber, headerAt, written, method.length))
    : routeText(handle, method, target, realmNumber);
  if (number >= 0) return number;
  throw number === -1 ? tableFreed() : moduleError(new Error("the module refused an address in its own memory"));
}

/** Looks up a request that is too long for the buffer, or not ASCII. Nothing is cut, because the end of a query counts too. */
function routeText(handle: number, method: string, target: string, realm: number): number {
  if (method.length + target.length > MAX_REQUEST) {
    throw new TokenlatchError("request_too_large", "a method and a target may have at most 8 MiB", "target");
  }
  for (const [field, text] of Object.entries({ method, target })) {
    if (/\p{Surrogate}/u.test(text)) throw new TokenlatchError("value_invalid", "half a surrogate pair stands alone in the string", field);
  }
  const [first, second] = [encoder.encode(method), encoder.encode(target)];
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return sendBytes(bytes, (_, at, length) => module.tableRoute(handle, realm, at, length, first.length));
}

/** Forgets all prepared calls. */
export function forgetCalls(handle: number): void {
  if (handle === 0) throw tableFreed();
  callModule(() => module.tableForgetCalls(handle));
}

/** Verifies many requests and returns their verdicts in the same order. */
export function verifyMany(
  handle: number,
  headers: readonly (string | null | undefined)[],
  options: VerifyManyOptions | undefined,
  verdict: (code: number) => Verdict,
): Verdict[] {
  const verdicts: Verdict[] = [];
  const { call, now, addresses } = readManyOptions(headers, options);
  for (let from = 0; from < headers.length; from += BATCH) {
    const count = Math.min(BATCH, headers.length - from);
    const bytes = encodeRequests(headers, addresses, from, count);
    const codes = requestBytes(bytes, (module, at, length) => module.tokenlatch_verify_many(handle, call, at, length, BigInt(now)));
    const numbers = new DataView(codes.buffer);
    for (let at = 0; at < 8 * count; at += 8) verdicts.push(verdict(numbers.getInt32(at + 4, true) * REASON + numbers.getUint32(at, true)));
  }
  return verdicts;
}

/** Encodes requests for the module: their number, the two lengths of each, then all texts. */
function encodeRequests(headers: readonly unknown[], addresses: readonly unknown[] | undefined, from: number, count: number): Uint8Array {
  const texts: string[] = [];
  let length = 4 + 4 * count;
  for (let at = from; at < from + count; at++) {
    const header = requestText(headers[at], "headers", at, MAX_HEADER);
    const address = addresses === undefined ? "" : requestText(addresses[at], "addresses", at, MAX_ADDRESS);
    texts.push(header, address);
    length += header.length + address.length;
  }
  const bytes = new Uint8Array(length);
  // One call for all texts: the encoder costs more per call than per character.
  const { read, written } = encoder.encodeInto(texts.join(""), bytes.subarray(4 + 4 * count));
  if (read === written && written === length - 4 - 4 * count) return withLengths(texts, bytes);
  // Not all ASCII: each text is encoded alone, because joined surrogate halves of two texts could form one character.
  const parts = texts.map((text) => encoder.encode(text));
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 4 + 4 * count));
  let offset = 4 + 4 * count;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return withLengths(parts, whole);
}

/** Writes the number of requests and the length of each text. */
function withLengths(texts: readonly { readonly length: number }[], bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer);
  view.setUint32(0, texts.length / 2, true);
  for (let at = 0; at < texts.length; at++) view.setUint16(4 + 2 * at, texts[at]!.length, true);
  return bytes;
}

/** Checks a header or an address and cuts it to a length. */
function requestText(value: unknown, field: string, index: number, max: number): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") throw typeInvalid(`${field}[${index}]`, "expected a string");
  return value.length > max ? value.slice(0, max) : value;
}

/** Returns the verdict that a code stands for. It is frozen. */
export function explain(handle: number, code: number): Verdict {
  if (code === -1) {
    throw handle === 0 ? tableFreed() : new TokenlatchError("call_unknown", "no call with this number was prepared", "call");
  }
  if (code < 0) throw moduleError(new Error("the module refused an address in its own memory"));
  return deepFreeze(callModule(() => module.tableVerdict(handle, code)));
}

/** The options of `verify` with their defaults. */
interface VerifyInput {
  call: number;
  address: string;
  now: number;
}

/** Reads the options of `verify`: own properties only, each once. Not shared with `readManyOptions`, for speed. */
function readOptions(options: TableVerifyOptions): VerifyInput {
  let call = 0;
  let address = "";
  let now: number | undefined;
  // Anything but a plain object has no own properties and would count as a call that names nothing.
  if (typeof options !== "object" || options === null || !isPlain(options)) throw typeInvalid("options", "expected a plain object");
  for (const key in options) {
    if (!Object.hasOwn(options, key)) continue;
    const value: unknown = options[key as keyof TableVerifyOptions];
    switch (key) {
      case "now":
        now = readTime(value);
        break;
      case "call":
        call = readCallNumber(value);
        break;
      case "address":
        if (value === undefined || value === null) break;
        if (typeof value !== "string") throw typeInvalid(key, "expected a string");
        address = value;
        break;
      default:
        throw unknownOption(key, "`call`, `address`, `now`");
    }
  }
  return { call, address, now: now ?? unixNow() };
}

function readManyOptions(
  headers: readonly unknown[],
  options: VerifyManyOptions = {},
): { call: number; now: number; addresses: readonly unknown[] | undefined } {
  if (!Array.isArray(headers)) throw typeInvalid("headers", "expected an array of strings");
  const own = readPlain(options, "options");
  let call = 0;
  let now: number | undefined;
  let addresses: readonly unknown[] | undefined;
  for (const key of Object.keys(own)) {
    const value = own[key];
    if (key === "now") now = readTime(value);
    else if (key === "call") call = readCallNumber(value);
    else if (key !== "addresses") throw unknownOption(key, "`call`, `addresses`, `now`");
    else if (value !== undefined) {
      if (!Array.isArray(value) || value.length !== headers.length) throw typeInvalid(key, "expected an array with an address for each header");
      addresses = value;
    }
  }
  return { call, now: now ?? unixNow(), addresses };
}

function tableFreed(): TokenlatchError {
  return new TokenlatchError("table_unknown", "the table has been freed");
}

function unknownOption(key: string, known: string): TokenlatchError {
  return new TokenlatchError("field_unknown", `unknown option; known are ${known}`, key);
}

/** Checks a time. `undefined` is passed through. */
export function readTime(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw typeInvalid("now", "expected whole Unix seconds");
  return value;
}

function readCallNumber(value: unknown): number {
  if (value === undefined) return 0;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > MAX_U32) {
    throw typeInvalid("call", "expected a number from `prepare` or `route`");
  }
  return value;
}

/** Freezes a verdict deeply: all callers get the same object. */
function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const part of Object.values(value)) deepFreeze(part);
    Object.freeze(value);
  }
  return value;
}
