/* @ts-self-types="./usage-reporter.d.ts" */

import { monotonic } from "../runtime/clock.js";
import { Exclusive } from "../runtime/exclusive.js";
import { pause } from "../runtime/timer.js";
import type { Origin } from "./origin.js";
import { UsageCounts } from "./usage.js";

/** The default interval of reports, in milliseconds. */
const INTERVAL = 10_000;

/** Time that a report may take beyond its answer, in milliseconds. */
const MARGIN = 1_000;

/** Reports to the origin which tokens were used. */
export class UsageReporter {
  /** The uses to report. */
  readonly counts = new UsageCounts();
  readonly #origin: Origin;
  readonly #interval: number;
  readonly #onError: (error: unknown) => void;
  readonly #exclusive = new Exclusive();
  #reported = Number.NEGATIVE_INFINITY;

  constructor(origin: Origin, interval: number | undefined, onError: (error: unknown) => void) {
    this.#origin = origin;
    this.#interval = interval ?? INTERVAL;
    this.#onError = onError;
  }

  /** Whether the interval has passed. */
  get isDue(): boolean {
    return monotonic() - this.#reported >= this.#interval;
  }

  /** Reports every interval until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const abort = () => this.#exclusive.abort();
    signal.addEventListener("abort", abort);
    while (!signal.aborted) {
      // Jitter, so that edges that were started together don't report together.
      await pause(this.#interval * (0.9 + Math.random() / 5), signal);
      if (!signal.aborted) await this.report();
    }
    signal.removeEventListener("abort", abort);
  }

  /** Sends all waiting reports, until one fails. That one is repeated next time. */
  async report(): Promise<void> {
    await this.#exclusive.run(this.#origin.timeout + MARGIN, async (attempt) => {
      this.#reported = monotonic();
      try {
        // Later uses wait for the next interval, so that a token is reported once per interval.
        for (let left = this.counts.reports; left > 0; left -= 1) {
          const next = this.counts.next();
          if (next !== undefined) this.counts.settle(next.number, await this.#origin.report(next.body, attempt));
        }
      } catch (error) {
        if (attempt.isActive) this.#onError(error);
      }
    });
  }
}
