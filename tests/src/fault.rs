use std::fmt;

/// Why a runtime or the vectors can't be used, in words that say what to do.
#[derive(Clone, Debug)]
pub struct Fault {
    message: String,
    missing: bool,
}

impl Fault {
    /// A fault in words.
    pub fn new(message: impl Into<String>) -> Self {
        Fault {
            message: message.into(),
            missing: false,
        }
    }

    /// For `map_err`: what was being done when it failed.
    pub fn during<E: fmt::Display>(what: impl fmt::Display) -> impl FnOnce(E) -> Fault {
        move |error| Fault::new(format!("{what}: {error}"))
    }

    /// This machine lacks something that the tests need: nothing of ours is at fault.
    #[must_use]
    pub fn missing(message: impl Into<String>) -> Self {
        Fault {
            message: message.into(),
            missing: true,
        }
    }

    /// Whether this machine lacks something; then a test may be skipped.
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
