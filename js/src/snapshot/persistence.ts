/* @ts-self-types="./persistence.d.ts" */

import { inTurn } from "../runtime/exclusive.js";
import { Utf8Decoder, Utf8Encoder } from "../runtime/text.js";
import type { SnapshotFloor, SnapshotState } from "../types/index.js";
import type { FollowerKey, FollowerMessage, FollowerStore, StoredBytes } from "./follower-options.js";

/** What a store gave back. */
export interface Restored {
  readonly floor: SnapshotFloor | undefined;
  /** The whole snapshot and the deltas that follow it. */
  readonly messages: readonly Uint8Array[];
}

/** How long one write waits for the one before it, in milliseconds. */
const TURN_TIMEOUT = 10_000;

/** Bytes of the length before each delta. */
const LENGTH_BYTES = 4;

/**
 * Keeps messages in a store. Its writes are ordered so that, wherever they stop, what is there leads to the
 * floor or is seen not to. Heartbeats aren't kept: the floor needs none, and a restarted edge asks for one anyway.
 */
export class Kept {
  readonly #store: FollowerStore;
  #deltas: Uint8Array = new Uint8Array(0);

  constructor(store: FollowerStore) {
    this.#store = store;
  }

  async restore(): Promise<Restored> {
    const [snapshot, deltas, floor] = await Promise.all([this.#get("snapshot"), this.#get("deltas"), this.#get("floor")]);
    this.#deltas = deltas ?? this.#deltas;
    return { floor: readFloor(floor), messages: snapshot === undefined ? [] : [snapshot, ...split(this.#deltas)] };
  }

  /** Keeps a message, unless another follower that shares the store has kept a newer table. */
  async keep(message: FollowerMessage): Promise<void> {
    if (message.base === message.table.version) return;
    await this.#inTurn(() => this.#keep(message));
  }

  /** Forgets everything, the floor too. */
  async clear(): Promise<void> {
    await this.#inTurn(async () => {
      this.#deltas = new Uint8Array(0);
      // The floor last: it holds if this fails before.
      for (const key of ["snapshot", "deltas", "floor"] as const) await this.#store.put(key, new Uint8Array(0));
    });
  }

  /** Does one thing after the other, whichever follower of this process asks. A store that hangs delays the next write by `TURN_TIMEOUT` at most. */
  async #inTurn(work: () => Promise<void>): Promise<void> {
    await inTurn(underway, this.#store, TURN_TIMEOUT, work);
  }

  async #keep({ kind, bytes, table }: FollowerMessage): Promise<void> {
    const isBehind = (stored: Uint8Array | undefined) => {
      const floor = readFloor(stored);
      return floor !== undefined && !reaches(table, floor);
    };
    if (isBehind(await this.#get("floor"))) return;
    if (kind === "snapshot") {
      // The deltas of another snapshot don't follow on this one: they are seen to lead nowhere.
      await this.#store.put("snapshot", bytes);
      this.#deltas = new Uint8Array(0);
    } else {
      this.#deltas = joined([this.#deltas, lengthOf(bytes), bytes]);
    }
    await this.#store.put("deltas", this.#deltas);
    const { epoch, version, made } = table;
    const raised = new Utf8Encoder().encode(JSON.stringify({ epoch, version, made } satisfies SnapshotFloor));
    if (this.#store.update === undefined) await this.#store.put("floor", raised);
    else await this.#store.update("floor", (stored) => (isBehind(bytesOf(stored)) ? null : raised));
  }

  async #get(key: FollowerKey): Promise<Uint8Array | undefined> {
    return bytesOf(await this.#store.get(key));
  }
}

/** What is being kept in each store, so that two followers in one process that share it take turns. */
const underway = new WeakMap<FollowerStore, Promise<unknown>>();

/** What a store gave; nothing is stored where something was forgotten. */
function bytesOf(stored: StoredBytes): Uint8Array | undefined {
  if (stored === null || stored === undefined || stored.byteLength === 0) return undefined;
  return stored instanceof Uint8Array ? stored : new Uint8Array(stored);
}

/** Whether a table is as new as a floor. */
export function reaches(table: SnapshotState | null, floor: SnapshotFloor): boolean {
  if (table === null || table.made < floor.made) return false;
  return table.epoch === floor.epoch ? table.version >= floor.version : table.made > floor.made;
}

/** Several pieces as one. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function lengthOf(bytes: Uint8Array): Uint8Array {
  const length = new Uint8Array(LENGTH_BYTES);
  new DataView(length.buffer).setUint32(0, bytes.length, true);
  return length;
}

/** The deltas, up to one that is cut off. */
function split(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const deltas: Uint8Array[] = [];
  for (let at = 0; at + LENGTH_BYTES <= bytes.length; ) {
    const start = at + LENGTH_BYTES;
    at = start + view.getUint32(at, true);
    if (at <= bytes.length) deltas.push(bytes.subarray(start, at));
  }
  return deltas;
}

/** A floor that can't be read counts as missing: its bytes are in the same hands as the messages. */
function readFloor(bytes: Uint8Array | undefined): SnapshotFloor | undefined {
  if (bytes === undefined) return undefined;
  try {
    const { epoch, version, made } = JSON.parse(new Utf8Decoder().decode(bytes)) as Partial<Record<keyof SnapshotFloor, unknown>>;
    const whole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
    return whole(epoch) && whole(version) && whole(made) ? { epoch, version, made } : undefined;
  } catch {
    return undefined;
  }
}
