//! `uapi`: `tokenlatch uapi` under the name that scripts know.

mod alias;

fn main() -> std::process::ExitCode {
    alias::run("uapi")
}
