//! A statement and its parameters, before they are bound for one kind of database.

use std::borrow::Cow;

use serde::Serialize;

use crate::store::error::StoreError;

/// A parameter. It has no `Debug`, because some are secret.
pub(in crate::store) enum Value {
    Truth(bool),
    Number(Option<i64>),
    /// A text as it is stored.
    Text(Option<String>),
    /// A text to look up. It may come from outside and contain what the database cannot store.
    Key(String),
    Numbers(Vec<i64>),
    /// Texts to look up.
    Keys(Vec<String>),
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Truth(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Number(Some(value))
    }
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Value {
        Value::Number(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::Text(Some(value.to_owned()))
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Value {
        Value::Text(Some(value.clone()))
    }
}

impl From<Option<&str>> for Value {
    fn from(value: Option<&str>) -> Value {
        Value::Text(value.map(str::to_owned))
    }
}

impl From<&[i64]> for Value {
    fn from(value: &[i64]) -> Value {
        Value::Numbers(value.to_owned())
    }
}

/// A statement and its parameters, `$1` first.
pub(in crate::store) struct Statement {
    /// Composed of constants only: everything else is a parameter.
    pub sql: Cow<'static, str>,
    pub values: Vec<Value>,
}

impl Statement {
    pub fn new(sql: impl Into<Cow<'static, str>>) -> Statement {
        Statement {
            sql: sql.into(),
            values: Vec::new(),
        }
    }

    /// Adds the next parameter.
    pub fn bind(mut self, value: impl Into<Value>) -> Statement {
        self.values.push(value.into());
        self
    }

    /// Adds a text to look up.
    pub fn key(self, key: &str) -> Statement {
        self.bind(Value::Key(key.to_owned()))
    }

    /// Adds texts to look up, for [`super::Dialect::one_of`].
    pub fn keys(self, keys: &[String]) -> Statement {
        self.bind(Value::Keys(keys.to_owned()))
    }

    /// Adds a value as JSON text.
    pub fn json(self, value: &(impl Serialize + ?Sized)) -> Result<Statement, StoreError> {
        Ok(self.bind(Value::Text(Some(to_json(value)?))))
    }
}

pub(in crate::store) fn to_json(value: &(impl Serialize + ?Sized)) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Failed(error.to_string()))
}
