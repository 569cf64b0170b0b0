//! Planted bugs: patches in `tests/planted`, each a plausible mistake that the tests must catch. The program `planted` applies
//! them to a copy of the tree and runs the tests.

mod diff;
mod patch;

pub use diff::{Diff, FileDiff};
pub use patch::{Change, Patch, folder, patches, workspace};
