//! The log: structured lines to standard error, from which secrets are taken out whatever library wrote them.

use std::io::{self, Write};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::error::ServerError;
use super::metrics;
use super::scrub::scrub;

/// How many lines may wait to be written. When nobody reads the log, more are dropped and counted: the service goes on.
const WAITING: usize = 16_384;

/// How many bytes are written at once, where that many lines are waiting.
const BATCH: usize = 64 << 10;

/// Between two batches: waking the writer for each line of a busy service would take a good part of its time.
const REST: Duration = Duration::from_millis(2);

/// The form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<LogFormat, String> {
        match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err("give `text` or `json`".to_owned()),
        }
    }
}

/// Where lines of the log go.
#[derive(Clone, Debug)]
pub struct Logs {
    lines: SyncSender<Vec<u8>>,
    lost: Arc<AtomicU64>,
}

/// Waits for the last lines to be written when it is dropped.
#[derive(Debug)]
pub struct LogGuard {
    logs: Option<Logs>,
    thread: Option<JoinHandle<()>>,
}

impl Logs {
    /// Starts to write lines. Drop the guard at the very end.
    pub fn to(into: impl Write + Send + 'static) -> (Logs, LogGuard) {
        let (lines, waiting) = sync_channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let logs = Logs {
            lines,
            lost: lost.clone(),
        };
        let thread = std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_lines(&waiting, &lost, into))
            .ok();
        let guard = LogGuard {
            logs: Some(logs.clone()),
            thread,
        };
        (logs, guard)
    }

    /// Makes this the log of the whole process, panics included. `level` is a level, or a filter as `tracing` reads them.
    ///
    /// # Errors
    /// [`ServerError::LogLevel`].
    pub fn install(self, format: LogFormat, level: &str) -> Result<(), ServerError> {
        let filter = EnvFilter::builder()
            .parse(level)
            .map_err(|error| ServerError::LogLevel(error.to_string()))?;
        // The library of sessions calls every session that has ended a suspicious one, and knows ids that no log may.
        let quiet = "tower_sessions_core=error,tower_sessions=error";
        let filter = quiet
            .split(',')
            .filter_map(|directive| directive.parse().ok())
            .fold(filter, EnvFilter::add_directive);
        let builder = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(false)
            .with_writer(self);
        let outcome = match format {
            LogFormat::Text => builder.try_init(),
            LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
        };
        outcome.map_err(|error| ServerError::LogLevel(error.to_string()))?;
        // What a panic says may hold anything, and the standard hook would print it past this log.
        std::panic::set_hook(Box::new(|panic| match panic.location() {
            Some(place) => tracing::error!(file = place.file(), line = place.line(), "a thread broke off"),
            None => tracing::error!("a thread broke off"),
        }));
        Ok(())
    }

    fn send(&self, line: Vec<u8>) {
        if let Err(TrySendError::Full(_)) = self.lines.try_send(line) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn write_lines(waiting: &Receiver<Vec<u8>>, lost: &AtomicU64, mut into: impl Write) {
    let mut batch = Vec::with_capacity(BATCH);
    // An empty line is the end.
    while let Ok(first) = waiting.recv()
        && !first.is_empty()
    {
        batch.extend_from_slice(&scrub(&first));
        let mut ended = false;
        while batch.len() < BATCH
            && !ended
            && let Ok(line) = waiting.try_recv()
        {
            ended = line.is_empty();
            batch.extend_from_slice(&scrub(&line));
        }
        // A log that cannot be written has nobody to be reported to.
        let _ = into.write_all(&batch);
        batch.clear();
        let missing = lost.swap(0, Ordering::Relaxed);
        if missing > 0 {
            metrics::lost_lines(missing);
            let _ = writeln!(into, "{missing} lines of the log were lost: nobody read it fast enough");
        }
        if ended {
            break;
        }
        std::thread::sleep(REST);
    }
    let _ = into.flush();
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        if let (Some(logs), Some(thread)) = (self.logs.take(), self.thread.take())
            && logs.lines.send(Vec::new()).is_ok()
        {
            // It only writes; if it broke off there is nothing to wait for.
            let _ = thread.join();
        }
    }
}

/// One line in the making.
#[derive(Debug)]
pub struct Line {
    logs: Logs,
    text: Vec<u8>,
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.text.is_empty() {
            self.logs.send(std::mem::take(&mut self.text));
        }
    }
}

impl<'a> MakeWriter<'a> for Logs {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line {
            logs: self.clone(),
            text: Vec::with_capacity(256),
        }
    }
}
