//! Builds the module and prints its size and SHA-256.

use std::path::PathBuf;
use std::process::ExitCode;

use tokenlatch_build::{Options, build};

const HELP: &str = "\
Builds tokenlatch.wasm, its JavaScript glue and its type declarations, and prints the size and the SHA-256.

Usage: cargo run --release -p tokenlatch-build [-- --out FOLDER]

  --out FOLDER   copies the files into FOLDER too

TOKENLATCH_WASM_OPT=PROGRAM adds a size pass by Binaryen's wasm-opt (from npm: binaryen).";

fn main() -> ExitCode {
    let mut options = Options::default();
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        match (argument.to_str(), arguments.next()) {
            (Some("--help" | "-h"), _) => {
                println!("{HELP}");
                return ExitCode::SUCCESS;
            }
            (Some("--out"), Some(folder)) => options.out = Some(PathBuf::from(folder)),
            _ => {
                eprintln!("{HELP}");
                return ExitCode::from(2);
            }
        }
    }
    match build(&options) {
        Ok(built) => {
            println!("{built}");
            ExitCode::SUCCESS
        }
        Err(fault) => {
            eprintln!("tokenlatch-build: {fault}");
            ExitCode::FAILURE
        }
    }
}
