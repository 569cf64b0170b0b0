use std::fmt;

/// Why a runtime or the vectors can't be used, in words that say what to do.
#[derive(Debug)]
pub struct Fault(String);

impl Fault {
    /// A fault in words.
    pub fn new(message: impl Into<String>) -> Self {
        Fault(message.into())
    }

    /// For `map_err`: what was being done when it failed.
    pub fn during<E: fmt::Display>(what: impl fmt::Display) -> impl FnOnce(E) -> Fault {
        move |error| Fault(format!("{what}: {error}"))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}
