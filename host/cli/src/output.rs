//! The output of a command. All printing goes through here, so that a closed pipe is an error and not a panic.

use std::fmt;
use std::io::{self, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::failure::Failure;

/// Bold, for headings and important values.
pub const STRONG: Style = Style::new().bold();
/// For good results.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// For refused or expired items.
pub const BAD: Style = AnsiColor::Red.on_default();
/// For items that expire soon.
pub const WARN: Style = AnsiColor::Yellow.on_default();
/// For less important text.
pub const FAINT: Style = Style::new().dimmed();

/// The standard streams. Colour is used only on a terminal and without `NO_COLOR`.
pub struct Output {
    json: bool,
    stdout: AutoStream<io::Stdout>,
    colour: bool,
}

impl Output {
    /// Opens the process's streams.
    pub fn new(json: bool) -> Output {
        let stdout = io::stdout();
        let choice = AutoStream::choice(&stdout);
        Output {
            json,
            stdout: AutoStream::new(stdout, choice),
            colour: choice != ColorChoice::Never,
        }
    }

    /// Whether the output is JSON.
    pub fn wants_json(&self) -> bool {
        self.json
    }

    /// Whether colour may be used.
    pub fn colour(&self) -> bool {
        self.colour
    }

    /// Prints one line.
    pub fn line(&mut self, text: impl fmt::Display) -> Result<(), Failure> {
        writeln!(self.stdout, "{text}").map_err(Failure::system)
    }

    /// Prints bytes unchanged, and flushes.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.stdout.write_all(bytes).map_err(Failure::system)?;
        self.stdout.flush().map_err(Failure::system)
    }

    /// Prints one JSON document on a line, and flushes.
    pub fn json(&mut self, document: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(document).map_err(|error| Failure::System(io::Error::other(error)))?;
        self.line(text)?;
        self.stdout.flush().map_err(Failure::system)
    }

    /// Prints a remark to standard error, unless the output is JSON.
    pub fn remark(&self, text: impl fmt::Display) {
        if !self.json {
            // A remark that cannot be printed does not matter.
            let _ = writeln!(anstream::stderr(), "{text}");
        }
    }

    /// Prints an error: with `--json` a document on standard output, otherwise a message on standard error.
    pub fn error(&mut self, document: &impl Serialize, message: &str, code: &str, next: Option<&str>) {
        if self.json {
            // The exit code reports the failure even if the output cannot be written.
            let _ = self.json(document);
            return;
        }
        let bad = BAD.bold();
        let mut stderr = anstream::stderr();
        let _ = writeln!(stderr, "{bad}error{bad:#}: {message} {FAINT}[{code}]{FAINT:#}");
        if let Some(next) = next {
            let _ = writeln!(stderr, "{STRONG}next{STRONG:#}: {next}");
        }
    }
}

/// Formats text in a style.
pub fn styled(style: Style, text: impl fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}
