/* @ts-self-types="./verdict.d.ts" */

import type { Access, Reason, Reply, UnixSeconds, Verdict } from "./types.js";

/** Why no verdict could be had: the store, the accounts, the module or the clock failed. Such a request is refused. */
export type FaultReason = "store_failed" | "store_timeout" | "store_answer_invalid" | "module_broken" | "clock_invalid";

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
