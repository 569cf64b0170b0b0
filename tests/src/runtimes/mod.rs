//! The runtimes that can answer commands.

pub mod javascript;
mod package;
mod process;
mod python;
mod wasmtime_abi;

use tokenlatch_build::Built;

use crate::fault::Fault;

pub use package::{Installed, build_package, install, install_folder, install_tools, package};
pub use process::Process;
pub use tokenlatch_vectors::native::Native;
pub use tokenlatch_vectors::runtime::{Identity, Runtime};
pub use wasmtime_abi::version as wasmtime_version;
pub(crate) use wasmtime_abi::{Loaded, PlainAbi};

/// A function that starts a runtime.
pub type Start = Box<dyn Fn(&Built) -> Result<Box<dyn Runtime>, Fault>>;

/// A runtime that may be missing on this machine.
pub struct Entry {
    /// Its name until it reports one itself.
    pub name: String,
    /// Starts it.
    pub start: Start,
}

impl Entry {
    fn new(name: impl Into<String>, start: impl Fn(&Built) -> Result<Box<dyn Runtime>, Fault> + 'static) -> Self {
        Entry {
            name: name.into(),
            start: Box::new(start),
        }
    }
}

/// All runtimes, in the order of the table. Each JavaScript runtime is listed with both faces.
#[must_use]
pub fn all() -> Vec<Entry> {
    let mut entries = vec![
        Entry::new("native", |_| Ok(Box::new(Native::default()))),
        Entry::new("wasmtime", |built| Ok(Box::new(Loaded::new(built)?.start()?))),
        Entry::new("Python", |built| Ok(Box::new(python::start(built)?))),
    ];
    for runtime in javascript::ALL {
        for face in ["plain", "typed"] {
            let name = format!("{}, {face}", runtime.name);
            entries.push(Entry::new(name, move |built| Ok(Box::new(runtime.start(built, face)?))));
        }
    }
    entries
}
