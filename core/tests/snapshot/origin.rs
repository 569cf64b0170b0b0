//! A small origin: numbered tokens, and messages about them.

use tokenlatch_core::{
    Access, Account, Authorization, Features, Heading, IdentifyRequest, Pepper, Publication, Reason, Record,
    SecretString, SigningKey, Snapshot, SnapshotOptions, identify,
};

pub const NOW: i64 = 1_800_000_000;
pub const MAX_AGE: u32 = 60;

pub fn key(number: u8) -> SigningKey {
    SigningKey::from_secret_bytes(&[number; 32]).unwrap()
}

pub fn header(token: u32) -> String {
    format!("Bearer TOKEN{token:027}")
}

pub fn hash(token: u32, peppers: &[Pepper]) -> String {
    let request = IdentifyRequest {
        authorization: Authorization::from(header(token).as_str()),
        peppers: peppers.to_vec(),
    };
    identify(&request).unwrap().hashes.first().unwrap().clone()
}

pub fn pepper() -> Pepper {
    Pepper {
        id: "spring".into(),
        key: SecretString::from("000102030405060708090a0b0c0d0e0f"),
    }
}

pub fn record(token: u32, user: &str) -> Record {
    Record {
        v: 1,
        id: format!("id-{token}"),
        user: user.into(),
        name: format!("name-{token}"),
        hash: hash(token, &[]),
        created: NOW,
        access: Access::Full,
        ..Record::default()
    }
}

pub fn account(user: &str) -> Account {
    Account {
        user: user.into(),
        suspended: false,
        administrator: false,
        features: Features::All,
    }
}

pub fn heading(version: u64) -> Heading {
    Heading {
        epoch: 1,
        version,
        made: NOW,
        max_age: MAX_AGE,
        names: false,
    }
}

/// A snapshot of some of alice's tokens, signed with key 1.
pub fn snapshot(heading: Heading, tokens: &[u32]) -> Vec<u8> {
    let mut made = Publication::snapshot(heading);
    made.account(&account("alice")).unwrap();
    for token in tokens {
        made.record(&record(*token, "alice")).unwrap();
    }
    made.sign(&key(1)).unwrap()
}

/// A delta that revokes one token and adds one.
pub fn delta(base: u64, heading: Heading, revoked: u32, fresh: u32) -> Vec<u8> {
    let mut made = Publication::delta(base, heading);
    made.revoke(&hash(revoked, &[])).unwrap();
    made.record(&record(fresh, "alice")).unwrap();
    made.account(&account("alice")).unwrap();
    made.sign(&key(1)).unwrap()
}

pub fn heartbeat(heading: Heading) -> Vec<u8> {
    Publication::delta(heading.version, heading).sign(&key(1)).unwrap()
}

pub fn options() -> SnapshotOptions {
    SnapshotOptions {
        public_keys: vec![key(1).public_key()],
        ..SnapshotOptions::default()
    }
}

/// An edge that trusts key 1.
pub fn edge() -> Snapshot {
    Snapshot::new(options()).unwrap()
}

pub fn reason(edge: &Snapshot, token: u32, now: i64) -> Reason {
    let code = edge.verify(0, header(token).as_bytes(), None, now);
    edge.verdict(code).unwrap().reason
}
