//! Connections to a PostgreSQL server.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection, Row};

use super::super::database_url::redacted;
use super::super::error::{Engine, StoreError};

/// The time limit for connecting.
const CONNECT: Duration = Duration::from_secs(5);

/// The pool's size: readers and writers, which queue elsewhere, and one spare.
const CONNECTIONS: u32 = 17;

/// The settings of every connection: commits are durable before they are acknowledged, and nothing waits forever.
const SETTINGS: &[(&str, &str)] = &[
    ("search_path", "tokenlatch"),
    ("synchronous_commit", "on"),
    ("default_transaction_isolation", "read committed"),
    ("statement_timeout", "15s"),
    ("lock_timeout", "10s"),
    ("idle_in_transaction_session_timeout", "30s"),
];

/// Parses an address. The environment supplies missing parts, as for every PostgreSQL client.
pub(super) fn options(address: &str) -> Result<PgConnectOptions, StoreError> {
    let options = PgConnectOptions::from_str(address).map_err(|_| StoreError::Unsupported(redacted(address)))?;
    let named =
        address.contains("sslmode=") || address.contains("ssl-mode=") || std::env::var_os("PGSSLMODE").is_some();
    Ok(secured(options, named)?
        .application_name("tokenlatch")
        .options(SETTINGS.iter().copied())
        .disable_statement_logging())
}

/// Requires a verified certificate of a server on another machine. `named` is whether the user chose the mode.
fn secured(options: PgConnectOptions, named: bool) -> Result<PgConnectOptions, StoreError> {
    if options.get_socket().is_some() || is_local(options.get_host()) {
        return Ok(options);
    }
    match options.get_ssl_mode() {
        PgSslMode::VerifyFull => Ok(options),
        PgSslMode::Prefer if !named => Ok(options.ssl_mode(PgSslMode::VerifyFull)),
        _ => Err(StoreError::Insecure),
    }
}

/// Whether a host is this machine: a socket directory, or a loopback address.
fn is_local(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.starts_with('/')
        || host.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

/// The time and error of the last connection that the pool gave up, if any.
pub(super) type Fault = Arc<Mutex<Option<(Instant, StoreError)>>>;

/// Returns the error if it occurred at or after `since`.
pub(super) fn found_since(fault: &Fault, since: Instant) -> Option<StoreError> {
    let fault = fault.lock().unwrap_or_else(PoisonError::into_inner);
    let (_, error) = fault.as_ref().filter(|(when, _)| *when >= since)?;
    Some(error.clone())
}

/// Opens a connection to a server that accepts writes. A standby's data may be old, and could miss a revocation.
pub(super) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    let connected = tokio::time::timeout(CONNECT, PgConnection::connect_with(options))
        .await
        .map_err(|_| StoreError::Unreachable("it did not answer in time".to_owned()))?;
    let mut connection = connected?;
    inspect(&mut connection).await?;
    Ok(connection)
}

/// Creates the connection pool of a process. It connects when needed, and reconnects after a loss.
pub(super) fn pool(options: &PgConnectOptions, fault: Fault) -> PgPool {
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(CONNECT)
        .after_connect(move |connection, _| {
            let fault = Arc::clone(&fault);
            Box::pin(async move {
                let found = inspect(connection).await.err();
                let outcome = match &found {
                    Some(error) => Err(sqlx::Error::Protocol(error.to_string())),
                    None => Ok(()),
                };
                let found = found.map(|error| (Instant::now(), error));
                *fault.lock().unwrap_or_else(PoisonError::into_inner) = found;
                outcome
            })
        })
        .connect_lazy_with(options.clone())
}

/// Refuses a standby, whose data may be old, and a pooler that dropped the connection's settings. It uses one message of the
/// simple protocol, which every pooler understands.
async fn inspect(connection: &mut PgConnection) -> Result<(), StoreError> {
    let row = sqlx::raw_sql(
        "SELECT current_setting('search_path') = 'tokenlatch' AND current_setting('lock_timeout') = '10s', \
         pg_is_in_recovery()",
    )
    .fetch_one(connection)
    .await?;
    let (settings, standby): (bool, bool) = (row.try_get(0)?, row.try_get(1)?);
    match (settings, standby) {
        (_, true) => Err(StoreError::ReadOnly(Engine::Postgres)),
        (false, _) => Err(StoreError::Pooled),
        (true, false) => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]
mod tests {
    use super::*;

    fn mode(address: &str) -> Result<PgSslMode, StoreError> {
        options(address).map(|options| options.get_ssl_mode())
    }

    #[test]
    fn remote_server_requires_a_verified_certificate() {
        for local in [
            "postgres://a@localhost/db",
            "postgres://a@127.0.0.1:5433/db",
            "postgres://a@[::1]/db",
            "postgres://%2Fvar%2Frun%2Fpostgresql/db",
            "postgres://a@localhost/db?host=/tmp",
        ] {
            assert!(matches!(mode(local), Ok(PgSslMode::Prefer)), "{local}");
        }
        for remote in [
            "postgres://a@db.example/db",
            "postgres://a@10.0.0.7/db",
            "postgres://a@db.example/db?sslmode=verify-full",
            "postgres://a@localhost.example/db",
            "postgres://a@localhost/db?host=db.example",
            "postgres://a@localhost/db?hostaddr=192.0.2.1",
            "postgres://a@127.0.0.1.example/db",
        ] {
            assert!(matches!(mode(remote), Ok(PgSslMode::VerifyFull)), "{remote}");
        }
        for weak in ["disable", "allow", "prefer", "require", "verify-ca"] {
            for key in ["sslmode", "ssl-mode", "ssl%6Dode"] {
                let address = format!("postgres://a:hunter2@db.example/db?{key}={weak}");
                match mode(&address) {
                    Err(error) => assert!(!error.to_string().contains("hunter2")),
                    // An escaped parameter name is not recognised; then the strictest mode applies.
                    Ok(mode) => assert!(matches!(mode, PgSslMode::VerifyFull) && weak == "prefer", "{address}"),
                }
            }
        }
        assert_eq!(
            mode("postgres://a@db.example/db?sslmode=require").unwrap_err().code(),
            "store_insecure"
        );
    }
}
