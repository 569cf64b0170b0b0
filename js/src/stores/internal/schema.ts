/* @ts-self-types="./schema.d.ts" */

/** The SQL dialects with a unique index over part of a table, which keeps the names of live tokens unique. */
export type SchemaDialect = "sqlite" | "postgresql";

// The columns beside `record` are those that are searched or must be changed atomically. They override the record.
const tables = [
  `CREATE TABLE IF NOT EXISTS tokenlatch_tokens (
    id TEXT PRIMARY KEY NOT NULL, user_name TEXT NOT NULL, name TEXT NOT NULL, hash TEXT NOT NULL UNIQUE,
    revoked BIGINT, record TEXT NOT NULL
  )`,
  `CREATE UNIQUE INDEX IF NOT EXISTS tokenlatch_tokens_live_name ON tokenlatch_tokens (user_name, name)
    WHERE revoked IS NULL`,
  "CREATE INDEX IF NOT EXISTS tokenlatch_tokens_user ON tokenlatch_tokens (user_name)",
  "CREATE TABLE IF NOT EXISTS tokenlatch_accounts (user_name TEXT PRIMARY KEY NOT NULL, account TEXT NOT NULL)",
  // The generation of each user's current account. The triggers below set it, whatever writes the accounts.
  "CREATE TABLE IF NOT EXISTS tokenlatch_generations (user_name TEXT PRIMARY KEY NOT NULL, generation TEXT NOT NULL)",
];

/** Gives a generation to accounts that were stored without one. */
const backfill = (random: string) =>
  `INSERT INTO tokenlatch_generations (user_name, generation) SELECT user_name, ${random} FROM tokenlatch_accounts
    WHERE true ON CONFLICT DO NOTHING`;

const sqlite = [
  `CREATE TRIGGER IF NOT EXISTS tokenlatch_tokens_revoked BEFORE UPDATE ON tokenlatch_tokens
    WHEN OLD.revoked IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'token_revoked'); END`,
  `CREATE TRIGGER IF NOT EXISTS tokenlatch_tokens_fixed BEFORE UPDATE ON tokenlatch_tokens
    WHEN OLD.id <> NEW.id OR OLD.user_name <> NEW.user_name OR OLD.hash <> NEW.hash
    BEGIN SELECT RAISE(ABORT, 'token_fixed'); END`,
  `CREATE TRIGGER IF NOT EXISTS tokenlatch_tokens_live_kept BEFORE DELETE ON tokenlatch_tokens
    WHEN OLD.revoked IS NULL
    BEGIN SELECT RAISE(ABORT, 'token_kept'); END`,
  // An earlier version, which forbade deleting revoked tokens.
  "DROP TRIGGER IF EXISTS tokenlatch_tokens_kept",
  `CREATE TRIGGER IF NOT EXISTS tokenlatch_accounts_made AFTER INSERT ON tokenlatch_accounts
    BEGIN INSERT OR REPLACE INTO tokenlatch_generations (user_name, generation) VALUES (NEW.user_name, lower(hex(randomblob(16)))); END`,
  `CREATE TRIGGER IF NOT EXISTS tokenlatch_accounts_removed AFTER DELETE ON tokenlatch_accounts
    BEGIN DELETE FROM tokenlatch_generations WHERE user_name = OLD.user_name; END`,
  backfill("lower(hex(randomblob(16)))"),
];

const postgresql = [
  `CREATE OR REPLACE FUNCTION tokenlatch_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP = 'DELETE' THEN
      IF OLD.revoked IS NULL THEN RAISE EXCEPTION 'token_kept'; END IF;
      RETURN OLD;
    END IF;
    IF OLD.revoked IS NOT NULL THEN RAISE EXCEPTION 'token_revoked'; END IF;
    IF OLD.id <> NEW.id OR OLD.user_name <> NEW.user_name OR OLD.hash <> NEW.hash
      THEN RAISE EXCEPTION 'token_fixed'; END IF;
    RETURN NEW;
  END $$`,
  `CREATE OR REPLACE TRIGGER tokenlatch_tokens_guard BEFORE UPDATE OR DELETE ON tokenlatch_tokens
    FOR EACH ROW EXECUTE FUNCTION tokenlatch_guard()`,
  `CREATE OR REPLACE FUNCTION tokenlatch_generation() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP = 'DELETE' THEN DELETE FROM tokenlatch_generations WHERE user_name = OLD.user_name; RETURN OLD; END IF;
    INSERT INTO tokenlatch_generations (user_name, generation) VALUES (NEW.user_name, gen_random_uuid()::text)
      ON CONFLICT (user_name) DO UPDATE SET generation = excluded.generation;
    RETURN NEW;
  END $$`,
  `CREATE OR REPLACE TRIGGER tokenlatch_accounts_generation AFTER INSERT OR DELETE ON tokenlatch_accounts
    FOR EACH ROW EXECUTE FUNCTION tokenlatch_generation()`,
  backfill("gen_random_uuid()::text"),
];

/**
 * Returns the statements that create the tables. Run them in this order; running them again changes nothing. The database then
 * enforces unique live names per user, one record per hash, and that a revocation can't be undone. Rows of live tokens can't be
 * deleted.
 *
 * @example
 * ```js
 * import { schema } from "tokenlatch/stores/db0";
 *
 * console.log(schema("sqlite").join(";\n") + ";"); // for a migration file, such as those of Cloudflare D1
 * ```
 */
export function schema(dialect: SchemaDialect): readonly string[] {
  // One line each: Cloudflare D1 reads every line as a statement.
  return [...tables, ...(dialect === "sqlite" ? sqlite : postgresql)].map((statement) => statement.replace(/\s+/g, " "));
}

/** The advisory lock while tables are created, so that one process creates them at a time. The number is arbitrary. */
const LOCK = "7812450019361294";

/**
 * Returns the statements that `migrate` runs. For PostgreSQL it is one statement, so one transaction, under a lock that ends with it:
 * `IF NOT EXISTS` alone fails when two processes create the same table at once. It also works through a pooler, which may change the
 * connection between statements.
 *
 * @example
 * ```js
 * for (const statement of migration("postgresql")) await database.prepare(statement).run();
 * ```
 */
export function migration(dialect: SchemaDialect): readonly string[] {
  const statements = schema(dialect);
  if (dialect === "sqlite") return statements;
  return [`DO $tokenlatch$ BEGIN PERFORM pg_advisory_xact_lock(${LOCK}); ${statements.map((statement) => `${statement};`).join(" ")} END $tokenlatch$`];
}
