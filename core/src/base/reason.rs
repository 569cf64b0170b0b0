//! The reasons of verdicts, for the owner and the log; clients never see them.

use serde::{Deserialize, Serialize, Serializer};

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal, $status:literal, $message:literal;)*) => {
        /// The reason of a verdict, with a stable number and a stable text. OPERATIONS.md lists them under `verify`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
        #[repr(u8)]
        pub enum Reason {
            $($(#[$doc])* #[serde(rename = $text)] $name = $number,)*
        }

        impl Reason {
            /// Every reason, in the order of the numbers.
            pub const ALL: &'static [Reason] = &[$(Reason::$name),*];

            /// The stable text.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Reason::$name => $text),* }
            }

            /// The HTTP status of a response for this reason.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Reason::$name => $status),* }
            }

            /// A sentence for the owner and the log.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $(Reason::$name => $message),* }
            }
        }
    };
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

reasons! {
    /// The token is valid and may do this.
    Ok = 0, "ok", 200, "the token is good and may do this";
    /// There is no `Authorization` header.
    HeaderMissing = 1, "header_missing", 401, "the request has no authorization header";
    /// There are several `Authorization` headers.
    HeaderRepeated = 2, "header_repeated", 401, "the authorization header is repeated";
    /// The header is malformed.
    HeaderMalformed = 3, "header_malformed", 401, "the authorization header can't be read; write `cpanel USER:TOKEN`, `whm USER:TOKEN` or `Bearer TOKEN`";
    /// The header has another scheme.
    SchemeUnsupported = 4, "scheme_unsupported", 401, "the authorization scheme must be `cpanel`, `whm` or `Bearer`";
    /// No record has this hash.
    TokenUnknown = 5, "token_unknown", 401, "no such token";
    /// The token has been revoked.
    TokenRevoked = 6, "token_revoked", 401, "the token has been revoked";
    /// The scheme or the port isn't that of the token's realm.
    RealmMismatch = 7, "realm_mismatch", 401, "the token belongs to the other port";
    /// The header names another user.
    UserMismatch = 8, "user_mismatch", 401, "the token belongs to another user";
    /// The token has expired.
    TokenExpired = 9, "token_expired", 401, "the token has expired";
    /// The account is unknown.
    AccountUnknown = 10, "account_unknown", 401, "the token's account isn't known";
    /// The account is suspended.
    AccountSuspended = 11, "account_suspended", 403, "the account is suspended";
    /// The account lacks `apitokens`.
    TokensDisabled = 12, "tokens_disabled", 403, "the administrator has disabled API tokens for this account";
    /// The token lists addresses, and the client's is unknown.
    AddressUnknown = 13, "address_unknown", 403, "the token is bound to addresses, and the request's address isn't known";
    /// The client's address isn't in the token's list.
    AddressRefused = 14, "address_refused", 403, "the token may not be used from this address";
    /// The call is to cPanel API 1.
    ApiUnsupported = 15, "api_unsupported", 403, "tokens can't call API 1";
    /// The token is limited to features, and the function has none.
    FunctionWithoutFeature = 16, "function_without_feature", 403, "the token is limited to features, and the function has none";
    /// The function's feature isn't in the token's list.
    FeatureNotGranted = 17, "feature_not_granted", 403, "the token doesn't have the function's feature";
    /// The account doesn't have the function's feature.
    FeatureNotInAccount = 18, "feature_not_in_account", 403, "the account doesn't have the function's feature";
    /// The token is read-only, and the function writes.
    ReadOnly = 19, "read_only", 403, "the token is read only, and the function writes";
    /// The clock is out of range.
    ClockInvalid = 20, "clock_invalid", 401, "the clock isn't set, so no expiry can be judged";
    /// No snapshot is held.
    SnapshotMissing = 21, "snapshot_missing", 503, "no snapshot has been loaded, so nothing can be decided";
    /// The clock is behind the snapshot, or went back.
    ClockBackwards = 22, "clock_backwards", 503, "the clock is behind the snapshot's, or went back; nothing can be decided by it";
    /// The snapshot is older than allowed.
    SnapshotStale = 23, "snapshot_stale", 503, "the snapshot is older than allowed; a newer one is needed";
    /// Two servers could read the method or the path differently.
    TargetDoubtful = 24, "target_doubtful", 403, "servers could read the method or the path in different ways";
    /// No route has the request, and the catalogue refuses such requests.
    RouteUnlisted = 25, "route_unlisted", 403, "the catalogue has no such route";
    /// The route needs no token.
    Public = 26, "public", 200, "the route needs no token";
    /// The query has a token.
    TokenInUrl = 27, "token_in_url", 403, "the URL has a token; send it in a header field";
    /// A browser may have sent the credential by itself, for a page of another site.
    CrossSite = 28, "cross_site", 403, "a browser sent the password for a page of another site";
}
