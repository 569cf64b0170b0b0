//! Times cases in turns, so that other load on the machine affects all alike.

use indicatif::ProgressBar;
use tokenlatch_tests::Fault;

use crate::guest::{Guest, Lap};

/// Rounds that are discarded, to warm up compilers, caches and branch predictors.
const WARM_UP: usize = 2;
/// Minimum length of a lap, in steps of the clock.
const STEPS: f64 = 100.0;
/// Maximum calls of a lap.
const MOST_CALLS: u64 = 1 << 26;

/// A runtime and its cases.
pub(crate) struct Runtime {
    pub(crate) name: &'static str,
    pub(crate) guest: Box<dyn Guest>,
    pub(crate) cases: Vec<Timed>,
}

/// A case in one runtime.
pub(crate) struct Timed {
    pub(crate) case: &'static str,
    /// Why the case cannot run there.
    pub(crate) missing: Option<String>,
    /// Calls in a lap.
    pub(crate) calls: u64,
    /// Nanoseconds per call, for each round.
    pub(crate) times: Vec<f64>,
}

impl Runtime {
    /// Prepares the cases, and finds the number of calls that take about `lap` nanoseconds.
    pub(crate) fn prepare(&mut self, lap: f64, bar: &ProgressBar) -> Result<(), Fault> {
        let lap = lap.max(STEPS * self.guest.tick());
        for timed in &mut self.cases {
            bar.set_message(format!("preparing {} in {}", timed.case, self.name));
            timed.missing = self.guest.prepare(timed.case)?;
            if timed.missing.is_none() {
                timed.missing = match calibrate(self.guest.as_mut(), timed, lap) {
                    Ok(()) => None,
                    Err(fault) => Some(fault.to_string()),
                };
            }
            if let Some(reason) = &timed.missing {
                bar.suspend(|| eprintln!("n/a: {} in {}: {reason}", timed.case, self.name));
            }
            bar.inc(1);
        }
        Ok(())
    }
}

/// Runs twice, since the first calls of a program are slower. The faster of two laps counts, since the other may have waited for
/// the processor.
fn calibrate(guest: &mut dyn Guest, timed: &mut Timed, lap: f64) -> Result<(), Fault> {
    timed.calls = 1;
    for _ in 0..2 {
        loop {
            let (one, other) = (run(guest, timed)?.nanoseconds, run(guest, timed)?.nanoseconds);
            let quicker = one.min(other);
            if quicker >= lap / 2.0 || timed.calls >= MOST_CALLS {
                let wanted = timed.calls as f64 * lap / quicker.max(1.0);
                timed.calls = (wanted.ceil() as u64).clamp(1, MOST_CALLS);
                break;
            }
            timed.calls *= 4;
        }
    }
    Ok(())
}

fn run(guest: &mut dyn Guest, timed: &Timed) -> Result<Lap, Fault> {
    let lap = guest.run(timed.case, timed.calls)?;
    // A check that refuses everything would be fast, but meaningless.
    if lap.good != timed.calls {
        let Timed { case, calls, .. } = timed;
        return Err(Fault::new(format!("{case}: {} of {calls} calls were good", lap.good)));
    }
    Ok(lap)
}

/// Number of steps of the progress bar.
pub(crate) fn steps(runtimes: usize, cases: usize, rounds: usize) -> u64 {
    (runtimes * cases * (1 + WARM_UP + rounds)) as u64
}

/// Times every case of every runtime once per round. Every second round runs in reverse order.
pub(crate) fn measure(runtimes: &mut [Runtime], rounds: usize, bar: &ProgressBar) -> Result<(), Fault> {
    for round in 0..WARM_UP + rounds {
        let mut turns: Vec<(usize, usize)> = (0..runtimes.len())
            .flat_map(|runtime| (0..runtimes[runtime].cases.len()).map(move |case| (runtime, case)))
            .collect();
        if round % 2 == 1 {
            turns.reverse();
        }
        for (runtime, case) in turns {
            let Runtime { name, guest, cases } = &mut runtimes[runtime];
            let timed = &mut cases[case];
            bar.set_message(format!("round {} of {}: {name}", round + 1, WARM_UP + rounds));
            if timed.missing.is_none() {
                let lap = run(guest.as_mut(), timed).map_err(Fault::during(format!("{} in {name}", timed.case)))?;
                if round >= WARM_UP {
                    timed.times.push(lap.nanoseconds / timed.calls as f64);
                }
            }
            bar.inc(1);
        }
    }
    Ok(())
}
