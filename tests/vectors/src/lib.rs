//! Vectors, and the suite that runs them on any [`runtime`]. The [`native`] core is the only runtime here; those that load the
//! module are in `tokenlatch-tests`.

pub mod check;
pub mod command;
pub mod external;
pub mod fault;
pub mod folder;
pub mod hex;
pub mod native;
pub mod runtime;
pub mod step;
pub mod suite;
pub mod vectors;
