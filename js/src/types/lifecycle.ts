/* @ts-self-types="./lifecycle.d.ts" */

import type { Account } from "./account.js";
import type { Pepper } from "./credential.js";
import type { Held, Policy } from "./policy.js";
import type { Expiry, UnixSeconds, Zone } from "./time.js";
import type { Access, Realm, TokenRecord } from "./token.js";

/** Options of {@link createToken}. */
export interface CreateOptions {
  /** The user, 1 to 64 characters of `a-z A-Z 0-9 - _ . @`. */
  readonly user: string;
  /** The name, 1 to 50 characters of `a-z A-Z 0-9 - _`. */
  readonly name: string;
  /** What the token may do. Required. */
  readonly access: Access;
  /** When it expires. Default: 23:59:59 of today's date next year, in the zone. */
  readonly expires?: Expiry | undefined;
  /** Whether functions that write are refused. Default: false. */
  readonly readOnly?: boolean | undefined;
  /** Addresses and CIDR blocks that it may come from, at most 100. Default: none, so any. */
  readonly addresses?: readonly string[] | undefined;
  /** The realm. Default: `"account"`. */
  readonly realm?: Realm | undefined;
  /** The prefix of a token of the form `<prefix>_<secret><checksum>`, which secret scanners recognise. */
  readonly prefix?: string | undefined;
  /** The key to hash with. Default: none, so plain SHA-256. */
  readonly pepper?: Pepper | undefined;
  /** The account. If given, it must be allowed to have the token. */
  readonly account?: Account | undefined;
  /** The administrator's limits. */
  readonly policy?: Policy | undefined;
  /** The tokens of the user, for the caps of the policy. Default: none. */
  readonly held?: Held | undefined;
  /** The names in use. Default: none. */
  readonly taken?: readonly string[] | undefined;
  /** The token that creates it: the new one can't have more access, and by default gets the same addresses. */
  readonly creator?: TokenRecord | undefined;
  /** The current time. Default: the clock. */
  readonly now?: UnixSeconds | undefined;
  /** The time zone of dates. Default: the local time zone. */
  readonly zone?: Zone | undefined;
  /** 64 random bytes or their hex digits. Default: from `crypto.getRandomValues`. */
  readonly entropy?: string | Uint8Array | undefined;
}

/** A new token. */
export interface Created {
  /** The text to show once. It can't be recovered. */
  readonly token: string;
  /** The record to store. */
  readonly record: TokenRecord;
}

/** Options of {@link describeToken}. */
export interface DescribeOptions {
  /** The token. */
  readonly record: TokenRecord;
  /** How many days before its expiry a token counts as expiring, 0 to 3650. Default: 7. */
  readonly warnDays?: number | undefined;
  /** The current time. Default: the clock. */
  readonly now?: UnixSeconds | undefined;
}

/** A token as its owner sees it. */
export interface Description {
  /** The record's id. */
  readonly id: string;
  /** The user of the token. */
  readonly user: string;
  /** The token's name. */
  readonly name: string;
  /** The last four characters of the secret, or `""`. */
  readonly hint: string;
  /** When it was created. */
  readonly created: UnixSeconds;
  /** When it expires, or null for never. */
  readonly expires: UnixSeconds | null;
  /** The current status. */
  readonly status: "active" | "expiring" | "expired" | "revoked";
  /** The seconds left, at least 0; null for a token that never expires. */
  readonly remaining: number | null;
  /** What it may do. */
  readonly access: Access;
  /** Whether functions that write are refused. */
  readonly readOnly: boolean;
  /** Addresses and CIDR blocks that it may come from; empty for any. */
  readonly addresses: readonly string[];
  /** The realm. */
  readonly realm: Realm;
  /** Notices for its owner. */
  readonly notices: readonly ("revoked" | "expired" | "expires_soon" | "never_expires")[];
}

/** Options of {@link listTokens}. */
export interface ListOptions {
  /** The tokens to choose from. */
  readonly records: readonly TokenRecord[];
  /** The number of the page, from 1. Default: 1. */
  readonly page?: number | undefined;
  /** Tokens per page, 1 to 1,000. Default: 20. */
  readonly pageSize?: number | undefined;
  /** The order. Default: `"name"`. */
  readonly sort?: "name" | "created" | "expires" | undefined;
  /** Whether the order is descending. Default: false. */
  readonly descending?: boolean | undefined;
  /** A part of the name, case-insensitive, at most 50 characters. */
  readonly search?: string | undefined;
  /** How many days before its expiry a token counts as expiring, 0 to 3650. Default: 7. */
  readonly warnDays?: number | undefined;
  /** Whether revoked tokens are listed. Default: false. */
  readonly includeRevoked?: boolean | undefined;
  /** The current time. Default: the clock. */
  readonly now?: UnixSeconds | undefined;
}

/** A page of tokens. */
export interface TokenList {
  /** The tokens of this page. */
  readonly tokens: readonly Description[];
  /** The number of this page, from 1. */
  readonly page: number;
  /** Tokens per page. */
  readonly pageSize: number;
  /** The number of pages, at least 1. */
  readonly pages: number;
  /** Tokens on all pages. */
  readonly total: number;
}

/** Options of {@link renameToken}. */
export interface RenameOptions {
  /** The token. */
  readonly record: TokenRecord;
  /** The new name, 1 to 50 characters of `a-z A-Z 0-9 - _`. */
  readonly newName: string;
  /** The names in use. Default: none. */
  readonly taken?: readonly string[] | undefined;
}

/** Options of {@link updateToken}. Options that are left out change nothing. */
export interface UpdateOptions {
  /** The token. */
  readonly record: TokenRecord;
  /** The new name, 1 to 50 characters of `a-z A-Z 0-9 - _`. */
  readonly newName?: string | undefined;
  /** The names in use. Default: none. */
  readonly taken?: readonly string[] | undefined;
  /** What it may do. */
  readonly access?: Access | undefined;
  /** The new expiry, for a token of the realm `admin` only. */
  readonly expires?: Expiry | undefined;
  /** Addresses and CIDR blocks that it may come from; empty for any. */
  readonly addresses?: readonly string[] | undefined;
  /** The account. If given, it must be allowed to have the token. */
  readonly account?: Account | undefined;
  /** The administrator's limits. The longest life counts from the creation. */
  readonly policy?: Policy | undefined;
  /** The token that changes it: the changed one can't have more access. */
  readonly creator?: TokenRecord | undefined;
  /** The current time. Default: the clock. */
  readonly now?: UnixSeconds | undefined;
  /** The time zone of dates. Default: the local time zone. */
  readonly zone?: Zone | undefined;
}

/** Options of {@link revokeTokens}: either `ids` or `names`. */
export interface RevokeOptions {
  /** The tokens to choose from. */
  readonly records: readonly TokenRecord[];
  /** The ids to revoke. */
  readonly ids?: readonly string[] | undefined;
  /** The names to revoke, of live tokens only. */
  readonly names?: readonly string[] | undefined;
  /** The current time. Default: the clock. */
  readonly now?: UnixSeconds | undefined;
}

/** The result of {@link revokeTokens}. */
export interface Revoked {
  /** The records to store. */
  readonly records: readonly TokenRecord[];
  /** Names or ids without a record. */
  readonly unknown: readonly string[];
}
