/* @ts-self-types="./exclusive.d.ts" */

import { monotonic } from "./clock.js";
import { settledWithin } from "./timer.js";

/** Runs one attempt at a time. In edge workers an attempt may never settle: it ends with the request that it runs in. */
export class Exclusive {
  #current: Attempt | undefined;

  /**
   * Runs an attempt, or waits for the one that is running. A running attempt is replaced when it has been silent for too long,
   * or when it has received nothing yet and may wait longer than this one.
   *
   * @param maxSilence milliseconds that an attempt may go without progress
   */
  async run(maxSilence: number, work: (attempt: Attempt) => Promise<void>): Promise<void> {
    for (let running = this.#current; running !== undefined; running = this.#current) {
      const remaining = running.remaining();
      if (remaining <= 0 || (running.maxSilence > maxSilence && !running.hasProgress)) {
        running.abort();
        break;
      }
      await settledWithin(remaining, running.done);
      if (this.#current !== running) return;
    }
    const attempt: Attempt = new Attempt(maxSilence, () => this.#current === attempt);
    this.#current = attempt;
    attempt.done = work(attempt).finally(() => {
      if (this.#current === attempt) this.#current = undefined;
    });
    await attempt.done;
  }

  /** Aborts the running attempt. */
  abort(): void {
    this.#current?.abort();
  }
}

/** A running attempt. */
export class Attempt {
  done: Promise<void> = Promise.resolve();
  readonly #aborter = new AbortController();
  readonly maxSilence: number;
  readonly #isCurrent: () => boolean;
  #lastProgress = monotonic();
  #hasProgress = false;

  constructor(maxSilence: number, isCurrent: () => boolean) {
    this.maxSilence = maxSilence;
    this.#isCurrent = isCurrent;
  }

  get signal(): AbortSignal {
    return this.#aborter.signal;
  }

  /** Whether it may still change anything: false once it was aborted or replaced. */
  get isActive(): boolean {
    return this.#isCurrent() && !this.#aborter.signal.aborted;
  }

  get hasProgress(): boolean {
    return this.#hasProgress;
  }

  /** Notes that something was received, which restarts the time allowed. */
  progress(): void {
    this.#hasProgress = true;
    this.#lastProgress = monotonic();
  }

  /** Returns the milliseconds left until it has been silent for too long. */
  remaining(): number {
    return this.#lastProgress + this.maxSilence - monotonic();
  }

  abort(): void {
    try {
      this.#aborter.abort();
    } catch {
      // In an edge worker it may belong to another request, which has ended.
    }
  }
}

/** The last pending work of each key. */
export interface Pending<Key> {
  get(key: Key): Promise<unknown> | undefined;
  set(key: Key, work: Promise<unknown>): unknown;
  delete(key: Key): unknown;
}

/**
 * Runs work for a key after all earlier work for it in this process.
 *
 * @param maxWait milliseconds to wait for the earlier work at most
 */
export async function inOrder<Key, T>(pending: Pending<Key>, key: Key, maxWait: number, work: () => Promise<T>): Promise<T> {
  const before = pending.get(key);
  const current = (async () => {
    if (before !== undefined) await settledWithin(maxWait, before);
    return work();
  })();
  pending.set(key, current);
  try {
    return await current;
  } finally {
    if (pending.get(key) === current) pending.delete(key);
  }
}
