//! The tokens to verify. They are always the same, so that two runs can be compared.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};
use tokenlatch_core::{
    Access, Account, CreateRequest, Error, ExpiryInput, Features, Heading, Publication, Record, SigningKey,
    SnapshotOptions, TableInput, create,
};
use tokenlatch_tests::Fault;

/// 2027-01-15T08:00:00Z.
pub(crate) const NOW: i64 = 1_800_000_000;
/// Number of tokens in the hot cases; as in `stage.mjs`.
pub(crate) const HOT: usize = 256;
/// Length of the order; as in `stage.mjs`.
const TURN: usize = 1 << 18;
const USERS: usize = 1_000;

/// A table, the headers with its tokens, and the order in which they are presented.
#[derive(Serialize)]
pub(crate) struct Input {
    now: i64,
    pub(crate) headers: Vec<String>,
    pub(crate) records: Vec<Record>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) snapshot: Published,
    /// The guests compute the same order.
    #[serde(skip)]
    pub(crate) order: Vec<u32>,
}

/// The same records and accounts as a signed snapshot with the tokens' names, so that a verdict has the same fields as with a
/// table.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Published {
    /// The key in hex.
    public_key: String,
    #[serde(serialize_with = "in_base64")]
    pub(crate) message: Vec<u8>,
}

fn in_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

/// Pseudo-random bytes, for benchmarks only.
fn noise(of: &str, number: usize) -> [u8; 32] {
    Sha256::digest(format!("{of} {number}")).into()
}

/// The number of the user that owns a token.
pub(crate) fn owner(number: usize) -> usize {
    number % USERS
}

/// The request that creates a token.
pub(crate) fn request(number: usize, entropy: &[u8]) -> CreateRequest {
    let entropy: String = entropy.iter().map(|byte| format!("{byte:02x}")).collect();
    let (user, name) = (format!("user{}", owner(number)), format!("token-{number}"));
    CreateRequest {
        expires: Some(ExpiryInput::Seconds(NOW + 86_400 * 365)),
        ..CreateRequest::new(NOW, entropy.as_str().into(), user, name, Access::Full)
    }
}

impl Input {
    pub(crate) fn new(tokens: usize) -> Result<Self, Fault> {
        let accounts = (0..USERS).map(|number| Account {
            user: format!("user{number}"),
            suspended: false,
            administrator: false,
            features: Features::All,
        });
        let accounts: Vec<Account> = accounts.collect();
        let mut headers = Vec::with_capacity(tokens);
        let mut records = Vec::with_capacity(tokens);
        for number in 0..tokens {
            let entropy = [noise("first", number), noise("second", number)].concat();
            let created = create(&request(number, &entropy)).map_err(Fault::during("making a token"))?;
            let header = format!("cpanel {}:{}", created.record.user, created.token.expose());
            headers.push(header);
            records.push(created.record);
        }
        Ok(Input {
            now: NOW,
            snapshot: Published::of(&records, &accounts).map_err(Fault::during("signing the snapshot"))?,
            headers,
            records,
            accounts,
            order: order(tokens),
        })
    }

    /// The table's input.
    pub(crate) fn table(&self) -> TableInput {
        TableInput {
            records: self.records.clone(),
            accounts: self.accounts.clone(),
            ..TableInput::default()
        }
    }
}

impl Published {
    fn of(records: &[Record], accounts: &[Account]) -> Result<Self, Error> {
        let key = SigningKey::from_secret_bytes(&noise("key", 0))?;
        let mut publication = Publication::snapshot(Heading {
            epoch: 1,
            version: 1,
            made: NOW,
            max_age: 86_400,
            names: true,
        });
        for account in accounts {
            publication.account(account)?;
        }
        for record in records {
            publication.record(record)?;
        }
        Ok(Published {
            public_key: key.public_key(),
            message: publication.sign(&key)?,
        })
    }

    /// The options of an edge that opens the snapshot.
    pub(crate) fn options(&self) -> SnapshotOptions {
        SnapshotOptions {
            public_keys: vec![self.public_key.clone()],
            ..SnapshotOptions::default()
        }
    }
}

/// A random order of the tokens (xorshift32), without a pattern that a cache could use.
fn order(tokens: usize) -> Vec<u32> {
    let tokens = u32::try_from(tokens.max(1)).unwrap_or(u32::MAX);
    let mut state = 0x9e37_79b9_u32;
    (0..TURN)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state % tokens
        })
        .collect()
}
