//! `tokenlatch serve` for edges: as the origin that they follow, and as one of them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use tokenlatch::{Follower, FollowerOptions, PublisherOptions, read_peppers, read_snapshot_key};
use tokenlatch_server::{Catalogue, Config, EdgeServer, HttpSource, HttpSourceError, SnapshotConfig, Stop};

use crate::addresses::address;
use crate::context::Context;
use crate::failure::Failure;
use crate::snapshot::{age, wrong_key};

/// Where the edge keeps which table it held last.
const STATE_FILE: &str = "tokenlatch-follow.json";

/// Options of an origin and of an edge.
#[derive(Args)]
pub struct Edges {
    /// Publish signed snapshots on the administrator's port and at `--snapshot-listen`, by the key of this file; see `tokenlatch snapshot keygen`
    #[arg(long, value_name = "FILE", env = "TOKENLATCH_SNAPSHOT_KEY", hide_env_values = true)]
    #[arg(conflicts_with = "follow")]
    snapshot_key: Option<PathBuf>,
    /// For how long an edge may decide after it last heard of this server: seconds, or such as `90s`, `10m`
    #[arg(
        long,
        value_name = "TIME",
        env = "TOKENLATCH_SNAPSHOT_MAX_AGE",
        hide_env_values = true
    )]
    #[arg(default_value = "60s", value_parser = age, requires = "snapshot_key")]
    snapshot_max_age: u32,
    /// Leave ids and names of tokens out: smaller, but an edge can't tell which token it admits
    #[arg(
        long,
        env = "TOKENLATCH_SNAPSHOT_NO_NAMES",
        hide_env_values = true,
        requires = "snapshot_key"
    )]
    snapshot_no_names: bool,
    /// A listener for machines alone, with `/snapshot`, `/health` and `/ready`: edges elsewhere need no other
    #[arg(
        long,
        value_name = "ADDR",
        env = "TOKENLATCH_SNAPSHOT_LISTEN",
        hide_env_values = true,
        requires = "snapshot_key"
    )]
    #[arg(value_parser = address)]
    snapshot_listen: Option<SocketAddr>,
    /// Be an edge without a database: decide by the snapshots of the server there, its `--snapshot-listen` or its
    /// administrator's port
    #[arg(long, value_name = "URL", env = "TOKENLATCH_FOLLOW", hide_env_values = true)]
    #[arg(requires_all = ["follow_keys", "follow_token_file"])]
    follow: Option<String>,
    /// The public key that signs the snapshots; repeated while it is changed
    #[arg(
        long = "follow-key",
        value_name = "PUBLICKEY",
        env = "TOKENLATCH_FOLLOW_KEY",
        hide_env_values = true,
        value_delimiter = ',',
        requires = "follow"
    )]
    follow_keys: Vec<String>,
    /// The file of an administrator's token with the rights `snapshot-read` and `usage-report`, which only you can read: the
    /// token, `whm USER:TOKEN`, or `Authorization: …`. It is read each time, so another one is in use at once
    #[arg(
        long,
        value_name = "FILE",
        env = "TOKENLATCH_FOLLOW_TOKEN_FILE",
        hide_env_values = true,
        requires = "follow"
    )]
    follow_token_file: Option<PathBuf>,
    /// The certificates, in PEM, of whom the server's certificate must come; else those that the web trusts
    #[arg(
        long,
        value_name = "FILE",
        env = "TOKENLATCH_FOLLOW_CA",
        hide_env_values = true,
        requires = "follow"
    )]
    follow_ca: Option<PathBuf>,
    /// Where the edge keeps which snapshot it held, so that a restart can't roll it back
    #[arg(
        long,
        value_name = "FILE",
        env = "TOKENLATCH_FOLLOW_STATE",
        hide_env_values = true,
        default_value = STATE_FILE,
        requires = "follow"
    )]
    follow_state: PathBuf,
    /// Ask every so many seconds, instead of being told of changes at once; at least three times in a table's life
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
    origin: &'a str,
    state: PathBuf,
}

impl Edges {
    /// Whether this is to be an edge.
    pub fn is_edge(&self) -> bool {
        self.follow.is_some()
    }

    /// The listener for machines, if there is one.
    pub fn snapshot_listen(&self) -> Option<SocketAddr> {
        self.snapshot_listen
    }

    /// How snapshots are published, if they are.
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

    /// Serves as an edge until the process is told to stop. `url` shows an address as it is reached.
    pub async fn serve(
        &self,
        config: Config,
        stop: Stop,
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
            catalogue: Catalogue::new(config.catalogue.as_deref()).functions(&module)?,
            state_file: Some(state.clone()),
            poll: self.follow_poll.map(Duration::from_secs),
            usage_interval: config.usage_interval,
            ..FollowerOptions::new(self.follow_keys.clone())
        };
        let follower = Follower::new(&module, options).map_err(|error| wrong_key("--follow-key", error))?;
        let server = EdgeServer::bind(config, follower, Arc::new(source)).await?;
        let (account, admin) = server.addresses();
        let (account_url, admin_url) = (url(account), admin.map(&url));
        let output = &mut *context.output;
        if output.wants_json() {
            output.json(&Document {
                following: Following {
                    account: &account_url,
                    admin: admin_url.as_deref(),
                    origin,
                    state,
                },
            })?;
        } else {
            output.line(format_args!("Accounts:      {account_url}"))?;
            if let Some(metrics) = server.metrics_address().map(&url).or(admin_url) {
                output.line(format_args!("Metrics:       {metrics}/metrics"))?;
            }
            output.line(format_args!("Follows:       {origin}"))?;
            output.line(format_args!("State:         {}", state.display()))?;
            output.line("`/ready` tells whether requests can be decided on, and why not.")?;
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
