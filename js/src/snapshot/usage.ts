/* @ts-self-types="./usage.d.ts" */

import { randomText } from "../runtime/random.js";
import type { UnixSeconds } from "../types/index.js";
import type { UsageState } from "./follower-options.js";

/** Tokens whose uses are held at most; uses of further ones are lost until a report has been taken. */
const MOST_TOKENS = 100_000;

/** Tokens of one report: some 130 kB. */
const REPORT_TOKENS = 1_000;

/** A token's uses since the last report of it. */
interface Uses {
  readonly token: TokenKey;
  lastUsed: UnixSeconds;
  uses: number;
}

/** How the origin finds the token: by its id where the snapshot has names, else by its hash. */
export type TokenKey = { readonly id: string } | { readonly hash: string };

/**
 * Which tokens were used when and how often, until the origin has acknowledged it. A report has a number and is repeated
 * with it, so that the origin counts it once however often it arrives.
 */
export class UsageCounts {
  /** This follower's name. A new one at each start: numbers begin at 1 again. */
  #follower: string | undefined;
  #number = 0;
  #held = new Map<string, Uses>();
  /** The report under way. */
  #report: readonly Uses[] = [];
  #lost = 0;

  get state(): UsageState {
    return { waiting: this.#held.size + this.#report.length, lost: this.#lost };
  }

  /** Counts one use. */
  count(token: TokenKey, now: UnixSeconds): void {
    const key = "id" in token ? token.id : token.hash;
    const known = this.#held.get(key);
    if (known !== undefined) {
      known.uses += 1;
      if (now > known.lastUsed) known.lastUsed = now;
    } else if (this.#held.size + this.#report.length < MOST_TOKENS) {
      this.#held.set(key, { token, lastUsed: now, uses: 1 });
    } else {
      this.#lost += 1;
    }
  }

  /** How many reports what is held now takes. */
  get reports(): number {
    return Number(this.#report.length > 0) + Math.ceil(this.#held.size / REPORT_TOKENS);
  }

  /** The report to send: the one that wasn't acknowledged, or else the next; none when there is nothing to report. */
  next(): { readonly number: number; readonly body: string } | undefined {
    if (this.#report.length === 0) {
      const report: Uses[] = [];
      for (const [key, uses] of this.#held) {
        if (report.length === REPORT_TOKENS) break;
        report.push(uses);
        this.#held.delete(key);
      }
      if (report.length === 0) return undefined;
      this.#report = report;
      this.#number += 1;
    }
    // Not at the start: there are runtimes without random numbers then.
    this.#follower ??= randomText();
    const tokens = this.#report.map(({ token, lastUsed, uses }) => ({ ...token, lastUsed, uses }));
    return { number: this.#number, body: JSON.stringify({ follower: this.#follower, batch: this.#number, tokens }) };
  }

  /** The origin has the report of this number, or will never take it. */
  settled(number: number, taken: boolean): void {
    if (number !== this.#number) return;
    if (!taken) for (const { uses } of this.#report) this.#lost += uses;
    this.#report = [];
  }
}
