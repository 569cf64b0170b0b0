/* @ts-self-types="./validation.d.ts" */

import type { ErrorCode } from "./error.js";
import type { Expiry, UnixSeconds, Zone } from "./time.js";

/** Options of {@link validate}: the values to check. */
export interface ValidateOptions {
  /** A token's name. */
  readonly name?: string | undefined;
  /** A user's name. */
  readonly user?: string | undefined;
  /** A token's text, with or without a prefix. */
  readonly token?: string | undefined;
  /** An expiry. */
  readonly expires?: Expiry | undefined;
  /** Addresses and CIDR blocks. */
  readonly addresses?: readonly string[] | undefined;
  /** A prefix for tokens' text. */
  readonly prefix?: string | undefined;
  /** The current time. Default: the clock. */
  readonly now?: UnixSeconds | undefined;
  /** The time zone of dates. Default: the local time zone. */
  readonly zone?: Zone | undefined;
}

/** A problem of a value. */
export interface Problem {
  /** The stable code. */
  readonly code: ErrorCode;
  /** A sentence for people. */
  readonly message: string;
  /** The invalid option. */
  readonly field: string;
}

/** The result of {@link validate}. */
export interface Validation {
  /** Whether there is no problem. */
  readonly valid: boolean;
  /** All problems. */
  readonly problems: readonly Problem[];
  /** The time that `expires` stands for, `"never"`, or null if it is missing or invalid. */
  readonly expires: UnixSeconds | "never" | null;
  /** The hint of the given token text, or null. */
  readonly hint: string | null;
}
