/* @ts-self-types="./options.d.ts" */

import { createToken, verifyToken } from "../module/functions.js";
import { copied, plain } from "../module/plain-object.js";
import type { AccountLookup, AccountStore, TokenStore } from "../stores/store.js";
import type { CatalogueFunction, CreateOptions, Pepper, UnixSeconds, Zone } from "../types/index.js";
import { wrongOption as wrong } from "../types/latch-error.js";
import { CHECK_TIME } from "./operation.js";

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

const KNOWN = new Set(["store", "accounts", "peppers", "catalogue", "zone", "policy", "prefix", "warnDays", "timeout", "now"]);
/** Options that the module reads at each use. */
const DATA = ["peppers", "catalogue", "zone", "policy"] as const;
const STORE_METHODS = ["find", "listOf", "insert", "rename", "revoke"] as const;
const CAPABILITIES = ["uniqueNames", "immediateRevocation", "atomicCreate"] as const;
const ACCOUNT_METHODS = ["account", "putAccount", "removeAccount"] as const;

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

/** Has the module read the options that are its own: a verdict about no header, and a token that is thrown away. */
function checkByModule({ peppers, catalogue, zone, policy, prefix }: LatchOptions): void {
  verifyToken({ now: CHECK_TIME, authorization: null, record: null, account: null, peppers, catalogue });
  createToken({ now: CHECK_TIME, entropy: PROBE, user: "probe", name: "probe", access: "full", zone, policy, prefix });
}

function has<Name extends string>(value: unknown, methods: readonly Name[]): boolean {
  if (typeof value !== "object" || value === null) return false;
  return methods.every((name) => typeof (value as Partial<Record<Name, unknown>>)[name] === "function");
}
