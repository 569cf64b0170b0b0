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
        /// What went wrong, as a stable code. The text form never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl ErrorCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$name),*];

            /// The code as it crosses every boundary.
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
    /// The request is larger than the module reads.
    RequestTooLarge = "request_too_large",
    /// There is no operation of that name.
    OpUnknown = "op_unknown",
    /// A field that must be given is missing.
    FieldMissing = "field_missing",
    /// A field that the operation doesn't know.
    FieldUnknown = "field_unknown",
    /// A key stands twice in one object.
    FieldDuplicate = "field_duplicate",
    /// A value of the wrong type.
    TypeInvalid = "type_invalid",
    /// A value outside its range or its closed set.
    ValueInvalid = "value_invalid",
    /// Nested too deeply.
    TooDeep = "too_deep",
    /// The time given as now can't be a present time.
    NowInvalid = "now_invalid",
    /// A name without characters.
    NameEmpty = "name_empty",
    /// A name of more than 50 characters.
    NameTooLong = "name_too_long",
    /// A character that a name can't hold.
    NameCharacter = "name_character",
    /// The user has a token of that name.
    NameTaken = "name_taken",
    /// A user without characters.
    UserEmpty = "user_empty",
    /// A user of more than 64 characters.
    UserTooLong = "user_too_long",
    /// A character that a user can't hold.
    UserCharacter = "user_character",
    /// A token text of the wrong length.
    TokenLength = "token_length",
    /// A character that a token text can't hold.
    TokenCharacter = "token_character",
    /// A malformed prefix in a token text.
    TokenPrefix = "token_prefix",
    /// The checksum of a token text is wrong: it was mistyped or cut.
    TokenChecksum = "token_checksum",
    /// A prefix for new tokens that breaks the rule.
    PrefixInvalid = "prefix_invalid",
    /// An expiry that can't be read.
    ExpiryInvalid = "expiry_invalid",
    /// An expiry that isn't in the future.
    ExpiryPast = "expiry_past",
    /// An expiry after the year 9999.
    ExpiryOutOfRange = "expiry_out_of_range",
    /// An expiry later than the policy allows.
    ExpiryTooLate = "expiry_too_late",
    /// The policy wants an expiry.
    ExpiryRequired = "expiry_required",
    /// The expiry of a token that can't be changed.
    ExpiryFixed = "expiry_fixed",
    /// A time zone that can't be read.
    ZoneInvalid = "zone_invalid",
    /// The entropy isn't 64 bytes.
    EntropyLength = "entropy_length",
    /// The entropy can't be random.
    EntropyWeak = "entropy_weak",
    /// The platform gave no entropy.
    EntropyUnavailable = "entropy_unavailable",
    /// A stored hash of the wrong length or with wrong digits.
    HashInvalid = "hash_invalid",
    /// A stored hash of a kind that isn't known.
    HashKindUnsupported = "hash_kind_unsupported",
    /// Two tokens of one hash.
    HashTaken = "hash_taken",
    /// A pepper that breaks the rule.
    PepperInvalid = "pepper_invalid",
    /// A stored hash under a pepper that wasn't given.
    PepperUnknown = "pepper_unknown",
    /// A feature that breaks the rule.
    FeatureInvalid = "feature_invalid",
    /// A feature that the account doesn't have.
    FeatureNotInAccount = "feature_not_in_account",
    /// More than the token that asks has itself.
    AccessExceedsCreator = "access_exceeds_creator",
    /// An address or block that can't be read.
    AddressInvalid = "address_invalid",
    /// More addresses than a token may list.
    AddressesTooMany = "addresses_too_many",
    /// More features than the policy lets a token list.
    FeaturesTooMany = "features_too_many",
    /// A record of more bytes than the policy allows.
    RecordTooLarge = "record_too_large",
    /// The account has as many tokens as the policy allows.
    TokensTooMany = "tokens_too_many",
    /// The account has created as many tokens within an hour as the policy allows.
    CreationsTooMany = "creations_too_many",
    /// The account is another user's.
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
    /// A call that names a function and a feature.
    CallAmbiguous = "call_ambiguous",
    /// A call number that was never prepared.
    CallUnknown = "call_unknown",
    /// Page or page size out of range.
    PageInvalid = "page_invalid",
    /// Neither ids nor names were chosen, or both.
    SelectionInvalid = "selection_invalid",
    /// No such function.
    FunctionUnknown = "function_unknown",
    /// A public or private key that can't be read, or that no signature may be made with.
    KeyInvalid = "key_invalid",
    /// A snapshot or delta that isn't signed by one of the keys, or isn't what was signed.
    SnapshotSignature = "snapshot_signature",
    /// A snapshot or delta that breaks the format.
    SnapshotMalformed = "snapshot_malformed",
    /// A snapshot or delta that is older than what is held.
    SnapshotRollback = "snapshot_rollback",
    /// A delta that doesn't start where the table stands.
    SnapshotGap = "snapshot_gap",
    /// A snapshot or delta that there is no memory for.
    SnapshotTooLarge = "snapshot_too_large",
    /// The clock is behind the origin's.
    ClockBackwards = "clock_backwards",
    /// The table held, or the floor, is of the future, so that nothing can follow.
    FloorInFuture = "floor_in_future",
    /// No such table.
    TableUnknown = "table_unknown",
    /// Memory that the caller doesn't own.
    MemoryInvalid = "memory_invalid",
    /// The module broke in an earlier call.
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

/// A coded error: what is wrong, and where. It never holds a secret, nor any text that was given as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Error(Box<Parts>);

/// The parts of an error. They are behind a pointer, for errors are rare and results are many.
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
    /// An error that no single field causes.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Error::build(code, message.into(), None)
    }

    /// An error at a field.
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

    /// A field that must be given is missing.
    pub(crate) fn missing(field: &str) -> Self {
        Error::at(ErrorCode::FieldMissing, field, "the field is missing")
    }

    /// The same error, seen from the object that holds the field.
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

    /// The same error, seen from the array that holds the item.
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
