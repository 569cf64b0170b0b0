//! The real programs, as the tests use them: the service, its command line, databases, proxies and clients.

mod echo;
mod guarded;
mod http;
mod inside;
mod npm;
mod panel;
mod place;
mod postgres;
mod program;
mod proxy;
mod python;
mod server;
mod stock;
mod tunnel;
mod visit;

pub use echo::{Echo, WEBSOCKET_KEY};
pub use guarded::{Guarded, await_file};
pub use http::{Answer, Client, Exchange};
pub use npm::Npm;
pub use panel::{Asked, Panel};
pub use place::{Place, Ran};
pub use postgres::Postgres;
pub use program::{program, require};
pub use proxy::{Proxy, ProxyKind};
pub use python::Python;
pub use server::{Background, Server, free_address};
pub use stock::Stock;
pub use tunnel::Tunnel;
pub use visit::Visit;
