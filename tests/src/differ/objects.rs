//! Good objects of OPERATIONS.md: records, accounts, calls, headers, expiries.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha512};
use tokenlatch_core::call_json;
use tokenlatch_vectors::hex::hex;

use super::draw::{Draw, NOW, object};

pub(super) const USERS: [&str; 5] = ["alice", "bob", "carol@example.com", "Alice", "d.e-f_1"];
const NAMES: [&str; 8] = ["ci", "backup", "Ci", "a", "deploy-2", "x_y", "zz", "older"];
pub(super) const FEATURES: [&str; 10] = [
    "apitokens",
    "popaccts",
    "ftpaccts",
    "list-accts",
    "snapshot-read",
    "usage-report",
    "metrics-read",
    "mail.x",
    "Z",
    "9",
];
const NETWORKS: [&str; 13] = [
    "192.0.2.0/24",
    "192.0.2.7",
    "192.0.0.0/16",
    "0.0.0.0/0",
    "0.0.0.0/1",
    "::ffff:192.0.2.7",
    "::ffff:192.0.2.0/120",
    "2001:db8::/32",
    "2001:db8::1",
    "::/0",
    "::ffff:0:0/96",
    "::fffe:0:0/95",
    "10.0.0.0/8",
];
const ADDRESSES: [&str; 11] = [
    "192.0.2.7",
    "192.0.2.255",
    "192.0.3.0",
    "::ffff:192.0.2.7",
    "::ffff:c000:207",
    "2001:db8::1",
    "2001:db9::",
    "::1",
    "10.1.2.3",
    "192.0.2.07",
    "nowhere",
];
pub(super) const APIS: [&str; 4] = ["uapi", "api2", "api1", "whm"];

/// A token of the pool, by its secret and hashes.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) secret: String,
    /// The token text with a prefix.
    pub(super) prefixed: String,
    pub(super) id: String,
    /// Under the first pepper, under the second, and without one.
    pub(super) hashes: Vec<String>,
}

pub(super) fn peppers() -> Value {
    json!([
        { "id": "2027a", "key": "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" },
        { "id": "old_1", "key": "f0".repeat(16) },
    ])
}

/// 64 bytes that stand for a number, in hex.
pub(super) fn entropy(number: usize) -> String {
    hex(&Sha512::digest(format!("token {number}")))
}

/// The tokens of all cases.
pub(super) fn pool() -> &'static [Token] {
    static POOL: OnceLock<Vec<Token>> = OnceLock::new();
    POOL.get_or_init(|| (0..40).filter_map(made).collect())
}

fn made(number: usize) -> Option<Token> {
    let mut request = json!({ "op": "create", "now": NOW, "entropy": entropy(number), "user": "alice", "name": "x", "access": "full" });
    let created = asked(&request)?;
    request["prefix"] = json!("tl");
    let prefixed = asked(&request)?["token"].as_str()?.to_owned();
    let secret = created["token"].as_str()?.to_owned();
    let header = format!("Bearer {secret}");
    let found = asked(&json!({ "op": "identify", "authorization": header, "peppers": peppers() }))?;
    let hashes = found["hashes"]
        .as_array()?
        .iter()
        .filter_map(|hash| Some(hash.as_str()?.to_owned()));
    Some(Token {
        secret,
        prefixed,
        id: created["record"]["id"].as_str()?.to_owned(),
        hashes: hashes.collect(),
    })
}

/// What the native core answers under `ok`.
pub(super) fn asked(request: &Value) -> Option<Value> {
    let mut answer: Value = serde_json::from_slice(&call_json(request.to_string().as_bytes())).ok()?;
    answer.get_mut("ok").map(Value::take)
}

pub(super) fn user(draw: &mut Draw) -> &'static str {
    USERS[draw.mostly_below(2, USERS.len())]
}

pub(super) fn name(draw: &mut Draw) -> &'static str {
    NAMES[draw.below(NAMES.len())]
}

pub(super) fn names(draw: &mut Draw) -> Vec<&'static str> {
    draw.some(&NAMES, 4)
}

pub(super) fn features(draw: &mut Draw) -> Vec<&'static str> {
    draw.some(&FEATURES, 6)
}

pub(super) fn access(draw: &mut Draw) -> Value {
    match draw.flag() {
        true => json!("full"),
        false => json!({ "features": features(draw) }),
    }
}

pub(super) fn networks(draw: &mut Draw) -> Vec<&'static str> {
    match draw.one_in(3) {
        true => draw.some(&NETWORKS, 4),
        false => Vec::new(),
    }
}

pub(super) fn address(draw: &mut Draw) -> Option<&'static str> {
    (!draw.one_in(3)).then(|| *draw.pick(&ADDRESSES))
}

fn realm(draw: &mut Draw) -> &'static str {
    if draw.one_in(5) { "admin" } else { "account" }
}

pub(super) fn token(draw: &mut Draw) -> &'static Token {
    let pool = pool();
    &pool[draw.mostly_below(8, pool.len())]
}

/// A record of one of the pool's tokens.
pub(super) fn record(draw: &mut Draw) -> Value {
    let token = token(draw);
    record_of(token, draw)
}

pub(super) fn record_of(token: &Token, draw: &mut Draw) -> Value {
    let hash = &token.hashes[if draw.one_in(3) { draw.below(2) } else { 2 }];
    let created = NOW - 86_400 * i64::from(draw.flag());
    let expires = (!draw.one_in(4)).then(|| draw.time_near(NOW));
    let revoked = draw.one_in(8).then(|| json!(draw.time_near(NOW)));
    let revoked = revoked.or(draw.flag().then_some(Value::Null));
    let realm = realm(draw);
    object([
        ("v", Some(json!(1))),
        ("id", Some(json!(token.id))),
        ("user", Some(json!(user(draw)))),
        ("name", Some(json!(name(draw)))),
        ("hash", Some(json!(hash))),
        ("hint", draw.flag().then(|| json!(token.secret[28..]))),
        ("created", Some(json!(created))),
        ("expires", Some(json!(expires))),
        ("access", Some(access(draw))),
        ("readOnly", Some(json!(draw.one_in(3)))),
        ("addresses", Some(json!(networks(draw)))),
        ("realm", (realm == "admin" || draw.flag()).then(|| json!(realm))),
        ("revoked", revoked),
        ("zz_later", draw.one_in(8).then(|| json!({ "b": [1, "é"], "a": null }))),
        ("Later", draw.one_in(8).then(|| json!("kept"))),
    ])
}

/// Records with ids of their own.
pub(super) fn records(draw: &mut Draw, most: usize) -> Vec<Value> {
    let numbers: Vec<usize> = (0..pool().len().min(12)).collect();
    let chosen = draw.some(&numbers, most);
    chosen
        .into_iter()
        .map(|number| record_of(&pool()[number], draw))
        .collect()
}

pub(super) fn account(draw: &mut Draw) -> Value {
    let user = user(draw);
    account_of(user, draw)
}

pub(super) fn account_of(user: &str, draw: &mut Draw) -> Value {
    let features = match draw.below(6) {
        0 => json!(features(draw)),
        1 | 2 => json!(["apitokens", "popaccts"]),
        _ => json!("all"),
    };
    object([
        ("user", Some(json!(user))),
        ("features", Some(features)),
        ("suspended", draw.one_in(3).then(|| json!(draw.one_in(3)))),
        ("administrator", draw.one_in(3).then(|| json!(draw.flag()))),
    ])
}

const MODULES: [(&str, &str); 7] = [
    ("Email", "list_pops"),
    ("Email", "add_pop"),
    ("Ftp", "list_ftp"),
    ("Variables", "set_theme"),
    ("Admin", "listaccts"),
    ("email", "list_pops"),
    ("Nowhere", "nothing"),
];

/// A catalogue, in which a function may differ by API.
pub(super) fn catalogue(draw: &mut Draw) -> Value {
    let mut entries = vec![
        json!({ "module": "Email", "function": "list_pops", "apis": ["uapi", "api2"], "feature": "popaccts", "writes": false }),
        json!({ "module": "Email", "function": "add_pop", "apis": ["uapi", "api2"], "feature": "popaccts", "writes": true }),
        json!({ "module": "Ftp", "function": "list_ftp", "apis": ["uapi"], "feature": "ftpaccts", "writes": false }),
        json!({ "module": "Ftp", "function": "LIST_ftp", "apis": ["api2"], "feature": "mail.x", "writes": true }),
        json!({ "module": "Variables", "function": "set_theme", "apis": ["uapi"], "feature": null, "writes": true }),
        json!({ "module": "Variables", "function": "get_theme", "apis": ["uapi"], "feature": null, "writes": false }),
        json!({ "module": "Admin", "function": "listaccts", "apis": ["whm"], "feature": "list-accts", "writes": false }),
        json!({ "module": "Admin", "function": "usage", "apis": ["whm", "uapi"], "feature": "usage-report", "writes": true }),
    ];
    draw.shuffle(&mut entries);
    entries.truncate(4 + draw.below(5));
    if draw.flag() {
        return json!(entries);
    }
    let routes: Vec<Value> = (0..draw.below(12)).map(|_| route(draw)).collect();
    let mut catalogue = json!({ "routes": routes });
    if draw.flag() {
        catalogue["functions"] = json!(entries);
    }
    if draw.flag() {
        catalogue["default"] = json!(draw.pick(&["full", "deny"]));
    }
    catalogue
}

/// Segments that routes and requests share; some differ in case, in spelling, or are near a parameter.
const SEGMENTS: [&str; 8] = ["v1", "V1", "orders", "Orders", "a", "caf%C3%A9", "caf%c3%a9", "x.y"];
const METHODS: [&str; 6] = ["GET", "GET", "POST", "DELETE", "*", "HEAD"];

fn route(draw: &mut Draw) -> Value {
    let mut path = String::new();
    for at in 0..draw.below(4) {
        let segment = match draw.below(6) {
            0 => format!("{{p{at}}}"),
            1 if draw.flag() => "{*rest}".to_owned(),
            _ => (*draw.pick(&SEGMENTS)).to_owned(),
        };
        path = format!("{path}/{segment}");
        if segment.starts_with("{*") {
            break;
        }
    }
    if path.is_empty() || draw.one_in(8) {
        path.push('/');
    }
    let methods = if draw.one_in(30) { 6 } else { 5 };
    let method = METHODS[draw.below(methods)];
    let public = draw.one_in(6);
    let feature = (!public && draw.flag()).then(|| *draw.pick(&FEATURES));
    object([
        ("method", Some(json!(method))),
        ("path", Some(json!(path))),
        ("feature", Some(json!(feature))),
        ("writes", Some(json!(draw.flag()))),
        ("public", (public || draw.one_in(10)).then(|| json!(public))),
    ])
}

/// A method and a target, now and then one that servers read differently.
fn target(draw: &mut Draw) -> (String, String) {
    const ODD: [&str; 14] = [
        "", ".", "..", "%2e", "%2F", "%", "%C3", "a;b", "a%20b", ".%20", "%41", "#", "{x}", "%3F",
    ];
    let mut path = String::new();
    for _ in 0..draw.below(4) {
        let segment = if draw.one_in(12) {
            *draw.pick(&ODD)
        } else {
            *draw.pick(&SEGMENTS)
        };
        path = format!("{path}/{segment}");
    }
    if path.is_empty() || draw.one_in(6) {
        path.push('/');
    }
    if draw.one_in(8) {
        path.push_str("?a=/../b");
    } else if draw.one_in(6) {
        path = format!("{path}?{}", query(draw));
    }
    if draw.one_in(20) {
        path = super::twist::off(&path, draw);
    }
    let method = if draw.one_in(15) {
        *draw.pick(&["get", "Post", "", "PATCH", "M-SEARCH"])
    } else {
        METHODS[draw.below(4)]
    };
    (method.to_owned(), path)
}

/// A query with a token in one of its parameters, or nearly.
fn query(draw: &mut Draw) -> String {
    const KEYS: [&str; 10] = [
        "token",
        "Access_Token",
        "api-key",
        "key[0]",
        "id",
        "tokens",
        "a;auth",
        "%74oken",
        "pass%2577ord",
        "x&secret",
    ];
    let token = token(draw);
    let mut value = if draw.one_in(3) { &token.prefixed } else { &token.secret }.clone();
    if draw.one_in(4) {
        let at = draw.below(value.len());
        let escaped = format!("%{:02x}", value.as_bytes()[at]);
        let escaped = if draw.one_in(3) {
            escaped.replace('%', "%25")
        } else {
            escaped
        };
        value.replace_range(at..=at, &escaped);
    }
    if draw.one_in(4) {
        value = format!("{}{value}", draw.pick(&["Bearer%20", "a:", "%22", "x", "_", "%"]));
    }
    let query = format!("{}={value}", draw.pick(&KEYS));
    if draw.one_in(6) {
        super::twist::off(&query, draw)
    } else {
        query
    }
}

pub(super) fn call(draw: &mut Draw, with_address: bool) -> Value {
    let routed = draw.one_in(3);
    let named = !routed && draw.flag();
    let (module, function) = draw.pick(&MODULES);
    let (method, path) = target(draw);
    let feature = (!named && !routed && draw.flag()).then(|| json!(draw.pick(&FEATURES)));
    let realm = realm(draw);
    object([
        ("api", (!routed && draw.one_in(3)).then(|| json!(draw.pick(&APIS)))),
        ("module", named.then(|| json!(module))),
        ("function", named.then(|| json!(function))),
        ("method", routed.then(|| json!(method))),
        ("path", routed.then(|| json!(path))),
        ("feature", feature),
        ("writes", (!named && !routed && draw.flag()).then(|| json!(draw.flag()))),
        (
            "address",
            if with_address {
                address(draw).map(|address| json!(address))
            } else {
                None
            },
        ),
        ("realm", (realm == "admin" || draw.one_in(3)).then(|| json!(realm))),
    ])
}

/// A header that presents the token of a record, or nearly.
pub(super) fn header_for(record: &Value, draw: &mut Draw) -> String {
    let known = pool().iter().find(|token| record["id"] == json!(token.id));
    let token = known.unwrap_or(&pool()[0]);
    let user = record["user"].as_str().unwrap_or("alice");
    header(token, user, draw)
}

pub(super) fn header(token: &Token, user: &str, draw: &mut Draw) -> String {
    let secret = if draw.one_in(5) { &token.prefixed } else { &token.secret };
    let spaces = if draw.one_in(10) { "   " } else { " " };
    let scheme = *draw.pick(&[
        "cpanel", "cpanel", "Bearer", "Bearer", "whm", "CPanel", "bearer", "WHM", "Basic",
    ]);
    let mut text = match scheme.to_lowercase().as_str() {
        "bearer" => format!("{scheme}{spaces}{secret}"),
        _ => format!("{scheme}{spaces}{user}:{secret}"),
    };
    if draw.one_in(6) {
        text = super::twist::off(&text, draw);
    }
    text
}

/// Credentials that can be chosen, mostly without a fault.
pub(super) fn credentials(draw: &mut Draw) -> Value {
    const GOOD: [&str; 7] = [
        "bearer",
        "cpanel",
        "whm",
        "basic",
        "x-api-key",
        "header:X-Key",
        "scheme:Token",
    ];
    const ODD: [&str; 8] = [
        "header:x-key",
        "header:X-API-Key",
        "scheme:token",
        "header:cookie",
        "header:X-Forwarded-Key",
        "scheme:Basic",
        "header:a_b",
        "Bearer",
    ];
    let mut chosen = draw.some(&GOOD, GOOD.len());
    if draw.one_in(12) {
        chosen.push(*draw.pick(&ODD));
    } else if chosen.is_empty() && !draw.one_in(6) {
        chosen.push("basic");
    }
    json!(chosen)
}

/// A credential of one of the kinds that can be chosen, or nearly: the name and the value of a field.
fn field(token: &Token, user: &str, draw: &mut Draw) -> (&'static str, String) {
    let secret = if draw.one_in(5) { &token.prefixed } else { &token.secret };
    let (name, mut value) = match draw.below(5) {
        0 | 1 => {
            let user = if draw.flag() { "" } else { user };
            let mut pair = format!("{user}:{secret}");
            if draw.one_in(6) {
                pair = super::twist::off(&pair, draw);
            }
            let scheme = *draw.pick(&["Basic", "Basic", "basic", "BASIC "]);
            ("Authorization", format!("{scheme} {}", STANDARD.encode(pair)))
        }
        2 => ("authorization", format!("{} {secret}", draw.pick(&["Token", "token"]))),
        3 => ("Authorization", header(token, user, draw)),
        _ => (
            *draw.pick(&["X-API-Key", "x-api-key", "X-Key", "x-key", "x_key"]),
            secret.clone(),
        ),
    };
    if draw.one_in(8) {
        value = super::twist::off(&value, draw);
    }
    (name, value)
}

/// The value of `Authorization` for a table that accepts any credentials.
pub(super) fn any_header_for(record: &Value, draw: &mut Draw) -> String {
    let known = pool().iter().find(|token| record["id"] == json!(token.id));
    field(
        known.unwrap_or(&pool()[0]),
        record["user"].as_str().unwrap_or("alice"),
        draw,
    )
    .1
}

/// The fields of a request that presents the token of a record, once or several times.
pub(super) fn fields(record: &Value, draw: &mut Draw) -> Vec<(&'static str, String)> {
    let known = pool().iter().find(|token| record["id"] == json!(token.id));
    let token = known.unwrap_or(&pool()[0]);
    let user = record["user"].as_str().unwrap_or("alice");
    let count = draw.mostly_below(2, 4);
    let mut fields: Vec<_> = (0..count).map(|_| field(token, user, draw)).collect();
    if draw.one_in(4) {
        let site = *draw.pick(&["none", "same-origin", "same-site", "cross-site", ""]);
        fields.push(("Sec-Fetch-Site", site.to_owned()));
    }
    if draw.one_in(6) {
        fields.push((*draw.pick(&["X-API-Key", "Authorization", "Cookie"]), String::new()));
    }
    draw.shuffle(&mut fields);
    fields
}

/// What a request says in `authorization`.
pub(super) fn authorization(record: &Value, draw: &mut Draw) -> Value {
    if draw.one_in(3) {
        return object([
            ("credentials", (!draw.one_in(8)).then(|| credentials(draw))),
            ("fields", Some(json!(fields(record, draw)))),
        ]);
    }
    match draw.below(16) {
        0 => Value::Null,
        1 => json!([]),
        2 => json!([header_for(record, draw)]),
        3 => json!([header_for(record, draw), header_for(record, draw)]),
        4 => json!(draw.odd_text()),
        _ => json!(header_for(record, draw)),
    }
}

pub(super) fn zone(draw: &mut Draw) -> Value {
    match draw.below(4) {
        0 => json!("UTC"),
        1 => json!(draw.pick(&["+14:00", "-12:00", "+05:45", "+00:00", "-23:59"])),
        _ => {
            let mut at = NOW - 40_000_000 + draw.time_near(0);
            let mut transitions = Vec::new();
            for _ in 0..draw.below(6) {
                transitions.push(json!([at, offset(draw)]));
                at += [3_600, 86_400, 15_000_000, 1][draw.below(4)];
            }
            json!({ "offset": offset(draw), "transitions": transitions })
        }
    }
}

fn offset(draw: &mut Draw) -> i64 {
    *draw.pick(&[0, 3_600, 7_200, -3_600, 20_700, 86_399, -86_399, 1, 50_400])
}

pub(super) fn expiry(draw: &mut Draw) -> Value {
    match draw.below(8) {
        0 => json!("never"),
        1 => json!(draw.time_near(NOW)),
        2 => json!(draw.time_near(NOW).to_string()),
        3 => json!(format!(
            "20{:02}-{:02}-{:02}",
            draw.below(40) + 20,
            draw.below(13),
            draw.below(32)
        )),
        4 => {
            let zone = draw.pick(&["Z", "z", "+00:00", "-08:00", "+23:59", "+24:00"]);
            let clock = format!("{:02}:{:02}:{:02}", draw.below(25), draw.below(60), draw.below(61));
            let fraction = if draw.one_in(3) { ".123456789012" } else { "" };
            json!(format!(
                "2027-0{}-{:02}T{clock}{fraction}{zone}",
                draw.below(9) + 1,
                draw.below(31) + 1
            ))
        }
        5 => json!(draw.odd_text()),
        _ => json!(NOW + 86_400 * i64::try_from(draw.below(800)).unwrap_or_default()),
    }
}

pub(super) fn policy(draw: &mut Draw) -> Value {
    let caps = |draw: &mut Draw| {
        object([
            ("tokens", draw.one_in(3).then(|| json!(1 + draw.below(4)))),
            ("tokensPerHour", draw.one_in(3).then(|| json!(1 + draw.below(4)))),
            ("features", draw.one_in(3).then(|| json!(1 + draw.below(4)))),
            ("addresses", draw.one_in(3).then(|| json!(1 + draw.below(4)))),
            ("recordBytes", draw.one_in(3).then(|| json!(500 + draw.below(120)))),
        ])
    };
    object([
        (
            "maxLifetime",
            draw.flag()
                .then(|| json!([1, 60, 86_400, 31_536_000, 40_000_000][draw.below(5)])),
        ),
        ("expiryRequired", draw.flag().then(|| json!(draw.flag()))),
        ("caps", draw.flag().then(|| caps(draw))),
    ])
}

/// The last table that an edge held.
pub(super) fn floor(draw: &mut Draw) -> Value {
    json!({ "epoch": draw.below(3), "version": draw.below(6), "made": draw.time_near(NOW) })
}

#[cfg(test)]
mod tests {
    use super::pool;

    #[test]
    fn the_core_makes_every_token_of_the_pool() {
        assert_eq!(pool().len(), 40);
        assert!(pool().iter().all(|token| token.hashes.len() == 3));
    }
}
