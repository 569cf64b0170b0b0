//! A runtime in its own process: commands on standard input, answers on standard output, one per line.

use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Write};
use std::process::{Child, ChildStdout, Command as Program, Stdio};
use std::thread;

use serde::Deserialize;

use super::{Identity, Runtime};
use crate::command::Command;
use crate::fault::Fault;

/// A running runner.
#[derive(Debug)]
pub struct Process {
    identity: Identity,
    child: Child,
    output: BufReader<ChildStdout>,
}

/// A runner's first line.
#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    /// The runtime that answers.
    Identity(Identity),
    /// What this machine lacks.
    Missing { missing: String },
}

impl Process {
    /// Starts a runner, and waits for its identity.
    pub(crate) fn start(mut program: Program) -> Result<Self, Fault> {
        let shown = format!("{program:?}");
        let mut child = program
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound => Fault::missing(format!("{shown}: {error}")),
                _ => Fault::new(format!("{shown}: {error}")),
            })?;
        let output = child
            .stdout
            .take()
            .ok_or_else(|| Fault::new(format!("{shown}: no standard output")))?;
        let mut output = BufReader::new(output);
        let mut line = String::new();
        output.read_line(&mut line).map_err(Fault::during(&shown))?;
        let said = serde_json::from_str(&line).map_err(Fault::during(format!(
            "{shown} doesn't say who it is, but `{}`",
            line.trim()
        )))?;
        match said {
            Said::Identity(identity) => Ok(Process {
                identity,
                child,
                output,
            }),
            Said::Missing { missing } => Err(Fault::missing(missing)),
        }
    }

    /// Sends all lines, and returns the lines that come back until the runner ends.
    ///
    /// # Errors
    /// The runner has already been asked, or fails.
    pub(crate) fn exchange(&mut self, lines: Vec<u8>) -> Result<Vec<String>, Fault> {
        let input = self
            .child
            .stdin
            .take()
            .ok_or_else(|| Fault::new("the runner has already been asked"))?;
        // A thread writes while this one reads. Otherwise both pipes could fill up, and both sides would block.
        let writer = thread::spawn(move || {
            let mut input = BufWriter::new(input);
            input.write_all(&lines).and_then(|()| input.flush())
        });
        let answers = (&mut self.output)
            .lines()
            .collect::<Result<Vec<_>, _>>()
            .map_err(Fault::during("reading from the runner"))?;
        let status = self.child.wait().map_err(Fault::during("the runner"))?;
        let written = writer.join().map_err(|_| Fault::new("the writing thread failed"))?;
        if !status.success() {
            return Err(Fault::new(format!("the runner ended with {status}")));
        }
        written.map_err(Fault::during("writing to the runner"))?;
        Ok(answers)
    }
}

impl Runtime for Process {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn answer(&mut self, commands: &[&Command]) -> Result<Vec<String>, Fault> {
        let mut lines = Vec::new();
        for command in commands {
            serde_json::to_writer(&mut lines, command).map_err(Fault::during("a command"))?;
            lines.push(b'\n');
        }
        self.exchange(lines)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process may already have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
