/* @ts-self-types="./reply.d.ts" */

import type { TokenRecord } from "./token.js";

/** A reply to send as it is. */
export interface Reply {
  /** The HTTP status. */
  readonly status: number;
  /** The headers to send. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body to send. */
  readonly body: string;
}

/** A coded error to be worded, such as a `TokenlatchError`'s parts or a failure of a store. */
export interface ReplyError {
  /** The code. One without a sentence is reported as a passing failure. */
  readonly code: string;
  /** It isn't part of the reply. */
  readonly message?: string | undefined;
  /** The path of the option at fault, or the parameter's name. */
  readonly field?: string | undefined;
}

/** Options of {@link reply}. */
export interface ReplyOptions {
  /** Which interface answers, or `denied` for a refusal. */
  readonly shape: "uapi" | "uapiCommand" | "api2" | "whm" | "denied";
  /** The function that answers. */
  readonly function?: string | undefined;
  /** The new token's text, for the functions that create one. */
  readonly token?: string | undefined;
  /** The token, for the functions that answer with one. */
  readonly record?: TokenRecord | undefined;
  /** The tokens, for the functions that list. */
  readonly records?: readonly TokenRecord[] | undefined;
  /** Makes it the reply of a failure: a sentence, or an error that the module words by its code and field. */
  readonly error?: string | ReplyError | undefined;
  /** Keys that the function doesn't have: the UAPI shapes warn of them. Default: none. */
  readonly unknown?: readonly string[] | undefined;
  /**
   * Makes it the reply of a request that was refused before it reached a function: the stable code of the refusal.
   * Needs `error` and `httpStatus`; `function` may be left out.
   */
  readonly code?: string | undefined;
  /** For `denied`: 401, 403, 429 or 503. With `code`: 400 to 599. */
  readonly httpStatus?: number | undefined;
  /** For `denied` with 429 or 503: whole seconds from 1. */
  readonly retryAfter?: number | undefined;
}
