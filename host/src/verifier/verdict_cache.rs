//! Cache of decoded verdicts: the same decision about an unchanged token gives the same verdict.

use std::collections::HashMap;
use std::sync::Arc;

use tokenlatch_core::Verdict;

use crate::module::Decision;

/// The largest number of cached verdicts.
const MOST: usize = 1 << 18;

/// VerdictCache by slot and reason. A record that replaces one of the same id keeps its slot. A slot is reused for another
/// token only after the old one was removed from the table (OPERATIONS.md, The table), which drops its verdicts here.
#[derive(Default)]
pub(super) struct VerdictCache {
    kept: HashMap<i64, Arc<Verdict>>,
    /// The keys of verdicts that name a token, by token id.
    named: HashMap<String, Vec<i64>>,
}

impl VerdictCache {
    pub fn get(&self, decision: Decision) -> Option<Arc<Verdict>> {
        self.kept.get(&decision.code()).map(Arc::clone)
    }

    pub fn keep(&mut self, decision: Decision, verdict: &Arc<Verdict>) {
        if self.kept.len() == MOST {
            self.kept.clear();
            self.named.clear();
        }
        if let Some(id) = &verdict.id {
            self.named.entry(id.clone()).or_default().push(decision.code());
        }
        self.kept.insert(decision.code(), Arc::clone(verdict));
    }

    /// Drops the verdicts about records that changed or are gone, given by id.
    pub fn forget<'a>(&mut self, ids: impl IntoIterator<Item = &'a String>) {
        for code in ids.into_iter().filter_map(|id| self.named.remove(id)).flatten() {
            self.kept.remove(&code);
        }
    }
}
