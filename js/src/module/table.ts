/* @ts-self-types="./table.d.ts" */

import type { Call, TableOptions, TableUpdate, TableVerifyOptions, Verdict, VerifyManyOptions } from "../types/index.js";
import { REFUSED, askMany, askOne, explain, forgetCalls, forgotten, prepareCall } from "./hot-path.js";
import { guarded, module } from "./instance.js";

/**
 * Many records loaded once, to verify requests against without a look-up elsewhere: for the hot path. The table is only
 * as fresh as its last {@link update}.
 *
 * @example
 * ```js
 * const table = new TokenTable({ records, accounts: [{ user: "alice", features: "all" }] });
 * const call = table.prepare({ module: "Tokens", function: "list" });
 * const { allowed } = table.verify(request.headers.get("Authorization"), { call, address: "192.0.2.7" });
 * ```
 */
export class TokenTable {
  #handle: number;
  #records: number;
  /** Verdicts of admitted tokens by their code, which is the record's place; until the record changes. No holes. */
  #admitted: (Verdict | undefined)[] = [];
  /** Verdicts that name no record, by the number of their reason. */
  readonly #unnamed = new Map<number, Verdict>();

  /**
   * Loads records and accounts. One request holds at most 8 MiB; load more in parts with {@link update}.
   *
   * @throws TokenlatchError for a wrong option, two records of one hash, or a hash under an unknown pepper.
   */
  constructor(options: TableOptions = {}) {
    const opened: { table: number; records: number } = guarded(() => module.tableNew(options));
    this.#handle = opened.table;
    this.#records = opened.records;
    forgotten.register(this, opened.table, this);
  }

  /** How many records the table has. */
  get size(): number {
    return this.#records;
  }

  /** Changes records and accounts; gives how many records the table has then. */
  update(update: TableUpdate): number {
    try {
      const { records, lost }: { records: number; lost: readonly number[] } = guarded(() => module.tableUpdate(this.#handle, update));
      this.#records = records;
      // The other verdicts stay: an admission hangs on the record alone, and what an account changes is told by another code.
      for (const code of lost) if (code < this.#admitted.length) this.#admitted[code] = undefined;
      return records;
    } catch (error) {
      this.#admitted = [];
      throw error;
    }
  }

  /**
   * Gives a call (without its address) a number for {@link verify}. There are 10,000 numbers: where calls come from requests,
   * {@link forgetCalls} in time.
   */
  prepare(call: Call): number {
    return prepareCall(this.#handle, call);
  }

  /** Forgets what {@link prepare} was given: every number but 0 is unknown then, and will be given to another call. */
  forgetCalls(): void {
    forgetCalls(this.#handle);
  }

  /**
   * Decides about a request. The verdict is frozen, and may be the same object as before.
   *
   * @throws TokenlatchError for a wrong option, a number that `prepare` didn't give, or a freed table.
   */
  verify(authorization: string | null | undefined, options?: TableVerifyOptions): Verdict {
    return this.#verdict(askOne(this.#handle, authorization, options));
  }

  /**
   * Decides about many requests in one go, such as those of a log: a verdict for each header.
   *
   * @throws TokenlatchError as {@link verify} does, for all of them.
   */
  verifyMany(headers: readonly (string | null | undefined)[], options?: VerifyManyOptions): Verdict[] {
    return askMany(this.#handle, headers, options, (code) => this.#verdict(code));
  }

  /** Frees the table in the module. Every later use throws `table_unknown`. */
  free(): void {
    forgotten.unregister(this);
    const handle = this.#handle;
    this.#handle = 0;
    this.#admitted = [];
    guarded(() => module.tableFree(handle));
  }

  #verdict(code: number): Verdict {
    const kept = code < REFUSED ? code >= 0 && code < this.#admitted.length && this.#admitted[code] : this.#unnamed.get(code);
    return kept || this.#explained(code);
  }

  #explained(code: number): Verdict {
    const verdict = explain(this.#handle, code);
    if (code % REFUSED === 0) {
      this.#unnamed.set(code, verdict);
    } else if (code < REFUSED) {
      while (this.#admitted.length <= code) this.#admitted.push(undefined);
      this.#admitted[code] = verdict;
    }
    return verdict;
  }
}
