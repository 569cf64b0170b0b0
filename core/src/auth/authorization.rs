//! What a request presents: the `Authorization` header, or its fields. OPERATIONS.md, Authorization and Credentials.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Serialize, Serializer};

use super::credentials::{Credentials, Field, Room};
use super::scheme::{Credential, parse};
use crate::base::error::Error;
use crate::base::reason::Reason;
use crate::json::decoder::{Fields, FromValue, wrong_type};
use crate::json::value::Value;
use crate::token::secret::SecretString;

/// The values of a request's `Authorization` fields. `Debug` doesn't show them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Authorization {
    /// No such field.
    #[default]
    None,
    /// One field.
    One(SecretString),
    /// Several fields, or one given as a list.
    Many(Vec<SecretString>),
    /// The fields of the request, in which other credentials may be accepted.
    Fields(Box<RequestFields>),
}

/// The header fields of a request, and the credentials that are accepted in them. `Debug` doesn't show the values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RequestFields {
    /// The credentials; the usual ones if omitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Vec<String>>,
    /// Names and values: of every field, or at least of those that the operation `credentials` names.
    pub fields: Vec<(String, SecretString)>,
}

impl FromValue for RequestFields {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let request = RequestFields {
            credentials: fields.optional("credentials"),
            fields: fields.required("fields"),
        };
        fields.finish()?;
        Ok(request)
    }
}

impl FromValue for (String, SecretString) {
    fn from_value(value: Value) -> Result<Self, Error> {
        let (name, value) = <(String, Value)>::from_value(value)?;
        Ok((name, SecretString::from_value(value)?))
    }
}

impl Authorization {
    /// The credentials that are accepted.
    ///
    /// # Errors
    /// `credentials_invalid`, at `authorization`.
    pub(crate) fn accepted(&self) -> Result<Credentials, Error> {
        let chosen = match self {
            Authorization::Fields(request) => request.credentials.as_deref(),
            _ => None,
        };
        Credentials::read(chosen).map_err(|error| error.under("authorization"))
    }

    /// Parses the credential that is presented.
    pub(crate) fn read<'h>(&'h self, accepted: &Credentials, room: &'h mut Room) -> Result<Credential<'h>, Reason> {
        let value = match self {
            Authorization::None => return Err(Reason::HeaderMissing),
            Authorization::One(value) => value,
            Authorization::Many(values) => match values.as_slice() {
                [] => return Err(Reason::HeaderMissing),
                [value] => value,
                _ => return Err(Reason::HeaderRepeated),
            },
            Authorization::Fields(request) => {
                let field = |(name, value): &'h (String, SecretString)| (name.as_bytes(), value.expose().as_bytes());
                let fields: Vec<Field<'h>> = request.fields.iter().map(field).collect();
                return accepted.find(&fields, room);
            }
        };
        parse(value.expose().as_bytes())
    }
}

impl From<&str> for Authorization {
    fn from(value: &str) -> Self {
        Authorization::One(value.into())
    }
}

impl Serialize for Authorization {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Authorization::None => serializer.serialize_unit(),
            Authorization::One(value) => value.serialize(serializer),
            Authorization::Many(values) => values.serialize(serializer),
            Authorization::Fields(request) => request.serialize(serializer),
        }
    }
}

impl FromValue for Authorization {
    fn from_value(value: Value) -> Result<Self, Error> {
        match value {
            Value::Null => Ok(Authorization::None),
            Value::String(text) => Ok(Authorization::One(SecretString::new(text))),
            Value::Array(_) => Vec::from_value(value).map(Authorization::Many),
            Value::Object(_) => {
                RequestFields::from_value(value).map(|request| Authorization::Fields(Box::new(request)))
            }
            other => Err(wrong_type("a string, an array of strings, fields or null", &other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_field() {
        assert_eq!(Authorization::from("Bearer x"), Authorization::One("Bearer x".into()));
        assert_eq!(Authorization::from(""), Authorization::One("".into()));
    }
}
