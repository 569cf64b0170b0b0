//! What a token may touch. CONTRACT.md, 2.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::base::character::with_culprit;
use crate::base::error::{Error, ErrorCode};
use crate::base::sort::first_repeat;
use crate::json::decoder::{Fields, FromValue, deserialize_by_value, not_among, words, wrong_type};
use crate::json::value::Value;
use crate::token::name::{is_feature, is_feature_byte};

/// The most features of a token or an account.
pub const MAX_FEATURES: usize = 1_000;

/// Full access, or only the features in a list. An empty list grants nothing; there is no default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Every function that the user's own features allow, and every function without a feature.
    Full,
    /// Only functions whose feature is in this list, and in the user's.
    Limited {
        /// The features.
        features: Vec<String>,
    },
}

/// Nothing.
impl Default for Access {
    fn default() -> Self {
        Access::Limited { features: Vec::new() }
    }
}

/// The port and scheme that a token belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Realm {
    /// The account's: scheme `cpanel`.
    #[default]
    Account,
    /// The administrator's: scheme `whm`.
    Admin,
}

words!(Realm, "`account` or `admin`", {
    "account" => Realm::Account,
    "admin" => Realm::Admin,
});
deserialize_by_value!(Realm);

impl Serialize for Access {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Access::Full => serializer.serialize_str("full"),
            Access::Limited { features } => {
                let mut object = serializer.serialize_struct("Access", 1)?;
                object.serialize_field("features", features)?;
                object.end()
            }
        }
    }
}

impl FromValue for Access {
    fn from_value(value: Value) -> Result<Self, Error> {
        const EXPECTED: &str = "`full` or an object with `features`";
        match value {
            Value::String(text) if text == "full" => Ok(Access::Full),
            Value::String(_) => Err(not_among(EXPECTED)),
            Value::Object(_) => {
                let mut fields = Fields::of(value)?;
                let features = fields.required("features");
                fields.finish()?;
                Ok(Access::Limited { features })
            }
            other => Err(wrong_type(EXPECTED, &other)),
        }
    }
}
deserialize_by_value!(Access);

impl Access {
    /// # Errors
    /// Those of [`check_features`].
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self {
            Access::Full => Ok(()),
            Access::Limited { features } => check_features(features),
        }
    }
}

/// # Errors
/// `features_too_many`, at `features`; `feature_invalid`, at `features[…]`.
pub(crate) fn check_features(features: &[String]) -> Result<(), Error> {
    let fault = |message: Cow<'static, str>| Error::new(ErrorCode::FeatureInvalid, message);
    if features.len() > MAX_FEATURES {
        let message = format!("a list may hold at most {MAX_FEATURES} features");
        return Err(Error::at(ErrorCode::FeaturesTooMany, "features", message));
    }
    let malformed = features.iter().position(|feature| !is_feature(feature));
    let repeated = || first_repeat(features.len(), &|at| features.get(at).map(String::as_str));
    let (index, message) = match malformed {
        Some(index) => {
            let feature = features.get(index).map_or("", String::as_str);
            let known = |character| u8::try_from(character).is_ok_and(is_feature_byte);
            (index, with_culprit(FEATURE_RULE, feature, known))
        }
        None => match repeated() {
            Some(index) => (index, "the feature is listed twice".into()),
            None => return Ok(()),
        },
    };
    Err(fault(message).under_index(index).under("features"))
}

/// What a feature is, for messages.
pub(crate) const FEATURE_RULE: &str =
    "a feature is 1 to 64 characters of a-z, A-Z, 0-9, `-`, `_` and `.`, starting with a letter or digit";
