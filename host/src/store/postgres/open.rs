//! Connections to a server.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection};

use super::super::error::StoreError;
use super::super::open::redacted;

/// How long it may take to connect.
const CONNECT: Duration = Duration::from_secs(5);

/// Connections of one process: its readers and writers, who wait elsewhere for their turn, and one to spare.
const CONNECTIONS: u32 = 17;

/// What holds in every connection. A commit is on the disk before it is acknowledged, and nothing waits for ever.
const SETTINGS: &[(&str, &str)] = &[
    ("search_path", "tokenlatch"),
    ("synchronous_commit", "on"),
    ("default_transaction_isolation", "read committed"),
    ("statement_timeout", "15s"),
    ("lock_timeout", "10s"),
    ("idle_in_transaction_session_timeout", "30s"),
];

/// Reads an address. What it lacks comes from the environment, as for every program of PostgreSQL.
pub(super) fn options(address: &str) -> Result<PgConnectOptions, StoreError> {
    let options = PgConnectOptions::from_str(address).map_err(|_| StoreError::Unsupported(redacted(address)))?;
    Ok(options
        .application_name("tokenlatch")
        .options(SETTINGS.iter().copied())
        .disable_statement_logging())
}

/// One connection, to a server that takes writes: what a standby says may be old, and a revocation must never be.
pub(super) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    let connected = tokio::time::timeout(CONNECT, PgConnection::connect_with(options))
        .await
        .map_err(|_| StoreError::Unreachable("it does not answer in time".to_owned()))?;
    let mut connection = connected?;
    if is_standby(&mut connection).await? {
        return Err(StoreError::ReadOnly);
    }
    Ok(connection)
}

/// The connections of a process. None is made before it is needed; one that is lost is made anew.
pub(super) fn pool(options: &PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(CONNECT)
        .after_connect(|connection, _| {
            Box::pin(async move {
                if is_standby(connection).await? {
                    return Err(sqlx::Error::Protocol("the server takes no writes".to_owned()));
                }
                Ok(())
            })
        })
        .connect_lazy_with(options.clone())
}

async fn is_standby(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT pg_is_in_recovery()")
        .fetch_one(connection)
        .await
}
