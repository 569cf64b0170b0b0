/* @ts-self-types="./validation.d.ts" */

import type { Account } from "./account.js";
import type { Catalogue } from "./call.js";
import type { Pepper } from "./credential.js";
import type { ErrorCode } from "./error.js";
import type { Policy } from "./policy.js";
import type { Expiry, UnixSeconds, Zone } from "./time.js";
import type { Access, TokenRecord } from "./token.js";

/** Options of {@link validate}: the values to check. */
export interface ValidateOptions {
  /** A token's name. */
  readonly name?: string | undefined;
  /** Names in use; `name` must not be one of them. Default: none. */
  readonly taken?: readonly string[] | undefined;
  /** A user's name. */
  readonly user?: string | undefined;
  /** A token's text, with or without a prefix. */
  readonly token?: string | undefined;
  /** The administrator's limits. `expires`, `addresses` and `access` are compared with them. */
  readonly policy?: Policy | undefined;
  /** An expiry. */
  readonly expires?: Expiry | undefined;
  /** Addresses and CIDR blocks. */
  readonly addresses?: readonly string[] | undefined;
  /** A prefix for tokens' text. */
  readonly prefix?: string | undefined;
  /** What a new token may do. */
  readonly access?: Access | undefined;
  /** An account. With `access` it must be allowed to have such a token, otherwise it need only be well-formed. */
  readonly account?: Account | undefined;
  /** Peppers, at most 8. */
  readonly peppers?: readonly Pepper[] | undefined;
  /** A catalogue of functions and routes. */
  readonly catalogue?: Catalogue | undefined;
  /** Records of tokens. */
  readonly records?: readonly TokenRecord[] | undefined;
  /** The current time. Default: the clock. */
  readonly now?: UnixSeconds | undefined;
  /** The time zone of dates, which is checked too. Default: the local time zone. */
  readonly zone?: Zone | undefined;
}

/** A problem of a value: the error that the operation using the value throws. */
export interface Problem {
  /** The stable code. */
  readonly code: ErrorCode;
  /** A sentence for people. */
  readonly message: string;
  /** The path of the invalid value, such as `account.user`; left out if the values are invalid only together. */
  readonly field?: string;
}

/** The result of {@link validate}. */
export interface Validation {
  /** Whether there is no problem. */
  readonly valid: boolean;
  /** The problems, at most one for each value. */
  readonly problems: readonly Problem[];
  /** The time that `expires` stands for, or `"never"`; if it is left out and `policy` is given, the default expiry; else null. */
  readonly expires: UnixSeconds | "never" | null;
  /** The hint of the given token text, or null. */
  readonly hint: string | null;
}
