/* @ts-self-types="./records.d.ts" */

import { requestJson } from "../module/instance.js";
import { Utf8Encoder } from "../runtime/text.js";
import type { TokenRecord } from "../types/index.js";

/** Returns the user of whatever a store returned; undefined if it isn't a record. */
export function ownerOf(record: unknown): string | undefined {
  if (typeof record !== "object" || record === null) return undefined;
  const { user } = record as { user?: unknown };
  return typeof user === "string" ? user : undefined;
}

/** Tells whether a token isn't revoked. */
export function isLive(record: TokenRecord): boolean {
  return record.revoked === undefined || record.revoked === null;
}

/** Returns the names of the tokens that aren't revoked. */
export function liveNames(records: readonly TokenRecord[]): string[] {
  return records.filter(isLive).map((record) => record.name);
}

/** Returns the ids of the records that a token may manage. The module has no typed function for this operation. */
export function manageableIds(creator: TokenRecord, records: readonly TokenRecord[]): ReadonlySet<string> {
  // A store may return integers as BigInts, which JSON doesn't have.
  const text = JSON.stringify({ op: "manageable", creator, records }, (_, value: unknown) => (typeof value === "bigint" ? Number(value) : value));
  const bytes = new Utf8Encoder().encode(text);
  const { ids } = requestJson<{ readonly ids: readonly string[] }>(bytes, (module, at, length) => module.tokenlatch_call(at, length));
  return new Set(ids);
}
