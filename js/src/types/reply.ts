/* @ts-self-types="./reply.d.ts" */

import type { AcceptedCredential } from "./credential.js";
import type { TokenRecord } from "./token.js";

/** A reply to send unchanged. */
export interface Reply {
  /** The HTTP status. */
  readonly status: number;
  /** The headers to send. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body to send. */
  readonly body: string;
}

/** An error for a reply, such as a `TokenlatchError` or a failure of a store. */
export interface ReplyError {
  /** The code. An unknown one is reported as a temporary failure. */
  readonly code: string;
  /** The message. It isn't part of the reply. */
  readonly message?: string | undefined;
  /** The path of the invalid option, or the name of the parameter. */
  readonly field?: string | undefined;
}

/** Options of {@link reply}. */
export interface ReplyOptions {
  /** The interface that answers, or `denied` for a refusal. */
  readonly shape: "uapi" | "uapiCommand" | "api2" | "whm" | "denied";
  /** The function that answers. */
  readonly function?: string | undefined;
  /** The new token's text, for the functions that create one. */
  readonly token?: string | undefined;
  /** The token, for the functions that answer with one. */
  readonly record?: TokenRecord | undefined;
  /** The tokens, for the functions that list. */
  readonly records?: readonly TokenRecord[] | undefined;
  /** The error of a failed call: a sentence, or an error that the module converts to a sentence. */
  readonly error?: string | ReplyError | undefined;
  /** Unknown keys, which the UAPI shapes warn of. Default: none. */
  readonly unknown?: readonly string[] | undefined;
  /**
   * The stable code of a request that was refused before it reached a function. Requires `error` and `httpStatus`; `function` is
   * optional.
   */
  readonly code?: string | undefined;
  /** The HTTP status. For `denied`: 401, 403, 429 or 503. With `code`: 400 to 599. */
  readonly httpStatus?: number | undefined;
  /** The `Retry-After` of `denied` with 429 or 503, in whole seconds from 1. */
  readonly retryAfter?: number | undefined;
  /** The credentials that `denied` names in `WWW-Authenticate`. Default: `bearer`, `cpanel` and `whm`. */
  readonly credentials?: readonly AcceptedCredential[] | undefined;
}
