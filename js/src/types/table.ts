/* @ts-self-types="./table.d.ts" */

import type { Account } from "./account.js";
import type { Catalogue } from "./call.js";
import type { AcceptedCredential, Pepper } from "./credential.js";
import type { UnixSeconds } from "./time.js";
import type { TokenRecord } from "./token.js";

/** Options of `new TokenTable`. */
export interface TableOptions {
  /** The tokens. Default: none. */
  readonly records?: readonly TokenRecord[] | undefined;
  /** The accounts of the users. Tokens of other users are refused. Default: none. */
  readonly accounts?: readonly Account[] | undefined;
  /** The peppers, newest first, at most 8. Default: none. */
  readonly peppers?: readonly Pepper[] | undefined;
  /** The catalogue of functions and routes. Default: the built-in catalogue. */
  readonly catalogue?: Catalogue | undefined;
  /** Where a token may stand, 1 to 16. Default: `bearer`, `cpanel` and `whm`. */
  readonly credentials?: readonly AcceptedCredential[] | undefined;
}

/** Changes of a table. Removals are applied first. */
export interface TableUpdate {
  /** Records to add, or to replace by id. */
  readonly records?: readonly TokenRecord[] | undefined;
  /** Accounts to add, or to replace by user. */
  readonly accounts?: readonly Account[] | undefined;
  /** The ids of records to remove. */
  readonly removeIds?: readonly string[] | undefined;
  /** Users whose account and tokens are removed. */
  readonly removeUsers?: readonly string[] | undefined;
}

/** Options of `verify` of a `TokenTable` and a `Snapshot`. */
export interface TableVerifyOptions {
  /** A number from `prepare` or `route`. Default: 0, an empty call. */
  readonly call?: number | undefined;
  /** The address that the request came from. */
  readonly address?: string | null | undefined;
  /** The current time. Default: the clock. */
  readonly now?: UnixSeconds | undefined;
}

/** Options of `verifyMany`. */
export interface VerifyManyOptions {
  /** A number from `prepare` or `route`. Default: 0, an empty call. */
  readonly call?: number | undefined;
  /** The addresses that the requests came from, one for each header. Default: unknown. */
  readonly addresses?: readonly (string | null | undefined)[] | undefined;
  /** The current time. Default: the clock. */
  readonly now?: UnixSeconds | undefined;
}
