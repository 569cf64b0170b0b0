/* @ts-self-types="./connection.d.ts" */

import type { Database } from "db0";

import { monotonic } from "../../runtime/clock.js";
import { LatchError } from "../../types/latch-error.js";

/** The shortest time between two openings of a database, in milliseconds. */
const PAUSE = 250;

/** A database that is open, or about to be. */
interface Opened {
  readonly database: Database;
  readonly ready: Promise<void>;
}

/** Database clients that emit an event when their connection is lost, such as `pg`'s. */
interface Listened {
  on(event: "error" | "end", listener: () => void): unknown;
}

/**
 * A database of `db0`, either one that was given or one from a function, which is called again when the connection was lost: db0's
 * own connector for PostgreSQL never comes back, and ends the process by an `error` event that nobody listens to.
 */
export class Connection {
  /** The database that was given, or the first from the function: to ask for its dialect. */
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

  /** Does some work with the database. When `signal` is aborted before it is done, the connection counts as lost. */
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

  /** Closes what the function has opened. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.database.dispose();
  }

  #reopen(open: () => Database): Opened {
    let database = this.first;
    if (this.#lastOpened !== undefined) {
      if (monotonic() - this.#lastOpened < PAUSE) throw new Error("the connection to the database was lost, and is opened again after a pause");
      database = open();
      if (database === this.#last) throw new LatchError("option_invalid", "the function must make another database each time", { field: "database" });
    }
    this.#last = database;
    this.#lastOpened = monotonic();
    const opened = { database, ready: this.#listen(database, () => this.#drop(opened)) };
    opened.ready.catch(() => this.#drop(opened));
    return opened;
  }

  async #listen(database: Database, drop: () => void): Promise<void> {
    const client = (await database.getInstance()) as Partial<Listened> | null | undefined;
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
