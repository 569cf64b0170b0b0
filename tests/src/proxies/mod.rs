//! What a proxy with its shipped configuration must do, for the tests and for the table of the program `proxies`.

mod checks;
mod stage;

use std::thread;
use std::time::Duration;

use crate::fault::Fault;

pub use checks::odd_targets;
pub use stage::Stage;

/// The headings of the checks.
pub fn headings() -> impl Iterator<Item = &'static str> {
    checks::QUICK.iter().chain(checks::SLOW).map(|(heading, _)| *heading)
}

/// Runs every check, and returns their outcomes in the order of [`headings`]. An event stream is quiet and an upload slow for the
/// given time.
#[must_use]
pub fn run(stage: &Stage, quiet: Duration) -> Vec<Result<(), Fault>> {
    let mut outcomes: Vec<_> = checks::QUICK.iter().map(|(_, check)| check(stage, quiet)).collect();
    thread::scope(|scope| {
        let waiting = checks::SLOW
            .iter()
            .map(|(_, check)| scope.spawn(move || check(stage, quiet)));
        let waiting: Vec<_> = waiting.collect();
        let ended = waiting.into_iter().map(|check| check.join());
        outcomes.extend(ended.map(|outcome| outcome.unwrap_or_else(|_| Err(Fault::new("the check panicked")))));
    });
    outcomes
}
