//! Runs a layer's commands, and reads the first failed test from their output.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokenlatch_tests::Fault;

use crate::layers::{Layer, Output, Step};

/// The longest time of one command. A patch may make a program wait for ever.
const PATIENCE: Duration = Duration::from_secs(1800);

/// How often Ctrl-C is looked for.
const POLL: Duration = Duration::from_millis(200);

/// How long a stopped command may take to end its own children.
const FAREWELL: Duration = Duration::from_secs(10);

/// How a layer ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    /// Every test passed.
    Passed,
    /// The first test that failed.
    Failed(String),
    /// Something could not be built. The text says what.
    NotBuilt(String),
    /// The tests were ended by something else than a failed test. The text says what.
    Broken(String),
}

/// Where the commands run.
pub(crate) struct Runner {
    /// The copy of the tree.
    pub(crate) tree: PathBuf,
    /// The target folder that all patches share.
    pub(crate) target: PathBuf,
    /// The folder for the output of the commands.
    pub(crate) logs: PathBuf,
    /// The folder for temporary files of the tests, which they leave there when they are stopped.
    pub(crate) scratch: PathBuf,
    /// Set by Ctrl-C.
    pub(crate) interrupted: Arc<AtomicBool>,
}

impl Runner {
    /// Runs a layer. The output is kept in the file `TITLE-LAYER.log`.
    ///
    /// # Errors
    /// A command cannot be started, or the log cannot be written.
    pub(crate) fn run(&self, layer: &Layer, title: &str) -> Result<End, Fault> {
        let path = self.log(layer, title);
        fs::create_dir_all(&self.logs).map_err(Fault::during(self.logs.display()))?;
        let log = Mutex::new(File::create(&path).map_err(Fault::during(path.display()))?);
        for step in layer.build {
            let (passed, _) = self.step(step, None, &log)?;
            if !passed {
                return Ok(End::NotBuilt(complaint(&path)));
            }
        }
        for step in layer.tests {
            let (passed, failed) = self.step(step, Some(layer.output), &log)?;
            if let Some(name) = failed {
                return Ok(End::Failed(name));
            }
            if !passed {
                return Ok(End::Broken(format!(
                    "`{}` ended without a failed test, or not within {} seconds; see {}",
                    step.line,
                    PATIENCE.as_secs(),
                    path.display()
                )));
            }
        }
        Ok(End::Passed)
    }

    /// The file with the output of a layer.
    pub(crate) fn log(&self, layer: &Layer, title: &str) -> PathBuf {
        self.logs.join(format!("{title}-{}.log", layer.name.replace(' ', "-")))
    }

    /// Runs one command. Returns whether it succeeded, and the first failed test.
    fn step(&self, step: &Step, output: Option<Output>, log: &Mutex<File>) -> Result<(bool, Option<String>), Fault> {
        let shown = step.line;
        say(log, &format!("$ {shown}"));
        let mut child = self.command(step).spawn().map_err(Fault::during(shown))?;
        let (sender, lines) = channel();
        let readers = [
            child
                .stdout
                .take()
                .map(|pipe| Box::new(pipe) as Box<dyn std::io::Read + Send>),
            child
                .stderr
                .take()
                .map(|pipe| Box::new(pipe) as Box<dyn std::io::Read + Send>),
        ];
        let readers: Vec<_> = readers
            .into_iter()
            .flatten()
            .map(|pipe| {
                let sender = sender.clone();
                thread::spawn(move || {
                    for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                        // The receiver is gone once a test has failed.
                        let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
                    }
                })
            })
            .collect();
        drop(sender);
        let begun = Instant::now();
        let (mut failed, mut last, mut ended) = (None, String::new(), true);
        loop {
            if self.interrupted.load(Ordering::Relaxed) {
                stop(&mut child);
                return Err(Fault::new("interrupted. What is known is kept for the next run"));
            }
            match lines.recv_timeout(POLL) {
                Ok(line) => {
                    say(log, &line);
                    if failed.is_none() {
                        failed = output.and_then(|output| output.failure(&line, &last));
                    }
                    if failed.is_some() && output != Some(Output::Vectors) {
                        stop(&mut child);
                        break;
                    }
                    last = line;
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) if begun.elapsed() < PATIENCE => {}
                Err(RecvTimeoutError::Timeout) => {
                    stop(&mut child);
                    ended = false;
                    break;
                }
            }
        }
        let status = child.wait().map_err(Fault::during(shown))?;
        drop(lines);
        for reader in readers {
            // A reader doesn't panic.
            let _ = reader.join();
        }
        Ok((ended && status.success() && failed.is_none(), failed))
    }

    fn command(&self, step: &Step) -> Command {
        let mut words = step.line.split_whitespace();
        let program = match words.next().unwrap_or_default() {
            "cargo" => std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
            program => OsString::from(program),
        };
        let mut command = Command::new(program);
        command
            .args(words)
            .current_dir(self.tree.join(step.folder))
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_TERM_COLOR", "never")
            // Each run draws the same inputs, so that its result can be kept.
            .env("PROPTEST_RNG_SEED", "20261122")
            .env("TMPDIR", &self.scratch)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // To stop it with all its children. Ctrl-C doesn't reach the group.
            .process_group(0);
        command
    }
}

impl Output {
    /// The failed test that a line reports. `last` is the line before.
    fn failure(self, line: &str, last: &str) -> Option<String> {
        match self {
            Output::Libtest => {
                let name = line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?;
                Some(name.to_owned())
            }
            Output::Vectors => {
                let name = line.starts_with("    expected ").then_some(last)?;
                // The program says which runtime it was.
                Some(name.rsplit_once("): ").map_or(name, |(_, name)| name).to_owned())
            }
            Output::Tap => {
                let (_, name) = line.trim_start().strip_prefix("not ok ")?.split_once(" - ")?;
                (!name.contains("# SKIP") && !name.contains("# TODO")).then(|| name.to_owned())
            }
        }
    }
}

/// Adds a line to a log. What can't be written is only missing there.
fn say(log: &Mutex<File>, line: &str) {
    if let Ok(mut file) = log.lock() {
        let _ = writeln!(file, "{line}");
    }
}

/// The first error in a log, for people.
fn complaint(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let error = text.lines().find(|line| line.trim_start().starts_with("error"));
    format!("{}; see {}", error.unwrap_or("no error is shown").trim(), log.display())
}

/// Ends a command and its children: politely, then at once.
fn stop(child: &mut Child) {
    signal(child, "TERM");
    let begun = Instant::now();
    while begun.elapsed() < FAREWELL && matches!(child.try_wait(), Ok(None)) {
        thread::sleep(Duration::from_millis(20));
    }
    signal(child, "KILL");
}

fn signal(child: &Child, name: &str) {
    let group = format!("-{}", child.id());
    // The group may have ended already.
    let _ = Command::new("kill")
        .args(["-s", name, "--", &group])
        .stderr(Stdio::null())
        .status();
}
