//! What a command prints. Everything goes through here, so a closed pipe is an error and not a crash.

use std::fmt;
use std::io::{self, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::failure::Failure;

/// Bold, for headings and what matters most.
pub const STRONG: Style = Style::new().bold();
/// Good.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Refused or expired.
pub const BAD: Style = AnsiColor::Red.on_default();
/// Soon to expire.
pub const WARN: Style = AnsiColor::Yellow.on_default();
/// Of little weight.
pub const FAINT: Style = Style::new().dimmed();

/// The standard streams: colour only on a terminal, and not under `NO_COLOR`.
pub struct Output {
    json: bool,
    stdout: AutoStream<io::Stdout>,
    colour: bool,
}

impl Output {
    /// The process's streams.
    pub fn new(json: bool) -> Output {
        let stdout = io::stdout();
        let choice = AutoStream::choice(&stdout);
        Output {
            json,
            stdout: AutoStream::new(stdout, choice),
            colour: choice != ColorChoice::Never,
        }
    }

    /// Whether JSON is wanted.
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

    /// Prints bytes as they are, and sends them off.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.stdout.write_all(bytes).map_err(Failure::system)?;
        self.stdout.flush().map_err(Failure::system)
    }

    /// Prints one JSON document on a line, and sends it off.
    pub fn json(&mut self, document: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(document).map_err(|error| Failure::System(io::Error::other(error)))?;
        self.line(text)?;
        self.stdout.flush().map_err(Failure::system)
    }

    /// Prints a remark beside the output: to standard error, and not in JSON.
    pub fn remark(&self, text: impl fmt::Display) {
        if !self.json {
            // Nothing depends on a remark.
            let _ = writeln!(anstream::stderr(), "{text}");
        }
    }

    /// Prints an error: a document on standard output with `--json`, else a sentence on standard error.
    pub fn error(&mut self, document: &impl Serialize, message: &str, code: &str, next: Option<&str>) {
        if self.json {
            // The exit code tells the failure even where the output cannot.
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

/// Text in a style.
pub fn styled(style: Style, text: impl fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}
