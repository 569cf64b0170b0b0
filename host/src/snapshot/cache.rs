//! Caches the last messages for edges that ask for the same.

use std::sync::Arc;

use tokenlatch_core::SigningKey;

use super::message::Message;
use crate::error::Result;
use crate::store::Revision;

/// The number of deltas kept. Most edges hold the same version.
const DELTAS: usize = 32;

/// The last messages.
#[derive(Debug, Default)]
pub(super) struct Cache {
    whole: Option<Arc<Message>>,
    /// Deltas by the version that they start from. All lead to the same version.
    deltas: Vec<(i64, Arc<Message>)>,
}

impl Cache {
    /// Returns the whole table if it is still current. If `made` is later than the message's time, it is signed again.
    pub(super) fn whole(&mut self, revision: Revision, made: i64, key: &SigningKey) -> Result<Option<Arc<Message>>> {
        let whole = self.whole.as_mut().filter(|whole| whole.revision == revision);
        whole.map(|whole| made_at(whole, made, key)).transpose()
    }

    /// Returns the last whole table, current or not.
    pub(super) fn last(&self) -> Option<&Arc<Message>> {
        self.whole.as_ref()
    }

    pub(super) fn keep_whole(&mut self, message: &Arc<Message>) {
        self.whole = Some(Arc::clone(message));
    }

    /// Returns a delta from a version to the current one, signed again like the whole table. Otherwise an edge that asks later
    /// would get a table that is already old.
    pub(super) fn delta(
        &mut self,
        since: i64,
        revision: Revision,
        made: i64,
        key: &SigningKey,
    ) -> Result<Option<Arc<Message>>> {
        let found = self
            .deltas
            .iter_mut()
            .find(|(from, to)| *from == since && to.revision == revision);
        found.map(|(_, message)| made_at(message, made, key)).transpose()
    }

    pub(super) fn keep_delta(&mut self, since: i64, message: &Arc<Message>) {
        self.deltas.retain(|(_, kept)| kept.revision == message.revision);
        if self.deltas.len() < DELTAS {
            self.deltas.push((since, Arc::clone(message)));
        }
    }
}

/// Returns the same message with the time `made`, signed again if needed.
fn made_at(message: &mut Arc<Message>, made: i64, key: &SigningKey) -> Result<Arc<Message>> {
    if message.made != made {
        let mut head = message.head.clone();
        tokenlatch_core::renew(&mut head, made, key)?;
        *message = Arc::new(Message::of(head, Arc::clone(&message.body), message.revision)?);
    }
    Ok(Arc::clone(message))
}
