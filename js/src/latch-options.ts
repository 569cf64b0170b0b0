/* @ts-self-types="./latch-options.d.ts" */

import { TokenlatchError } from "./errors.js";
import { createToken, validate, verifyToken } from "./functions.js";
import { wrongOption as wrong } from "./latch-error.js";
import { copied, picked, plain } from "./plain.js";
import type { AccountLookup, AccountStore, TokenStore } from "./stores/store.js";
import type { CatalogueFunction, CreateOptions, ListOptions, Pepper, UnixSeconds, Zone } from "./types.js";
import type { Identity } from "./verdict.js";
import { type Vouched, vouchedFor } from "./vouched.js";

/** Options of a `Latch`. */
export interface LatchOptions<Store extends TokenStore = TokenStore> {
  /** Where records rest. */
  readonly store: Store;
  /** Where accounts rest, or how to look one up elsewhere. Default: the store, if it holds accounts. */
  readonly accounts?: AccountStore | AccountLookup | undefined;
  /** Newest first, at most 8: new tokens are hashed under the first. Default: none, so plain SHA-256. */
  readonly peppers?: readonly Pepper[] | undefined;
  /** Default: the built-in catalogue. */
  readonly catalogue?: readonly CatalogueFunction[] | undefined;
  /** The zone of dates. Default: the local time zone. */
  readonly zone?: Zone | undefined;
  /** The administrator's limits on new tokens. Default: those of `Caps`. */
  readonly policy?: CreateOptions["policy"];
  /** Gives new tokens the form `<prefix>_<secret><checksum>`. Default: none. */
  readonly prefix?: string | undefined;
  /** How many days before its expiry a token counts as expiring, 0 to 3650. Default: 7. */
  readonly warnDays?: number | undefined;
  /** How long to wait for each answer of the store, in milliseconds from 1 to 60,000. Default: 5,000. */
  readonly timeout?: number | undefined;
  /** The present time. Default: the clock's. */
  readonly now?: (() => UnixSeconds) | undefined;
}

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

const KNOWN = new Set(["store", "accounts", "peppers", "catalogue", "zone", "policy", "prefix", "warnDays", "timeout", "now"]);
/** Options that the module reads at each use. */
const DATA = ["peppers", "catalogue", "zone", "policy"] as const;
const STORE_METHODS = ["find", "listOf", "insert", "rename", "revoke"] as const;
const CAPABILITIES = ["uniqueNames", "immediateRevocation", "atomicCreate"] as const;
const ACCOUNT_METHODS = ["account", "putAccount", "removeAccount"] as const;

/** A moment to check options at: at the start of an edge worker the clock is at zero. */
const MOMENT = 1_800_000_000;
const PROBE = Array.from({ length: 64 }, (_, index) => ((index * 37 + 11) & 0xff).toString(16).padStart(2, "0")).join("");

/**
 * Reads options once, and refuses wrong ones at once rather than at the first request: the form of the parts here, the
 * rest by the module.
 *
 * @throws LatchError `option_invalid`, or the module's TokenlatchError.
 *
 * @example
 * ```js
 * readOptions({ store: memoryStore(), timeout: 0 }); // LatchError: `timeout` must be whole milliseconds from 1 to 60000
 * ```
 */
export function readOptions<Store extends TokenStore>(options: LatchOptions<Store>): LatchOptions<Store> {
  const given = plain(options, "options", () => wrong("options", "expected a plain object with a `store`"));
  for (const key of Object.keys(given)) if (!KNOWN.has(key)) throw wrong(key, `there is no option \`${key}\``);
  for (const key of DATA) given[key] = copied(given[key], key);
  const read = given as unknown as LatchOptions<Store>;
  const { store, accounts, timeout, now } = read;
  if (!has(store, STORE_METHODS) || !CAPABILITIES.every((name) => typeof store.capabilities?.[name] === "boolean")) {
    throw wrong("store", "`store` must be a store of tokens");
  }
  if (accounts !== undefined && typeof accounts !== "function" && !has(accounts, ACCOUNT_METHODS)) {
    throw wrong("accounts", "`accounts` must be a function or a store of accounts");
  }
  if (accounts === undefined && !has(store, ACCOUNT_METHODS)) {
    throw wrong("accounts", "the store holds no accounts, so `accounts` must say where they are");
  }
  if (timeout !== undefined && !(Number.isInteger(timeout) && timeout >= 1 && timeout <= 60_000)) {
    throw wrong("timeout", "`timeout` must be whole milliseconds from 1 to 60000");
  }
  if (now !== undefined && typeof now !== "function") throw wrong("now", "`now` must be a function that gives Unix seconds");
  checkByModule(read);
  return read;
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
  const [problem] = validate({ now: MOMENT, user }).problems;
  if (problem !== undefined) throw new TokenlatchError(problem.code, problem.message, "user");
  return user;
}

/** Has the module read the options that are its own: a verdict about no header, and a token that is thrown away. */
function checkByModule({ peppers, catalogue, zone, policy, prefix }: LatchOptions): void {
  verifyToken({ now: MOMENT, authorization: null, record: null, account: null, peppers, catalogue });
  createToken({ now: MOMENT, entropy: PROBE, user: "probe", name: "probe", access: "full", zone, policy, prefix });
}

function has<Name extends string>(value: unknown, methods: readonly Name[]): boolean {
  if (typeof value !== "object" || value === null) return false;
  return methods.every((name) => typeof (value as Partial<Record<Name, unknown>>)[name] === "function");
}
