//! The oldest table that an edge accepts, and how far clocks may differ.

use serde::Serialize;

use super::head::Head;
use crate::base::error::{Error, ErrorCode};
use crate::json::decoder::{Fields, FromValue};
use crate::json::value::Value;

/// The most seconds by which an edge's clock may be behind the origin's, or behind the latest time that it has shown.
pub const CLOCK_SLACK: i64 = 300;

/// The last table that an edge knows. It accepts nothing older. SNAPSHOT.md, "When a message is taken".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Floor {
    /// Its epoch.
    pub epoch: u64,
    /// Its version.
    pub version: u64,
    /// When it was made, in Unix seconds.
    pub made: i64,
}

impl Floor {
    /// Whether another table is too old to be accepted after this one.
    #[must_use]
    pub fn is_above(&self, table: &Floor) -> bool {
        if table.epoch == self.epoch {
            table.version < self.version || table.made < self.made
        } else {
            table.made <= self.made
        }
    }
}

impl FromValue for Floor {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let mut number = |key: &str| {
            let number: i64 = fields.required(key);
            u64::try_from(number).map_err(|_| Error::at(ErrorCode::ValueInvalid, key, "the number is counted from 0"))
        };
        let (epoch, version) = (number("epoch"), number("version"));
        let made = fields.required("made");
        fields.finish()?;
        Ok(Floor {
            epoch: epoch?,
            version: version?,
            made,
        })
    }
}

impl From<&Head> for Floor {
    fn from(head: &Head) -> Self {
        Floor {
            epoch: head.epoch,
            version: head.version,
            made: head.made,
        }
    }
}

/// Whether a clock is so far behind a time that it must be wrong.
#[inline]
pub(crate) fn is_behind(now: i64, time: i64) -> bool {
    now < time.saturating_sub(CLOCK_SLACK)
}
