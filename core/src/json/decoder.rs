//! Decodes a [`Value`] into a typed request, and reports errors by code and path. Written by hand: derived decoders
//! would be half of the module.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::value::{Value, check_depth};
use crate::base::error::{Error, ErrorCode};

/// A type that can be decoded from a value.
pub(crate) trait FromValue: Sized {
    /// # Errors
    /// Coded errors, with the path from this value on.
    fn from_value(value: Value) -> Result<Self, Error>;
}

/// Decodes a request that doesn't come through the dispatcher, such as the input of a table.
pub(crate) fn decode_checked<T: FromValue>(request: Value) -> Result<T, Error> {
    check_depth(&request)?;
    T::from_value(request)
}

/// A value of the wrong type. The message names the expected and the actual type, never the value.
pub(crate) fn wrong_type(expected: &str, got: &Value) -> Error {
    Error::new(
        ErrorCode::TypeInvalid,
        format!("expected {expected}, got {}", got.kind()),
    )
}

/// A string that isn't among those allowed.
pub(crate) fn not_among(expected: &str) -> Error {
    Error::new(ErrorCode::ValueInvalid, format!("expected {expected}"))
}

/// The fields of an object, taken one by one. The first error is kept and returned at the end: stopping at each field
/// would duplicate the code that drops the fields before it. After an error the returned values are meaningless.
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

    /// Takes a required field.
    pub(crate) fn required<T: FromValue + Default>(&mut self, key: &str) -> T {
        let value = self.take_given(key);
        self.read(value, key).unwrap_or_default()
    }

    /// Takes a required field that may be null.
    pub(crate) fn nullable<T: FromValue>(&mut self, key: &str) -> Option<T> {
        let value = self.take_given(key).filter(|value| *value != Value::Null);
        self.read(value, key)
    }

    /// Takes an optional field that may not be null.
    pub(crate) fn optional<T: FromValue>(&mut self, key: &str) -> Option<T> {
        let value = self.take(key);
        self.read(value, key)
    }

    /// Takes an optional field that may be null.
    pub(crate) fn optional_or_null<T: FromValue>(&mut self, key: &str) -> Option<T> {
        let value = self.take(key).filter(|value| *value != Value::Null);
        self.read(value, key)
    }

    /// Takes an optional field with a default.
    pub(crate) fn or<T: FromValue>(&mut self, key: &str, default: T) -> T {
        self.optional(key).unwrap_or(default)
    }

    /// Takes all remaining fields.
    pub(crate) fn rest(&mut self) -> Vec<(String, Value)> {
        core::mem::take(&mut self.entries)
    }

    /// # Errors
    /// The first error so far.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        self.fault.take().map_or(Ok(()), Err)
    }

    /// # Errors
    /// The first error, or `field_unknown` for a field that wasn't taken.
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

impl FromValue for (String, Value) {
    fn from_value(value: Value) -> Result<Self, Error> {
        match value {
            Value::Array(mut pair) if pair.len() == 2 => match (pair.pop(), pair.pop()) {
                (Some(value), Some(Value::String(key))) => Ok((key, value)),
                _ => Err(wrong_type("a key and its value", &Value::Null)),
            },
            other => Err(wrong_type("a key and its value", &other)),
        }
    }
}

/// Implements `FromValue` for an enum of words.
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

/// Implements `Deserialize`, for hosts, with the decoder that the module uses.
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
