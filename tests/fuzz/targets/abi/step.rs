//! What the host does, and what it has to say.

use arbitrary::Arbitrary;
use serde_json::json;
use tokenlatch_core::{Heading, Publication};
use tokenlatch_fuzz::origin::{NOW, key, record, secret};

/// A range of memory as the host states it.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Range {
    /// A part of one of the host's allocations.
    Part(u8, u16, u16),
    /// A whole one.
    Whole(u8),
    /// Beyond the end or before the beginning of one.
    Over(u8, i8, i8),
    Wild(u32, u32),
}

#[derive(Arbitrary, Debug)]
pub enum Text<'a> {
    Known(u8),
    Any(&'a [u8]),
}

#[derive(Arbitrary, Debug)]
pub enum Step<'a> {
    Allocate(u32),
    Put(Text<'a>),
    Free(Range),
    Call(Range),
    TableNew(Range),
    SnapshotNew(Range),
    Update(u8, Range),
    Prepare(u8, Range),
    SetCatalogue(u8, Range),
    Forget(u8),
    /// Of a table, in a realm, the length of whose method is stated: the call number is used at once.
    Route(u8, u8, Range, u32),
    Verify(u8, u8, Range, Range),
    VerifyMany(u8, u8, Range),
    Verdict(u8, i64),
    LastVerdict(u8),
    Holder(u8, Range),
    Begin(u8, Range),
    Push(u8, Range),
    Commit(u8),
    Apply(u8, Range),
    State(u8),
    Close(u8),
}

thread_local! {
    pub static TEXTS: Vec<Vec<u8>> = texts();
}

/// Requests, headers, and a message in one piece and in two.
fn texts() -> Vec<Vec<u8>> {
    let account = json!({"user": "alice", "features": "all"});
    let mut message = Publication::snapshot(Heading {
        epoch: 1,
        version: 1,
        made: NOW,
        max_age: 60,
        names: true,
    });
    message.record(&record(0)).expect("the record is valid");
    let message = message.sign(&key(1)).expect("the message can be signed");
    // Three requests: a header, a header and an address, and nothing.
    let mut many = vec![3, 0, 0, 0, 39, 0, 0, 0, 39, 0, 9, 0, 0, 0, 0, 0];
    many.extend(format!("Bearer {0}Bearer {0}192.0.2.7", secret(0)).bytes());
    let json = [
        json!({"op": "info"}),
        json!({"records": [record(0)], "accounts": [account]}),
        json!({"publicKeys": [key(1).public_key()]}),
        json!({"feature": "mail", "writes": false}),
        json!({"module": "Email", "function": "list_pops"}),
        json!({"removeIds": ["id"], "removeUsers": ["bob"]}),
        json!({"catalogue": []}),
        json!({}),
    ];
    let mut all: Vec<Vec<u8>> = json.iter().map(|text| text.to_string().into_bytes()).collect();
    all.push(format!("Bearer {}", secret(0)).into_bytes());
    all.push(format!("cpanel alice:{}", secret(0)).into_bytes());
    all.push(b"192.0.2.7".to_vec());
    all.push(message[..192].to_vec());
    all.push(message[192..].to_vec());
    all.push(message);
    all.push(many);
    all
}
