/* @ts-self-types="./usage-reporter.d.ts" */

import { monotonic } from "../runtime/clock.js";
import { Turns } from "../runtime/exclusive.js";
import { pause } from "../runtime/timer.js";
import type { Origin } from "./origin.js";
import { UsageCounts } from "./usage.js";

/** How often usage is reported, in milliseconds. */
const INTERVAL = 10_000;

/** Time that a report may need beside its answer, in milliseconds. */
const SLACK = 1_000;

/** Reports to the origin which tokens were used. */
export class Reporter {
  /** What is to be reported. */
  readonly counts = new UsageCounts();
  readonly #origin: Origin;
  readonly #interval: number;
  readonly #tell: (error: unknown) => void;
  readonly #turns = new Turns();
  #reported = Number.NEGATIVE_INFINITY;

  constructor(origin: Origin, interval: number | undefined, tell: (error: unknown) => void) {
    this.#origin = origin;
    this.#interval = interval ?? INTERVAL;
    this.#tell = tell;
  }

  /** Whether the interval is over. */
  get isDue(): boolean {
    return monotonic() - this.#reported >= this.#interval;
  }

  /** Reports every interval, until the signal says stop. */
  async run(signal: AbortSignal): Promise<void> {
    const end = () => this.#turns.end();
    signal.addEventListener("abort", end);
    while (!signal.aborted) {
      // Edges that were started together shall not report together.
      await pause(this.#interval * (0.9 + Math.random() / 5), signal);
      if (!signal.aborted) await this.report();
    }
    signal.removeEventListener("abort", end);
  }

  /** Reports what is held, batch by batch, until one fails. That one is repeated next time. */
  async report(): Promise<void> {
    await this.#turns.take(this.#origin.timeout + SLACK, async (turn) => {
      this.#reported = monotonic();
      try {
        // No more than are held now: what is used meanwhile waits, so that a token is reported once in an interval.
        for (let left = this.counts.reports; left > 0; left -= 1) {
          const next = this.counts.next();
          if (next !== undefined) this.counts.settled(next.number, await this.#origin.report(next.body, turn));
        }
      } catch (error) {
        if (turn.live) this.#tell(error);
      }
    });
  }
}
