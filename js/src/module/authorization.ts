/* @ts-self-types="./authorization.d.ts" */

import type { AuthorizationHeader, HeaderFields } from "../types/index.js";
import { LatchError } from "../types/latch-error.js";

/** A request of Node's `http`. Its raw headers show a repeated header, which `headers` hides. */
export interface NodeRequest {
  readonly rawHeaders: readonly string[];
  /** Read when `rawHeaders` is empty, as adapters for Lambda events leave it. */
  readonly headers?: unknown;
}

/** A standard `Request`, or any object with the same `headers`. */
export interface FetchRequest {
  readonly headers: { get(name: string): string | null };
}

// `headers` alone would show a repeated header as one, or may belong to an object that isn't a request.
const MESSAGE =
  "expected a Request, a request of Node's http, or an `Authorization` header; for an object with `headers` but no `rawHeaders` pass the header itself, `request.headers.authorization`";

/**
 * Returns the `Authorization` header of a request, with every value where the runtime keeps them apart. A header is returned unchanged.
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
  return headerOf(request, "authorization");
}

/**
 * Returns the header fields of a request with these names, each value where the runtime keeps them apart. A header counts as `Authorization`.
 *
 * @param names the names, in lower case
 *
 * @example
 * ```js
 * fieldsOf(new Request("https://api.example", { headers: { "X-API-Key": "x" } }), ["authorization", "x-api-key"]); // [["x-api-key", "x"]]
 * ```
 *
 * @throws LatchError `option_invalid` for anything else.
 */
export function fieldsOf(request: FetchRequest | NodeRequest | AuthorizationHeader, names: readonly string[]): HeaderFields {
  const isText = request === null || request === undefined || typeof request === "string" || isHeader(request);
  const valuesOf = (name: string) => [isText ? authorizationOf(request) : headerOf(request, name)].flat();
  const fields = (isText ? ["authorization"] : names).flatMap((name) => valuesOf(name).map((value) => [name, value]));
  return fields.filter(([, value]) => value !== null && value !== undefined) as unknown as HeaderFields;
}

/** Returns a header of a request. */
function headerOf(request: FetchRequest | NodeRequest, name: string): AuthorizationHeader {
  if (typeof request === "object") {
    const raw = "rawHeaders" in request && Array.isArray(request.rawHeaders) ? request.rawHeaders : undefined;
    if (raw !== undefined && raw.length > 0) return rawValues(raw, name);
    // A standard Request joins repeated headers with a comma, which no token contains: the module refuses them.
    if ("headers" in request && isFetch(request)) return request.headers.get(name);
    if (raw !== undefined) return values(request.headers, name);
  }
  throw new LatchError("option_invalid", MESSAGE, { field: "request" });
}

function isHeader(request: unknown): request is readonly string[] {
  return Array.isArray(request);
}

function isFetch(request: { readonly headers?: unknown }): request is FetchRequest {
  return typeof (request.headers as Partial<Headers> | null | undefined)?.get === "function";
}

/** Returns all values of the header, whatever the case of its name. */
function values(headers: unknown, wanted: string): readonly string[] {
  if (typeof headers !== "object" || headers === null) return [];
  const found = Object.entries(headers).filter(([name]) => name.toLowerCase() === wanted);
  return found.flatMap(([, value]) => (value === undefined || value === null ? [] : (value as string | string[])));
}

function rawValues(rawHeaders: readonly string[], name: string): readonly string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
}
