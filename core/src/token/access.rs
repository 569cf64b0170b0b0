//! What a token may do. RULES.md, 2.

use alloc::string::String;
use alloc::vec::Vec;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::feature::check_features;
use crate::base::error::Error;
use crate::json::decoder::{Fields, FromValue, deserialize_by_value, not_among, words, wrong_type};
use crate::json::value::Value;

/// Full access, or only the features in a list. There is no default, and an empty list allows nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Every function that the user's own features allow, and every function without a feature.
    Full,
    /// Only functions whose feature is in this list and is the account's too.
    Limited {
        /// The features.
        features: Vec<String>,
    },
}

/// Nothing is allowed.
impl Default for Access {
    fn default() -> Self {
        Access::Limited { features: Vec::new() }
    }
}

/// The port and scheme that a token belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Realm {
    /// The account's, with the scheme `cpanel`.
    #[default]
    Account,
    /// The administrator's, with the scheme `whm`.
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
