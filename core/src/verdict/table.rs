//! Records indexed by hash, for the hot path: loaded once, then queried with strings and numbers only.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use hashbrown::HashTable;

use super::code::{CALL_UNKNOWN, code, code_invalid, judge, read_code};
use super::grant::Entry;
use super::judgement::{Matched, Verdict};
use super::table_input::{TableInput, TableUpdate};
use crate::account::rights::Rights;
use crate::auth::call::{Call, Standing};
use crate::auth::credentials::{Credentials, Room};
use crate::auth::prepared::PreparedCalls;
use crate::auth::presentation::Presentation;
use crate::base::error::{Error, ErrorCode};
use crate::base::reason::Reason;
use crate::json::decoder::decode_checked;
use crate::json::value::Value;
use crate::token::access::Realm;
use crate::token::hash::digest::Digest;
use crate::token::hash::hasher::Hasher;
use crate::token::record::Record;
use crate::token::secret::Presented;

/// Indices by a 64-bit hash. The hash is stored beside the index, so most searches touch one record.
type Index = HashTable<(u64, u32)>;

fn key_of((key, _): &(u64, u32)) -> u64 {
    *key
}

struct Slot {
    entry: Entry,
    digest: Digest,
    place: usize,
    account: u32,
}

/// A user, and the rights of the account if it is known.
struct Holder {
    user: String,
    rights: Option<Rights>,
}

/// Records indexed by hash, with their accounts, peppers and catalogue.
pub struct TokenTable {
    slots: Vec<Option<Slot>>,
    vacant: Vec<u32>,
    by_digest: Index,
    by_id: Index,
    accounts: Vec<Holder>,
    by_user: Index,
    hasher: Hasher,
    calls: PreparedCalls,
    credentials: Credentials,
    decoy: Digest,
}

impl fmt::Debug for TokenTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenTable")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl TokenTable {
    /// Loads a table.
    ///
    /// # Errors
    /// Those of an invalid record, account, pepper or catalogue; `credentials_invalid`; `hash_taken`; `pepper_unknown`.
    pub fn new(input: TableInput) -> Result<Self, Error> {
        let hasher = Hasher::new(&input.peppers).map_err(|error| error.under("peppers"))?;
        let mut table = TokenTable {
            slots: Vec::new(),
            vacant: Vec::new(),
            by_digest: HashTable::new(),
            by_id: HashTable::new(),
            accounts: Vec::new(),
            by_user: HashTable::new(),
            hasher,
            calls: PreparedCalls::new(input.catalogue)?,
            credentials: Credentials::read(input.credentials.as_deref())?,
            decoy: Digest::of(Presented::DECOY),
        };
        table.update(TableUpdate {
            records: input.records,
            accounts: input.accounts,
            ..TableUpdate::default()
        })?;
        Ok(table)
    }

    /// Loads a table from an untyped request.
    ///
    /// # Errors
    /// Those of `new`, and of decoding the request.
    pub fn from_value(input: Value) -> Result<Self, Error> {
        TokenTable::new(decode_checked(input)?)
    }

    /// The number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are no records.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Changes the table; on an error nothing changes. Returns the codes of admission that are no longer valid: those
    /// of the changed and removed tokens. Any other code keeps its verdict, because a slot is reused only after its
    /// token was removed.
    ///
    /// # Errors
    /// Those of an invalid record or account; `hash_taken`; `pepper_unknown`.
    pub fn update(&mut self, update: TableUpdate) -> Result<Vec<i64>, Error> {
        let mut accounts = Vec::with_capacity(update.accounts.len());
        for (index, account) in update.accounts.into_iter().enumerate() {
            let rights = account.rights();
            let rights = rights.map_err(|error| error.under_index(index).under("accounts"))?;
            accounts.push((account.user, rights));
        }
        let mut slots = Vec::with_capacity(update.records.len());
        for (index, record) in update.records.into_iter().enumerate() {
            let slot = self.slot(record);
            slots.push(slot.map_err(|error| error.under_index(index).under("records"))?);
        }
        self.check_hashes(&slots, &update.remove_ids, &update.remove_users)?;

        let mut removed = Vec::new();
        for id in &update.remove_ids {
            removed.extend(self.remove(id).map(|(at, _)| at));
        }
        for user in &update.remove_users {
            self.remove_user(user, &mut removed);
        }
        for (user, rights) in accounts {
            let at = self.account(&user);
            if let Some(holder) = self.accounts.get_mut(place(at)) {
                holder.rights = Some(rights);
            }
        }
        for slot in slots {
            removed.extend(self.insert(slot));
        }
        Ok(removed.into_iter().map(|at| code(Reason::Ok, Some(at))).collect())
    }

    /// Changes the table by an untyped request.
    ///
    /// # Errors
    /// Those of `update`, and of decoding the request.
    pub fn update_value(&mut self, update: Value) -> Result<Vec<i64>, Error> {
        self.update(decode_checked(update)?)
    }

    /// Prepares a call and returns its number for [`TokenTable::verify`]. Number 0 is the call without a function or
    /// feature.
    ///
    /// # Errors
    /// Those of a call; `value_invalid` if it holds an address, or if too many calls are prepared.
    pub fn prepare(&mut self, call: &Call) -> Result<u32, Error> {
        self.calls.prepare(call)
    }

    /// Prepares a call from an untyped request.
    ///
    /// # Errors
    /// Those of `prepare`, and of decoding the request.
    pub fn prepare_value(&mut self, call: Value) -> Result<u32, Error> {
        self.prepare(&decode_checked(call)?)
    }

    /// Returns the call number of a request's method and target, for [`TokenTable::verify`]. It needs no preparation, and is
    /// valid until the catalogue is replaced.
    pub fn route(&mut self, realm: Realm, method: &[u8], target: &[u8]) -> u32 {
        self.calls.route(realm, method, target)
    }

    /// Replaces the catalogue by that of an untyped request; without one, by the built-in catalogue. Forgets every
    /// prepared call but number 0. On an error nothing changes.
    ///
    /// # Errors
    /// Those of a catalogue, and of decoding the request.
    pub fn set_catalogue(&mut self, request: Value) -> Result<(), Error> {
        self.calls.set_catalogue(request)
    }

    /// Forgets every prepared call but number 0, to make room: there are 10,000 numbers. The others become unknown
    /// and are assigned again later.
    pub fn forget_calls(&mut self) {
        self.calls.forget();
    }

    /// Decides on a header. Returns the reason's number × 2³² + the record's slot + 1, or + 0 if no record has the
    /// hash; −1 for an unknown call. A number is an admission if its reason is [`Reason::Ok`] or [`Reason::Public`].
    /// [`TokenTable::verdict`] returns the details.
    #[must_use]
    pub fn verify(&self, call: u32, authorization: &[u8], address: Option<&[u8]>, now: i64) -> i64 {
        if self.accepts_usual() {
            return self.decide(call, &Presentation::read(authorization), address, now);
        }
        self.verify_fields(call, &[(b"authorization", authorization)], address, now)
    }

    /// Decides on the header fields of a request, name and value each, as [`TokenTable::verify`] does: of every field, or at
    /// least of those that the operation `credentials` names.
    #[must_use]
    pub fn verify_fields(&self, call: u32, fields: &[(&[u8], &[u8])], address: Option<&[u8]>, now: i64) -> i64 {
        let mut room = Room::default();
        let presented = Presentation::find_in(&self.credentials, fields, &mut room);
        self.decide(call, &presented, address, now)
    }

    /// Whether the usual credentials are accepted, so that a header may be parsed beforehand.
    #[must_use]
    #[inline]
    pub fn accepts_usual(&self) -> bool {
        self.credentials.is_usual()
    }

    /// Decides on a parsed header, as [`TokenTable::verify`] does. Only if the usual credentials are accepted.
    #[must_use]
    pub fn decide(&self, call: u32, presented: &Presentation<'_>, address: Option<&[u8]>, now: i64) -> i64 {
        let Some(target) = self.calls.get(call) else {
            return CALL_UNKNOWN;
        };
        if target.standing == Standing::Public {
            return code(Reason::Public, None);
        }
        let found = presented.find(&self.hasher, &self.decoy, |digest, pepper| self.find(digest, pepper));
        let found = found.and_then(|at| Some((at, self.matched(at)?)));
        judge(presented, found, target, address, now)
    }

    /// Returns the verdict of a number from [`TokenTable::verify`]. Call it before the table is changed.
    ///
    /// # Errors
    /// `value_invalid` for a number that no verification returns, `call_unknown` for −1.
    pub fn verdict(&self, code: i64) -> Result<Verdict, Error> {
        let (reason, slot) = read_code(code)?;
        let slot = slot.map(|at| self.slot_at(at).ok_or_else(code_invalid)).transpose()?;
        Ok(Verdict::of_entry(
            slot.map(|slot| &slot.entry),
            reason,
            &self.credentials,
        ))
    }

    /// Finds the slot of a digest that was computed under the given pepper.
    #[inline]
    fn find(&self, digest: &Digest, pepper: usize) -> Option<u32> {
        let key = digest.index();
        let found = self.by_digest.find(key, |(known, at)| {
            *known == key
                && self
                    .slot_at(*at)
                    .is_some_and(|slot| slot.place == pepper && bool::from(slot.digest.same(digest)))
        });
        found.map(|(_, at)| *at)
    }

    /// The token in a slot, ready to be judged.
    #[inline]
    fn matched(&self, at: u32) -> Option<Matched<'_>> {
        let slot = self.slot_at(at)?;
        // The account's copy of the user's name is already loaded.
        let holder = self.accounts.get(place(slot.account));
        Some(Matched {
            life: slot.entry.life,
            grant: &slot.entry.grant,
            owner: holder.map_or(&[][..], |holder| holder.user.as_bytes()),
            account: holder.and_then(|holder| holder.rights.as_ref()),
        })
    }

    #[inline]
    fn slot_at(&self, at: u32) -> Option<&Slot> {
        self.slots.get(place(at))?.as_ref()
    }

    fn slot(&mut self, record: Record) -> Result<Slot, Error> {
        let checked = record.check()?;
        let place = self.hasher.pepper_index(&checked.hash)?;
        let account = self.account(&record.user);
        Ok(Slot {
            entry: Entry::new(record, checked.addresses),
            digest: checked.hash.digest,
            place,
            account,
        })
    }

    /// Returns the index of a user's account, which is added if needed.
    fn account(&mut self, user: &str) -> u32 {
        if let Some(at) = self.account_at(user) {
            return at;
        }
        let at = u32::try_from(self.accounts.len()).unwrap_or(u32::MAX);
        self.accounts.push(Holder {
            user: user.into(),
            rights: None,
        });
        let key = Digest::index_of(user.as_bytes());
        self.by_user.insert_unique(key, (key, at), key_of);
        at
    }

    fn account_at(&self, user: &str) -> Option<u32> {
        let same = |(_, at): &(u64, u32)| self.accounts.get(place(*at)).is_some_and(|holder| holder.user == user);
        self.by_user
            .find(Digest::index_of(user.as_bytes()), same)
            .map(|(_, at)| *at)
    }

    /// Removes a user's account and tokens. If the user returns, the tokens don't.
    fn remove_user(&mut self, user: &str, removed: &mut Vec<u32>) {
        let Some(account) = self.account_at(user) else {
            return;
        };
        if let Some(holder) = self.accounts.get_mut(place(account)) {
            holder.rights = None;
        }
        let ids: Vec<String> = self
            .slots
            .iter()
            .flatten()
            .filter(|slot| slot.account == account)
            .map(|slot| slot.entry.id.clone())
            .collect();
        for id in &ids {
            removed.extend(self.remove(id).map(|(at, _)| at));
        }
    }

    /// # Errors
    /// `hash_taken`: two ids may not share a hash, in what stays of the table or in the update.
    fn check_hashes(&self, slots: &[Slot], removed_ids: &[String], removed_users: &[String]) -> Result<(), Error> {
        let removed_accounts: Vec<u32> = removed_users.iter().filter_map(|user| self.account_at(user)).collect();
        let stays = |other: &Slot| !removed_ids.contains(&other.entry.id) && !removed_accounts.contains(&other.account);
        let mut fresh = Index::new();
        for (index, slot) in (0_u32..).zip(slots) {
            let clashes = |other: &&Slot| {
                other.entry.id != slot.entry.id
                    && other.place == slot.place
                    && bool::from(other.digest.same(&slot.digest))
            };
            let key = slot.digest.index();
            // Few records clash, so that the lists of what is removed are seldom read.
            let in_table = self
                .by_digest
                .find(key, |(_, at)| self.slot_at(*at).filter(clashes).is_some_and(stays));
            let in_update = fresh.find(key, |(_, at)| slots.get(place(*at)).filter(clashes).is_some());
            if in_table.or(in_update).is_some() {
                let error = Error::at(ErrorCode::HashTaken, "hash", "another token has this hash");
                return Err(error.under_index(place(index)).under("records"));
            }
            fresh.insert_unique(key, (key, index), key_of);
        }
        Ok(())
    }

    /// Adds a slot, and returns the index that the token had before.
    fn insert(&mut self, mut slot: Slot) -> Option<u32> {
        let before = self.remove(&slot.entry.id);
        slot.entry.life.revoked |= before.as_ref().is_some_and(|(_, known)| known.entry.life.revoked);
        let at = self.vacant.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len().saturating_sub(1)).unwrap_or(u32::MAX)
        });
        let (key, id_key) = (slot.digest.index(), Digest::index_of(slot.entry.id.as_bytes()));
        if let Some(vacancy) = self.slots.get_mut(place(at)) {
            *vacancy = Some(slot);
        }
        self.by_digest.insert_unique(key, (key, at), key_of);
        self.by_id.insert_unique(id_key, (id_key, at), key_of);
        before.map(|(at, _)| at)
    }

    fn remove(&mut self, id: &str) -> Option<(u32, Slot)> {
        let slots = &self.slots;
        let same = |(_, at): &(u64, u32)| {
            let slot = slots.get(place(*at)).and_then(Option::as_ref);
            slot.is_some_and(|slot| slot.entry.id == id)
        };
        let ((_, at), _) = self
            .by_id
            .find_entry(Digest::index_of(id.as_bytes()), same)
            .ok()?
            .remove();
        let slot = self.slots.get_mut(place(at))?.take()?;
        if let Ok(found) = self
            .by_digest
            .find_entry(slot.digest.index(), |(_, other)| *other == at)
        {
            found.remove();
        }
        self.vacant.push(at);
        Some((at, slot))
    }
}

/// Converts a 32-bit index.
#[inline]
const fn place(at: u32) -> usize {
    at as usize
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::operations::dispatch::read_json;

    fn record(id: &str, user: &str, digit: char) -> String {
        let hash = format!("{digit:0<64}");
        format!(
            r#"{{"v":1,"id":"{id}","user":"{user}","name":"{id}","hash":"sha256:{hash}","created":0,"expires":null,"access":"full","readOnly":false,"addresses":[]}}"#
        )
    }

    /// The sizes of the three indices after each change.
    fn sizes(changes: &[String]) -> Result<Vec<[usize; 3]>, Error> {
        let mut table = TokenTable::new(TableInput::default())?;
        let mut sizes = Vec::new();
        for change in changes {
            table.update_value(read_json(change.as_bytes())?)?;
            sizes.push([table.by_id.len(), table.by_digest.len(), table.slots.len()]);
        }
        Ok(sizes)
    }

    #[test]
    fn leaves_nothing_of_a_record_that_goes() {
        let (a, b, c) = (record("a", "u", '1'), record("b", "u", '2'), record("c", "w", '3'));
        let changes = [
            format!(r#"{{"records":[{a},{b},{c}]}}"#),
            r#"{"removeIds":["a"]}"#.into(),
            format!(r#"{{"records":[{}]}}"#, record("b", "u", '4')),
            format!(r#"{{"records":[{a}]}}"#),
            r#"{"removeUsers":["u"]}"#.into(),
        ];
        let expected = Vec::from([[3, 3, 3], [2, 2, 3], [2, 2, 3], [3, 3, 3], [1, 1, 3]]);
        assert_eq!(sizes(&changes), Ok(expected));
    }
}
