/* @ts-self-types="./usage.d.ts" */

import { randomHex } from "../runtime/random.js";
import type { UnixSeconds } from "../types/index.js";
import type { UsageState } from "./follower-options.js";

/** Tokens whose uses can wait for a report. Uses of further tokens are lost. */
const MAX_TOKENS = 100_000;

/** Tokens per report, about 130 kB. */
const REPORT_TOKENS = 1_000;

/** The uses of a token since its last report. */
interface Uses {
  readonly token: TokenKey;
  lastUsed: UnixSeconds;
  uses: number;
}

/** How the origin finds the token: by its id if the snapshot has names, else by its hash. */
export type TokenKey = { readonly id: string } | { readonly hash: string };

/**
 * Counts the uses of tokens until the origin has acknowledged them. A report is repeated with the same number, so that the origin
 * counts it once.
 */
export class UsageCounts {
  /** The name of this follower. It is new at each start, because the numbers begin at 1 again. */
  #follower: string | undefined;
  #number = 0;
  #waiting = new Map<string, Uses>();
  /** The report that isn't acknowledged yet. */
  #report: readonly Uses[] = [];
  #lost = 0;

  get state(): UsageState {
    return { waiting: this.#waiting.size + this.#report.length, lost: this.#lost };
  }

  /** Counts one use. */
  count(token: TokenKey, now: UnixSeconds): void {
    const key = "id" in token ? token.id : token.hash;
    const known = this.#waiting.get(key);
    if (known !== undefined) {
      known.uses += 1;
      if (now > known.lastUsed) known.lastUsed = now;
    } else if (this.#waiting.size + this.#report.length < MAX_TOKENS) {
      this.#waiting.set(key, { token, lastUsed: now, uses: 1 });
    } else {
      this.#lost += 1;
    }
  }

  /** The number of reports that the current counts need. */
  get reports(): number {
    return Number(this.#report.length > 0) + Math.ceil(this.#waiting.size / REPORT_TOKENS);
  }

  /** Returns the report to send: the unacknowledged one, else the next; undefined when there is nothing to report. */
  next(): { readonly number: number; readonly body: string } | undefined {
    if (this.#report.length === 0) {
      const report: Uses[] = [];
      for (const [key, uses] of this.#waiting) {
        if (report.length === REPORT_TOKENS) break;
        report.push(uses);
        this.#waiting.delete(key);
      }
      if (report.length === 0) return undefined;
      this.#report = report;
      this.#number += 1;
    }
    // Not in the constructor: some runtimes have no random numbers at startup.
    this.#follower ??= randomHex();
    const tokens = this.#report.map(({ token, lastUsed, uses }) => ({ ...token, lastUsed, uses }));
    return { number: this.#number, body: JSON.stringify({ follower: this.#follower, batch: this.#number, tokens }) };
  }

  /** Drops the report of this number: the origin has accepted it, or never will. */
  settle(number: number, accepted: boolean): void {
    if (number !== this.#number) return;
    if (!accepted) for (const { uses } of this.#report) this.#lost += uses;
    this.#report = [];
  }
}
