/* @ts-self-types="./unstorage.d.ts" */

import type { Storage } from "unstorage";

import { inOrder } from "../runtime/exclusive.js";
import { randomHex } from "../runtime/random.js";
import { Utf8Encoder } from "../runtime/text.js";
import type { Account, TokenRecord, UnixSeconds } from "../types/index.js";
import { LatchError } from "../types/latch-error.js";
import { FIRST_GENERATION, matchingAccount } from "./internal/generation.js";
import type { AccountStore, Insertion, InsertionContext, Renaming, StoreContext, StoredAccount, TokenStore } from "./store.js";

/** The guarantees of an {@link unstorageStore}: key-value stores can neither compare nor write two keys atomically. */
export interface KeyValueCapabilities<Immediate extends boolean> {
  /** Two processes at once may give two live tokens of a user the same name. */
  readonly uniqueNames: false;
  /** Whether a revocation is visible to every reader at once, as the option says. */
  readonly immediateRevocation: Immediate;
  /** A creation that is interrupted may be incomplete. */
  readonly atomicCreate: false;
  /** Two renames at once may both succeed. */
  readonly atomicRename: false;
}

/** Options of {@link unstorageStore}. */
export interface UnstorageStoreOptions<Immediate extends boolean> {
  /**
   * Whether every reader sees a write at once: true for a single Redis, a file system or Deno KV; false for Cloudflare KV, where a
   * revocation takes a minute or more to spread. Default: false.
   */
  readonly immediateRevocation?: Immediate | undefined;
  /** The prefix of every key: letters, digits, `-` and `_`. Default: `"tokenlatch"`. */
  readonly base?: string | undefined;
}

/**
 * Makes a store in a key-value store through `unstorage`: Cloudflare KV, Redis, Deno KV, a file system and many more.
 *
 * What it doesn't guarantee; use an SQL store where that matters:
 *
 * - Two processes that create or rename tokens at once may both get the same name.
 * - A process that stops in the middle of a creation may leave a token that is listed but doesn't work.
 * - Where the store spreads writes slowly, a revoked token works in other places until the write arrives.
 * - Two processes that store or remove the account of a user at once may leave it with another generation, so that a token created at the
 *   same time doesn't work, or may restore the removed account. Within one process such changes are made in order.
 *
 * What it does guarantee: a revocation has its own key, which is written before any data of the token is removed, and so has a new name; so
 * simultaneous changes don't undo each other. A token is bound to the generation of its account: it doesn't work with another account of
 * the same user.
 *
 * @example
 * ```js
 * import { createStorage } from "unstorage";
 * import redis from "unstorage/drivers/redis";
 * import { Latch } from "tokenlatch";
 * import { unstorageStore } from "tokenlatch/stores/unstorage";
 *
 * const storage = createStorage({ driver: redis({ url: "redis://127.0.0.1:6379" }) });
 * const latch = new Latch({ store: unstorageStore(storage, { immediateRevocation: true }) });
 * ```
 *
 * @throws LatchError `option_invalid` for a base with other characters.
 */
export function unstorageStore<Immediate extends boolean = false>(
  storage: Storage,
  options: UnstorageStoreOptions<Immediate> = {},
): TokenStore<KeyValueCapabilities<Immediate>> & AccountStore {
  return new UnstorageStore<Immediate>(storage, options);
}

/** Pending changes of accounts in this process, by storage and key. */
const pendingChanges = new WeakMap<Storage, Map<string, Promise<unknown>>>();

/** How long a change waits for the one before it, in milliseconds. */
const CHANGE_TIMEOUT = 2_000;

class UnstorageStore<Immediate extends boolean> implements TokenStore<KeyValueCapabilities<Immediate>>, AccountStore {
  readonly capabilities: KeyValueCapabilities<Immediate>;
  readonly #storage: Storage;
  readonly #base: string;
  readonly #pendingChanges: Map<string, Promise<unknown>>;

  constructor(storage: Storage, options: UnstorageStoreOptions<Immediate>) {
    if (typeof storage?.getItem !== "function") {
      throw new LatchError("option_invalid", "expected a storage of `unstorage`", { field: "storage" });
    }
    const base = options.base ?? "tokenlatch";
    if (!/^[a-zA-Z0-9_-]{1,64}$/.test(base)) {
      throw new LatchError("option_invalid", "`base` must be 1 to 64 letters, digits, `-` and `_`", { field: "base" });
    }
    const immediateRevocation = (options.immediateRevocation ?? false) as Immediate;
    this.capabilities = { uniqueNames: false, immediateRevocation, atomicCreate: false, atomicRename: false };
    this.#storage = storage;
    this.#base = base;
    this.#pendingChanges = pendingChanges.get(storage) ?? new Map();
    pendingChanges.set(storage, this.#pendingChanges);
  }

  async find(hashes: readonly string[]): Promise<TokenRecord | null> {
    const records = await Promise.all(hashes.map((hash) => this.#read(hash)));
    return records.find((record) => record !== null) ?? null;
  }

  async listOf(user: string): Promise<readonly TokenRecord[]> {
    const [keys, account] = await Promise.all([this.#storage.getKeys(this.#key("user", hexEncode(user))), this.account(user)]);
    const records = await Promise.all(
      keys.map(async (key) => {
        const hash = await this.#storage.getItem(key);
        // An unfinished creation leaves an index without a record.
        return typeof hash === "string" ? this.#read(hash) : null;
      }),
    );
    // A token that was stored during the removal of its account doesn't belong to the next account.
    return records.filter((record) => record !== null && (account === null || matchingAccount(record, account) !== null)) as TokenRecord[];
  }

  async insert(record: TokenRecord, context?: InsertionContext): Promise<Insertion> {
    const generation = context?.generation;
    // The account may be removed after this check: readers compare the generation again.
    if (generation !== undefined && (await this.account(record.user))?.generation !== generation) return "account_gone";
    if ((await this.#read(record.hash)) !== null) return "hash_taken";
    if (await this.#nameTaken(record)) return "name_taken";
    // The index first: a working token must be listed, so that it can be revoked.
    await this.#storage.setItem(this.#key("user", hexEncode(record.user), hexEncode(record.id)), record.hash);
    await this.#storage.setItem(this.#key("hash", record.hash), record);
    return "stored";
  }

  async rename(record: TokenRecord): Promise<Renaming> {
    const stored = await this.#read(record.hash);
    if (stored === null || isRevoked(stored)) return "gone";
    if (await this.#nameTaken(record)) return "name_taken";
    await this.#storage.setItem(this.#key("name", record.hash), { name: record.name });
    return "renamed";
  }

  async revoke(record: TokenRecord & { readonly revoked: UnixSeconds }): Promise<void> {
    const key = this.#key("revoked", record.hash);
    if (!(await this.#storage.hasItem(key))) await this.#storage.setItem(key, { revoked: record.revoked });
    // An unfinished revocation is completed by the next one.
    const whole = this.#key("hash", record.hash);
    if (await this.#storage.hasItem(whole)) await this.#storage.setItem(whole, record);
  }

  async prune(before: UnixSeconds, context?: StoreContext): Promise<number> {
    const under = `${this.#key("revoked")}:`;
    let pruned = 0;
    for (const key of await this.#storage.getKeys(under)) {
      if (context?.signal.aborted === true) break;
      const revocation = await this.#storage.getItem<{ revoked: UnixSeconds }>(key);
      if (isMissing(revocation) || !(revocation.revoked < before)) continue;
      const hash = key.slice(under.length);
      const record = await this.#storage.getItem<TokenRecord>(this.#key("hash", hash));
      if (isMissing(record)) {
        // Not in the same run as the record: where writes spread slowly, a reader might see this removal first.
        await this.#storage.removeItem(key);
        continue;
      }
      // The record last, so that an unfinished run is completed by the next one.
      if (typeof record.user === "string" && typeof record.id === "string") await this.#storage.removeItem(this.#key("user", hexEncode(record.user), hexEncode(record.id)));
      await this.#storage.removeItem(this.#key("name", hash));
      await this.#storage.removeItem(this.#key("hash", hash));
      pruned += 1;
    }
    return pruned;
  }

  async account(user: string): Promise<StoredAccount | null> {
    const account = await this.#storage.getItem<StoredAccount>(this.#key("account", hexEncode(user)));
    // Anything but an object is returned unchanged, and the caller refuses it.
    if (typeof account !== "object" || account === null) return account ?? null;
    // Accounts stored by earlier versions have no generation.
    return { ...account, generation: account.generation ?? FIRST_GENERATION };
  }

  async putAccount(account: Account): Promise<void> {
    await this.#changeAccount(account.user, async (key) => {
      const generation = (await this.account(account.user))?.generation ?? randomHex();
      await this.#storage.setItem(key, { ...account, generation });
    });
  }

  async removeAccount(user: string): Promise<void> {
    await this.#changeAccount(user, async (key) => this.#storage.removeItem(key));
  }

  /** Changes the account of a user, after earlier changes. */
  async #changeAccount(user: string, change: (key: string) => Promise<void>): Promise<void> {
    const key = this.#key("account", hexEncode(user));
    await inOrder(this.#pendingChanges, key, CHANGE_TIMEOUT, () => change(key));
  }

  /** Reads the record of a hash with its new name and its revocation. All keys are always read. */
  async #read(hash: string): Promise<TokenRecord | null> {
    const [record, renaming, revocation] = await Promise.all([
      this.#storage.getItem<TokenRecord>(this.#key("hash", hash)),
      this.#storage.getItem<{ name: string }>(this.#key("name", hash)),
      this.#storage.getItem<{ revoked: UnixSeconds }>(this.#key("revoked", hash)),
    ]);
    if (isMissing(record) || (isMissing(renaming) && isMissing(revocation))) return record ?? null;
    // An unreadable revocation must not be ignored: the token was revoked.
    const isValid =
      typeof record === "object" &&
      (isMissing(renaming) || (typeof renaming === "object" && typeof renaming.name === "string")) &&
      (isMissing(revocation) || (typeof revocation === "object" && Number.isSafeInteger(revocation.revoked)));
    if (!isValid) throw new LatchError("store_answer_invalid", "a stored record, name or revocation is invalid");
    return { ...record, ...(isMissing(renaming) ? {} : { name: renaming.name }), ...(isMissing(revocation) ? {} : { revoked: revocation.revoked }) };
  }

  async #nameTaken(record: TokenRecord): Promise<boolean> {
    const others = await this.listOf(record.user);
    return others.some((other) => other.id !== record.id && other.name === record.name && !isRevoked(other));
  }

  #key(...parts: readonly string[]): string {
    return [this.#base, ...parts].join(":");
  }
}

function isMissing(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function isRevoked(record: TokenRecord): boolean {
  return !isMissing(record.revoked);
}

/** Encodes text as hex, because some characters have a meaning in keys and some file systems ignore case. */
function hexEncode(text: string): string {
  return Array.from(new Utf8Encoder().encode(text), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
