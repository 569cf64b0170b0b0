//! The interfaces for programs: UAPI, API 2, WHM API 1, forward authentication, snapshots, health.

pub(crate) mod api2;
pub(crate) mod forward_auth;
pub(crate) mod forwarding;
pub(crate) mod guarded_routes;
pub(crate) mod health;
pub(crate) mod nested_calls;
pub(crate) mod openapi;
pub(crate) mod snapshot;
pub(crate) mod token_functions;
pub(crate) mod uapi;
pub(crate) mod whm;
