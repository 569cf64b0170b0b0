//! Tokens to be verified: always the same ones, so that two runs can be compared.

use sha2::{Digest, Sha256};
use tokenlatch_core::{Access, Account, CreateRequest, ExpiryInput, Features, Policy, Realm, TableInput, Zone, create};
use tokenlatch_tests::Fault;

/// 2027-01-15T08:00:00Z.
pub(crate) const NOW: i64 = 1_800_000_000;
const USERS: usize = 1_000;

/// A table and the headers that its tokens are presented in.
pub(crate) struct Input {
    pub(crate) table: TableInput,
    pub(crate) headers: Vec<String>,
}

/// Bytes that look random: good enough for a benchmark, and for nothing else.
fn noise(of: &str, number: usize) -> [u8; 32] {
    Sha256::digest(format!("{of} {number}")).into()
}

fn user(number: usize) -> String {
    format!("user{}", number % USERS)
}

impl Input {
    pub(crate) fn new(tokens: usize) -> Result<Self, Fault> {
        let mut input = Input {
            table: TableInput::default(),
            headers: Vec::with_capacity(tokens),
        };
        input.table.accounts = (0..USERS)
            .map(|number| Account {
                user: user(number),
                suspended: false,
                features: Features::All,
            })
            .collect();
        for number in 0..tokens {
            let bytes = [noise("first", number), noise("second", number)].concat();
            let entropy: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let request = CreateRequest {
                now: NOW,
                entropy: entropy.as_str().into(),
                user: user(number),
                name: format!("token-{number}"),
                access: Access::Full,
                expires: Some(ExpiryInput::Seconds(NOW + 86_400 * 365)),
                read_only: false,
                addresses: Vec::new(),
                realm: Realm::Account,
                zone: Zone::default(),
                prefix: None,
                pepper: None,
                account: None,
                policy: Policy::default(),
                taken: Vec::new(),
                creator: None,
            };
            let created = create(&request).map_err(Fault::during("making a token"))?;
            let header = format!("cpanel {}:{}", created.record.user, created.token.expose());
            input.headers.push(header);
            input.table.records.push(created.record);
        }
        Ok(input)
    }

    /// Which tokens are presented: no pattern that a cache could like.
    pub(crate) fn order(&self, calls: usize) -> Vec<usize> {
        (0..calls)
            .map(|number| {
                let [a, b, c, d, ..] = noise("order", number);
                u32::from_be_bytes([a, b, c, d]) as usize % self.headers.len()
            })
            .collect()
    }
}
