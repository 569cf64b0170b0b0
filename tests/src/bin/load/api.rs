//! A small API behind a proxy. It gives the same short answer to every request.

use std::net::SocketAddr;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use tokenlatch_tests::Fault;

/// Serves until the process is killed.
///
/// # Errors
/// The server cannot start.
pub fn serve(listen: SocketAddr) -> Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Fault::during("a runtime"))?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(listen)
            .await
            .map_err(Fault::during("the API's port"))?;
        let answer = || async { ([(CONTENT_TYPE, "application/json")], r#"{"status":1,"data":[]}"#) };
        axum::serve(listener, Router::new().fallback(answer))
            .await
            .map_err(Fault::during("the API"))
    })
}
