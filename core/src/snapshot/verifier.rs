//! The edge's side: the trusted keys, the table held, and the message being loaded.

use alloc::boxed::Box;
use core::fmt;

use super::age::{LatestNow, usable};
use super::fault::malformed;
use super::floor::{Floor, is_behind};
use super::head::{HEAD_BYTES, Head, Kind, MESSAGE_HEAD_BYTES};
use super::key::PublicKeys;
use super::loading::Loading;
use super::options::SnapshotOptions;
use super::state::{Holder, SnapshotState};
use super::succession;
use super::succession::gap;
use super::table::HeldTable;
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
use crate::token::secret::Presented;
use crate::token::time::check_now;
use crate::verdict::code::{CALL_UNKNOWN, code, code_invalid, judge, read_code};
use crate::verdict::judgement::Verdict;

/// A signed table, as an edge holds it: takes messages and decides on requests. SNAPSHOT.md describes both.
pub struct Snapshot {
    keys: PublicKeys,
    hasher: Hasher,
    calls: PreparedCalls,
    credentials: Credentials,
    floor: Option<Floor>,
    /// The longest age that this edge allows, in seconds.
    max_age: i64,
    held: Option<Box<HeldTable>>,
    loading: Option<Box<Loading>>,
    latest_now: LatestNow,
    decoy: Digest,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

impl Snapshot {
    /// Prepares to take a snapshot. Until one is taken, every request is refused.
    ///
    /// # Errors
    /// `key_invalid`, `pepper_invalid`, `credentials_invalid`, those of a catalogue, and `value_invalid` for a `max_age` below 1.
    pub fn new(options: SnapshotOptions) -> Result<Self, Error> {
        let max_age = options.max_age.unwrap_or(i64::MAX);
        if max_age < 1 {
            return Err(Error::at(
                ErrorCode::ValueInvalid,
                "maxAge",
                "the longest age is a number of seconds from 1",
            ));
        }
        Ok(Snapshot {
            keys: PublicKeys::read(&options.public_keys).map_err(|error| error.under("publicKeys"))?,
            hasher: Hasher::new(&options.peppers).map_err(|error| error.under("peppers"))?,
            calls: PreparedCalls::new(options.catalogue)?,
            credentials: Credentials::read(options.credentials.as_deref())?,
            floor: options.floor,
            max_age,
            held: None,
            loading: None,
            latest_now: LatestNow::default(),
            decoy: Digest::of(Presented::DECOY),
        })
    }

    /// Prepares to take a snapshot, from an untyped request.
    ///
    /// # Errors
    /// Those of `new`, and of decoding the request.
    pub fn from_value(options: Value) -> Result<Self, Error> {
        Snapshot::new(decode_checked(options)?)
    }

    /// Takes a whole message, snapshot or delta, at `now` in Unix seconds. On an error the table held is unchanged.
    ///
    /// # Errors
    /// Those of `begin`, `push` and `commit`.
    pub fn apply(&mut self, message: &[u8], now: i64) -> Result<SnapshotState, Error> {
        let (head, body) = message
            .split_at_checked(MESSAGE_HEAD_BYTES)
            .ok_or_else(|| malformed("head"))?;
        self.begin(head, now)?;
        self.push(body)?;
        self.commit()
    }

    /// Begins to take a message, of which only the head and the signature are needed: 192 bytes. Returns the length
    /// of the body in bytes. A message that was being loaded is dropped.
    ///
    /// # Errors
    /// `snapshot_malformed`, `snapshot_signature`, `now_invalid`, `clock_backwards`, `floor_in_future`, `snapshot_rollback`, `snapshot_gap`, `snapshot_too_large`.
    pub fn begin(&mut self, head: &[u8], now: i64) -> Result<u64, Error> {
        self.loading = None;
        check_now(now)?;
        let parts = head.split_first_chunk::<HEAD_BYTES>();
        let parts = parts.and_then(|(head, signature)| Some((head, <[u8; 64]>::try_from(signature).ok()?)));
        let (bytes, signature) = parts.ok_or_else(|| malformed("head"))?;
        let head = Head::read(bytes).ok_or_else(|| malformed("head"))?;
        self.keys.verify(head.key_id, bytes, signature)?;
        head.check()?;
        if is_behind(now, head.made) {
            // The time is at least this, so this clock is wrong for the table held as well.
            self.latest_now.note(head.made);
            return Err(Error::new(
                ErrorCode::ClockBackwards,
                "the clock is more than 300 seconds behind the origin's",
            ));
        }
        let held = self.held.as_ref().map(|held| Floor::from(&held.head));
        succession::check(&head, held, self.floor, now)?;
        let loading = Loading::new(head, &self.hasher)?;
        let body = loading.left();
        self.loading = Some(Box::new(loading));
        Ok(body)
    }

    /// Takes the next bytes of the body, and returns how many are missing.
    ///
    /// # Errors
    /// `snapshot_malformed` for more bytes than announced, or if no message was begun.
    pub fn push(&mut self, piece: &[u8]) -> Result<u64, Error> {
        let loading = self.loading.as_mut().ok_or_else(nothing_begun)?;
        match loading.push(piece, &self.hasher) {
            Ok(()) => Ok(loading.left()),
            Err(error) => {
                self.loading = None;
                Err(error)
            }
        }
    }

    /// Replaces or changes the table, if the body is complete and has the signed digest. On an error the table held
    /// is unchanged.
    ///
    /// # Errors
    /// `snapshot_malformed`, `snapshot_signature`, `pepper_unknown`, `snapshot_too_large`.
    pub fn commit(&mut self) -> Result<SnapshotState, Error> {
        let loaded = self.loading.take().ok_or_else(nothing_begun)?.finish()?;
        let before = self.held.as_ref().map(|held| held.head.made);
        let made = loaded.head.made;
        match (loaded.head.kind, &mut self.held) {
            (Kind::Snapshot, held) => *held = Some(Box::new(HeldTable::new(loaded)?)),
            (Kind::Delta, Some(held)) => held.apply(loaded)?,
            (Kind::Delta, None) => return Err(gap()),
        }
        if before.is_none_or(|before| made > before) {
            // The origin confirms the time again, so a clock that was ahead may return to it.
            self.latest_now.confirm(made);
        }
        self.state().ok_or_else(gap)
    }

    /// Describes the table held; `None` before the first.
    #[must_use]
    pub fn state(&self) -> Option<SnapshotState> {
        let held = self.held.as_ref()?;
        Some(SnapshotState {
            epoch: held.head.epoch,
            version: held.head.version,
            made: held.head.made,
            max_age: held.head.max_age,
            tokens: held.len(),
            bytes: held.bytes(),
        })
    }

    /// Prepares a call and returns its number for [`Snapshot::verify`]. Number 0 is the call without a function or
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

    /// Returns the call number of a request's method and target, for [`Snapshot::verify`]. It needs no preparation, and is
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

    /// Decides on a header. Returns the reason's number × 2³² + the token's index + 1, or + 0 if no token has the
    /// hash; −1 for an unknown call. A number is an admission if its reason is [`Reason::Ok`] or [`Reason::Public`].
    /// [`Snapshot::verdict`] returns the details.
    #[must_use]
    pub fn verify(&self, call: u32, authorization: &[u8], address: Option<&[u8]>, now: i64) -> i64 {
        if self.accepts_usual() {
            return self.decide(call, &Presentation::read(authorization), address, now);
        }
        self.verify_fields(call, &[(b"authorization", authorization)], address, now)
    }

    /// Decides on the header fields of a request, name and value each, as [`Snapshot::verify`] does: of every field, or at
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

    /// Decides on a parsed header, as [`Snapshot::verify`] does. Only if the usual credentials are accepted.
    #[must_use]
    pub fn decide(&self, call: u32, presented: &Presentation<'_>, address: Option<&[u8]>, now: i64) -> i64 {
        let Some(target) = self.calls.get(call) else {
            return CALL_UNKNOWN;
        };
        if target.standing == Standing::Public {
            return code(Reason::Public, None);
        }
        let held = match usable(self.held.as_deref(), self.max_age, &self.latest_now, now) {
            Ok(held) => held,
            Err(reason) => return code(reason, None),
        };
        let found = presented.find(&self.hasher, &self.decoy, |digest, pepper| held.find(digest, pepper));
        let found = found.and_then(|at| Some((at, held.matched(at)?)));
        judge(presented, found, target, address, now)
    }

    /// Returns the verdict of a number from [`Snapshot::verify`]. Call it before another message is taken.
    ///
    /// # Errors
    /// `value_invalid` for a number that no verification returns, `call_unknown` for −1.
    pub fn verdict(&self, code: i64) -> Result<Verdict, Error> {
        let (reason, at) = read_code(code)?;
        let Some(at) = at else {
            return Ok(Verdict::of(reason, &self.credentials));
        };
        let details = || {
            let held = self.held.as_ref()?;
            let (_, grant) = held.grant(at)?;
            let holder = self.holder(code)?;
            let verdict = Verdict::of(reason, &self.credentials).about(holder.user, held.life(at)?, grant);
            Some(Verdict {
                id: holder.id.map(Into::into),
                name: holder.name.map(Into::into),
                ..verdict
            })
        };
        details().ok_or_else(code_invalid)
    }

    /// Returns the token of such a number, or `None` if no token matched. Call it before another message is taken.
    #[must_use]
    pub fn holder(&self, code: i64) -> Option<Holder<'_>> {
        let (_, at) = read_code(code).ok()?;
        let (at, held) = (at?, self.held.as_ref()?);
        let named = held.named(at)?;
        let text = |bytes| core::str::from_utf8(bytes).ok();
        Some(Holder {
            digest: held.digest(at)?,
            user: text(named.user)?,
            expires: held.life(at)?.expires,
            grant: held.grant(at)?.0,
            id: named.names.and_then(|(id, _)| text(id)),
            name: named.names.and_then(|(_, name)| text(name)),
        })
    }
}

fn nothing_begun() -> Error {
    Error::new(ErrorCode::SnapshotMalformed, "no snapshot or delta was begun")
}
