//! Measures `/auth` under load, or with `--proxies` what it costs nginx and Caddy to ask it:
//! `cargo run --release -p tokenlatch-tests --bin load`. Everything runs on this machine, and so does `wrk`.

mod api;
mod auth;
mod empty;
mod nginx;
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
    /// Tokens in the database
    #[arg(long, default_value_t = 100_000)]
    tokens: usize,
    /// Accounts that they are spread over
    #[arg(long, default_value_t = 1000)]
    accounts: usize,
    /// How often each is measured, in turns
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long each measurement takes
    #[arg(long, default_value_t = 8)]
    seconds: u32,
    /// Connections at once
    #[arg(long, default_value_t = 64)]
    connections: u32,
    /// Print one JSON document instead of a table
    #[arg(long)]
    json: bool,
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
