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

/**
 * Where a token may stand. `bearer`, `cpanel` and `whm`: in `Authorization`, by these schemes. `basic`: in `Authorization: Basic`, as the
 * password, the user being empty or the token's own. `scheme:NAME`: in `Authorization: NAME token`. `header:NAME`: a header of its own, which
 * holds the token and nothing else. `x-api-key` is the same as `header:x-api-key`. The rules are in `core/OPERATIONS.md`.
 */
export type AcceptedCredential = "bearer" | "cpanel" | "whm" | "basic" | "x-api-key" | `scheme:${string}` | `header:${string}`;

/** The header fields of a request as received, name and value each; one that is repeated, each time. */
export type HeaderFields = readonly (readonly [name: string, value: string])[];

/** The header fields of a request, among which the module finds the credential. */
export interface PresentedFields {
  /** The credentials that are accepted, 1 to 16. Default: `bearer`, `cpanel` and `whm`. */
  readonly credentials?: readonly AcceptedCredential[] | undefined;
  /** All fields of the request, or at least those that {@link credentials} names. */
  readonly fields: HeaderFields;
}

/** Options of {@link credentials}. */
export interface CredentialsOptions {
  /** The credentials that are accepted, 1 to 16. Default: `bearer`, `cpanel` and `whm`. */
  readonly credentials?: readonly AcceptedCredential[] | undefined;
}

/** What some credentials mean for a host. */
export interface CredentialFields {
  /** The names of the header fields to hand to the module, in lower case. */
  readonly fields: readonly string[];
  /** The value of `WWW-Authenticate`. */
  readonly challenge: string;
}

/** Options of {@link parseAuthorization}. */
export interface ParseAuthorizationOptions {
  /** The request's `Authorization` header, or its fields. */
  readonly authorization: AuthorizationHeader | PresentedFields;
  /** The peppers, newest first, at most 8. Default: none. */
  readonly peppers?: readonly Pepper[] | undefined;
}

/** The content of a header. */
export interface Credential {
  /** The scheme, or null if the header is invalid. `scheme` and `header` are those of `scheme:NAME` and `header:NAME`. */
  readonly scheme: "cpanel" | "whm" | "bearer" | "basic" | "scheme" | "header" | null;
  /** The user in the header, or null. */
  readonly user: string | null;
  /** The hashes to find the record by. An invalid header gives hashes that no token has. */
  readonly hashes: readonly Hash[];
  /** `ok`, or why the header is invalid. */
  readonly reason: Reason;
}
