/* @ts-self-types="./options.d.ts" */

import { deepCopy, readPlain } from "../module/plain-object.js";
import type { AccountLookup, AccountStore, TokenStore } from "../stores/store.js";
import type { AcceptedCredential, Catalogue, CreateOptions, Pepper, UnixSeconds, Zone } from "../types/index.js";
import { optionInvalid } from "../types/latch-error.js";
import { checkValues } from "./operation.js";

/** Options of a `Latch`. */
export interface LatchOptions<Store extends TokenStore = TokenStore> {
  /** The store of the records. */
  readonly store: Store;
  /** The store of the accounts, or a function that looks one up in another system. Default: `store`, if it holds accounts. */
  readonly accounts?: AccountStore | AccountLookup | undefined;
  /** The peppers, newest first, at most 8. New tokens are hashed with the first. Default: none, so plain SHA-256. */
  readonly peppers?: readonly Pepper[] | undefined;
  /** The catalogue of functions and routes. Default: the built-in catalogue. */
  readonly catalogue?: Catalogue | undefined;
  /**
   * Where a token may stand in a request, 1 to 16: see `AcceptedCredential`. The middleware removes these headers from admitted requests.
   * Default: `bearer`, `cpanel` and `whm`.
   */
  readonly credentials?: readonly AcceptedCredential[] | undefined;
  /** The time zone of dates. Default: the local time zone. */
  readonly zone?: Zone | undefined;
  /** The administrator's limits on new tokens. Default: those of `Caps`. */
  readonly policy?: CreateOptions["policy"];
  /** The prefix of new tokens, which then have the form `<prefix>_<secret><checksum>`. Default: none. */
  readonly prefix?: string | undefined;
  /** How many days before its expiry a token counts as expiring, 0 to 3650. Default: 7. */
  readonly warnDays?: number | undefined;
  /** The time limit for each call of the store, in milliseconds from 1 to 60,000. Default: 5,000. */
  readonly timeout?: number | undefined;
  /** Returns the current time. Default: the clock. */
  readonly now?: (() => UnixSeconds) | undefined;
}

const KNOWN = new Set(["store", "accounts", "peppers", "catalogue", "credentials", "zone", "policy", "prefix", "warnDays", "timeout", "now"]);
/** Options that are copied, because the module reads them at each use. */
const DATA = ["peppers", "catalogue", "credentials", "zone", "policy"] as const;
const STORE_METHODS = ["find", "listOf", "insert", "rename", "revoke"] as const;
const CAPABILITIES = ["uniqueNames", "immediateRevocation", "atomicCreate"] as const;
const ACCOUNT_METHODS = ["account", "putAccount", "removeAccount"] as const;

/**
 * Reads options once and refuses invalid ones now, not at the first request. Types are checked here, values by the module.
 *
 * @throws LatchError `option_invalid`, or the module's TokenlatchError.
 *
 * @example
 * ```js
 * readOptions({ store: memoryStore(), timeout: 0 }); // LatchError: `timeout` must be whole milliseconds from 1 to 60000
 * ```
 */
export function readOptions<Store extends TokenStore>(options: LatchOptions<Store>): LatchOptions<Store> {
  const given = readPlain(options, "options", () => optionInvalid("options", "expected a plain object with a `store`"));
  for (const key of Object.keys(given)) if (!KNOWN.has(key)) throw optionInvalid(key, `unknown option \`${key}\``);
  for (const key of DATA) given[key] = deepCopy(given[key], key);
  const read = given as unknown as LatchOptions<Store>;
  const { store, accounts, timeout, now } = read;
  if (!has(store, STORE_METHODS) || !CAPABILITIES.every((name) => typeof store.capabilities?.[name] === "boolean")) {
    throw optionInvalid("store", "`store` must be a store of tokens");
  }
  if (accounts !== undefined && typeof accounts !== "function" && !has(accounts, ACCOUNT_METHODS)) {
    throw optionInvalid("accounts", "`accounts` must be a function or a store of accounts");
  }
  if (accounts === undefined && !has(store, ACCOUNT_METHODS)) {
    throw optionInvalid("accounts", "the store holds no accounts, so `accounts` is required");
  }
  if (timeout !== undefined && !(Number.isInteger(timeout) && timeout >= 1 && timeout <= 60_000)) {
    throw optionInvalid("timeout", "`timeout` must be whole milliseconds from 1 to 60000");
  }
  if (now !== undefined && typeof now !== "function") throw optionInvalid("now", "`now` must be a function that returns Unix seconds");
  const { peppers, catalogue, zone, policy, prefix } = read;
  // `access` finds a policy that leaves no room for the smallest token.
  checkValues({ peppers, catalogue, zone, policy, prefix, access: "full" });
  return read;
}

function has<Name extends string>(value: unknown, methods: readonly Name[]): boolean {
  if (typeof value !== "object" || value === null) return false;
  return methods.every((name) => typeof (value as Partial<Record<Name, unknown>>)[name] === "function");
}
