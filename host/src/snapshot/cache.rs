//! Messages that were made, for the next one who asks for the same.

use std::sync::Arc;

use tokenlatch_core::SigningKey;

use super::publisher::Message;
use crate::error::Result;
use crate::store::Mark;

/// Deltas that are kept: those who follow mostly stand at the same version.
const DELTAS: usize = 32;

/// What was made last.
#[derive(Debug, Default)]
pub(super) struct Cache {
    whole: Option<Arc<Message>>,
    /// By the version that they start from; all lead to the same one.
    deltas: Vec<(i64, Arc<Message>)>,
}

impl Cache {
    /// The whole table, if it still is what the store holds; signed anew where that was found out later than it says.
    pub(super) fn whole(&mut self, mark: Mark, made: i64, key: &SigningKey) -> Result<Option<Arc<Message>>> {
        let whole = self.whole.as_mut().filter(|whole| whole.mark == mark);
        whole.map(|whole| made_at(whole, made, key)).transpose()
    }

    /// The whole table that was made last, whatever it leads to.
    pub(super) fn last(&self) -> Option<&Arc<Message>> {
        self.whole.as_ref()
    }

    pub(super) fn keep_whole(&mut self, message: &Arc<Message>) {
        self.whole = Some(Arc::clone(message));
    }

    /// A delta from a version to where the store stands now, signed anew like the whole table: one that was made for those
    /// who were there at once must not leave others with a table that is old when they get it.
    pub(super) fn delta(
        &mut self,
        since: i64,
        mark: Mark,
        made: i64,
        key: &SigningKey,
    ) -> Result<Option<Arc<Message>>> {
        let found = self
            .deltas
            .iter_mut()
            .find(|(from, to)| *from == since && to.mark == mark);
        found.map(|(_, message)| made_at(message, made, key)).transpose()
    }

    pub(super) fn keep_delta(&mut self, since: i64, message: &Arc<Message>) {
        self.deltas.retain(|(_, kept)| kept.mark == message.mark);
        if self.deltas.len() < DELTAS {
            self.deltas.push((since, Arc::clone(message)));
        }
    }
}

/// The same message, made at a time.
fn made_at(message: &mut Arc<Message>, made: i64, key: &SigningKey) -> Result<Arc<Message>> {
    if message.made != made {
        let mut head = message.head.clone();
        tokenlatch_core::renew(&mut head, made, key)?;
        *message = Arc::new(Message::of(head, Arc::clone(&message.body), message.mark)?);
    }
    Ok(Arc::clone(message))
}
