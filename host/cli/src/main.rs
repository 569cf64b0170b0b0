//! The command `tokenlatch`.

mod account;
mod accounts;
mod acting_user;
mod addresses;
mod announcement;
mod archive_files;
mod arguments;
mod catalogue;
mod confirm;
mod context;
mod db;
mod demo;
mod edge_options;
mod export_import;
mod failure;
mod first_run;
mod functions;
mod header_lines;
mod known_databases;
mod module;
mod output;
mod policy;
mod progress;
mod realm;
mod remote;
mod render;
mod secrets;
mod serve;
mod serve_options;
mod snapshot;
mod table;
mod token;
mod uapi;
mod verify;
mod whmapi1;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use context::Context;
use failure::Failure;
use output::Output;

const EXAMPLES: &str = "\
Start here:
  tokenlatch serve
  tokenlatch demo
  tokenlatch account add alice --all-features
  tokenlatch token create --user alice --name deploy --full
  tokenlatch token list --user alice
  echo 'cpanel alice:TOKEN' | tokenlatch token verify --feature popaccts --reads

Exit codes:
  0  done; with `token verify`: every line was admitted
  1  refused by a rule, already exists, or does not exist;
     with `token verify`: a line was not admitted;
     with `catalogue test`: refused; with `catalogue diff`: something was opened
  2  invalid or incomplete command line
  3  the database failed, is damaged or unusable
  4  the module failed
  5  the system failed: clock, randomness, time zone, file, output

With `--json` a command prints one JSON document, also for errors:
  {\"error\":{\"code\":…,\"message\":…}}
A token is printed only once, by `token create`.";

/// Issues and verifies API tokens. One WebAssembly module makes every decision; this command provides the database, the
/// clock and randomness.
#[derive(Parser)]
#[command(name = "tokenlatch", version, after_long_help = EXAMPLES, after_help = "`--help` shows examples and exit codes.")]
#[command(
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 110
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Global {
    /// Database: a path, `sqlite:PATH`, or `postgres://USER@HOST/DATABASE` (put the password in PGPASSWORD or ~/.pgpass)
    #[arg(
        long,
        global = true,
        value_name = "DATABASE",
        env = "TOKENLATCH_DATABASE",
        hide_env_values = true,
        default_value = "tokenlatch.db"
    )]
    #[arg(help_heading = "Everywhere")]
    database: String,
    /// Whether to create a missing database: always, never, or only if no file beside it records an earlier one
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        env = "TOKENLATCH_CREATE",
        hide_env_values = true,
        default_value_t = Create::IfNew,
        help_heading = "Everywhere"
    )]
    create: Create,
    /// Print one JSON document instead of text
    #[arg(long, global = true, help_heading = "Everywhere")]
    json: bool,
    /// Pepper file, newest first, readable only by you: lines of `id:hex`, or JSON
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "TOKENLATCH_PEPPER_FILE",
        hide_env_values = true,
        help_heading = "Everywhere"
    )]
    pepper_file: Option<PathBuf>,
    /// Time zone for expiry dates and printed times, such as `Europe/Berlin`; the system's by default
    #[arg(
        long,
        global = true,
        value_name = "ZONE",
        env = "TOKENLATCH_TIME_ZONE",
        hide_env_values = true,
        help_heading = "Everywhere"
    )]
    time_zone: Option<String>,
}

/// Whether to create a missing database.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Create {
    /// Create it even if there was one
    Always,
    /// Create it only if nothing shows that there was one
    IfNew,
    /// Never create it
    Never,
}

#[derive(Subcommand)]
enum Command {
    /// Manage the accounts that tokens act as
    #[command(subcommand, arg_required_else_help = true)]
    Account(account::Command),
    /// Create, list, rename, revoke and verify tokens
    #[command(subcommand, arg_required_else_help = true)]
    Token(token::Command),
    /// Call a function of UAPI, as scripts do
    Uapi(uapi::Uapi),
    /// Call a function of WHM API 1, as scripts do
    Whmapi1(whmapi1::Whmapi1),
    /// Serve tokens over HTTP and protect an API
    Serve(Box<serve_options::Options>),
    /// Back up, restore and check the database
    #[command(subcommand, arg_required_else_help = true)]
    Db(db::Command),
    /// Write, check and compare catalogue files: the functions and routes of an API
    #[command(subcommand, arg_required_else_help = true)]
    Catalogue(catalogue::Command),
    /// Manage the signed snapshots by which edges decide on their own
    #[command(subcommand, arg_required_else_help = true)]
    Snapshot(snapshot::Command),
    /// Export accounts and live tokens as JSON lines, with hashes only
    Export(export_import::Export),
    /// Import accounts and tokens from a file of `export`
    Import(export_import::Import),
    /// Show the whole life of a token on a temporary database
    Demo,
    /// Print the module's digest, size and versions
    Module,
}

/// Runs the command and returns its exit code.
fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut output = Output::new(cli.global.json);
    match run(&cli, &mut output) {
        Ok(code) => code,
        Err(failure) => failure.report(|document, message, code, next| output.error(document, message, code, next)),
    }
}

fn run(cli: &Cli, output: &mut Output) -> Result<ExitCode, Failure> {
    let mut runtime = match cli.command {
        Command::Serve(_) => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime = runtime.enable_all().build().map_err(Failure::system)?;
    runtime.block_on(async {
        let mut context = Context::new(&cli.global, output);
        let outcome = match &cli.command {
            Command::Account(command) => command.run(&mut context).await,
            Command::Token(command) => command.run(&mut context).await,
            Command::Uapi(command) => command.run(&mut context).await,
            Command::Whmapi1(command) => command.run(&mut context).await,
            Command::Serve(options) => serve::run(options, &mut context).await,
            Command::Db(command) => command.run(&mut context).await,
            Command::Catalogue(command) => command.run(&mut context),
            Command::Snapshot(command) => command.run(&mut context).await,
            Command::Export(export) => export.run(&mut context).await,
            Command::Import(import) => import.run(&mut context).await,
            Command::Demo => demo::run(&mut context).await,
            Command::Module => module::run(&mut context),
        };
        context.close().await;
        outcome
    })
}
