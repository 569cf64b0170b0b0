/* @ts-self-types="./error.d.ts" */

/**
 * The stable code of an error. Codes keep their meaning; messages may change. `core/OPERATIONS.md` has the rule of each.
 */
export type ErrorCode =
  | "json_invalid"
  | "request_too_large"
  | "op_unknown"
  | "field_missing"
  | "field_unknown"
  | "field_duplicate"
  | "type_invalid"
  | "value_invalid"
  | "too_deep"
  | "now_invalid"
  | "name_empty"
  | "name_too_long"
  | "name_character"
  | "name_taken"
  | "user_empty"
  | "user_too_long"
  | "user_character"
  | "token_length"
  | "token_character"
  | "token_prefix"
  | "token_checksum"
  | "prefix_invalid"
  | "expiry_invalid"
  | "expiry_past"
  | "expiry_out_of_range"
  | "expiry_too_late"
  | "expiry_required"
  | "expiry_fixed"
  | "zone_invalid"
  | "entropy_length"
  | "entropy_weak"
  | "entropy_unavailable"
  | "hash_invalid"
  | "hash_kind_unsupported"
  | "hash_taken"
  | "pepper_invalid"
  | "pepper_unknown"
  | "feature_invalid"
  | "feature_not_in_account"
  | "access_exceeds_creator"
  | "address_invalid"
  | "addresses_too_many"
  | "features_too_many"
  | "record_too_large"
  | "tokens_too_many"
  | "creations_too_many"
  | "account_mismatch"
  | "account_suspended"
  | "tokens_disabled"
  | "record_version_unsupported"
  | "record_revoked"
  | "catalogue_invalid"
  | "credentials_invalid"
  | "call_ambiguous"
  | "call_unknown"
  | "page_invalid"
  | "selection_invalid"
  | "function_unknown"
  | "key_invalid"
  | "snapshot_signature"
  | "snapshot_malformed"
  | "snapshot_rollback"
  | "snapshot_gap"
  | "snapshot_too_large"
  | "clock_backwards"
  | "floor_in_future"
  | "table_unknown"
  | "memory_invalid"
  | "module_broken";

/**
 * An error of the module. No message contains a secret.
 *
 * @example
 * ```js
 * try {
 *   createToken({ user: "alice", name: "a b", access: "full" });
 * } catch (error) {
 *   if (error instanceof TokenlatchError) console.log(error.code, error.field); // name_character name
 * }
 * ```
 */
export class TokenlatchError extends Error {
  /** The stable code. */
  readonly code: ErrorCode;

  /** The path of the invalid option, such as `record.hash` or `records[3].expires`, if there is one. */
  readonly field: string | undefined;

  /** Makes an error with its code, its message and the path of the invalid option. */
  constructor(code: ErrorCode, message: string, field?: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.field = field;
  }

  static {
    // On the prototype, as for built-in errors, so that a subclass or a minifier doesn't change it.
    Object.defineProperty(this.prototype, "name", { value: "TokenlatchError", configurable: true, writable: true });
  }
}

/** An error as JSON of the module. */
interface WrittenError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly field?: string;
}

/** Parses an error that the module threw as JSON text. */
export function fromModule(text: string): TokenlatchError {
  const error = JSON.parse(text) as WrittenError;
  // Own properties only: a polluted prototype isn't part of the error.
  return new TokenlatchError(error.code, error.message, Object.hasOwn(error, "field") ? error.field : undefined);
}
