//! The origin's side: builds a message of records and accounts, and signs it. It isn't part of the module.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use sha2::{Digest as _, Sha256};

use super::digest_index::{MAX_GRANTS, Row};
use super::fault::{malformed, too_large};
use super::head::{Counts, HEAD_BYTES, Head, Kind};
use super::key::SigningKey;
use super::users::UNKNOWN;
use crate::account::rights::Account;
use crate::base::error::Error;
use crate::token::access::{Access, Realm};
use crate::token::address::Block;
use crate::token::hash::stored::StoredHash;
use crate::token::record::Record;
use crate::token::user::check_user;
use crate::verdict::grant::{Grant, Life};

/// What a message says about the table that it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heading {
    /// The store's epoch.
    pub epoch: u64,
    /// The store's version.
    pub version: u64,
    /// Now, in Unix seconds.
    pub made: i64,
    /// For how many seconds after that an edge may use it.
    pub max_age: u32,
    /// Whether ids and names of tokens are sent. Deltas must do as the snapshot that they follow.
    pub names: bool,
}

/// A token to be written.
struct Pending {
    digest: [u8; 32],
    life: Life,
    grant: u32,
    user: u32,
    /// Id and name, if they are sent.
    names: Option<Box<(String, String)>>,
}

/// A message being built. If an account or a token is given twice, the last one counts. The store must ensure that no
/// two tokens share a hash.
pub struct Publication {
    heading: Heading,
    /// The version from which a delta starts.
    base: Option<u64>,
    revoked: Vec<[u8; 32]>,
    removed: Vec<String>,
    states: Distinct,
    grants: Distinct,
    /// Users by name, each with a number and the index of the account state.
    users: BTreeMap<String, (u32, u32)>,
    tokens: Vec<Pending>,
}

impl core::fmt::Debug for Publication {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Publication")
            .field("heading", &self.heading)
            .field("base", &self.base)
            .field("tokens", &self.tokens.len())
            .finish_non_exhaustive()
    }
}

/// Distinct items, in encoded form.
#[derive(Default)]
struct Distinct {
    known: BTreeMap<Vec<u8>, u32>,
    bytes: Vec<u8>,
}

impl Distinct {
    fn add(&mut self, written: Vec<u8>) -> u32 {
        let next = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        match self.known.entry(written) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(place) => {
                self.bytes.extend_from_slice(place.key());
                *place.insert(next)
            }
        }
    }
}

impl Publication {
    /// Starts a snapshot of a whole table.
    #[must_use]
    pub fn snapshot(heading: Heading) -> Self {
        Publication {
            heading,
            base: None,
            revoked: Vec::new(),
            removed: Vec::new(),
            states: Distinct::default(),
            grants: Distinct::default(),
            users: BTreeMap::new(),
            tokens: Vec::new(),
        }
    }

    /// Starts a delta of the changes since the version `base`. If `base` is the heading's version, it is a heartbeat,
    /// which must be empty.
    #[must_use]
    pub fn delta(base: u64, heading: Heading) -> Self {
        Publication {
            base: Some(base),
            ..Publication::snapshot(heading)
        }
    }

    /// Adds a user's account in its current state.
    ///
    /// # Errors
    /// `user_*`, `feature_invalid`.
    pub fn account(&mut self, account: &Account) -> Result<(), Error> {
        let rights = account.rights()?;
        let features = rights.features.as_deref();
        let flags =
            u8::from(rights.suspended) | u8::from(features.is_none()) << 1 | u8::from(rights.administrator) << 2;
        let mut out = Vec::from([flags]);
        put_words(&mut out, features.unwrap_or_default());
        let state = self.states.add(out);
        self.user(&account.user, Some(state));
        Ok(())
    }

    /// Adds a token in its current state. The user's account, if there is one, must be added too, before or after.
    ///
    /// # Errors
    /// Those of an invalid record.
    pub fn record(&mut self, record: &Record) -> Result<(), Error> {
        let checked = record.check()?;
        let grant = Grant {
            access: record.access.clone(),
            read_only: record.read_only,
            addresses: checked.addresses,
            realm: record.realm,
        };
        let pepper = checked.hash.pepper.as_deref().unwrap_or_default();
        let grant = self.grants.add(written_grant(&grant, pepper));
        let user = self.user(&record.user, None);
        let names = self
            .heading
            .names
            .then(|| Box::new((record.id.clone(), record.name.clone())));
        self.tokens.push(Pending {
            digest: checked.hash.digest.to_bytes(),
            life: Life {
                expires: record.expires,
                revoked: record.revoked.is_some(),
            },
            grant,
            user,
            names,
        });
        Ok(())
    }

    /// Revokes a token by its stored hash. For deltas only.
    ///
    /// # Errors
    /// `hash_invalid`, `hash_kind_unsupported`.
    pub fn revoke(&mut self, hash: &str) -> Result<(), Error> {
        self.revoked.push(StoredHash::parse(hash)?.digest.to_bytes());
        Ok(())
    }

    /// Removes a user and revokes their tokens. For deltas only.
    ///
    /// # Errors
    /// `user_*`.
    pub fn remove_user(&mut self, user: &str) -> Result<(), Error> {
        check_user(user, "user")?;
        self.removed.push(user.into());
        Ok(())
    }

    fn user(&mut self, name: &str, state: Option<u32>) -> u32 {
        let next = u32::try_from(self.users.len()).unwrap_or(u32::MAX);
        let (number, known) = self.users.entry(name.into()).or_insert((next, UNKNOWN));
        if let Some(state) = state {
            *known = state;
        }
        *number
    }

    /// Encodes and signs the message.
    ///
    /// # Errors
    /// `snapshot_malformed` for a heading out of range or a heartbeat with content; `snapshot_too_large`.
    pub fn sign(mut self, key: &SigningKey) -> Result<Vec<u8>, Error> {
        let grants = self.grants.known.len();
        if grants > MAX_GRANTS {
            return Err(too_large());
        }
        self.settle_tokens();
        self.revoked.sort_unstable();
        self.revoked.dedup();
        self.removed.sort_unstable();
        self.removed.dedup();
        let mut removed = Vec::new();
        for user in &self.removed {
            put_text(&mut removed, user);
        }
        let mut users = Vec::new();
        let mut places = vec![0_u32; self.users.len()];
        for (index, (name, (number, state))) in (0..).zip(&self.users) {
            users.extend(state.to_le_bytes());
            put_text(&mut users, name);
            if let Some(place) = places.get_mut(*number as usize) {
                *place = index;
            }
        }

        let mut body = Vec::new();
        body.extend(self.revoked.as_flattened());
        for section in [&removed, &self.states.bytes, &users, &self.grants.bytes] {
            body.extend_from_slice(section);
        }
        let mut names = Vec::new();
        for token in &self.tokens {
            body.extend(token.digest);
            body.extend(Row::pack(token.life, token.grant).to_le_bytes());
            let user = places.get(token.user as usize).copied().unwrap_or(u32::MAX);
            body.extend(user.to_le_bytes());
            if let Some(pair) = &token.names {
                put_text(&mut names, &pair.0);
                put_text(&mut names, &pair.1);
            }
        }
        body.extend_from_slice(&names);

        let count = |count: usize| u32::try_from(count).map_err(|_| too_large());
        let counts = Counts {
            revoked: count(self.revoked.len())?,
            removed: count(self.removed.len())?,
            states: count(self.states.known.len())?,
            users: count(self.users.len())?,
            grants: count(grants)?,
            rows: count(self.tokens.len())?,
            removed_bytes: count(removed.len())?,
            states_bytes: count(self.states.bytes.len())?,
            users_bytes: count(users.len())?,
            grants_bytes: count(self.grants.bytes.len())?,
            names_bytes: count(names.len())?,
        };
        let head = Head {
            kind: if self.base.is_some() {
                Kind::Delta
            } else {
                Kind::Snapshot
            },
            names: self.heading.names,
            key_id: key.id(),
            epoch: self.heading.epoch,
            base: self.base.unwrap_or(0),
            version: self.heading.version,
            made: self.heading.made,
            max_age: self.heading.max_age,
            counts,
            digest: Sha256::digest(&body).into(),
        };
        head.check()?;
        let mut message = head.write();
        let signature = key.sign(message.first_chunk().ok_or_else(|| malformed("head"))?);
        message.extend(signature);
        message.extend_from_slice(&body);
        Ok(message)
    }

    /// Sorts the tokens by digest and removes duplicates: the last one given is kept, and is revoked if any of them
    /// was.
    fn settle_tokens(&mut self) {
        // The sort is stable and the order reversed, so of two with one digest the last one given comes first.
        self.tokens.reverse();
        self.tokens.sort_by_key(|token| token.digest);
        self.tokens.dedup_by(|earlier, last| {
            let same = earlier.digest == last.digest;
            last.life.revoked |= same && earlier.life.revoked;
            same
        });
    }
}

/// Signs a message again with a new time. The body is unchanged, and must still have been true at `made`, in Unix
/// seconds.
///
/// # Errors
/// `snapshot_malformed` if it isn't a message, or for a time out of range.
pub fn renew(message: &mut [u8], made: i64, key: &SigningKey) -> Result<(), Error> {
    let fault = || malformed("head");
    let (bytes, rest) = message.split_first_chunk_mut::<HEAD_BYTES>().ok_or_else(fault)?;
    let (signature, _) = rest.split_first_chunk_mut::<64>().ok_or_else(fault)?;
    let mut head = Head::read(bytes).ok_or_else(fault)?;
    head.made = made;
    head.key_id = key.id();
    head.check()?;
    let written = head.write();
    *bytes = *written.first_chunk().ok_or_else(fault)?;
    *signature = key.sign(bytes);
    Ok(())
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    // Every text here was checked, and has at most 64 bytes.
    out.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(text.as_bytes());
}

fn put_words(out: &mut Vec<u8>, words: &[String]) {
    out.extend(u16::try_from(words.len()).unwrap_or(u16::MAX).to_le_bytes());
    for word in words {
        put_text(out, word);
    }
}

fn written_grant(grant: &Grant, pepper: &str) -> Vec<u8> {
    let features = match &grant.access {
        Access::Full => None,
        Access::Limited { features } => Some(features.as_slice()),
    };
    let admin = grant.realm == Realm::Admin;
    let flags = u8::from(grant.read_only) | u8::from(features.is_some()) << 1 | u8::from(admin) << 2;
    let mut out = Vec::from([flags]);
    put_text(&mut out, pepper);
    put_words(&mut out, features.unwrap_or_default());
    out.push(u8::try_from(grant.addresses.len()).unwrap_or(u8::MAX));
    for (v4, network, length) in grant.addresses.iter().map(Block::parts) {
        out.extend([if v4 { 4 } else { 6 }, u8::try_from(length).unwrap_or(u8::MAX)]);
        let bytes = network.to_be_bytes();
        out.extend_from_slice(if v4 { bytes.split_at(12).1 } else { &bytes });
    }
    out
}
