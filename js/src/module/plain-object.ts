/* @ts-self-types="./plain-object.d.ts" */

import { TokenlatchError } from "../types/error.js";
import type { Call, Realm } from "../types/index.js";

/** How deep data may be nested. The module has the same limit for requests. */
const MAX_DEPTH = 16;

const NOT_PLAIN = "expected a plain object, not a promise, a map, an array or an instance of a class";

/** Makes the error for an invalid value. */
export type ErrorFactory = (field: string, message: string) => Error;

/** Makes the error for an option of the wrong type. */
export function typeInvalid(field: string, message: string): TokenlatchError {
  return new TokenlatchError("type_invalid", message, field);
}

/** Tells whether an object has no prototype or `Object.prototype`, of this realm or another. Throws for a proxy that throws. */
export function isPlain(value: object): boolean {
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return !Array.isArray(value);
  // Of another realm: the prototype has no prototype itself and isn't that of a class.
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf");
}

/**
 * Copies the own properties of a plain object, reading each once. Spreading any value instead would turn a promise, a map or an
 * instance with getters into an empty object: one without restrictions.
 *
 * @throws TokenlatchError `type_invalid` for anything but a plain object, `value_invalid` where reading it throws.
 */
export function readPlain(value: unknown, field: string, makeError: ErrorFactory = typeInvalid): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined;
  try {
    if (typeof value === "object" && value !== null && isPlain(value)) copy = ownProperties(value);
  } catch {
    // The caller's exception isn't passed on: it may hold anything.
    throw new TokenlatchError("value_invalid", "reading the value threw an exception", field);
  }
  if (copy === undefined) throw makeError(field, NOT_PLAIN);
  return copy;
}

function ownProperties(value: object): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) defineProperty(copy, key, (value as Record<string, unknown>)[key]);
  return copy;
}

/** Defines a property, also where `Object.prototype` has a setter of that name, such as `__proto__`. */
function defineProperty(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}

/**
 * Copies the own properties of a plain object and refuses unknown ones. Undefined properties count as left out.
 *
 * @throws TokenlatchError as {@link readPlain} does, and `field_unknown`.
 */
export function pickKnown<Key extends string>(value: unknown, field: string, known: readonly Key[], makeError?: ErrorFactory): Picked<Key> {
  const copy = readPlain(value, field, makeError);
  for (const key of Object.keys(copy)) {
    if (copy[key] !== undefined && !(known as readonly string[]).includes(key)) {
      throw new TokenlatchError("field_unknown", `unknown option; known are \`${known.join("`, `")}\``, key);
    }
  }
  return copy as Picked<Key>;
}

/** The properties of {@link pickKnown}: known names, values of any type. */
export type Picked<Key extends string> = { [K in Key]?: unknown };

/**
 * Copies data deeply, so that later changes have no effect. The module checks the values.
 *
 * @throws TokenlatchError as {@link readPlain} does, and `too_deep`.
 */
export function deepCopy<T>(value: T, field: string, depth = 1): T {
  if (typeof value !== "object" || value === null) return value;
  if (depth > MAX_DEPTH) throw new TokenlatchError("too_deep", `the value is nested deeper than ${MAX_DEPTH} levels`, field);
  if (value instanceof Uint8Array) return new Uint8Array(value) as T;
  if (Array.isArray(value)) return Array.from(value, (item: unknown, index) => deepCopy(item, `${field}[${index}]`, depth + 1)) as T;
  const copy = readPlain(value, field);
  for (const key of Object.keys(copy)) defineProperty(copy, key, deepCopy(copy[key], `${field}.${key}`, depth + 1));
  return copy as T;
}

/** A request by which a route is looked up. */
export interface RouteRequest {
  readonly method: string;
  readonly path: string;
  readonly realm: Realm | undefined;
}

const ROUTE_KEYS = new Set(["method", "path", "realm", "address"]);

/** Returns the request of a call that has these keys only; undefined for any other call, which the module judges as a whole. */
export function routeRequestOf(call: Call): RouteRequest | undefined {
  // Own properties only, as in the module: a polluted prototype must not name a route.
  if (!Object.hasOwn(call, "method") || !Object.hasOwn(call, "path")) return undefined;
  const { method, path } = call;
  const realm = Object.hasOwn(call, "realm") ? call.realm : undefined;
  if (typeof method !== "string" || typeof path !== "string" || !Object.keys(call).every((key) => ROUTE_KEYS.has(key))) return undefined;
  return realm === undefined || realm === "account" || realm === "admin" ? { method, path, realm } : undefined;
}

/** Copies a call. The module checks its content. */
export function readCall(value: unknown): Call {
  return readPlain(value, "call") as Call;
}
