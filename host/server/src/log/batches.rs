//! Writes the log's lines in batches, without secrets, and says how many were lost.

use std::io::{self, Write};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tracing_appender::non_blocking::ErrorCounter;

use crate::log::scrub::scrub;
use crate::middleware::metrics;

/// Maximum bytes of one write.
const BATCH: usize = 64 << 10;

/// Pause after a batch. Waking the writer for each line would cost a busy service much of its time.
const REST: Duration = Duration::from_millis(2);

/// The writer behind the queue of lines. The queue gives it each line by one `write`, and flushes it once the queue is empty.
#[derive(Debug)]
pub(crate) struct Batches<W> {
    into: W,
    batch: Vec<u8>,
    /// Counts the lines for which the queue had no room. It is set once the queue exists.
    lost: Arc<OnceLock<ErrorCounter>>,
    /// The count that the log has reported.
    reported: usize,
}

impl<W: Write> Batches<W> {
    pub(crate) fn new(into: W, lost: Arc<OnceLock<ErrorCounter>>) -> Batches<W> {
        Batches {
            into,
            batch: Vec::with_capacity(BATCH),
            lost,
            reported: 0,
        }
    }

    fn write_out(&mut self) {
        // A failure to write the log cannot be reported anywhere.
        let _ = self.into.write_all(&self.batch);
        self.batch.clear();
        let lost = self.lost.get().map_or(0, ErrorCounter::dropped_lines);
        let missing = lost.saturating_sub(self.reported);
        if missing > 0 {
            self.reported = lost;
            metrics::lost_lines(missing as u64);
            let _ = writeln!(
                self.into,
                "{missing} log lines were dropped: the log was read too slowly"
            );
        }
    }
}

impl<W: Write> Write for Batches<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.batch.extend_from_slice(&scrub(line));
        if self.batch.len() >= BATCH {
            self.write_out();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_out();
        let _ = self.into.flush();
        std::thread::sleep(REST);
        Ok(())
    }
}
