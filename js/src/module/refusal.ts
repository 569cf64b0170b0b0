/* @ts-self-types="./refusal.d.ts" */

import { type TokenlatchError } from "../types/error.js";
import type { FaultReason, Refused, Reply } from "../types/index.js";
import { LatchError, codeOf } from "../types/latch-error.js";
import { reply } from "./functions.js";

/** Why no verdict could be had, and what went wrong. */
export interface Fault {
  readonly reason: FaultReason;
  readonly error: Error;
}

/**
 * The fault that an error means; undefined for what the caller did wrong, which is no answer to a request.
 *
 * @example
 * ```js
 * faultOf(new LatchError("store_timeout", "no answer"))?.reason; // "store_timeout"
 * ```
 */
export function faultOf(error: unknown): Fault | undefined {
  const code = codeOf(error);
  if (code === undefined) return undefined;
  const { field } = error as TokenlatchError;
  if (code === "store_failed" || code === "store_timeout" || code === "store_answer_invalid" || code === "module_broken") {
    return { reason: code, error: error as Error };
  }
  if (code === "now_invalid") return { reason: "clock_invalid", error: error as Error };
  // The module couldn't read what was found; a pepper that a found record needs and that isn't given is such a case too.
  if (code === "pepper_unknown" || /^(record|account)(\.|\[|$)/.test(field ?? "")) {
    const invalid = new LatchError("store_answer_invalid", "what the store gave is no record or no account", { cause: error });
    return { reason: invalid.code as FaultReason, error: invalid };
  }
  return undefined;
}

/**
 * The refusal that a fault comes to.
 *
 * @example
 * ```js
 * refusedBy({ reason: "store_failed", error }, unavailableReply()).status; // 503
 * ```
 */
export function refusedBy({ reason, error }: Fault, refusal: Reply): Refused {
  const nothing = { user: null, id: null, name: null, expires: null, access: null, readOnly: null };
  return { allowed: false, status: 503, reason, message: error.message, ...nothing, refusal, fault: error };
}

/**
 * The reply where no verdict can be had. Made at the start, because it must be there when the module breaks.
 *
 * @example
 * ```js
 * unavailableReply().status; // 503
 * ```
 */
export function unavailableReply(): Reply {
  return reply({ shape: "denied", httpStatus: 503 });
}
