/* @ts-self-types="./store.d.ts" */

import type { Account, Hash, TokenRecord, UnixSeconds } from "../types.js";

/** What a store can promise. What it can't is `false` here, and a user of it must be ready for that. */
export interface StoreCapabilities {
  /** No two live tokens of a user ever have the same name, even when two processes create them at once. */
  readonly uniqueNames: boolean;
  /** Once `revoke` has answered, no look-up anywhere gives the token as live. */
  readonly immediateRevocation: boolean;
  /** A token is stored whole or not at all, and the next look-up anywhere finds it. */
  readonly atomicCreate: boolean;
}

/** What came of storing a new record. */
export type Insertion = "stored" | "name_taken" | "hash_taken";

/** What came of storing a new name: `gone` when the token isn't there or is revoked. */
export type Renaming = "renamed" | "name_taken" | "gone";

/** Given with each question to a store. */
export interface StoreContext {
  /** Aborted when the answer will no longer be waited for. */
  readonly signal: AbortSignal;
}

/**
 * Where records rest. A store keeps and finds; it decides nothing. It may throw: a {@link Latch} makes a refusal of it.
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
  /** What this store can promise. */
  readonly capabilities: Capabilities;
  /** The record that has one of these hashes, revoked ones too, or null. The same work whether there is one or not. */
  find(hashes: readonly Hash[], context: StoreContext): Promise<TokenRecord | null>;
  /** All records of a user, revoked ones too, in any order. */
  listOf(user: string, context: StoreContext): Promise<readonly TokenRecord[]>;
  /** Stores a new record, unless its hash or, as far as the store can tell, its name is taken. */
  insert(record: TokenRecord, context: StoreContext): Promise<Insertion>;
  /** Stores the new name of a live token, known by its id; nothing else of the record has changed. */
  rename(record: TokenRecord, context: StoreContext): Promise<Renaming>;
  /** Stores that the token is revoked. A token that is revoked already keeps its time; nothing undoes it. */
  revoke(record: TokenRecord & { readonly revoked: UnixSeconds }, context: StoreContext): Promise<void>;
}

/** Where accounts rest. */
export interface AccountStore {
  /** The account of a user, or null. */
  account(user: string, context: StoreContext): Promise<Account | null>;
  /** Stores an account, new or changed. */
  putAccount(account: Account, context: StoreContext): Promise<void>;
  /** Forgets an account. */
  removeAccount(user: string, context: StoreContext): Promise<void>;
}

/** Looks an account up elsewhere, for a {@link Latch} whose accounts live in another system. */
export type AccountLookup = (user: string, context: StoreContext) => Account | null | undefined | Promise<Account | null | undefined>;
