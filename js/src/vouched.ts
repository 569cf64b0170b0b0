/* @ts-self-types="./vouched.d.ts" */

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

/** Whose verdict or identity an object is, whatever it says by now; undefined for any other. */
export function vouchedFor(object: unknown): Vouched | undefined {
  return typeof object === "object" && object !== null ? vouched.get(object) : undefined;
}
