/* @ts-self-types="./principal.d.ts" */

/** The token that an admitted request presented. */
export interface Principal {
  readonly user: string;
  readonly id: string;
}

/** Principals by the verdicts of a `Latch` and the identities made of them. A request can't add to it. */
const principals = new WeakMap<object, Principal>();

/** Records the principal of a verdict or an identity. */
export function bindPrincipal<T extends object>(object: T, { user, id }: Principal): T {
  principals.set(object, { user, id });
  return object;
}

/** Returns the principal of a verdict or an identity, even if the object was changed since; undefined for any other object. */
export function principalOf(object: unknown): Principal | undefined {
  return typeof object === "object" && object !== null ? principals.get(object) : undefined;
}
