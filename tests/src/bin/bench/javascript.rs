//! A JavaScript runtime: a process that reads one command per line and answers each with one line.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;
use tokenlatch_tests::Fault;
use tokenlatch_tests::runtimes::Installed;

use crate::guest::{Guest, Lap};

/// A runtime and the command that starts its guest.
pub(crate) struct JavaScript {
    pub(crate) name: &'static str,
    /// A program on the path, or a tool's file if it contains a `/`.
    program: &'static str,
    arguments: &'static [&'static str],
}

const NODE_24: &str = "node-24/bin/node";

/// All JavaScript runtimes, in the order of the table. Those of workerd and Chromium have a driver in Node.
pub(crate) const ALL: &[JavaScript] = &[
    JavaScript::new("node", "node", &["stdio.mjs"]),
    JavaScript::new("node-22", "node-22/bin/node", &["stdio.mjs"]),
    JavaScript::new("node-24", NODE_24, &["stdio.mjs"]),
    JavaScript::new("deno", ".bin/deno", &["run", "--allow-all", "--no-prompt", "stdio.mjs"]),
    JavaScript::new("bun", ".bin/bun", &["stdio.mjs"]),
    JavaScript::new("workerd", NODE_24, &["workerd.mjs"]),
    JavaScript::new("chromium", "node", &["chromium.mjs"]),
];

impl JavaScript {
    const fn new(name: &'static str, program: &'static str, arguments: &'static [&'static str]) -> Self {
        JavaScript {
            name,
            program,
            arguments,
        }
    }

    /// Starts the runtime with the tokens in a file.
    ///
    /// # Errors
    /// The runtime cannot be started. The fault is a missing one if this machine lacks the runtime.
    pub(crate) fn start(&self, installed: &Installed, input: &Path) -> Result<Process, Fault> {
        let mut program = if self.program.contains('/') {
            Command::new(installed.tool(self.program))
        } else {
            Command::new(self.program)
        };
        program
            .args(self.arguments)
            .arg(input)
            .current_dir(installed.project.join("runners/bench"))
            .env("TZ", "UTC");
        Process::start(program)
    }
}

/// A running guest.
pub(crate) struct Process {
    version: String,
    tick: f64,
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    version: String,
    missing: Option<String>,
    failed: Option<String>,
    nanoseconds: f64,
    /// The duration of the command as the driver measured it.
    outside: Option<f64>,
    good: u64,
}

impl Process {
    fn start(mut program: Command) -> Result<Self, Fault> {
        let shown = format!("{program:?}");
        let mut child = program
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound => Fault::missing(format!("{shown}: {error}")),
                _ => Fault::new(format!("{shown}: {error}")),
            })?;
        let output = child.stdout.take().map(BufReader::new);
        let mut process = Process {
            version: String::new(),
            tick: 0.0,
            input: child.stdin.take(),
            output: output.ok_or_else(|| Fault::new(format!("{shown}: no standard output")))?,
            child,
        };
        let said = process.read().map_err(Fault::during(&shown))?;
        if let Some(missing) = said.missing {
            return Err(Fault::missing(missing));
        }
        process.version = said.version;
        process.tick = process.ask(&serde_json::json!({ "tick": true }))?.nanoseconds;
        Ok(process)
    }

    fn read(&mut self) -> Result<Answer, Fault> {
        let mut line = String::new();
        self.output.read_line(&mut line).map_err(Fault::during("reading"))?;
        if line.is_empty() {
            return Err(Fault::new("the guest ended; what it said is above"));
        }
        serde_json::from_str(&line).map_err(Fault::during(format!("the line `{}`", line.trim())))
    }

    fn ask(&mut self, command: &serde_json::Value) -> Result<Answer, Fault> {
        let input = self.input.as_mut().ok_or_else(|| Fault::new("no standard input"))?;
        writeln!(input, "{command}")
            .and_then(|()| input.flush())
            .map_err(Fault::during("writing to the guest"))?;
        self.read()
    }
}

impl Guest for Process {
    fn version(&self) -> &str {
        &self.version
    }

    fn tick(&self) -> f64 {
        self.tick
    }

    fn prepare(&mut self, case: &str) -> Result<Option<String>, Fault> {
        Ok(self.ask(&serde_json::json!({ "prepare": case }))?.missing)
    }

    fn run(&mut self, case: &str, calls: u64) -> Result<Lap, Fault> {
        let answer = self.ask(&serde_json::json!({ "time": case, "calls": calls }))?;
        if let Some(failed) = answer.failed {
            return Err(Fault::new(failed));
        }
        // If the guest's clock stands still while a program runs, the driver's time is used. It includes a request.
        let outside = answer.outside.filter(|_| self.tick == 0.0);
        Ok(Lap {
            nanoseconds: outside.unwrap_or(answer.nanoseconds),
            good: answer.good,
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A driver ends its own children when its input ends. The wait for that is limited.
        drop(self.input.take());
        for _ in 0..200 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(25));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
