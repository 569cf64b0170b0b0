//! Texts for an expiry.

use chrono::{DateTime, NaiveDate};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::ask::{NOW, ask, cases, created_expiry, creation};

const LAST: i64 = 253_402_300_799;

/// The meaning of a text in UTC; `Ok(None)` means never. Fails with the error's code.
fn meaning(text: &str, now: i64) -> Result<Option<i64>, &'static str> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let instant = if text == "never" {
        return Ok(None);
    } else if digits && (1..=18).contains(&text.len()) {
        text.parse().map_err(|_| "expiry_invalid")?
    } else {
        date(text).or_else(|| timestamp(text)).ok_or("expiry_invalid")?
    };
    match instant {
        _ if instant > LAST => Err("expiry_out_of_range"),
        _ if instant <= now => Err("expiry_past"),
        _ => Ok(Some(instant)),
    }
}

/// `YYYY-MM-DD`, by the library's calendar.
fn date(text: &str) -> Option<i64> {
    let form: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    if form != "0000-00-00" {
        return None;
    }
    let part = |from: usize, to: usize| text[from..to].parse::<u32>().unwrap();
    let year = i32::try_from(part(0, 4)).unwrap();
    let date = NaiveDate::from_ymd_opt(year, part(5, 7), part(8, 10))?;
    Some(date.and_hms_opt(23, 59, 59)?.and_utc().timestamp())
}

/// RFC 3339 by the library's parser, which also accepts a space for the `T`, second 60, and a Unicode minus sign.
fn timestamp(text: &str) -> Option<i64> {
    let strict =
        text.is_ascii() && matches!(text.as_bytes().get(10), Some(b'T' | b't')) && text.get(17..19) != Some("60");
    let read = DateTime::parse_from_rfc3339(text).ok()?;
    strict.then(|| read.timestamp())
}

/// Numbers around the limits of a field.
fn part(most: u32) -> impl Strategy<Value = u32> {
    prop_oneof![20 => 1..=most, 2 => Just(0), 2 => Just(most), 1 => 0..100_u32]
}

fn date_text() -> impl Strategy<Value = String> {
    let year = prop_oneof![4 => 2026..2032_u32, 2 => 0..10_000_u32, 1 => Just(9999)];
    (year, part(12), part(31)).prop_map(|(year, month, day)| format!("{year:04}-{month:02}-{day:02}"))
}

fn timestamp_text() -> impl Strategy<Value = String> {
    let separator = prop::sample::select(vec!["T", "T", "T", "T", "t", "t", " ", ""]);
    let clock = (part(23), part(59), part(59)).prop_map(|(h, m, s)| format!("{h:02}:{m:02}:{s:02}"));
    let fraction = prop_oneof![4 => Just(String::new()), 4 => "\\.[0-9]{1,12}", 1 => "[.,][0-9]{0,2}"];
    let numeric = ("[+-]", part(23), part(59)).prop_map(|(sign, h, m)| format!("{sign}{h:02}:{m:02}"));
    let zone = prop_oneof![3 => Just("Z".to_owned()), 1 => Just("z".to_owned()), 3 => numeric, 1 => "[+\\-−][0-9]{2}:?[0-9]{0,2}| Z|"];
    (date_text(), separator, clock, fraction, zone)
        .prop_map(|(date, t, clock, fraction, zone)| format!("{date}{t}{clock}{fraction}{zone}"))
}

/// A valid or nearly valid text, unchanged or with one character inserted, replaced or removed.
fn text() -> impl Strategy<Value = String> {
    let base = prop_oneof![
        2 => date_text(),
        4 => timestamp_text(),
        1 => "[0-9]{1,20}",
        1 => prop::sample::select(vec!["never", "Never", "never ", "", "null", "0", "-1", "+1800000001", "1e10", "253402300799", "253402300800"])
            .prop_map(str::to_owned),
    ];
    let intruder = prop::sample::select("0123456789-:TtZz+. \u{0}\n٣−".chars().collect::<Vec<_>>());
    let change = (0..3_u8, any::<prop::sample::Index>(), intruder);
    (base, prop::option::weighted(0.4, change)).prop_map(|(base, change)| {
        let mut text: Vec<char> = base.chars().collect();
        match change {
            Some((0, at, new)) => text.insert(at.index(text.len() + 1), new),
            Some((1, at, new)) if !text.is_empty() => {
                let at = at.index(text.len());
                text[at] = new;
            }
            Some((_, at, _)) if !text.is_empty() => _ = text.remove(at.index(text.len())),
            _ => {}
        }
        text.into_iter().collect()
    })
}

fn check(expires: &Value, wanted: Result<Option<i64>, &str>) -> Result<(), TestCaseError> {
    let mut request = creation(NOW);
    request["expires"] = expires.clone();
    prop_assert_eq!(created_expiry(&request), wanted.map_err(str::to_owned), "{:?}", expires);

    let validated = ask(&json!({"op": "validate", "now": NOW, "expires": expires}));
    let (problem, shown) = match wanted {
        Err(code) => (Some(json!(code)), Value::Null),
        Ok(None) => (None, json!("never")),
        Ok(Some(instant)) => (None, json!(instant)),
    };
    prop_assert_eq!(validated.pointer("/ok/problems/0/code"), problem.as_ref());
    prop_assert_eq!(validated.pointer("/ok/expires"), Some(&shown));
    Ok(())
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn expiry_text_is_read_exactly_or_refused(text in text()) {
        check(&json!(text), meaning(&text, NOW))?;
    }

    #[test]
    fn expiry_seconds_range_from_the_next_to_the_year_9999(
        seconds in prop_oneof![NOW - 3..NOW + 3, LAST - 3..LAST + 3, -9_007_199_254_740_991..9_007_199_254_740_992_i64]
    ) {
        let wanted = match seconds {
            _ if seconds > LAST => Err("expiry_out_of_range"),
            _ if seconds <= NOW => Err("expiry_past"),
            _ => Ok(Some(seconds)),
        };
        check(&json!(seconds), wanted)?;
    }
}
