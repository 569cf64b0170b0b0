//! Measures `/auth` under load. With `--proxies` it measures what the check costs nginx and Caddy, with `--page` the token table
//! with many tokens, and with `--edges` how soon edges refuse a revoked token: `cargo run --release -p tokenlatch-tests --bin
//! load`. Everything runs on this machine, including `wrk`.

mod api;
mod auth;
mod edges;
mod empty;
mod nginx;
mod page;
mod proxies;
mod report;
mod target;
mod wrk;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Measures `/auth` under load.
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    part: Option<Part>,
    /// Measure nginx and Caddy with their shipped configurations, each with and without the check
    #[arg(long)]
    proxies: bool,
    /// Measure the token table with many tokens in one account, and with ten in another
    #[arg(long, conflicts_with = "proxies")]
    page: bool,
    /// Measure how soon edges refuse a revoked token, natively, in Node and in workerd, and cut them off from their origin. The
    /// databases are in the temporary folder (TMPDIR), so the speed of its disk counts
    #[arg(long, conflicts_with_all = ["proxies", "page"])]
    edges: bool,
    /// Tokens in the database. The default is 100,000, or 10,000 for the token table
    #[arg(long)]
    tokens: Option<usize>,
    /// Accounts that own the tokens
    #[arg(long, default_value_t = 1000)]
    accounts: usize,
    /// Rounds. The default is 5, or 300 revocations with push and a fifth of that with polling. The token table is always
    /// measured 300 times
    #[arg(long)]
    rounds: Option<usize>,
    /// Duration of each measurement, in seconds. Edges and the token table ignore it
    #[arg(long, default_value_t = 8)]
    seconds: u32,
    /// Concurrent connections. The default is 64, or 4 to each edge and to the origin. The token table uses one
    #[arg(long)]
    connections: Option<u32>,
    /// Print one JSON document instead of a table
    #[arg(long)]
    json: bool,
}

impl Options {
    /// Number of tokens in the database.
    fn token_count(&self) -> usize {
        self.tokens.unwrap_or(100_000)
    }

    /// Number of rounds of `wrk`.
    fn wrk_rounds(&self) -> usize {
        self.rounds.unwrap_or(5)
    }

    /// Number of connections of `wrk`.
    fn wrk_connections(&self) -> u32 {
        self.connections.unwrap_or(64)
    }
}

#[derive(Subcommand)]
enum Part {
    /// A server with an empty handler, which this program starts itself
    #[command(hide = true)]
    Empty { database: PathBuf, listen: SocketAddr },
    /// A small API, which this program starts itself
    #[command(hide = true)]
    Api { listen: SocketAddr },
}

fn main() -> ExitCode {
    let options = Options::parse();
    let outcome = match &options.part {
        Some(Part::Empty { database, listen }) => empty::serve(database, *listen),
        Some(Part::Api { listen }) => api::serve(*listen),
        None if options.page => page::measure(&options),
        None if options.edges => edges::measure(&options),
        None if options.proxies => proxies::measure(&options),
        None => auth::measure(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("load: {fault}");
            ExitCode::FAILURE
        }
    }
}
