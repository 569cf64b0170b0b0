/* @ts-self-types="./store.d.ts" */

import type { Account, Hash, TokenRecord, UnixSeconds } from "../types/index.js";

/** The guarantees of a store. Where one is `false`, callers must handle the case. */
export interface StoreCapabilities {
  /** Two live tokens of a user never have the same name, even when two processes create them at once. */
  readonly uniqueNames: boolean;
  /** After `revoke` has returned, no reader sees the token as live. */
  readonly immediateRevocation: boolean;
  /** A token is stored completely or not at all, and every reader finds it at once. */
  readonly atomicCreate: boolean;
  /**
   * Renaming checks that the name is free and the token live, and writes the name, in one step. If false, two renames at once may both
   * succeed, and the later one wins. Neither kind undoes other changes of the token.
   */
  readonly atomicRename?: boolean | undefined;
}

/** The result of storing a new record: `account_gone` if the account of the {@link InsertionContext} doesn't exist. */
export type Insertion = "stored" | "name_taken" | "hash_taken" | "account_gone";

/** The result of storing a new name: `gone` if the token doesn't exist or is revoked. */
export type Renaming = "renamed" | "name_taken" | "gone";

/** Passed with each call of a store. */
export interface StoreContext {
  /** Aborted when the caller no longer waits for the answer. */
  readonly signal: AbortSignal;
}

/** Passed with a new record. */
export interface InsertionContext extends StoreContext {
  /**
   * The generation of the user's account, if the same store holds the accounts. The record is stored only while the account has this
   * generation; atomically, if the store can.
   */
  readonly generation?: string | undefined;
}

/** An account as a store returns it. */
export interface StoredAccount extends Account {
  /**
   * Random text that identifies this account among the successive accounts of the user. It is made when the account is created and kept
   * by later changes. Tokens are bound to it, so that they don't work with a later account of the same user. Without it tokens are
   * bound to the user alone.
   */
  readonly generation?: string | undefined;
}

/**
 * A store of records. It stores and finds records and makes no decision. It may throw: a `Latch` then refuses the request.
 *
 * @example
 * ```ts
 * import { Latch } from "tokenlatch";
 * import { memoryStore } from "tokenlatch/stores/memory";
 * import type { TokenStore } from "tokenlatch/stores/store";
 *
 * const store: TokenStore<{ uniqueNames: true; immediateRevocation: true; atomicCreate: true }> = memoryStore();
 * const latch = new Latch({ store, accounts: (user) => ({ user, features: "all" }) });
 * latch.capabilities.immediateRevocation satisfies true;
 * ```
 */
export interface TokenStore<Capabilities extends StoreCapabilities = StoreCapabilities> {
  /** The guarantees of this store. */
  readonly capabilities: Capabilities;
  /** Returns the record with one of these hashes, also a revoked one, or null. Takes the same work in both cases. */
  find(hashes: readonly Hash[], context: StoreContext): Promise<TokenRecord | null>;
  /** Returns all records of a user, revoked ones included, in any order. */
  listOf(user: string, context: StoreContext): Promise<readonly TokenRecord[]>;
  /** Stores a new record, unless its hash or, as far as the store knows, its name is in use. */
  insert(record: TokenRecord, context: InsertionContext): Promise<Insertion>;
  /** Stores the new name of a live token, found by its id. Writes only the name: the rest of the record may be outdated. */
  rename(record: TokenRecord, context: StoreContext): Promise<Renaming>;
  /**
   * Replaces a live record, found by its id, by the record of the revoked token, which no longer has its access. A token that is already
   * revoked keeps its time of revocation. A revocation can't be undone.
   */
  revoke(record: TokenRecord & { readonly revoked: UnixSeconds }, context: StoreContext): Promise<void>;
  /** Deletes the records that were revoked before this time, and returns their number. Without it `Latch.prune` isn't supported. */
  prune?(before: UnixSeconds, context: StoreContext): Promise<number>;
}

/** A store of accounts. */
export interface AccountStore {
  /** Returns the account of a user, or null. */
  account(user: string, context: StoreContext): Promise<StoredAccount | null>;
  /** Stores a new or changed account. A new one gets a new generation, a changed one keeps its own. */
  putAccount(account: Account, context: StoreContext): Promise<void>;
  /** Removes an account. */
  removeAccount(user: string, context: StoreContext): Promise<void>;
}

/**
 * Looks up an account in another system. Return a `generation`, such as the number of the account there, if users can be deleted and
 * created again: tokens of the earlier account then don't work.
 */
export type AccountLookup = (user: string, context: StoreContext) => StoredAccount | null | undefined | Promise<StoredAccount | null | undefined>;
