//! What every other folder needs: errors, reasons and sorting.

pub(crate) mod character;
pub(crate) mod error;
pub(crate) mod reason;
pub(crate) mod sort;
