/* @ts-self-types="./exclusive.d.ts" */

import { monotonic } from "./clock.js";
import { settledWithin } from "./timer.js";

/** One attempt at a time. In edge workers the request that an attempt runs in may end, and the attempt with it, unsettled. */
export class Turns {
  #current: Turn | undefined;

  /**
   * Runs an attempt, or waits for the one that runs already: unless nothing has been heard of it for too long, or it only
   * waits for something to happen, and longer than this one would.
   *
   * @param patience for how many milliseconds an attempt may be silent
   */
  async take(patience: number, attempt: (turn: Turn) => Promise<void>): Promise<void> {
    for (let running = this.#current; running !== undefined; running = this.#current) {
      const left = running.left();
      if (left <= 0 || (running.patience > patience && !running.hasHeard)) {
        running.abort();
        break;
      }
      await settledWithin(left, running.done);
      if (this.#current !== running) return;
    }
    const turn: Turn = new Turn(patience, () => this.#current === turn);
    this.#current = turn;
    turn.done = attempt(turn).finally(() => {
      if (this.#current === turn) this.#current = undefined;
    });
    await turn.done;
  }

  /** Aborts the attempt that runs. */
  end(): void {
    this.#current?.abort();
  }
}

/** An attempt that runs. */
export class Turn {
  done: Promise<void> = Promise.resolve();
  readonly #aborter = new AbortController();
  readonly patience: number;
  readonly #isCurrent: () => boolean;
  #heard = monotonic();
  #hasHeard = false;

  constructor(patience: number, isCurrent: () => boolean) {
    this.patience = patience;
    this.#isCurrent = isCurrent;
  }

  get signal(): AbortSignal {
    return this.#aborter.signal;
  }

  /** Whether it may still change anything: not once it was aborted or another has taken its place. */
  get live(): boolean {
    return this.#isCurrent() && !this.#aborter.signal.aborted;
  }

  get hasHeard(): boolean {
    return this.#hasHeard;
  }

  heard(): void {
    this.#hasHeard = true;
    this.#heard = monotonic();
  }

  /** For how many milliseconds it may still be silent. */
  left(): number {
    return this.#heard + this.patience - monotonic();
  }

  abort(): void {
    try {
      this.#aborter.abort();
    } catch {
      // It belongs to another request of an edge worker, which has ended.
    }
  }
}

/** What is under way, by what it is about. */
export interface Underway<Key> {
  get(key: Key): Promise<unknown> | undefined;
  set(key: Key, turn: Promise<unknown>): unknown;
  delete(key: Key): unknown;
}

/**
 * Does the work for one key after all earlier work for it, in this process.
 *
 * @param patience for how many milliseconds the work before may hold this up
 */
export async function inTurn<Key, T>(underway: Underway<Key>, key: Key, patience: number, work: () => Promise<T>): Promise<T> {
  const before = underway.get(key);
  const turn = (async () => {
    if (before !== undefined) await settledWithin(patience, before);
    return work();
  })();
  underway.set(key, turn);
  try {
    return await turn;
  } finally {
    if (underway.get(key) === turn) underway.delete(key);
  }
}
