/* @ts-self-types="./types.d.ts" */

export type * from "./upkeep.js";

/** Seconds since 1970-01-01T00:00:00Z, whole. */
export type UnixSeconds = number;

/** A stored hash: `sha256:<64 hex digits>` or `hmac-sha256:<pepper id>:<64 hex digits>`. */
export type Hash = string;

/** What a token may do: everything its user may, or only functions of these features (an empty list: nothing). */
export type Access = "full" | { readonly features: readonly string[] };

/** The port that a token is for: an account's (scheme `cpanel`) or the administrator's (scheme `whm`). */
export type Realm = "account" | "admin";

/** The APIs that a call may come through. */
export type Api = "uapi" | "api2" | "api1" | "whm";

/** A token at rest, as a store keeps it. It holds a hash, never the secret. */
export interface TokenRecord {
  /** The version of the record's form, 1. */
  readonly v: number;
  /** 24 hex digits, unique. */
  readonly id: string;
  /** The user whom the token acts for. */
  readonly user: string;
  /** The token's name, unique within the user's live tokens. */
  readonly name: string;
  /** The hash to look the record up by. */
  readonly hash: Hash;
  /** The last four characters of the secret, to tell tokens apart. Default: `""`. */
  readonly hint?: string;
  /** When the token was created. */
  readonly created: UnixSeconds;
  /** When it stops being valid (it is refused from this second on), or null for never. */
  readonly expires: UnixSeconds | null;
  /** What it may do. */
  readonly access: Access;
  /** Whether functions that write are refused. */
  readonly readOnly: boolean;
  /** Addresses and CIDR blocks it may come from; empty: any. */
  readonly addresses: readonly string[];
  /** The port it is for. Default: `"account"`. */
  readonly realm?: Realm;
  /** When it was revoked, or null. Default: null. */
  readonly revoked?: UnixSeconds | null;
  /** Keys of newer versions are kept. */
  readonly [key: string]: unknown;
}

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

/**
 * What a request wants to do: either a function of the catalogue (`module`, `function`), or directly the feature that
 * is touched and whether it writes. A call that names nothing is read most strictly.
 */
export interface Call {
  /** Default: `"uapi"`. */
  readonly api?: Api | undefined;
  /** The function's module, together with `function`. */
  readonly module?: string | undefined;
  /** The function, together with `module`. */
  readonly function?: string | undefined;
  /** The feature that is touched, in place of a function. */
  readonly feature?: string | undefined;
  /** Default: true. */
  readonly writes?: boolean | undefined;
  /** The IPv4 or IPv6 address that the request came from. */
  readonly address?: string | undefined;
  /** The port that the request came in by. Default: `"account"`. */
  readonly realm?: Realm | undefined;
}

/** A function of the catalogue. */
export interface CatalogueFunction {
  /** The module that the function is in. */
  readonly module: string;
  /** The function's name. */
  readonly function: string;
  /** The APIs that it can be called through. */
  readonly apis: readonly ("uapi" | "api2" | "whm")[];
  /** The feature that a token and its account need, or null. */
  readonly feature: string | null;
  /** Whether it changes anything. */
  readonly writes: boolean;
}

/** A key under which secrets are hashed, kept outside the store. */
export interface Pepper {
  /** 1 to 32 characters of `a-z A-Z 0-9 - _`; it is part of the stored hash. */
  readonly id: string;
  /** 16 to 128 bytes, as such or as hex digits. */
  readonly key: string | Uint8Array;
}

/**
 * A time zone: UTC, a fixed offset, or a table: seconds east of UTC, then each transition's instant and the offset from
 * then on.
 */
export type Zone =
  | "UTC"
  | `+${string}`
  | `-${string}`
  | { readonly offset: number; readonly transitions: readonly (readonly [at: UnixSeconds, offset: number])[] };

/**
 * When a token stops being valid: `"never"`, Unix seconds (a number or digits), `"YYYY-MM-DD"` (23:59:59 of that date
 * in the zone), or an RFC 3339 timestamp.
 */
export type Expiry = UnixSeconds | string;

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

/** Options of {@link createToken}. */
export interface CreateOptions {
  /** 1 to 64 characters of `a-z A-Z 0-9 - _ . @`. */
  readonly user: string;
  /** 1 to 50 characters of `a-z A-Z 0-9 - _`. */
  readonly name: string;
  /** What the token may do. There is no default. */
  readonly access: Access;
  /** Default: 23:59:59 of today's date next year, in the zone. */
  readonly expires?: Expiry | undefined;
  /** Default: false. */
  readonly readOnly?: boolean | undefined;
  /** Addresses and CIDR blocks it may come from, at most 100. Default: none, so any. */
  readonly addresses?: readonly string[] | undefined;
  /** Default: `"account"`. */
  readonly realm?: Realm | undefined;
  /** Makes a token of the form `<prefix>_<secret><checksum>`, which secret scanners recognise. */
  readonly prefix?: string | undefined;
  /** Hash under this key instead of plain SHA-256. */
  readonly pepper?: Pepper | undefined;
  /** Checked if given: the account must be able to have such a token. */
  readonly account?: Account | undefined;
  /** The administrator's limits. */
  readonly policy?: Policy | undefined;
  /** What the user has already; the policy caps it. Default: nothing. */
  readonly held?: Held | undefined;
  /** Names in use. Default: none. */
  readonly taken?: readonly string[] | undefined;
  /** The token that asks: the new one can't have more, and gets its addresses where it has none of its own. */
  readonly creator?: TokenRecord | undefined;
  /** The present time. Default: the clock's. */
  readonly now?: UnixSeconds | undefined;
  /** The zone of dates. Default: the local time zone. */
  readonly zone?: Zone | undefined;
  /** 64 random bytes, as such or as hex digits. Default: from `crypto.getRandomValues`. */
  readonly entropy?: string | Uint8Array | undefined;
}

/** A new token. */
export interface Created {
  /** The text to show once. Nothing can show it again. */
  readonly token: string;
  /** What to store. */
  readonly record: TokenRecord;
}

/** Options of {@link validate}: the parts to look at. */
export interface ValidateOptions {
  /** A token's name. */
  readonly name?: string | undefined;
  /** A user's name. */
  readonly user?: string | undefined;
  /** A token's text, with or without a prefix. */
  readonly token?: string | undefined;
  /** An expiry, as people give it. */
  readonly expires?: Expiry | undefined;
  /** Addresses and CIDR blocks. */
  readonly addresses?: readonly string[] | undefined;
  /** A prefix for tokens' text. */
  readonly prefix?: string | undefined;
  /** The present time. Default: the clock's. */
  readonly now?: UnixSeconds | undefined;
  /** The zone of dates. Default: the local time zone. */
  readonly zone?: Zone | undefined;
}

/** Something wrong with a part. */
export interface Problem {
  /** The stable code. */
  readonly code: import("./errors.js").ErrorCode;
  /** A sentence for people. */
  readonly message: string;
  /** The part at fault. */
  readonly field: string;
}

/** What {@link validate} found. */
export interface Validation {
  /** Whether there is no problem. */
  readonly valid: boolean;
  /** Everything that is wrong. */
  readonly problems: readonly Problem[];
  /** The instant that `expires` means, `"never"`, or null when it wasn't given or can't be read. */
  readonly expires: UnixSeconds | "never" | null;
  /** The hint of the given token text, or null. */
  readonly hint: string | null;
}

/** An `Authorization` header: its value, one value for each header of that name, or null for none. */
export type AuthorizationHeader = string | readonly string[] | null | undefined;

/** Options of {@link parseAuthorization}. */
export interface ParseAuthorizationOptions {
  /** What the request's `Authorization` header says. */
  readonly authorization: AuthorizationHeader;
  /** Newest first, at most 8. Default: none. */
  readonly peppers?: readonly Pepper[] | undefined;
}

/** What a header says. */
export interface Credential {
  /** The header's scheme, or null when the header can't be read. */
  readonly scheme: "cpanel" | "whm" | "bearer" | null;
  /** The user whom the header names, or null. */
  readonly user: string | null;
  /** Look the record up by any of these. A header that can't be read gives hashes that no token has. */
  readonly hashes: readonly Hash[];
  /** `ok`, or why the header can't be read. */
  readonly reason: Reason;
}

/** Options of {@link verifyToken}. */
export interface VerifyOptions {
  /** What the request's `Authorization` header says. */
  readonly authorization: AuthorizationHeader;
  /** The record found by a hash of the header, or null. */
  readonly record: TokenRecord | null | undefined;
  /** The account of the record's user, or null. */
  readonly account: Account | null | undefined;
  /** Default: a call that names nothing, which only a full token that may write passes. */
  readonly call?: Call | undefined;
  /** Newest first, at most 8. Default: none. */
  readonly peppers?: readonly Pepper[] | undefined;
  /** Default: the built-in catalogue. */
  readonly catalogue?: readonly CatalogueFunction[] | undefined;
  /** The present time. Default: the clock's. */
  readonly now?: UnixSeconds | undefined;
}

/** Why a request is admitted or refused: for the owner and the log, never for the one who asked. */
export type Reason =
  | "ok"
  | "header_missing"
  | "header_repeated"
  | "header_malformed"
  | "scheme_unsupported"
  | "token_unknown"
  | "token_revoked"
  | "realm_mismatch"
  | "user_mismatch"
  | "token_expired"
  | "account_unknown"
  | "account_suspended"
  | "tokens_disabled"
  | "address_unknown"
  | "address_refused"
  | "api_unsupported"
  | "function_without_feature"
  | "feature_not_granted"
  | "feature_not_in_account"
  | "read_only"
  | "clock_invalid"
  | "snapshot_missing"
  | "clock_backwards"
  | "snapshot_stale";

/** A reply to send as it is. */
export interface Reply {
  /** The HTTP status. */
  readonly status: number;
  /** The headers to send. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body to send. */
  readonly body: string;
}

/** The decision about a request. */
export interface Verdict {
  /** Whether the request is admitted. */
  readonly allowed: boolean;
  /** The HTTP status: 401 for a token that isn't good, 403 for a good one that may not do this; 503 where a `Snapshot` can't decide. */
  readonly status: 200 | 401 | 403 | 503;
  /** Why, as a stable code. */
  readonly reason: Reason;
  /** A sentence for the owner and the log. */
  readonly message: string;
  /** The record's, once its hash has matched; else null. So are the following. */
  readonly user: string | null;
  /** The record's id. */
  readonly id: string | null;
  /** The token's name. */
  readonly name: string | null;
  /** When the token stops being valid, or null for never. */
  readonly expires: UnixSeconds | null;
  /** What the token may do. */
  readonly access: Access | null;
  /** Whether functions that write are refused. */
  readonly readOnly: boolean | null;
  /** What to answer a refused request. It is all that may leave the house; null when admitted. */
  readonly refusal: Reply | null;
}

/** A coded error to be worded, such as a `TokenlatchError`'s parts or a failure of a store. */
export interface ReplyError {
  /** The code. One without a sentence is reported as a passing failure. */
  readonly code: string;
  /** It isn't part of the reply. */
  readonly message?: string | undefined;
  /** The path of the option at fault, or the parameter's name. */
  readonly field?: string | undefined;
}

/** Options of {@link readParameters}. */
export interface ParametersOptions {
  /** The interface that was asked; all but WHM's share their parameters. */
  readonly shape: "uapi" | "uapiCommand" | "api2" | "whm";
  /** The function that was asked. */
  readonly function: string;
  /** Keys and values in the order received: text, or from a JSON body what stood there. Null counts as left out. */
  readonly values: readonly (readonly [key: string, value: unknown])[];
}

/** What a function was given. What wasn't given is left out. */
export interface Parameters {
  /** The token's name. */
  readonly name?: string;
  /** Its new name. */
  readonly newName?: string;
  /** The names of the tokens to revoke. */
  readonly names?: readonly string[];
  /** When it is to stop being valid; whether that lies ahead isn't looked at. */
  readonly expires?: UnixSeconds | "never";
  /** Whether functions that write are refused. */
  readonly readOnly?: boolean;
  /** Addresses and CIDR blocks it may come from; empty: any. */
  readonly addresses?: readonly string[];
  /** What it may do. */
  readonly access?: Access;
  /** A token's text. */
  readonly token?: string;
  /** Keys that the function doesn't have, cut to 64 bytes, at most 16. */
  readonly unknown: readonly string[];
}

/** Options of {@link reply}. */
export interface ReplyOptions {
  /** Which interface answers, or `denied` for a refusal. */
  readonly shape: "uapi" | "uapiCommand" | "api2" | "whm" | "denied";
  /** The function that answers. */
  readonly function?: string | undefined;
  /** The new token's text, for the functions that create one. */
  readonly token?: string | undefined;
  /** The token, for the functions that answer with one. */
  readonly record?: TokenRecord | undefined;
  /** The tokens, for the functions that list. */
  readonly records?: readonly TokenRecord[] | undefined;
  /** Makes it the reply of a failure: a sentence, or an error that the module words by its code and field. */
  readonly error?: string | ReplyError | undefined;
  /** Keys that the function doesn't have: the UAPI shapes warn of them. Default: none. */
  readonly unknown?: readonly string[] | undefined;
  /**
   * Makes it the reply of a request that was refused before it reached a function: the stable code of the refusal.
   * Needs `error` and `httpStatus`; `function` may be left out.
   */
  readonly code?: string | undefined;
  /** For `denied`: 401, 403, 429 or 503. With `code`: 400 to 599. */
  readonly httpStatus?: number | undefined;
  /** For `denied` with 429 or 503: whole seconds from 1. */
  readonly retryAfter?: number | undefined;
}

/** What the module is and knows. */
export interface Info {
  /** The version of the plain ABI. */
  readonly abi: number;
  /** The version of the module. */
  readonly version: string;
  /** The operations that `callJson` takes. */
  readonly operations: readonly string[];
  /** Every code of an error. */
  readonly errors: readonly import("./errors.js").ErrorCode[];
  /** Every reason of a verdict, by its number. */
  readonly reasons: readonly Reason[];
}

/** Options of `new TokenTable`. */
export interface TableOptions {
  /** The tokens. Default: none. */
  readonly records?: readonly TokenRecord[] | undefined;
  /** Their users' accounts; tokens of other users are refused. Default: none. */
  readonly accounts?: readonly Account[] | undefined;
  /** Newest first, at most 8. Default: none. */
  readonly peppers?: readonly Pepper[] | undefined;
  /** Default: the built-in catalogue. */
  readonly catalogue?: readonly CatalogueFunction[] | undefined;
}

/** What to change in a table. Removals come first. */
export interface TableUpdate {
  /** A record with a known id replaces it. */
  readonly records?: readonly TokenRecord[] | undefined;
  /** An account of a known user replaces it. */
  readonly accounts?: readonly Account[] | undefined;
  /** The ids of records to remove. */
  readonly removeIds?: readonly string[] | undefined;
  /** Users whose account is removed, and their tokens with it. */
  readonly removeUsers?: readonly string[] | undefined;
}

/** Options of `new Snapshot`. */
export interface SnapshotOptions {
  /** The Ed25519 keys of the origin, 64 hex digits or 32 bytes each: one, or several (at most 8) while it changes its own. */
  readonly publicKeys: readonly (string | Uint8Array)[];
  /** Newest first, at most 8. Default: none. */
  readonly peppers?: readonly Pepper[] | undefined;
  /** Default: the built-in catalogue. */
  readonly catalogue?: readonly CatalogueFunction[] | undefined;
  /** The last table that was held before a restart: nothing older is taken. Default: none. */
  readonly floor?: SnapshotFloor | undefined;
  /** The longest age to decide by, in seconds from 1, where the origin allows a longer one. Default: what the origin allows. */
  readonly maxAge?: number | undefined;
}

/** Options of `Snapshot.load`. */
export interface SnapshotLoadOptions extends SnapshotOptions {
  /** The present time. Default: the clock's. */
  readonly now?: UnixSeconds | undefined;
}

/** A table that an edge knows of, to keep through a restart. */
export interface SnapshotFloor {
  /** The store's epoch: another begins when its versions can't go on rising, such as after a backup was restored. */
  readonly epoch: number;
  /** The store's version. */
  readonly version: number;
  /** When it was made. */
  readonly made: UnixSeconds;
}

/** Which table a snapshot holds. */
export interface SnapshotState extends SnapshotFloor {
  /** For how many seconds after it was made it may be decided by. */
  readonly maxAge: number;
  /** How many tokens it has, revoked ones among them. */
  readonly tokens: number;
  /** The memory that it takes. */
  readonly bytes: number;
}

/** Options of `verifyMany`. */
export interface VerifyManyOptions {
  /** A number from `prepare`. Default: 0, a call that names nothing. */
  readonly call?: number | undefined;
  /** The addresses that the requests came from, one for each header. Default: none is known. */
  readonly addresses?: readonly (string | null | undefined)[] | undefined;
  /** The present time. Default: the clock's. */
  readonly now?: UnixSeconds | undefined;
}

/** Options of `verify` of a `TokenTable` and a `Snapshot`. */
export interface TableVerifyOptions {
  /** A number from `prepare`. Default: 0, a call that names nothing. */
  readonly call?: number | undefined;
  /** The address that the request came from. */
  readonly address?: string | null | undefined;
  /** The present time. Default: the clock's. */
  readonly now?: UnixSeconds | undefined;
}
