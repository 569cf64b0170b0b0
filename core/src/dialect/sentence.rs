//! The compatible interfaces' error texts: one stable sentence for each code, without internals. RULES.md, 3.

use alloc::string::String;

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::part::parameter;
use crate::base::error::Error;
use crate::json::decoder::{Fields, FromValue, wrong_type};
use crate::json::value::Value;

/// Why a function failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyError {
    /// A sentence, returned unchanged.
    Sentence(String),
    /// A coded error, of the module or of the host's store. The module chooses the sentence.
    Coded {
        /// The code. One without a sentence is reported as a temporary failure.
        code: String,
        /// The path of the field, or the name of the parameter.
        field: Option<String>,
    },
}

impl From<&Error> for ReplyError {
    fn from(error: &Error) -> Self {
        ReplyError::coded(error.code.as_str(), error.field.as_deref())
    }
}

impl ReplyError {
    /// Creates an error from a code and a field.
    #[must_use]
    pub fn coded(code: &str, field: Option<&str>) -> Self {
        ReplyError::Coded {
            code: code.into(),
            field: field.map(Into::into),
        }
    }
}

impl Serialize for ReplyError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            ReplyError::Sentence(sentence) => serializer.serialize_str(sentence),
            ReplyError::Coded { code, field } => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("code", code)?;
                if let Some(field) = field {
                    map.serialize_entry("field", field)?;
                }
                map.end()
            }
        }
    }
}

impl FromValue for ReplyError {
    fn from_value(value: Value) -> Result<Self, Error> {
        match value {
            Value::String(sentence) => Ok(ReplyError::Sentence(sentence)),
            Value::Object(_) => {
                let mut fields = Fields::of(value)?;
                let error = ReplyError::Coded {
                    code: fields.required("code"),
                    field: fields.optional("field"),
                };
                // The message describes internals.
                fields.optional::<String>("message");
                fields.finish()?;
                Ok(error)
            }
            other => Err(wrong_type("a string or an error", &other)),
        }
    }
}

/// A line for each code; `%` is replaced by the parameter. As a table of strings it would need two pointers a line.
const SENTENCES: &str = "
field_missing:% is missing.
field_unknown:% was given in a form that this function does not have.
field_duplicate:% is given more than once.
type_invalid:% has a value of the wrong type.
value_invalid:% has a value that is not allowed.
name_empty:% must not be empty.
name_too_long:% may have at most 50 characters.
name_character:% may contain only letters, digits, \"-\" and \"_\".
name_taken:You already have a token named by %.
token_unknown:You have no token named by %.
expiry_invalid:% must be whole Unix seconds.
expiry_past:% must lie in the future.
expiry_out_of_range:% must lie before the year 10000.
expiry_too_late:% is later than the administrator allows.
expiry_required:% is required by the administrator.
expiry_fixed:% cannot be changed after creation.
feature_invalid:% may contain only names of features, each once.
feature_not_in_account:% may contain only features that your account has.
address_invalid:% may contain only IP addresses and CIDR blocks.
features_too_many:% lists more features than the administrator allows.
addresses_too_many:% lists more addresses than are allowed.
record_too_large:The token would be larger than the administrator allows; give it fewer features or addresses.
tokens_too_many:You have as many tokens as the administrator allows; revoke one first.
creations_too_many:You have created as many tokens within an hour as the administrator allows; try again later.
access_exceeds_creator:The token that asks may not give more than it has itself.
account_unknown:There is no such account.
account_suspended:Your account is suspended.
tokens_disabled:The administrator has disabled API tokens for your account.
record_revoked:The token has been revoked.
";

const FALLBACK: &str = "The request could not be carried out; try again later.";

impl ReplyError {
    /// The sentence for users of the interface.
    pub(crate) fn sentence(&self, whm: bool, function: &str) -> String {
        let (code, field) = match self {
            ReplyError::Sentence(sentence) => return sentence.clone(),
            ReplyError::Coded { code, field } => (code, field.as_deref().unwrap_or(implied(code, function))),
        };
        let matching = |line: &'static str| line.strip_prefix(code.as_str())?.strip_prefix(':');
        let sentence = SENTENCES.split('\n').find_map(matching).unwrap_or(FALLBACK);
        let Some((before, after)) = sentence.split_once('%') else {
            return sentence.into();
        };
        let word = field.split(['.', '[']).next().unwrap_or_default();
        match parameter(whm, word) {
            None => FALLBACK.into(),
            Some(name) => about(before, name, after),
        }
    }
}

/// The field of a code that was given without one.
fn implied(code: &str, function: &str) -> &'static str {
    match code {
        "name_taken" if function == "rename" || function == "api_token_update" => "newName",
        "name_taken" | "token_unknown" => "name",
        _ => "",
    }
}

/// Builds a sentence about a parameter.
pub(crate) fn about(before: &str, parameter: &str, after: &str) -> String {
    let mut sentence = String::from(before);
    let the = if before.is_empty() { "The" } else { "the" };
    for part in [the, " parameter \"", parameter, "\"", after] {
        sentence.push_str(part);
    }
    sentence
}
