//! The parts of a token on which a verdict depends.

use alloc::string::String;
use alloc::vec::Vec;

use crate::token::access::{Access, Realm};
use crate::token::address::Block;
use crate::token::record::Record;

/// How a token may be used. Many tokens can share a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) access: Access,
    pub(crate) read_only: bool,
    pub(crate) addresses: Vec<Block>,
    pub(crate) realm: Realm,
}

/// The state of one token: its expiry in Unix seconds, and whether it is revoked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    pub(crate) expires: Option<i64>,
    pub(crate) revoked: bool,
}

/// The parts of a record on which a verdict depends.
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
