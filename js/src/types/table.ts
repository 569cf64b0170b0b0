/* @ts-self-types="./table.d.ts" */

import type { Account } from "./account.js";
import type { CatalogueFunction } from "./call.js";
import type { Pepper } from "./credential.js";
import type { UnixSeconds } from "./time.js";
import type { TokenRecord } from "./token.js";

/** Options of `new TokenTable`. */
export interface TableOptions {
  /** The tokens. Default: none. */
  readonly records?: readonly TokenRecord[] | undefined;
  /** Their users' accounts; tokens of other users are refused. Default: none. */
  readonly accounts?: readonly Account[] | undefined;
  /** Newest first, at most 8. Default: none. */
  readonly peppers?: readonly Pepper[] | undefined;
  /** Default: the built-in catalogue. */
  readonly catalogue?: readonly CatalogueFunction[] | undefined;
}

/** What to change in a table. Removals come first. */
export interface TableUpdate {
  /** A record with a known id replaces it. */
  readonly records?: readonly TokenRecord[] | undefined;
  /** An account of a known user replaces it. */
  readonly accounts?: readonly Account[] | undefined;
  /** The ids of records to remove. */
  readonly removeIds?: readonly string[] | undefined;
  /** Users whose account is removed, and their tokens with it. */
  readonly removeUsers?: readonly string[] | undefined;
}

/** Options of `verify` of a `TokenTable` and a `Snapshot`. */
export interface TableVerifyOptions {
  /** A number from `prepare`. Default: 0, a call that names nothing. */
  readonly call?: number | undefined;
  /** The address that the request came from. */
  readonly address?: string | null | undefined;
  /** The present time. Default: the clock's. */
  readonly now?: UnixSeconds | undefined;
}

/** Options of `verifyMany`. */
export interface VerifyManyOptions {
  /** A number from `prepare`. Default: 0, a call that names nothing. */
  readonly call?: number | undefined;
  /** The addresses that the requests came from, one for each header. Default: none is known. */
  readonly addresses?: readonly (string | null | undefined)[] | undefined;
  /** The present time. Default: the clock's. */
  readonly now?: UnixSeconds | undefined;
}
