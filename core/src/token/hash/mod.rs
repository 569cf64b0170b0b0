//! The stored hash of a secret. RULES.md, 1.

pub(crate) mod digest;
pub(crate) mod four_way;
pub(crate) mod hasher;
pub(crate) mod pepper;
pub(crate) mod stored;
