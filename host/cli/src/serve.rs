//! `tokenlatch serve`: the service over HTTP.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use tokenlatch::StoreError;
use tokenlatch_server::{CERTIFICATE_FILE, LogGuard, Logs, Server, Tls, stop_signals};

use crate::announcement::Announcement;
use crate::context::Context;
use crate::failure::Failure;
use crate::first_run;
use crate::known_databases::{folder_of, shown};
use crate::serve_options::Options;

/// Serves until the process gets a signal to stop.
pub async fn run(options: &Options, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
    let _log: LogGuard = begin_log(options)?;
    // Registered first, so that no early signal is missed.
    let stop = stop_signals()?;
    raise_file_limit();
    let folder = folder_of(context.database())?;
    let config = options.config(&folder, options.edges.publishing()?);
    let snapshots = config
        .snapshots
        .as_ref()
        .map(|publishing| (publishing.key.public_key(), publishing.options.max_age));
    // Checked before the database is created, so that an invalid configuration leaves none behind.
    config.check()?;
    let certificate = matches!(config.tls, Tls::SelfSigned { .. }).then(|| folder.join(CERTIFICATE_FILE));
    let scheme = if matches!(config.tls, Tls::Plain) {
        "http"
    } else {
        "https"
    };
    if options.edges.is_edge() {
        let shown = |address| url(scheme, address);
        return options.edges.serve(config, stop, context, shown).await;
    }
    let service = context.open_or_create().await?;
    let server = Server::bind(config, service.clone()).await?;
    // After the ports are bound, so that a start that cannot bind them creates nothing.
    let first = first_run::make(&service, &folder).await?;
    if first.is_some() {
        // A new database is only in its write-ahead log, which is easily lost.
        match service.store().settle().await {
            Err(StoreError::Busy) => {
                tracing::warn!(
                    "another process uses the database, so its latest changes are still only in the write-ahead log"
                );
            }
            outcome => outcome.map_err(tokenlatch::Error::from)?,
        }
    }
    context.record(first.is_some()).await?;
    if let Some(before) = context.went_back() {
        server.state().verifier.record_rollback(before).await?;
    }
    let (account, admin) = server.addresses();
    let announcement = Announcement {
        snapshot: server.snapshot_address().map(|address| url(scheme, address)),
        metrics: server.metrics_address().map(|address| url(scheme, address)),
        guard: server.guard_address().map(|address| url(scheme, address)),
        account: url(scheme, account),
        admin: admin.map(|admin| url(scheme, admin)),
        database: shown(context.database()),
        certificate,
        snapshots,
        first,
    };
    announcement.print(context)?;
    let admin = admin.map_or_else(|| "none".to_owned(), |admin| admin.to_string());
    tracing::info!(account = %account, %admin, "serving");
    server.run_until(stop.clone().times(1), stop.times(2)).await;
    if let Err(error) = context.record(false).await {
        tracing::warn!(
            "the database's revision was not recorded: {}",
            error.sentence().unwrap_or_default()
        );
    }
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

fn begin_log(options: &Options) -> Result<LogGuard, Failure> {
    let (logs, guard) = Logs::to(std::io::stderr());
    logs.install(options.log_format, &options.log_level)?;
    Ok(guard)
}

/// Raises the limit on open files. Each connection is one, and the default is lower than what the system allows.
#[cfg(unix)]
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::debug!("the limit on open files was not raised: {error}");
    }
}

#[cfg(not(unix))]
fn raise_file_limit() {}
/// Formats an address as a URL that a client on this machine can use.
fn url(scheme: &str, address: SocketAddr) -> String {
    let reached = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port()),
        IpAddr::V6(ip) if ip.is_unspecified() => {
            SocketAddr::new(IpAddr::V6(std::net::Ipv6Addr::LOCALHOST), address.port())
        }
        _ => address,
    };
    format!("{scheme}://{reached}")
}
