//! Routes read in a second way, and compared with the core's verdicts. The search for differences and the fuzz target `routes`
//! share it.

mod list;
mod verdicts;

pub use list::{Answer, Given, RouteList, Wrong};
pub use verdicts::{MOST_ROUTES, Verdicts};
