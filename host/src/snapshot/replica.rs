//! The table that a follower holds, what has been worked out with it, and what was used.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokenlatch_core::{
    Authorization, Call, Function, IdentifyRequest, Pepper, SecretString, SnapshotOptions, SnapshotState, Verdict,
};

use super::report::ReportedUse;
use crate::error::Result;
use crate::gate::Uses;
use crate::module::{Module, Snapshot};
use crate::store::Usage;

/// Verdicts that are kept spelled out.
const VERDICTS: usize = 1 << 16;

/// A table in the module's memory. Any thread may ask it.
pub(super) struct Replica {
    module: Module,
    options: SnapshotOptions,
    live: Mutex<Live>,
    /// By id, where the table has names.
    ids: Uses,
    /// By hash, where it has none.
    hashes: Uses,
}

struct Live {
    snapshot: Snapshot,
    catalogue: Option<Vec<Function>>,
    state: Option<SnapshotState>,
    verdicts: HashMap<i64, Arc<Verdict>>,
}

impl Replica {
    pub(super) fn new(module: &Module, options: SnapshotOptions) -> Result<Replica> {
        let replica = Replica {
            live: Mutex::new(Live::new(Snapshot::new(module, &options)?, options.catalogue.clone())),
            module: module.clone(),
            options,
            ids: Uses::default(),
            hashes: Uses::default(),
        };
        Ok(replica)
    }

    /// Notes uses from now on: somebody hands them over.
    pub(super) fn note_uses(&self) {
        self.ids.begin();
        self.hashes.begin();
    }

    pub(super) fn missed(&self) -> u64 {
        self.ids.missed().saturating_add(self.hashes.missed())
    }

    /// Which table is held.
    pub(super) fn state(&self) -> Option<SnapshotState> {
        self.live().state
    }

    /// The head of a message.
    pub(super) fn begin(&self, head: &[u8], now: i64) -> Result<u64> {
        self.take(|snapshot| snapshot.begin(head, now))
    }

    /// The next piece of its body. In between decisions are made.
    pub(super) fn push(&self, piece: &[u8]) -> Result<u64> {
        self.take(|snapshot| snapshot.push(piece))
    }

    /// Puts it in force.
    pub(super) fn commit(&self) -> Result<SnapshotState> {
        let mut live = self.live();
        let state = live.snapshot.commit()?;
        // A place may be another token's now.
        live.verdicts.clear();
        live.state = Some(state);
        Ok(state)
    }

    /// A new instance in place of one that broke off, which refuses everything. What was held is its floor.
    pub(super) fn renew(&self) -> Result<()> {
        let floor = self.state().map(|state| state.floor());
        let catalogue = self.live().catalogue.clone();
        let options = SnapshotOptions {
            floor: floor.or(self.options.floor),
            catalogue: catalogue.clone(),
            ..self.options.clone()
        };
        let snapshot = Snapshot::new(&self.module, &options)?;
        let mut live = self.live();
        let state = live.state;
        *live = Live::new(snapshot, catalogue);
        // It stays known, as the floor of what may follow; the instance itself says that there is no table.
        live.state = state;
        Ok(())
    }

    /// Replaces the catalogue of functions; on an error the old one stays.
    pub(super) fn set_catalogue(&self, catalogue: Option<Vec<Function>>) -> Result<()> {
        let mut live = self.live();
        live.snapshot.set_catalogue(catalogue.as_deref())?;
        live.catalogue = catalogue;
        Ok(())
    }

    /// Judges a header.
    pub(super) fn verify(&self, header: &[u8], call: &Call, address: Option<&str>, now: i64) -> Result<Arc<Verdict>> {
        let verdict = self.live().verify(call, header, address, now)?;
        if verdict.allowed {
            match &verdict.id {
                Some(id) => self.ids.note(id, now),
                None => self.note_hashes(header, now),
            }
        }
        Ok(verdict)
    }

    /// Without names nobody here knows which of the hashes is the record's: all are reported, and the origin finds it.
    fn note_hashes(&self, header: &[u8], now: i64) {
        let text = SecretString::new(String::from_utf8_lossy(header).into_owned());
        let request = IdentifyRequest {
            authorization: Authorization::One(text),
            peppers: self.peppers().to_vec(),
        };
        if let Ok(found) = self.module.identify(&request) {
            for hash in &found.hashes {
                self.hashes.note(hash, now);
            }
        }
    }

    pub(super) fn peppers(&self) -> &[Pepper] {
        &self.options.peppers
    }

    pub(super) fn module(&self) -> &Module {
        &self.module
    }

    /// Takes what was used since the last time. Whoever takes it keeps it until the origin has it.
    pub(super) fn uses(&self) -> Vec<ReportedUse> {
        let ids = taken(&self.ids)
            .into_iter()
            .map(|used| reported(used, |id| (Some(id), None)));
        let hashes = taken(&self.hashes).into_iter();
        ids.chain(hashes.map(|used| reported(used, |hash| (None, Some(hash)))))
            .collect()
    }

    fn take<T>(&self, work: impl FnOnce(&mut Snapshot) -> Result<T>) -> Result<T> {
        work(&mut self.live().snapshot)
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        // What a panic may have left behind is a table that is whole, or an instance that refuses.
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    fn new(snapshot: Snapshot, catalogue: Option<Vec<Function>>) -> Live {
        Live {
            snapshot,
            catalogue,
            state: None,
            verdicts: HashMap::new(),
        }
    }

    fn verify(&mut self, call: &Call, header: &[u8], address: Option<&str>, now: i64) -> Result<Arc<Verdict>> {
        let number = self.snapshot.number(call)?;
        let decision = self.snapshot.verify(number, header, address.map(str::as_bytes), now)?;
        if let Some(verdict) = self.verdicts.get(&decision.code()) {
            return Ok(Arc::clone(verdict));
        }
        let verdict = Arc::new(self.snapshot.verdict(decision)?);
        if self.verdicts.len() == VERDICTS {
            self.verdicts.clear();
        }
        self.verdicts.insert(decision.code(), Arc::clone(&verdict));
        Ok(verdict)
    }
}

/// Takes everything that was noted.
fn taken(uses: &Uses) -> Vec<Usage> {
    let mut all = Vec::new();
    let mut taken = uses.take();
    while let Some(batch) = taken.batch() {
        all.extend_from_slice(batch);
        taken.kept();
    }
    all
}

fn reported(used: Usage, by: impl FnOnce(String) -> (Option<String>, Option<String>)) -> ReportedUse {
    let (id, hash) = by(used.id);
    ReportedUse {
        id,
        hash,
        last_used: used.last_used,
        uses: used.uses.min(u64::from(u32::MAX)),
    }
}
