//! What a request presents and what it wants to do.

pub(crate) mod api;
pub(crate) mod authorization;
pub(crate) mod call;
pub(crate) mod catalogue;
pub(crate) mod credentials;
pub(crate) mod dangerous_fields;
pub(crate) mod escape;
pub(crate) mod function_path;
pub(crate) mod preflight;
pub(crate) mod prepared;
pub(crate) mod presentation;
pub(crate) mod query;
pub(crate) mod route;
pub(crate) mod scheme;
pub(crate) mod selector;
pub(crate) mod target;
pub(crate) mod upgrade;
