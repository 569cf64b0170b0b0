//! Signed snapshots: a table that an origin publishes and an edge decides by. `SNAPSHOT.md` describes the format.

pub(crate) mod age;
pub(crate) mod digest_index;
pub(crate) mod fault;
pub(crate) mod floor;
pub(crate) mod head;
pub(crate) mod interner;
pub(crate) mod key;
pub(crate) mod loading;
pub(crate) mod options;
pub(crate) mod publication;
pub(crate) mod reader;
pub(crate) mod sections;
pub(crate) mod state;
pub(crate) mod succession;
pub(crate) mod table;
pub(crate) mod users;
pub(crate) mod verifier;
