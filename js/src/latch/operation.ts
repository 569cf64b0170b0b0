/* @ts-self-types="./operation.d.ts" */

import { validate } from "../module/functions.js";
import { copied, picked } from "../module/plain-object.js";
import { TokenlatchError } from "../types/error.js";
import type { CreateOptions, Identity, ListOptions } from "../types/index.js";
import { wrongOption as wrong } from "../types/latch-error.js";
import { type Vouched, vouchedFor } from "./principal.js";

/**
 * Whose tokens are managed: a user's, or those that the token that asks may manage. Give `by` wherever a request asks: with
 * it no token gives more than it has, outlives the one that asks, or touches tokens that can do more.
 */
export type Managing =
  | { readonly user: string; readonly by?: undefined }
  | {
      /** The verdict that the `Latch` gave, or the identity that its middleware gave, of the request that asks. */
      readonly by: Identity;
      /** Default: the user of `by`. Another one is refused. */
      readonly user?: string | undefined;
    };

/** A new token for a user. What a `Latch` knows itself is left out, and refused. */
export type LatchCreateOptions = Managing & Pick<CreateOptions, "name" | "access" | "expires" | "readOnly" | "addresses" | "realm">;

/** Which tokens of a user to list, and how. */
export type LatchListOptions = Managing & Omit<ListOptions, "records" | "now" | "warnDays">;

/** One token of a user, by its name among the live ones or by its id. */
export type TokenSelector = Managing & ({ readonly name: string; readonly id?: undefined } | { readonly id: string; readonly name?: undefined });

/** Tokens of a user, by their names among the live ones or by their ids. */
export type TokenSelection = Managing &
  ({ readonly names: readonly string[]; readonly ids?: undefined } | { readonly ids: readonly string[]; readonly names?: undefined });

/** A fixed time at which options are checked: at the start of an edge worker the clock is at zero. */
export const CHECK_TIME = 1_800_000_000;

/** What each operation takes. Everything else is refused: the clock, the entropy and what limits a token are the `Latch`'s own. */
export const KEYS = {
  create: ["user", "by", "name", "access", "expires", "readOnly", "addresses", "realm"],
  list: ["user", "by", "page", "pageSize", "sort", "descending", "search", "includeRevoked"],
  describe: ["user", "by", "name", "id"],
  rename: ["user", "by", "name", "id", "newName"],
  revoke: ["user", "by", "names", "ids"],
} as const;

/** The options of an operation, read once, the user that they are about, and the token that asks. */
export interface Wish<Options> {
  readonly user: string;
  readonly by: Vouched | undefined;
  readonly options: Omit<Options, "user" | "by">;
}

/**
 * Reads the options of an operation.
 *
 * @throws TokenlatchError for what isn't plain, an unknown option, a user that can't be or another one than that of `by`;
 * LatchError `option_invalid`.
 *
 * @example
 * ```js
 * readWish({ by: verdict, name: "x" }, KEYS.describe).user; // "alice"
 * readWish({ user: "alice", now: 0 }, KEYS.list); // TokenlatchError field_unknown
 * ```
 */
export function readWish<Options extends Managing>(options: Options, keys: readonly (keyof Options & string)[]): Wish<Options> {
  const read = picked(options, "options", keys as readonly string[]);
  const { by, user, ...given } = read;
  const vouched = by === undefined ? undefined : vouchedFor(by);
  // A `by` that is undefined by mistake must not count as nobody asking.
  if ("by" in read && vouched === undefined) throw wrong("by", "`by` must be the verdict or the identity of an admitted request");
  if (vouched !== undefined && user !== undefined && user !== vouched.user) {
    throw new TokenlatchError("access_exceeds_creator", "a token manages its own user's tokens only", "user");
  }
  const rest = copied(given, "options") as Omit<Options, "user" | "by">;
  return { user: vouched?.user ?? userOf({ user: user as string }), by: vouched, options: rest };
}

/**
 * The user of an operation, checked by the module before any store is asked.
 *
 * @throws LatchError `option_invalid` for what has no user, TokenlatchError for one that can't be.
 *
 * @example
 * ```js
 * userOf({ user: "a b" }); // TokenlatchError user_character
 * ```
 */
export function userOf(options: { readonly user: string }): string {
  if (typeof options !== "object" || options === null) throw wrong("options", "expected an object with a `user`");
  const { user } = options;
  if (typeof user !== "string") throw wrong("user", "`user` must be a string");
  const [problem] = validate({ now: CHECK_TIME, user }).problems;
  if (problem !== undefined) throw new TokenlatchError(problem.code, problem.message, "user");
  return user;
}
