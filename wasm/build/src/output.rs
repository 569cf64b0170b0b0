//! The results of a build.

use std::fmt;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::fault::Fault;

/// A built module and its files.
#[derive(Clone, Debug)]
pub struct Built {
    /// The folder that contains the files.
    pub folder: PathBuf,
    /// `tokenlatch.wasm`.
    pub wasm: PathBuf,
    /// The JavaScript glue.
    pub js: PathBuf,
    /// The glue's type declarations.
    pub types: PathBuf,
    /// The module's SHA-256 in hex.
    pub sha256: String,
    /// The module's size.
    pub size: Size,
    pub(crate) sources: Vec<PathBuf>,
}

/// A size in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// The uncompressed size.
    pub bytes: usize,
    /// The size after gzip at its highest level.
    pub gzipped: usize,
}

impl Built {
    pub(crate) fn read(folder: &Path, sources: Vec<PathBuf>) -> Result<Self, Fault> {
        let wasm = folder.join("tokenlatch.wasm");
        let bytes = fs::read(&wasm).map_err(Fault::during(wasm.display()))?;
        Ok(Built {
            js: folder.join("tokenlatch.js"),
            types: folder.join("tokenlatch.d.ts"),
            sha256: sha256(&bytes),
            size: Size {
                bytes: bytes.len(),
                gzipped: gzipped(&bytes)?,
            },
            folder: folder.to_path_buf(),
            wasm,
            sources,
        })
    }

    /// Prints the directives that tell cargo when to rerun a build script.
    pub fn print_cargo_directives(&self) {
        for source in &self.sources {
            println!("cargo:rerun-if-changed={}", source.display());
        }
        println!("cargo:rerun-if-env-changed={}", crate::pipeline::WASM_OPT);
    }
}

impl fmt::Display for Built {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "module   {}", self.wasm.display())?;
        writeln!(f, "size     {} bytes, {} gzipped", self.size.bytes, self.size.gzipped)?;
        write!(f, "SHA-256  {}", self.sha256)
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn gzipped(bytes: &[u8]) -> Result<usize, Fault> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).map_err(Fault::during("gzip"))?;
    Ok(encoder.finish().map_err(Fault::during("gzip"))?.len())
}
