/* @ts-self-types="./policy.d.ts" */

/** The administrator's limits on tokens. */
export interface Policy {
  /** The longest life of a token, in seconds from 1. */
  readonly maxLifetime?: number | undefined;
  /** Whether a token must expire. Default: false. */
  readonly expiryRequired?: boolean | undefined;
  /** Caps on the number and size of tokens. */
  readonly caps?: Caps | undefined;
}

/** Caps on new tokens, each from 1. */
export interface Caps {
  /** Live tokens per user. Default: 1,000. */
  readonly tokens?: number | undefined;
  /** New tokens per user and hour. Default: 1,000. */
  readonly tokensPerHour?: number | undefined;
  /** Features per token, at most 1,000. Default: 250. */
  readonly features?: number | undefined;
  /** Addresses per token, at most 100. Default: 100. */
  readonly addresses?: number | undefined;
  /** Bytes per record, counted as 512 plus the length and 3 of each feature and address. Default: 8,192. */
  readonly recordBytes?: number | undefined;
}

/** The counts of a user's tokens that are capped. */
export interface Held {
  /** Live tokens. Default: 0. */
  readonly tokens?: number | undefined;
  /** Tokens created in the last hour, revoked ones included. Default: 0. */
  readonly lastHour?: number | undefined;
}
