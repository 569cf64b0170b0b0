//! From the header to the verdict, in a table of 100,000 tokens: the core compiled for this machine, the module run by
//! wasmtime, and the module in Node beside what else Node offers.
//!
//! ```text
//! cargo bench -p tokenlatch-tests --bench verify [-- --json] [--rounds N] [--tokens N] [--skip-node]
//! ```
//!
//! How to read it. Each case is timed in rounds of many calls; the cases of one process take turns in every round, so that
//! whatever else the machine does falls on all alike. A row gives the median over the rounds of nanoseconds a call, and
//! the spread from the 10th to the 90th percentile: where it is wide, the machine was busy, and the row says little. The
//! ratio is to the median of Node's bare `createHash('sha256')` call on the same 32 characters; rows of Rust and rows of
//! Node ran in two processes one after the other, so small differences between them mean nothing. The line below the table
//! compares wasmtime with native within each round, which is the surest figure here. Native code has the CPU's SHA
//! instructions where there are any; the row of SHA-256 alone tells what they are worth.
//!
//! "Random order" asks for all tokens alike and so pays for memory; "256 in use" asks for the same 256 again and again, as
//! most servers are. Nothing here fails for being slow.

mod clock;
mod input;
mod node;
mod rows;

use std::hint::black_box;
use std::process::ExitCode;

use clap::Parser;
use sha2::{Digest, Sha256};
use tokenlatch::{Module, Table};
use tokenlatch_core::{Call, TokenTable};
use tokenlatch_tests::{Fault, require_all};

use clock::{Case, rounds};
use input::{Input, NOW};
use rows::{Row, median, show};

const NATIVE: &str = "native: TokenTable::verify, random order";
const NATIVE_IN_USE: &str = "native: 256 of the tokens in use";
const WASMTIME: &str = "wasmtime: Table::verify, random order";
const WASMTIME_IN_USE: &str = "wasmtime: 256 of the tokens in use";
const HASH: &str = "native: SHA-256 alone, 256 in use";
/// Calls of each case in a round.
const CALLS: usize = 20_000;
/// How many tokens are in use.
const IN_USE: usize = 256;

/// Header → verdict in a table: native, wasmtime and Node, one after the other.
#[derive(Parser)]
struct Arguments {
    /// Prints one JSON object a row instead of a table.
    #[arg(long)]
    json: bool,
    /// How often each case is timed.
    #[arg(long, default_value_t = 31)]
    rounds: usize,
    /// How many tokens the table holds.
    #[arg(long, default_value_t = 100_000)]
    tokens: usize,
    /// Leaves Node out.
    #[arg(long)]
    skip_node: bool,
    /// Given by `cargo bench`. Without it, as under `cargo test --benches`, a small table is timed once.
    #[arg(long, hide = true)]
    bench: bool,
    /// Given by hand or by cargo, and of no meaning here.
    #[arg(hide = true)]
    filter: Option<String>,
}

fn main() -> ExitCode {
    let mut arguments = Arguments::parse();
    if !arguments.bench {
        arguments.rounds = 1;
        arguments.tokens = 1_000;
        arguments.skip_node = true;
    }
    arguments.rounds = arguments.rounds.max(1);
    arguments.tokens = arguments.tokens.max(IN_USE);
    match bench(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("verify: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn bench(arguments: &Arguments) -> Result<(), Fault> {
    clock::say("making the tokens");
    let input = Input::new(arguments.tokens)?;
    let times = measure(&input, arguments.rounds)?;
    let mut rows: Vec<Row> = times.iter().map(|(name, times)| Row::of(name, times)).collect();
    let [random, in_use] = [(WASMTIME, NATIVE), (WASMTIME_IN_USE, NATIVE_IN_USE)].map(|(above, below)| {
        let of = |wanted: &str| times.iter().find(|(name, _)| *name == wanted).map(|(_, times)| times);
        let pairs = of(above).into_iter().flatten().zip(of(below).into_iter().flatten());
        let ratio = median(&pairs.map(|(a, b)| a / b).collect::<Vec<_>>());
        for row in rows.iter_mut().filter(|row| row.case == above) {
            row.to_native = Some(ratio);
        }
        ratio
    });

    if !arguments.skip_node {
        clock::say("building the npm package and timing Node");
        match node::rows(arguments.rounds, arguments.tokens) {
            Ok(node) => rows.extend(node),
            Err(fault) if require_all() => return Err(fault),
            Err(fault) => eprintln!("SKIPPED Node: {fault}"),
        }
    }
    clock::say("");
    rows::relate(&mut rows, node::BASE);
    if arguments.json {
        for row in &rows {
            println!("{}", serde_json::to_string(row).map_err(Fault::during("a row"))?);
        }
    } else {
        println!("{} tokens, {} rounds", arguments.tokens, arguments.rounds);
        println!("{}", show(&rows));
        println!("wasmtime takes {random:.2} times native in random order, {in_use:.2} times with 256 in use");
    }
    Ok(())
}

/// Nanoseconds a call of each case, round by round.
fn measure(input: &Input, count: usize) -> Result<Vec<(&'static str, Vec<f64>)>, Fault> {
    clock::say("loading the tables");
    let call = Call {
        module: Some("Tokens".into()),
        function: Some("list".into()),
        ..Call::default()
    };
    let mut native = TokenTable::new(input.table.clone()).map_err(Fault::during("the native table"))?;
    let native_call = native.prepare(&call).map_err(Fault::during("the native table"))?;
    let module = Module::embedded().map_err(Fault::during("the module"))?;
    let mut wasmtime = Table::new(&module, &input.table).map_err(Fault::during("the table in wasmtime"))?;
    let wasmtime_call = wasmtime
        .prepare(&call)
        .map_err(Fault::during("the table in wasmtime"))?;
    let wasmtime = std::cell::RefCell::new(wasmtime);

    let in_wasmtime = |header: &str| -> Result<u64, Fault> {
        let decision = wasmtime
            .borrow_mut()
            .verify(wasmtime_call, header.as_bytes(), None, NOW)
            .map_err(Fault::during("wasmtime"))?;
        Ok(u64::from(decision.is_allowed()))
    };
    let natively = |header: &str| -> Result<u64, Fault> {
        let code = native.verify(native_call, header.as_bytes(), None, NOW);
        Ok(u64::from((0..1 << 32).contains(&code)))
    };
    let order = input.order(CALLS);
    let each = |judge: &dyn Fn(&str) -> Result<u64, Fault>, within: usize| -> Result<u64, Fault> {
        let mut admitted = 0;
        for index in &order {
            admitted += judge(black_box(&input.headers[index % within]))?;
        }
        Ok(admitted)
    };
    let all = input.headers.len();
    let mut cases = [
        Case::new(NATIVE, CALLS, || each(&natively, all)),
        Case::new(NATIVE_IN_USE, CALLS, || each(&natively, IN_USE)),
        Case::new(WASMTIME, CALLS, || each(&in_wasmtime, all)),
        Case::new(WASMTIME_IN_USE, CALLS, || each(&in_wasmtime, IN_USE)),
        Case::new(HASH, CALLS, || {
            let mut sum = 0;
            for index in &order {
                let header = &input.headers[index % IN_USE];
                sum += u64::from(black_box(Sha256::digest(&header.as_bytes()[header.len() - 32..]))[0] < u8::MAX);
            }
            Ok(sum)
        }),
    ];
    rounds(&mut cases, count)
}
