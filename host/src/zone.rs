//! The server's time zone: looked up by name and passed to the module as a table of transitions.

use std::path::Path;

use chrono::{DateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;
use tokenlatch_core::Zone;

use crate::error::EnvironmentError;

const DAY: i64 = 86_400;

/// How many years ahead the table reaches. The module takes at most 1,000 transitions; no zone has more than a few a year.
const YEARS_AHEAD: i64 = 60;

/// A time zone of the IANA database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerZone(Tz);

impl ServerZone {
    /// UTC.
    pub const UTC: ServerZone = ServerZone(Tz::UTC);

    /// Looks up a zone by its IANA name, such as `Europe/Berlin`.
    ///
    /// # Errors
    /// [`EnvironmentError::ZoneUnknown`] if the database has no such zone.
    pub fn named(name: &str) -> Result<ServerZone, EnvironmentError> {
        name.parse()
            .map(ServerZone)
            .map_err(|_| EnvironmentError::ZoneUnknown(name.to_owned()))
    }

    /// Returns the system's zone: the variable `TZ`, else the system's setting. Without either it is UTC, as in the C
    /// library.
    ///
    /// # Errors
    /// [`EnvironmentError::ZoneUnavailable`] if the setting does not name a zone of the database.
    pub fn of_system() -> Result<ServerZone, EnvironmentError> {
        let unavailable = |why: String| EnvironmentError::ZoneUnavailable(why);
        if let Some(set) = std::env::var_os("TZ").filter(|set| !set.is_empty()) {
            let set = set.to_string_lossy();
            let name = set.strip_prefix(':').unwrap_or(&set);
            return ServerZone::named(name).map_err(|_| unavailable(format!("TZ is `{name}`")));
        }
        match iana_time_zone::get_timezone() {
            Ok(name) => ServerZone::named(&name).map_err(|_| unavailable(format!("it is set to `{name}`"))),
            Err(_) if cfg!(unix) && !Path::new("/etc/localtime").exists() => Ok(ServerZone::UTC),
            Err(error) => Err(unavailable(error.to_string())),
        }
    }

    /// The zone's IANA name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Returns the zone as the module needs it: its offset at `now` (Unix seconds), and the transitions of the coming decades.
    #[must_use]
    pub fn table(self, now: i64) -> Zone {
        let mut offset = self.offset(now);
        let first = offset;
        let mut transitions = Vec::new();
        let mut day = now;
        let last = now.saturating_add(YEARS_AHEAD * 366 * DAY);
        while day < last {
            let next = day + DAY;
            let changed = self.offset(next);
            if changed != offset {
                transitions.push((self.first_with(changed, day, next), changed));
                offset = changed;
            }
            day = next;
        }
        Zone::Table {
            offset: first,
            transitions,
        }
    }

    /// Formats a time, given in Unix seconds, as local time in this zone.
    #[must_use]
    pub fn show(self, at: i64) -> String {
        match DateTime::from_timestamp(at, 0) {
            Some(at) => at.with_timezone(&self.0).format("%Y-%m-%d %H:%M:%S %Z").to_string(),
            None => at.to_string(),
        }
    }

    /// Returns the offset at a time, in seconds east of UTC; 0 outside the calendar's range.
    fn offset(self, at: i64) -> i64 {
        let at = DateTime::from_timestamp(at, 0).unwrap_or(DateTime::<Utc>::MAX_UTC);
        self.0
            .offset_from_utc_datetime(&at.naive_utc())
            .fix()
            .local_minus_utc()
            .into()
    }

    /// Returns the first second after `before`, up to and including `after`, that has this offset.
    fn first_with(self, offset: i64, mut before: i64, mut after: i64) -> i64 {
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            if self.offset(middle) == offset {
                after = middle;
            } else {
                before = middle;
            }
        }
        after
    }
}
