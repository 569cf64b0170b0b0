/* @ts-self-types="./latch-error.d.ts" */

/** The stable code of a {@link LatchError}. Codes keep their meaning. */
export type LatchErrorCode =
  /** The store or the lookup of accounts threw. */
  | "store_failed"
  /** The store or the lookup of accounts didn't answer in time. */
  | "store_timeout"
  /** The store or the lookup of accounts returned an invalid record or account. */
  | "store_answer_invalid"
  /** The store or its database doesn't support the operation. */
  | "store_unsupported"
  /** The limiter of failures threw or didn't answer in time. */
  | "limiter_failed"
  /** The origin of a snapshot is unreachable or returned an error. */
  | "origin_failed"
  /** The origin of a snapshot was silent for too long. */
  | "origin_timeout"
  /** The account doesn't exist. */
  | "account_unknown"
  /** The user has no such token. */
  | "token_not_found"
  /** An option is missing, unknown or invalid. */
  | "option_invalid"
  /** The request wasn't admitted by a middleware. */
  | "identity_missing"
  /** A function of a middleware's options threw a value that isn't an `Error`. */
  | "function_failed"
  /** The verifier of a middleware returned neither an admission nor a refusal. */
  | "verdict_invalid";

/**
 * An error of a {@link Latch}, a follower, a store or a middleware. Errors of the module are `TokenlatchError`s. No message contains a
 * secret.
 *
 * @example
 * ```js
 * import { Latch, LatchError } from "tokenlatch";
 *
 * try {
 *   await latch.describe({ user: "alice", name: "backup" });
 * } catch (error) {
 *   if (error instanceof LatchError && error.code === "token_not_found") console.log("no such token");
 *   else throw error;
 * }
 * ```
 */
export class LatchError extends Error {
  /** The stable code. */
  readonly code: LatchErrorCode;

  /** The invalid option, if there is one. */
  readonly field: string | undefined;

  /** Makes an error with its code and its message, and optionally the invalid option and the cause. */
  constructor(code: LatchErrorCode, message: string, more: { readonly field?: string; readonly cause?: unknown } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.field = more.field;
  }

  static {
    // On the prototype, as for built-in errors, so that a subclass or a minifier doesn't change it.
    Object.defineProperty(this.prototype, "name", { value: "LatchError", configurable: true, writable: true });
  }
}

/** Returns the code of a thrown value, or undefined. Doesn't use `instanceof`, because two copies of a class may be loaded. */
export function codeOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !Object.hasOwn(thrown, "code")) return undefined;
  const { code } = thrown as { code?: unknown };
  return typeof code === "string" ? code : undefined;
}

/**
 * Makes the error for an invalid option.
 *
 * @example
 * ```js
 * throw optionInvalid("timeout", "`timeout` must be whole milliseconds from 1 to 60000");
 * ```
 */
export function optionInvalid(field: string, message: string): LatchError {
  return new LatchError("option_invalid", message, { field });
}

/**
 * Returns a thrown value as an `Error`: frameworks treat a falsy value, and Express some strings, as no error.
 *
 * @example
 * ```js
 * errorOf(undefined).code; // "function_failed"
 * ```
 */
export function errorOf(thrown: unknown): Error {
  try {
    if (thrown instanceof Error) return thrown;
  } catch {
    // A proxy that throws on access.
  }
  return new LatchError("function_failed", "a function threw a value that isn't an Error", { cause: thrown });
}
