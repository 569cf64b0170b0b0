//! A search for differences: random cases, from one seed, on the native core, on the module in wasmtime and in Node, and by the
//! independent model of `tests/vectors/model`.

mod case;
mod cases;
mod draw;
mod fast;
mod lab;
mod objects;
mod routing;
mod shrink;
mod twist;

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokenlatch_build::{Options, build};

use crate::fault::Fault;
use case::Step;
use draw::Draw;
use fast::Ran;
use lab::{Difference, Lab, joined};

/// What is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Single requests of every operation.
    Requests,
    /// Parameters of the compatible interfaces.
    Parameters,
    /// Histories of an account's tokens.
    Histories,
    /// Tables, their changes and verifications.
    Tables,
    /// Signed snapshots and deltas.
    Snapshots,
    /// Requests, native core against module alone.
    Dispatcher,
    /// Verifications on the hot path, native core against module alone.
    Verifications,
    /// Routes, native core against an implementation without an index.
    Routes,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 8] = [
        Kind::Requests,
        Kind::Parameters,
        Kind::Histories,
        Kind::Tables,
        Kind::Snapshots,
        Kind::Dispatcher,
        Kind::Verifications,
        Kind::Routes,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Requests => "requests",
            Kind::Parameters => "parameters",
            Kind::Histories => "histories",
            Kind::Tables => "tables",
            Kind::Snapshots => "snapshots",
            Kind::Dispatcher => "dispatcher",
            Kind::Verifications => "verifications",
            Kind::Routes => "routes",
        }
    }

    /// Whether the model answers, too.
    const fn has_model(self) -> bool {
        !matches!(self, Kind::Dispatcher | Kind::Verifications | Kind::Routes)
    }

    fn case(self, draw: &mut Draw) -> Result<Vec<Step>, Fault> {
        let request = |value, draw: &mut Draw| Step::new("request", draw, &value);
        Ok(match self {
            Kind::Parameters => {
                let value = cases::parameters::request(draw);
                vec![request(value, draw)]
            }
            Kind::Histories => {
                let values = cases::histories::history(draw);
                values.into_iter().map(|value| request(value, draw)).collect()
            }
            Kind::Tables => cases::tables::table(draw),
            Kind::Snapshots => cases::snapshots::snapshot(draw)?,
            _ => {
                let value = cases::requests::request(draw);
                vec![request(value, draw)]
            }
        })
    }
}

/// What was found of one kind.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The kind.
    pub kind: Kind,
    /// Number of cases: histories, tables and snapshots with all their steps count as one.
    pub cases: u64,
    /// Number of cases in which an answer differed.
    pub differences: u64,
    /// The time spent.
    pub seconds: f64,
    /// Number of draws. Without the model one draw makes many cases.
    #[serde(skip)]
    draws: u64,
}

impl Row {
    /// Cases a second.
    #[must_use]
    pub fn speed(&self) -> f64 {
        self.cases as f64 / self.seconds.max(0.001)
    }
}

/// When a search ends.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// After this time.
    Elapsed(Duration),
    /// After one round of each kind.
    OneRound,
}

/// A search.
#[derive(Clone, Debug)]
pub struct Search {
    /// From which all cases are drawn.
    pub seed: u64,
    /// When it ends.
    pub until: Until,
    /// The kinds that are searched.
    pub kinds: Vec<Kind>,
    /// Where shrunk cases are written.
    pub folder: PathBuf,
}

/// Cases in a round with the model.
const ROUND: u64 = 1_000;
/// A snapshot takes the model as long as many requests: it signs some of the messages.
const ROUND_OF_SNAPSHOTS: u64 = 60;
/// Draws in a round without the model, which the threads share. Each is a table, or hundreds of requests.
const FAST_ROUND: u64 = 24;
/// How many differences of a kind are shrunk and written.
const WRITTEN: u64 = 5;

/// A case that differs, and how.
type Found = (Vec<Step>, Difference);

impl Search {
    /// Searches. `told` is called with each line about a difference, `shown` with the state after each round.
    ///
    /// # Errors
    /// The module can't be built, or something that takes part can't be started, or stops.
    pub fn run(&self, told: &mut dyn FnMut(&str), shown: &mut dyn FnMut(&[Row])) -> Result<Vec<Row>, Fault> {
        let built = build(&Options::default()).map_err(Fault::during("building the module"))?;
        let lab = Lab::new(built)?;
        let row = |kind: &Kind| Row {
            kind: *kind,
            cases: 0,
            differences: 0,
            seconds: 0.0,
            draws: 0,
        };
        let mut rows: Vec<Row> = self.kinds.iter().map(row).collect();
        let start = Instant::now();
        // The kind on which the least time was spent is next.
        while let Some(row) = rows.iter_mut().min_by(|a, b| a.seconds.total_cmp(&b.seconds)) {
            match self.until {
                Until::Elapsed(limit) if start.elapsed() >= limit => break,
                Until::OneRound if row.seconds > 0.0 => break,
                _ => {}
            }
            let began = Instant::now();
            if row.kind.has_model() {
                self.round(&lab, row, told)?;
            } else {
                self.fast_round(&lab, row, told)?;
            }
            row.seconds += began.elapsed().as_secs_f64();
            shown(&rows);
        }
        Ok(rows)
    }

    fn round(&self, lab: &Lab, row: &mut Row, told: &mut dyn FnMut(&str)) -> Result<(), Fault> {
        let size = if row.kind == Kind::Snapshots {
            ROUND_OF_SNAPSHOTS
        } else {
            ROUND
        };
        let draw = |number| row.kind.case(&mut Draw::of_case(self.seed, row.kind.name(), number));
        let cases: Vec<Vec<Step>> = (row.draws..row.draws + size).map(draw).collect::<Result<_, _>>()?;
        let differences = lab.run(&cases)?;
        for (number, (case, difference)) in (row.draws..).zip(cases.into_iter().zip(differences)) {
            let Some(difference) = difference else {
                continue;
            };
            row.differences += 1;
            if row.differences <= WRITTEN {
                told(&self.found(lab, row.kind, number, (case, difference))?);
            }
        }
        row.cases += size;
        row.draws += size;
        Ok(())
    }

    /// Shrinks a case, writes it, and says what it is.
    fn found(&self, lab: &Lab, kind: Kind, number: u64, (case, difference): Found) -> Result<String, Fault> {
        let (case, difference) = shrink::shrink(lab, case, difference)?;
        let file = self
            .folder
            .join(format!("{}_{:x}_{number}.json", kind.name(), self.seed));
        fs::create_dir_all(&self.folder).map_err(Fault::during(self.folder.display()))?;
        fs::write(&file, case::line(&case) + "\n").map_err(Fault::during(file.display()))?;
        let mut text = format!(
            "{} {number} of seed {} differs at step {}:",
            kind.name(),
            self.seed,
            difference.step
        );
        for step in &case {
            text += &format!("\n    {}", step.json());
        }
        for (who, answer) in difference.answers {
            text += &format!("\n    {who:<12} {answer}");
        }
        Ok(text + &format!("\n    written to {}", file.display()))
    }

    /// One round on every processor, each with an instance of its own.
    fn fast_round(&self, lab: &Lab, row: &mut Row, told: &mut dyn FnMut(&str)) -> Result<(), Fault> {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let size = match self.until {
            Until::OneRound => 2,
            Until::Elapsed(_) => FAST_ROUND,
        };
        let draws = row.draws..row.draws + size;
        let run = |thread: usize| -> Result<Ran, Fault> {
            let (mut native, mut module) = lab.instances()?;
            let mut ran = Ran::default();
            for number in draws.clone().skip(thread).step_by(threads) {
                let mut draw = Draw::of_case(self.seed, row.kind.name(), number);
                let one = match row.kind {
                    Kind::Dispatcher => fast::dispatcher(&mut native, &mut module, &mut draw)?,
                    Kind::Routes => routing::routes(&mut draw)?,
                    _ => fast::verifications(&mut native, &mut module, &mut draw)?,
                };
                if let Some(text) = &one.first {
                    ran.first
                        .get_or_insert(format!("{} {number} of seed {}: {text}", row.kind.name(), self.seed));
                }
                ran.add(Ran { first: None, ..one });
            }
            Ok(ran)
        };
        let mut all = Ran::default();
        thread::scope(|scope| -> Result<(), Fault> {
            let run = &run;
            let threads: Vec<_> = (0..threads).map(|thread| scope.spawn(move || run(thread))).collect();
            for thread in threads {
                all.add(joined(thread)?);
            }
            Ok(())
        })?;
        row.cases += all.cases;
        row.draws += size;
        row.differences += all.differences;
        if let Some(text) = all.first.filter(|_| row.differences <= WRITTEN + all.differences) {
            told(&text);
        }
        Ok(())
    }
}
