/* @ts-self-types="./validation.d.ts" */

import type { ErrorCode } from "./error.js";
import type { Expiry, UnixSeconds, Zone } from "./time.js";

/** Options of {@link validate}: the parts to look at. */
export interface ValidateOptions {
  /** A token's name. */
  readonly name?: string | undefined;
  /** A user's name. */
  readonly user?: string | undefined;
  /** A token's text, with or without a prefix. */
  readonly token?: string | undefined;
  /** An expiry, as people give it. */
  readonly expires?: Expiry | undefined;
  /** Addresses and CIDR blocks. */
  readonly addresses?: readonly string[] | undefined;
  /** A prefix for tokens' text. */
  readonly prefix?: string | undefined;
  /** The present time. Default: the clock's. */
  readonly now?: UnixSeconds | undefined;
  /** The zone of dates. Default: the local time zone. */
  readonly zone?: Zone | undefined;
}

/** Something wrong with a part. */
export interface Problem {
  /** The stable code. */
  readonly code: ErrorCode;
  /** A sentence for people. */
  readonly message: string;
  /** The part at fault. */
  readonly field: string;
}

/** What {@link validate} found. */
export interface Validation {
  /** Whether there is no problem. */
  readonly valid: boolean;
  /** Everything that is wrong. */
  readonly problems: readonly Problem[];
  /** The instant that `expires` means, `"never"`, or null when it wasn't given or can't be read. */
  readonly expires: UnixSeconds | "never" | null;
  /** The hint of the given token text, or null. */
  readonly hint: string | null;
}
