/* @ts-self-types="./connection.d.ts" */

import type { Database } from "db0";

import { monotonic } from "../../runtime/clock.js";
import { LatchError } from "../../types/latch-error.js";

/** The shortest time between two attempts to open a database, in milliseconds. */
const MIN_REOPEN = 250;

/** A database that is open or being opened. */
interface Opened {
  readonly database: Database;
  readonly ready: Promise<void>;
}

/** A database client that emits an event when its connection is lost, such as that of `pg`. */
interface EventClient {
  on(event: "error" | "end", listener: () => void): unknown;
}

/**
 * A database of `db0`, or a function that opens one and is called again when the connection is lost. The connector of db0 for
 * PostgreSQL doesn't reconnect, and its unhandled `error` event would end the process.
 */
export class Connection {
  /** The given database, or the first from the function. Used to read its dialect. */
  readonly first: Database;
  readonly #open: (() => Database) | undefined;
  #opened: Opened | undefined;
  #last: Database;
  #lastOpened: number | undefined;
  #isClosed = false;

  constructor(source: Database | (() => Database)) {
    this.#open = typeof source === "function" ? source : undefined;
    this.first = typeof source === "function" ? source() : source;
    this.#last = this.first;
  }

  /** Runs work with the database. If `signal` is aborted before it is done, the connection counts as lost. */
  async use<T>(signal: AbortSignal | undefined, work: (database: Database) => Promise<T>): Promise<T> {
    if (this.#open === undefined) return work(this.first);
    if (this.#isClosed) throw new Error("the store was closed");
    const opened = (this.#opened ??= this.#reopen(this.#open));
    const drop = () => this.#drop(opened);
    signal?.addEventListener("abort", drop, { once: true });
    try {
      await opened.ready;
      if (this.#opened !== opened) throw new Error("the connection to the database was lost");
      return await work(opened.database);
    } finally {
      signal?.removeEventListener("abort", drop);
    }
  }

  /** Closes the database that the function has opened. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.database.dispose();
  }

  #reopen(open: () => Database): Opened {
    let database = this.first;
    if (this.#lastOpened !== undefined) {
      if (monotonic() - this.#lastOpened < MIN_REOPEN) throw new Error("the connection to the database was lost; it is reopened after a pause");
      database = open();
      if (database === this.#last) throw new LatchError("option_invalid", "the function must return a new database each time", { field: "database" });
    }
    this.#last = database;
    this.#lastOpened = monotonic();
    const opened = { database, ready: this.#listen(database, () => this.#drop(opened)) };
    opened.ready.catch(() => this.#drop(opened));
    return opened;
  }

  async #listen(database: Database, drop: () => void): Promise<void> {
    const client = (await database.getInstance()) as Partial<EventClient> | null | undefined;
    if (typeof client?.on !== "function") return;
    client.on("error", drop);
    client.on("end", drop);
  }

  #drop(opened: Opened): void {
    if (this.#opened !== opened) return;
    this.#opened = undefined;
    void (async () => opened.database.dispose())().catch(() => {});
  }
}
