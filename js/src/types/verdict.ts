/* @ts-self-types="./verdict.d.ts" */

import type { Account } from "./account.js";
import type { Call, CatalogueFunction } from "./call.js";
import type { AuthorizationHeader, Pepper } from "./credential.js";
import type { FaultReason, Reason } from "./reason.js";
import type { Reply } from "./reply.js";
import type { UnixSeconds } from "./time.js";
import type { Access, TokenRecord } from "./token.js";

/** Options of {@link verifyToken}. */
export interface VerifyOptions {
  /** What the request's `Authorization` header says. */
  readonly authorization: AuthorizationHeader;
  /** The record found by a hash of the header, or null. */
  readonly record: TokenRecord | null | undefined;
  /** The account of the record's user, or null. */
  readonly account: Account | null | undefined;
  /** Default: a call that names nothing, which only a full token that may write passes. */
  readonly call?: Call | undefined;
  /** Newest first, at most 8. Default: none. */
  readonly peppers?: readonly Pepper[] | undefined;
  /** Default: the built-in catalogue. */
  readonly catalogue?: readonly CatalogueFunction[] | undefined;
  /** The present time. Default: the clock's. */
  readonly now?: UnixSeconds | undefined;
}

/** The decision about a request. */
export interface Verdict {
  /** Whether the request is admitted. */
  readonly allowed: boolean;
  /** The HTTP status: 401 for a token that isn't good, 403 for a good one that may not do this; 503 where a `Snapshot` can't decide. */
  readonly status: 200 | 401 | 403 | 503;
  /** Why, as a stable code. */
  readonly reason: Reason;
  /** A sentence for the owner and the log. */
  readonly message: string;
  /** The record's, once its hash has matched; else null. So are the following. */
  readonly user: string | null;
  /** The record's id. */
  readonly id: string | null;
  /** The token's name. */
  readonly name: string | null;
  /** When the token stops being valid, or null for never. */
  readonly expires: UnixSeconds | null;
  /** What the token may do. */
  readonly access: Access | null;
  /** Whether functions that write are refused. */
  readonly readOnly: boolean | null;
  /** What to answer a refused request. It is all that may leave the house; null when admitted. */
  readonly refusal: Reply | null;
}

/** The user and token of an admitted request, by the stored record, not by what the header says. */
export interface Identity {
  readonly user: string;
  /** The token's id. */
  readonly id: string;
  /** The token's name. */
  readonly name: string;
  readonly expires: UnixSeconds | null;
  readonly access: Access;
  readonly readOnly: boolean;
}

/** The verdict about a request that may go on. */
export interface Admitted extends Identity {
  readonly allowed: true;
  readonly status: 200;
  readonly reason: "ok";
  readonly message: string;
  readonly refusal: null;
  readonly fault: null;
}

/** The verdict about a request that may not. Only `refusal` may leave the house. */
export interface Refused extends Omit<Verdict, "allowed" | "status" | "reason" | "refusal"> {
  readonly allowed: false;
  /** 503 where no verdict could be had. */
  readonly status: 401 | 403 | 503;
  readonly reason: Exclude<Reason, "ok"> | FaultReason;
  readonly refusal: Reply;
  /** What went wrong where no verdict could be had, for the log: a `LatchError` or a `TokenlatchError`; else null. */
  readonly fault: Error | null;
}

/**
 * The decision of a `Latch` about a request.
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

/** The user and token of an admitted request, by a signed snapshot: the token's id and name are null where the snapshot has no names. */
export interface SnapshotIdentity extends Omit<Identity, "id" | "name"> {
  readonly id: string | null;
  readonly name: string | null;
}

/** The verdict about a request that may go on, by a signed snapshot. */
export interface SnapshotAdmitted extends SnapshotIdentity {
  readonly allowed: true;
  readonly status: 200;
  readonly reason: "ok";
  readonly message: string;
  readonly refusal: null;
  readonly fault: null;
}

/** The decision of a `SnapshotFollower` about a request. */
export type FollowerVerdict = SnapshotAdmitted | Refused;
