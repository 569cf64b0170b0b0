//! The copy of the tree that patches are applied to.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tokenlatch_tests::Fault;
use tokenlatch_vectors::hex::hex;

use crate::layers::folder_of;

/// Folders that hold no sources.
const SKIPPED: [&str; 5] = [".git", "target", "node_modules", "dist", "__pycache__"];

/// The files of a tree, by path below it.
type Files = BTreeMap<String, PathBuf>;

/// Digests by folder.
type Digests = BTreeMap<&'static str, String>;

/// The source, its copy, and what they contain.
pub(crate) struct Tree {
    source: PathBuf,
    pub(crate) copy: PathBuf,
    /// The SHA-256 of the sources in each folder.
    digests: Digests,
}

impl Tree {
    /// Copies the working tree into a folder. Files that are the same already are left alone, so that little is built again.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub(crate) fn new(source: PathBuf, copy: PathBuf) -> Result<Tree, Fault> {
        let mut tree = Tree {
            source,
            copy,
            digests: Digests::new(),
        };
        tree.digests = tree.sync()?;
        Ok(tree)
    }

    /// A digest of the sources in the folders.
    pub(crate) fn digest(&self, folders: &[&str]) -> String {
        let digests = folders.iter().filter_map(|folder| self.digests.get(folder));
        digests.map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// Removes a patch, and whatever tests have left in the copy.
    ///
    /// # Errors
    /// A file cannot be read or written; the source has changed since the copy was made.
    pub(crate) fn restore(&self) -> Result<(), Fault> {
        if self.sync()? == self.digests {
            return Ok(());
        }
        Err(Fault::new(
            "the working tree has changed during the run. Start it again: results are kept for a tree that is as it was",
        ))
    }

    /// Makes the copy equal to the source, and returns the digests of the source.
    fn sync(&self) -> Result<Digests, Fault> {
        let (wanted, mut there) = (files(&self.source)?, Files::new());
        if self.copy.is_dir() {
            there = files(&self.copy)?;
        }
        let mut digests: BTreeMap<&'static str, Sha256> = BTreeMap::new();
        for (name, path) in &wanted {
            let bytes = fs::read(path).map_err(Fault::during(path.display()))?;
            if decides(name) {
                let digest = digests.entry(folder_of(name)).or_default();
                digest.update(name);
                digest.update([0]);
                digest.update(Sha256::digest(&bytes));
            }
            let to = self.copy.join(name);
            if there
                .remove(name)
                .is_none_or(|kept| fs::read(kept).is_ok_and(|kept| kept != bytes))
            {
                let folder = to.parent().unwrap_or(&self.copy);
                fs::create_dir_all(folder).map_err(Fault::during(folder.display()))?;
                fs::copy(path, &to).map_err(Fault::during(to.display()))?;
                // A copied time of change could be older than what was built with a patch.
                let touched = fs::File::options().write(true).open(&to);
                let touched = touched.and_then(|file| file.set_modified(std::time::SystemTime::now()));
                touched.map_err(Fault::during(to.display()))?;
            }
        }
        for gone in there.values() {
            fs::remove_file(gone).map_err(Fault::during(gone.display()))?;
        }
        let digests = digests.into_iter();
        Ok(digests
            .map(|(folder, digest)| (folder, hex(&digest.finalize())))
            .collect())
    }
}

/// Whether results depend on the file: not on documents, except the core's, which are compiled into it, and not on this program.
fn decides(name: &str) -> bool {
    !name.contains("/planted/") && (!name.ends_with(".md") || name.starts_with("core/"))
}

fn files(folder: &Path) -> Result<Files, Fault> {
    let mut found = Files::new();
    collect(folder, "", &mut found)?;
    Ok(found)
}

fn collect(folder: &Path, prefix: &str, found: &mut Files) -> Result<(), Fault> {
    let entries = fs::read_dir(folder).map_err(Fault::during(folder.display()))?;
    for entry in entries {
        let entry = entry.map_err(Fault::during(folder.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type().map_err(Fault::during(folder.display()))?;
        let path = format!("{prefix}{name}");
        if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
            collect(&entry.path(), &format!("{path}/"), found)?;
        } else if kind.is_file() {
            found.insert(path, entry.path());
        }
    }
    Ok(())
}
