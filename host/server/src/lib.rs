//! Tokenlatch over HTTP: the token service, the guard in front of an API, the web interface, and edges that follow an origin.
//!
//! From outside in: the limit on connections and TLS (`net`), strict HTTP/1 framing (`http1`), request id, log line and
//! metrics (`middleware`), then the router: the compatible interfaces (`api`), the guard (`guard`) and the web interface
//! (`web`). A request that `http1` refuses reaches no handler.
//!
//! This crate contains no token rules. They are in the library `tokenlatch`.

mod api;
mod auth;
mod body;
mod bounded_file;
mod config;
mod connections;
mod edge;
mod error;
mod form;
mod guard;
mod host_name;
mod http1;
mod log;
mod middleware;
mod module_reply;
mod net;
mod problem;
mod reload;
mod routes;
mod server;
mod state;
mod urlencoded;
mod usage;
mod web;
mod web_names;

pub use auth::clock::MonotonicClock;
pub use auth::failed_attempts::Failures;
pub use auth::login_limits::Logins;
pub use body::read_body;
pub use config::{Config, FailureLimits, HttpLimits, Refusals, SessionLimits, SnapshotConfig, Tls, USAGE_INTERVAL};
pub use edge::http_source::{HttpSource, HttpSourceError};
pub use edge::remote::{RemoteServer, RemoteServerError};
pub use edge::server::{EdgeServer, EdgeState};
pub use error::ServerError;
pub use guard::catalogue_file::{
    CatalogueFile, JoinedCatalogue, MAX_FILE as MAX_CATALOGUE_FILE, is_ours as is_own_function,
};
pub use guard::upstream::Upstream;
pub use log::scrub::scrub;
pub use log::setup::{LogFormat, LogGuard, Logs};
pub use middleware::client::Client;
pub use middleware::log_fields::VerdictLogFields;
pub use middleware::request_id::RequestId;
pub use net::certificate_files::{CERTIFICATE_FILE, KEY_FILE};
pub use net::signals::{StopSignals, stop_signals};
pub use problem::Problem;
pub use reload::Reload;
pub use server::Server;
pub use state::State;
