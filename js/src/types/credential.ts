/* @ts-self-types="./credential.d.ts" */

import type { Reason } from "./reason.js";
import type { Hash } from "./token.js";

/** A key under which secrets are hashed, kept outside the store. */
export interface Pepper {
  /** 1 to 32 characters of `a-z A-Z 0-9 - _`; it is part of the stored hash. */
  readonly id: string;
  /** 16 to 128 bytes, as such or as hex digits. */
  readonly key: string | Uint8Array;
}

/** An `Authorization` header: its value, one value for each header of that name, or null for none. */
export type AuthorizationHeader = string | readonly string[] | null | undefined;

/** Options of {@link parseAuthorization}. */
export interface ParseAuthorizationOptions {
  /** What the request's `Authorization` header says. */
  readonly authorization: AuthorizationHeader;
  /** Newest first, at most 8. Default: none. */
  readonly peppers?: readonly Pepper[] | undefined;
}

/** What a header says. */
export interface Credential {
  /** The header's scheme, or null when the header can't be read. */
  readonly scheme: "cpanel" | "whm" | "bearer" | null;
  /** The user whom the header names, or null. */
  readonly user: string | null;
  /** Look the record up by any of these. A header that can't be read gives hashes that no token has. */
  readonly hashes: readonly Hash[];
  /** `ok`, or why the header can't be read. */
  readonly reason: Reason;
}
