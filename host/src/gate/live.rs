//! The table as it stands, and what has been worked out with it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use tokenlatch_core::{Call, Function, Record, Verdict};

use super::freshness::Freshness;
use super::room::Room;
use super::verdicts::Verdicts;
use crate::error::{ModuleError, Result};
use crate::module::{EncodedCatalogue, Table};
use crate::store::{Changes, KEPT_REVOKED, Mark, Stamp};

/// Revoked records beyond [`KEPT_REVOKED`] that pile up before they are removed, all at once.
const REVOKED_AT_ONCE: usize = 1_000;

pub(super) struct Live {
    loaded: Option<Loaded>,
    catalogue: Catalogue,
    pub(super) freshness: Freshness,
    pub(super) room: Room,
}

/// The functions by which a table decides; `None` is the built-in ones.
pub(super) type Catalogue = Arc<Option<Vec<Function>>>;

/// A table, and what has been worked out with it.
pub(super) struct Loaded {
    table: Table,
    mark: Mark,
    verdicts: Verdicts,
    /// The ids of the revoked records in the table, in the order in which they came.
    revoked: VecDeque<String>,
    /// How many records had no room in the table.
    left_out: usize,
}

impl Live {
    pub fn new(catalogue: Option<Vec<Function>>) -> Live {
        Live {
            loaded: None,
            catalogue: Arc::new(catalogue),
            freshness: Freshness::default(),
            room: Room::default(),
        }
    }

    /// Where the table stands; `None` when it must be loaded.
    pub fn mark(&self) -> Option<Mark> {
        self.loaded.as_ref().map(|loaded| loaded.mark)
    }

    /// Whether the table is up to date, as far as the store's token tells.
    pub fn is_fresh(&self, stamp: Option<Stamp>) -> bool {
        self.loaded.is_some() && self.freshness.holds(stamp)
    }

    /// How many records had no room in the table.
    pub fn left_out(&self) -> usize {
        self.loaded.as_ref().map_or(0, |loaded| loaded.left_out)
    }

    pub fn records(&self) -> usize {
        self.loaded.as_ref().map_or(0, |loaded| loaded.table.len())
    }

    pub fn catalogue(&self) -> Catalogue {
        Arc::clone(&self.catalogue)
    }

    /// Whether everything is to be loaded once more, because records had no room in the table and may have it now. If so,
    /// that is under way until `room.end`.
    pub fn begin_reload(&mut self, now: Instant) -> bool {
        self.left_out() > 0 && self.room.begin(now)
    }

    /// Whether a table with everything, made for this catalogue, is to take the place of the one here.
    pub fn lacks(&self, catalogue: &Catalogue) -> bool {
        self.left_out() > 0 && Arc::ptr_eq(&self.catalogue, catalogue)
    }

    /// Puts a new table in place. The old one is handed out, for throwing it away takes longer than those who verify should
    /// wait.
    pub fn replace(&mut self, loaded: Loaded) -> Option<Loaded> {
        self.loaded.replace(loaded)
    }

    /// Replaces the catalogue, once the table has taken it. `false`: there is no table that could check it.
    pub fn set_catalogue(&mut self, encoded: &EncodedCatalogue, catalogue: &Catalogue) -> Result<bool> {
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

    /// Replaces the catalogue for the next table. It was checked.
    pub fn keep_catalogue(&mut self, catalogue: Catalogue) {
        self.catalogue = catalogue;
    }

    /// Takes over changes. When that fails the table is loaded anew by the next check.
    pub fn take_over(&mut self, changes: Changes) -> Result<()> {
        let Some(mut loaded) = self.loaded.take() else {
            return Ok(());
        };
        if changes.records.iter().any(|record| record.revoked.is_some()) {
            self.room.note_revoked();
        }
        loaded.take_over(changes)?;
        self.loaded = Some(loaded);
        Ok(())
    }

    /// A verdict by the table.
    pub fn verify(&mut self, call: &Call, header: &[u8], address: Option<&str>, now: i64) -> Result<Arc<Verdict>> {
        let Some(loaded) = &mut self.loaded else {
            // The table broke off between the check and this.
            return Err(ModuleError::Busy.into());
        };
        let outcome = loaded.verify(call, header, address, now);
        if matches!(outcome, Err(crate::Error::Module(_))) {
            self.loaded = None;
        }
        outcome
    }
}

impl Loaded {
    /// A table of these records, but for some at the end that had no room in it.
    pub fn new((table, left_out): (Table, usize), records: &[Record], mark: Mark) -> Loaded {
        let mut loaded = Loaded {
            table,
            mark,
            verdicts: Verdicts::default(),
            revoked: VecDeque::new(),
            left_out,
        };
        loaded.note_revoked(records);
        loaded
    }

    /// Where the table stands.
    pub fn mark(&self) -> Mark {
        self.mark
    }

    /// Takes over changes since the mark. After an error the table holds a part of them, and must be thrown away.
    pub fn take_over(&mut self, changes: Changes) -> Result<()> {
        self.table.take_over(&changes.accounts, &changes.records)?;
        self.mark = changes.mark;
        self.verdicts.forget(changes.records.iter().map(|record| &record.id));
        self.note_revoked(&changes.records);
        if self.revoked.len() >= KEPT_REVOKED + REVOKED_AT_ONCE {
            let gone: Vec<String> = self.revoked.drain(..REVOKED_AT_ONCE).collect();
            self.table.forget(&gone)?;
            // Their places are given to other tokens.
            self.verdicts.forget(&gone);
        }
        Ok(())
    }

    fn note_revoked(&mut self, records: &[Record]) {
        let revoked = records.iter().filter(|record| record.revoked.is_some());
        self.revoked.extend(revoked.map(|record| record.id.clone()));
    }

    fn verify(&mut self, call: &Call, header: &[u8], address: Option<&str>, now: i64) -> Result<Arc<Verdict>> {
        let number = self.table.number(call)?;
        let decision = self.table.verify(number, header, address.map(str::as_bytes), now)?;
        if let Some(verdict) = self.verdicts.get(decision) {
            return Ok(verdict);
        }
        let verdict = Arc::new(self.table.verdict(decision)?);
        self.verdicts.keep(decision, &verdict);
        Ok(verdict)
    }
}
