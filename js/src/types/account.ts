/* @ts-self-types="./account.d.ts" */

/** What is known about a token's user. */
export interface Account {
  /** Whose account it is. */
  readonly user: string;
  /** A suspended account can neither create nor use tokens. Default: false. */
  readonly suspended?: boolean | undefined;
  /** Whether it is an administrator's: only then it has the rights of machines, such as `snapshot-read`. Default: false. */
  readonly administrator?: boolean | undefined;
  /** The features that the account has. Without `apitokens` its tokens don't work. */
  readonly features: readonly string[] | "all";
}
