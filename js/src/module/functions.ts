/* @ts-self-types="./functions.d.ts" */

import type {
  CatalogueFunction,
  CreateOptions,
  Created,
  Credential,
  CredentialFields,
  CredentialsOptions,
  DescribeOptions,
  Description,
  Info,
  ListOptions,
  Parameters,
  ParametersOptions,
  ParseAuthorizationOptions,
  RenameOptions,
  Reply,
  ReplyOptions,
  RevokeOptions,
  Revoked,
  TokenList,
  TokenRecord,
  UpdateOptions,
  ValidateOptions,
  Validation,
  Verdict,
  VerifyOptions,
} from "../types/index.js";
import { callModule, module } from "./instance.js";

/**
 * Creates a token: the text to show once, and the record to store.
 *
 * @example
 * ```js
 * const { token, record } = createToken({ user: "alice", name: "backup", access: "full", expires: "2027-12-31" });
 * ```
 *
 * @throws TokenlatchError for an invalid option, a name in use, an expiry in the past, or unusable entropy.
 */
export function createToken(options: CreateOptions): Created {
  return callModule(() => module.createToken(options));
}

/**
 * Checks values before they are used or stored, as the operations that use them do, and lists the problems: names, users, token texts,
 * expiries, addresses, access, accounts, policies, peppers, catalogues, zones and records. Makes no token.
 *
 * @example
 * ```js
 * const { valid, problems } = validate({ name: "my backup", account: { user: "alice", features: ["a b"] } });
 * // problems[0].code === "name_character", problems[1].field === "account.features[0]"
 * ```
 *
 * @throws TokenlatchError for a value of the wrong type, an unknown option, or a time out of range.
 */
export function validate(options: ValidateOptions): Validation {
  return callModule(() => module.validate(options));
}

/**
 * Parses an `Authorization` header, or finds the credential among the fields of a request: the user that it names, and the hashes to find
 * the record by.
 *
 * @example
 * ```js
 * const { hashes } = parseAuthorization(request.headers.get("Authorization") ?? "");
 * const record = hashes.map((hash) => records.get(hash)).find(Boolean);
 * ```
 */
export function parseAuthorization(options: ParseAuthorizationOptions | string): Credential {
  return callModule(() => module.parseAuthorization(options));
}

/**
 * Decides about a request. A refusal is a verdict and isn't thrown.
 *
 * @example
 * ```js
 * const verdict = verifyToken({ authorization, record, account, call: { feature: "backup", writes: false } });
 * if (!verdict.allowed) return new Response(verdict.refusal.body, verdict.refusal);
 * ```
 *
 * @throws TokenlatchError for an invalid option, or a record whose pepper is missing.
 */
export function verifyToken(options: VerifyOptions): Verdict {
  return callModule(() => module.verifyToken(options));
}

/**
 * Describes a token for its owner.
 *
 * @example
 * ```js
 * const { status, notices } = describeToken({ record, warnDays: 14 }).token;
 * ```
 */
export function describeToken(options: DescribeOptions): {
  /** The description of the token. */
  readonly token: Description;
} {
  return callModule(() => module.describeToken(options));
}

/**
 * Filters, sorts and pages tokens for their owner.
 *
 * @example
 * ```js
 * const { tokens, pages } = listTokens({ records, sort: "expires", pageSize: 50 });
 * ```
 */
export function listTokens(options: ListOptions): TokenList {
  return callModule(() => module.listTokens(options));
}

/**
 * Renames a token and changes nothing else. Store the record.
 *
 * @example
 * ```js
 * const { record: renamed } = renameToken({ record, newName: "nightly", taken: ["weekly"] });
 * ```
 */
export function renameToken(options: RenameOptions): {
  /** The record to store. */
  readonly record: TokenRecord;
} {
  return callModule(() => module.renameToken(options));
}

/**
 * Changes a token. Options that are left out change nothing. Store the record.
 *
 * @example
 * ```js
 * const { record: bound } = updateToken({ record, addresses: ["192.0.2.0/24"] });
 * ```
 *
 * @throws TokenlatchError for an invalid option, a revoked token, or a new expiry for a token of the realm `account`.
 */
export function updateToken(options: UpdateOptions): {
  /** The record to store. */
  readonly record: TokenRecord;
} {
  return callModule(() => module.updateToken(options));
}

/**
 * Revokes tokens. Store the records.
 *
 * @example
 * ```js
 * const { records: revoked, unknown } = revokeTokens({ records, names: ["nightly"] });
 * ```
 */
export function revokeTokens(options: RevokeOptions): Revoked {
  return callModule(() => module.revokeTokens(options));
}

/**
 * Checks where a token may stand, and returns the names of the header fields to hand to the module and the value of `WWW-Authenticate`.
 *
 * @example
 * ```js
 * credentials({ credentials: ["bearer", "x-api-key"] }).fields; // ["authorization", "x-api-key"]
 * ```
 *
 * @throws TokenlatchError `credentials_invalid`.
 */
export function credentials(options: CredentialsOptions = {}): CredentialFields {
  return callModule(() => module.credentials(options));
}

/**
 * Returns the built-in catalogue of functions.
 *
 * @example
 * ```js
 * const writing = functions().functions.filter(({ writes }) => writes);
 * ```
 */
export function functions(): {
  /** The functions of the catalogue. */
  readonly functions: readonly CatalogueFunction[];
} {
  return callModule(() => module.functions());
}

/**
 * Returns the version of the module and its operations, error codes and reasons.
 *
 * @example
 * ```js
 * console.log(info().version);
 * ```
 */
export function info(): Info {
  return callModule(() => module.info());
}

/**
 * Reads the parameters of a compatible interface and returns them as options of the other functions.
 *
 * @example
 * ```js
 * const values = [...new URLSearchParams("name=backup&expires_at=1830297599")];
 * const { name, access, expires } = readParameters({ shape: "uapi", function: "create_full_access", values });
 * ```
 *
 * @throws TokenlatchError for a missing or invalid parameter, whose name is the `field`. Pass the error to `reply` as `error`.
 */
export function readParameters(options: ParametersOptions): Parameters {
  return callModule(() => module.readParameters(options));
}

/**
 * Makes the reply of a compatible interface, to send unchanged.
 *
 * @example
 * ```js
 * const { status, headers, body } = reply({ shape: "uapi", function: "list", records });
 * ```
 */
export function reply(options: ReplyOptions): Reply {
  return callModule(() => module.reply(options));
}

/**
 * Answers a JSON request with JSON text, `{"ok":…}` or `{"error":…}`. There are no defaults, not even for the clock.
 *
 * @example
 * ```js
 * callJson('{"op":"info"}'); // '{"ok":{"abi":1,…}}'
 * ```
 */
export function callJson(request: string): string {
  return callModule(() => module.callJson(request));
}
