/* @ts-self-types="./db0.d.ts" */

import type { Database, Primitive } from "db0";

import { LatchError } from "../latch-error.js";
import { type SchemaDialect, schema } from "../schema.js";
import type { Account, TokenRecord, UnixSeconds } from "../types.js";
import type { AccountStore, Insertion, Renaming, TokenStore } from "./store.js";

export { type SchemaDialect, schema } from "../schema.js";

/** What a {@link db0Store} promises: the database enforces it. */
export interface SqlCapabilities<Immediate extends boolean = true> {
  readonly uniqueNames: true;
  readonly immediateRevocation: Immediate;
  readonly atomicCreate: Immediate;
}

/** Options of {@link db0Store}. */
export interface SqlStoreOptions<Immediate extends boolean> {
  /**
   * Whether what is read is current: false for a replica that lags or a cache between. Cloudflare Hyperdrive caches reads
   * unless its caching is disabled, so there it must be said. Default: true.
   */
  readonly immediateRevocation?: Immediate | undefined;
}

/** A {@link db0Store}. */
export interface SqlStore<Immediate extends boolean = true> extends TokenStore<SqlCapabilities<Immediate>>, AccountStore {
  /** Makes the tables where they are missing. */
  migrate(): Promise<void>;
}

/**
 * A store in an SQL database through `db0`: SQLite (`node:sqlite`, better-sqlite3, `bun:sqlite`, libSQL, Cloudflare D1)
 * or PostgreSQL.
 *
 * @example
 * ```js
 * import { createDatabase } from "db0";
 * import sqlite from "db0/connectors/node-sqlite";
 * import { Latch } from "tokenlatch";
 * import { db0Store } from "tokenlatch/stores/db0";
 *
 * const store = db0Store(createDatabase(sqlite({ name: "tokens" })));
 * await store.migrate();
 * const latch = new Latch({ store });
 * ```
 *
 * @throws LatchError `store_unsupported` for a database that has no unique index over a part of a table (MySQL), and
 * `option_invalid` for Hyperdrive without `immediateRevocation`.
 */
export function db0Store<Immediate extends boolean = true>(
  database: Database,
  options: SqlStoreOptions<Immediate> = {},
): SqlStore<Immediate> {
  return new Db0Store<Immediate>(database, options);
}

/** A row of the table of tokens; an integer may come as text. */
interface Row {
  readonly name: string;
  readonly hash: string;
  readonly revoked: number | string | bigint | null;
  readonly record: string;
}

const COLUMNS = "SELECT name, hash, revoked, record FROM tokenlatch_tokens";

class Db0Store<Immediate extends boolean> implements SqlStore<Immediate> {
  readonly capabilities: SqlCapabilities<Immediate>;
  readonly #database: Database;
  readonly #dialect: SchemaDialect;

  constructor(database: Database, options: SqlStoreOptions<Immediate>) {
    if (typeof database?.prepare !== "function") {
      throw new LatchError("option_invalid", "expected a database of `db0`", { field: "database" });
    }
    const { dialect, connector } = database;
    if (dialect === "mysql") {
      throw new LatchError("store_unsupported", "this database can't keep names unique among live tokens; use SQLite or PostgreSQL", { field: "database" });
    }
    if (options.immediateRevocation === undefined && /hyperdrive/.test(connector)) {
      const message = "Hyperdrive caches reads unless its caching is disabled: say by `immediateRevocation` which it is";
      throw new LatchError("option_invalid", message, { field: "immediateRevocation" });
    }
    const immediate = (options.immediateRevocation ?? true) as Immediate;
    this.capabilities = { uniqueNames: true, immediateRevocation: immediate, atomicCreate: immediate };
    this.#database = database;
    this.#dialect = dialect === "postgresql" ? "postgresql" : "sqlite";
  }

  async migrate(): Promise<void> {
    for (const statement of schema(this.#dialect)) await this.#database.prepare(statement).run();
  }

  async find(hashes: readonly string[]): Promise<TokenRecord | null> {
    const places = hashes.map(() => "?").join(", ");
    const rows = await this.#rows(`${COLUMNS} WHERE hash IN (${places})`, hashes);
    return rows[0] === undefined ? null : recordOf(rows[0]);
  }

  async listOf(user: string): Promise<readonly TokenRecord[]> {
    return (await this.#rows(`${COLUMNS} WHERE user_name = ?`, [user])).map(recordOf);
  }

  async insert(record: TokenRecord): Promise<Insertion> {
    const { id, user, name, hash, revoked } = record;
    const stored = await this.#rows(
      "INSERT INTO tokenlatch_tokens (id, user_name, name, hash, revoked, record) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
      [id, user, name, hash, revoked ?? null, JSON.stringify(record)],
    );
    if (stored.length > 0) return "stored";
    const twins = await this.#rows("SELECT id FROM tokenlatch_tokens WHERE hash = ? OR id = ?", [hash, id]);
    return twins.length > 0 ? "hash_taken" : "name_taken";
  }

  async rename(record: TokenRecord): Promise<Renaming> {
    const { id, user, name } = record;
    try {
      const renamed = await this.#rows(
        "UPDATE tokenlatch_tokens SET name = ?, record = ? WHERE id = ? AND user_name = ? AND revoked IS NULL RETURNING id",
        [name, JSON.stringify(record), id, user],
      );
      return renamed.length > 0 ? "renamed" : "gone";
    } catch (error) {
      // Each database words a broken index in its own way: look instead of reading its message.
      const others = await this.#rows(
        "SELECT id FROM tokenlatch_tokens WHERE user_name = ? AND name = ? AND id <> ? AND revoked IS NULL",
        [user, name, id],
      );
      if (others.length > 0) return "name_taken";
      throw error;
    }
  }

  async revoke(record: TokenRecord & { readonly revoked: UnixSeconds }): Promise<void> {
    await this.#rows(
      "UPDATE tokenlatch_tokens SET revoked = ? WHERE id = ? AND user_name = ? AND revoked IS NULL RETURNING id",
      [record.revoked, record.id, record.user],
    );
  }

  async account(user: string): Promise<Account | null> {
    const rows = (await this.#database
      .prepare("SELECT account FROM tokenlatch_accounts WHERE user_name = ?")
      .all(user)) as readonly { readonly account: string }[];
    return rows[0] === undefined ? null : (parsed(rows[0].account) as Account);
  }

  async putAccount(account: Account): Promise<void> {
    await this.#rows(
      "INSERT INTO tokenlatch_accounts (user_name, account) VALUES (?, ?) ON CONFLICT (user_name) DO UPDATE SET account = excluded.account RETURNING user_name",
      [account.user, JSON.stringify(account)],
    );
  }

  async removeAccount(user: string): Promise<void> {
    await this.#rows("DELETE FROM tokenlatch_accounts WHERE user_name = ? RETURNING user_name", [user]);
  }

  async #rows(statement: string, values: readonly Primitive[]): Promise<readonly Row[]> {
    const rows: unknown = await this.#database.prepare(statement).all(...values);
    if (!Array.isArray(rows)) throw new LatchError("store_answer_invalid", "the database gave no rows");
    return rows as readonly Row[];
  }
}

/** The record of a row. The columns win: they are what the database keeps from being raced. */
function recordOf(row: Row): TokenRecord {
  const record = parsed(row.record);
  if (typeof record !== "object" || record === null) {
    throw new LatchError("store_answer_invalid", "a stored record is no object");
  }
  const revoked = row.revoked === null ? null : Number(row.revoked);
  return { ...(record as TokenRecord), name: row.name, hash: row.hash, revoked };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The cause would quote what is stored.
    throw new LatchError("store_answer_invalid", "a stored record or account isn't JSON");
  }
}
