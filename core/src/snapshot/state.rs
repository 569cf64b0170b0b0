//! What an edge reports about its table and about one token.

use serde::{Deserialize, Serialize};

use super::floor::Floor;

/// The table that an edge holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotState {
    /// Its epoch.
    pub epoch: u64,
    /// Its version.
    pub version: u64,
    /// When it was made, in Unix seconds.
    pub made: i64,
    /// For how many seconds after that it may be used.
    pub max_age: u32,
    /// The number of tokens, revoked ones included.
    pub tokens: usize,
    /// The memory that it takes, in bytes.
    pub bytes: usize,
}

impl SnapshotState {
    /// The floor for a later table.
    #[must_use]
    pub fn floor(&self) -> Floor {
        Floor {
            epoch: self.epoch,
            version: self.version,
            made: self.made,
        }
    }
}

/// The token of a code from [`Snapshot::verify`](crate::Snapshot::verify), borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder<'a> {
    /// Its SHA-256 or HMAC, by which its uses are reported.
    pub digest: [u8; 32],
    /// Its user.
    pub user: &'a str,
    /// Its expiry, in Unix seconds; `None` for never.
    pub expires: Option<i64>,
    /// The number of its grant. Tokens with the same number have the same access, until another message is taken.
    pub grant: u32,
    /// Its id, if the snapshot has names.
    pub id: Option<&'a str>,
    /// Its name, if the snapshot has names.
    pub name: Option<&'a str>,
}
