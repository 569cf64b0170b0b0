/* @ts-self-types="./persistence.d.ts" */

import { inOrder } from "../runtime/exclusive.js";
import { Utf8Decoder, Utf8Encoder } from "../runtime/text.js";
import type { SnapshotFloor, SnapshotState } from "../types/index.js";
import type { FollowerKey, FollowerMessage, FollowerStore, StoredBytes } from "./follower-options.js";

/** The content of a store. */
export interface Restored {
  readonly floor: SnapshotFloor | undefined;
  /** The whole snapshot, then its deltas. */
  readonly messages: readonly Uint8Array[];
}

/** How long a write waits for the one before it, in milliseconds. */
const WRITE_TIMEOUT = 10_000;

/** Bytes of the length in front of each delta. */
const LENGTH_BYTES = 4;

/**
 * Saves messages in a store. Writes are ordered: after an interruption the saved messages either lead to the floor or are seen not to.
 * Heartbeats aren't saved, because the floor doesn't need them and a restarted edge requests one anyway.
 */
export class Persistence {
  readonly #store: FollowerStore;
  #deltas: Uint8Array = new Uint8Array(0);

  constructor(store: FollowerStore) {
    this.#store = store;
  }

  /** Reads the snapshot, the deltas and the floor. */
  async restore(): Promise<Restored> {
    const [snapshot, deltas, floor] = await Promise.all([this.#get("snapshot"), this.#get("deltas"), this.#get("floor")]);
    this.#deltas = deltas ?? this.#deltas;
    return { floor: readFloor(floor), messages: snapshot === undefined ? [] : [snapshot, ...split(this.#deltas)] };
  }

  /** Saves a message, unless another follower with the same store has saved a newer table. */
  async save(message: FollowerMessage): Promise<void> {
    if (message.base === message.table.version) return;
    await this.#inOrder(() => this.#write(message));
  }

  /** Deletes everything, the floor included. */
  async clear(): Promise<void> {
    await this.#inOrder(async () => {
      this.#deltas = new Uint8Array(0);
      // The floor last: it stays in force if an earlier write fails.
      for (const key of ["snapshot", "deltas", "floor"] as const) await this.#store.put(key, new Uint8Array(0));
    });
  }

  /** Runs one write at a time for all followers of this process. A store that hangs delays the next write by `WRITE_TIMEOUT` at most. */
  async #inOrder(work: () => Promise<void>): Promise<void> {
    await inOrder(pendingWrites, this.#store, WRITE_TIMEOUT, work);
  }

  async #write({ kind, bytes, table }: FollowerMessage): Promise<void> {
    const isBehind = (stored: Uint8Array | undefined) => {
      const floor = readFloor(stored);
      return floor !== undefined && !reaches(table, floor);
    };
    if (isBehind(await this.#get("floor"))) return;
    if (kind === "snapshot") {
      // The old deltas stay for a moment: they don't apply to this snapshot, which is detected.
      await this.#store.put("snapshot", bytes);
      this.#deltas = new Uint8Array(0);
    } else {
      this.#deltas = concatenate([this.#deltas, encodeLength(bytes), bytes]);
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

/** The last write to each store, so that followers of this process that share a store write in order. */
const pendingWrites = new WeakMap<FollowerStore, Promise<unknown>>();

/** Returns the stored bytes. Empty bytes mean that they were deleted. */
function bytesOf(stored: StoredBytes): Uint8Array | undefined {
  if (stored === null || stored === undefined || stored.byteLength === 0) return undefined;
  return stored instanceof Uint8Array ? stored : new Uint8Array(stored);
}

/** Tells whether a table is at least as new as a floor. */
export function reaches(table: SnapshotState | null, floor: SnapshotFloor): boolean {
  if (table === null || table.made < floor.made) return false;
  return table.epoch === floor.epoch ? table.version >= floor.version : table.made > floor.made;
}

/** Concatenates arrays of bytes. */
export function concatenate(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Encodes the length of a delta. */
function encodeLength(bytes: Uint8Array): Uint8Array {
  const length = new Uint8Array(LENGTH_BYTES);
  new DataView(length.buffer).setUint32(0, bytes.length, true);
  return length;
}

/** Splits saved deltas. One that is cut off is left out, as all after it. */
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

/** Reads a floor. An unreadable one counts as missing: a person who can corrupt it can also delete it. */
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
