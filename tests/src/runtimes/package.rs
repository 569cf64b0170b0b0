//! The npm package as users get it: packed, and installed from the tarball beside the tools that the runners need.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command as Program, Stdio};
use std::sync::OnceLock;

use tokenlatch_build::{Built, Options, build, target_dir};

use crate::fault::Fault;

/// Paths of the installation, below the target folder.
#[derive(Clone, Debug)]
pub struct Installed {
    /// The packed package.
    pub tarball: PathBuf,
    /// The folder whose `node_modules` holds the runtimes, bundlers and checkers.
    pub tools: PathBuf,
    /// A project in the tools' folder with the installed tarball, and the runners in `runners`.
    pub project: PathBuf,
}

impl Installed {
    /// A tool's file, by its path in `node_modules`.
    #[must_use]
    pub fn tool(&self, path: &str) -> PathBuf {
        self.tools.join("node_modules").join(path)
    }
}

/// Builds, packs and installs the package, once per process. Unchanged parts are reused.
///
/// # Errors
/// npm or the compiler fails. The text contains its output.
pub fn install(built: &Built) -> Result<Installed, Fault> {
    static ONCE: OnceLock<Result<Installed, Fault>> = OnceLock::new();
    ONCE.get_or_init(|| prepare(built)).clone()
}

/// Installs only the runtimes, bundlers and checkers. Returns the folder whose `node_modules` holds them.
///
/// # Errors
/// npm fails. The text contains its output.
pub fn install_tools(built: &Built) -> Result<PathBuf, Fault> {
    let (tools, _lock) = locked_tools(built)?;
    Ok(tools)
}

/// Installs what `tools/NAME` locks, and copies its scripts there. Returns the folder.
///
/// # Errors
/// npm fails. The text contains its output.
pub fn install_folder(name: &str) -> Result<PathBuf, Fault> {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let (tools, workspace) = (own.join("tools"), own.join(".."));
    let from = tools.join(name);
    let folder = target_dir(&workspace).join(format!("tokenlatch-{name}"));
    fs::create_dir_all(&folder).map_err(Fault::during(folder.display()))?;
    let lock = File::create(folder.join("lock")).map_err(Fault::during("the lock file"))?;
    lock.lock().map_err(Fault::during("waiting for the lock file"))?;
    copy_all(&from, &folder)?;
    copy(&tools.join(".npmrc"), &folder.join(".npmrc"))?;
    install_locked(&folder, &from.join("package-lock.json"))?;
    Ok(folder)
}

/// The installed tools, locked against concurrent installations.
fn locked_tools(built: &Built) -> Result<(PathBuf, File), Fault> {
    let tools = built.folder.with_file_name("tokenlatch-js");
    fs::create_dir_all(&tools).map_err(Fault::during(tools.display()))?;
    // Two suites may run at once.
    let lock = File::create(tools.join("lock")).map_err(Fault::during("the lock file"))?;
    lock.lock().map_err(Fault::during("waiting for the lock file"))?;
    let from = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tools");
    for name in ["package.json", ".npmrc"] {
        copy(&from.join(name), &tools.join(name))?;
    }
    install_locked(&tools, &from.join("package-lock.json"))?;
    Ok((tools, lock))
}

fn prepare(built: &Built) -> Result<Installed, Fault> {
    let (tools, _lock) = locked_tools(built)?;
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let package = package();
    build_package()?;
    let tarball = npm(&package, &["pack", "--silent", "--pack-destination", &text(&tools)?])?;
    let tarball = tools.join(tarball.trim());

    let project = tools.join("project");
    fs::create_dir_all(&project).map_err(Fault::during(project.display()))?;
    let manifest = project.join("package.json");
    let manifest_text = "{ \"name\": \"installed\", \"private\": true, \"type\": \"module\" }\n";
    fs::write(&manifest, manifest_text).map_err(Fault::during(manifest.display()))?;
    let stamp = project.join("installed.tgz");
    let wanted = fs::read(&tarball).map_err(Fault::during(tarball.display()))?;
    if fs::read(&stamp).map_or(true, |installed| installed != wanted) {
        npm(
            &project,
            &["install", "--no-save", "--no-audit", "--no-fund", &text(&tarball)?],
        )?;
        fs::write(&stamp, wanted).map_err(Fault::during(stamp.display()))?;
    }
    copy_all(&here.join("runners/js"), &project.join("runners"))?;
    for name in ["hostile.mjs", "values.mjs"] {
        copy(&package.join("test").join(name), &project.join("runners").join(name))?;
    }
    Ok(Installed {
        tarball,
        tools,
        project,
    })
}

/// The folder of the npm package.
#[must_use]
pub fn package() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../js")
}

/// Builds the npm package: its dependencies if the lock file has changed, then the module and the TypeScript.
///
/// # Errors
/// npm or the compiler fails. The text contains its output.
pub fn build_package() -> Result<(), Fault> {
    let package = &package();
    install_locked(package, &package.join("package-lock.json"))?;
    build(&Options {
        out: Some(package.join("dist/module")),
    })
    .map_err(Fault::during("building the module"))?;
    npm(package, &["run", "--silent", "build:js"]).map(drop)
}

/// Runs `npm ci`, once for each state of the lock file.
fn install_locked(folder: &Path, lock: &Path) -> Result<(), Fault> {
    let stamp = folder.join("node_modules/.installed");
    let wanted = fs::read(lock).map_err(Fault::during(lock.display()))?;
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    if lock.parent() != Some(folder) {
        copy(lock, &folder.join("package-lock.json"))?;
    }
    // A failure here is taken for a missing network.
    npm(folder, &["ci", "--no-audit", "--no-fund"]).map_err(|fault| Fault::missing(fault.to_string()))?;
    fs::write(&stamp, wanted).map_err(Fault::during(stamp.display()))
}

/// Runs npm, and returns its standard output.
fn npm(folder: &Path, arguments: &[&str]) -> Result<String, Fault> {
    let output = Program::new("npm")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Fault::missing(format!("npm can't be started; install Node.js 20 or newer: {error}")))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(Fault::new(format!(
        "npm {} failed:\n{said}{complaint}",
        arguments.join(" ")
    )))
}

fn copy(from: &Path, to: &Path) -> Result<(), Fault> {
    fs::copy(from, to).map(drop).map_err(Fault::during(from.display()))
}

fn copy_all(from: &Path, to: &Path) -> Result<(), Fault> {
    fs::create_dir_all(to).map_err(Fault::during(to.display()))?;
    for entry in fs::read_dir(from).map_err(Fault::during(from.display()))? {
        let entry = entry.map_err(Fault::during(from.display()))?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy_all(&from, &to)?
        } else {
            copy(&from, &to)?
        }
    }
    Ok(())
}

fn text(path: &Path) -> Result<String, Fault> {
    path.to_str()
        .map(str::to_owned)
        .ok_or_else(|| Fault::new(format!("the path {} isn't UTF-8", path.display())))
}
