/* @ts-self-types="./plain-object.d.ts" */

import { TokenlatchError } from "../types/error.js";
import type { Call } from "../types/index.js";

/** How deep data may be nested, as in a request to the module. */
const MAX_DEPTH = 16;

const NOT_PLAIN = "expected a plain object; promises, maps, arrays and instances of classes aren't taken";

/** Makes the error for a value that can't be taken. */
export type Refuse = (field: string, message: string) => Error;

/** An option of the wrong type. */
export function wrong(field: string, message: string): TokenlatchError {
  return new TokenlatchError("type_invalid", message, field);
}

/** Whether an object has no prototype or `Object.prototype`, be it that of another realm. It throws for proxies that do. */
export function isPlain(value: object): boolean {
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return !Array.isArray(value);
  // Of another realm: nothing above it, and it is no prototype of a class.
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf");
}

/**
 * The own properties of a plain object, each read once. Spreading whatever is given instead would make an empty object of
 * a promise, a map or an instance with getters: one that asks for nothing and limits nothing.
 *
 * @throws TokenlatchError `type_invalid` for anything but a plain object, `value_invalid` where reading it throws.
 */
export function plain(value: unknown, field: string, refuse: Refuse = wrong): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined;
  try {
    if (typeof value === "object" && value !== null && isPlain(value)) copy = ownOf(value);
  } catch {
    // What was thrown is the caller's, and may hold anything.
    throw new TokenlatchError("value_invalid", "reading the value threw an exception", field);
  }
  if (copy === undefined) throw refuse(field, NOT_PLAIN);
  return copy;
}

function ownOf(value: object): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) define(copy, key, (value as Record<string, unknown>)[key]);
  return copy;
}

/** Sets a property even where `Object.prototype` has a setter for it, such as `__proto__`. */
function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}

/**
 * The same of an object of which only some properties are known. Those that are undefined count as left out.
 *
 * @throws TokenlatchError as {@link plain} does, and `field_unknown`.
 */
export function picked<Key extends string>(value: unknown, field: string, known: readonly Key[], refuse?: Refuse): Picked<Key> {
  const copy = plain(value, field, refuse);
  for (const key of Object.keys(copy)) {
    if (copy[key] !== undefined && !(known as readonly string[]).includes(key)) {
      throw new TokenlatchError("field_unknown", `the option isn't known; known are \`${known.join("`, `")}\``, key);
    }
  }
  return copy as Picked<Key>;
}

/** What was picked: known by name, of any type. */
export type Picked<Key extends string> = { [K in Key]?: unknown };

/**
 * A copy of data down to its leaves, so that what is changed later changes nothing. The module checks what the leaves are.
 *
 * @throws TokenlatchError as {@link plain} does, and `too_deep`.
 */
export function copied<T>(value: T, field: string, depth = 1): T {
  if (typeof value !== "object" || value === null) return value;
  if (depth > MAX_DEPTH) throw new TokenlatchError("too_deep", `the value is nested deeper than ${MAX_DEPTH} levels`, field);
  if (value instanceof Uint8Array) return new Uint8Array(value) as T;
  if (Array.isArray(value)) return Array.from(value, (item: unknown, index) => copied(item, `${field}[${index}]`, depth + 1)) as T;
  const copy = plain(value, field);
  for (const key of Object.keys(copy)) define(copy, key, copied(copy[key], `${field}.${key}`, depth + 1));
  return copy as T;
}

/** A call, read once. The module checks what it says. */
export function callOf(value: unknown): Call {
  return plain(value, "call") as Call;
}
