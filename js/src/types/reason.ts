/* @ts-self-types="./reason.d.ts" */

/** Why a request is admitted or refused, for the owner and the log. It must not be sent to the client. */
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
  | "snapshot_stale"
  | "target_doubtful"
  | "route_unlisted"
  | "public"
  | "token_in_url"
  | "cross_site";

/** Why a request couldn't be decided: the store, the accounts, the module or the clock failed. The request is refused. */
export type FaultReason = "store_failed" | "store_timeout" | "store_answer_invalid" | "module_broken" | "clock_invalid";
