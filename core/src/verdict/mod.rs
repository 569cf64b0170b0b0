//! The decision: allowed, or refused for a reason.

pub(crate) mod code;
pub(crate) mod grant;
pub(crate) mod judgement;
pub(crate) mod refusal;
pub(crate) mod table;
pub(crate) mod table_input;
