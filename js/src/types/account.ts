/* @ts-self-types="./account.d.ts" */

/** The account of a token's user. */
export interface Account {
  /** The user. */
  readonly user: string;
  /** Whether it is suspended: then it can neither create nor use tokens. Default: false. */
  readonly suspended?: boolean | undefined;
  /** Whether it is an administrator. Only then its tokens can have rights for machines, such as `snapshot-read`. Default: false. */
  readonly administrator?: boolean | undefined;
  /** The features of the account. Without `apitokens` its tokens don't work. */
  readonly features: readonly string[] | "all";
}
