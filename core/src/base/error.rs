//! The coded errors of every operation.

use alloc::borrow::{Cow, ToOwned};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::ops::Deref;

use serde::{Deserialize, Serialize, Serializer};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What went wrong, as a stable code. A code never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl ErrorCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$name),*];

            /// The code as text, the same in every interface.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$name => $text),* }
            }
        }
    };
}

codes! {
    /// The text isn't JSON in UTF-8.
    JsonInvalid = "json_invalid",
    /// The request is too large.
    RequestTooLarge = "request_too_large",
    /// No operation has that name.
    OpUnknown = "op_unknown",
    /// A required field is missing.
    FieldMissing = "field_missing",
    /// A field that the operation doesn't have.
    FieldUnknown = "field_unknown",
    /// A key is given twice in one object.
    FieldDuplicate = "field_duplicate",
    /// A value of the wrong type.
    TypeInvalid = "type_invalid",
    /// A value out of range, or not among those allowed.
    ValueInvalid = "value_invalid",
    /// Nested too deeply.
    TooDeep = "too_deep",
    /// `now` is out of range.
    NowInvalid = "now_invalid",
    /// An empty name.
    NameEmpty = "name_empty",
    /// A name of more than 50 characters.
    NameTooLong = "name_too_long",
    /// A character that isn't allowed in a name.
    NameCharacter = "name_character",
    /// The user has a token of that name.
    NameTaken = "name_taken",
    /// An empty user.
    UserEmpty = "user_empty",
    /// A user of more than 64 characters.
    UserTooLong = "user_too_long",
    /// A character that isn't allowed in a user.
    UserCharacter = "user_character",
    /// A token text of the wrong length.
    TokenLength = "token_length",
    /// A character that isn't allowed in a token text.
    TokenCharacter = "token_character",
    /// A malformed prefix in a token text.
    TokenPrefix = "token_prefix",
    /// The checksum of a token text is wrong: it was mistyped or cut off.
    TokenChecksum = "token_checksum",
    /// An invalid prefix for new tokens.
    PrefixInvalid = "prefix_invalid",
    /// An unreadable expiry.
    ExpiryInvalid = "expiry_invalid",
    /// An expiry that isn't in the future.
    ExpiryPast = "expiry_past",
    /// An expiry after the year 9999.
    ExpiryOutOfRange = "expiry_out_of_range",
    /// An expiry later than the policy allows.
    ExpiryTooLate = "expiry_too_late",
    /// The policy requires an expiry.
    ExpiryRequired = "expiry_required",
    /// An expiry that can't be changed.
    ExpiryFixed = "expiry_fixed",
    /// An unreadable time zone.
    ZoneInvalid = "zone_invalid",
    /// The entropy isn't 64 bytes.
    EntropyLength = "entropy_length",
    /// The entropy isn't random.
    EntropyWeak = "entropy_weak",
    /// The platform gave no entropy.
    EntropyUnavailable = "entropy_unavailable",
    /// A stored hash of the wrong length or with wrong digits.
    HashInvalid = "hash_invalid",
    /// A stored hash of an unknown kind.
    HashKindUnsupported = "hash_kind_unsupported",
    /// Two tokens have the same hash.
    HashTaken = "hash_taken",
    /// An invalid pepper.
    PepperInvalid = "pepper_invalid",
    /// A stored hash under a pepper that wasn't given.
    PepperUnknown = "pepper_unknown",
    /// An invalid feature.
    FeatureInvalid = "feature_invalid",
    /// A feature that the account doesn't have.
    FeatureNotInAccount = "feature_not_in_account",
    /// More than the creating token has itself.
    AccessExceedsCreator = "access_exceeds_creator",
    /// An unreadable address or block.
    AddressInvalid = "address_invalid",
    /// More addresses than a token may list.
    AddressesTooMany = "addresses_too_many",
    /// More features than the policy lets a token list.
    FeaturesTooMany = "features_too_many",
    /// A record larger than the policy allows.
    RecordTooLarge = "record_too_large",
    /// The account has as many tokens as the policy allows.
    TokensTooMany = "tokens_too_many",
    /// The account has created as many tokens within an hour as the policy allows.
    CreationsTooMany = "creations_too_many",
    /// The account belongs to another user.
    AccountMismatch = "account_mismatch",
    /// The account is suspended.
    AccountSuspended = "account_suspended",
    /// The administrator has disabled API tokens for the account.
    TokensDisabled = "tokens_disabled",
    /// A record written by a newer version.
    RecordVersionUnsupported = "record_version_unsupported",
    /// The token has been revoked.
    RecordRevoked = "record_revoked",
    /// A catalogue of functions that contradicts itself.
    CatalogueInvalid = "catalogue_invalid",
    /// A credential that can't be chosen.
    CredentialsInvalid = "credentials_invalid",
    /// A call that names both a function and a feature.
    CallAmbiguous = "call_ambiguous",
    /// A call number that was never prepared.
    CallUnknown = "call_unknown",
    /// Page or page size out of range.
    PageInvalid = "page_invalid",
    /// Neither ids nor names were given, or both.
    SelectionInvalid = "selection_invalid",
    /// No such function.
    FunctionUnknown = "function_unknown",
    /// An unreadable public or private key, or one that can't sign.
    KeyInvalid = "key_invalid",
    /// A snapshot or delta that isn't signed by one of the keys, or was changed after signing.
    SnapshotSignature = "snapshot_signature",
    /// A snapshot or delta that breaks the format.
    SnapshotMalformed = "snapshot_malformed",
    /// A snapshot or delta older than the table held.
    SnapshotRollback = "snapshot_rollback",
    /// A delta that doesn't start from the table held.
    SnapshotGap = "snapshot_gap",
    /// A snapshot or delta that doesn't fit in memory.
    SnapshotTooLarge = "snapshot_too_large",
    /// The clock is behind the origin's.
    ClockBackwards = "clock_backwards",
    /// The table held, or the floor, was made in the future, so nothing can follow it.
    FloorInFuture = "floor_in_future",
    /// No such table.
    TableUnknown = "table_unknown",
    /// Memory that the caller doesn't own.
    MemoryInvalid = "memory_invalid",
    /// The module failed in an earlier call.
    ModuleBroken = "module_broken",
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A coded error: what is wrong, and in which field. It never holds a secret, nor text that was given as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Error(Box<Parts>);

/// The parts of an error. They are boxed because errors are rare and results are common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Parts {
    /// The stable code.
    pub code: ErrorCode,
    /// A sentence for people.
    pub message: Cow<'static, str>,
    /// The path of the field at fault, such as `record.hash` or `records[3].expires`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

impl Deref for Error {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Error {
    /// Creates an error without a field.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Error::build(code, message.into(), None)
    }

    /// Creates an error at a field.
    #[must_use]
    pub fn at(code: ErrorCode, field: &str, message: impl Into<Cow<'static, str>>) -> Self {
        Error::build(code, message.into(), Some(field))
    }

    #[inline(never)]
    fn build(code: ErrorCode, message: Cow<'static, str>, field: Option<&str>) -> Self {
        Error(Box::new(Parts {
            code,
            message,
            field: field.map(ToOwned::to_owned),
        }))
    }

    /// Creates the error of a missing required field.
    pub(crate) fn missing(field: &str) -> Self {
        Error::at(ErrorCode::FieldMissing, field, "the field is missing")
    }

    /// Prefixes the field's path with the object's name.
    #[must_use]
    #[inline(never)]
    pub fn under(mut self, parent: &str) -> Self {
        let mut path = String::from(parent);
        if let Some(inner) = &self.0.field {
            if !inner.starts_with('[') {
                path.push('.');
            }
            path.push_str(inner);
        }
        self.0.field = Some(path);
        self
    }

    /// Prefixes the field's path with an index into an array.
    #[must_use]
    pub fn under_index(self, index: usize) -> Self {
        self.under(&format!("[{index}]"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        match &self.field {
            Some(field) => write!(f, " (field `{field}`)"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Error {}
