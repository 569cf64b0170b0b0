//! A signed snapshot, its deltas, and what an edge decides by them. The model encodes and signs each message too, and its bytes
//! must be those of the core.

use std::error::Error;

use serde_json::{Value, json};
use tokenlatch_core::{Heading, Publication, SigningKey};
use tokenlatch_vectors::hex::hex;

use super::tables::verify;
use crate::differ::case::Step;
use crate::differ::draw::{Draw, NOW};
use crate::differ::objects::{USERS, account_of, call, catalogue, credentials, floor, peppers, pool, record_of};
use crate::fault::Fault;

/// The seed of the origin's key; the model has the same.
const SEED: [u8; 32] = [1; 32];

/// What the origin's store holds.
struct Origin {
    epoch: u64,
    version: u64,
    made: i64,
    names: bool,
    /// By user, in the order of [`USERS`].
    accounts: Vec<Option<Value>>,
    records: Vec<Value>,
}

/// The contents of a message.
#[derive(Debug, Default)]
struct Contents {
    base: Option<u64>,
    rows: Vec<Value>,
    accounts: Vec<Value>,
    revoked: Vec<Value>,
    removed: Vec<String>,
}

/// An edge, the messages that it is given, and the requests that it verifies.
///
/// # Errors
/// The core doesn't sign what it should: every drawn message is valid before it is spoilt.
pub(in crate::differ) fn snapshot(draw: &mut Draw) -> Result<Vec<Step>, Fault> {
    let key = SigningKey::from_secret_bytes(&SEED).map_err(Fault::during("the key"))?;
    let mut options = json!({ "publicKeys": [key.public_key()], "peppers": peppers(), "catalogue": catalogue(draw) });
    if draw.one_in(3) {
        options["credentials"] = credentials(draw);
    }
    if draw.one_in(4) {
        options["floor"] = floor(draw);
    }
    if draw.one_in(4) {
        options["maxAge"] = json!(draw.pick(&[1, 30, 60, 61, 100_000]));
    }
    if draw.one_in(10) {
        crate::differ::twist::twist(&mut options["peppers"], draw);
    }
    let mut steps = vec![Step::new("snapshot", draw, &options)];
    let mut origin = Origin {
        epoch: draw.below(3) as u64,
        version: draw.below(4) as u64,
        made: NOW,
        names: draw.flag(),
        accounts: vec![None; USERS.len()],
        records: Vec::new(),
    };
    let mut calls = 1;
    for _ in 0..2 + draw.below(5) {
        let contents = changed(&mut origin, draw);
        steps.push(message(&origin, contents, &key, draw)?);
        if draw.one_in(3) {
            calls += 1;
            let call = call(draw, false);
            steps.push(Step::new("prepare", draw, &call));
        }
        for _ in 0..draw.below(5) {
            steps.push(verify(&origin.records, calls, draw));
        }
    }
    Ok(steps)
}

/// Changes the store, and says what a message about it holds.
fn changed(origin: &mut Origin, draw: &mut Draw) -> Contents {
    let base = origin.version;
    let gone: Vec<usize> = draw.one_in(5).then(|| draw.below(USERS.len())).into_iter().collect();
    let removed: Vec<String> = gone.iter().map(|user| USERS[*user].to_owned()).collect();
    for user in &gone {
        origin.accounts[*user] = None;
    }
    origin
        .records
        .retain(|record| !removed.iter().any(|user| record["user"] == json!(user)));
    let mut touched = Vec::new();
    for (at, user) in USERS.iter().enumerate() {
        if !gone.contains(&at) && draw.one_in(3) {
            origin.accounts[at] = Some(account_of(user, draw));
            touched.push(at);
        }
    }
    let mut rows = Vec::new();
    for number in 0..10 {
        if draw.one_in(3) {
            let mut row = record_of(&pool()[number], draw);
            // A token's hash never changes.
            row["hash"] = json!(pool()[number].hashes[number % 3]);
            if removed.iter().all(|user| row["user"] != json!(user)) {
                origin.records.retain(|record| record["hash"] != row["hash"]);
                origin.records.push(row.clone());
                rows.push(row);
            }
        }
    }
    let revoked = draw
        .some(&origin.records, 2)
        .into_iter()
        .filter(|record| !rows.contains(record))
        .collect();
    origin.version += draw.below(3) as u64;
    origin.made += [0, 0, 1, 10, 59, 61, -1, 301, -400][draw.below(9)];
    if draw.one_in(10) {
        origin.epoch = draw.below(3) as u64;
    }
    match draw.below(8) {
        0..=2 => Contents {
            rows: origin.records.clone(),
            accounts: origin.accounts.iter().flatten().cloned().collect(),
            ..Contents::default()
        },
        3 => Contents {
            base: Some(origin.version),
            ..Contents::default()
        },
        _ if origin.version == base => Contents {
            base: Some(base),
            ..Contents::default()
        },
        _ => {
            // Of a row's user, the account is sent with it.
            for (at, user) in USERS.iter().enumerate() {
                if !touched.contains(&at) && rows.iter().any(|row| row["user"] == json!(user)) {
                    touched.push(at);
                }
            }
            Contents {
                base: Some(if draw.one_in(8) { base.saturating_sub(1) } else { base }),
                rows,
                accounts: touched.iter().filter_map(|at| origin.accounts[*at].clone()).collect(),
                revoked,
                removed,
            }
        }
    }
}

/// Signs a message, at times spoils it, and describes it for the model.
fn message(origin: &Origin, mut contents: Contents, key: &SigningKey, draw: &mut Draw) -> Result<Step, Fault> {
    let max_age = *draw.pick(&[60, 60, 60, 1, 4_000_000_000]);
    let heading = Heading {
        epoch: origin.epoch,
        version: origin.version,
        made: origin.made,
        max_age,
        names: origin.names,
    };
    // The order of the grants is the origin's choice; the model makes it that of the rows.
    let digest = |row: &Value| {
        row["hash"]
            .as_str()
            .and_then(|hash| hash.rsplit(':').next())
            .map(str::to_owned)
    };
    contents.rows.sort_by_key(digest);
    let mut bytes = signed(heading, &contents, key).map_err(Fault::during(format_args!("signing {contents:?}")))?;
    let spoilt = draw.one_in(8).then(|| spoil(&mut bytes, draw));
    let parts = json!({
        "epoch": heading.epoch, "base": contents.base, "version": heading.version, "made": heading.made,
        "maxAge": max_age, "names": heading.names, "rows": contents.rows, "accounts": contents.accounts,
        "revoked": contents.revoked, "removed": contents.removed, "spoilt": spoilt,
    });
    let now = if draw.one_in(10) {
        draw.now()
    } else {
        draw.time_near(origin.made.max(NOW))
    };
    Ok(Step::apply(hex(&bytes), now, parts))
}

fn signed(heading: Heading, contents: &Contents, key: &SigningKey) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut made = match contents.base {
        Some(base) => Publication::delta(base, heading),
        None => Publication::snapshot(heading),
    };
    for account in &contents.accounts {
        made.account(&serde_json::from_value(account.clone())?)?;
    }
    for row in &contents.rows {
        made.record(&serde_json::from_value(row.clone())?)?;
    }
    for record in &contents.revoked {
        made.revoke(record["hash"].as_str().unwrap_or_default())?;
    }
    for user in &contents.removed {
        made.remove_user(user)?;
    }
    Ok(made.sign(key)?)
}

/// Spoils the head or the body of a message; says which.
fn spoil(bytes: &mut Vec<u8>, draw: &mut Draw) -> &'static str {
    const SIGNED: usize = 192;
    let body = bytes.len() - SIGNED;
    match draw.below(6) {
        0 => bytes.push(0),
        1 if body > 0 => bytes.truncate(SIGNED + draw.below(body)),
        2 if body > 0 => bytes[SIGNED + draw.below(body)] ^= 1 << draw.below(8),
        3 => {
            bytes.truncate(draw.below(SIGNED));
            return "head";
        }
        _ => {
            bytes[draw.below(SIGNED)] ^= 1 << draw.below(8);
            return "head";
        }
    }
    "body"
}
