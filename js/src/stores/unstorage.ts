/* @ts-self-types="./unstorage.d.ts" */

import type { Storage } from "unstorage";

import { inTurn } from "../runtime/exclusive.js";
import { randomText } from "../runtime/random.js";
import { Utf8Encoder } from "../runtime/text.js";
import type { Account, TokenRecord, UnixSeconds } from "../types/index.js";
import { LatchError } from "../types/latch-error.js";
import { FIRST_GENERATION, accountOf } from "./internal/generation.js";
import type { AccountStore, Insertion, InsertionContext, Renaming, StoreContext, StoredAccount, TokenStore } from "./store.js";

/** What an {@link unstorageStore} promises: key-value stores can neither compare nor write two keys at once. */
export interface KeyValueCapabilities<Immediate extends boolean> {
  readonly uniqueNames: false;
  readonly immediateRevocation: Immediate;
  readonly atomicCreate: false;
  readonly atomicRename: false;
}

/** Options of {@link unstorageStore}. */
export interface UnstorageStoreOptions<Immediate extends boolean> {
  /**
   * Whether a reader anywhere sees a write at once: true for one Redis, a file system or Deno KV; not for Cloudflare KV,
   * which shows a revocation elsewhere only after a minute or more. Default: false.
   */
  readonly immediateRevocation?: Immediate | undefined;
  /** Stands before every key: letters, digits, `-` and `_`. Default: `"tokenlatch"`. */
  readonly base?: string | undefined;
}

/**
 * A store in a key-value store through `unstorage`: Cloudflare KV, Redis, Deno KV, a file system and many more.
 *
 * What it can't promise: two processes that create or rename at once may both get the same name; one that stops in
 * the middle of a creation may leave a token that is listed and doesn't work; and where the store spreads its writes
 * slowly, a revoked token works elsewhere until they arrive. Two processes that store or remove one user's account at once may leave
 * it with another generation, so that a token created meanwhile doesn't work, or bring the removed account back; within one process such
 * changes take turns. Where that matters use an SQL store. A revocation is a key of its own that is written before anything of the token
 * is removed, and so is a new name, so no change made at the same time can undo another one. A token names the generation of its account:
 * it doesn't work under another account of the same user.
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
 * @throws LatchError `option_invalid` for a base of other characters.
 */
export function unstorageStore<Immediate extends boolean = false>(
  storage: Storage,
  options: UnstorageStoreOptions<Immediate> = {},
): TokenStore<KeyValueCapabilities<Immediate>> & AccountStore {
  return new UnstorageStore<Immediate>(storage, options);
}

/** Changes of accounts that are under way in this process, by storage and key. */
const changing = new WeakMap<Storage, Map<string, Promise<unknown>>>();

/** How long a change waits for the one before it, in milliseconds. */
const TURN_TIMEOUT = 2_000;

class UnstorageStore<Immediate extends boolean> implements TokenStore<KeyValueCapabilities<Immediate>>, AccountStore {
  readonly capabilities: KeyValueCapabilities<Immediate>;
  readonly #storage: Storage;
  readonly #base: string;
  readonly #changing: Map<string, Promise<unknown>>;

  constructor(storage: Storage, options: UnstorageStoreOptions<Immediate>) {
    if (typeof storage?.getItem !== "function") {
      throw new LatchError("option_invalid", "expected a storage of `unstorage`", { field: "storage" });
    }
    const base = options.base ?? "tokenlatch";
    if (!/^[a-zA-Z0-9_-]{1,64}$/.test(base)) {
      throw new LatchError("option_invalid", "`base` may hold 1 to 64 letters, digits, `-` and `_`", { field: "base" });
    }
    const immediateRevocation = (options.immediateRevocation ?? false) as Immediate;
    this.capabilities = { uniqueNames: false, immediateRevocation, atomicCreate: false, atomicRename: false };
    this.#storage = storage;
    this.#base = base;
    this.#changing = changing.get(storage) ?? new Map();
    changing.set(storage, this.#changing);
  }

  async find(hashes: readonly string[]): Promise<TokenRecord | null> {
    const records = await Promise.all(hashes.map((hash) => this.#read(hash)));
    return records.find((record) => record !== null) ?? null;
  }

  async listOf(user: string): Promise<readonly TokenRecord[]> {
    const [keys, account] = await Promise.all([this.#storage.getKeys(this.#key("user", spelled(user))), this.account(user)]);
    const records = await Promise.all(
      keys.map(async (key) => {
        const hash = await this.#storage.getItem(key);
        // An index without a record is what an unfinished creation leaves.
        return typeof hash === "string" ? this.#read(hash) : null;
      }),
    );
    // A token that was stored while its account was removed isn't the next account's.
    return records.filter((record) => record !== null && (account === null || accountOf(record, account) !== null)) as TokenRecord[];
  }

  async insert(record: TokenRecord, context?: InsertionContext): Promise<Insertion> {
    const generation = context?.generation;
    // It may go between this and the writing: a reader compares the generation again.
    if (generation !== undefined && (await this.account(record.user))?.generation !== generation) return "account_gone";
    if ((await this.#read(record.hash)) !== null) return "hash_taken";
    if (await this.#nameTaken(record)) return "name_taken";
    // The index first: a token that works must be listed, so that it can be revoked.
    await this.#storage.setItem(this.#key("user", spelled(record.user), spelled(record.id)), record.hash);
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
      if (isNothing(revocation) || !(revocation.revoked < before)) continue;
      const hash = key.slice(under.length);
      const record = await this.#storage.getItem<TokenRecord>(this.#key("hash", hash));
      if (isNothing(record)) {
        // Not in the run that removed the record: where writes spread slowly, a reader might see this removal first.
        await this.#storage.removeItem(key);
        continue;
      }
      // The record last, so that an unfinished run is completed by the next one.
      if (typeof record.user === "string" && typeof record.id === "string") await this.#storage.removeItem(this.#key("user", spelled(record.user), spelled(record.id)));
      await this.#storage.removeItem(this.#key("name", hash));
      await this.#storage.removeItem(this.#key("hash", hash));
      pruned += 1;
    }
    return pruned;
  }

  async account(user: string): Promise<StoredAccount | null> {
    const account = await this.#storage.getItem<StoredAccount>(this.#key("account", spelled(user)));
    // What isn't an object is returned as it is: the caller refuses it.
    if (typeof account !== "object" || account === null) return account ?? null;
    // An account stored by an earlier version has none; the next account of the user has one.
    return { ...account, generation: account.generation ?? FIRST_GENERATION };
  }

  async putAccount(account: Account): Promise<void> {
    await this.#changed(account.user, async (key) => {
      const generation = (await this.account(account.user))?.generation ?? randomText();
      await this.#storage.setItem(key, { ...account, generation });
    });
  }

  async removeAccount(user: string): Promise<void> {
    await this.#changed(user, async (key) => this.#storage.removeItem(key));
  }

  /** Changes the account of a user after all earlier changes of it. */
  async #changed(user: string, change: (key: string) => Promise<void>): Promise<void> {
    const key = this.#key("account", spelled(user));
    await inTurn(this.#changing, key, TURN_TIMEOUT, () => change(key));
  }

  /** The record of a hash, with its new name and its revocation. All keys are always asked for. */
  async #read(hash: string): Promise<TokenRecord | null> {
    const [record, renaming, revocation] = await Promise.all([
      this.#storage.getItem<TokenRecord>(this.#key("hash", hash)),
      this.#storage.getItem<{ name: string }>(this.#key("name", hash)),
      this.#storage.getItem<{ revoked: UnixSeconds }>(this.#key("revoked", hash)),
    ]);
    if (isNothing(record) || (isNothing(renaming) && isNothing(revocation))) return record ?? null;
    // A revocation that can't be read must not pass for none: the token has been revoked.
    const isRead =
      typeof record === "object" &&
      (isNothing(renaming) || (typeof renaming === "object" && typeof renaming.name === "string")) &&
      (isNothing(revocation) || (typeof revocation === "object" && Number.isSafeInteger(revocation.revoked)));
    if (!isRead) throw new LatchError("store_answer_invalid", "a stored record, name or revocation has another form");
    return { ...record, ...(isNothing(renaming) ? {} : { name: renaming.name }), ...(isNothing(revocation) ? {} : { revoked: revocation.revoked }) };
  }

  async #nameTaken(record: TokenRecord): Promise<boolean> {
    const others = await this.listOf(record.user);
    return others.some((other) => other.id !== record.id && other.name === record.name && !isRevoked(other));
  }

  #key(...parts: readonly string[]): string {
    return [this.#base, ...parts].join(":");
  }
}

function isNothing(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function isRevoked(record: TokenRecord): boolean {
  return !isNothing(record.revoked);
}

/** Text as hex digits of its bytes: no character with a meaning in keys, and no two that a file system takes for one. */
function spelled(text: string): string {
  return Array.from(new Utf8Encoder().encode(text), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
