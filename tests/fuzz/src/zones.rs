//! Time zones, read in UTC only: no library is asked for a local time here.

use chrono::{DateTime, NaiveDate, Offset, TimeZone};
use chrono_tz::Tz;

/// The offset of a zone in seconds east of UTC, at an instant.
pub fn east(zone: Tz, at: i64) -> i64 {
    let at = DateTime::from_timestamp(at, 0)
        .expect("an instant in range")
        .naive_utc();
    zone.offset_from_utc_datetime(&at).fix().local_minus_utc().into()
}

/// A zone in the form of a request.
#[derive(Clone, Debug)]
pub struct Table {
    pub offset: i64,
    pub transitions: Vec<(i64, i64)>,
}

impl Table {
    /// The part of a zone between two instants.
    pub fn of(zone: Tz, from: i64, to: i64) -> Table {
        let (mut at, mut offset) = (from, east(zone, from));
        let mut table = Table {
            offset,
            transitions: Vec::new(),
        };
        while at < to {
            let next = at + 43_200;
            let then = east(zone, next);
            if then != offset {
                let (mut before, mut after) = (at, next);
                while after - before > 1 {
                    let middle = before + (after - before) / 2;
                    if east(zone, middle) == offset {
                        before = middle;
                    } else {
                        after = middle;
                    }
                }
                table.transitions.push((after, then));
            }
            (at, offset) = (next, then);
        }
        table
    }

    /// The offset at an instant.
    pub fn east(&self, at: i64) -> i64 {
        let earlier = self.transitions.iter().rev().find(|(from, _)| *from <= at);
        earlier.map_or(self.offset, |(_, offset)| *offset)
    }

    /// The instants at which clocks show 23:59:59 of a date.
    pub fn shown(&self, date: NaiveDate) -> Vec<i64> {
        let local = local(date);
        let offsets = std::iter::once(self.offset).chain(self.transitions.iter().map(|(_, offset)| *offset));
        let instants = offsets.map(|offset| (local - offset, offset));
        instants
            .filter(|(at, offset)| self.east(*at) == *offset)
            .map(|(at, _)| at)
            .collect()
    }

    /// If clocks skip 23:59:59 of a date at one change: the instant at which they would have shown it without the change.
    pub fn skipped(&self, date: NaiveDate) -> Option<i64> {
        let local = local(date);
        let mut before = self.offset;
        let mut found = None;
        for (change, then) in &self.transitions {
            if local - before >= *change && local < change + then {
                found = Some(local - before);
            }
            before = *then;
        }
        found
    }
}

fn local(date: NaiveDate) -> i64 {
    date.and_hms_opt(23, 59, 59)
        .expect("a time of day")
        .and_utc()
        .timestamp()
}
