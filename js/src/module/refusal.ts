/* @ts-self-types="./refusal.d.ts" */

import { type TokenlatchError } from "../types/error.js";
import type { FaultReason, Refused, Reply } from "../types/index.js";
import { LatchError, codeOf } from "../types/latch-error.js";
import { reply } from "./functions.js";

/** Why no verdict was possible: the reason and the error behind it. */
export interface RefusalCause {
  readonly reason: FaultReason;
  readonly error: Error;
}

/**
 * Returns the cause of refusal that an error stands for; undefined for an error of the caller, which must be thrown instead.
 *
 * @example
 * ```js
 * refusalCauseOf(new LatchError("store_timeout", "no answer"))?.reason; // "store_timeout"
 * ```
 */
export function refusalCauseOf(error: unknown): RefusalCause | undefined {
  const code = codeOf(error);
  if (code === undefined) return undefined;
  const { field } = error as TokenlatchError;
  if (code === "store_failed" || code === "store_timeout" || code === "store_answer_invalid" || code === "module_broken") {
    return { reason: code, error: error as Error };
  }
  if (code === "now_invalid") return { reason: "clock_invalid", error: error as Error };
  // The module can't use the stored record or account, or the pepper of a stored record is missing.
  if (code === "pepper_unknown" || /^(record|account)(\.|\[|$)/.test(field ?? "")) {
    const invalid = new LatchError("store_answer_invalid", "the store returned an invalid record or account", { cause: error });
    return { reason: invalid.code as FaultReason, error: invalid };
  }
  return undefined;
}

/**
 * Makes the refusal for a cause.
 *
 * @example
 * ```js
 * refusalFor({ reason: "store_failed", error }, unavailableReply()).status; // 503
 * ```
 */
export function refusalFor({ reason, error }: RefusalCause, refusal: Reply): Refused {
  const unknown = { user: null, id: null, name: null, expires: null, access: null, readOnly: null };
  return { allowed: false, status: 503, reason, message: error.message, ...unknown, refusal, fault: error };
}

/**
 * Makes the reply for requests that can't be decided. Call it early: it must exist before the module breaks.
 *
 * @example
 * ```js
 * unavailableReply().status; // 503
 * ```
 */
export function unavailableReply(): Reply {
  return reply({ shape: "denied", httpStatus: 503 });
}
