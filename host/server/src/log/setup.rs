//! The log: structured lines on standard error. Secrets are removed from them, whichever library wrote the line.

use std::io::Write;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Subscriber};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder};
use tracing_subscriber::Registry;
use tracing_subscriber::filter::{Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

pub use tracing_appender::non_blocking::WorkerGuard as LogGuard;

use crate::error::ServerError;
use crate::log::batches::Batches;

/// Maximum number of queued lines. When nobody reads the log, further lines are dropped and counted, and the service goes on.
const WAITING: usize = 16_384;

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

/// The target of the service's own events. It and all targets below it may log at every level.
const SERVICE: &str = "tokenlatch";

/// The maximum level of all other targets. Below INFO, libraries log what they handle (headers, queries, passwords).
const OTHERS: LevelFilter = LevelFilter::INFO;

/// Whether an event may be logged, whatever level is requested. Spans of other crates may not: their fields would appear on the
/// service's own lines.
fn may_log(metadata: &Metadata<'_>) -> bool {
    let rest = metadata.target().strip_prefix(SERVICE);
    if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::")) {
        return true;
    }
    *metadata.level() <= OTHERS && metadata.is_event()
}

/// Reads a level, or a list of levels and `target=level`. `tracing` takes an unknown word for a target and a filter by span for
/// none, so that nothing would be logged: these are refused.
fn read_level(text: &str) -> Result<Targets, ServerError> {
    for item in text.split(',') {
        let (target, level) = item.split_once('=').unwrap_or(("default", item));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_:-".contains(&byte);
        let is_level = !level.is_empty() && level.parse::<LevelFilter>().is_ok();
        if target.is_empty() || !target.bytes().all(plain) || !is_level {
            return Err(ServerError::LogLevel(format!("`{item}`")));
        }
    }
    text.parse().map_err(|error| ServerError::LogLevel(format!("{error}")))
}

/// The destination of log lines.
#[derive(Clone, Debug)]
pub struct Logs(NonBlocking);

impl Logs {
    /// Starts the writer. Drop the guard at the end of the program: it waits until the last lines are written, but not much
    /// longer than a second if nobody reads them. Lines that are left then are lost.
    pub fn to(into: impl Write + Send + 'static) -> (Logs, LogGuard) {
        let lost = Arc::new(OnceLock::new());
        let (lines, guard) = NonBlockingBuilder::default()
            .buffered_lines_limit(WAITING)
            .thread_name("log")
            .finish(Batches::new(into, Arc::clone(&lost)));
        lost.get_or_init(|| lines.error_counter());
        (Logs(lines), guard)
    }

    /// Installs this as the log of the whole process, with its panics. `level` is a level, or a list such as
    /// `warn,tokenlatch=debug`: a level for each target and those below it.
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
        let asked = read_level(level)?;
        let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(self.0);
        let all = Registry::default().with(asked).with(filter_fn(may_log));
        Ok(match format {
            LogFormat::Text => Box::new(all.with(lines)),
            LogFormat::Json => Box::new(all.with(lines.json().flatten_event(true).with_current_span(false))),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use std::io;
    use std::sync::mpsc::{Receiver, channel};
    use std::sync::{Mutex, PoisonError};
    use std::time::{Duration, Instant};

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
            speak!("hyper_util::client" "hyper" "a_library" "tokenlatchx");
            speak!("tokenlatch" "tokenlatch::request");
        });
        drop(guard);
        let bytes = into.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn libraries_never_log_below_info() {
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
                for quiet in ["TRACE-tokenlatchx", "SPAN-tokenlatchx"] {
                    assert!(!text.contains(quiet), "{quiet}: {text}");
                }
                for target in ["tokenlatch", "tokenlatch::request"] {
                    assert!(text.contains(&format!("TRACE-{target}.")), "{target}: {text}");
                }
            }
        }
    }

    #[test]
    fn invalid_log_levels_are_refused() {
        for level in [
            "info",
            "OFF",
            "warn,tokenlatch=debug",
            "tokenlatch::request=trace,hyper-util=warn",
        ] {
            assert!(read_level(level).is_ok(), "{level}");
        }
        for level in [
            "",
            "inof",
            "info,",
            "warn, tokenlatch=debug",
            "tokenlatch[x]=debug",
            "tokenlatch=loud",
            "=info",
        ] {
            assert!(matches!(read_level(level), Err(ServerError::LogLevel(_))), "{level}");
        }
    }

    #[test]
    fn requested_log_levels_are_honoured() {
        let text = logged(LogFormat::Text, "warn,tokenlatch::request=info");
        assert!(
            text.contains("WARN-tokenlatch.") && text.contains("INFO-tokenlatch::request."),
            "{text}"
        );
        assert!(
            !text.contains("INFO-tokenlatch.") && !text.contains("DEBUG-") && !text.contains("INFO-hyper"),
            "{text}"
        );
    }

    /// A log whose first write waits for a word, or for ever.
    struct Unread(Receiver<()>, Shared);

    impl Write for Unread {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            self.1.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn log_lines(logs: Logs, number: usize) {
        let subscriber = logs.subscriber(LogFormat::Text, "info").unwrap();
        tracing::subscriber::with_default(subscriber, || {
            for number in 0..number {
                tracing::info!(target: "tokenlatch", "line {number} AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
            }
        });
    }

    #[test]
    fn unread_log_blocks_nobody_and_counts_dropped_lines() {
        const LINES: usize = 2 * WAITING;
        let (into, (reads, waits)) = (Shared::default(), channel());
        let (logs, guard) = Logs::to(Unread(waits, into.clone()));
        // Nothing is read yet, so this ends only because lines are dropped.
        log_lines(logs, LINES);
        drop(reads);
        let started = Instant::now();
        loop {
            let text = String::from_utf8(into.0.lock().unwrap().clone()).unwrap();
            let written = text.lines().filter(|line| line.ends_with("[secret]")).count();
            let reports = text
                .lines()
                .filter_map(|line| line.strip_suffix(" log lines were dropped: the log was read too slowly"));
            let lost: Vec<usize> = reports.map(|number| number.parse().unwrap()).collect();
            if written + lost.iter().sum::<usize>() == LINES {
                assert!(!lost.is_empty() && !text.contains("AAAA"));
                break;
            }
            assert!(
                started.elapsed() < Duration::from_secs(20),
                "{written} written, {lost:?} lost"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        drop(guard);
    }

    #[test]
    fn shutdown_waits_one_second_for_an_unread_log() {
        for lines in [1, 2 * WAITING] {
            let (_reads, waits) = channel();
            let (logs, guard) = Logs::to(Unread(waits, Shared::default()));
            log_lines(logs, lines);
            let started = Instant::now();
            drop(guard);
            assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        }
    }
}
