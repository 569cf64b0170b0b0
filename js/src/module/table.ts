/* @ts-self-types="./table.d.ts" */

import type { Call, HeaderFields, Realm, TableOptions, TableUpdate, TableVerifyOptions, Verdict, VerifyManyOptions } from "../types/index.js";
import { REASON, verifyFields, verifyMany, verifyOne, explain, forgetCalls, finalizers, prepareCall, routeNumber } from "./hot-path.js";
import { callModule, module } from "./instance.js";

/**
 * Many records in the module's memory, to verify requests without a lookup elsewhere. The table is as fresh as its last
 * {@link update}.
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
  /** Verdicts of admitted tokens by their code, which is the record's index, until the record changes. Without holes. */
  #admitted: (Verdict | undefined)[] = [];
  /** Verdicts without a record, by their code. */
  readonly #unnamed = new Map<number, Verdict>();

  /**
   * Loads records and accounts, at most 8 MiB in one call. Load more in parts with {@link update}.
   *
   * @throws TokenlatchError for an invalid option, two records with the same hash, or a hash with an unknown pepper.
   */
  constructor(options: TableOptions = {}) {
    const opened: { table: number; records: number } = callModule(() => module.tableNew(options));
    this.#handle = opened.table;
    this.#records = opened.records;
    finalizers.register(this, opened.table, this);
  }

  /** The number of records. */
  get size(): number {
    return this.#records;
  }

  /** Changes records and accounts. Returns the number of records after the change. */
  update(update: TableUpdate): number {
    try {
      const { records, lost }: { records: number; lost: readonly number[] } = callModule(() => module.tableUpdate(this.#handle, update));
      this.#records = records;
      // The other verdicts stay: an admission depends on the record alone, and a changed account gives another code.
      for (const code of lost) if (code < this.#admitted.length) this.#admitted[code] = undefined;
      return records;
    } catch (error) {
      this.#admitted = [];
      throw error;
    }
  }

  /**
   * Prepares a call (without its address) and returns its number for {@link verify}. A table holds 10,000 prepared calls: where
   * calls depend on requests, call {@link forgetCalls} before that.
   */
  prepare(call: Call): number {
    return prepareCall(this.#handle, call);
  }

  /**
   * Returns the number of a request's route for {@link verify}, from its method and its target as received. It needs no preparation, stays
   * valid, and takes no memory, whatever paths clients make up. A verdict with the reason `public` admits a request without a token: its
   * user is null.
   *
   * @example
   * ```js
   * const table = new TokenTable({ records, accounts, catalogue: { routes: [{ method: "GET", path: "/orders/{id}", feature: "orders", writes: false }] } });
   * const { allowed } = table.verify(request.headers.authorization, { call: table.route(request.method, request.url) });
   * ```
   *
   * @throws TokenlatchError for a freed table, an unknown realm, half a surrogate pair, or more than 8 MiB.
   */
  route(method: string, target: string, realm: Realm = "account"): number {
    return routeNumber(this.#handle, method, target, realm);
  }

  /** Forgets all prepared calls. Their numbers, all but 0, become invalid and are used again; those of routes stay valid. */
  forgetCalls(): void {
    forgetCalls(this.#handle);
  }

  /**
   * Decides about a request. The verdict is frozen, and equal requests may get the same object.
   *
   * @throws TokenlatchError for an invalid option, a number that isn't from `prepare` or `route`, or a freed table.
   */
  verify(authorization: string | null | undefined, options?: TableVerifyOptions): Verdict {
    return this.#verdict(verifyOne(this.#handle, authorization, options));
  }

  /**
   * Decides about a request by its header fields, among which the module finds the credential: for a table with `credentials`. Give all
   * fields, or at least those that {@link credentials} names.
   *
   * @example
   * ```js
   * const table = new TokenTable({ records, accounts, credentials: ["bearer", "x-api-key"] });
   * const { allowed } = table.verifyFields([["X-API-Key", token]]);
   * ```
   *
   * @throws TokenlatchError as {@link verify} does.
   */
  verifyFields(fields: HeaderFields, options?: TableVerifyOptions): Verdict {
    return this.#verdict(verifyFields(this.#handle, fields, options));
  }

  /**
   * Decides about many requests in one call, such as those of a log. Returns a verdict for each header.
   *
   * @throws TokenlatchError as {@link verify} does. No request is decided then.
   */
  verifyMany(headers: readonly (string | null | undefined)[], options?: VerifyManyOptions): Verdict[] {
    return verifyMany(this.#handle, headers, options, (code) => this.#verdict(code));
  }

  /** Frees the module's memory of the table. Every later use throws `table_unknown`. */
  free(): void {
    finalizers.unregister(this);
    const handle = this.#handle;
    this.#handle = 0;
    this.#admitted = [];
    callModule(() => module.tableFree(handle));
  }

  #verdict(code: number): Verdict {
    const cached = code < REASON ? code >= 0 && code < this.#admitted.length && this.#admitted[code] : this.#unnamed.get(code);
    return cached || this.#explain(code);
  }

  #explain(code: number): Verdict {
    const verdict = explain(this.#handle, code);
    if (code % REASON === 0) {
      this.#unnamed.set(code, verdict);
    } else if (code < REASON) {
      while (this.#admitted.length <= code) this.#admitted.push(undefined);
      this.#admitted[code] = verdict;
    }
    return verdict;
  }
}
