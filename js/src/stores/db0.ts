/* @ts-self-types="./db0.d.ts" */

import type { Database, Primitive } from "db0";

import type { Account, TokenRecord, UnixSeconds } from "../types/index.js";
import { LatchError } from "../types/latch-error.js";
import { Connection } from "./internal/connection.js";
import { type SchemaDialect, migration } from "./internal/schema.js";
import type { AccountStore, Insertion, InsertionContext, Renaming, StoreContext, StoredAccount, TokenStore } from "./store.js";

export { type SchemaDialect, schema } from "./internal/schema.js";

/** The guarantees of a {@link db0Store}, which the database enforces. */
export interface SqlCapabilities<Immediate extends boolean = true> {
  /** Two live tokens of a user never have the same name. */
  readonly uniqueNames: true;
  /** Whether a revocation is visible to every reader at once, as the option says. */
  readonly immediateRevocation: Immediate;
  /** Whether every reader finds a new token at once, as `immediateRevocation` says. */
  readonly atomicCreate: Immediate;
  /** A rename checks and writes in one step. */
  readonly atomicRename: true;
}

/** Options of {@link db0Store}. */
export interface SqlStoreOptions<Immediate extends boolean> {
  /**
   * Whether reads are current: set it to false for a lagging replica or a cache. Required for Cloudflare Hyperdrive, which caches reads
   * unless its caching is disabled. Default: true.
   */
  readonly immediateRevocation?: Immediate | undefined;
}

/** A store of tokens and accounts in an SQL database: see {@link db0Store}. */
export interface SqlStore<Immediate extends boolean = true> extends TokenStore<SqlCapabilities<Immediate>>, AccountStore {
  /** Creates missing tables. Several processes may call it at once, and at every start. */
  migrate(): Promise<void>;
  /** Closes the database that the function passed to {@link db0Store} has opened. A database that was passed directly stays open. */
  close(): Promise<void>;
}

/**
 * Makes a store in an SQL database through `db0`: SQLite (`node:sqlite`, better-sqlite3, `bun:sqlite`, libSQL, Cloudflare D1)
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
 * @param database the database, or a function that opens one. The function is called again when the connection was lost or an answer
 * took longer than the `timeout` of the `Latch`, at most four times a second. The connector `postgresql` needs the function, because
 * it doesn't reconnect: `db0Store(() => createDatabase(postgresql({ url })))`.
 *
 * @throws LatchError `store_unsupported` for a database without a unique index over part of a table (MySQL), and
 * `option_invalid` for Hyperdrive without `immediateRevocation` and for the connector `postgresql` without a function.
 */
export function db0Store<Immediate extends boolean = true>(
  database: Database | (() => Database),
  options: SqlStoreOptions<Immediate> = {},
): SqlStore<Immediate> {
  return new Db0Store<Immediate>(database, options);
}

/** A row of the table of tokens. An integer may be returned as text. */
interface Row {
  readonly name: string;
  readonly hash: string;
  readonly revoked: number | string | bigint | null;
  readonly record: string;
}

const ACCOUNT_EXISTS = "FROM tokenlatch_generations WHERE user_name = ? AND generation = ?";
const COLUMNS = "SELECT name, hash, revoked, record FROM tokenlatch_tokens";

/** Attempts of `migrate` for each statement while another process has the database locked: about five seconds. */
const MAX_ATTEMPTS = 80;

class Db0Store<Immediate extends boolean> implements SqlStore<Immediate> {
  readonly capabilities: SqlCapabilities<Immediate>;
  readonly #connection: Connection;
  readonly #dialect: SchemaDialect;

  constructor(source: Database | (() => Database), options: SqlStoreOptions<Immediate>) {
    this.#connection = new Connection(source);
    const database = this.#connection.first;
    if (typeof database?.prepare !== "function") {
      throw new LatchError("option_invalid", "expected a database of `db0`", { field: "database" });
    }
    const { dialect, connector } = database;
    if (dialect === "mysql") {
      throw new LatchError("store_unsupported", "this database can't keep names unique among live tokens; use SQLite or PostgreSQL", { field: "database" });
    }
    if (connector === "postgresql" && typeof source !== "function") {
      const message = "this connector doesn't reconnect: pass a function that opens the database, `() => createDatabase(postgresql(…))`";
      throw new LatchError("option_invalid", message, { field: "database" });
    }
    if (options.immediateRevocation === undefined && /hyperdrive/.test(connector)) {
      const message = "Hyperdrive caches reads unless its caching is disabled: set `immediateRevocation`";
      throw new LatchError("option_invalid", message, { field: "immediateRevocation" });
    }
    const immediate = (options.immediateRevocation ?? true) as Immediate;
    this.capabilities = { uniqueNames: true, immediateRevocation: immediate, atomicCreate: immediate, atomicRename: true };
    this.#dialect = dialect === "postgresql" ? "postgresql" : "sqlite";
  }

  async migrate(): Promise<void> {
    for (const statement of migration(this.#dialect)) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          await this.#connection.use(undefined, async (database) => database.prepare(statement).run());
          break;
        } catch (error) {
          // SQLite has no advisory lock. Another process is migrating, and every statement may be run again.
          if (attempt === MAX_ATTEMPTS || !/\b(?:locked|busy)\b/i.test(String(error))) throw error;
          await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 80));
        }
      }
    }
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async find(hashes: readonly string[], context?: StoreContext): Promise<TokenRecord | null> {
    const places = hashes.map(() => "?").join(", ");
    const rows = await this.#rows(context, `${COLUMNS} WHERE hash IN (${places})`, hashes);
    return rows[0] === undefined ? null : recordOf(rows[0]);
  }

  async listOf(user: string, context?: StoreContext): Promise<readonly TokenRecord[]> {
    return (await this.#rows(context, `${COLUMNS} WHERE user_name = ?`, [user])).map(recordOf);
  }

  async insert(record: TokenRecord, context?: InsertionContext): Promise<Insertion> {
    const { id, user, name, hash, revoked } = record;
    const generation = context?.generation;
    const insert = "INSERT INTO tokenlatch_tokens (id, user_name, name, hash, revoked, record)";
    const values = [id, user, name, hash, revoked ?? null, JSON.stringify(record)];
    // PostgreSQL locks the account's row, so that a removal comes before, or after and sees the token.
    const lock = this.#dialect === "postgresql" ? " FOR SHARE" : "";
    const stored =
      generation === undefined
        ? await this.#rows(context, `${insert} VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id`, values)
        : await this.#rows(
            context,
            `${insert} SELECT ?, ?, ?, ?, CAST(? AS BIGINT), ? ${ACCOUNT_EXISTS}${lock} ON CONFLICT DO NOTHING RETURNING id`,
            [...values, user, generation],
          );
    if (stored.length > 0) return "stored";
    if (generation !== undefined && (await this.#rows(context, `SELECT 1 ${ACCOUNT_EXISTS}`, [user, generation])).length === 0) return "account_gone";
    const twins = await this.#rows(context, "SELECT id FROM tokenlatch_tokens WHERE hash = ? OR id = ?", [hash, id]);
    return twins.length > 0 ? "hash_taken" : "name_taken";
  }

  async rename(record: TokenRecord, context?: StoreContext): Promise<Renaming> {
    const { id, user, name } = record;
    try {
      const renamed = await this.#rows(
        context,
        "UPDATE tokenlatch_tokens SET name = ? WHERE id = ? AND user_name = ? AND revoked IS NULL RETURNING id",
        [name, id, user],
      );
      return renamed.length > 0 ? "renamed" : "gone";
    } catch (error) {
      // The message for a violated index differs by database, so query instead of parsing it.
      const others = await this.#rows(
        context,
        "SELECT id FROM tokenlatch_tokens WHERE user_name = ? AND name = ? AND id <> ? AND revoked IS NULL",
        [user, name, id],
      );
      if (others.length > 0) return "name_taken";
      throw error;
    }
  }

  async revoke(record: TokenRecord & { readonly revoked: UnixSeconds }, context?: StoreContext): Promise<void> {
    await this.#rows(
      context,
      "UPDATE tokenlatch_tokens SET revoked = ?, record = ? WHERE id = ? AND user_name = ? AND revoked IS NULL RETURNING id",
      [record.revoked, JSON.stringify(record), record.id, record.user],
    );
  }

  async prune(before: UnixSeconds, context?: StoreContext): Promise<number> {
    return (await this.#rows(context, "DELETE FROM tokenlatch_tokens WHERE revoked < ? RETURNING id", [before])).length;
  }

  async account(user: string, context?: StoreContext): Promise<StoredAccount | null> {
    const [row] = await this.#rows<{ readonly account: string; readonly generation: string | null }>(
      context,
      "SELECT a.account, g.generation FROM tokenlatch_accounts a LEFT JOIN tokenlatch_generations g ON g.user_name = a.user_name WHERE a.user_name = ?",
      [user],
    );
    if (row === undefined) return null;
    const account = parseJson(row.account) as Account;
    return row.generation === null || typeof account !== "object" || account === null ? account : { ...account, generation: row.generation };
  }

  async putAccount(account: Account, context?: StoreContext): Promise<void> {
    await this.#rows(
      context,
      "INSERT INTO tokenlatch_accounts (user_name, account) VALUES (?, ?) ON CONFLICT (user_name) DO UPDATE SET account = excluded.account RETURNING user_name",
      [account.user, JSON.stringify(account)],
    );
  }

  async removeAccount(user: string, context?: StoreContext): Promise<void> {
    await this.#rows(context, "DELETE FROM tokenlatch_accounts WHERE user_name = ? RETURNING user_name", [user]);
  }

  async #rows<T = Row>(context: StoreContext | undefined, statement: string, values: readonly Primitive[]): Promise<readonly T[]> {
    const rows: unknown = await this.#connection.use(context?.signal, async (database) => database.prepare(statement).all(...values));
    if (!Array.isArray(rows)) throw new LatchError("store_answer_invalid", "the database returned no rows");
    return rows as readonly T[];
  }
}

/** Returns the record of a row. The columns override the record, because the database changes them atomically. */
function recordOf(row: Row): TokenRecord {
  const record = parseJson(row.record);
  if (typeof record !== "object" || record === null) {
    throw new LatchError("store_answer_invalid", "a stored record isn't an object");
  }
  const revoked = row.revoked === null ? null : Number(row.revoked);
  return { ...(record as TokenRecord), name: row.name, hash: row.hash, revoked };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Without the cause, which would quote the stored text.
    throw new LatchError("store_answer_invalid", "a stored record or account isn't JSON");
  }
}
