//! What an edge reports of its table and of one token in it.

use serde::{Deserialize, Serialize};

use super::floor::Floor;

/// Which table is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotState {
    /// Its epoch.
    pub epoch: u64,
    /// Its version.
    pub version: u64,
    /// When it was made, in Unix seconds.
    pub made: i64,
    /// For how many seconds after that it may be decided by.
    pub max_age: u32,
    /// Its tokens, revoked ones among them.
    pub tokens: usize,
    /// The memory that it takes.
    pub bytes: usize,
}

impl SnapshotState {
    /// What a later table must reach.
    #[must_use]
    pub fn floor(&self) -> Floor {
        Floor {
            epoch: self.epoch,
            version: self.version,
            made: self.made,
        }
    }
}

/// The token that a code of [`Snapshot::verify`] speaks of, without a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder<'a> {
    /// Its SHA-256 or HMAC: what its use is reported by.
    pub digest: [u8; 32],
    /// Its user.
    pub user: &'a str,
    /// Its expiry, in Unix seconds.
    pub expires: Option<i64>,
    /// The number of its grant: access and read only are the same for all that have it, until another message is taken.
    pub grant: u32,
    /// Its id, where the snapshot has names.
    pub id: Option<&'a str>,
    /// Its name, where the snapshot has names.
    pub name: Option<&'a str>,
}
