//! The log: structured lines on standard error. Secrets are removed from them, whichever library wrote the line.

use std::io::{self, Write};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry};

use crate::error::ServerError;
use crate::middleware::metrics;
use crate::middleware::scrub::scrub;

/// Maximum number of queued lines. When nobody reads the log, further lines are dropped and counted, and the service goes on.
const WAITING: usize = 16_384;

/// Maximum bytes of one write.
const BATCH: usize = 64 << 10;

/// Pause between two batches. Waking the writer for each line would cost a busy service much of its time.
const REST: Duration = Duration::from_millis(2);

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text for people.
    Text,
    /// One JSON object per line.
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

/// The maximum level of a target and all below it, where it differs from [`OTHERS`]. Below INFO, libraries log what they handle
/// (headers, queries, passwords), so a target that is not listed here logs nothing below INFO.
const TARGETS: &[(&str, LevelFilter)] = &[
    ("tokenlatch", LevelFilter::TRACE),
    // It logs each ended session as a suspicious one, with a session id, which must not be logged.
    ("tower_sessions", LevelFilter::ERROR),
    ("tower_sessions_core", LevelFilter::ERROR),
];
const OTHERS: LevelFilter = LevelFilter::INFO;

/// Whether an event may be logged, whatever level is requested. Spans of other crates may not: their fields would appear on the
/// service's own lines.
fn may_speak(metadata: &Metadata<'_>) -> bool {
    let is_of = |name: &str| {
        let rest = metadata.target().strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    let listed = TARGETS.iter().find(|(name, _)| is_of(name));
    let most = listed.map_or(OTHERS, |(_, level)| *level);
    *metadata.level() <= most && (metadata.is_event() || most == LevelFilter::TRACE)
}

/// The destination of log lines.
#[derive(Clone, Debug)]
pub struct Logs {
    lines: SyncSender<Vec<u8>>,
    lost: Arc<AtomicU64>,
}

/// Waits on drop until the last lines are written.
#[derive(Debug)]
pub struct LogGuard {
    logs: Option<Logs>,
    thread: Option<JoinHandle<()>>,
}

impl Logs {
    /// Starts the writer. Drop the guard at the end of the program.
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

    /// Installs this as the log of the whole process, with its panics. `level` is a level, or a filter in `tracing`'s syntax.
    ///
    /// # Errors
    /// [`ServerError::LogLevel`].
    pub fn install(self, format: LogFormat, level: &str) -> Result<(), ServerError> {
        let subscriber = self.subscriber(format, level)?;
        subscriber
            .try_init()
            .map_err(|error| ServerError::LogLevel(error.to_string()))?;
        // A panic message may contain a secret, and the default hook would print it outside this log.
        std::panic::set_hook(Box::new(|panic| match panic.location() {
            Some(place) => tracing::error!(file = place.file(), line = place.line(), "thread panicked"),
            None => tracing::error!("thread panicked"),
        }));
        Ok(())
    }

    /// The pipeline: the requested events, less those that must not be logged.
    fn subscriber(self, format: LogFormat, level: &str) -> Result<Box<dyn Subscriber + Send + Sync>, ServerError> {
        let asked = EnvFilter::builder()
            .parse(level)
            .map_err(|error| ServerError::LogLevel(error.to_string()))?;
        let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(self);
        let all = Registry::default().with(asked).with(filter_fn(may_speak));
        Ok(match format {
            LogFormat::Text => Box::new(all.with(lines)),
            LogFormat::Json => Box::new(all.with(lines.json().flatten_event(true).with_current_span(false))),
        })
    }

    fn send(&self, line: Vec<u8>) {
        if let Err(TrySendError::Full(_)) = self.lines.try_send(line) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn write_lines(waiting: &Receiver<Vec<u8>>, lost: &AtomicU64, mut into: impl Write) {
    let mut batch = Vec::with_capacity(BATCH);
    // An empty line marks the end.
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
        // A failure to write the log cannot be reported anywhere.
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
            // The thread only writes. If it panicked, there is nothing to wait for.
            let _ = thread.join();
        }
    }
}

/// A line that is being written.
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use std::sync::{Mutex, PoisonError};

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The events and spans of several targets that are logged, at each level.
    fn logged(format: LogFormat, level: &str) -> String {
        macro_rules! speak {
            ($($target:literal)*) => {$(
                let span = tracing::error_span!(target: $target, "span", secret = concat!("SPAN-", $target));
                let _in_span = span.enter();
                tracing::error!(target: $target, concat!("ERROR-", $target, "."));
                tracing::warn!(target: $target, concat!("WARN-", $target, "."));
                tracing::info!(target: $target, concat!("INFO-", $target, "."));
                tracing::debug!(target: $target, concat!("DEBUG-", $target, "."));
                tracing::trace!(target: $target, concat!("TRACE-", $target, "."));
            )*};
        }
        let into = Shared::default();
        let (logs, guard) = Logs::to(into.clone());
        let subscriber = logs.subscriber(format, level).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            speak!("hyper_util::client" "hyper" "a_library" "tokenlatchx" "tower_sessions_core::session");
            speak!("tokenlatch" "tokenlatch::request");
        });
        drop(guard);
        let bytes = into.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn nobody_but_the_service_speaks_below_info_whatever_is_asked_for() {
        for format in [LogFormat::Text, LogFormat::Json] {
            for level in [
                "trace",
                "info,hyper_util=trace,hyper=debug,a_library=trace,tokenlatch=trace",
            ] {
                let text = logged(format, level);
                for target in ["hyper_util::client", "hyper", "a_library"] {
                    for loud in ["ERROR", "WARN", "INFO"] {
                        assert!(text.contains(&format!("{loud}-{target}.")), "{loud} {target}: {text}");
                    }
                    for quiet in ["DEBUG", "TRACE", "SPAN"] {
                        assert!(!text.contains(&format!("{quiet}-{target}")), "{quiet} {target}: {text}");
                    }
                }
                for quiet in [
                    "TRACE-tokenlatchx",
                    "SPAN-tokenlatchx",
                    "WARN-tower_sessions",
                    "SPAN-tower_sessions",
                ] {
                    assert!(!text.contains(quiet), "{quiet}: {text}");
                }
                for target in ["tokenlatch", "tokenlatch::request"] {
                    assert!(text.contains(&format!("TRACE-{target}.")), "{target}: {text}");
                }
            }
        }
    }

    #[test]
    fn what_is_asked_for_still_counts() {
        let text = logged(LogFormat::Text, "warn,tokenlatch::request=info");
        assert!(
            text.contains("WARN-tokenlatch.") && text.contains("INFO-tokenlatch::request."),
            "{text}"
        );
        assert!(
            !text.contains("INFO-tokenlatch.") && !text.contains("DEBUG-") && !text.contains("INFO-hyper"),
            "{text}"
        );
        assert!(text.contains("ERROR-tower_sessions_core::session."), "{text}");
    }
}
