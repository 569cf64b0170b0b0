/* @ts-self-types="./sync.d.ts" */

import { unixNow } from "../runtime/clock.js";
import { type Turn, Turns } from "../runtime/exclusive.js";
import { bounded } from "../runtime/timeout.js";
import type { SnapshotFloor, SnapshotState } from "../types/index.js";
import { LatchError, codeOf } from "../types/latch-error.js";
import type { FollowerMessage, FollowerOptions } from "./follower-options.js";
import { Origin, type Pieces } from "./origin.js";
import { Kept, joined, reaches } from "./persistence.js";
import { Snapshot } from "./snapshot.js";

/** Bytes of a message's head and signature, and the place of the kind in it. */
const HEAD_BYTES = 192;
const KIND = { at: 5, snapshot: 1 } as const;

/** Deltas that one attempt takes at most, should the origin change faster than it is followed. */
const MOST_DELTAS = 1_000;

/** Time that an attempt may need beside what it waits for, in milliseconds. */
const SLACK = 1_000;

/** How long the store may take, in milliseconds: a whole snapshot may be tens of megabytes. */
const STORE_TIMEOUT = 30_000;

/** The least that kept deltas may come to before another whole snapshot is fetched, in bytes; else a part of the last one. */
const LEAST_DELTAS = 262_144;
const DELTAS_PART = 1 / 16;

/** The module's table and how it is kept up with an origin, attempt by attempt. */
export class Following {
  /** What decides. Another one takes its place when what was kept doesn't reach the floor. */
  snapshot: Snapshot;
  /** The table that it holds. */
  table: SnapshotState | null = null;
  /** When the origin last gave a good answer, in milliseconds since 1970. */
  contacted: number | null = null;
  /** Attempts that have failed since. */
  failures = 0;
  /** Why the last attempt failed. */
  error: Error | null = null;

  readonly #options: FollowerOptions;
  readonly #origin: Origin;
  readonly #turns = new Turns();
  readonly #kept: Kept | undefined;
  #restored = false;
  #wholeNext = false;
  #wholeBytes = 0;
  #deltaBytes = 0;

  constructor(options: FollowerOptions, origin: Origin) {
    this.#options = options;
    this.#origin = origin;
    this.#kept = options.store === undefined ? undefined : new Kept(options.store);
    this.snapshot = this.#opened();
  }

  /** One attempt to catch up. A failure is noted and passed to `onError`, not thrown. */
  async once(wait: number): Promise<void> {
    await this.#turns.take(this.#origin.timeout + wait * 1_000 + SLACK, async (turn) => {
      try {
        await this.#restore();
        await this.#catchUp(turn, wait);
        this.failures = 0;
        this.error = null;
      } catch (error) {
        // Broken off by `stop`, or overtaken: nobody's failure.
        if (!turn.live) return;
        this.failures += 1;
        this.error = this.tell(error);
      }
    });
  }

  /** Forgets what is held and what was kept. */
  async reset(): Promise<void> {
    this.#turns.end();
    // While another attempt runs `take` waits for that one and doesn't start this one.
    for (let isMine = false; !isMine; ) {
      await this.#turns.take(STORE_TIMEOUT + SLACK, async () => {
        isMine = true;
        await this.#forget();
      });
    }
  }

  async #forget(): Promise<void> {
    const kept = this.#kept;
    if (kept !== undefined) await bounded("forget what was kept of the snapshot", STORE_TIMEOUT, async () => kept.clear());
    this.#restored = true;
    this.#wholeNext = false;
    this.#empty();
  }

  /** Breaks off the attempt that runs. */
  end(): void {
    this.#turns.end();
  }

  /** Tells of a failure. */
  tell(failure: unknown): Error {
    // An error without a code comes from what the options hold.
    const error = codeOf(failure) === undefined ? new LatchError("origin_failed", "the origin can't be asked", { cause: failure }) : (failure as Error);
    heeded(this.#options.onError, error);
    return error;
  }

  #now(): number {
    return this.#options.now?.() ?? unixNow();
  }

  /** Opens a table that holds nothing yet. */
  #opened(floor?: SnapshotFloor): Snapshot {
    const { publicKeys, peppers, catalogue, maxAge } = this.#options;
    return new Snapshot({ publicKeys, peppers, catalogue, floor, maxAge });
  }

  /** Takes what the store kept, once. A store that fails is a failed attempt: without its floor an older table could be passed off. */
  async #restore(): Promise<void> {
    if (this.#restored || this.#kept === undefined) return;
    const kept = this.#kept;
    const { floor, messages } = await bounded("read what was kept of the snapshot", STORE_TIMEOUT, async () => kept.restore());
    if (this.#restored) return;
    this.#restored = true;
    try {
      for (const bytes of messages) this.#noted(this.snapshot.apply(bytes, this.#now()), bytes, bytes.length);
    } catch (error) {
      // Such as a delta of a snapshot that has been replaced since. What was taken before it may stand.
      this.tell(error);
    }
    if (floor === undefined || reaches(this.table, floor)) return;
    this.#empty(floor);
  }

  /** Puts a table that holds nothing in the place of what is held. */
  #empty(floor?: SnapshotFloor): void {
    const before = this.snapshot;
    this.snapshot = this.#opened(floor);
    before.free();
    this.table = null;
  }

  async #catchUp(turn: Turn, wait: number): Promise<void> {
    let isWhole = this.#wholeNext;
    for (let count = 0; count < MOST_DELTAS; count += 1) {
      const before = this.table;
      if (before === null || isWhole) {
        if ((await this.#ask("snapshot", 0, turn)) !== "taken") throw new LatchError("origin_failed", "the origin has no snapshot");
        this.#wholeNext = false;
        isWhole = false;
        // A caller that waits asks again anyway.
        if (wait > 0) return;
        continue;
      }
      const patience = Math.min(wait, this.#longestWait(before));
      const answer = await this.#ask(`snapshot/deltas?since=${before.epoch}-${before.version}&wait=${patience}`, patience, turn);
      isWhole = answer === "gap";
      if (!isWhole && (wait > 0 || this.table?.version === before.version)) return;
    }
  }

  /** How long the origin may keep silent: a third of the time that the table may be used, so that two answers may be lost. */
  #longestWait(table: SnapshotState): number {
    const { maxAge = table.maxAge } = this.#options;
    return Math.max(1, Math.floor(Math.min(maxAge, table.maxAge) / 3));
  }

  async #ask(path: string, wait: number, turn: Turn): Promise<"taken" | "same" | "gap"> {
    try {
      const answer = await this.#origin.message(path, wait, turn, (pieces) => this.#receive(pieces, turn));
      this.contacted = Date.now();
      return answer;
    } catch (error) {
      const code = codeOf(error);
      if (code === "snapshot_gap") return "gap";
      // Deltas that lead nowhere are passed by with a whole snapshot; a clock that is wrong isn't set right by one.
      if (code?.startsWith("snapshot_") === true) this.#wholeNext = true;
      throw error;
    }
  }

  /** Hands a message to the module piece by piece, which puts it in force when all of it has come and is what was signed. */
  async #receive(pieces: Pieces, turn: Turn): Promise<"taken"> {
    let head: Uint8Array = new Uint8Array(0);
    let whole: Uint8Array | undefined;
    let length = 0;
    for (let piece = await pieces(); piece !== undefined; piece = await pieces()) {
      if (!turn.live) throw overtaken();
      const isBegun = length >= HEAD_BYTES;
      const from = length;
      length += piece.length;
      if (isBegun) {
        this.snapshot.push(piece);
        whole?.set(piece, from);
        continue;
      }
      head = joined([head, piece]);
      if (length < HEAD_BYTES) continue;
      const left = this.snapshot.begin(head.subarray(0, HEAD_BYTES), this.#now());
      this.snapshot.push(head.subarray(HEAD_BYTES));
      // The head is signed, so it can be believed how much will come; more than that the module has refused.
      if (this.#collects) whole = new Uint8Array(HEAD_BYTES + left);
      whole?.set(head);
    }
    if (!turn.live) throw overtaken();
    // Too short for a head: the module says so.
    if (length < HEAD_BYTES) this.snapshot.begin(head, this.#now());
    const message = this.#noted(this.snapshot.commit(), whole, length, head[KIND.at]);
    const kept = this.#kept;
    if (message === undefined || kept === undefined) return "taken";
    // In force it is all the same.
    await bounded("keep the snapshot", STORE_TIMEOUT, async () => kept.keep(message)).catch((error: unknown) => this.tell(error));
    return "taken";
  }

  /** Whether anybody wants the bytes of messages. */
  get #collects(): boolean {
    return this.#kept !== undefined || this.#options.onMessage !== undefined;
  }

  /** Notes a message that has come into force. */
  #noted(table: SnapshotState, bytes: Uint8Array | undefined, length: number, kindByte = bytes?.[KIND.at]): FollowerMessage | undefined {
    const isWhole = kindByte === KIND.snapshot;
    const base = isWhole ? null : (this.table?.version ?? null);
    this.table = Object.freeze({ ...table });
    if (isWhole) {
      this.#wholeBytes = length;
      this.#deltaBytes = 0;
    } else if (base !== table.version) {
      this.#deltaBytes += length;
    }
    if (this.#collects && this.#deltaBytes > Math.max(LEAST_DELTAS, this.#wholeBytes * DELTAS_PART)) this.#wholeNext = true;
    heeded(this.#options.onChange, this.table);
    if (bytes === undefined) return undefined;
    const message: FollowerMessage = { kind: isWhole ? "snapshot" : "delta", base, table: this.table, bytes };
    heeded(this.#options.onMessage, message);
    return message;
  }
}

/** Tells a function of the options. What it throws, at once or later, is its own affair. */
function heeded<T>(callback: ((value: T) => unknown) | undefined, value: T): void {
  try {
    void Promise.resolve(callback?.(value)).catch(() => {});
  } catch {
    // Following goes on.
  }
}

function overtaken(): LatchError {
  return new LatchError("origin_failed", "another attempt has taken over");
}
