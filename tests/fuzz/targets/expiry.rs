//! An expiry means the instant that its kind has: seconds as they are, a timestamp as chrono reads it, a date its last
//! second in the zone, found by looking at every instant in UTC. Later dates expire later.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use chrono::{DateTime, Days, NaiveDate};
use chrono_tz::TZ_VARIANTS;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use tokenlatch_fuzz::answer::{ask, code};
use tokenlatch_fuzz::origin::NOW;
use tokenlatch_fuzz::zones::Table;

const DAY: i64 = 86_400;
const MAX_TIME: i64 = 253_402_300_799;

#[derive(Arbitrary, Debug)]
enum Input<'a> {
    /// A date near a change of a zone of the tz database.
    Named {
        zone: u16,
        year: u8,
        change: u8,
        days: i8,
    },
    /// Any table, often with changes near the date.
    Table {
        offset: i32,
        changes: Vec<(i32, i32)>,
        days: u16,
    },
    /// A fixed zone and any text.
    Text {
        zone: &'a str,
        text: &'a str,
    },
    Seconds(i64),
}

fuzz_target!(|data: &[u8]| {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else {
        return;
    };
    match input {
        Input::Named {
            zone,
            year,
            change,
            days,
        } => named(zone, year, change, days),
        Input::Table { offset, changes, days } => table(offset, &changes, days),
        Input::Text { zone, text } => any(zone, text),
        Input::Seconds(seconds) => {
            let expected = in_range(seconds).map(|seconds| json!(seconds));
            assert_eq!(expiry(NOW, &json!(seconds), &json!("UTC")), expected);
        }
    }
});

/// What `validate` makes of an expiry, or the code of its problem.
fn expiry(now: i64, expires: &Value, zone: &Value) -> Result<Value, String> {
    let answer = ask(&json!({"op": "validate", "now": now, "expires": expires, "zone": zone}));
    if answer.get("error").is_some() {
        return Err(code(&answer).to_owned());
    }
    match answer["ok"]["problems"][0]["code"].as_str() {
        Some(code) => Err(code.to_owned()),
        None => Ok(answer["ok"]["expires"].clone()),
    }
}

fn in_range(at: i64) -> Result<i64, String> {
    if at.unsigned_abs() > 9_007_199_254_740_991 {
        Err("type_invalid".into())
    } else if at > MAX_TIME {
        Err("expiry_out_of_range".into())
    } else if at <= NOW {
        Err("expiry_past".into())
    } else {
        Ok(at)
    }
}

fn named(zone: u16, year: u8, change: u8, days: i8) {
    let zone = TZ_VARIANTS[usize::from(zone) % TZ_VARIANTS.len()];
    let first = NaiveDate::from_yo_opt(2027 + i32::from(year % 64), 1).expect("a year in range");
    let start = first.and_hms_opt(0, 0, 0).expect("midnight").and_utc().timestamp();
    let table = Table::of(zone, start - 8 * DAY, start + 374 * DAY);
    let near = table
        .transitions
        .get(usize::from(change) % (table.transitions.len() + 1));
    let near = near.map_or(start + 180 * DAY, |(at, _)| *at) + i64::from(days % 4) * DAY;
    let date = DateTime::from_timestamp(near, 0).expect("in range").date_naive();
    let now = start - 7 * DAY;
    let given = json!({"offset": table.offset, "transitions": table.transitions});
    let at = |date: NaiveDate| {
        let found = expiry(now, &json!(date.to_string()), &given).expect("a date in the future");
        let found = found.as_i64().expect("an instant");
        let expected = table.shown(date).into_iter().max().or_else(|| table.skipped(date));
        assert_eq!(Some(found), expected, "{zone}, {date}");
        found
    };
    let next = date.checked_add_days(Days::new(1)).expect("in range");
    assert!(at(date) <= at(next), "{zone}, {date}: the next day ends earlier");
}

fn table(offset: i32, changes: &[(i32, i32)], days: u16) {
    let offset = i64::from(offset) % DAY;
    let date = DateTime::from_timestamp(NOW, 0).expect("in range").date_naive();
    let date = date
        .checked_add_days(Days::new(2 + u64::from(days % 400)))
        .expect("in range");
    let end = date
        .and_hms_opt(23, 59, 59)
        .expect("a time of day")
        .and_utc()
        .timestamp();
    let mut transitions: Vec<(i64, i64)> = changes
        .iter()
        .take(6)
        .map(|(at, offset)| (end + i64::from(*at) % (2 * DAY), i64::from(*offset) % DAY))
        .collect();
    transitions.sort_unstable();
    transitions.dedup_by_key(|(at, _)| *at);
    let table = Table { offset, transitions };
    let given = json!({"offset": table.offset, "transitions": table.transitions});
    let found = expiry(NOW, &json!(date.to_string()), &given).expect("a date in the future");
    let found = found.as_i64().expect("an instant");
    match table.shown(date).into_iter().max() {
        Some(expected) => assert_eq!(found, expected, "{table:?}, {date}"),
        // Clocks skip it, perhaps by several changes: it is the local time by one of the offsets.
        None => {
            let mut offsets = std::iter::once(table.offset).chain(table.transitions.iter().map(|(_, offset)| *offset));
            assert!(offsets.any(|offset| end - offset == found), "{table:?}, {date}");
        }
    }
}

fn any(zone: &str, text: &str) {
    let found = expiry(NOW, &json!(text), &json!(zone));
    let fixed = fixed(zone);
    let Some(offset) = fixed else {
        assert_eq!(found, Err("zone_invalid".into()));
        return;
    };
    let digits = (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let date = date.filter(|date| date.to_string() == text && text.len() == 10);
    let stamp = DateTime::parse_from_rfc3339(text).ok();
    let expected = match (text, digits, date, stamp) {
        ("never", ..) => Ok(json!("never")),
        (_, true, ..) => {
            let seconds = text.parse().unwrap_or(i64::MAX);
            match in_range(seconds) {
                Err(code) if code == "type_invalid" => Err("expiry_out_of_range".into()),
                other => other.map(|seconds| json!(seconds)),
            }
        }
        (_, _, Some(date), _) => {
            let end = date
                .and_hms_opt(23, 59, 59)
                .expect("a time of day")
                .and_utc()
                .timestamp();
            in_range(end - offset).map(|seconds| json!(seconds))
        }
        (_, _, _, Some(stamp)) => {
            // chrono also takes a space before the time, and second 60; RFC 3339 has them as a choice of the application.
            let own = matches!(text.as_bytes().get(10), Some(b'T' | b't')) && text.get(17..19) != Some("60");
            match (own, found.is_ok()) {
                (true, _) => in_range(stamp.timestamp()).map(|seconds| json!(seconds)),
                (false, _) => Err("expiry_invalid".into()),
            }
        }
        _ => Err("expiry_invalid".into()),
    };
    assert_eq!(found, expected, "{text:?} in {zone:?}");
}

/// The offset of `UTC`, `+HH:MM` or `-HH:MM`, in seconds.
fn fixed(zone: &str) -> Option<i64> {
    if zone == "UTC" {
        return Some(0);
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let number = |text: &str, most: i64| {
        let plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>().ok().filter(|number| plain && *number <= most)
    };
    Some(sign * (number(hours, 23)? * 3600 + number(minutes, 59)? * 60))
}
