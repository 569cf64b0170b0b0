//! What a verdict depends on in a token.

use alloc::string::String;
use alloc::vec::Vec;

use crate::token::access::{Access, Realm};
use crate::token::address::Block;
use crate::token::record::Record;

/// What of a token may be the same for many: how it may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) access: Access,
    pub(crate) read_only: bool,
    pub(crate) addresses: Vec<Block>,
    pub(crate) realm: Realm,
}

/// What of a token is its own: how long it lives, and whether it still does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    pub(crate) expires: Option<i64>,
    pub(crate) revoked: bool,
}

/// The parts of a record that a verdict hangs on.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) user: String,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) life: Life,
    pub(crate) grant: Grant,
}

impl Entry {
    pub(crate) fn new(record: Record, addresses: Vec<Block>) -> Self {
        Entry {
            user: record.user,
            id: record.id,
            name: record.name,
            life: Life {
                expires: record.expires,
                revoked: record.revoked.is_some(),
            },
            grant: Grant {
                access: record.access,
                read_only: record.read_only,
                addresses,
                realm: record.realm,
            },
        }
    }
}
