//! From a [`Value`] to a typed request, with the path and the code of whatever is wrong. Written out rather than derived:
//! the derived readers would be half of the module.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::value::{Value, too_deep};
use crate::base::error::{Error, ErrorCode};

/// A type that a request holds.
pub(crate) trait FromValue: Sized {
    /// # Errors
    /// Coded, with the path from this value on.
    fn from_value(value: Value) -> Result<Self, Error>;
}

/// Decodes a request that stands alone: the input of a table.
pub(crate) fn decode_checked<T: FromValue>(request: Value) -> Result<T, Error> {
    if request.is_too_deep() {
        return Err(too_deep());
    }
    T::from_value(request)
}

/// A value of the wrong type: it says which was expected and which came, never the value.
pub(crate) fn wrong_type(expected: &str, got: &Value) -> Error {
    Error::new(
        ErrorCode::TypeInvalid,
        format!("expected {expected}, got {}", got.kind()),
    )
}

/// A string outside a closed set.
pub(crate) fn not_among(expected: &str) -> Error {
    Error::new(ErrorCode::ValueInvalid, format!("expected {expected}"))
}

/// The fields of an object, taken one by one. The first fault is kept, and told at the end: code that stops at each field would
/// have to drop all those before it in as many places. After a fault the values handed out mean nothing.
pub(crate) struct Fields {
    entries: Vec<(String, Value)>,
    fault: Option<Error>,
}

impl Fields {
    /// # Errors
    /// `type_invalid` for anything but an object.
    pub(crate) fn of(value: Value) -> Result<Self, Error> {
        match value {
            Value::Object(entries) => Ok(Fields { entries, fault: None }),
            other => Err(wrong_type("an object", &other)),
        }
    }

    fn take(&mut self, key: &str) -> Option<Value> {
        let at = self.entries.iter().position(|(known, _)| known == key)?;
        Some(self.entries.swap_remove(at).1)
    }

    fn take_given(&mut self, key: &str) -> Option<Value> {
        let value = self.take(key);
        if value.is_none() {
            self.fail(Error::missing(key));
        }
        value
    }

    fn fail(&mut self, error: Error) {
        self.fault.get_or_insert(error);
    }

    fn read<T: FromValue>(&mut self, value: Option<Value>, key: &str) -> Option<T> {
        match T::from_value(value?) {
            Ok(value) => Some(value),
            Err(error) => {
                self.fail(error.under(key));
                None
            }
        }
    }

    /// A field that must be given.
    pub(crate) fn required<T: FromValue + Default>(&mut self, key: &str) -> T {
        let value = self.take_given(key);
        self.read(value, key).unwrap_or_default()
    }

    /// A field that may be null, but not left out.
    pub(crate) fn nullable<T: FromValue>(&mut self, key: &str) -> Option<T> {
        let value = self.take_given(key).filter(|value| *value != Value::Null);
        self.read(value, key)
    }

    /// A field that may be left out, but isn't null when given.
    pub(crate) fn optional<T: FromValue>(&mut self, key: &str) -> Option<T> {
        let value = self.take(key);
        self.read(value, key)
    }

    /// A field that may be null or left out.
    pub(crate) fn optional_or_null<T: FromValue>(&mut self, key: &str) -> Option<T> {
        let value = self.take(key).filter(|value| *value != Value::Null);
        self.read(value, key)
    }

    /// A field with a default.
    pub(crate) fn or<T: FromValue>(&mut self, key: &str, default: T) -> T {
        self.optional(key).unwrap_or(default)
    }

    /// What nobody took.
    pub(crate) fn rest(&mut self) -> Vec<(String, Value)> {
        core::mem::take(&mut self.entries)
    }

    /// # Errors
    /// The first fault until now.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        self.fault.take().map_or(Ok(()), Err)
    }

    /// # Errors
    /// The first fault, or `field_unknown` for a field that nobody took.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        self.check()?;
        match self.entries.first() {
            None => Ok(()),
            Some((key, _)) => Err(Error::at(ErrorCode::FieldUnknown, key, "the field isn't known here")),
        }
    }
}

impl FromValue for Value {
    fn from_value(value: Value) -> Result<Self, Error> {
        Ok(value)
    }
}

impl FromValue for bool {
    fn from_value(value: Value) -> Result<Self, Error> {
        match value {
            Value::Bool(value) => Ok(value),
            other => Err(wrong_type("true or false", &other)),
        }
    }
}

impl FromValue for i64 {
    fn from_value(value: Value) -> Result<Self, Error> {
        match value {
            Value::Int(value) => Ok(value),
            other => Err(wrong_type("a whole number", &other)),
        }
    }
}

impl FromValue for String {
    fn from_value(value: Value) -> Result<Self, Error> {
        match value {
            Value::String(value) => Ok(value),
            other => Err(wrong_type("a string", &other)),
        }
    }
}

impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(value: Value) -> Result<Self, Error> {
        let Value::Array(items) = value else {
            return Err(wrong_type("an array", &value));
        };
        let mut list = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            list.push(T::from_value(item).map_err(|error| error.under_index(index))?);
        }
        Ok(list)
    }
}

/// `FromValue` for an enum of plain words.
macro_rules! words {
    ($type:ty, $expected:literal, { $($text:literal => $value:expr,)* }) => {
        impl $crate::json::decoder::FromValue for $type {
            fn from_value(value: $crate::json::value::Value) -> Result<Self, $crate::base::error::Error> {
                match &value {
                    $crate::json::value::Value::String(text) => match text.as_str() {
                        $($text => Ok($value),)*
                        _ => Err($crate::json::decoder::not_among($expected)),
                    },
                    other => Err($crate::json::decoder::wrong_type($expected, other)),
                }
            }
        }
    };
}
pub(crate) use words;

/// `Deserialize` for hosts, by the one reader that the module uses.
macro_rules! deserialize_by_value {
    ($type:ty) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = $crate::json::value::Value::deserialize(deserializer)?;
                <$type as $crate::json::decoder::FromValue>::from_value(value).map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use deserialize_by_value;
