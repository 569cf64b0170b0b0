//! A server with the same connection handling, logs and limits as `tokenlatch serve`, and an empty handler.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::routing::any;
use tokenlatch::{CodeCache, Module, Options, Service, SqliteStore};
use tokenlatch_server::{Config, LogFormat, Logs, Server};
use tokenlatch_tests::Fault;

/// Serves until the process is killed.
///
/// # Errors
/// The server cannot start.
pub fn serve(database: &Path, listen: SocketAddr) -> Result<(), Fault> {
    let (logs, _guard) = Logs::to(std::io::stderr());
    logs.install(LogFormat::Text, "info")
        .map_err(Fault::during("the log"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Fault::during("a runtime"))?;
    runtime.block_on(async {
        let module =
            Module::embedded_with(Options::new().cache(CodeCache::User)).map_err(Fault::during("the module"))?;
        let store = SqliteStore::open(&database.display().to_string(), true)
            .await
            .map_err(Fault::during("the store"))?;
        let config = Config {
            listen,
            ..Config::plain()
        };
        let server = Server::bind_with(config, Service::new(module, Arc::new(store)), |_| {
            (Router::new().route("/auth", any(|| async {})), Router::new())
        })
        .await
        .map_err(Fault::during("the server"))?;
        server.run(std::future::pending::<()>()).await;
        Ok(())
    })
}
