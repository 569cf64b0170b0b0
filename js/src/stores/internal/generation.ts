/* @ts-self-types="./generation.d.ts" */

import { plain } from "../../module/plain-object.js";
import type { Account, TokenRecord } from "../../types/index.js";
import type { StoredAccount } from "../store.js";

/** The generation of accounts that were stored without one. */
export const FIRST_GENERATION = "first";

/** The key of a record that holds its account's generation. */
const KEY = "accountGeneration";

/** A new record, bound to its account. */
export function boundTo(account: StoredAccount, record: TokenRecord): TokenRecord {
  return account.generation === undefined ? record : { ...record, [KEY]: account.generation };
}

/**
 * The account that a record belongs to, as the module reads it: null where the account has been removed and another one has
 * been made for the same user since. Anything but an object is passed through, for the module to refuse.
 */
export function accountOf(record: TokenRecord | null, account: StoredAccount | null): Account | null {
  if (typeof account !== "object" || account === null || !("generation" in account)) return account;
  // An instance with getters would lose what they say, such as that it is suspended.
  const { generation, ...rest } = plain(account, "account") as unknown as StoredAccount;
  const bound = typeof record === "object" && record !== null && Object.hasOwn(record, KEY) ? record[KEY] : undefined;
  return bound === undefined || generation === undefined || bound === generation ? rest : null;
}
