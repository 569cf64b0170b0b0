/* @ts-self-types="./time.d.ts" */

/** Whole seconds since 1970-01-01T00:00:00Z. */
export type UnixSeconds = number;

/**
 * When a token expires: `"never"`, Unix seconds (a number or digits), `"YYYY-MM-DD"` (23:59:59 of that date
 * in the zone), or an RFC 3339 timestamp.
 */
export type Expiry = UnixSeconds | string;

/**
 * A time zone: UTC, a fixed offset, or a table with an offset in seconds east of UTC, and transitions with their time and new offset.
 */
export type Zone =
  | "UTC"
  | `+${string}`
  | `-${string}`
  | {
      /** The offset before the first transition, in seconds east of UTC. */
      readonly offset: number;
      /** The transitions: the time, and the offset from then on. */
      readonly transitions: readonly (readonly [at: UnixSeconds, offset: number])[];
    };
