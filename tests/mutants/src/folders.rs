//! Where everything is.

use std::path::PathBuf;

/// The folders of a checkout.
#[derive(Debug)]
pub(crate) struct Folders {
    /// The checkout.
    pub(crate) checkout: PathBuf,
}

impl Folders {
    pub(crate) fn of_checkout() -> Self {
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        Folders {
            checkout: here.ancestors().nth(2).map(PathBuf::from).unwrap_or(here),
        }
    }

    /// The configuration of cargo-mutants.
    pub(crate) fn configuration(&self) -> PathBuf {
        self.checkout.join("tests/mutants/mutants.toml")
    }

    pub(crate) fn explanations(&self) -> PathBuf {
        self.checkout.join("core/MUTANTS.md")
    }

    /// What is kept between runs.
    pub(crate) fn state(&self) -> PathBuf {
        self.checkout.join("target/mutants")
    }

    /// The copy of the sources in which expressions are changed.
    pub(crate) fn tree(&self) -> PathBuf {
        self.state().join("tree")
    }

    /// The target directory of the copy.
    pub(crate) fn build(&self) -> PathBuf {
        self.state().join("build")
    }

    /// The parent of `mutants.out`, the output of cargo-mutants.
    pub(crate) fn run(&self) -> PathBuf {
        self.state().join("run")
    }

    /// The output of the last command.
    pub(crate) fn log(&self) -> PathBuf {
        self.state().join("log")
    }
}
