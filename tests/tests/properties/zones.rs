//! The zones of the tz database, read in UTC only: no library is asked for a local time here.

use chrono::{NaiveDate, Offset, TimeZone};
use chrono_tz::{TZ_VARIANTS, Tz};
use proptest::prelude::*;

/// A zone: its offset in seconds east of UTC at an instant.
pub(crate) trait East {
    fn east(&self, at: i64) -> i64;
}

impl East for Tz {
    fn east(&self, at: i64) -> i64 {
        let at = chrono::DateTime::from_timestamp(at, 0).unwrap().naive_utc();
        self.offset_from_utc_datetime(&at).fix().local_minus_utc().into()
    }
}

/// A zone in the form of a request.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) offset: i64,
    pub(crate) transitions: Vec<(i64, i64)>,
}

impl East for Table {
    fn east(&self, at: i64) -> i64 {
        let earlier = self.transitions.iter().rev().find(|(from, _)| *from <= at);
        earlier.map_or(self.offset, |(_, offset)| *offset)
    }
}

impl Table {
    /// The part of a zone between two instants.
    pub(crate) fn of(zone: &impl East, from: i64, to: i64) -> Self {
        Table {
            offset: zone.east(from),
            transitions: changes(zone, from, to, 43_200),
        }
    }
}

/// The instants between `from` and `to` at which the offset changes, and the new offsets. Two changes within `step` seconds may
/// be missed.
pub(crate) fn changes(zone: &impl East, from: i64, to: i64, step: i64) -> Vec<(i64, i64)> {
    let mut found = Vec::new();
    let mut at = from;
    let mut offset = zone.east(at);
    while at < to {
        let next = (at + step).min(to);
        let then = zone.east(next);
        if then != offset {
            let (mut before, mut after) = (at, next);
            while after - before > 1 {
                let middle = before + (after - before) / 2;
                if zone.east(middle) == offset {
                    before = middle;
                } else {
                    after = middle;
                }
            }
            found.push((after, then));
        }
        (at, offset) = (next, then);
    }
    found
}

/// 23:59:59 of a date: the last instant at which clocks show it. If clocks skip it, the instant at which they would have shown it
/// without the change.
pub(crate) fn last_second(date: NaiveDate, zone: &impl East) -> i64 {
    // The instant for UTC. The real one is within a day of it.
    let local = date.and_hms_opt(23, 59, 59).unwrap().and_utc().timestamp();
    let (from, to) = (local - 90_000, local + 90_000);
    let mut begins = from;
    let mut offset = zone.east(from);
    let mut shown = None;
    let mut skipped = None;
    for (change, then) in changes(zone, from, to, 900).into_iter().chain([(to, 0)]) {
        let instant = local - offset;
        if (begins..change).contains(&instant) {
            shown = Some(instant);
        }
        // The clock skips it at this change.
        if instant >= change && local < change + then {
            skipped = Some(instant);
        }
        (begins, offset) = (change, then);
    }
    shown.or(skipped).unwrap()
}

/// Any zone, often one whose clocks have changed near midnight or whose calendar lost a day.
pub(crate) fn zone() -> impl Strategy<Value = Tz> {
    use chrono_tz::{Africa, America, Asia, Atlantic, Pacific};
    let midnight = [
        Africa::Cairo,
        Africa::Casablanca,
        Africa::Monrovia,
        America::Asuncion,
        America::Havana,
        America::Nuuk,
        America::Santiago,
        America::Sao_Paulo,
        America::Scoresbysund,
        Asia::Amman,
        Asia::Beirut,
        Asia::Gaza,
        Asia::Kathmandu,
        Asia::Manila,
        Asia::Tehran,
        Atlantic::Azores,
        Pacific::Apia,
        Pacific::Kiritimati,
        Pacific::Kwajalein,
    ];
    prop_oneof![
        prop::sample::select(TZ_VARIANTS.to_vec()),
        prop::sample::select(midnight.to_vec())
    ]
}

/// The dates around the changes of a year, or any of its dates.
pub(crate) fn date_near_a_change(zone: Tz, year: i32) -> impl Strategy<Value = NaiveDate> {
    let first = NaiveDate::from_yo_opt(year, 1).unwrap();
    let start = first.and_hms_opt(0, 0, 0).unwrap().and_utc().timestamp();
    let changes = changes(&zone, start, start + 366 * 86_400, 43_200);
    let mut dates: Vec<NaiveDate> = changes
        .iter()
        .flat_map(|(at, _)| [-1, 0, 1].map(|days| at + days * 86_400))
        .map(|at| chrono::DateTime::from_timestamp(at, 0).unwrap().date_naive())
        .collect();
    dates.push(first);
    let any_day = (0..365_u64).prop_map(move |days| first + chrono::Days::new(days));
    prop_oneof![3 => prop::sample::select(dates), 1 => any_day]
}
