//! The interface of a runtime that runs cases.

use tokenlatch_tests::Fault;

/// The result of one lap of a case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lap {
    /// Duration of all calls together.
    pub(crate) nanoseconds: f64,
    /// Number of calls with the expected result.
    pub(crate) good: u64,
}

/// A runtime that is ready to run cases.
pub(crate) trait Guest {
    /// The runtime's version, for the report.
    fn version(&self) -> &str;

    /// Resolution of the runtime's clock, in nanoseconds.
    fn tick(&self) -> f64 {
        0.0
    }

    /// Prepares a case. Returns a reason if the case cannot run here.
    fn prepare(&mut self, case: &str) -> Result<Option<String>, Fault>;

    /// Runs a prepared case `calls` times.
    fn run(&mut self, case: &str, calls: u64) -> Result<Lap, Fault>;
}
