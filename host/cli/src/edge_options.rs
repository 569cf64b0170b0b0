//! Options of `tokenlatch serve` for edges: for the origin that edges follow, and for an edge itself.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use tokenlatch::{Follower, FollowerOptions, PublisherOptions, read_peppers, read_snapshot_key};
use tokenlatch_server::{CatalogueFile, Config, EdgeServer, HttpSource, HttpSourceError, SnapshotConfig, StopSignals};

use crate::addresses::address;
use crate::context::Context;
use crate::failure::Failure;
use crate::snapshot::{age, wrong_key};

/// The default file that records which table the edge held last.
const STATE_FILE: &str = "tokenlatch-follow.json";

/// The options of an origin and of an edge.
#[derive(Args)]
pub struct Edges {
    /// Private key file; publishes signed snapshots on the administrator's port and at `--snapshot-listen`; see
    /// `tokenlatch snapshot keygen`
    #[arg(long, value_name = "FILE", env = "TOKENLATCH_SNAPSHOT_KEY", hide_env_values = true)]
    #[arg(conflicts_with = "follow")]
    snapshot_key: Option<PathBuf>,
    /// How long an edge may decide without hearing from this server, in seconds or as `90s`, `10m`
    #[arg(
        long,
        value_name = "TIME",
        env = "TOKENLATCH_SNAPSHOT_MAX_AGE",
        hide_env_values = true
    )]
    #[arg(default_value = "60s", value_parser = age, requires = "snapshot_key")]
    snapshot_max_age: u32,
    /// Leave out the ids and names of tokens; snapshots are smaller, but edges cannot report which token they admit
    #[arg(
        long,
        env = "TOKENLATCH_SNAPSHOT_NO_NAMES",
        hide_env_values = true,
        requires = "snapshot_key"
    )]
    snapshot_no_names: bool,
    /// Additional listener for edges, with only `/snapshot`, `/health` and `/ready`
    #[arg(
        long,
        value_name = "ADDR",
        env = "TOKENLATCH_SNAPSHOT_LISTEN",
        hide_env_values = true,
        requires = "snapshot_key"
    )]
    #[arg(value_parser = address)]
    snapshot_listen: Option<SocketAddr>,
    /// Run as an edge without a database, deciding by the snapshots of the server at this URL, its `--snapshot-listen` or
    /// administrator's port
    #[arg(long, value_name = "URL", env = "TOKENLATCH_FOLLOW", hide_env_values = true)]
    #[arg(requires_all = ["follow_keys", "follow_token_file"])]
    follow: Option<String>,
    /// Public key of the snapshots; repeat it while the key is being changed
    #[arg(
        long = "follow-key",
        value_name = "PUBLICKEY",
        env = "TOKENLATCH_FOLLOW_KEY",
        hide_env_values = true,
        value_delimiter = ',',
        requires = "follow"
    )]
    follow_keys: Vec<String>,
    /// File with an administrator's token that has the rights `snapshot-read` and `usage-report`, readable only by you: the
    /// token, `whm USER:TOKEN`, or `Authorization: …`. It is read for each request, so changes apply at once
    #[arg(
        long,
        value_name = "FILE",
        env = "TOKENLATCH_FOLLOW_TOKEN_FILE",
        hide_env_values = true,
        requires = "follow"
    )]
    follow_token_file: Option<PathBuf>,
    /// PEM file of the CAs trusted for the origin; the public web CAs by default
    #[arg(
        long,
        value_name = "FILE",
        env = "TOKENLATCH_FOLLOW_CA",
        hide_env_values = true,
        requires = "follow"
    )]
    follow_ca: Option<PathBuf>,
    /// File that records which snapshot the edge held, so that a restart cannot roll it back
    #[arg(
        long,
        value_name = "FILE",
        env = "TOKENLATCH_FOLLOW_STATE",
        hide_env_values = true,
        default_value = STATE_FILE,
        requires = "follow"
    )]
    follow_state: PathBuf,
    /// Poll at this interval instead of waiting for changes; at most a third of a table's life
    #[arg(
        long,
        value_name = "SECONDS",
        env = "TOKENLATCH_FOLLOW_POLL",
        hide_env_values = true,
        requires = "follow"
    )]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=86_400))]
    follow_poll: Option<u64>,
}

#[derive(Serialize)]
struct Document<'a> {
    following: Following<'a>,
}

#[derive(Serialize)]
struct Following<'a> {
    account: &'a str,
    admin: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guard: Option<&'a str>,
    origin: &'a str,
    state: PathBuf,
}

impl Edges {
    /// Whether the server runs as an edge.
    pub fn is_edge(&self) -> bool {
        self.follow.is_some()
    }

    /// The address of the additional listener, if any.
    pub fn snapshot_listen(&self) -> Option<SocketAddr> {
        self.snapshot_listen
    }

    /// Returns the configuration for publishing snapshots, if enabled.
    pub fn publishing(&self) -> Result<Option<SnapshotConfig>, Failure> {
        let Some(path) = &self.snapshot_key else {
            return Ok(None);
        };
        Ok(Some(SnapshotConfig {
            key: Arc::new(read_snapshot_key(path)?),
            options: PublisherOptions {
                max_age: self.snapshot_max_age,
                names: !self.snapshot_no_names,
            },
        }))
    }

    /// Runs an edge until the process gets a signal to stop. `url` formats an address as clients reach it.
    pub async fn serve(
        &self,
        config: Config,
        stop: StopSignals,
        context: &mut Context<'_>,
        url: impl Fn(SocketAddr) -> String,
    ) -> Result<ExitCode, Failure> {
        let (origin, token) = match (&self.follow, &self.follow_token_file) {
            (Some(origin), Some(token)) => (origin, token),
            _ => return Err(Failure::usage("token_missing", "an edge needs `--follow-token-file`")),
        };
        let source = HttpSource::new(origin, token, self.follow_ca.as_deref())?;
        let module = Context::module()?;
        let state = std::path::absolute(&self.follow_state)?;
        let options = FollowerOptions {
            peppers: context.pepper_file().map_or_else(|| Ok(Vec::new()), read_peppers)?,
            catalogue: CatalogueFile::new(config.catalogue.as_deref()).read(&module)?,
            credentials: config.credentials.clone(),
            state_file: Some(state.clone()),
            poll: self.follow_poll.map(Duration::from_secs),
            usage_interval: config.usage_interval,
            ..FollowerOptions::new(self.follow_keys.clone())
        };
        let follower = Follower::new(&module, options).map_err(|error| wrong_key("--follow-key", error))?;
        let server = EdgeServer::bind(config, follower, Arc::new(source)).await?;
        let (account, admin) = server.addresses();
        let (account_url, admin_url) = (url(account), admin.map(&url));
        let guard_url = server.guard_address().map(&url);
        let output = &mut *context.output;
        if output.wants_json() {
            output.json(&Document {
                following: Following {
                    account: &account_url,
                    admin: admin_url.as_deref(),
                    guard: guard_url.as_deref(),
                    origin,
                    state,
                },
            })?;
        } else {
            output.line(format_args!("Accounts:      {account_url}"))?;
            if let Some(metrics) = server.metrics_address().map(&url).or(admin_url) {
                output.line(format_args!("Metrics:       {metrics}/metrics"))?;
            }
            if let Some(guard) = &guard_url {
                output.line(format_args!("Guarded API:   {guard}"))?;
            }
            output.line(format_args!("Follows:       {origin}"))?;
            output.line(format_args!("State:         {}", state.display()))?;
            output.line("`/ready` says whether this edge can decide, and if not, why.")?;
        }
        tracing::info!(account = %account, %origin, "following");
        server.run_until(stop.clone().times(1), stop.times(2)).await;
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    }
}

impl From<HttpSourceError> for Failure {
    fn from(error: HttpSourceError) -> Failure {
        match error {
            HttpSourceError::Server(error) => error.into(),
            HttpSourceError::Token { .. } => Failure::usage("token_invalid", error.to_string()),
        }
    }
}
