/* @ts-self-types="./instance.d.ts" */

import { Utf8Decoder } from "../runtime/text.js";
import { TokenlatchError, fromModule } from "../types/error.js";
import * as glue from "./glue.js";

/** The functions of the module. Each call of one goes through {@link guarded}, or does as it does. */
export const module = glue;

/** How many bytes of the module's memory are set aside for a header, for an address, and for whose token it is. */
const HEADER_ROOM = 960;
const ADDRESS_ROOM = 64;
const HOLDER_ROOM = 256;

/** Whether the module broke. Only ever set. */
export const state = { broken: false };

let started: ReturnType<typeof glue.initSync> | undefined;
const nothing = new Uint8Array(0);
let rooms: Rooms = { header: nothing, headerAt: 0, address: nothing, addressAt: 0, holder: nothing, holderAt: 0 };

/** Views of the module's memory to write strings into and to read from, and where they lie. */
export interface Rooms {
  readonly header: Uint8Array;
  readonly headerAt: number;
  readonly address: Uint8Array;
  readonly addressAt: number;
  readonly holder: Uint8Array;
  readonly holderAt: number;
}

/**
 * Starts the module, once: a later call changes nothing. The entry point of each runtime does this by itself; only
 * `tokenlatch/module` leaves it to you.
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
    // Throws for anything but a module, and takes one of another realm.
    exports = WebAssembly.Module.exports(compiled);
  } catch (cause) {
    throw new TokenlatchError("type_invalid", "expected a `WebAssembly.Module`", "compiled", { cause });
  }
  try {
    if (!exports.some(({ name }) => name === "tokenlatch_abi_version")) throw new Error("it doesn't export the interface of tokenlatch");
    // Vercel's edge runtime hands out modules of another realm, which the glue takes for bytes.
    if (!(compiled instanceof WebAssembly.Module)) Object.setPrototypeOf(compiled, WebAssembly.Module.prototype);
    started = glue.initSync({ module: compiled });
  } catch (cause) {
    const message = "the module can't be started; is it `tokenlatch.wasm` of this version of the package?";
    throw new TokenlatchError("module_broken", message, "compiled", { cause });
  }
}

/**
 * Marks the module broken when what it threw isn't one of its own errors, which are strings. After a trap or a stack
 * overflow its memory is in the middle of a change, and nothing may be computed on it again.
 */
export function failed(thrown: unknown): TokenlatchError {
  if (typeof thrown !== "string") state.broken = true;
  return state.broken ? moduleBroken(thrown) : fromModule(thrown as string);
}

/** Refuses when the module broke in an earlier call, and when it hasn't been started. */
export function refuseBroken(): void {
  if (state.broken) throw moduleBroken();
  if (started === undefined) throw new TokenlatchError("module_broken", "the module hasn't been started; call `start` first");
}

/** Calls into the module. */
export function guarded<T>(call: () => T): T {
  refuseBroken();
  let answer: T;
  try {
    answer = call();
  } catch (thrown) {
    // Here already, because on a full stack the call of `failed` may itself be refused.
    if (typeof thrown !== "string") state.broken = true;
    throw failed(thrown);
  }
  // A getter of the options may have called the module again, and broken it there.
  refuseBroken();
  return answer;
}

/** Room for the strings of one verification. The views are made again after the memory has grown, which empties them. */
export function room(): Rooms {
  if (rooms.header.length !== 0) return rooms;
  return guarded(() => {
    if (started === undefined) throw new Error("the module has not been started");
    const headerAt = rooms.headerAt !== 0 ? rooms.headerAt : started.tokenlatch_alloc(HEADER_ROOM + ADDRESS_ROOM + HOLDER_ROOM) >>> 0;
    if (headerAt === 0) throw new Error("the module has no memory left");
    const addressAt = headerAt + HEADER_ROOM;
    const header = new Uint8Array(started.memory.buffer, headerAt, HEADER_ROOM);
    const address = new Uint8Array(started.memory.buffer, addressAt, ADDRESS_ROOM);
    const holderAt = addressAt + ADDRESS_ROOM;
    const holder = new Uint8Array(started.memory.buffer, holderAt, HOLDER_ROOM);
    rooms = { header, headerAt, address, addressAt, holder, holderAt };
    return rooms;
  });
}

/** The module's plain exports, which take and give bytes. */
export type Plain = ReturnType<typeof glue.initSync>;

/** Calls the plain interface with bytes, and gives a copy of its answer. */
export function send(bytes: Uint8Array, call: (module: Plain, at: number, length: number) => bigint): Uint8Array<ArrayBuffer> {
  return guarded(() => {
    if (started === undefined) throw new Error("the module has not been started");
    const { length } = bytes;
    const at = length === 0 ? 0 : started.tokenlatch_alloc(length) >>> 0;
    // The errors of the module are strings, so it isn't taken for broken.
    if (at === 0 && length > 0) throw JSON.stringify({ code: "snapshot_too_large", message: "the module has no memory left" });
    if (length > 0) new Uint8Array(started.memory.buffer, at, length).set(bytes);
    const answer = BigInt.asUintN(64, call(started, at, length));
    if (length > 0) started.tokenlatch_free(at, length);
    const answerAt = Number(answer >> 32n);
    const answerLength = Number(answer & 0xffff_ffffn);
    if (answerAt === 0) throw new Error("the module has no memory left");
    const copy = new Uint8Array(started.memory.buffer, answerAt, answerLength).slice();
    started.tokenlatch_free(answerAt, answerLength);
    return copy;
  });
}

const decoder = new Utf8Decoder();

/** The same where the answer is JSON text. */
export function sent<T>(bytes: Uint8Array, call: (module: Plain, at: number, length: number) => bigint): T {
  const answer = JSON.parse(decoder.decode(send(bytes, call))) as { ok: T } | { error: unknown };
  // Own properties only: what is on a polluted prototype isn't part of the answer.
  if (Object.hasOwn(answer, "error")) throw fromModule(JSON.stringify((answer as { error: unknown }).error));
  return (answer as { ok: T }).ok;
}

function moduleBroken(cause?: unknown): TokenlatchError {
  return new TokenlatchError(
    "module_broken",
    "the module failed in this or an earlier call and can't be trusted any more; restart the process or worker",
    undefined,
    cause === undefined || typeof cause === "string" ? undefined : { cause },
  );
}
