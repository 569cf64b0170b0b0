//! Encodes a typed answer as a [`Value`], which both faces of the module write out.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::ser::{Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple};
use serde::{Serialize, Serializer};

use super::value::{MAX_SAFE_INTEGER, Value};
use crate::base::error::{Error, ErrorCode};

/// Encodes an answer as a value.
///
/// # Errors
/// `value_invalid` for unsupported data: numbers that aren't whole and safe, keys that aren't strings.
pub fn encode<T: Serialize>(answer: &T) -> Result<Value, Error> {
    answer.serialize(Encoder).map_err(|Unfit| unfit())
}

impl Error {
    /// Encodes the error as a value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        encode(self).unwrap_or(Value::Null)
    }
}

fn unfit() -> Error {
    Error::new(ErrorCode::ValueInvalid, "the answer holds what can't be written")
}

/// Data that an answer can't hold.
#[derive(Debug)]
struct Unfit;

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("data that no answer holds")
    }
}

impl core::error::Error for Unfit {}

impl serde::ser::Error for Unfit {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Unfit
    }
}

#[derive(Clone, Copy)]
struct Encoder;

/// An array or an object being built.
struct Items(Vec<Value>);
struct Entries(Vec<(String, Value)>, String);

impl Serializer for Encoder {
    type Ok = Value;
    type Error = Unfit;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Impossible<Value, Unfit>;
    type SerializeTupleVariant = Impossible<Value, Unfit>;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Impossible<Value, Unfit>;

    fn serialize_bool(self, value: bool) -> Result<Value, Unfit> {
        Ok(Value::Bool(value))
    }

    fn serialize_i8(self, value: i8) -> Result<Value, Unfit> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<Value, Unfit> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<Value, Unfit> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<Value, Unfit> {
        if value.unsigned_abs() <= MAX_SAFE_INTEGER.unsigned_abs() {
            Ok(Value::Int(value))
        } else {
            Err(Unfit)
        }
    }

    fn serialize_u8(self, value: u8) -> Result<Value, Unfit> {
        self.serialize_i64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<Value, Unfit> {
        self.serialize_i64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<Value, Unfit> {
        self.serialize_i64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<Value, Unfit> {
        self.serialize_i64(i64::try_from(value).map_err(|_| Unfit)?)
    }

    fn serialize_f32(self, _: f32) -> Result<Value, Unfit> {
        Err(Unfit)
    }

    fn serialize_f64(self, _: f64) -> Result<Value, Unfit> {
        Err(Unfit)
    }

    fn serialize_char(self, _: char) -> Result<Value, Unfit> {
        Err(Unfit)
    }

    fn serialize_str(self, value: &str) -> Result<Value, Unfit> {
        Ok(Value::String(value.into()))
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<Value, Unfit> {
        Err(Unfit)
    }

    fn serialize_none(self) -> Result<Value, Unfit> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Unfit> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, Unfit> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, Unfit> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Value, Unfit> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<Value, Unfit> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Value, Unfit> {
        Err(Unfit)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items, Unfit> {
        Ok(Items(Vec::new()))
    }

    fn serialize_tuple(self, _: usize) -> Result<Items, Unfit> {
        Ok(Items(Vec::new()))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Impossible<Value, Unfit>, Unfit> {
        Err(Unfit)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Impossible<Value, Unfit>, Unfit> {
        Err(Unfit)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries, Unfit> {
        Ok(Entries(Vec::new(), String::new()))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries, Unfit> {
        Ok(Entries(Vec::new(), String::new()))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Impossible<Value, Unfit>, Unfit> {
        Err(Unfit)
    }
}

impl SerializeSeq for Items {
    type Ok = Value;
    type Error = Unfit;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Unfit> {
        self.0.push(item.serialize(Encoder)?);
        Ok(())
    }

    fn end(self) -> Result<Value, Unfit> {
        Ok(Value::Array(self.0))
    }
}

impl SerializeTuple for Items {
    type Ok = Value;
    type Error = Unfit;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Unfit> {
        SerializeSeq::serialize_element(self, item)
    }

    fn end(self) -> Result<Value, Unfit> {
        SerializeSeq::end(self)
    }
}

impl SerializeMap for Entries {
    type Ok = Value;
    type Error = Unfit;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unfit> {
        match key.serialize(Encoder)? {
            Value::String(key) => {
                self.1 = key;
                Ok(())
            }
            _ => Err(Unfit),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
        let value = value.serialize(Encoder)?;
        self.0.push((core::mem::take(&mut self.1), value));
        Ok(())
    }

    fn end(self) -> Result<Value, Unfit> {
        Ok(Value::Object(self.0))
    }
}

impl SerializeStruct for Entries {
    type Ok = Value;
    type Error = Unfit;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Unfit> {
        let value = value.serialize(Encoder)?;
        self.0.push((key.into(), value));
        Ok(())
    }

    fn end(self) -> Result<Value, Unfit> {
        Ok(Value::Object(self.0))
    }
}
