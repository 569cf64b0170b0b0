//! Runs the WebAssembly module in wasmtime.

mod cache;
mod calls;
mod chunks;
mod engine;
mod handle;
mod instance;
mod limits;
mod pool;
mod snapshot;
mod table;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

pub use cache::CodeCache;
pub use handle::Decision;
pub(crate) use handle::EncodedCatalogue;
pub use limits::{Limits, Options};
pub use snapshot::Snapshot;
pub use table::Table;

use crate::error::ModuleError;
use crate::hex::hex;
use engine::Compiled;
use instance::Instance;
use pool::Pool;

/// The version of the plain ABI that this host supports.
pub const ABI_VERSION: u32 = 1;

/// The module from this build.
static EMBEDDED: &[u8] = include_bytes!(env!("TOKENLATCH_MODULE"));

/// A loaded module: compiled once, run in a pool of instances. Clones share both and can be used from any thread.
///
/// Every call has limits on time and memory, every import traps, and an instance that trapped is discarded.
#[derive(Clone)]
pub struct Module {
    inner: Arc<Inner>,
}

struct Inner {
    compiled: Compiled,
    pool: Pool,
    limits: Limits,
    sha256: String,
    size: usize,
}

impl Module {
    /// Loads the module that was built with this library.
    ///
    /// # Errors
    /// [`ModuleError::Invalid`] if this machine cannot run it.
    pub fn embedded() -> Result<Module, ModuleError> {
        Module::from_bytes(EMBEDDED, Options::default())
    }

    /// Loads the module that was built with this library, with these options.
    ///
    /// # Errors
    /// [`ModuleError::Invalid`] if this machine cannot run it.
    pub fn embedded_with(options: Options) -> Result<Module, ModuleError> {
        Module::from_bytes(EMBEDDED, options)
    }

    /// Loads a module from a `.wasm` file. [`Module::sha256`] identifies it.
    ///
    /// # Errors
    /// [`ModuleError::Unreadable`] if the file cannot be read, [`ModuleError::Invalid`] if it is not a usable module.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Module, ModuleError> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|error| ModuleError::Unreadable {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        Module::from_bytes(&bytes, Options::default())
    }

    /// Loads a module from the bytes of a `.wasm` file.
    ///
    /// # Errors
    /// [`ModuleError::Invalid`] if they are not a usable module.
    pub fn from_bytes(bytes: &[u8], options: Options) -> Result<Module, ModuleError> {
        let compiled = Compiled::new(bytes, &options)?;
        let limits = options.limits;
        let pool = Pool::new(limits);
        let inner = Inner {
            sha256: hex(&Sha256::digest(bytes)),
            size: bytes.len(),
            compiled,
            pool,
            limits,
        };
        let module = Module { inner: Arc::new(inner) };
        module.check_abi()?;
        Ok(module)
    }

    /// The SHA-256 of the module's bytes, in lowercase hex.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.inner.sha256
    }

    /// The size of the module in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.inner.size
    }

    /// The limits of each call.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.inner.limits
    }

    /// Sends a request, as JSON text, to the module and returns its answer, as JSON text.
    ///
    /// The answer may be an error of the module. This method's own errors mean that the module could not be run.
    ///
    /// # Errors
    /// Any [`ModuleError`]. The next call gets a working instance in any case.
    pub fn call_json(&self, request: &[u8]) -> Result<Vec<u8>, ModuleError> {
        self.inner
            .pool
            .with(&self.inner.compiled, |instance| instance.call(request))
    }

    /// The number of idle instances in the pool.
    #[must_use]
    pub fn idle_instances(&self) -> usize {
        self.inner.pool.idle()
    }

    fn check_abi(&self) -> Result<(), ModuleError> {
        let version = self.inner.pool.with(&self.inner.compiled, Instance::abi_version)?;
        if version == ABI_VERSION {
            Ok(())
        } else {
            Err(ModuleError::Invalid(format!(
                "it has version {version} of the interface, this host has version {ABI_VERSION}"
            )))
        }
    }

    fn table_instance(&self) -> Result<Instance, ModuleError> {
        Instance::new(&self.inner.compiled, self.inner.limits.for_tables())
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module")
            .field("sha256", &self.inner.sha256)
            .field("size", &self.inner.size)
            .finish_non_exhaustive()
    }
}

/// The embedded module for the unit tests, compiled once.
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]
pub(crate) fn shared() -> &'static Module {
    static SHARED: std::sync::LazyLock<Module> = std::sync::LazyLock::new(|| Module::embedded().unwrap());
    &SHARED
}
