/* @ts-self-types="./generation.d.ts" */

import { readPlain } from "../../module/plain-object.js";
import type { Account, TokenRecord } from "../../types/index.js";
import type { StoredAccount } from "../store.js";

/** The generation of accounts that were stored without a generation. */
export const FIRST_GENERATION = "first";

/** The key of a record for the generation of its account. */
const KEY = "accountGeneration";

/** Binds a new record to its account. */
export function bindToAccount(account: StoredAccount, record: TokenRecord): TokenRecord {
  return account.generation === undefined ? record : { ...record, [KEY]: account.generation };
}

/**
 * Returns the account of a record for the module; null if the account was removed and the user has a new one. Anything but an object
 * is passed through, and the module refuses it.
 */
export function matchingAccount(record: TokenRecord | null, account: StoredAccount | null): Account | null {
  if (typeof account !== "object" || account === null || !("generation" in account)) return account;
  // Spreading an instance with getters would lose properties such as `suspended`.
  const { generation, ...rest } = readPlain(account, "account") as unknown as StoredAccount;
  const bound = typeof record === "object" && record !== null && Object.hasOwn(record, KEY) ? record[KEY] : undefined;
  return bound === undefined || generation === undefined || bound === generation ? rest : null;
}
