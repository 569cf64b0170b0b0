/* @ts-self-types="./vouched.d.ts" */

/** Admissions that were decided here, and the identities made of them: nothing that a request brings along is among them. */
const vouched = new WeakSet<object>();

/** Remembers that an admission was decided here. */
export function vouch<T extends object>(admission: T): T {
  vouched.add(admission);
  return admission;
}

/** Whether an admission was decided here. */
export function isVouched(admission: object): boolean {
  return vouched.has(admission);
}
