//! Histories of an account's tokens: each request is about what the earlier ones answered.

use serde_json::{Value, json};

use super::requests::{list_of, revoke_of, update_record, verify_record};
use crate::differ::draw::{Draw, NOW, object};
use crate::differ::objects::{access, asked, authorization, entropy, expiry, name, networks, peppers};
use crate::differ::twist::twist;

/// The requests of one history. What they are about is the native core's answers.
pub(in crate::differ) fn history(draw: &mut Draw) -> Vec<Value> {
    let mut records: Vec<Value> = Vec::new();
    let mut requests = Vec::new();
    for step in 0..3 + draw.below(8) {
        let at = draw.below(records.len().max(1));
        let mut request = match (records.get(at), draw.below(7)) {
            (None, _) | (_, 0 | 1) => create(&records, step, draw),
            (Some(record), 2) => {
                json!({ "op": "rename", "record": record, "newName": name(draw), "taken": names(&records) })
            }
            (Some(record), 3) => update_record(record, draw),
            (Some(_), 4) => revoke_of(&records, draw),
            (Some(_), 5) if draw.flag() => list_of(&records, draw),
            (Some(record), 5) => {
                json!({ "op": "identify", "authorization": authorization(record, draw), "peppers": peppers() })
            }
            (Some(record), _) => verify_record(record, draw),
        };
        if draw.one_in(6) {
            twist(&mut request, draw);
        }
        if let Some(answer) = asked(&request) {
            learn(&mut records, at, &request, &answer);
        }
        requests.push(request);
    }
    requests
}

/// Puts what an answer has changed in its place.
fn learn(records: &mut Vec<Value>, at: usize, request: &Value, answer: &Value) {
    let changed = answer["records"].as_array().cloned().unwrap_or_default();
    for record in changed {
        if let Some(known) = records.iter_mut().find(|known| known["id"] == record["id"]) {
            *known = record;
        }
    }
    match (answer.get("record"), records.get_mut(at)) {
        (Some(record), _) if request["op"] == "create" => records.push(record.clone()),
        (Some(record), Some(known)) => *known = record.clone(),
        _ => {}
    }
}

fn names(records: &[Value]) -> Vec<Value> {
    let live = records.iter().filter(|record| record["revoked"].is_null());
    live.map(|record| record["name"].clone()).collect()
}

fn create(records: &[Value], step: usize, draw: &mut Draw) -> Value {
    let creator = (!records.is_empty() && draw.one_in(4)).then(|| draw.pick(records).clone());
    let pepper = draw.one_in(3).then(|| peppers()[draw.below(2)].take());
    object([
        ("op", Some(json!("create"))),
        ("now", Some(json!(NOW + i64::try_from(step).unwrap_or_default()))),
        ("entropy", Some(json!(entropy(step + 20 * draw.below(3))))),
        ("user", Some(json!("alice"))),
        ("name", Some(json!(name(draw)))),
        ("access", Some(access(draw))),
        ("expires", draw.flag().then(|| expiry(draw))),
        ("readOnly", draw.one_in(3).then(|| json!(draw.flag()))),
        ("addresses", draw.one_in(3).then(|| json!(networks(draw)))),
        ("realm", draw.one_in(3).then(|| json!("admin"))),
        ("pepper", pepper),
        ("taken", Some(json!(names(records)))),
        (
            "held",
            draw.flag()
                .then(|| json!({ "tokens": records.len(), "lastHour": records.len() })),
        ),
        ("creator", creator),
    ])
}
