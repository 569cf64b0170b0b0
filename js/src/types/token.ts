/* @ts-self-types="./token.d.ts" */

import type { UnixSeconds } from "./time.js";

/** A stored hash: `sha256:<64 hex digits>` or `hmac-sha256:<pepper id>:<64 hex digits>`. */
export type Hash = string;

/** What a token may do: everything that its user may, or functions of these features only (none for an empty list). */
export type Access =
  | "full"
  | {
      /** The features of the token. */
      readonly features: readonly string[];
    };

/** The realm of a token: accounts (scheme `cpanel`) or administrators (scheme `whm`). */
export type Realm = "account" | "admin";

/** A stored token. It contains a hash, never the secret. */
export interface TokenRecord {
  /** The version of the format, 1. */
  readonly v: number;
  /** The unique id, 24 hex digits. */
  readonly id: string;
  /** The user of the token. */
  readonly user: string;
  /** The name, unique among the user's live tokens. */
  readonly name: string;
  /** The hash by which the record is found. */
  readonly hash: Hash;
  /** The last four characters of the secret, to recognise the token. Default: `""`. */
  readonly hint?: string;
  /** When the token was created. */
  readonly created: UnixSeconds;
  /** When it expires, or null for never. It is refused from this second on. */
  readonly expires: UnixSeconds | null;
  /** What it may do. */
  readonly access: Access;
  /** Whether functions that write are refused. */
  readonly readOnly: boolean;
  /** Addresses and CIDR blocks that it may come from; empty for any. */
  readonly addresses: readonly string[];
  /** The realm. Default: `"account"`. */
  readonly realm?: Realm;
  /** When it was revoked, or null. Default: null. */
  readonly revoked?: UnixSeconds | null;
  /** Unknown keys, which are kept. */
  readonly [key: string]: unknown;
}
