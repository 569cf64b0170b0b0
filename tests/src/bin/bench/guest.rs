//! What cases run in.

use tokenlatch_tests::Fault;

/// How often a case was run at a stretch, and how that went.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lap {
    /// Of all its calls together.
    pub(crate) nanoseconds: f64,
    /// How many calls did what they should.
    pub(crate) good: u64,
}

/// A runtime that is ready to run cases.
pub(crate) trait Guest {
    /// Its version, for people.
    fn version(&self) -> &str;

    /// The least step of its clock in nanoseconds.
    fn tick(&self) -> f64 {
        0.0
    }

    /// Makes a case ready; a reason where it can't run here.
    fn prepare(&mut self, case: &str) -> Result<Option<String>, Fault>;

    /// Runs a case that is ready so often.
    fn run(&mut self, case: &str, calls: u64) -> Result<Lap, Fault>;
}
