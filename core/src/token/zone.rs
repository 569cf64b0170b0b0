//! Time zones, given by the host as a table of transitions: the crate knows no zone by name.

use alloc::string::String;
use alloc::vec::Vec;

use chrono::{FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::base::error::{Error, ErrorCode};
use crate::json::decoder::{Fields, FromValue, wrong_type};
use crate::json::value::Value;

const MAX_TRANSITIONS: usize = 1_000;

/// The server's time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Zone {
    /// `UTC`, `+HH:MM` or `-HH:MM`.
    Fixed(String),
    /// Seconds east of UTC, and their changes.
    Table {
        /// The offset before the first transition.
        offset: i64,
        /// The time of each transition in Unix seconds, strictly rising, and the offset from then on.
        transitions: Vec<(i64, i64)>,
    },
}

impl Default for Zone {
    fn default() -> Self {
        Zone::Fixed("UTC".into())
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Zone::Fixed(text) => serializer.serialize_str(text),
            Zone::Table { offset, transitions } => {
                let mut object = serializer.serialize_struct("Zone", 2)?;
                object.serialize_field("offset", offset)?;
                object.serialize_field("transitions", transitions)?;
                object.end()
            }
        }
    }
}

impl FromValue for Zone {
    fn from_value(value: Value) -> Result<Self, Error> {
        match value {
            Value::String(text) => Ok(Zone::Fixed(text)),
            Value::Object(_) => {
                let mut fields = Fields::of(value)?;
                let zone = Zone::Table {
                    offset: fields.required("offset"),
                    transitions: fields.required("transitions"),
                };
                fields.finish()?;
                Ok(zone)
            }
            other => Err(wrong_type(
                "`UTC`, an offset such as `+02:00`, or an object with `offset` and `transitions`",
                &other,
            )),
        }
    }
}

/// A transition: its time and the offset from then on.
impl FromValue for (i64, i64) {
    fn from_value(value: Value) -> Result<Self, Error> {
        match Vec::from_value(value)?.as_slice() {
            [at, offset] => Ok((*at, *offset)),
            _ => Err(Error::new(
                ErrorCode::ValueInvalid,
                "expected two numbers: an instant and an offset",
            )),
        }
    }
}

impl Zone {
    /// # Errors
    /// `zone_invalid`, at the field `zone`.
    pub(crate) fn resolve(&self) -> Result<ResolvedZone, Error> {
        let resolved = match self {
            Zone::Fixed(text) => fixed(text).map(|offset| ResolvedZone {
                offset,
                transitions: Vec::new(),
            }),
            Zone::Table { offset, transitions } => table(*offset, transitions),
        };
        resolved.ok_or_else(|| {
            Error::at(
                ErrorCode::ZoneInvalid,
                "zone",
                "a zone is `UTC`, an offset such as `+02:00`, or a table of at most 1,000 rising transitions with offsets within 24 hours",
            )
        })
    }
}

fn fixed(text: &str) -> Option<FixedOffset> {
    if text == "UTC" {
        return FixedOffset::east_opt(0);
    }
    let bytes: [u8; 6] = text.as_bytes().try_into().ok()?;
    let [sign, h1, h0, b':', m1, m0] = bytes else {
        return None;
    };
    let digit = |byte: u8| char::from(byte).to_digit(10);
    let hours = digit(h1)?.checked_mul(10)?.checked_add(digit(h0)?)?;
    let minutes = digit(m1)?.checked_mul(10)?.checked_add(digit(m0)?)?;
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = i32::try_from(hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?).ok()?;
    match sign {
        b'+' => FixedOffset::east_opt(seconds),
        b'-' => FixedOffset::west_opt(seconds),
        _ => None,
    }
}

fn table(offset: i64, transitions: &[(i64, i64)]) -> Option<ResolvedZone> {
    let east = |offset: i64| i32::try_from(offset).ok().and_then(FixedOffset::east_opt);
    let rising = transitions
        .iter()
        .zip(transitions.iter().skip(1))
        .all(|((a, _), (b, _))| a < b);
    if transitions.len() > MAX_TRANSITIONS || !rising {
        return None;
    }
    let mut resolved = ResolvedZone {
        offset: east(offset)?,
        transitions: Vec::with_capacity(transitions.len()),
    };
    for (at, offset) in transitions {
        resolved.transitions.push((*at, east(*offset)?));
    }
    Some(resolved)
}

/// A zone in the form that `chrono` uses.
#[derive(Clone, Debug)]
pub(crate) struct ResolvedZone {
    offset: FixedOffset,
    transitions: Vec<(i64, FixedOffset)>,
}

impl ResolvedZone {
    fn at(&self, instant: i64) -> FixedOffset {
        let after = self.transitions.partition_point(|(at, _)| *at <= instant);
        match after.checked_sub(1).and_then(|last| self.transitions.get(last)) {
            Some((_, offset)) => *offset,
            None => self.offset,
        }
    }
}

impl TimeZone for ResolvedZone {
    type Offset = FixedOffset;

    fn from_offset(offset: &FixedOffset) -> Self {
        ResolvedZone {
            offset: *offset,
            transitions: Vec::new(),
        }
    }

    fn offset_from_local_date(&self, local: &NaiveDate) -> MappedLocalTime<FixedOffset> {
        self.offset_from_local_datetime(&local.and_time(NaiveTime::MIN))
    }

    fn offset_from_local_datetime(&self, local: &NaiveDateTime) -> MappedLocalTime<FixedOffset> {
        let offsets = core::iter::once(self.offset).chain(self.transitions.iter().map(|(_, offset)| *offset));
        let mut shown: Option<[(NaiveDateTime, FixedOffset); 2]> = None;
        for offset in offsets {
            let east = TimeDelta::seconds(offset.local_minus_utc().into());
            let Some(utc) = local.checked_sub_signed(east) else {
                continue;
            };
            if self.at(utc.and_utc().timestamp()) != offset {
                continue;
            }
            // A table may show a time more than twice, and list an offset again after others.
            let [earliest, latest] = shown.unwrap_or([(utc, offset); 2]);
            shown = Some([
                if utc < earliest.0 { (utc, offset) } else { earliest },
                if utc > latest.0 { (utc, offset) } else { latest },
            ]);
        }
        match shown {
            None => MappedLocalTime::None,
            Some([(first, offset), (last, _)]) if first == last => MappedLocalTime::Single(offset),
            Some([(_, earliest), (_, latest)]) => MappedLocalTime::Ambiguous(earliest, latest),
        }
    }

    fn offset_from_utc_date(&self, utc: &NaiveDate) -> FixedOffset {
        self.offset_from_utc_datetime(&utc.and_time(NaiveTime::MIN))
    }

    fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> FixedOffset {
        self.at(utc.and_utc().timestamp())
    }
}

/// The offset in seconds east of UTC.
pub(crate) fn east(offset: &impl Offset) -> i64 {
    offset.fix().local_minus_utc().into()
}
