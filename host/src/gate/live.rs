//! The table as it stands, and what has been worked out with it.

use std::collections::HashMap;
use std::sync::Arc;

use tokenlatch_core::{Call, Function, Verdict};

use crate::error::{ModuleError, Result};
use crate::module::Table;
use crate::store::{Changes, Mark};

/// Verdicts that are kept spelled out.
const VERDICTS: usize = 1 << 18;

/// Calls of functions whose numbers are kept. There are only as many numbers as the catalogue tells apart.
const CALLS: usize = 1 << 12;

/// Features by name that are prepared. Anybody may name one, and the table prepares only so many calls.
const FEATURES: usize = 1 << 12;

pub(super) struct Live {
    loaded: Option<Loaded>,
    catalogue: Option<Vec<Function>>,
}

struct Loaded {
    table: Table,
    mark: Mark,
    calls: HashMap<Call, u32>,
    features: HashMap<Call, u32>,
    /// By the decision's number. A slot of the table may get another token, so any change empties this.
    verdicts: HashMap<i64, Arc<Verdict>>,
}

impl Live {
    pub fn new(catalogue: Option<Vec<Function>>) -> Live {
        Live {
            loaded: None,
            catalogue,
        }
    }

    /// Where the table stands; `None` when it must be loaded.
    pub fn mark(&self) -> Option<Mark> {
        self.loaded.as_ref().map(|loaded| loaded.mark)
    }

    pub fn records(&self) -> usize {
        self.loaded.as_ref().map_or(0, |loaded| loaded.table.len())
    }

    pub fn catalogue(&self) -> Option<Vec<Function>> {
        self.catalogue.clone()
    }

    /// Another catalogue needs another table.
    pub fn set_catalogue(&mut self, catalogue: Option<Vec<Function>>) {
        self.catalogue = catalogue;
        self.loaded = None;
    }

    /// Puts a new table in place, unless the catalogue it was made with has been replaced meanwhile.
    pub fn replace(&mut self, table: Table, mark: Mark, catalogue: &Option<Vec<Function>>) {
        if self.catalogue == *catalogue {
            self.loaded = Some(Loaded {
                table,
                mark,
                calls: HashMap::new(),
                features: HashMap::new(),
                verdicts: HashMap::new(),
            });
        }
    }

    /// Takes over changes. When that fails the table is loaded anew by the next check.
    pub fn take_over(&mut self, changes: Changes) -> Result<()> {
        let Some(mut loaded) = self.loaded.take() else {
            return Ok(());
        };
        loaded.table.take_over(&changes.accounts, &changes.records)?;
        loaded.mark = changes.mark;
        loaded.verdicts.clear();
        self.loaded = Some(loaded);
        Ok(())
    }

    /// A verdict by the table; `None` when the call can't be prepared any more.
    pub fn verify(
        &mut self,
        call: &Call,
        header: &[u8],
        address: Option<&str>,
        now: i64,
    ) -> Result<Option<Arc<Verdict>>> {
        let Some(loaded) = &mut self.loaded else {
            // The catalogue was replaced, or the table broke off, between the check and this.
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
    fn verify(&mut self, call: &Call, header: &[u8], address: Option<&str>, now: i64) -> Result<Option<Arc<Verdict>>> {
        let Some(number) = self.number(call)? else {
            return Ok(None);
        };
        let decision = self.table.verify(number, header, address.map(str::as_bytes), now)?;
        if let Some(verdict) = self.verdicts.get(&decision.code()) {
            return Ok(Some(Arc::clone(verdict)));
        }
        let verdict = Arc::new(self.table.verdict(decision)?);
        if self.verdicts.len() == VERDICTS {
            self.verdicts.clear();
        }
        self.verdicts.insert(decision.code(), Arc::clone(&verdict));
        Ok(Some(verdict))
    }

    /// The number of a prepared call.
    fn number(&mut self, call: &Call) -> Result<Option<u32>> {
        let (known, most) = match call.feature {
            None => (&mut self.calls, CALLS),
            Some(_) => (&mut self.features, FEATURES),
        };
        if let Some(number) = known.get(call) {
            return Ok(Some(*number));
        }
        if known.len() == most {
            if call.feature.is_some() {
                return Ok(None);
            }
            known.clear();
        }
        let number = self.table.prepare(call)?;
        known.insert(call.clone(), number);
        Ok(Some(number))
    }
}
