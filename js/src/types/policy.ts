/* @ts-self-types="./policy.d.ts" */

/** The administrator's limits on tokens. */
export interface Policy {
  /** The longest life, in seconds from 1. */
  readonly maxLifetime?: number | undefined;
  /** Whether a token must expire. Default: false. */
  readonly expiryRequired?: boolean | undefined;
  /** How many tokens there may be, and how large. */
  readonly caps?: Caps | undefined;
}

/** Caps on new tokens, each from 1. */
export interface Caps {
  /** Tokens of a user that aren't revoked. Default: 1,000. */
  readonly tokens?: number | undefined;
  /** Tokens that a user may create within an hour. Default: 1,000. */
  readonly tokensPerHour?: number | undefined;
  /** Features of a token, at most 1,000. Default: 250. */
  readonly features?: number | undefined;
  /** Addresses of a token, at most 100. Default: 100. */
  readonly addresses?: number | undefined;
  /** Bytes of a record: 512, and for each feature and address its length and 3. Default: 8,192. */
  readonly recordBytes?: number | undefined;
}

/** What a user has already of what is capped. */
export interface Held {
  /** Tokens that aren't revoked. Default: 0. */
  readonly tokens?: number | undefined;
  /** Tokens created within the last hour, revoked ones too. Default: 0. */
  readonly lastHour?: number | undefined;
}
