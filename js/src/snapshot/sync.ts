/* @ts-self-types="./sync.d.ts" */

import { unixNow } from "../runtime/clock.js";
import { type Attempt, Exclusive } from "../runtime/exclusive.js";
import { withTimeout } from "../runtime/timeout.js";
import type { SnapshotFloor, SnapshotState } from "../types/index.js";
import { LatchError, codeOf } from "../types/latch-error.js";
import type { FollowerMessage, FollowerOptions } from "./follower-options.js";
import { Origin, type ReadChunk } from "./origin.js";
import { Persistence, concatenate, reaches } from "./persistence.js";
import { Snapshot } from "./snapshot.js";

/** Bytes of a message's header and signature, and the place of the kind in it. */
const HEADER_BYTES = 192;
const KIND = { at: 5, snapshot: 1 } as const;

/** Deltas per attempt, in case the origin changes faster than they are applied. */
const MAX_DELTAS = 1_000;

/** Time that an attempt may take beyond what it waits for, in milliseconds. */
const MARGIN = 1_000;

/** How long the store may take, in milliseconds: a whole snapshot may be tens of megabytes. */
const STORE_TIMEOUT = 30_000;

/** A whole snapshot is fetched again when the saved deltas exceed this many bytes and this fraction of the last snapshot. */
const MIN_DELTA_BYTES = 262_144;
const DELTA_FRACTION = 1 / 16;

/** Keeps the module's table in sync with an origin, one attempt at a time. */
export class Sync {
  /** The table that decides. It is replaced when the saved messages don't reach the floor. */
  snapshot: Snapshot;
  /** The state of the table. */
  table: SnapshotState | null = null;
  /** When the origin last gave a valid answer, in milliseconds since 1970. */
  contacted: number | null = null;
  /** Failed attempts since then. */
  failures = 0;
  /** Why the last attempt failed. */
  error: Error | null = null;

  readonly #options: FollowerOptions;
  readonly #origin: Origin;
  readonly #exclusive = new Exclusive();
  readonly #persistence: Persistence | undefined;
  #isRestored = false;
  #needsSnapshot = false;
  #snapshotBytes = 0;
  #deltaBytes = 0;

  constructor(options: FollowerOptions, origin: Origin) {
    this.#options = options;
    this.#origin = origin;
    this.#persistence = options.store === undefined ? undefined : new Persistence(options.store);
    this.snapshot = this.#newSnapshot();
  }

  /** Tries once to catch up. A failure is recorded and passed to `onError`, not thrown. */
  async attempt(wait: number): Promise<void> {
    await this.#exclusive.run(this.#origin.timeout + wait * 1_000 + MARGIN, async (attempt) => {
      try {
        await this.#restore();
        await this.#catchUp(attempt, wait);
        this.failures = 0;
        this.error = null;
      } catch (error) {
        // Aborted by `stop` or replaced by another attempt: not a failure.
        if (!attempt.isActive) return;
        this.failures += 1;
        this.error = this.notifyError(error);
      }
    });
  }

  /** Deletes the table, here and in the store. */
  async reset(): Promise<void> {
    this.#exclusive.abort();
    // While another attempt is running, `run` waits for that one and doesn't start this one.
    for (let hasRun = false; !hasRun; ) {
      await this.#exclusive.run(STORE_TIMEOUT + MARGIN, async () => {
        hasRun = true;
        await this.#clear();
      });
    }
  }

  async #clear(): Promise<void> {
    const persistence = this.#persistence;
    if (persistence !== undefined) await withTimeout("delete the saved snapshot", STORE_TIMEOUT, async () => persistence.clear());
    this.#isRestored = true;
    this.#needsSnapshot = false;
    this.#replaceByEmpty();
  }

  /** Aborts the running attempt. */
  abort(): void {
    this.#exclusive.abort();
  }

  /** Passes a failure to `onError` and returns it as an error with a code. */
  notifyError(failure: unknown): Error {
    // An error without a code comes from a function of the options.
    const error = codeOf(failure) === undefined ? new LatchError("origin_failed", "the request to the origin failed", { cause: failure }) : (failure as Error);
    notify(this.#options.onError, error);
    return error;
  }

  #now(): number {
    return this.#options.now?.() ?? unixNow();
  }

  /** Makes an empty table. */
  #newSnapshot(floor?: SnapshotFloor): Snapshot {
    const { publicKeys, peppers, catalogue, credentials, maxAge } = this.#options;
    return new Snapshot({ publicKeys, peppers, catalogue, credentials, floor, maxAge });
  }

  /** Loads the saved messages, once. A store that fails makes the attempt fail: without the floor an older table could be accepted. */
  async #restore(): Promise<void> {
    if (this.#isRestored || this.#persistence === undefined) return;
    const persistence = this.#persistence;
    const { floor, messages } = await withTimeout("read the saved snapshot", STORE_TIMEOUT, async () => persistence.restore());
    if (this.#isRestored) return;
    this.#isRestored = true;
    try {
      for (const bytes of messages) this.#applied(this.snapshot.apply(bytes, this.#now()), bytes, bytes.length);
    } catch (error) {
      // For example a delta of an older snapshot. The messages before it stay applied.
      this.notifyError(error);
    }
    if (floor === undefined || reaches(this.table, floor)) return;
    this.#replaceByEmpty(floor);
  }

  /** Replaces the table by an empty one. */
  #replaceByEmpty(floor?: SnapshotFloor): void {
    const before = this.snapshot;
    this.snapshot = this.#newSnapshot(floor);
    before.free();
    this.table = null;
  }

  async #catchUp(attempt: Attempt, wait: number): Promise<void> {
    let needsSnapshot = this.#needsSnapshot;
    for (let count = 0; count < MAX_DELTAS; count += 1) {
      const before = this.table;
      if (before === null || needsSnapshot) {
        if ((await this.#request("snapshot", 0, attempt)) !== "applied") throw new LatchError("origin_failed", "the origin has no snapshot");
        this.#needsSnapshot = false;
        needsSnapshot = false;
        // A caller that waits makes another attempt anyway.
        if (wait > 0) return;
        continue;
      }
      const seconds = Math.min(wait, this.#maxWait(before));
      const answer = await this.#request(`snapshot/deltas?since=${before.epoch}-${before.version}&wait=${seconds}`, seconds, attempt);
      needsSnapshot = answer === "gap";
      if (!needsSnapshot && (wait > 0 || this.table?.version === before.version)) return;
    }
  }

  /** Returns the longest wait in seconds: a third of the age that is allowed, so that two answers may be lost. */
  #maxWait(table: SnapshotState): number {
    const { maxAge = table.maxAge } = this.#options;
    return Math.max(1, Math.floor(Math.min(maxAge, table.maxAge) / 3));
  }

  async #request(path: string, wait: number, attempt: Attempt): Promise<"applied" | "same" | "gap"> {
    try {
      const answer = await this.#origin.message(path, wait, attempt, (readChunk) => this.#receive(readChunk, attempt));
      this.contacted = Date.now();
      return answer;
    } catch (error) {
      const code = codeOf(error);
      if (code === "snapshot_gap") return "gap";
      // A whole snapshot replaces deltas that don't apply; it doesn't help against a wrong clock.
      if (code?.startsWith("snapshot_") === true) this.#needsSnapshot = true;
      throw error;
    }
  }

  /** Passes a message to the module in chunks. The module puts it in force when it is whole and its signature is valid. */
  async #receive(readChunk: ReadChunk, attempt: Attempt): Promise<"applied"> {
    let header: Uint8Array = new Uint8Array(0);
    let whole: Uint8Array | undefined;
    let length = 0;
    for (let chunk = await readChunk(); chunk !== undefined; chunk = await readChunk()) {
      if (!attempt.isActive) throw superseded();
      const isBegun = length >= HEADER_BYTES;
      const from = length;
      length += chunk.length;
      if (isBegun) {
        this.snapshot.push(chunk);
        whole?.set(chunk, from);
        continue;
      }
      header = concatenate([header, chunk]);
      if (length < HEADER_BYTES) continue;
      const left = this.snapshot.begin(header.subarray(0, HEADER_BYTES), this.#now());
      this.snapshot.push(header.subarray(HEADER_BYTES));
      // The length is signed and within the module's limit, so it is safe to allocate.
      if (this.#needsBytes) whole = new Uint8Array(HEADER_BYTES + left);
      whole?.set(header);
    }
    if (!attempt.isActive) throw superseded();
    // Shorter than a header: the module throws the error.
    if (length < HEADER_BYTES) this.snapshot.begin(header, this.#now());
    const message = this.#applied(this.snapshot.commit(), whole, length, header[KIND.at]);
    const persistence = this.#persistence;
    if (message === undefined || persistence === undefined) return "applied";
    // The message stays in force when saving it fails.
    await withTimeout("save the snapshot", STORE_TIMEOUT, async () => persistence.save(message)).catch((error: unknown) => this.notifyError(error));
    return "applied";
  }

  /** Whether the bytes of messages are needed after they were applied. */
  get #needsBytes(): boolean {
    return this.#persistence !== undefined || this.#options.onMessage !== undefined;
  }

  /** Records a message that is in force, and notifies `onChange` and `onMessage`. */
  #applied(table: SnapshotState, bytes: Uint8Array | undefined, length: number, kindByte = bytes?.[KIND.at]): FollowerMessage | undefined {
    const isSnapshot = kindByte === KIND.snapshot;
    const base = isSnapshot ? null : (this.table?.version ?? null);
    this.table = Object.freeze({ ...table });
    if (isSnapshot) {
      this.#snapshotBytes = length;
      this.#deltaBytes = 0;
    } else if (base !== table.version) {
      this.#deltaBytes += length;
    }
    if (this.#needsBytes && this.#deltaBytes > Math.max(MIN_DELTA_BYTES, this.#snapshotBytes * DELTA_FRACTION)) this.#needsSnapshot = true;
    notify(this.#options.onChange, this.table);
    if (bytes === undefined) return undefined;
    const message: FollowerMessage = { kind: isSnapshot ? "snapshot" : "delta", base, table: this.table, bytes };
    notify(this.#options.onMessage, message);
    return message;
  }
}

/** Calls a callback of the options. What it throws, at once or later, is ignored. */
function notify<T>(callback: ((value: T) => unknown) | undefined, value: T): void {
  try {
    void Promise.resolve(callback?.(value)).catch(() => {});
  } catch {
    // A failing callback doesn't stop the follower.
  }
}

function superseded(): LatchError {
  return new LatchError("origin_failed", "another attempt has replaced this one");
}
