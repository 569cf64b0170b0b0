//! A JSON value, the form in which both faces of the module pass requests.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::error::{Error, ErrorCode};
use crate::base::sort::first_repeat;

/// The largest whole number that every platform represents exactly (RFC 7493, 2.2).
pub const MAX_SAFE_INTEGER: i64 = 9_007_199_254_740_991;

/// The most levels that a request may nest.
pub(crate) const MAX_DEPTH: usize = 16;

/// # Errors
/// `too_deep`.
pub(crate) fn check_depth(request: &Value) -> Result<(), Error> {
    if request.is_deeper_than(MAX_DEPTH) {
        return Err(too_deep());
    }
    Ok(())
}

/// The error of a request that is nested too deeply.
pub(crate) fn too_deep() -> Error {
    Error::new(
        ErrorCode::TooDeep,
        format!("the request is nested deeper than {MAX_DEPTH} levels"),
    )
}

/// The error of an object with a repeated key.
pub(crate) fn key_repeated(key: &str) -> Error {
    Error::at(ErrorCode::FieldDuplicate, key, "the key is given twice")
}

/// A JSON value. `Debug` shows only its type, because a request may hold secrets.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number within ±(2⁵³ − 1), however it was written (`1`, `1.0`, `1e0`).
    Int(i64),
    /// Any other number. No operation takes one, so its value is discarded. It is written as an unsafe integer, so
    /// that a reader rejects it too.
    OtherNumber,
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Value>),
    /// An object in the order given, with distinct keys.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// Converts a number: a whole and safe one is an integer, any other is [`Value::OtherNumber`].
    #[must_use]
    pub fn number(number: f64) -> Value {
        // Every whole number up to 2^53 - 1 is exact in an `f64`, so the casts lose nothing.
        #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
        let whole = number as i64;
        #[expect(clippy::cast_precision_loss, reason = "only compared when in range")]
        if whole.unsigned_abs() <= MAX_SAFE_INTEGER.unsigned_abs() && whole as f64 == number {
            Value::Int(whole)
        } else {
            Value::OtherNumber
        }
    }

    /// The type of the value, for messages; the value itself may be a secret.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Int(_) => "a number",
            Value::OtherNumber => "a number that isn't a safe integer",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        }
    }

    /// The value of a key, if this is an object that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Object(entries) => entries.iter().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// Removes a key from an object and returns its value.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Value> {
        match self {
            Value::Object(entries) => {
                let at = entries.iter().position(|(k, _)| k == key)?;
                Some(entries.remove(at).1)
            }
            _ => None,
        }
    }

    /// Whether it contains a number that isn't whole and safe.
    pub(crate) fn holds_unsafe_number(&self) -> bool {
        match self {
            Value::OtherNumber => true,
            Value::Array(items) => items.iter().any(Value::holds_unsafe_number),
            Value::Object(entries) => entries.iter().any(|(_, value)| value.holds_unsafe_number()),
            _ => false,
        }
    }

    /// Whether arrays and objects are nested more than `levels` deep.
    pub(crate) fn is_deeper_than(&self, levels: usize) -> bool {
        match (self, levels.checked_sub(1)) {
            (Value::Array(_) | Value::Object(_), None) => true,
            (Value::Array(items), Some(left)) => items.iter().any(|item| item.is_deeper_than(left)),
            (Value::Object(entries), Some(left)) => entries.iter().any(|(_, item)| item.is_deeper_than(left)),
            _ => false,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({})", self.kind())
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::OtherNumber => serializer.serialize_i64(i64::MAX),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(value) => serializer.serialize_i64(*value),
            Value::String(value) => serializer.serialize_str(value),
            Value::Array(items) => serializer.collect_seq(items),
            Value::Object(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fault = RefCell::new(None);
        let value = ValueVisitor::root(&fault).deserialize(deserializer)?;
        fault.take().map_or(Ok(value), |error| Err(D::Error::custom(error)))
    }
}

/// Deserialises a value for a host, with at most `left` more levels. A parser's own error type can't carry the codes
/// of this crate, and another error type would add kilobytes to the module, so an error is stored in `fault`; the
/// value is then meaningless.
#[derive(Clone, Copy)]
struct ValueVisitor<'f> {
    left: usize,
    fault: &'f RefCell<Option<Error>>,
}

impl<'f> ValueVisitor<'f> {
    fn root(fault: &'f RefCell<Option<Error>>) -> Self {
        ValueVisitor { left: MAX_DEPTH, fault }
    }

    fn fail(self, error: Error) -> Value {
        self.fault.borrow_mut().get_or_insert(error);
        Value::Null
    }

    /// The visitor for the next level; `None` at the deepest.
    fn inner(self) -> Option<Self> {
        self.left.checked_sub(1).map(|left| ValueVisitor { left, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for ValueVisitor<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueVisitor<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        if value.unsigned_abs() <= MAX_SAFE_INTEGER.unsigned_abs() {
            Ok(Value::Int(value))
        } else {
            Ok(Value::OtherNumber)
        }
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        match i64::try_from(value) {
            Ok(value) if value <= MAX_SAFE_INTEGER => Ok(Value::Int(value)),
            _ => Ok(Value::OtherNumber),
        }
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let Some(inner) = self.inner() else {
            return Ok(self.fail(too_deep()));
        };
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let Some(inner) = self.inner() else {
            return Ok(self.fail(too_deep()));
        };
        let mut object: Vec<(String, Value)> = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            object.push((key, map.next_value_seed(inner)?));
        }
        let repeated = first_repeat(object.len(), &|at| object.get(at).map(|(key, _)| key.as_str()));
        if let Some((key, _)) = repeated.and_then(|at| object.get(at)) {
            return Ok(self.fail(key_repeated(key)));
        }
        Ok(Value::Object(object))
    }
}
