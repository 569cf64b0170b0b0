//! Signed messages: a snapshot, a delta or a heartbeat.

use std::fmt;
use std::sync::Arc;

use tokenlatch_core::{MESSAGE_HEAD_BYTES, inspect};

use crate::error::Result;
use crate::store::Revision;

/// A signed message. Messages that differ only in their time share the body.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    pub(super) head: Vec<u8>,
    pub(super) body: Arc<Vec<u8>>,
    /// The revision of the table after this message.
    pub revision: Revision,
    /// When the message was true, in Unix seconds.
    pub made: i64,
    /// Identifies the message: equal tags mean equal bytes.
    pub tag: String,
}

impl Message {
    pub(super) fn new(mut head: Vec<u8>, revision: Revision) -> Result<Message> {
        let body = head.split_off(head.len().min(MESSAGE_HEAD_BYTES));
        Message::of(head, Arc::new(body), revision)
    }

    pub(super) fn of(head: Vec<u8>, body: Arc<Vec<u8>>, revision: Revision) -> Result<Message> {
        let inspected = inspect(&head)?;
        let digest = inspected.digest.get(..16).unwrap_or_default();
        Ok(Message {
            tag: format!(
                "{}-{}-{}-{}-{}-{digest}",
                inspected.epoch, inspected.version, inspected.made, inspected.max_age, inspected.key_id
            ),
            made: inspected.made,
            head,
            body,
            revision,
        })
    }

    /// Returns the message in one piece.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        [self.head.as_slice(), &self.body].concat()
    }

    /// Returns the head with its signature, and the body that it signs.
    #[must_use]
    pub fn parts(&self) -> (&[u8], &Arc<Vec<u8>>) {
        (&self.head, &self.body)
    }
}

/// Leaves out the bytes, which are many.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("tag", &self.tag)
            .field("body", &self.body.len())
            .finish_non_exhaustive()
    }
}
