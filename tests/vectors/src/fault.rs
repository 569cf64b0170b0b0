//! Faults of the tests themselves.

use std::fmt;

/// Why a runtime or the vectors cannot be used, with a message that says what to do.
#[derive(Clone, Debug)]
pub struct Fault {
    message: String,
    missing: bool,
}

impl Fault {
    /// Creates a fault with a message.
    pub fn new(message: impl Into<String>) -> Self {
        Fault {
            message: message.into(),
            missing: false,
        }
    }

    /// For `map_err`: a fault that states what failed.
    pub fn during<E: fmt::Display>(what: impl fmt::Display) -> impl FnOnce(E) -> Fault {
        move |error| Fault::new(format!("{what}: {error}"))
    }

    /// A fault of this machine: it lacks something that the tests need.
    #[must_use]
    pub fn missing(message: impl Into<String>) -> Self {
        Fault {
            message: message.into(),
            missing: true,
        }
    }

    /// Whether this machine lacks something, so that a test may be skipped.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.missing
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}
