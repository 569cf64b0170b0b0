//! Measures the cost of one call in each runtime, and of comparable libraries, in one run: `cargo run --release -p
//! tokenlatch-tests --bin bench`.
//!
//! How to read it. Every case is timed in rounds, with one lap of about 50 ms per round. All cases of all runtimes take turns in
//! each round, and every second round runs in reverse order, so that other load on the machine affects all alike. A row shows the
//! median of nanoseconds per call over the rounds, and the fastest and the slowest round. If those are far apart, the machine was
//! busy and the row is unreliable. Ratios are computed within each round, and are the most reliable figures.
//!
//! Clocks. A guest reads its own clock around a lap. A lap has at least a hundred steps of that clock: workerd's ticks every
//! millisecond, that of a cross-origin isolated page every 5 µs. If a clock stood still while a program runs, as on hosted
//! workers, the driver's time would be used, which includes a request over the loopback.
//!
//! "Random order" uses all tokens equally, so its cost includes cache misses, also for the header's own text. The hot cases use
//! the same 256 tokens repeatedly, as most servers do. The benchmark never fails for being slow.

mod cases;
mod figures;
mod guest;
mod input;
mod javascript;
mod machine;
mod native;
mod plot;
mod report;
mod rounds;

use std::io::BufWriter;
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;

use clap::Parser;
use clap::builder::PossibleValuesParser;
use indicatif::{ProgressBar, ProgressStyle};
use tokenlatch_build::{Options, build};
use tokenlatch_tests::runtimes::install;
use tokenlatch_tests::{Fault, require_all};

use guest::Guest;
use input::{HOT, Input};
use native::Native;
use report::Report;
use rounds::{Runtime, Timed, measure, steps};

/// Measures the cost of one call in each runtime, and of comparable libraries.
#[derive(Parser)]
struct Arguments {
    /// Prints one JSON object per row instead of a table.
    #[arg(long)]
    json: bool,
    /// Runs only this runtime. May be repeated.
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(runtime_names()))]
    runtime: Vec<String>,
    /// Runs only this case. May be repeated.
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(case_names()))]
    case: Vec<String>,
    /// Number of tokens in the table.
    #[arg(long, default_value_t = 100_000)]
    tokens: usize,
    /// Number of rounds.
    #[arg(long, default_value_t = 31)]
    rounds: usize,
    /// Minimum duration of one lap.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 50)]
    lap: u32,
    /// Folder for bench.md, bench.json and bench.svg. The default is `bench` in the target folder.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

fn runtime_names() -> Vec<&'static str> {
    let names = javascript::ALL.iter().map(|runtime| runtime.name);
    ["native", "wasmtime"].into_iter().chain(names).collect()
}

fn case_names() -> Vec<&'static str> {
    cases::ALL.iter().map(|case| case.name).collect()
}

fn main() -> ExitCode {
    let mut arguments = Arguments::parse();
    arguments.tokens = arguments.tokens.max(HOT);
    arguments.rounds = arguments.rounds.max(1);
    match bench(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("bench: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn bench(arguments: &Arguments) -> Result<(), Fault> {
    let chosen = |wanted: &[String], name: &str| wanted.is_empty() || wanted.iter().any(|one| one == name);
    let names: Vec<&str> = runtime_names()
        .into_iter()
        .filter(|name| chosen(&arguments.runtime, name))
        .collect();
    let cases: Vec<&cases::Case> = cases::ALL
        .iter()
        .filter(|case| chosen(&arguments.case, case.name))
        .collect();

    let bar = ProgressBar::new(steps(names.len(), cases.len(), arguments.rounds));
    let style = ProgressStyle::with_template("{bar:30} {percent:>3} % {eta:>4} {msg}");
    bar.set_style(style.map_err(Fault::during("the progress bar"))?);
    bar.set_message("making the tokens");
    let before = machine::load();
    let place = tempfile::tempdir().map_err(Fault::during("a folder for the tokens"))?;
    let start = Start::new(arguments.tokens, place.path().join("input.json"))?;

    let mut runtimes = Vec::new();
    let mut skipped = Vec::new();
    for name in names {
        bar.set_message(format!("starting {name}"));
        match start.guest(name) {
            Ok(guest) => runtimes.push(Runtime {
                name,
                guest,
                cases: timed(name, &cases),
            }),
            Err(fault) if fault.is_missing() && !require_all() => {
                bar.suspend(|| eprintln!("SKIPPED {name}: {fault}"));
                skipped.push(format!("{name}: {fault}"));
            }
            Err(fault) => return Err(Fault::new(format!("{name}: {fault}"))),
        }
    }
    let count = runtimes.iter().map(|runtime| runtime.cases.len()).sum();
    bar.set_length(steps(1, count, arguments.rounds));
    for runtime in &mut runtimes {
        runtime.prepare(f64::from(arguments.lap) * 1e6, &bar)?;
    }
    measure(&mut runtimes, arguments.rounds, &bar)?;
    bar.finish_and_clear();

    let report = Report {
        rows: figures::rows(&runtimes),
        ratios: figures::ratios(&runtimes),
        versions: runtimes
            .iter()
            .map(|runtime| format!("{} {}", runtime.name, runtime.guest.version()))
            .collect(),
        skipped,
        machine: machine::describe(),
        load: before.zip(machine::load()),
        tokens: arguments.tokens,
        rounds: arguments.rounds,
    };
    let folder = arguments.out.clone().unwrap_or_else(|| start.folder.clone());
    report.write(&folder)?;
    if arguments.json {
        print!("{}", report.json()?);
    } else {
        println!("{}", report.markdown());
    }
    eprintln!("bench.md, bench.json and bench.svg are in {}", folder.display());
    Ok(())
}

/// The cases of one runtime, not yet timed.
fn timed(runtime: &str, cases: &[&'static cases::Case]) -> Vec<Timed> {
    let native = runtime == "native" || runtime == "wasmtime";
    cases
        .iter()
        .filter(|case| !(native && case.javascript))
        .map(|case| Timed {
            case: case.name,
            missing: None,
            calls: 0,
            times: Vec::new(),
        })
        .collect()
}

/// What is needed to start the runtimes.
struct Start {
    built: tokenlatch_build::Built,
    input: Rc<Input>,
    /// The same tokens in a file, for other processes.
    file: PathBuf,
    /// Folder for the results.
    folder: PathBuf,
}

impl Start {
    fn new(tokens: usize, file: PathBuf) -> Result<Self, Fault> {
        let built = build(&Options::default()).map_err(Fault::during("building the module"))?;
        let input = Input::new(tokens)?;
        let writer = std::fs::File::create(&file).map(BufWriter::new);
        serde_json::to_writer(writer.map_err(Fault::during(file.display()))?, &input)
            .map_err(Fault::during("writing the tokens"))?;
        Ok(Start {
            folder: built.folder.with_file_name("bench"),
            built,
            input: Rc::new(input),
            file,
        })
    }

    fn guest(&self, name: &str) -> Result<Box<dyn Guest>, Fault> {
        Ok(match name {
            "native" => Box::new(Native::new(Rc::clone(&self.input))),
            "wasmtime" => Box::new(Native::wasmtime(Rc::clone(&self.input))?),
            _ => {
                let runtime = javascript::ALL.iter().find(|runtime| runtime.name == name);
                let runtime = runtime.ok_or_else(|| Fault::new(format!("no runtime is called {name}")))?;
                Box::new(runtime.start(&install(&self.built)?, &self.file)?)
            }
        })
    }
}
