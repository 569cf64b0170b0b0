/* @ts-self-types="./instance.d.ts" */

import { TokenlatchError, fromModule } from "./errors.js";
import * as glue from "./module/tokenlatch.js";

/** The functions of the module. Each call of one goes through {@link guarded}, or does as it does. */
export const module = glue;

/** How many bytes of the module's memory are set aside for a header and for an address. */
const HEADER_ROOM = 960;
const ADDRESS_ROOM = 64;

/** Whether the module broke. Only ever set. */
export const state = { broken: false };

let started: ReturnType<typeof glue.initSync> | undefined;
let rooms: Rooms = { header: new Uint8Array(0), headerAt: 0, address: new Uint8Array(0), addressAt: 0 };

/** Views of the module's memory to write strings into, and where they lie. */
export interface Rooms {
  readonly header: Uint8Array;
  readonly headerAt: number;
  readonly address: Uint8Array;
  readonly addressAt: number;
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
    if (!exports.some(({ name }) => name === "tokenlatch_abi_version")) throw new Error("it exports no interface of ours");
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

/** Room for the strings of one verification. The views are made anew after the memory has grown, which empties them. */
export function room(): Rooms {
  if (rooms.header.length !== 0) return rooms;
  return guarded(() => {
    if (started === undefined) throw new Error("the module has not been started");
    const headerAt = rooms.headerAt !== 0 ? rooms.headerAt : started.tokenlatch_alloc(HEADER_ROOM + ADDRESS_ROOM) >>> 0;
    if (headerAt === 0) throw new Error("the module has no memory left");
    const addressAt = headerAt + HEADER_ROOM;
    const header = new Uint8Array(started.memory.buffer, headerAt, HEADER_ROOM);
    const address = new Uint8Array(started.memory.buffer, addressAt, ADDRESS_ROOM);
    rooms = { header, headerAt, address, addressAt };
    return rooms;
  });
}

function moduleBroken(cause?: unknown): TokenlatchError {
  return new TokenlatchError(
    "module_broken",
    "the module broke off in this or an earlier call and can't be trusted any more; start the process or worker anew",
    undefined,
    cause === undefined || typeof cause === "string" ? undefined : { cause },
  );
}
