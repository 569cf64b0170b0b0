//! The expiry for a date and for no date, in zones.

use chrono::{DateTime, FixedOffset, Months, NaiveDate};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokenlatch_core::{default_expiry, end_of_day};

use crate::ask::{cases, created_expiry, creation};
use crate::zones::{East, Table, date_near_a_change, last_second, zone};

/// 2020-01-01T00:00:00Z and 9999-12-31T23:59:59Z: the earliest current time, and the latest time.
const FIRST: i64 = 1_577_836_800;
const LAST: i64 = 253_402_300_799;
const DAY: i64 = 86_400;

fn as_json(table: &Table) -> Value {
    json!({"offset": table.offset, "transitions": table.transitions})
}

/// The date one year after today's. 29 February becomes 28 February.
fn in_a_year(now: i64, east: i64) -> NaiveDate {
    let east = FixedOffset::east_opt(i32::try_from(east).unwrap()).unwrap();
    let today = DateTime::from_timestamp(now, 0)
        .unwrap()
        .with_timezone(&east)
        .date_naive();
    today.checked_add_months(Months::new(12)).unwrap()
}

/// Instants from 2020 to 9998, often on a 29 February or near the turn of the year.
fn present() -> impl Strategy<Value = i64> {
    let date = |year: i32, month: u32, day: u32| NaiveDate::from_ymd_opt(year, month, day);
    let day = prop_oneof![
        (505..2400_i32).prop_map(move |year| date(year * 4, 2, 29).or_else(|| date(year * 4, 2, 28))),
        (2021..9998_i32).prop_map(move |year| date(year, 1, 1)),
        (2020..9998_i32).prop_map(move |year| date(year, 12, 31)),
    ];
    let about = (day, 0..2 * DAY).prop_map(|(day, seconds)| {
        let midnight = day.unwrap().and_hms_opt(0, 0, 0).unwrap().and_utc().timestamp();
        midnight - DAY / 2 + seconds
    });
    prop_oneof![about, FIRST..LAST - 400 * DAY]
}

/// Zones whose changes are at least two days apart, so that a date meets at most one.
fn table(from: i64) -> impl Strategy<Value = Table> {
    let offset = || prop_oneof![-86_399..86_400_i64, (-56..57_i64).prop_map(|quarters| quarters * 900)];
    let change = (2 * DAY + 1..90 * DAY, offset());
    (offset(), prop::collection::vec(change, 0..12)).prop_map(move |(offset, steps)| {
        let mut at = from;
        let transitions = steps.into_iter().map(|(later, offset)| {
            at += later;
            (at, offset)
        });
        Table {
            offset,
            transitions: transitions.collect(),
        }
    })
}

fn fixed(minutes: i64) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn a_date_ends_with_its_last_second_in_every_zone(
        (zone, date) in (zone(), 1880..2100_i32).prop_flat_map(|(zone, year)| (Just(zone), date_near_a_change(zone, year)))
    ) {
        prop_assert_eq!(end_of_day(date, &zone), Some(last_second(date, &zone)), "{} in {}", date, zone);
    }

    #[test]
    fn zone_table_gives_the_same_expiry_as_the_zone(
        (zone, date) in (zone(), 2021..2090_i32).prop_flat_map(|(zone, year)| (Just(zone), date_near_a_change(zone, year)))
    ) {
        let near = date.and_hms_opt(12, 0, 0).unwrap().and_utc().timestamp();
        let mut request = creation(FIRST);
        request["expires"] = json!(date.to_string());
        request["zone"] = as_json(&Table::of(&zone, near - 400 * DAY, near + 400 * DAY));
        prop_assert_eq!(created_expiry(&request), Ok(Some(last_second(date, &zone))), "{} in {}", date, zone);
    }

    #[test]
    fn a_date_ends_with_its_last_second_in_made_up_zones(
        (table, day) in table(FIRST + 30 * DAY).prop_flat_map(|table| {
            let mut near: Vec<i64> = table.transitions.iter().map(|(at, _)| *at).collect();
            near.push(FIRST + 100 * DAY);
            (Just(table), (prop::sample::select(near), -2 * DAY..2 * DAY).prop_map(|(at, away)| at + away))
        })
    ) {
        let date = DateTime::from_timestamp(day, 0).unwrap().date_naive();
        let mut request = creation(FIRST);
        request["expires"] = json!(date.to_string());
        request["zone"] = as_json(&table);
        prop_assert_eq!(created_expiry(&request), Ok(Some(last_second(date, &table))), "{} in {:?}", date, table);
    }

    #[test]
    fn the_default_is_the_same_date_next_year(now in present(), minutes in -1439..1440_i64) {
        let mut request = creation(now);
        request["zone"] = json!(fixed(minutes));
        let east = minutes * 60;
        let date = in_a_year(now, east);
        let wanted = date.and_hms_opt(23, 59, 59).unwrap().and_utc().timestamp() - east;
        prop_assert_eq!(created_expiry(&request), Ok(Some(wanted)), "from {} in {}", now, fixed(minutes));
    }

    #[test]
    fn the_default_follows_the_zone(zone in zone(), now in FIRST..FIRST + 80 * 365 * DAY) {
        let wanted = last_second(in_a_year(now, zone.east(now)), &zone);
        prop_assert_eq!(default_expiry(now, &zone).ok(), Some(wanted), "from {} in {}", now, zone);
        let mut request = creation(now);
        request["zone"] = as_json(&Table::of(&zone, now - 2 * DAY, now + 400 * DAY));
        prop_assert_eq!(created_expiry(&request), Ok(Some(wanted)), "from {} in {}", now, zone);
    }
}
