//! A table, its changes and what is asked of it.

use serde_json::{Value, json};

use super::requests::{hot_time, presented};
use crate::differ::case::Step;
use crate::differ::draw::{Draw, object};
use crate::differ::objects::{USERS, account, account_of, call, catalogue, credentials, peppers, records};
use crate::differ::twist::twist;

/// A table and the steps taken with it.
pub(in crate::differ) fn table(draw: &mut Draw) -> Vec<Step> {
    let mut known = records(draw, 6);
    let mut table = opened(&known, draw);
    if draw.one_in(5) {
        twist(&mut table, draw);
    }
    let mut steps = vec![Step::new("table", draw, &table)];
    let mut calls = 1;
    for _ in 0..2 + draw.below(10) {
        match draw.below(7) {
            0 => {
                let mut update = update(&known, draw);
                if draw.one_in(4) {
                    twist(&mut update, draw);
                }
                known.extend(
                    update["records"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .filter(|record| record.is_object())
                        .cloned(),
                );
                steps.push(Step::new("update", draw, &update));
            }
            1 | 2 => {
                let with_address = draw.one_in(20);
                let mut call = call(draw, with_address);
                if draw.one_in(5) {
                    twist(&mut call, draw);
                }
                calls += 1;
                steps.push(Step::new("prepare", draw, &call));
            }
            _ => steps.push(verify(&known, calls, draw)),
        }
    }
    steps
}

/// The input of a table, with accounts for most users.
pub(in crate::differ) fn opened(records: &[Value], draw: &mut Draw) -> Value {
    let accounts: Vec<Value> = draw
        .some(&USERS, 5)
        .into_iter()
        .map(|user| account_of(user, draw))
        .collect();
    object([
        ("records", Some(json!(records))),
        ("accounts", Some(json!(accounts))),
        ("peppers", (!draw.one_in(8)).then(peppers)),
        ("catalogue", Some(catalogue(draw))),
        ("credentials", draw.one_in(3).then(|| credentials(draw))),
    ])
}

pub(in crate::differ) fn update(known: &[Value], draw: &mut Draw) -> Value {
    let ids: Vec<Value> = known.iter().map(|record| record["id"].clone()).collect();
    let mut records = records(draw, 3);
    if !known.is_empty() && draw.flag() {
        // The same token again, with another life.
        let mut again = draw.pick(known).clone();
        again["revoked"] = if draw.flag() { Value::Null } else { json!(draw.now()) };
        records.push(again);
    }
    object([
        ("records", draw.flag().then(|| json!(records))),
        ("accounts", draw.flag().then(|| json!([account(draw)]))),
        ("removeIds", draw.one_in(3).then(|| json!(draw.some(&ids, 2)))),
        ("removeUsers", draw.one_in(4).then(|| json!(draw.some(&USERS, 2)))),
    ])
}

/// A verification by a call that is mostly known.
pub(in crate::differ) fn verify(known: &[Value], calls: usize, draw: &mut Draw) -> Step {
    let (authorization, address) = presented(known, draw);
    let call = if draw.one_in(20) { 77 } else { draw.below(calls) };
    let verify = json!({ "authorization": authorization, "call": call, "address": address, "now": hot_time(draw) });
    Step::new("verify", draw, &verify)
}
