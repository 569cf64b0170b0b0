/* @ts-self-types="./operation.d.ts" */

import { validate } from "../module/functions.js";
import { deepCopy, pickKnown } from "../module/plain-object.js";
import { TokenlatchError } from "../types/error.js";
import type { CreateOptions, Identity, ListOptions, ValidateOptions } from "../types/index.js";
import { optionInvalid } from "../types/latch-error.js";
import { type Principal, principalOf } from "./principal.js";

/**
 * Whose tokens an operation manages: those of a user, or those that the token of a request may manage. Set `by` for every operation on
 * behalf of a request: the token then can't grant more than it has, outlive itself, or change tokens with more access.
 */
export type Managing =
  | {
      /** The user. */
      readonly user: string;
      /** Left out: the operation isn't on behalf of a request. */
      readonly by?: undefined;
    }
  | {
      /** The verdict of the `Latch`, or the identity from its middleware, for the request. */
      readonly by: Identity;
      /** The user. Default: the user of `by`. Another user is refused. */
      readonly user?: string | undefined;
    };

/** Options of `create`. Options that the `Latch` supplies, such as the clock, are refused. */
export type LatchCreateOptions = Managing & Pick<CreateOptions, "name" | "access" | "expires" | "readOnly" | "addresses" | "realm">;

/** Options of `list`. */
export type LatchListOptions = Managing & Omit<ListOptions, "records" | "now" | "warnDays">;

/** Selects one token of a user, by name among the live ones or by id. */
export type TokenSelector = Managing &
  (
    | {
        /** The name of a live token. */
        readonly name: string;
        /** Left out: the token is selected by name. */
        readonly id?: undefined;
      }
    | {
        /** The id of a token. */
        readonly id: string;
        /** Left out: the token is selected by id. */
        readonly name?: undefined;
      }
  );

/** Selects tokens of a user, by names among the live ones or by ids. */
export type TokenSelection = Managing &
  (
    | {
        /** The names of live tokens. */
        readonly names: readonly string[];
        /** Left out: the tokens are selected by name. */
        readonly ids?: undefined;
      }
    | {
        /** The ids of tokens. */
        readonly ids: readonly string[];
        /** Left out: the tokens are selected by id. */
        readonly names?: undefined;
      }
  );

/** A fixed time for checking values: when an edge worker starts its clock is at zero. */
const CHECK_TIME = 1_800_000_000;

/** The options of each operation. All others are refused: the `Latch` supplies the clock, the entropy and the limits. */
export const KEYS = {
  create: ["user", "by", "name", "access", "expires", "readOnly", "addresses", "realm"],
  list: ["user", "by", "page", "pageSize", "sort", "descending", "search", "includeRevoked"],
  describe: ["user", "by", "name", "id"],
  rename: ["user", "by", "name", "id", "newName"],
  revoke: ["user", "by", "names", "ids"],
} as const;

/** An operation: its user, the token on whose behalf it is done, and its other options. */
export interface Operation<Options> {
  readonly user: string;
  readonly by: Principal | undefined;
  readonly options: Omit<Options, "user" | "by">;
}

/**
 * Reads the options of an operation once.
 *
 * @throws TokenlatchError for a value that isn't plain, an unknown option, an invalid user or a user other than that of `by`;
 * LatchError `option_invalid`.
 *
 * @example
 * ```js
 * readOperation({ by: verdict, name: "x" }, KEYS.describe).user; // "alice"
 * readOperation({ user: "alice", now: 0 }, KEYS.list); // TokenlatchError field_unknown
 * ```
 */
export function readOperation<Options extends Managing>(options: Options, keys: readonly (keyof Options & string)[]): Operation<Options> {
  const read = pickKnown(options, "options", keys as readonly string[]);
  const { by, user, ...given } = read;
  const principal = by === undefined ? undefined : principalOf(by);
  // A `by` that is undefined by mistake must not lift the limits.
  if ("by" in read && principal === undefined) throw optionInvalid("by", "`by` must be the verdict or the identity of an admitted request");
  if (principal !== undefined && user !== undefined && user !== principal.user) {
    throw new TokenlatchError("access_exceeds_creator", "a token can manage the tokens of its own user only", "user");
  }
  const rest = deepCopy(given, "options") as Omit<Options, "user" | "by">;
  return { user: principal?.user ?? userOf({ user: user as string }), by: principal, options: rest };
}

/**
 * Returns the user of an operation, checked by the module before the store is called.
 *
 * @throws LatchError `option_invalid` for a missing user, TokenlatchError for an invalid one.
 *
 * @example
 * ```js
 * userOf({ user: "a b" }); // TokenlatchError user_character
 * ```
 */
export function userOf(options: { readonly user: string }): string {
  if (typeof options !== "object" || options === null) throw optionInvalid("options", "expected an object with a `user`");
  const { user } = options;
  if (typeof user !== "string") throw optionInvalid("user", "`user` must be a string");
  checkValues({ user });
  return user;
}

/**
 * Has the module check values by `validate`.
 *
 * @throws TokenlatchError for the first problem.
 *
 * @example
 * ```js
 * checkValues({ zone: "Mars" }); // TokenlatchError zone_invalid
 * ```
 */
export function checkValues(values: ValidateOptions): void {
  const [problem] = validate({ ...values, now: CHECK_TIME }).problems;
  if (problem === undefined) return;
  // Own properties only: a polluted prototype isn't part of the problem.
  throw new TokenlatchError(problem.code, problem.message, Object.hasOwn(problem, "field") ? problem.field : undefined);
}
