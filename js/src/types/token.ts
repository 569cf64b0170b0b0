/* @ts-self-types="./token.d.ts" */

import type { UnixSeconds } from "./time.js";

/** A stored hash: `sha256:<64 hex digits>` or `hmac-sha256:<pepper id>:<64 hex digits>`. */
export type Hash = string;

/** What a token may do: everything its user may, or only functions of these features (an empty list: nothing). */
export type Access = "full" | { readonly features: readonly string[] };

/** The port that a token is for: an account's (scheme `cpanel`) or the administrator's (scheme `whm`). */
export type Realm = "account" | "admin";

/** A token at rest, as a store keeps it. It holds a hash, never the secret. */
export interface TokenRecord {
  /** The version of the record's form, 1. */
  readonly v: number;
  /** 24 hex digits, unique. */
  readonly id: string;
  /** The user whom the token acts for. */
  readonly user: string;
  /** The token's name, unique within the user's live tokens. */
  readonly name: string;
  /** The hash to look the record up by. */
  readonly hash: Hash;
  /** The last four characters of the secret, to tell tokens apart. Default: `""`. */
  readonly hint?: string;
  /** When the token was created. */
  readonly created: UnixSeconds;
  /** When it stops being valid (it is refused from this second on), or null for never. */
  readonly expires: UnixSeconds | null;
  /** What it may do. */
  readonly access: Access;
  /** Whether functions that write are refused. */
  readonly readOnly: boolean;
  /** Addresses and CIDR blocks it may come from; empty: any. */
  readonly addresses: readonly string[];
  /** The port it is for. Default: `"account"`. */
  readonly realm?: Realm;
  /** When it was revoked, or null. Default: null. */
  readonly revoked?: UnixSeconds | null;
  /** Keys of newer versions are kept. */
  readonly [key: string]: unknown;
}
