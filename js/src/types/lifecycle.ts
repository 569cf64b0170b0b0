/* @ts-self-types="./lifecycle.d.ts" */

import type { Account } from "./account.js";
import type { Pepper } from "./credential.js";
import type { Held, Policy } from "./policy.js";
import type { Expiry, UnixSeconds, Zone } from "./time.js";
import type { Access, Realm, TokenRecord } from "./token.js";

/** Options of {@link createToken}. */
export interface CreateOptions {
  /** 1 to 64 characters of `a-z A-Z 0-9 - _ . @`. */
  readonly user: string;
  /** 1 to 50 characters of `a-z A-Z 0-9 - _`. */
  readonly name: string;
  /** What the token may do. There is no default. */
  readonly access: Access;
  /** Default: 23:59:59 of today's date next year, in the zone. */
  readonly expires?: Expiry | undefined;
  /** Default: false. */
  readonly readOnly?: boolean | undefined;
  /** Addresses and CIDR blocks it may come from, at most 100. Default: none, so any. */
  readonly addresses?: readonly string[] | undefined;
  /** Default: `"account"`. */
  readonly realm?: Realm | undefined;
  /** Makes a token of the form `<prefix>_<secret><checksum>`, which secret scanners recognise. */
  readonly prefix?: string | undefined;
  /** Hash under this key instead of plain SHA-256. */
  readonly pepper?: Pepper | undefined;
  /** Checked if given: the account must be able to have such a token. */
  readonly account?: Account | undefined;
  /** The administrator's limits. */
  readonly policy?: Policy | undefined;
  /** What the user has already; the policy caps it. Default: nothing. */
  readonly held?: Held | undefined;
  /** Names in use. Default: none. */
  readonly taken?: readonly string[] | undefined;
  /** The token that asks: the new one can't have more, and gets its addresses where it has none of its own. */
  readonly creator?: TokenRecord | undefined;
  /** The present time. Default: the clock's. */
  readonly now?: UnixSeconds | undefined;
  /** The zone of dates. Default: the local time zone. */
  readonly zone?: Zone | undefined;
  /** 64 random bytes, as such or as hex digits. Default: from `crypto.getRandomValues`. */
  readonly entropy?: string | Uint8Array | undefined;
}

/** A new token. */
export interface Created {
  /** The text to show once. Nothing can show it again. */
  readonly token: string;
  /** What to store. */
  readonly record: TokenRecord;
}

/** Options of {@link describeToken}. */
export interface DescribeOptions {
  /** The token. */
  readonly record: TokenRecord;
  /** How many days before its expiry a token counts as expiring, 0 to 3650. Default: 7. */
  readonly warnDays?: number | undefined;
  /** The present time. Default: the clock's. */
  readonly now?: UnixSeconds | undefined;
}

/** A token as its owner sees it. */
export interface Description {
  /** The record's id. */
  readonly id: string;
  /** The user whom the token acts for. */
  readonly user: string;
  /** The token's name. */
  readonly name: string;
  /** The last four characters of the secret, or `""`. */
  readonly hint: string;
  /** When it was created. */
  readonly created: UnixSeconds;
  /** When it stops being valid, or null for never. */
  readonly expires: UnixSeconds | null;
  /** Its status now. */
  readonly status: "active" | "expiring" | "expired" | "revoked";
  /** Seconds left, never below 0; null for a token that never expires. */
  readonly remaining: number | null;
  /** What it may do. */
  readonly access: Access;
  /** Whether functions that write are refused. */
  readonly readOnly: boolean;
  /** Where it may come from; empty: anywhere. */
  readonly addresses: readonly string[];
  /** The port it is for. */
  readonly realm: Realm;
  /** What its owner should know. */
  readonly notices: readonly ("revoked" | "expired" | "expires_soon" | "never_expires")[];
}

/** Options of {@link listTokens}. */
export interface ListOptions {
  /** The tokens to choose from. */
  readonly records: readonly TokenRecord[];
  /** From 1. Default: 1. */
  readonly page?: number | undefined;
  /** 1 to 1,000. Default: 20. */
  readonly pageSize?: number | undefined;
  /** Default: `"name"`. */
  readonly sort?: "name" | "created" | "expires" | undefined;
  /** Default: false. */
  readonly descending?: boolean | undefined;
  /** A part of the name, without regard to case, at most 50 characters. */
  readonly search?: string | undefined;
  /** Days, 0 to 3650. Default: 7. */
  readonly warnDays?: number | undefined;
  /** Default: false. */
  readonly includeRevoked?: boolean | undefined;
  /** The present time. Default: the clock's. */
  readonly now?: UnixSeconds | undefined;
}

/** A page of tokens. */
export interface TokenList {
  /** The tokens of this page. */
  readonly tokens: readonly Description[];
  /** This page's number, from 1. */
  readonly page: number;
  /** How many tokens a page has. */
  readonly pageSize: number;
  /** At least 1. */
  readonly pages: number;
  /** How many tokens all pages have. */
  readonly total: number;
}

/** Options of {@link renameToken}. */
export interface RenameOptions {
  /** The token. */
  readonly record: TokenRecord;
  /** 1 to 50 characters of `a-z A-Z 0-9 - _`. */
  readonly newName: string;
  /** Names in use. Default: none. */
  readonly taken?: readonly string[] | undefined;
}

/** Options of {@link updateToken}. What is left out stays as it was. */
export interface UpdateOptions {
  /** The token. */
  readonly record: TokenRecord;
  /** 1 to 50 characters of `a-z A-Z 0-9 - _`. */
  readonly newName?: string | undefined;
  /** Names in use. Default: none. */
  readonly taken?: readonly string[] | undefined;
  /** What it may do. */
  readonly access?: Access | undefined;
  /** For a token of the realm `admin` only. */
  readonly expires?: Expiry | undefined;
  /** Addresses and CIDR blocks it may come from; empty: any. */
  readonly addresses?: readonly string[] | undefined;
  /** Checked if given: the account must be able to have such a token. */
  readonly account?: Account | undefined;
  /** The administrator's limits; the longest life counts from the creation. */
  readonly policy?: Policy | undefined;
  /** The token that asks: the changed one can't have more. */
  readonly creator?: TokenRecord | undefined;
  /** The present time. Default: the clock's. */
  readonly now?: UnixSeconds | undefined;
  /** The zone of dates. Default: the local time zone. */
  readonly zone?: Zone | undefined;
}

/** Options of {@link revokeTokens}: either `ids` or `names`. */
export interface RevokeOptions {
  /** The tokens to choose from. */
  readonly records: readonly TokenRecord[];
  /** The ids to revoke. */
  readonly ids?: readonly string[] | undefined;
  /** Selects live records only. */
  readonly names?: readonly string[] | undefined;
  /** The present time. Default: the clock's. */
  readonly now?: UnixSeconds | undefined;
}

/** What {@link revokeTokens} changed. */
export interface Revoked {
  /** The records to store. */
  readonly records: readonly TokenRecord[];
  /** Selectors that no record has. */
  readonly unknown: readonly string[];
}
