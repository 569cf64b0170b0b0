/* @ts-self-types="./authorization.d.ts" */

import { LatchError } from "./latch-error.js";
import type { AuthorizationHeader } from "./types.js";

/** A request of Node's `http`: its raw headers show a header that was sent twice, which `headers` hides. */
export interface NodeRequest {
  readonly rawHeaders: readonly string[];
}

/** A standard `Request`, or anything with its `headers`. */
export interface FetchRequest {
  readonly headers: { get(name: string): string | null };
}

/**
 * The `Authorization` header of a request, every value of it where the runtime tells them apart; a header given as such
 * stays as it is.
 *
 * @example
 * ```js
 * authorizationOf(new Request("https://api.example", { headers: { Authorization: "Bearer x" } })); // "Bearer x"
 * authorizationOf("Bearer x"); // "Bearer x"
 * ```
 *
 * @throws LatchError `option_invalid` for anything else.
 */
export function authorizationOf(request: FetchRequest | NodeRequest | AuthorizationHeader): AuthorizationHeader {
  if (request === null || request === undefined || typeof request === "string") return request;
  if (isHeader(request)) return [...request];
  if (typeof request === "object") {
    if ("rawHeaders" in request && Array.isArray(request.rawHeaders)) return rawValues(request.rawHeaders);
    // A standard Request joins repeated headers with a comma, which no token holds: the module refuses them.
    if ("headers" in request && typeof request.headers?.get === "function") return request.headers.get("authorization");
  }
  throw new LatchError("option_invalid", "expected a Request, a request of Node's http, or an `Authorization` header", { field: "request" });
}

function isHeader(request: unknown): request is readonly string[] {
  return Array.isArray(request);
}

function rawValues(rawHeaders: readonly string[]): readonly string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === "authorization");
}
