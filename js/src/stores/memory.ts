/* @ts-self-types="./memory.d.ts" */

import { deepCopy } from "../module/plain-object.js";
import { randomHex } from "../runtime/random.js";
import type { Account, TokenRecord, UnixSeconds } from "../types/index.js";
import { LatchError } from "../types/latch-error.js";
import { FIRST_GENERATION } from "./internal/generation.js";
import type { AccountStore, Insertion, InsertionContext, Renaming, StoredAccount, TokenStore } from "./store.js";

/** The guarantees of a {@link memoryStore}, within its process. */
export interface MemoryCapabilities {
  /** Two live tokens of a user never have the same name. */
  readonly uniqueNames: true;
  /** A revocation is visible to every reader at once. */
  readonly immediateRevocation: true;
  /** A token is stored completely or not at all. */
  readonly atomicCreate: true;
  /** A rename checks and writes in one step. */
  readonly atomicRename: true;
}

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /** The initial records. Default: none. */
  readonly records?: readonly TokenRecord[] | undefined;
  /** The initial accounts. Default: none. */
  readonly accounts?: readonly StoredAccount[] | undefined;
}

/**
 * Makes a store in the memory of this process: for tests, tools, and edges that get their records at startup. Its content is lost
 * when the process ends, and isn't visible to other processes.
 *
 * @example
 * ```js
 * import { Latch } from "tokenlatch";
 * import { memoryStore } from "tokenlatch/stores/memory";
 *
 * const latch = new Latch({ store: memoryStore({ accounts: [{ user: "alice", features: "all" }] }) });
 * const { token } = await latch.create({ user: "alice", name: "backup", access: "full" });
 * ```
 *
 * @throws LatchError `option_invalid` for two records with the same hash or two live ones with the same name.
 */
export function memoryStore(options: MemoryStoreOptions = {}): TokenStore<MemoryCapabilities> & AccountStore {
  return new MemoryStore(options);
}

class MemoryStore implements TokenStore<MemoryCapabilities>, AccountStore {
  readonly capabilities = { uniqueNames: true, immediateRevocation: true, atomicCreate: true, atomicRename: true } as const;
  readonly #byHash = new Map<string, TokenRecord>();
  readonly #hashById = new Map<string, string>();
  readonly #idsByUser = new Map<string, Set<string>>();
  readonly #accounts = new Map<string, StoredAccount & { readonly generation: string }>();

  constructor(options: MemoryStoreOptions) {
    for (const field of ["records", "accounts"] as const) {
      const given = options?.[field];
      if (given === undefined || (Array.isArray(given) && given.every((one) => typeof one === "object" && one !== null))) continue;
      throw new LatchError("option_invalid", `\`${field}\` must be an array of objects`, { field });
    }
    for (const account of options?.accounts ?? []) this.#putAccount(account, account.generation ?? FIRST_GENERATION);
    for (const [index, record] of (options?.records ?? []).entries()) {
      const insertion = this.#insert(record);
      if (insertion === "stored") continue;
      const field = `records[${index}]`;
      throw new LatchError("option_invalid", `${field} has the ${insertion === "hash_taken" ? "hash or the id" : "name"} of another record`, { field });
    }
  }

  async find(hashes: readonly string[]): Promise<TokenRecord | null> {
    let found: TokenRecord | undefined;
    // Every hash is looked up, so that a hit takes as long as a miss.
    for (const hash of hashes) found = this.#byHash.get(hash) ?? found;
    return found === undefined ? null : copy(found);
  }

  async listOf(user: string): Promise<readonly TokenRecord[]> {
    return this.#recordsOf(user).map((record) => copy(record));
  }

  async insert(record: TokenRecord, context?: InsertionContext): Promise<Insertion> {
    const generation = context?.generation;
    if (generation !== undefined && this.#accounts.get(record.user)?.generation !== generation) return "account_gone";
    return this.#insert(record);
  }

  async rename(record: TokenRecord): Promise<Renaming> {
    const stored = this.#stored(record.id);
    if (stored === undefined || isRevoked(stored)) return "gone";
    if (this.#liveName(stored.user, record.name, stored.id)) return "name_taken";
    this.#byHash.set(stored.hash, { ...stored, name: record.name });
    return "renamed";
  }

  async revoke(record: TokenRecord & { readonly revoked: UnixSeconds }): Promise<void> {
    const stored = this.#stored(record.id);
    if (stored === undefined || isRevoked(stored)) return;
    const { user, name, hash } = stored;
    this.#byHash.set(hash, { ...copy(record), user, name, hash });
  }

  async prune(before: UnixSeconds): Promise<number> {
    let pruned = 0;
    for (const { id, user, hash, revoked } of [...this.#byHash.values()]) {
      if (revoked === undefined || revoked === null || revoked >= before) continue;
      this.#byHash.delete(hash);
      this.#hashById.delete(id);
      this.#idsByUser.get(user)?.delete(id);
      pruned += 1;
    }
    return pruned;
  }

  async account(user: string): Promise<StoredAccount | null> {
    const account = this.#accounts.get(user);
    return account === undefined ? null : copy(account);
  }

  async putAccount(account: Account): Promise<void> {
    this.#putAccount(account, this.#accounts.get(account.user)?.generation ?? randomHex());
  }

  async removeAccount(user: string): Promise<void> {
    this.#accounts.delete(user);
  }

  #putAccount(account: Account, generation: string): void {
    this.#accounts.set(account.user, { ...copy(account), generation });
  }

  #insert(record: TokenRecord): Insertion {
    if (this.#byHash.has(record.hash) || this.#hashById.has(record.id)) return "hash_taken";
    if (!isRevoked(record) && this.#liveName(record.user, record.name, record.id)) return "name_taken";
    this.#byHash.set(record.hash, copy(record));
    this.#hashById.set(record.id, record.hash);
    const ids = this.#idsByUser.get(record.user) ?? new Set();
    this.#idsByUser.set(record.user, ids.add(record.id));
    return "stored";
  }

  #stored(id: string): TokenRecord | undefined {
    const hash = this.#hashById.get(id);
    return hash === undefined ? undefined : this.#byHash.get(hash);
  }

  #recordsOf(user: string): TokenRecord[] {
    return [...(this.#idsByUser.get(user) ?? [])].flatMap((id) => this.#stored(id) ?? []);
  }

  #liveName(user: string, name: string, except: string): boolean {
    return this.#recordsOf(user).some((record) => record.id !== except && record.name === name && !isRevoked(record));
  }
}

function isRevoked(record: TokenRecord): boolean {
  return record.revoked !== undefined && record.revoked !== null;
}

/** Copies a value deeply. Browser emulations have no `structuredClone`. */
function copy<T>(value: T): T {
  return typeof structuredClone === "function" ? structuredClone(value) : deepCopy(value, "record");
}
