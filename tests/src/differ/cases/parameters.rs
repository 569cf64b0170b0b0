//! Parameters of the compatible interfaces, in the ways in which clients write them.

use serde_json::{Value, json};

use super::requests::function;
use crate::differ::draw::{Draw, NOW};
use crate::differ::objects::{features, name, networks};
use crate::differ::twist::{off, twist};

const KEYS: [&str; 12] = [
    "name",
    "token_name",
    "new_name",
    "token",
    "expires_at",
    "expires_at",
    "readonly",
    "features",
    "acl",
    "addresses",
    "whitelist_ip",
    "token_name",
];
const STRANGERS: [&str; 12] = [
    "api.version",
    "cpanel_jsonapi_user",
    "acl-x",
    "Features",
    "whitelist_ips",
    "expiry",
    "read_only",
    "READONLY",
    "a.c.l",
    "address",
    "nothing",
    "é",
];

/// A `parameters` request, of which one in four has a fault.
pub(in crate::differ) fn request(draw: &mut Draw) -> Value {
    let (shape, function) = function(draw);
    let mut values = Vec::new();
    let wanted = wanted(function);
    for key in wanted {
        if !draw.one_in(5) {
            values.push(json!([written(key, draw), value(key, draw)]));
        }
    }
    for _ in 0..draw.below(3) {
        let key = if draw.flag() {
            *draw.pick(&KEYS)
        } else {
            *draw.pick(&STRANGERS)
        };
        let shown = written(key, draw);
        let shown = if draw.one_in(6) { off(&shown, draw) } else { shown };
        values.push(json!([shown, value(key, draw)]));
    }
    draw.shuffle(&mut values);
    let mut request = json!({ "op": "parameters", "shape": shape, "function": function, "values": values });
    if draw.one_in(4) {
        twist(&mut request, draw);
    }
    request
}

/// The parameters that a function has.
fn wanted(function: &str) -> &'static [&'static str] {
    match function {
        "create_full_access" => &["name", "expires_at", "readonly"],
        "create_limited" => &["name", "features", "features", "expires_at", "readonly", "addresses"],
        "rename" => &["name", "new_name"],
        "set_addresses" => &["name", "addresses", "addresses"],
        "api_token_create" => &["token_name", "expires_at", "whitelist_ip", "acl", "acl"],
        "api_token_get_details" => &["token"],
        "api_token_revoke" => &["token_name", "token_name"],
        "api_token_update" => &["token_name", "new_name", "expires_at", "whitelist_ip", "acl"],
        "list" | "api_token_list" => &[],
        _ => &["name"],
    }
}

/// A key as clients write it.
fn written(key: &str, draw: &mut Draw) -> String {
    let key = if draw.one_in(5) {
        key.replace('_', "-")
    } else {
        key.to_owned()
    };
    match draw.below(9) {
        0 => format!("{key}-{}", draw.below(12)),
        1 => format!("{key}[{}]", draw.below(12)),
        2 => format!("{key}[]"),
        3 => format!("{key}-{}", "1".repeat(17 + draw.below(3))),
        _ => key,
    }
}

fn value(key: &str, draw: &mut Draw) -> Value {
    match key {
        _ if draw.one_in(12) => draw.odd_value(),
        "expires_at" => match draw.below(5) {
            0 => json!(NOW),
            1 => json!(0),
            2 => json!("0"),
            3 => json!("9".repeat(15 + draw.below(5))),
            _ => json!(NOW.to_string()),
        },
        "readonly" => [
            json!(0),
            json!(1),
            json!("0"),
            json!("1"),
            json!(true),
            json!(false),
            json!("true"),
        ][draw.below(7)]
        .clone(),
        "features" | "acl" => items(features(draw), "all", draw),
        "addresses" | "whitelist_ip" => items(networks(draw), "any", draw),
        _ => json!(name(draw)),
    }
}

/// A list in one text, or as an array.
fn items(mut items: Vec<&str>, word: &'static str, draw: &mut Draw) -> Value {
    if draw.one_in(4) {
        items = vec![word];
    }
    match draw.below(4) {
        0 => json!(items),
        1 => json!(items.join(" ,\t")),
        _ => json!(items.join(",")),
    }
}
