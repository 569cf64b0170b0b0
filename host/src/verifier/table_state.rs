//! The current table and the state that belongs to it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use tokenlatch_core::{Call, Catalogue, Record, Verdict};

use super::reload_schedule::ReloadSchedule;
use super::store_stamp::StoreStamp;
use super::verdict_cache::VerdictCache;
use crate::error::{ModuleError, Result};
use crate::module::{EncodedCatalogue, Table};
use crate::presented::Presented;
use crate::store::{Changes, KEPT_REVOKED, Revision, RevisionStamp};

/// How many revoked records beyond [`KEPT_REVOKED`] may accumulate before they are removed in one step.
const REVOKED_AT_ONCE: usize = 1_000;

pub(super) struct TableState {
    loaded: Option<Loaded>,
    catalogue: SharedCatalogue,
    pub(super) store_stamp: StoreStamp,
    pub(super) schedule: ReloadSchedule,
}

/// The catalogue that a table decides by; `None` means the built-in one.
pub(super) type SharedCatalogue = Arc<Option<Catalogue>>;

/// A table and the state derived from it.
pub(super) struct Loaded {
    table: Table,
    revision: Revision,
    verdicts: VerdictCache,
    /// The ids of the revoked records in the table, oldest first.
    revoked: VecDeque<String>,
    /// How many records did not fit in the table.
    left_out: usize,
}

impl TableState {
    pub fn new(catalogue: Option<Catalogue>) -> TableState {
        TableState {
            loaded: None,
            catalogue: Arc::new(catalogue),
            store_stamp: StoreStamp::default(),
            schedule: ReloadSchedule::default(),
        }
    }

    /// The table's revision; `None` if the table must be loaded.
    pub fn revision(&self) -> Option<Revision> {
        self.loaded.as_ref().map(|loaded| loaded.revision)
    }

    /// Whether the table is up to date, judged by the store's stamp.
    pub fn is_fresh(&self, stamp: Option<RevisionStamp>) -> bool {
        self.loaded.is_some() && self.store_stamp.holds(stamp)
    }

    /// How many records did not fit in the table.
    pub fn left_out(&self) -> usize {
        self.loaded.as_ref().map_or(0, |loaded| loaded.left_out)
    }

    pub fn records(&self) -> usize {
        self.loaded.as_ref().map_or(0, |loaded| loaded.table.len())
    }

    pub fn catalogue(&self) -> SharedCatalogue {
        Arc::clone(&self.catalogue)
    }

    /// Whether to load everything again because left-out records may fit now. If `true`, a load counts as running until
    /// `schedule.end`.
    pub fn begin_reload(&mut self, now: Instant) -> bool {
        self.left_out() > 0 && self.schedule.begin(now)
    }

    /// Whether a complete table for this catalogue should replace the current one.
    pub fn lacks(&self, catalogue: &SharedCatalogue) -> bool {
        self.left_out() > 0 && Arc::ptr_eq(&self.catalogue, catalogue)
    }

    /// Replaces the table and returns the old one, so that the caller can drop it outside the lock: dropping takes longer than
    /// verifications should wait.
    pub fn replace(&mut self, loaded: Loaded) -> Option<Loaded> {
        self.loaded.replace(loaded)
    }

    /// Replaces the catalogue after the table accepted it. Returns `false` if no table is loaded that could check it.
    pub fn set_catalogue(&mut self, encoded: &EncodedCatalogue, catalogue: &SharedCatalogue) -> Result<bool> {
        let Some(loaded) = &mut self.loaded else {
            return Ok(false);
        };
        let outcome = loaded.table.take_catalogue(encoded);
        match &outcome {
            Ok(()) => self.catalogue = Arc::clone(catalogue),
            Err(crate::Error::Module(_)) => self.loaded = None,
            Err(_) => {}
        }
        outcome.map(|()| true)
    }

    /// Stores a catalogue, already checked, for the next table.
    pub fn keep_catalogue(&mut self, catalogue: SharedCatalogue) {
        self.catalogue = catalogue;
    }

    /// Applies changes. If that fails, the next check loads the table again.
    pub fn take_over(&mut self, changes: Changes) -> Result<()> {
        let Some(mut loaded) = self.loaded.take() else {
            return Ok(());
        };
        if changes.records.iter().any(|record| record.revoked.is_some()) {
            self.schedule.record_revoked();
        }
        loaded.take_over(changes)?;
        self.loaded = Some(loaded);
        Ok(())
    }

    /// Verifies a request against the table.
    pub fn verify(
        &mut self,
        call: &Call,
        presented: Presented<'_>,
        address: Option<&str>,
        now: i64,
    ) -> Result<Arc<Verdict>> {
        let Some(loaded) = &mut self.loaded else {
            // The table was discarded between the check and this call.
            return Err(ModuleError::Busy.into());
        };
        let outcome = loaded.verify(call, presented, address, now);
        if matches!(outcome, Err(crate::Error::Module(_))) {
            self.loaded = None;
        }
        outcome
    }
}

impl Loaded {
    /// Creates the state for a table of these records, the last `left_out` of which did not fit.
    pub fn new((table, left_out): (Table, usize), records: &[Record], revision: Revision) -> Loaded {
        let mut loaded = Loaded {
            table,
            revision,
            verdicts: VerdictCache::default(),
            revoked: VecDeque::new(),
            left_out,
        };
        loaded.record_revoked(records);
        loaded
    }

    /// The table's revision.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Applies changes since the revision. After an error the table holds only part of them and must be discarded.
    pub fn take_over(&mut self, changes: Changes) -> Result<()> {
        self.table.take_over(&changes.accounts, &changes.records)?;
        self.revision = changes.revision;
        self.verdicts.forget(changes.records.iter().map(|record| &record.id));
        self.record_revoked(&changes.records);
        if self.revoked.len() >= KEPT_REVOKED + REVOKED_AT_ONCE {
            let gone: Vec<String> = self.revoked.drain(..REVOKED_AT_ONCE).collect();
            self.table.forget(&gone)?;
            // Their slots may be reused for other tokens.
            self.verdicts.forget(&gone);
        }
        Ok(())
    }

    fn record_revoked(&mut self, records: &[Record]) {
        let revoked = records.iter().filter(|record| record.revoked.is_some());
        self.revoked.extend(revoked.map(|record| record.id.clone()));
    }

    fn verify(
        &mut self,
        call: &Call,
        presented: Presented<'_>,
        address: Option<&str>,
        now: i64,
    ) -> Result<Arc<Verdict>> {
        let number = self.table.number(call)?;
        let decision = self
            .table
            .verify_presented(number, presented, address.map(str::as_bytes), now)?;
        if let Some(verdict) = self.verdicts.get(decision) {
            return Ok(verdict);
        }
        let verdict = Arc::new(self.table.verdict(decision)?);
        self.verdicts.keep(decision, &verdict);
        Ok(verdict)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]
mod tests {
    use sha2::{Digest, Sha256};
    use tokenlatch_core::{Account, Features, TableInput};

    use super::*;
    use crate::hex;
    use crate::module::shared;
    use crate::store::History;

    const NOW: i64 = 1_800_000_000;

    /// A revoked token of alice: its text and its record.
    fn revoked(number: usize) -> (String, Record) {
        let text = format!("{number:032}");
        let record = serde_json::json!({
            "v": 1, "id": format!("{number:024x}"), "user": "alice", "name": format!("t{number}"),
            "hash": format!("sha256:{}", hex(Sha256::digest(&text).as_slice())), "hint": "0000", "created": NOW,
            "expires": null, "access": "full", "readOnly": false, "addresses": [], "revoked": NOW,
        });
        (text, serde_json::from_value(record).unwrap())
    }

    const REVISION: Revision = Revision {
        epoch: 1,
        number: 1,
        change: 1,
    };

    fn changes(records: Vec<Record>) -> Changes {
        Changes {
            revision: REVISION,
            whole: false,
            history: History::Known,
            accounts: Vec::new(),
            records,
        }
    }

    #[test]
    fn a_token_in_a_reused_slot_gets_no_verdict_about_the_one_before() {
        let alice = Account {
            user: "alice".to_owned(),
            features: Features::All,
            ..Account::default()
        };
        let input = TableInput {
            accounts: vec![alice],
            ..TableInput::default()
        };
        let table = Table::new(shared(), &input).unwrap();
        let mut loaded = Loaded::new((table, 0), &[], REVISION);
        let verdict_of = |loaded: &mut Loaded, text: &str| {
            let header = format!("cpanel alice:{text}");
            loaded
                .verify(&Call::default(), Presented::One(header.as_bytes()), None, NOW)
                .unwrap()
        };
        let (texts, old): (Vec<String>, Vec<Record>) = (0..REVOKED_AT_ONCE).map(revoked).unzip();
        loaded.take_over(changes(old)).unwrap();
        for text in &texts {
            assert!(verdict_of(&mut loaded, text).id.is_some());
        }
        // The first ones leave the table, and their verdicts the cache.
        let newer = (REVOKED_AT_ONCE..REVOKED_AT_ONCE + KEPT_REVOKED).map(|number| revoked(number).1);
        loaded.take_over(changes(newer.collect())).unwrap();
        for text in &texts {
            assert_eq!(verdict_of(&mut loaded, text).id, None);
        }
        let (text, new) = revoked(REVOKED_AT_ONCE + KEPT_REVOKED);
        let id = new.id.clone();
        loaded.take_over(changes(vec![new])).unwrap();
        assert_eq!(verdict_of(&mut loaded, &text).id, Some(id));
    }
}
