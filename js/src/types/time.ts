/* @ts-self-types="./time.d.ts" */

/** Seconds since 1970-01-01T00:00:00Z, whole. */
export type UnixSeconds = number;

/**
 * When a token stops being valid: `"never"`, Unix seconds (a number or digits), `"YYYY-MM-DD"` (23:59:59 of that date
 * in the zone), or an RFC 3339 timestamp.
 */
export type Expiry = UnixSeconds | string;

/**
 * A time zone: UTC, a fixed offset, or a table: seconds east of UTC, then each transition's instant and the offset from
 * then on.
 */
export type Zone =
  | "UTC"
  | `+${string}`
  | `-${string}`
  | { readonly offset: number; readonly transitions: readonly (readonly [at: UnixSeconds, offset: number])[] };
