//! Verdicts that are kept spelled out: the same decision about an unchanged token says the same.

use std::collections::HashMap;
use std::sync::Arc;

use tokenlatch_core::Verdict;

use crate::module::Decision;

/// Verdicts that are kept.
const MOST: usize = 1 << 18;

/// Verdicts by slot and reason. A record that replaces one of the same id keeps its slot, and no slot gets another
/// token before the one in it is removed from the table (OPERATIONS.md, The table): then its verdicts are forgotten.
#[derive(Default)]
pub(super) struct Verdicts {
    kept: HashMap<i64, Arc<Verdict>>,
    /// The decisions whose verdicts name a token, by its id.
    named: HashMap<String, Vec<i64>>,
}

impl Verdicts {
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

    /// Forgets what was said of records that have changed or are gone, by their ids.
    pub fn forget<'a>(&mut self, ids: impl IntoIterator<Item = &'a String>) {
        for code in ids.into_iter().filter_map(|id| self.named.remove(id)).flatten() {
            self.kept.remove(&code);
        }
    }
}
