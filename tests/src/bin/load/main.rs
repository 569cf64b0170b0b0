//! Measures `/auth` under load, beside the same edge with an empty handler and beside nginx with a file of passwords:
//! `cargo run --release -p tokenlatch-tests --bin load`. Everything runs on this machine, and so does `wrk`.

mod empty;
mod fill;
mod nginx;
mod report;
mod wrk;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokenlatch_tests::Fault;
use tokenlatch_tests::service::{Background, Place, Postgres, Server, free_address};

use report::Row;
use wrk::{Aim, Wrk};

/// Measures `/auth` under load.
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    part: Option<Part>,
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
}

fn main() -> ExitCode {
    let options = Options::parse();
    let outcome = match &options.part {
        Some(Part::Empty { database, listen }) => empty::serve(database, *listen),
        None => measure(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("load: {fault}");
            ExitCode::FAILURE
        }
    }
}

/// Something to be measured, and what keeps it alive.
struct Target {
    name: &'static str,
    aim: Aim,
    rows: Vec<wrk::Run>,
}

fn measure(options: &Options) -> Result<(), Fault> {
    let place = Place::new()?;
    eprintln!("making {} tokens", options.tokens);
    let stock = fill::Stock::make(options.accounts, options.tokens)?;
    let lines = place.file("tokens");
    stock.write(&lines)?;

    stock.fill(place.database())?;
    let sqlite = Server::start(&place, &[])?;
    let postgres = Postgres::start()?;
    let elsewhere = match &postgres {
        Some(postgres) => {
            stock.fill(&postgres.url())?;
            let place = Place::over(&postgres.url())?;
            Some((Server::start(&place, &[])?, place))
        }
        None => None,
    };
    drop(stock);
    let (nothing, listen) = (Place::new()?, free_address()?);
    let mut command = nothing.command(std::env::current_exe().map_err(Fault::during("this program"))?)?;
    command.args(["empty", nothing.database(), &listen.to_string()]);
    let _empty = Background::start(command, &nothing.file("log"), listen)?;
    let nginx = nginx::start(&nothing)?;

    let tokens = |address| Aim::tokens(address, &lines);
    let mut targets = vec![Target::new("the same edge, an empty handler (a)", tokens(listen))];
    targets.push(Target::new("/auth on SQLite", tokens(sqlite.account)));
    if let Some((server, _)) = &elsewhere {
        targets.push(Target::new("/auth on PostgreSQL", tokens(server.account)));
    }
    if let Some((_, address)) = &nginx {
        targets.push(Target::new(
            "nginx, auth_basic from a file (b)",
            Aim::password(*address),
        ));
    }
    let Some(wrk) = Wrk::find(&place, options.seconds, options.connections)? else {
        return Ok(());
    };
    for round in 0..options.rounds {
        eprintln!("round {} of {}", round + 1, options.rounds);
        for target in &mut targets {
            target.rows.push(wrk.run(&target.aim)?);
        }
    }
    let first = targets
        .first()
        .map_or(1.0, |target| Row::median(target.name, &target.rows, 1.0).requests);
    let rows: Vec<Row> = targets
        .iter()
        .map(|target| Row::median(target.name, &target.rows, first))
        .collect();
    report::print(&rows, options.json)
}

impl Target {
    fn new(name: &'static str, aim: Aim) -> Target {
        Target {
            name,
            aim,
            rows: Vec::new(),
        }
    }
}
