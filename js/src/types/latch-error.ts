/* @ts-self-types="./latch-error.d.ts" */

/** The stable code of a {@link LatchError}. Codes never change their meaning. */
export type LatchErrorCode =
  /** The store, or the look-up of accounts, threw. */
  | "store_failed"
  /** The store, or the look-up of accounts, gave no answer in time. */
  | "store_timeout"
  /** The store, or the look-up of accounts, answered with something that is no record or no account. */
  | "store_answer_invalid"
  /** The store or its database can't do what was asked of it. */
  | "store_unsupported"
  /** The limiter of failures threw or gave no answer in time. */
  | "limiter_failed"
  /** The origin of a snapshot can't be reached, or answered with an error. */
  | "origin_failed"
  /** The origin of a snapshot was silent for too long. */
  | "origin_timeout"
  /** There is no such account. */
  | "account_unknown"
  /** The user has no such token. */
  | "token_not_found"
  /** An option is missing, unknown or of a wrong type. */
  | "option_invalid"
  /** No middleware has admitted this request. */
  | "identity_missing"
  /** A function that was given to a middleware threw something that is no `Error`. */
  | "function_failed"
  /** What decides gave something that is neither an admission nor a refusal. */
  | "verdict_invalid";

/**
 * What a {@link Latch}, a follower, a store or a middleware throws for a fault of its own; what the module refuses is a
 * `TokenlatchError`. No message holds a secret.
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

  /** The option at fault, where there is one. */
  readonly field: string | undefined;

  /** An error with its code, its sentence for people and, where there are any, the option at fault and the cause. */
  constructor(code: LatchErrorCode, message: string, more: { readonly field?: string; readonly cause?: unknown } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.field = more.field;
  }

  static {
    // On the prototype, as the language's own errors have it: a subclass or a minifier doesn't change it.
    Object.defineProperty(this.prototype, "name", { value: "LatchError", configurable: true, writable: true });
  }
}

/** The code of a thrown value, or undefined; by its code, because two copies of a class may be loaded. */
export function codeOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !Object.hasOwn(thrown, "code")) return undefined;
  const { code } = thrown as { code?: unknown };
  return typeof code === "string" ? code : undefined;
}

/**
 * The error for an option that can't be used.
 *
 * @example
 * ```js
 * throw wrongOption("timeout", "`timeout` must be whole milliseconds from 1 to 60000");
 * ```
 */
export function wrongOption(field: string, message: string): LatchError {
  return new LatchError("option_invalid", message, { field });
}

/**
 * What was thrown, as an `Error`: frameworks take a falsy value, and Express some words, for leave to go on.
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
    // A proxy that throws when it is looked at.
  }
  return new LatchError("function_failed", "a function threw something that is no Error", { cause: thrown });
}
