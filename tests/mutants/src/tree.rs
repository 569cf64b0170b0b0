//! The copy of the sources, so that a mutant never gets into the checkout, and stays at one path, so that a build is reused.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use tokenlatch_vectors::fault::Fault;

use crate::folders::Folders;

/// Takes the copy for this process, until the file is closed.
pub(crate) fn lock(folders: &Folders) -> Result<File, Fault> {
    let state = folders.state();
    fs::create_dir_all(&state).map_err(Fault::during(state.display()))?;
    let path = state.join("lock");
    let file = File::create(&path).map_err(Fault::during(path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => Err(Fault::new(
            "another run of this command uses target/mutants; wait for it or stop it",
        )),
    }
}

/// Brings the copy up to date. Files that haven't changed keep their times.
pub(crate) fn copy(folders: &Folders) -> Result<(), Fault> {
    let tree = folders.tree();
    let mut wanted = BTreeSet::new();
    for path in sources(folders)? {
        let (from, to) = (folders.checkout.join(&path), tree.join(&path));
        // A file that was removed but is still in git's index.
        let Ok(bytes) = fs::read(&from) else { continue };
        if fs::read(&to).ok().as_ref() != Some(&bytes) {
            let parent = to.parent().unwrap_or(&tree);
            fs::create_dir_all(parent).map_err(Fault::during(parent.display()))?;
            fs::write(&to, bytes).map_err(Fault::during(to.display()))?;
        }
        wanted.insert(to);
    }
    remove_others(&tree, &wanted)
}

/// The files of the checkout that git would keep.
pub(crate) fn sources(folders: &Folders) -> Result<Vec<PathBuf>, Fault> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(&folders.checkout)
        .output()
        .map_err(Fault::during("git can't be started"))?;
    let text = String::from_utf8(output.stdout).map_err(Fault::during("git's list of files"))?;
    if text.is_empty() {
        return Err(Fault::new("git lists no files; the command needs a checkout"));
    }
    Ok(text.split_terminator('\0').map(PathBuf::from).collect())
}

fn remove_others(folder: &Path, wanted: &BTreeSet<PathBuf>) -> Result<(), Fault> {
    let entries = fs::read_dir(folder).map_err(Fault::during(folder.display()))?;
    for entry in entries {
        let path = entry.map_err(Fault::during(folder.display()))?.path();
        if path.is_dir() {
            remove_others(&path, wanted)?;
        } else if !wanted.contains(&path) {
            fs::remove_file(&path).map_err(Fault::during(path.display()))?;
        }
    }
    Ok(())
}
