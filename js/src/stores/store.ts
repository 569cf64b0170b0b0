/* @ts-self-types="./store.d.ts" */

import type { Account, Hash, TokenRecord, UnixSeconds } from "../types/index.js";

/** What a store can promise. What it can't is `false` here, and a user of it must be ready for that. */
export interface StoreCapabilities {
  /** No two live tokens of a user ever have the same name, even when two processes create them at once. */
  readonly uniqueNames: boolean;
  /** Once `revoke` has answered, no look-up anywhere gives the token as live. */
  readonly immediateRevocation: boolean;
  /** A token is stored whole or not at all, and the next look-up anywhere finds it. */
  readonly atomicCreate: boolean;
  /**
   * A renaming checks that the name is free and the token live, and writes the name, in one step. Where it is false, two
   * renamings at once may both succeed; the later one wins. Other changes of the token are never undone by either kind.
   */
  readonly atomicRename?: boolean | undefined;
}

/** The outcome of storing a new record: `account_gone` when the account named by the {@link InsertionContext} isn't there. */
export type Insertion = "stored" | "name_taken" | "hash_taken" | "account_gone";

/** The outcome of storing a new name: `gone` when the token isn't there or is revoked. */
export type Renaming = "renamed" | "name_taken" | "gone";

/** Given with each question to a store. */
export interface StoreContext {
  /** Aborted when the answer will no longer be waited for. */
  readonly signal: AbortSignal;
}

/** Given with a new record. */
export interface InsertionContext extends StoreContext {
  /**
   * The generation of the user's account, where the same store holds the accounts. The record is stored only as long as the
   * account has this generation, in one step where the store can do that.
   */
  readonly generation?: string | undefined;
}

/** An account as a store gives it. */
export interface StoredAccount extends Account {
  /**
   * Text that no other account of the user ever has: random, made when the account is stored where there is none, and kept by
   * later changes. A token is bound to it, so that it can't come back with the next account of the same user. Without it
   * tokens are bound to the user alone.
   */
  readonly generation?: string | undefined;
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
  insert(record: TokenRecord, context: InsertionContext): Promise<Insertion>;
  /** Stores the new name of a live token, known by its id, and writes nothing else: the rest of the record may be out of date. */
  rename(record: TokenRecord, context: StoreContext): Promise<Renaming>;
  /**
   * Stores the record of a revoked token in the place of the live one, known by its id: what the token could do is no longer in it. A token
   * that is revoked already keeps its time; nothing undoes it.
   */
  revoke(record: TokenRecord & { readonly revoked: UnixSeconds }, context: StoreContext): Promise<void>;
  /** Removes the records that were revoked before this time, and gives how many. Without it `Latch.prune` isn't supported. */
  prune?(before: UnixSeconds, context: StoreContext): Promise<number>;
}

/** Where accounts rest. */
export interface AccountStore {
  /** The account of a user, or null. */
  account(user: string, context: StoreContext): Promise<StoredAccount | null>;
  /** Stores an account, new or changed. A new one gets a generation of its own, a changed one keeps it. */
  putAccount(account: Account, context: StoreContext): Promise<void>;
  /** Forgets an account. */
  removeAccount(user: string, context: StoreContext): Promise<void>;
}

/**
 * Looks an account up elsewhere, for a {@link Latch} whose accounts live in another system. Give a `generation`, such as the
 * account's number there, where users may be deleted and made again: the tokens of the earlier account don't work then.
 */
export type AccountLookup = (user: string, context: StoreContext) => StoredAccount | null | undefined | Promise<StoredAccount | null | undefined>;
