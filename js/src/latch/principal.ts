/* @ts-self-types="./principal.d.ts" */

/** A token that was admitted. */
export interface Vouched {
  readonly user: string;
  readonly id: string;
}

/** What a `Latch` admitted, by the verdict and by the identities made of it. Nothing that a request brings along is among them. */
const vouched = new WeakMap<object, Vouched>();

/** Remembers whose verdict or identity an object is. */
export function vouch<T extends object>(object: T, { user, id }: Vouched): T {
  vouched.set(object, { user, id });
  return object;
}

/** The token that a verdict or identity was given for, even if the object was changed since; undefined for any other object. */
export function vouchedFor(object: unknown): Vouched | undefined {
  return typeof object === "object" && object !== null ? vouched.get(object) : undefined;
}
