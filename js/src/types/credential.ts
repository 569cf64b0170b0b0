/* @ts-self-types="./credential.d.ts" */

import type { Reason } from "./reason.js";
import type { Hash } from "./token.js";

/** A key for hashing secrets, kept outside the store. */
export interface Pepper {
  /** The id, 1 to 32 characters of `a-z A-Z 0-9 - _`. It is part of the stored hash. */
  readonly id: string;
  /** The key, 16 to 128 bytes or their hex digits. */
  readonly key: string | Uint8Array;
}

/** An `Authorization` header: its value, the values of repeated headers, or null if there is none. */
export type AuthorizationHeader = string | readonly string[] | null | undefined;

/** Options of {@link parseAuthorization}. */
export interface ParseAuthorizationOptions {
  /** The request's `Authorization` header. */
  readonly authorization: AuthorizationHeader;
  /** The peppers, newest first, at most 8. Default: none. */
  readonly peppers?: readonly Pepper[] | undefined;
}

/** The content of a header. */
export interface Credential {
  /** The scheme, or null if the header is invalid. */
  readonly scheme: "cpanel" | "whm" | "bearer" | null;
  /** The user in the header, or null. */
  readonly user: string | null;
  /** The hashes to find the record by. An invalid header gives hashes that no token has. */
  readonly hashes: readonly Hash[];
  /** `ok`, or why the header is invalid. */
  readonly reason: Reason;
}
