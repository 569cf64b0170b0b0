//! Measures `/auth` under load, with `--proxies` what it costs nginx and Caddy to ask it, with `--page` how the page's
//! table fares with many tokens, or with `--edges` how soon edges know of a revocation:
//! `cargo run --release -p tokenlatch-tests --bin load`. Everything runs on this machine, and so does `wrk`.

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
    /// Measure nginx and Caddy with their shipped configurations, each beside itself without the check
    #[arg(long)]
    proxies: bool,
    /// Measure the page's table with many tokens in one account, beside an account with ten
    #[arg(long, conflicts_with = "proxies")]
    page: bool,
    /// Measure how soon edges refuse a revoked token, natively, in Node and in workerd, and cut them off from their origin;
    /// databases lie in the temporary folder (TMPDIR), and how long its disk takes counts
    #[arg(long, conflicts_with_all = ["proxies", "page"])]
    edges: bool,
    /// Tokens in the database: 100,000, or 10,000 for the page
    #[arg(long)]
    tokens: Option<usize>,
    /// Accounts that they are spread over
    #[arg(long, default_value_t = 1000)]
    accounts: usize,
    /// How often each is measured, in turns: 5, or 300 revocations told at once to edges and a fifth of that to edges that
    /// ask every second; the page is always measured 300 times
    #[arg(long)]
    rounds: Option<usize>,
    /// How long each measurement takes; edges and the page take as long as they need
    #[arg(long, default_value_t = 8)]
    seconds: u32,
    /// Connections at once: 64, or 4 to each edge and to the origin; the page needs but one
    #[arg(long)]
    connections: Option<u32>,
    /// Print one JSON document instead of a table
    #[arg(long)]
    json: bool,
}

impl Options {
    /// Tokens in the database, to be asked for by their texts.
    fn token_count(&self) -> usize {
        self.tokens.unwrap_or(100_000)
    }

    /// Rounds of `wrk`.
    fn wrk_rounds(&self) -> usize {
        self.rounds.unwrap_or(5)
    }

    /// Connections of `wrk`.
    fn wrk_connections(&self) -> u32 {
        self.connections.unwrap_or(64)
    }
}

#[derive(Subcommand)]
enum Part {
    /// The same edge with an empty handler, which this program starts by itself
    #[command(hide = true)]
    Empty { database: PathBuf, listen: SocketAddr },
    /// A small API, which this program starts by itself
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
