//! The `data` of a reply, in the form of its interface. RULES.md, 3 and 5.

use alloc::string::String;
use alloc::vec::Vec;

use super::body::{ARRAY, Body, OBJECT};
use crate::base::error::Error;
use crate::base::sort::sorted;
use crate::token::access::Access;
use crate::token::record::Record;
use crate::token::secret::SecretString;

/// The functions of UAPI and API 2.
const UAPI: &[&str] = &[
    "create_full_access",
    "create_limited",
    "get_addresses",
    "list",
    "rename",
    "revoke",
    "set_addresses",
];

/// The functions of WHM.
const WHM: &[&str] = &[
    "api_token_create",
    "api_token_list",
    "api_token_update",
    "api_token_revoke",
    "api_token_get_details",
];

/// Whether the interface has a function of that name.
pub(crate) fn has_function(whm: bool, function: &str) -> bool {
    let known = if whm { WHM } else { UAPI };
    known.contains(&function)
}

/// The parts of a function's result.
#[derive(Clone, Copy)]
pub(crate) struct Outcome<'a> {
    pub(crate) token: Option<&'a SecretString>,
    pub(crate) record: Option<&'a Record>,
    pub(crate) records: Option<&'a [Record]>,
}

/// Builds the data of a function; empty for a function of WHM without data.
pub(crate) fn data(function: &str, outcome: Outcome<'_>, whm: bool) -> Result<Body, Error> {
    let token = || outcome.token.ok_or_else(|| Error::missing("token"));
    let record = || outcome.record.ok_or_else(|| Error::missing("record"));
    let records = || outcome.records.ok_or_else(|| Error::missing("records"));
    let mut body = Body::default();
    match function {
        "create_full_access" | "create_limited" => {
            let (token, record) = (token()?, record()?);
            body.raw("{\"create_time\":").integer(Some(record.created));
            body.raw(",\"token\":").text(token.expose()).raw("}");
        }
        "get_addresses" => {
            body.texts(&record()?.addresses);
        }
        "list" => {
            body.items(ARRAY, &live(records()?), &|body, record| uapi_token(body, record));
        }
        "revoke" => {
            body.raw("1");
        }
        "api_token_create" => {
            let (token, record) = (token()?, record()?);
            whm_token(&mut body, record, Some(token), ARRAY);
        }
        "api_token_list" => {
            body.raw("{\"tokens\":");
            body.items(OBJECT, &live(records()?), &|body, record| {
                body.text(&record.name).raw(":");
                whm_token(body, record, None, OBJECT);
            });
            body.raw("}");
        }
        "api_token_update" => whm_token(&mut body, record()?, None, ARRAY),
        "api_token_get_details" => {
            if let Some(record) = outcome.record {
                whm_token(&mut body, record, None, ARRAY);
            }
        }
        _ if whm => {}
        _ => {
            body.raw("null");
        }
    }
    Ok(body)
}

/// The tokens that a list shows: those not revoked, sorted by name.
fn live(records: &[Record]) -> Vec<&Record> {
    let live: Vec<&Record> = records.iter().filter(|record| record.revoked.is_none()).collect();
    let key = |at: usize| live.get(at).map(|record| (&record.name, &record.id));
    let order = sorted(live.len(), &|a, b| key(a).cmp(&key(b)));
    order.into_iter().filter_map(|at| live.get(at).copied()).collect()
}

fn uapi_token(body: &mut Body, record: &Record) {
    let (full, features) = match &record.access {
        Access::Full => (1, Default::default()),
        Access::Limited { features } => (0, features.as_slice()),
    };
    body.raw("{\"name\":").text(&record.name);
    body.raw(",\"create_time\":").integer(Some(record.created));
    body.raw(",\"expires_at\":").integer(record.expires);
    body.raw(",\"features\":").texts(features);
    body.raw(",\"has_full_access\":").integer(Some(full));
    body.raw(if record.read_only { ",\"readonly\":1}" } else { "}" });
}

/// Writes a token of WHM, with its privileges as a list in brackets or as an object in braces.
fn whm_token(body: &mut Body, record: &Record, token: Option<&SecretString>, brackets: [&str; 2]) {
    let all = [String::from("all")];
    let acls = match &record.access {
        Access::Full => all.as_slice(),
        Access::Limited { features } => features,
    };
    body.raw("{\"acls\":");
    body.items(brackets, acls, &|body, acl| {
        body.text(acl).raw(if brackets == OBJECT { ":1" } else { "" });
    });
    body.raw(",\"create_time\":").integer(Some(record.created));
    body.raw(",\"expires_at\":").integer(record.expires);
    body.raw(",\"name\":").text(&record.name);
    if let Some(token) = token {
        body.raw(",\"token\":").text(token.expose());
    }
    body.raw(",\"whitelist_ips\":");
    match record.addresses.as_slice() {
        [] => body.raw("null"),
        addresses => body.texts(addresses),
    };
    body.raw("}");
}
