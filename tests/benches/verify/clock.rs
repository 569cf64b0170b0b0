//! Timing cases in turns.

use std::io::{IsTerminal, Write, stderr};
use std::time::Instant;

use tokenlatch_tests::Fault;

/// Rounds before those that count, for caches and branch predictors.
const WARM_UP: usize = 3;

/// Work to be timed: so many calls, and how many of them did what they should.
pub(crate) struct Case<'w> {
    name: &'static str,
    calls: usize,
    work: Box<dyn FnMut() -> Result<u64, Fault> + 'w>,
}

impl<'w> Case<'w> {
    pub(crate) fn new(name: &'static str, calls: usize, work: impl FnMut() -> Result<u64, Fault> + 'w) -> Self {
        Case {
            name,
            calls,
            work: Box::new(work),
        }
    }

    /// Nanoseconds a call.
    fn time(&mut self) -> Result<f64, Fault> {
        let started = Instant::now();
        let good = (self.work)()?;
        let nanoseconds = started.elapsed().as_secs_f64() * 1e9;
        // A table that refuses everything would be fast, and would tell nothing.
        if good * 10 < self.calls as u64 * 9 {
            return Err(Fault::new(format!(
                "{}: only {good} of {} calls were admitted",
                self.name, self.calls
            )));
        }
        Ok(nanoseconds / self.calls as f64)
    }
}

/// Times every case once a round.
pub(crate) fn rounds(cases: &mut [Case<'_>], count: usize) -> Result<Vec<(&'static str, Vec<f64>)>, Fault> {
    let mut times: Vec<(&'static str, Vec<f64>)> = cases.iter().map(|case| (case.name, Vec::new())).collect();
    for round in 0..WARM_UP + count {
        say(&format!("round {} of {}", round + 1, WARM_UP + count));
        for (case, (_, times)) in cases.iter_mut().zip(&mut times) {
            let time = case.time()?;
            if round >= WARM_UP {
                times.push(time);
            }
        }
    }
    Ok(times)
}

/// Tells on a terminal what goes on, in one line that the next one replaces.
pub(crate) fn say(what: &str) {
    let mut stderr = stderr();
    if stderr.is_terminal() {
        // Nothing hangs on this line.
        let _ = write!(stderr, "\r\x1b[K{what}").and_then(|()| stderr.flush());
    }
}
