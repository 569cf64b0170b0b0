/* @ts-self-types="./instance.d.ts" */

import { Utf8Decoder } from "../runtime/text.js";
import { TokenlatchError, fromModule } from "../types/error.js";
import * as glue from "./glue.js";

/** The functions of the module. Call them through {@link callModule}, or handle errors in the same way. */
export const module = glue;

/** Bytes of the module's memory that are reserved for a header or a request's method and target, an address and the holder of an admitted token. */
const HEADER_BYTES = 960;
const ADDRESS_BYTES = 64;
const HOLDER_BYTES = 256;

/** Whether the module is broken. Never reset. */
export const state = { broken: false };

let started: ReturnType<typeof glue.initSync> | undefined;
const EMPTY = new Uint8Array(0);
let current: Buffers = { header: EMPTY, headerAt: 0, address: EMPTY, addressAt: 0, holder: EMPTY, holderAt: 0 };

/** Views of the module's memory for strings of the hot path, and their addresses in it. */
export interface Buffers {
  readonly header: Uint8Array;
  readonly headerAt: number;
  readonly address: Uint8Array;
  readonly addressAt: number;
  readonly holder: Uint8Array;
  readonly holderAt: number;
}

/**
 * Starts the module. Later calls do nothing. Every entry point does this on import, except `tokenlatch/module`, where you call it.
 *
 * @param compiled `tokenlatch.wasm` of this version of the package, compiled.
 * @throws TokenlatchError `type_invalid` for anything but a compiled module, `module_broken` for another module.
 * @example
 * ```ts
 * import { createToken, start } from "tokenlatch/module";
 * import compiled from "tokenlatch/tokenlatch.wasm";
 *
 * start(compiled);
 * createToken({ user: "alice", name: "backup", access: "full" });
 * ```
 */
export function start(compiled: WebAssembly.Module): void {
  if (started !== undefined) return;
  let exports: WebAssembly.ModuleExportDescriptor[];
  try {
    // Throws for anything but a module. A module of another realm is accepted.
    exports = WebAssembly.Module.exports(compiled);
  } catch (cause) {
    throw new TokenlatchError("type_invalid", "expected a `WebAssembly.Module`", "compiled", { cause });
  }
  try {
    if (!exports.some(({ name }) => name === "tokenlatch_abi_version")) throw new Error("the module lacks the exports of tokenlatch");
    // Vercel's edge runtime has modules of another realm, which the glue would read as bytes.
    if (!(compiled instanceof WebAssembly.Module)) Object.setPrototypeOf(compiled, WebAssembly.Module.prototype);
    started = glue.initSync({ module: compiled });
  } catch (cause) {
    const message = "the module can't be started; is it `tokenlatch.wasm` of this version of the package?";
    throw new TokenlatchError("module_broken", message, "compiled", { cause });
  }
}

/**
 * Converts what the module threw into an error. Its own errors are strings; anything else, such as a trap or a stack overflow,
 * marks the module as broken: its memory may be half changed and must not be used again.
 */
export function moduleError(thrown: unknown): TokenlatchError {
  if (typeof thrown !== "string") state.broken = true;
  return state.broken ? brokenError(thrown) : fromModule(thrown as string);
}

/** Throws when the module is broken or hasn't been started. */
export function assertUsable(): void {
  if (state.broken) throw brokenError();
  if (started === undefined) throw new TokenlatchError("module_broken", "the module hasn't been started; call `start` first");
}

/** Calls the module and converts its errors. */
export function callModule<T>(call: () => T): T {
  assertUsable();
  let answer: T;
  try {
    answer = call();
  } catch (thrown) {
    // Set here, because with a full stack the call of `moduleError` may fail too.
    if (typeof thrown !== "string") state.broken = true;
    throw moduleError(thrown);
  }
  // A getter of the options may have called the module, and that call may have broken it.
  assertUsable();
  return answer;
}

/** Returns the buffers for one verification. The views are made again when the memory has grown, because that detaches them. */
export function buffers(): Buffers {
  if (current.header.length !== 0) return current;
  return callModule(() => {
    if (started === undefined) throw new Error("the module has not been started");
    const headerAt = current.headerAt !== 0 ? current.headerAt : started.tokenlatch_alloc(HEADER_BYTES + ADDRESS_BYTES + HOLDER_BYTES) >>> 0;
    if (headerAt === 0) throw new Error("the module has no memory left");
    const addressAt = headerAt + HEADER_BYTES;
    const header = new Uint8Array(started.memory.buffer, headerAt, HEADER_BYTES);
    const address = new Uint8Array(started.memory.buffer, addressAt, ADDRESS_BYTES);
    const holderAt = addressAt + ADDRESS_BYTES;
    const holder = new Uint8Array(started.memory.buffer, holderAt, HOLDER_BYTES);
    current = { header, headerAt, address, addressAt, holder, holderAt };
    return current;
  });
}

/** The exports of the module's plain face, which take and return bytes. */
export type PlainExports = ReturnType<typeof glue.initSync>;

/** Calls the module with bytes in its memory. */
export function sendBytes<T>(bytes: Uint8Array, call: (module: PlainExports, at: number, length: number) => T): T {
  return callModule(() => {
    if (started === undefined) throw new Error("the module has not been started");
    const { length } = bytes;
    const at = length === 0 ? 0 : started.tokenlatch_alloc(length) >>> 0;
    // Thrown as a string, as the module's own errors are, so that the module doesn't count as broken.
    if (at === 0 && length > 0) throw JSON.stringify({ code: "snapshot_too_large", message: "the module has no memory left" });
    if (length > 0) new Uint8Array(started.memory.buffer, at, length).set(bytes);
    const answer = call(started, at, length);
    if (length > 0) started.tokenlatch_free(at, length);
    return answer;
  });
}

/** Calls the plain face with bytes and returns a copy of the answer. */
export function requestBytes(bytes: Uint8Array, call: (module: PlainExports, at: number, length: number) => bigint): Uint8Array<ArrayBuffer> {
  const answer = BigInt.asUintN(64, sendBytes(bytes, call));
  return callModule(() => {
    if (started === undefined) throw new Error("the module has not been started");
    const answerAt = Number(answer >> 32n);
    const answerLength = Number(answer & 0xffff_ffffn);
    if (answerAt === 0) throw new Error("the module has no memory left");
    const copy = new Uint8Array(started.memory.buffer, answerAt, answerLength).slice();
    started.tokenlatch_free(answerAt, answerLength);
    return copy;
  });
}

const decoder = new Utf8Decoder();

/** Calls the plain face with bytes and returns the answer, which is JSON text. */
export function requestJson<T>(bytes: Uint8Array, call: (module: PlainExports, at: number, length: number) => bigint): T {
  const answer = JSON.parse(decoder.decode(requestBytes(bytes, call))) as { ok: T } | { error: unknown };
  // Own properties only: a polluted prototype isn't part of the answer.
  if (Object.hasOwn(answer, "error")) throw fromModule(JSON.stringify((answer as { error: unknown }).error));
  return (answer as { ok: T }).ok;
}

function brokenError(cause?: unknown): TokenlatchError {
  return new TokenlatchError(
    "module_broken",
    "the module failed in this call or an earlier one and can no longer be used; restart the process or the worker",
    undefined,
    cause === undefined || typeof cause === "string" ? undefined : { cause },
  );
}
