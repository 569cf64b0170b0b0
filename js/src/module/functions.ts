/* @ts-self-types="./functions.d.ts" */

import type {
  CatalogueFunction,
  CreateOptions,
  Created,
  Credential,
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
import { guarded, module } from "./instance.js";

/**
 * Creates a token: the text to show once, and the record to store.
 *
 * @example
 * ```js
 * const { token, record } = createToken({ user: "alice", name: "backup", access: "full", expires: "2027-12-31" });
 * ```
 *
 * @throws TokenlatchError for a wrong option, a name in use, an expiry in the past, or entropy that fails.
 */
export function createToken(options: CreateOptions): Created {
  return guarded(() => module.createToken(options));
}

/**
 * Looks at a name, a user, a token text, an expiry or addresses without any record, and lists what is wrong.
 *
 * @example
 * ```js
 * const { valid, problems } = validate({ name: "my backup" });
 * // problems[0].code === "name_character"
 * ```
 */
export function validate(options: ValidateOptions): Validation {
  return guarded(() => module.validate(options));
}

/**
 * Reads an `Authorization` header: who it says to be, and the hashes to look a record up by.
 *
 * @example
 * ```js
 * const { hashes } = parseAuthorization(request.headers.get("Authorization") ?? "");
 * const record = hashes.map((hash) => records.get(hash)).find(Boolean);
 * ```
 */
export function parseAuthorization(options: ParseAuthorizationOptions | string): Credential {
  return guarded(() => module.parseAuthorization(options));
}

/**
 * Decides about a request. A refusal is a verdict, not an exception.
 *
 * @example
 * ```js
 * const verdict = verifyToken({ authorization, record, account, call: { feature: "backup", writes: false } });
 * if (!verdict.allowed) return new Response(verdict.refusal.body, verdict.refusal);
 * ```
 *
 * @throws TokenlatchError for a wrong option, or a stored hash under a pepper that isn't given.
 */
export function verifyToken(options: VerifyOptions): Verdict {
  return guarded(() => module.verifyToken(options));
}

/**
 * Describes a token for its owner.
 *
 * @example
 * ```js
 * const { status, notices } = describeToken({ record, warnDays: 14 }).token;
 * ```
 */
export function describeToken(options: DescribeOptions): { readonly token: Description } {
  return guarded(() => module.describeToken(options));
}

/**
 * Sorts, filters and pages tokens for their owner.
 *
 * @example
 * ```js
 * const { tokens, pages } = listTokens({ records, sort: "expires", pageSize: 50 });
 * ```
 */
export function listTokens(options: ListOptions): TokenList {
  return guarded(() => module.listTokens(options));
}

/**
 * Renames a token and changes nothing else. Store the record.
 *
 * @example
 * ```js
 * const { record: renamed } = renameToken({ record, newName: "nightly", taken: ["weekly"] });
 * ```
 */
export function renameToken(options: RenameOptions): { readonly record: TokenRecord } {
  return guarded(() => module.renameToken(options));
}

/**
 * Changes a token: what is left out stays as it was. Store the record.
 *
 * @example
 * ```js
 * const { record: bound } = updateToken({ record, addresses: ["192.0.2.0/24"] });
 * ```
 *
 * @throws TokenlatchError for a wrong option, a revoked token, or another expiry for an account's token.
 */
export function updateToken(options: UpdateOptions): { readonly record: TokenRecord } {
  return guarded(() => module.updateToken(options));
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
  return guarded(() => module.revokeTokens(options));
}

/**
 * The built-in catalogue of functions.
 *
 * @example
 * ```js
 * const writing = functions().functions.filter((one) => one.writes);
 * ```
 */
export function functions(): { readonly functions: readonly CatalogueFunction[] } {
  return guarded(() => module.functions());
}

/**
 * What the module is and knows.
 *
 * @example
 * ```js
 * console.log(info().version);
 * ```
 */
export function info(): Info {
  return guarded(() => module.info());
}

/**
 * Reads the parameters of a compatible interface, in the words of the other functions.
 *
 * @example
 * ```js
 * const values = [...new URLSearchParams("name=backup&expires_at=1830297599")];
 * const { name, access, expires } = readParameters({ shape: "uapi", function: "create_full_access", values });
 * ```
 *
 * @throws TokenlatchError for a missing or wrong parameter; its `field` is the parameter's name. Give it to `reply` as `error`.
 */
export function readParameters(options: ParametersOptions): Parameters {
  return guarded(() => module.readParameters(options));
}

/**
 * The reply of a compatible interface, to send as it is.
 *
 * @example
 * ```js
 * const { status, headers, body } = reply({ shape: "uapi", function: "list", records });
 * ```
 */
export function reply(options: ReplyOptions): Reply {
  return guarded(() => module.reply(options));
}

/**
 * Answers a request in JSON text with JSON text, `{"ok":…}` or `{"error":…}`. Nothing is supplied by default.
 *
 * @example
 * ```js
 * callJson('{"op":"info"}'); // '{"ok":{"abi":1,…}}'
 * ```
 */
export function callJson(request: string): string {
  return guarded(() => module.callJson(request));
}
