/* @ts-self-types="./table.d.ts" */

import { TokenlatchError } from "./errors.js";
import { failed, guarded, module, refuseBroken, room, state } from "./instance.js";
import type { Call, TableOptions, TableUpdate, TableVerifyOptions, Verdict } from "./types.js";

/** Codes from here on carry a reason for refusal above the place of the record. */
const REFUSED = 2 ** 32;

const encoder = new TextEncoder();

/** The highest number that a call or a handle can have. */
const MAX_U32 = 2 ** 32 - 1;

/** Frees the module's side of tables that nobody holds any more. */
const forgotten = new FinalizationRegistry<number>((handle) => {
  try {
    guarded(() => module.tableFree(handle));
  } catch {
    // The module is broken; there is nothing left to free.
  }
});

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
  /** Verdicts of admitted tokens by their code, which is the record's place; until the next update. No holes. */
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
      const updated: { records: number } = guarded(() => module.tableUpdate(this.#handle, update));
      this.#records = updated.records;
      return updated.records;
    } finally {
      this.#admitted = [];
    }
  }

  /** Gives a call (without its address) a number for {@link verify}. */
  prepare(call: Call): number {
    const numbered: { call: number } = guarded(() => module.tablePrepare(this.#handle, call));
    return numbered.call;
  }

  /**
   * Decides about a request. The verdict is frozen, and may be the same object as before.
   *
   * @throws TokenlatchError for a wrong option, a number that `prepare` didn't give, or a freed table.
   */
  verify(authorization: string | null | undefined, options?: TableVerifyOptions): Verdict {
    let call = 0;
    let address = "";
    let now: number | undefined;
    if (options !== undefined) {
      const given = readOptions(options);
      call = given.call;
      address = given.address;
      now = given.now;
    }
    now ??= Math.floor(Date.now() / 1000);
    const code = this.#code(authorization ?? "", call, address, now);
    const kept = code < REFUSED ? code >= 0 && code < this.#admitted.length && this.#admitted[code] : this.#unnamed.get(code);
    return kept || this.#verdict(code);
  }

  /** Frees the table in the module. Every later use throws `table_unknown`. */
  free(): void {
    forgotten.unregister(this);
    const handle = this.#handle;
    this.#handle = 0;
    this.#admitted = [];
    guarded(() => module.tableFree(handle));
  }

  /** Asks the module. Strings are written straight into its memory. */
  #code(authorization: string, call: number, address: string, now: number): number {
    refuseBroken();
    const { header, headerAt, address: place, addressAt } = room();
    try {
      if (typeof authorization === "string" && authorization.length <= header.length) {
        const length = authorization.length;
        const ascii = length === 0 || encoder.encodeInto(authorization, header).written === length;
        if (ascii && address === "") return module.tableVerify(this.#handle, call, headerAt, length, 0, 0, now);
        if (ascii && address.length <= place.length && encoder.encodeInto(address, place).written === address.length) {
          return module.tableVerify(this.#handle, call, headerAt, length, addressAt, address.length, now);
        }
      }
      // Long or not ASCII, or no string at all: the general way.
      return module.tableVerifyText(this.#handle, call, authorization, address, now);
    } catch (thrown) {
      // Here already, because on a full stack the call of `failed` may itself be refused.
      if (typeof thrown !== "string") state.broken = true;
      throw failed(thrown);
    }
  }

  #verdict(code: number): Verdict {
    if (code === -1) {
      throw this.#handle === 0
        ? new TokenlatchError("table_unknown", "the table has been freed")
        : new TokenlatchError("call_unknown", "no call of that number was prepared", "call");
    }
    if (code < 0) throw failed(new Error("the module lost its own memory"));
    const verdict: Verdict = freeze(guarded(() => module.tableVerdict(this.#handle, code)));
    if (code % REFUSED === 0) {
      this.#unnamed.set(code, verdict);
    } else if (code < REFUSED) {
      if (this.#admitted.length <= code) {
        this.#admitted = new Array<Verdict | undefined>(Math.max(code, this.#records) + 1).fill(undefined);
      }
      this.#admitted[code] = verdict;
    }
    return verdict;
  }
}

/** Reads the options of `verify`: own properties only, each once. */
function readOptions(options: TableVerifyOptions): { call: number; address: string; now: number | undefined } {
  const given = { call: 0, address: "", now: undefined as number | undefined };
  if (typeof options !== "object" || options === null) throw wrong("options", "expected an object");
  for (const key in options) {
    if (!Object.hasOwn(options, key)) continue;
    const value: unknown = options[key as keyof TableVerifyOptions];
    switch (key) {
      case "now":
        if (value === undefined) break;
        if (typeof value !== "number" || !Number.isSafeInteger(value)) throw wrong(key, "expected whole Unix seconds");
        given.now = value;
        break;
      case "call":
        if (value === undefined) break;
        if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > MAX_U32) {
          throw wrong(key, "expected a number that `prepare` gave");
        }
        given.call = value;
        break;
      case "address":
        if (value === undefined || value === null) break;
        if (typeof value !== "string") throw wrong(key, "expected a string");
        given.address = value;
        break;
      default:
        throw new TokenlatchError("field_unknown", "the option isn't known; known are `call`, `address`, `now`", key);
    }
  }
  return given;
}

function wrong(field: string, message: string): TokenlatchError {
  return new TokenlatchError("type_invalid", message, field);
}

/** Freezes an answer to its leaves: it is handed to every caller alike. */
function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const part of Object.values(value)) freeze(part);
    Object.freeze(value);
  }
  return value;
}
