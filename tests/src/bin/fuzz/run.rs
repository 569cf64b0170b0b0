//! Runs the targets, several at once.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tokenlatch_tests::Fault;

use crate::build::{Targets, root};
use crate::outcome::{Outcome, Reading};

/// How the targets are run.
pub struct Settings<'a> {
    pub seconds: u64,
    pub seed: u32,
    pub grown: Option<&'a Path>,
    pub jobs: usize,
}

/// One input may take this many seconds. A slow machine must not fail a run.
const TIMEOUT: u32 = 300;

/// Memory of a target, in MiB. They use some dozens.
const MEMORY: u32 = 4096;

/// Runs all targets. Returns their outcomes in the order of their names.
///
/// # Errors
/// A target can't be started.
pub fn all(targets: &Targets, settings: &Settings<'_>) -> Result<Vec<Outcome>, Fault> {
    let progress = Progress::new(targets.names.len() as u64 * settings.seconds)?;
    let left: Mutex<VecDeque<&String>> = Mutex::new(targets.names.iter().collect());
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let outcomes = thread::scope(|scope| {
        let work = || {
            let mut outcomes = Vec::new();
            while let Some(name) = next() {
                outcomes.push(one(targets, name, settings, &progress)?);
            }
            Ok(outcomes)
        };
        let workers: Vec<_> = (0..settings.jobs.min(targets.names.len()))
            .map(|_| scope.spawn(work))
            .collect();
        let ended = workers.into_iter().map(|worker| {
            let ended = worker.join();
            ended.unwrap_or_else(|_| Err(Fault::new("the run of a target ended early")))
        });
        ended.collect::<Result<Vec<Vec<Outcome>>, Fault>>()
    })?;
    progress.bar.finish_and_clear();
    let mut outcomes: Vec<Outcome> = outcomes.into_iter().flatten().collect();
    outcomes.sort_by(|a, b| a.target.cmp(&b.target));
    Ok(outcomes)
}

fn one(targets: &Targets, name: &str, settings: &Settings<'_>, progress: &Progress) -> Result<Outcome, Fault> {
    let scratch = tempfile::tempdir().map_err(Fault::during("a folder for new inputs"))?;
    let grown = settings.grown.unwrap_or(scratch.path()).join(name);
    let artifacts = root().join("tests/fuzz/artifacts").join(name);
    let corpus = Targets::corpus(name);
    for folder in [&grown, &artifacts, &corpus] {
        fs::create_dir_all(folder).map_err(Fault::during(folder.display()))?;
    }
    progress.begin(name);
    let begun = Instant::now();
    let mut running = targets
        .program(name)
        .arg(&grown)
        .arg(&corpus)
        .arg(format!("-max_total_time={}", settings.seconds))
        .arg(format!("-seed={}", settings.seed))
        .arg(format!("-timeout={TIMEOUT}"))
        .arg(format!("-rss_limit_mb={MEMORY}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(Fault::during(format!("the target `{name}` can't be started")))?;
    let mut reading = Reading::default();
    // libFuzzer prints a line for each new input, so the bar moves while the target runs.
    if let Some(errors) = running.stderr.take() {
        let mut counted = 0;
        for line in BufReader::new(errors).lines() {
            // A panic may print bytes that aren't text.
            let Ok(line) = line else { continue };
            reading.line(&line);
            let spent = begun.elapsed().as_secs().min(settings.seconds);
            progress.bar.inc(spent - counted);
            counted = spent;
        }
        progress.bar.inc(settings.seconds - counted);
    }
    let status = running.wait().map_err(Fault::during(name))?;
    progress.end(name);
    Outcome::new(name, &corpus, reading, status, begun.elapsed())
}

/// The bar, and the targets that are running.
struct Progress {
    bar: ProgressBar,
    running: Mutex<Vec<String>>,
}

impl Progress {
    fn new(seconds: u64) -> Result<Progress, Fault> {
        let bar = ProgressBar::new(seconds);
        let style = ProgressStyle::with_template("{bar:30} {percent:>3} % {elapsed:>4} {msg}");
        bar.set_style(style.map_err(Fault::during("the progress bar"))?);
        bar.enable_steady_tick(Duration::from_millis(500));
        Ok(Progress {
            bar,
            running: Mutex::default(),
        })
    }

    fn begin(&self, name: &str) {
        self.change(|running| running.push(name.to_owned()));
    }

    fn end(&self, name: &str) {
        self.change(|running| running.retain(|known| known != name));
    }

    fn change(&self, change: impl FnOnce(&mut Vec<String>)) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut running);
        self.bar.set_message(running.join(", "));
    }
}
