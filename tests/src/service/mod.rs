//! The real programs as the tests drive them: the service, its command line, databases and what stands around it.

mod echo;
mod free;
mod http;
mod inside;
mod place;
mod postgres;
mod program;
mod proxy;
mod python;
mod server;
mod stock;
mod visit;

pub use echo::Echo;
pub use free::free_address;
pub use http::{Answer, Client};
pub use place::{Place, Ran};
pub use postgres::Postgres;
pub use program::{program, require};
pub use proxy::{Proxy, ProxyKind};
pub use python::Python;
pub use server::{Background, Server};
pub use stock::Stock;
pub use visit::Visit;
