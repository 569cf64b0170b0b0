//! The cargo step: compiles the source to the raw module.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::fault::Fault;

const TARGET: &str = "wasm32-unknown-unknown";

/// The compiler flags. Without reference types and multivalue, the module has no externref table, and a host needs no garbage
/// collector. The standard library is compiled with them, so the linker gets the features that the module needs, which every
/// supported runtime has. `simd128` makes the compressed module 2 kB smaller and header verification about 15 % faster,
/// because SHA-256 computes its schedule four words at a time.
const FLAGS: [&str; 3] = [
    "-Ctarget-feature=-reference-types,-multivalue,+simd128",
    "-Clink-arg=--features=bulk-memory,mutable-globals,nontrapping-fptoint,sign-ext,simd128",
    "-Clink-arg=--no-check-features",
];

/// Compiles `tokenlatch-wasm` and returns the path of the raw module. Cargo skips an unchanged source.
pub(crate) fn compile(workspace: &Path, target_dir: &Path) -> Result<PathBuf, Fault> {
    ensure_target(workspace)?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(workspace)
        .args([
            "build",
            "--locked",
            "--profile",
            "module",
            "--package",
            "tokenlatch-wasm",
        ])
        .args(["--target", TARGET, "--target-dir"])
        .arg(target_dir)
        .env("CARGO_ENCODED_RUSTFLAGS", flags(workspace))
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    // A build script's variables are not meant for the module.
    for name in [
        "RUSTFLAGS",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "CARGO_BUILD_TARGET",
        "CARGO_MAKEFLAGS",
        "MAKEFLAGS",
    ] {
        command.env_remove(name);
    }
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CARGO_PROFILE_") || name.starts_with("CARGO_FEATURE_") || name.starts_with("CARGO_CFG_") {
            command.env_remove(name);
        }
    }
    let status = command.status().map_err(Fault::during("cargo can't be started"))?;
    if !status.success() {
        return Err(Fault::new(format!("the module doesn't compile ({status}); see above")));
    }
    Ok(target_dir.join(TARGET).join("module").join("tokenlatch_wasm.wasm"))
}

/// Returns the flags. Paths in panic messages are shortened, so that the same source gives the same bytes in any folder.
fn flags(workspace: &Path) -> OsString {
    let mut flags = OsString::from(FLAGS.join("\u{1f}"));
    let homes = [
        (env::var_os("CARGO_HOME").map(PathBuf::from), "/cargo"),
        (env::home_dir().map(|home| home.join(".cargo")), "/cargo"),
        (env::home_dir().map(|home| home.join(".rustup")), "/rustup"),
        (Some(workspace.to_path_buf()), "/tokenlatch"),
    ];
    for (from, to) in homes {
        if let Some(from) = from {
            flags.push("\u{1f}--remap-path-prefix=");
            flags.push(from);
            flags.push("=");
            flags.push(to);
        }
    }
    flags
}

/// Adds the target if the toolchain lacks it. rustup does not do so if automatic installation is off.
fn ensure_target(workspace: &Path) -> Result<(), Fault> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let sysroot = Command::new(rustc)
        .current_dir(workspace)
        .args(["--print", "sysroot"])
        .output()
        .map_err(Fault::during("rustc can't be started"))?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&sysroot.stdout).trim());
    if sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir() {
        return Ok(());
    }
    println!("adding the target {TARGET} to the toolchain");
    let added = Command::new("rustup")
        .current_dir(workspace)
        .args(["target", "add", TARGET])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status();
    match added {
        Ok(status) if status.success() => Ok(()),
        _ => Err(Fault::new(format!(
            "the toolchain lacks the target {TARGET}, and `rustup target add {TARGET}` failed; run it by hand and build again"
        ))),
    }
}
