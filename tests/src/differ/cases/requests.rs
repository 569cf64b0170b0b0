//! One request of any operation.

use serde_json::{Value, json};

use crate::differ::draw::{Draw, NOW, object};
use crate::differ::objects::{
    access, account, address, any_header_for, authorization, call, catalogue, credentials, entropy, expiry, features,
    header_for, name, names, networks, peppers, policy, record, records, token, user, zone,
};
use crate::differ::twist::twist;

/// A request, of which every other has a fault.
pub(in crate::differ) fn request(draw: &mut Draw) -> Value {
    let mut request = match draw.below(14) {
        0 | 1 => create(draw),
        2 => validate(draw),
        3 => identify(draw),
        4..=6 => verify(draw),
        7 => described(draw),
        8 => list(draw),
        9 => update(draw),
        10 => renamed(draw),
        11 => revoke(draw),
        12 => object([
            ("op", Some(json!("credentials"))),
            ("credentials", (!draw.one_in(8)).then(|| credentials(draw))),
        ]),
        _ => reply(draw),
    };
    if draw.flag() {
        twist(&mut request, draw);
    }
    request
}

fn create(draw: &mut Draw) -> Value {
    object([
        ("op", Some(json!("create"))),
        ("now", Some(json!(draw.now()))),
        ("entropy", Some(json!(entropy(draw.below(1_000))))),
        ("user", Some(json!(user(draw)))),
        ("name", Some(json!(name(draw)))),
        ("access", Some(access(draw))),
        ("expires", draw.flag().then(|| expiry(draw))),
        ("readOnly", draw.flag().then(|| json!(draw.flag()))),
        ("addresses", draw.flag().then(|| json!(networks(draw)))),
        ("realm", draw.one_in(4).then(|| json!("admin"))),
        ("zone", draw.flag().then(|| zone(draw))),
        (
            "prefix",
            draw.one_in(3)
                .then(|| json!(draw.pick(&["tl", "ab_", "x1", "1x", "A"]))),
        ),
        ("pepper", draw.one_in(3).then(|| peppers()[0].take())),
        ("account", draw.one_in(3).then(|| account(draw))),
        ("policy", draw.one_in(3).then(|| policy(draw))),
        (
            "held",
            draw.one_in(4)
                .then(|| json!({ "tokens": draw.below(5), "lastHour": draw.below(5) })),
        ),
        ("taken", draw.one_in(4).then(|| json!(names(draw)))),
        ("creator", draw.one_in(3).then(|| record(draw))),
    ])
}

fn validate(draw: &mut Draw) -> Value {
    let secret = token(draw);
    let secret = if draw.flag() { &secret.secret } else { &secret.prefixed };
    object([
        ("op", Some(json!("validate"))),
        ("now", (!draw.one_in(4)).then(|| json!(draw.now()))),
        ("name", draw.flag().then(|| json!(name(draw)))),
        ("taken", draw.one_in(3).then(|| json!(names(draw)))),
        ("user", draw.flag().then(|| json!(user(draw)))),
        ("token", draw.flag().then(|| json!(secret))),
        ("zone", draw.one_in(3).then(|| zone(draw))),
        ("policy", draw.one_in(3).then(|| policy(draw))),
        ("expires", draw.one_in(3).then(|| expiry(draw))),
        ("addresses", draw.one_in(3).then(|| json!(networks(draw)))),
        ("access", draw.flag().then(|| access(draw))),
        ("account", draw.one_in(3).then(|| account(draw))),
        ("peppers", draw.one_in(3).then(peppers)),
        ("catalogue", draw.one_in(4).then(|| catalogue(draw))),
        ("records", draw.one_in(4).then(|| json!(records(draw, 3)))),
        ("prefix", draw.one_in(3).then(|| json!("tl"))),
    ])
}

fn identify(draw: &mut Draw) -> Value {
    let record = record(draw);
    object([
        ("op", Some(json!("identify"))),
        ("authorization", Some(authorization(&record, draw))),
        ("peppers", draw.flag().then(peppers)),
    ])
}

fn verify(draw: &mut Draw) -> Value {
    let record = record(draw);
    verify_record(&record, draw)
}

/// A verification of a record, mostly by its own token and account.
pub(in crate::differ) fn verify_record(record: &Value, draw: &mut Draw) -> Value {
    let mut account = account(draw);
    if !draw.one_in(6) {
        account["user"] = record["user"].clone();
    }
    let shown = if draw.one_in(12) { Value::Null } else { record.clone() };
    object([
        ("op", Some(json!("verify"))),
        ("now", Some(json!(draw.now()))),
        ("authorization", Some(authorization(record, draw))),
        ("record", Some(shown)),
        ("account", Some(if draw.one_in(10) { Value::Null } else { account })),
        ("call", (!draw.one_in(4)).then(|| call(draw, true))),
        ("peppers", (!draw.one_in(8)).then(peppers)),
        ("catalogue", Some(catalogue(draw))),
    ])
}

fn described(draw: &mut Draw) -> Value {
    if draw.one_in(4) {
        let uses = json!([{ "created": draw.now(), "lastUsed": draw.now(), "uses": draw.whole() }]);
        return json!({ "op": "usage", "now": draw.now(), "uses": uses });
    }
    object([
        ("op", Some(json!("describe"))),
        ("now", Some(json!(draw.now()))),
        ("record", Some(record(draw))),
        (
            "warnDays",
            draw.flag().then(|| json!(draw.pick(&[0, 1, 7, 3_650, 3_651]))),
        ),
    ])
}

fn list(draw: &mut Draw) -> Value {
    let records = records(draw, 6);
    list_of(&records, draw)
}

pub(in crate::differ) fn list_of(records: &[Value], draw: &mut Draw) -> Value {
    object([
        ("op", Some(json!("list"))),
        ("now", Some(json!(draw.now()))),
        ("records", Some(json!(records))),
        ("page", draw.flag().then(|| json!(1 + draw.below(4)))),
        ("pageSize", draw.flag().then(|| json!(1 + draw.below(4)))),
        (
            "sort",
            draw.flag().then(|| json!(draw.pick(&["name", "created", "expires"]))),
        ),
        ("descending", draw.flag().then(|| json!(draw.flag()))),
        (
            "search",
            draw.one_in(3)
                .then(|| json!(draw.pick(&["", "C", "i", "-", "_", "éé", "ABC"]))),
        ),
        ("warnDays", draw.one_in(4).then(|| json!(draw.below(9)))),
        ("includeRevoked", draw.flag().then(|| json!(draw.flag()))),
    ])
}

fn update(draw: &mut Draw) -> Value {
    let record = record(draw);
    update_record(&record, draw)
}

pub(in crate::differ) fn update_record(record: &Value, draw: &mut Draw) -> Value {
    object([
        ("op", Some(json!("update"))),
        ("now", Some(json!(draw.now()))),
        ("record", Some(record.clone())),
        ("newName", draw.flag().then(|| json!(name(draw)))),
        ("taken", draw.one_in(3).then(|| json!(names(draw)))),
        ("access", draw.flag().then(|| access(draw))),
        ("expires", draw.one_in(3).then(|| expiry(draw))),
        ("addresses", draw.one_in(3).then(|| json!(networks(draw)))),
        ("zone", draw.one_in(4).then(|| zone(draw))),
        ("policy", draw.one_in(3).then(|| policy(draw))),
        ("account", draw.one_in(4).then(|| account(draw))),
        ("creator", draw.one_in(4).then(|| crate::differ::objects::record(draw))),
    ])
}

fn renamed(draw: &mut Draw) -> Value {
    if draw.flag() {
        return json!({ "op": "manageable", "creator": record(draw), "records": records(draw, 5) });
    }
    object([
        ("op", Some(json!("rename"))),
        ("record", Some(record(draw))),
        ("newName", Some(json!(name(draw)))),
        ("taken", draw.flag().then(|| json!(names(draw)))),
    ])
}

fn revoke(draw: &mut Draw) -> Value {
    let records = records(draw, 5);
    revoke_of(&records, draw)
}

pub(in crate::differ) fn revoke_of(records: &[Value], draw: &mut Draw) -> Value {
    let by_name = draw.flag();
    let mut chosen: Vec<Value> = records
        .iter()
        .map(|record| record[if by_name { "name" } else { "id" }].clone())
        .collect();
    chosen.push(json!("nobody"));
    let mut selectors = draw.some(&chosen, chosen.len());
    if draw.one_in(4) {
        selectors.extend(selectors.clone());
    }
    let both = draw.one_in(20);
    object([
        ("op", Some(json!("revoke"))),
        ("now", Some(json!(draw.now()))),
        ("records", Some(json!(records))),
        ("names", (by_name || both).then(|| json!(selectors))),
        ("ids", (!by_name || both).then(|| json!(selectors))),
    ])
}

const UAPI: [&str; 7] = [
    "create_full_access",
    "create_limited",
    "get_addresses",
    "list",
    "rename",
    "revoke",
    "set_addresses",
];
const WHM: [&str; 5] = [
    "api_token_create",
    "api_token_get_details",
    "api_token_list",
    "api_token_revoke",
    "api_token_update",
];
const CODES: [&str; 14] = [
    "name_taken",
    "token_unknown",
    "expiry_past",
    "expiry_invalid",
    "field_missing",
    "name_character",
    "type_invalid",
    "feature_invalid",
    "addresses_too_many",
    "account_suspended",
    "record_revoked",
    "op_unknown",
    "too_deep",
    "nonsense",
];

/// A shape of an interface and one of its functions, at times one of another's.
pub(in crate::differ) fn function(draw: &mut Draw) -> (&'static str, &'static str) {
    let shape = *draw.pick(&["uapi", "uapi", "uapiCommand", "api2", "whm", "whm"]);
    let function = if (shape == "whm") != draw.one_in(20) {
        draw.pick(&WHM)
    } else {
        draw.pick(&UAPI) as &&str
    };
    (shape, function)
}

fn reply(draw: &mut Draw) -> Value {
    if draw.one_in(8) {
        let after = draw.flag().then(|| json!(draw.below(100)));
        let status = json!(draw.pick(&[401, 403, 429, 503, 404]));
        return object([
            ("op", Some(json!("reply"))),
            ("shape", Some(json!("denied"))),
            ("httpStatus", Some(status)),
            ("retryAfter", after),
            ("credentials", draw.one_in(3).then(|| credentials(draw))),
        ]);
    }
    let (shape, function) = function(draw);
    let refused = draw.one_in(5);
    let failed = refused || draw.one_in(3);
    let error = |draw: &mut Draw| {
        if draw.one_in(4) {
            return json!(draw.odd_text());
        }
        object([
            ("code", Some(json!(draw.pick(&CODES)))),
            ("message", draw.one_in(3).then(|| json!("Said before."))),
            (
                "field",
                draw.flag().then(|| {
                    json!(draw.pick(&[
                        "name",
                        "newName",
                        "access.features[0]",
                        "expires_at",
                        "acl",
                        "addresses[3]",
                        "other",
                        "token"
                    ]))
                }),
            ),
        ])
    };
    let record = record(draw);
    let mut records = records(draw, 4);
    for (at, record) in records.iter_mut().enumerate() {
        record["name"] = json!(format!("{}{at}", name(draw)));
    }
    object([
        ("op", Some(json!("reply"))),
        ("shape", Some(json!(shape))),
        ("function", (!refused || draw.flag()).then(|| json!(function))),
        ("error", failed.then(|| error(draw))),
        ("code", refused.then(|| json!(draw.pick(&CODES)))),
        (
            "httpStatus",
            refused.then(|| json!(draw.pick(&[400, 403, 404, 599, 600, 200]))),
        ),
        ("unknown", draw.one_in(4).then(|| json!(features(draw)))),
        ("token", (!failed || draw.one_in(4)).then(|| json!(token(draw).secret))),
        ("record", (!failed || draw.one_in(4)).then_some(record)),
        ("records", (!failed || draw.one_in(4)).then(|| json!(records))),
    ])
}

/// A header and an address for the hot path.
pub(in crate::differ) fn presented(records: &[Value], draw: &mut Draw) -> (String, Option<&'static str>) {
    let header = match draw.below(20) {
        0 => draw.odd_text(),
        1..=4 => any_header_for(records.first().unwrap_or(&Value::Null), draw),
        _ if records.is_empty() => header_for(&Value::Null, draw),
        _ => header_for(draw.pick(records), draw),
    };
    (header, address(draw))
}

/// A time on the hot path.
pub(in crate::differ) fn hot_time(draw: &mut Draw) -> i64 {
    match draw.below(12) {
        0 => *draw.pick(&[
            0,
            -1,
            i64::from(u32::MAX),
            NOW * 1_000,
            253_402_300_799,
            253_402_300_800,
        ]),
        _ => draw.time_near(NOW),
    }
}
