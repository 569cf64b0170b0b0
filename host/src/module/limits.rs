//! What one call may take, and how a module is loaded.

use std::time::Duration;

use super::cache::CodeCache;

/// The bounds of every call into the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How long one call may run, and how long a caller waits for a free instance.
    pub time: Duration,
    /// Bytes of memory one instance may grow to.
    pub memory: usize,
    /// Bytes of memory an instance that holds a [`super::Table`] may grow to.
    pub table_memory: usize,
    /// Bytes of the longest answer that is read.
    pub answer: usize,
    /// Instances that serve calls at the same time.
    pub instances: usize,
    /// Tables that live at the same time.
    pub tables: usize,
    /// An instance whose memory has grown past this many bytes is not kept for another call, so one large request
    /// does not hold memory for ever.
    pub kept_memory: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            time: Duration::from_secs(5),
            memory: 512 << 20,
            table_memory: 2 << 30,
            answer: 64 << 20,
            instances: 32,
            tables: 32,
            kept_memory: 32 << 20,
        }
    }
}

impl Limits {
    /// The same limits for an instance that holds a table.
    pub(crate) fn for_tables(mut self) -> Limits {
        self.memory = self.table_memory;
        self
    }
}

/// How a module is loaded.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// The bounds of every call.
    pub limits: Limits,
    /// Where compiled code is kept between runs.
    pub cache: CodeCache,
}

impl Options {
    /// The defaults: see [`Limits`]; no code is kept between runs.
    #[must_use]
    pub fn new() -> Options {
        Options::default()
    }

    /// Sets the limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Options {
        self.limits = limits;
        self
    }

    /// Sets where compiled code is kept.
    #[must_use]
    pub fn cache(mut self, cache: CodeCache) -> Options {
        self.cache = cache;
        self
    }
}
