//! The command `tokenlatch`.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
