//! The limits of each call, and the options for loading a module.

use std::time::Duration;

use super::cache::CodeCache;

/// The limits of every call into the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How long a call may run, and how long a caller waits for a free instance.
    pub time: Duration,
    /// The largest memory of an instance, in bytes.
    pub memory: usize,
    /// The largest memory of an instance that holds a [`super::Table`], in bytes.
    pub table_memory: usize,
    /// The longest answer, in bytes.
    pub answer: usize,
    /// The number of instances that serve calls at the same time.
    pub instances: usize,
    /// The number of tables that exist at the same time.
    pub tables: usize,
    /// An instance whose memory has grown beyond this many bytes is not reused, so that one large request does not hold memory
    /// forever.
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
    /// Returns the limits for an instance that holds a table.
    pub(crate) fn for_tables(mut self) -> Limits {
        self.memory = self.table_memory;
        self
    }
}

/// The options for loading a module.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// The limits of every call.
    pub limits: Limits,
    /// Where compiled code is kept between runs.
    pub cache: CodeCache,
}

impl Options {
    /// Returns the defaults: see [`Limits`]; no code is cached.
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
