//! Reads the columns of either kind of database.

use sqlx::{ColumnIndex, Decode, Row, Type};

use crate::store::error::StoreError;

/// A row whose columns are read by name as text, integers and booleans.
pub(in crate::store) trait Columns: Sized {
    fn text(&self, name: &str) -> Result<String, StoreError>;
    fn some_text(&self, name: &str) -> Result<Option<String>, StoreError>;
    fn number(&self, name: &str) -> Result<i64, StoreError>;
    fn some_number(&self, name: &str) -> Result<Option<i64>, StoreError>;
    fn truth(&self, name: &str) -> Result<bool, StoreError>;
}

impl<R> Columns for R
where
    R: Row,
    for<'n> &'n str: ColumnIndex<R>,
    for<'v> String: Decode<'v, <R as Row>::Database> + Type<<R as Row>::Database>,
    for<'v> Option<String>: Decode<'v, <R as Row>::Database> + Type<<R as Row>::Database>,
    for<'v> i64: Decode<'v, <R as Row>::Database> + Type<<R as Row>::Database>,
    for<'v> Option<i64>: Decode<'v, <R as Row>::Database> + Type<<R as Row>::Database>,
    for<'v> bool: Decode<'v, <R as Row>::Database> + Type<<R as Row>::Database>,
{
    fn text(&self, name: &str) -> Result<String, StoreError> {
        Ok(self.try_get(name)?)
    }

    fn some_text(&self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(self.try_get(name)?)
    }

    fn number(&self, name: &str) -> Result<i64, StoreError> {
        Ok(self.try_get(name)?)
    }

    fn some_number(&self, name: &str) -> Result<Option<i64>, StoreError> {
        Ok(self.try_get(name)?)
    }

    fn truth(&self, name: &str) -> Result<bool, StoreError> {
        Ok(self.try_get(name)?)
    }
}
