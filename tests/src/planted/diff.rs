//! Unified diffs: read, and applied to texts without other programs.

use crate::fault::Fault;

/// The changes of one patch, by file.
#[derive(Clone, Debug)]
pub struct Diff {
    /// The changed files, in the order of the patch.
    pub files: Vec<FileDiff>,
}

/// The changes of one file.
#[derive(Clone, Debug)]
pub struct FileDiff {
    /// The file's path below the workspace.
    pub path: String,
    hunks: Vec<Hunk>,
}

#[derive(Clone, Debug)]
struct Hunk {
    /// The line, from 0, at which the hunk was made.
    at: usize,
    old: Vec<String>,
    new: Vec<String>,
}

impl Diff {
    /// Parses the text of a patch. Lines before the first `---` are ignored.
    ///
    /// # Errors
    /// A line that no unified diff of changed files has. New, removed and renamed files are not supported.
    pub fn parse(text: &str) -> Result<Diff, Fault> {
        let mut files: Vec<FileDiff> = Vec::new();
        let mut left = (0, 0);
        for line in text.lines() {
            if left != (0, 0) {
                let hunk = files.last_mut().and_then(|file| file.hunks.last_mut());
                let hunk = hunk.ok_or_else(|| Fault::new("a line outside a hunk"))?;
                left = hunk.take(line, left)?;
            } else if let Some(path) = line.strip_prefix("+++ b/") {
                files.push(FileDiff {
                    path: path.split('\t').next().unwrap_or(path).to_owned(),
                    hunks: Vec::new(),
                });
            } else if let Some(range) = line.strip_prefix("@@ -") {
                let file = files.last_mut().ok_or_else(|| Fault::new("a hunk without a file"))?;
                let (at, old, new) = range_of(range).ok_or_else(|| Fault::new(format!("the hunk `{line}`")))?;
                file.hunks.push(Hunk {
                    at,
                    old: Vec::new(),
                    new: Vec::new(),
                });
                left = (old, new);
            } else if !files.is_empty() && !line.starts_with("--- a/") && !line.starts_with("diff ") {
                return Err(Fault::new(format!("the line `{line}` belongs to no hunk")));
            }
        }
        if left != (0, 0) || files.is_empty() || files.iter().any(|file| file.hunks.is_empty()) {
            return Err(Fault::new("the diff is incomplete"));
        }
        Ok(Diff { files })
    }
}

/// The start, from 0, and the numbers of old and new lines in `1,2 +3,4 @@`.
fn range_of(range: &str) -> Option<(usize, usize, usize)> {
    let (old, rest) = range.split_once(" +")?;
    let (new, _) = rest.split_once(" @@")?;
    let (at, old) = old.split_once(',').unwrap_or((old, "1"));
    let (_, new) = new.split_once(',').unwrap_or((new, "1"));
    let at: usize = at.parse().ok()?;
    Some((at.saturating_sub(1), old.parse().ok()?, new.parse().ok()?))
}

impl Hunk {
    /// Adds a line, and returns how many old and new lines are missing.
    fn take(&mut self, line: &str, (old, new): (usize, usize)) -> Result<(usize, usize), Fault> {
        let (sign, text) = line.split_at_checked(1).unwrap_or((" ", ""));
        let (of_old, of_new) = match sign {
            " " => (1, 1),
            "-" => (1, 0),
            "+" => (0, 1),
            _ => return Err(Fault::new(format!("the line `{line}` in a hunk"))),
        };
        if of_old == 1 {
            self.old.push(text.to_owned());
        }
        if of_new == 1 {
            self.new.push(text.to_owned());
        }
        let left = old.checked_sub(of_old).zip(new.checked_sub(of_new));
        left.ok_or_else(|| Fault::new(format!("a hunk has more lines than it says, at `{line}`")))
    }

    /// Where the old lines are: at the stated place, or else at the only other place.
    fn find(&self, lines: &[&str]) -> Option<usize> {
        let fits = |at: usize| {
            let there = lines.get(at..at.saturating_add(self.old.len()));
            there.is_some_and(|there| there == self.old)
        };
        if fits(self.at) {
            return Some(self.at);
        }
        let mut places = (0..lines.len()).filter(|at| fits(*at));
        places.next().filter(|_| places.next().is_none())
    }
}

impl FileDiff {
    /// Returns the changed text.
    ///
    /// # Errors
    /// The old lines of a hunk are nowhere, or at several places.
    pub fn apply(&self, text: &str) -> Result<String, Fault> {
        let mut lines: Vec<&str> = text.split('\n').collect();
        // From the end, so that the places of the hunks before stay as they are.
        for hunk in self.hunks.iter().rev() {
            let at = hunk.find(&lines).ok_or_else(|| {
                let first = hunk.old.iter().find(|line| !line.trim().is_empty());
                Fault::new(format!(
                    "{} has no one place for the hunk at line {}, which starts `{}`",
                    self.path,
                    hunk.at.saturating_add(1),
                    first.map_or("", |line| line.trim())
                ))
            })?;
            lines.splice(
                at..at.saturating_add(hunk.old.len()),
                hunk.new.iter().map(String::as_str),
            );
        }
        Ok(lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "A mistake.\n--- a/x\n+++ b/x\n@@ -2,3 +2,3 @@ fn f\n b\n-c\n+C\n d\n";

    fn apply(patch: &str, text: &str) -> Result<String, Fault> {
        Diff::parse(patch)?
            .files
            .iter()
            .try_fold(text.to_owned(), |text, file| file.apply(&text))
    }

    #[test]
    fn a_hunk_is_applied_at_its_place_or_at_the_only_other_place() -> Result<(), Fault> {
        assert_eq!(apply(PATCH, "a\nb\nc\nd\n")?, "a\nb\nC\nd\n");
        assert_eq!(apply(PATCH, "new\nnew\na\nb\nc\nd\n")?, "new\nnew\na\nb\nC\nd\n");
        assert_eq!(apply(PATCH, "a\nb\nc\nd\nb\nc\nd\n")?, "a\nb\nC\nd\nb\nc\nd\n");
        Ok(())
    }

    #[test]
    fn a_hunk_without_one_place_is_an_error() {
        for text in ["a\nb\nx\nd\n", "", "new\na\nb\nc\nd\nb\nc\nd\n"] {
            assert!(apply(PATCH, text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_broken_patch_is_an_error() {
        for patch in [
            "A mistake.\n",
            "--- a/x\n+++ b/x\n",
            "--- a/x\n+++ b/x\n@@ -2,3 +2,3 @@\n b\n-c\n",
            "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-b\n+c\nmore\n",
            "@@ -1 +1 @@\n-b\n+c\n",
            "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-b\n-c\n",
        ] {
            assert!(Diff::parse(patch).is_err(), "{patch:?}");
        }
    }
}
