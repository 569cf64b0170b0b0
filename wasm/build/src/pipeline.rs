//! The build steps in order, and the cache between runs.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use wasm_bindgen_cli_support::Bindgen;

use crate::cargo::compile;
use crate::fault::Fault;
use crate::output::{Built, sha256};

/// Names a `wasm-opt` program (Binaryen's) for the size pass. Without it the pass is skipped.
pub(crate) const WASM_OPT: &str = "TOKENLATCH_WASM_OPT";

/// The wasm features that every supported runtime has. With all features, some runtimes would refuse the module.
const WASM_OPT_FEATURES: &[&str] = &[
    "--mvp-features",
    "--enable-bulk-memory",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-simd",
];

/// The build options.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// A folder to copy the module, its glue and its declarations to.
    pub out: Option<PathBuf>,
}

/// Builds the module, or returns the cached build.
///
/// # Errors
/// If the source does not compile, the target cannot be added or a file cannot be written; the message says which.
pub fn build(options: &Options) -> Result<Built, Fault> {
    let workspace = workspace()?;
    let folder = target_dir(&workspace).join("tokenlatch-module");
    let raw_path = compile(&workspace, &folder.join("cargo"))?;
    let raw = fs::read(&raw_path).map_err(Fault::during(raw_path.display()))?;

    let wasm_opt = env::var_os(WASM_OPT)
        .filter(|program| !program.is_empty())
        .map(PathBuf::from);
    // The lock file fixes the version of wasm-bindgen.
    let lock = fs::read(workspace.join("Cargo.lock")).map_err(Fault::during("Cargo.lock"))?;
    let stamp = format!(
        "{} {} {}",
        sha256(&raw),
        sha256(&lock),
        wasm_opt.as_deref().map_or("none".into(), Path::to_string_lossy)
    );
    let stamp_path = folder.join("stamp");
    let fresh = fs::read_to_string(&stamp_path).is_ok_and(|kept| kept == stamp);
    if !fresh {
        // Two builds may run at once (a test and a build script): each uses its own folder, and the last rename wins.
        let work = folder.join(format!("work-{}", std::process::id()));
        bind(raw, &work)?;
        if let Some(program) = &wasm_opt {
            shrink(program, &work.join("tokenlatch.wasm"))?;
        }
        for name in FILES {
            fs::rename(work.join(name), folder.join(name)).map_err(Fault::during(format!("moving {name}")))?;
        }
        // A failed cleanup only leaves a folder under target.
        let _ = fs::remove_dir_all(&work);
        fs::write(&stamp_path, &stamp).map_err(Fault::during(stamp_path.display()))?;
    }
    if let Some(out) = &options.out {
        fs::create_dir_all(out).map_err(Fault::during(out.display()))?;
        for name in FILES {
            copy_if_changed(&folder.join(name), &out.join(name))?;
        }
    }
    Built::read(&folder, sources(&workspace))
}

const FILES: &[&str] = &[
    "tokenlatch.wasm",
    "tokenlatch.js",
    "tokenlatch.d.ts",
    "tokenlatch_bg.wasm.d.ts",
];

/// Creates glue that works in every runtime: it is given the module, and does not load it.
fn bind(raw: Vec<u8>, out: &Path) -> Result<(), Fault> {
    let mut output = Bindgen::new()
        .input_bytes("tokenlatch", raw)
        .web(true)
        .and_then(|bindgen| {
            bindgen
                .typescript(true)
                .omit_default_module_path(true)
                .remove_name_section(true)
                .remove_producers_section(true)
                .generate_output()
        })
        .map_err(|error| Fault::new(format!("wasm-bindgen: {error:#}")))?;
    fs::create_dir_all(out).map_err(Fault::during(out.display()))?;
    output
        .emit(out)
        .map_err(|error| Fault::new(format!("wasm-bindgen: {error:#}")))?;
    fs::rename(out.join("tokenlatch_bg.wasm"), out.join("tokenlatch.wasm")).map_err(Fault::during("tokenlatch.wasm"))
}

fn shrink(program: &Path, wasm: &Path) -> Result<(), Fault> {
    let status = Command::new(program)
        .args(WASM_OPT_FEATURES)
        .arg("-O3")
        .arg(wasm)
        .arg("-o")
        .arg(wasm)
        .status()
        .map_err(Fault::during(program.display()))?;
    if status.success() {
        Ok(())
    } else {
        Err(Fault::new(format!("{} failed ({status})", program.display())))
    }
}

fn copy_if_changed(from: &Path, to: &Path) -> Result<(), Fault> {
    let bytes = fs::read(from).map_err(Fault::during(from.display()))?;
    if fs::read(to).is_ok_and(|kept| kept == bytes) {
        return Ok(());
    }
    fs::write(to, bytes).map_err(Fault::during(to.display()))
}

/// The workspace of what cargo runs, else the one that this crate was built in: checkouts that share a target folder share this
/// crate too.
fn workspace() -> Result<PathBuf, Fault> {
    let running = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let built = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let above = |folder: &Path| {
        let mut folders = folder.ancestors();
        folders
            .find(|folder| folder.join("wasm/build/Cargo.toml").is_file())
            .map(Path::to_path_buf)
    };
    running
        .as_deref()
        .and_then(above)
        .or_else(|| above(&built))
        .ok_or_else(|| Fault::new("the workspace isn't where this crate was built"))
}

/// Returns the workspace's target folder, wherever it is configured.
#[must_use]
pub fn target_dir(workspace: &Path) -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => workspace.join(dir),
        None => workspace.join("target"),
    }
}

/// Returns all sources of the module.
fn sources(workspace: &Path) -> Vec<PathBuf> {
    [
        "Cargo.toml",
        "Cargo.lock",
        "rust-toolchain.toml",
        "core/Cargo.toml",
        "core/OPERATIONS.md",
        "core/src",
        "wasm/Cargo.toml",
        "wasm/src",
    ]
    .iter()
    .map(|path| workspace.join(path))
    .collect()
}
