//! The table that a follower holds, its cached verdicts, and its usage counts.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokenlatch_core::{Call, Catalogue, IdentifyRequest, Pepper, SnapshotOptions, SnapshotState, Verdict};

use super::report::ReportedUse;
use crate::error::Result;
use crate::module::{EncodedCatalogue, Module, Snapshot};
use crate::presented::Presented;
use crate::store::Usage;
use crate::verifier::Uses;

/// The largest number of cached verdicts.
const VERDICTS: usize = 1 << 16;

/// A table in the module's memory. It can be used from any thread.
pub(super) struct Replica {
    module: Module,
    options: SnapshotOptions,
    /// Held while the instance or its catalogue is replaced, so that neither undoes the other. Lock it before `live`.
    replacing: Mutex<()>,
    live: Mutex<Live>,
    /// Uses by token id, if the table has names.
    ids: Uses,
    /// Uses by hash, if it has none.
    hashes: Uses,
}

struct Live {
    snapshot: Snapshot,
    catalogue: Option<Catalogue>,
    state: Option<SnapshotState>,
    verdicts: HashMap<i64, Arc<Verdict>>,
}

impl Replica {
    pub(super) fn new(module: &Module, options: SnapshotOptions) -> Result<Replica> {
        let replica = Replica {
            replacing: Mutex::default(),
            live: Mutex::new(Live::new(Snapshot::new(module, &options)?, options.catalogue.clone())),
            module: module.clone(),
            options,
            ids: Uses::default(),
            hashes: Uses::default(),
        };
        Ok(replica)
    }

    /// Starts recording uses. The caller must report them.
    pub(super) fn record_uses(&self) {
        self.ids.begin();
        self.hashes.begin();
    }

    pub(super) fn missed(&self) -> u64 {
        self.ids.missed().saturating_add(self.hashes.missed())
    }

    /// Returns the state of the held table.
    pub(super) fn state(&self) -> Option<SnapshotState> {
        self.live().state
    }

    /// Begins a message with its head. Returns how many bytes of body follow.
    pub(super) fn begin(&self, head: &[u8], now: i64) -> Result<u64> {
        self.take(|snapshot| snapshot.begin(head, now))
    }

    /// Adds a piece of the body. Verifications continue in between. Returns how many bytes remain.
    pub(super) fn push(&self, piece: &[u8]) -> Result<u64> {
        self.take(|snapshot| snapshot.push(piece))
    }

    /// Applies the message.
    pub(super) fn commit(&self) -> Result<SnapshotState> {
        let mut live = self.live();
        let state = live.snapshot.commit()?;
        // A slot may now hold another token.
        live.verdicts.clear();
        live.state = Some(state);
        Ok(state)
    }

    /// Replaces a broken instance by a new one, which refuses everything until its first table. The old state becomes its floor.
    /// Does nothing if another caller has replaced it already.
    pub(super) fn renew(&self) -> Result<()> {
        let _turn = self.replacing();
        let catalogue = {
            let live = self.live();
            if !live.snapshot.is_broken() {
                return Ok(());
            }
            live.catalogue.clone()
        };
        self.replace(catalogue)
    }

    /// Replaces the catalogue. On an error the old one stays.
    pub(super) fn set_catalogue(&self, catalogue: Option<Catalogue>) -> Result<()> {
        let encoded = EncodedCatalogue::new(catalogue.as_ref())?;
        let _turn = self.replacing();
        {
            let mut live = self.live();
            if !live.snapshot.is_broken() {
                live.snapshot.take_catalogue(&encoded)?;
                live.catalogue = catalogue;
                return Ok(());
            }
        }
        self.replace(catalogue)
    }

    /// Installs a new instance with this catalogue. The caller must hold `replacing`.
    fn replace(&self, catalogue: Option<Catalogue>) -> Result<()> {
        let floor = self.state().map(|state| state.floor());
        let options = SnapshotOptions {
            floor: floor.or(self.options.floor),
            catalogue: catalogue.clone(),
            ..self.options.clone()
        };
        let snapshot = Snapshot::new(&self.module, &options)?;
        let mut live = self.live();
        let state = live.state;
        *live = Live::new(snapshot, catalogue);
        // The state is kept as the floor for later messages; the instance itself has no table.
        live.state = state;
        Ok(())
    }

    /// Verifies what a request presents, without recording a use.
    pub(super) fn verify_again(
        &self,
        presented: Presented<'_>,
        call: &Call,
        address: Option<&str>,
        now: i64,
    ) -> Result<Arc<Verdict>> {
        self.live().verify(call, presented, address, now)
    }

    /// Verifies what a request presents.
    pub(super) fn verify(
        &self,
        presented: Presented<'_>,
        call: &Call,
        address: Option<&str>,
        now: i64,
    ) -> Result<Arc<Verdict>> {
        let verdict = self.verify_again(presented, call, address, now)?;
        if verdict.allowed {
            match &verdict.id {
                Some(id) => self.ids.note(id, now),
                None if verdict.user.is_some() => self.record_hashes(presented, now),
                // A public route: nothing is known of the credential.
                None => {}
            }
        }
        Ok(verdict)
    }

    /// Records a use under all possible hashes, because without names the edge cannot tell which one is the record's. The origin
    /// finds it.
    fn record_hashes(&self, presented: Presented<'_>, now: i64) {
        let request = IdentifyRequest {
            authorization: presented.authorization(self.options.credentials.as_deref()),
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

    /// Takes the uses since the last call. The caller keeps them until the origin has them.
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

    fn replacing(&self) -> MutexGuard<'_, ()> {
        self.replacing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        // After a panic the table is complete, or the instance refuses.
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    fn new(snapshot: Snapshot, catalogue: Option<Catalogue>) -> Live {
        Live {
            snapshot,
            catalogue,
            state: None,
            verdicts: HashMap::new(),
        }
    }

    fn verify(
        &mut self,
        call: &Call,
        presented: Presented<'_>,
        address: Option<&str>,
        now: i64,
    ) -> Result<Arc<Verdict>> {
        let number = self.snapshot.number(call)?;
        let decision = self
            .snapshot
            .verify_presented(number, presented, address.map(str::as_bytes), now)?;
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

/// Takes all recorded uses.
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]
mod tests {
    use tokenlatch_core::{Account, Api, Features, Function, Heading, MESSAGE_HEAD_BYTES, Publication, SigningKey};

    use super::*;
    use crate::module::shared;

    const NOW: i64 = 1_800_000_000;

    fn key() -> SigningKey {
        SigningKey::from_secret_bytes(&[7; 32]).unwrap()
    }

    fn replica() -> Replica {
        let options = SnapshotOptions {
            public_keys: vec![key().public_key()],
            ..SnapshotOptions::default()
        };
        Replica::new(shared(), options).unwrap()
    }

    fn table(version: u64) -> Vec<u8> {
        let mut table = Publication::snapshot(Heading {
            epoch: 1,
            version,
            made: NOW,
            max_age: 60,
            names: true,
        });
        let alice = Account {
            user: "alice".to_owned(),
            suspended: false,
            administrator: false,
            features: Features::All,
        };
        table.account(&alice).unwrap();
        table.sign(&key()).unwrap()
    }

    fn take(replica: &Replica, version: u64) {
        let message = table(version);
        let (head, body) = message.split_at(MESSAGE_HEAD_BYTES);
        replica.begin(head, NOW).unwrap();
        replica.push(body).unwrap();
        replica.commit().unwrap();
    }

    /// The version of the table in the instance itself.
    fn held(replica: &Replica) -> Option<u64> {
        replica.live().snapshot.state().unwrap().map(|state| state.version)
    }

    fn functions(feature: &str) -> Option<Catalogue> {
        let reports = Function {
            module: "Reports".to_owned(),
            function: "list".to_owned(),
            apis: vec![Api::Uapi],
            feature: Some(feature.to_owned()),
            writes: false,
        };
        Some(vec![reports].into())
    }

    #[test]
    fn second_renewal_keeps_the_table_received_meanwhile() {
        let replica = replica();
        take(&replica, 1);
        replica.live().snapshot.break_instance();
        // Two verifications found the instance broken; a table arrived between their renewals.
        replica.renew().unwrap();
        assert_eq!(held(&replica), None);
        take(&replica, 2);
        replica.renew().unwrap();
        assert_eq!(held(&replica), Some(2));
        // A later failure renews it again, and the old state stays the floor.
        replica.live().snapshot.break_instance();
        replica.renew().unwrap();
        assert_eq!(held(&replica), None);
        let message = table(1);
        let (head, _) = message.split_at(MESSAGE_HEAD_BYTES);
        assert_eq!(replica.begin(head, NOW).unwrap_err().code(), "snapshot_rollback");
    }

    #[test]
    fn catalogue_set_on_a_broken_instance_applies_to_the_next() {
        let replica = replica();
        replica.live().snapshot.break_instance();
        let refused = replica.set_catalogue(functions("not a feature")).unwrap_err();
        assert_eq!(refused.code(), "feature_invalid");
        assert!(replica.live().catalogue.is_none(), "the old one stays");
        replica.set_catalogue(functions("reports")).unwrap();
        replica.renew().unwrap();
        assert_eq!(replica.live().catalogue, functions("reports"));
        assert!(!replica.live().snapshot.is_broken());
        take(&replica, 1);
        assert_eq!(held(&replica), Some(1));
    }

    #[test]
    fn concurrent_renewals_keep_the_last_catalogue() {
        let replica = replica();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..40 {
                        replica.live().snapshot.break_instance();
                        replica.renew().unwrap();
                    }
                });
            }
            scope.spawn(|| {
                for round in 0..40 {
                    let feature = format!("f{round}");
                    // The instance may break before it takes the catalogue, but a later break must not undo it.
                    if replica.set_catalogue(functions(&feature)).is_ok() {
                        assert_eq!(replica.live().catalogue, functions(&feature));
                    }
                }
            });
        });
    }
}
