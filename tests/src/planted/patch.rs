//! The patches in `tests/planted`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::fault::Fault;
use crate::planted::diff::Diff;

/// A planted bug.
#[derive(Clone, Debug)]
pub struct Patch {
    /// The file's name without `.patch`.
    pub name: String,
    /// The mistake, as one sentence.
    pub mistake: String,
    /// What it stands for: a class of bugs, or an advisory.
    pub class: String,
    /// The patch's text.
    pub text: String,
    /// The changes.
    pub diff: Diff,
}

/// What separates the mistake from its class in the first line.
const CLASS: &str = " Class: ";

/// Words in a path that only tests have.
const OF_TESTS: [&str; 3] = ["tests/", "/test/", "/bench/"];

/// The folder of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The folder of the patches.
#[must_use]
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("planted")
}

/// Reads all patches, sorted by name.
///
/// # Errors
/// A file cannot be read, or is not a patch of sources with a first line `MISTAKE. Class: CLASS.`
pub fn patches() -> Result<Vec<Patch>, Fault> {
    let folder = folder();
    let entries = fs::read_dir(&folder).map_err(Fault::during(folder.display()))?;
    let mut patches = Vec::new();
    for entry in entries {
        let path = entry.map_err(Fault::during(folder.display()))?.path();
        if path.extension().is_some_and(|extension| extension == "patch") {
            patches.push(Patch::read(&path).map_err(Fault::during(path.display()))?);
        }
    }
    patches.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(patches)
}

impl Patch {
    fn read(path: &Path) -> Result<Patch, Fault> {
        let text = fs::read_to_string(path).map_err(Fault::during("reading"))?;
        let first = text.lines().next().unwrap_or_default();
        let (mistake, class) = first
            .split_once(CLASS)
            .filter(|(mistake, class)| mistake.len() > 10 && mistake.ends_with('.') && class.ends_with('.'))
            .ok_or_else(|| {
                Fault::new(format!(
                    "the first line must be `MISTAKE.{CLASS}CLASS.`, it is `{first}`"
                ))
            })?;
        let diff = Diff::parse(&text)?;
        for file in &diff.files {
            if OF_TESTS.iter().any(|word| file.path.contains(word)) {
                return Err(Fault::new(format!("it changes a test, {}", file.path)));
            }
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Patch {
            name,
            mistake: mistake.to_owned(),
            class: class.trim_end_matches('.').to_owned(),
            diff,
            text,
        })
    }

    /// Returns the changed files of a tree, by path, with their texts before and after. Writes nothing.
    ///
    /// # Errors
    /// The patch does not apply to the tree.
    pub fn changes(&self, tree: &Path) -> Result<Vec<Change>, Fault> {
        let files = self.diff.files.iter();
        files
            .map(|file| {
                let path = tree.join(&file.path);
                let before = fs::read_to_string(&path).map_err(Fault::during(path.display()))?;
                let after = file.apply(&before)?;
                Ok(Change { path, before, after })
            })
            .collect()
    }
}

/// A changed file.
#[derive(Debug)]
pub struct Change {
    /// Where it is.
    pub path: PathBuf,
    /// Its text without the patch.
    pub before: String,
    /// Its text with the patch.
    pub after: String,
}
