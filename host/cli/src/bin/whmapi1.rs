//! `whmapi1`: `tokenlatch whmapi1` under the name that scripts know.

mod alias;

fn main() -> std::process::ExitCode {
    alias::run("whmapi1")
}
