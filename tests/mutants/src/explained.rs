//! The explanations of mutants that no test can catch, read from MUTANTS.md.

use std::fs;
use std::path::Path;

use tokenlatch_vectors::fault::Fault;

use crate::mutant::Mutant;

/// One explanation. It is for every mutant with this change in this line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Explanation {
    pub(crate) file: String,
    pub(crate) change: String,
    pub(crate) code: String,
}

impl Explanation {
    pub(crate) fn is_of(&self, mutant: &Mutant) -> bool {
        self.file == mutant.file && self.change == mutant.change && self.code == mutant.code
    }
}

/// All explanations.
#[derive(Debug, Default)]
pub(crate) struct Explanations(pub(crate) Vec<Explanation>);

impl Explanations {
    /// Reads the file; without one, nothing is explained.
    pub(crate) fn read(path: &Path) -> Result<Self, Fault> {
        match fs::read_to_string(path) {
            Ok(text) => Explanations::parse(&text).map_err(Fault::during(path.display())),
            Err(_) => Ok(Explanations::default()),
        }
    }

    /// A heading names a file below `core`; an entry is "- `change` in ``code``: reason".
    fn parse(text: &str) -> Result<Self, Fault> {
        let mut file = None;
        let mut found = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let wrong = || {
                Fault::new(format!(
                    "line {}: expected \"- `change` in ``code``: reason\"",
                    number + 1
                ))
            };
            if let Some(name) = line.strip_prefix("## ") {
                file = Some(format!("core/{}", name.trim()));
            } else if let (Some(entry), Some(file)) = (line.strip_prefix("- "), &file) {
                let parts = entry.strip_prefix('`').and_then(|rest| rest.split_once("` in ``"));
                let (change, rest) = parts.ok_or_else(wrong)?;
                let (code, reason) = rest.split_once("``: ").ok_or_else(wrong)?;
                if reason.trim().is_empty() {
                    return Err(wrong());
                }
                found.push(Explanation {
                    file: file.clone(),
                    change: change.into(),
                    code: code.trim().into(),
                });
            }
        }
        Ok(Explanations(found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_entries_below_the_heading_of_their_file() -> Result<(), Fault> {
        let text = "# Title\n\n- a list of the introduction\n\n## src/a.rs\n\n- `replace < with <= in f` in ``if a < b {``: both are\n  the same\n";
        let explanations = Explanations::parse(text)?;
        let expected = Explanation {
            file: "core/src/a.rs".into(),
            change: "replace < with <= in f".into(),
            code: "if a < b {".into(),
        };
        assert_eq!(explanations.0, [expected]);
        Ok(())
    }

    #[test]
    fn refuses_an_entry_without_a_reason() {
        for entry in ["- `a` in ``b``", "- `a` in ``b``: ", "- `a`: reason", "- a"] {
            assert!(
                Explanations::parse(&format!("## src/a.rs\n{entry}\n")).is_err(),
                "{entry}"
            );
        }
    }
}
