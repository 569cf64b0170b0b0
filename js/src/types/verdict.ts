/* @ts-self-types="./verdict.d.ts" */

import type { Account } from "./account.js";
import type { Call, Catalogue } from "./call.js";
import type { AuthorizationHeader, Pepper, PresentedFields } from "./credential.js";
import type { FaultReason, Reason } from "./reason.js";
import type { Reply } from "./reply.js";
import type { UnixSeconds } from "./time.js";
import type { Access, TokenRecord } from "./token.js";

/** Options of {@link verifyToken}. */
export interface VerifyOptions {
  /** The request's `Authorization` header, or its fields. */
  readonly authorization: AuthorizationHeader | PresentedFields;
  /** The record found by a hash of the credential, or null. */
  readonly record: TokenRecord | null | undefined;
  /** The account of the record's user, or null. */
  readonly account: Account | null | undefined;
  /** What the request wants to do. Default: an empty call, for which only a full token that may write is admitted. */
  readonly call?: Call | undefined;
  /** The peppers, newest first, at most 8. Default: none. */
  readonly peppers?: readonly Pepper[] | undefined;
  /** The catalogue of functions and routes. Default: the built-in catalogue. */
  readonly catalogue?: Catalogue | undefined;
  /** The current time. Default: the clock. */
  readonly now?: UnixSeconds | undefined;
}

/** The decision about a request. */
export interface Verdict {
  /** Whether the request is admitted. */
  readonly allowed: boolean;
  /** The HTTP status: 401 for an invalid token, 403 for a valid one without permission, 503 if a `Snapshot` can't decide. */
  readonly status: 200 | 401 | 403 | 503;
  /** The stable code of the reason. */
  readonly reason: Reason;
  /** A sentence for the owner and the log. */
  readonly message: string;
  /** The user of the record, if its hash matched; else null, as are the following. Also null for an admission with the reason `public`. */
  readonly user: string | null;
  /** The id of the record. */
  readonly id: string | null;
  /** The name of the token. */
  readonly name: string | null;
  /** When the token expires, or null for never. */
  readonly expires: UnixSeconds | null;
  /** What the token may do. */
  readonly access: Access | null;
  /** Whether functions that write are refused. */
  readonly readOnly: boolean | null;
  /** The reply to a refused request, the only part for the client; null if admitted. */
  readonly refusal: Reply | null;
}

/** The user and token of an admitted request, from the stored record, not from the header. */
export interface Identity {
  /** The user. */
  readonly user: string;
  /** The token's id. */
  readonly id: string;
  /** The token's name. */
  readonly name: string;
  /** When the token expires, or null for never. */
  readonly expires: UnixSeconds | null;
  /** What the token may do. */
  readonly access: Access;
  /** Whether functions that write are refused. */
  readonly readOnly: boolean;
}

/** The verdict that admits a request. */
export interface Admitted extends Identity {
  /** The request is admitted. */
  readonly allowed: true;
  /** The HTTP status. */
  readonly status: 200;
  /** The stable code of the reason. */
  readonly reason: "ok";
  /** A sentence for the owner and the log. */
  readonly message: string;
  /** Null, because the request is admitted. */
  readonly refusal: null;
  /** Null, because the request was decided. */
  readonly fault: null;
}

/** The verdict that admits a request of a public route. It says nothing about a token that the request may have. */
export interface PublicAdmission {
  /** The request is admitted. */
  readonly allowed: true;
  /** The HTTP status. */
  readonly status: 200;
  /** The stable code of the reason. */
  readonly reason: "public";
  /** A sentence for the owner and the log. */
  readonly message: string;
  /** Null, because the request has no identity; so are the following. */
  readonly user: null;
  /** Null. */
  readonly id: null;
  /** Null. */
  readonly name: null;
  /** Null. */
  readonly expires: null;
  /** Null. */
  readonly access: null;
  /** Null. */
  readonly readOnly: null;
  /** Null, because the request is admitted. */
  readonly refusal: null;
  /** Null, because the request was decided. */
  readonly fault: null;
}

/** The verdict that refuses a request. Send only its `refusal` to the client. */
export interface Refused extends Omit<Verdict, "allowed" | "status" | "reason" | "refusal"> {
  /** The request is refused. */
  readonly allowed: false;
  /** The HTTP status. 503 if the request couldn't be decided. */
  readonly status: 401 | 403 | 503;
  /** The stable code of the reason, for the log. */
  readonly reason: Exclude<Reason, "ok" | "public"> | FaultReason;
  /** The reply to send. */
  readonly refusal: Reply;
  /** The error if the request couldn't be decided, for the log: a `LatchError` or a `TokenlatchError`; else null. */
  readonly fault: Error | null;
}

/**
 * The verdict of a `Latch`. For a call with a route it can also be a {@link PublicAdmission}.
 *
 * @example
 * ```ts
 * import type { LatchVerdict } from "tokenlatch";
 *
 * function greet(verdict: LatchVerdict): string {
 *   return verdict.allowed ? `Hello ${verdict.user}` : verdict.refusal.body;
 * }
 * ```
 */
export type LatchVerdict = Admitted | Refused;

/** The user and token of an admitted request from a signed snapshot. The id and name are null if the snapshot has no names. */
export interface SnapshotIdentity extends Omit<Identity, "id" | "name"> {
  /** The token's id, or null. */
  readonly id: string | null;
  /** The token's name, or null. */
  readonly name: string | null;
}

/** The verdict that admits a request, from a signed snapshot. */
export interface SnapshotAdmitted extends SnapshotIdentity {
  /** The request is admitted. */
  readonly allowed: true;
  /** The HTTP status. */
  readonly status: 200;
  /** The stable code of the reason. */
  readonly reason: "ok";
  /** A sentence for the owner and the log. */
  readonly message: string;
  /** Null, because the request is admitted. */
  readonly refusal: null;
  /** Null, because the request was decided. */
  readonly fault: null;
}

/** The verdict of a `SnapshotFollower`. For a call with a route it can also be a {@link PublicAdmission}. */
export type FollowerVerdict = SnapshotAdmitted | Refused;
