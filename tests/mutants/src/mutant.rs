//! A mutant, as cargo-mutants lists it.

use serde::Deserialize;

/// A mutant.
#[derive(Clone, Debug)]
pub(crate) struct Mutant {
    /// Its place in the whole list.
    pub(crate) number: usize,
    /// The name that cargo-mutants gives it: file, line, column and change.
    pub(crate) name: String,
    /// The path of the file.
    pub(crate) file: String,
    /// The change, without the place.
    pub(crate) change: String,
    /// The line in which it begins.
    pub(crate) code: String,
}

/// A mutant in the list of cargo-mutants.
#[derive(Debug, Deserialize)]
pub(crate) struct Listed {
    name: String,
    file: String,
    span: Span,
}

#[derive(Debug, Deserialize)]
struct Span {
    start: Place,
}

#[derive(Debug, Deserialize)]
struct Place {
    line: usize,
}

impl Listed {
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// The mutant, with the text of its file.
    pub(crate) fn mutant(self, number: usize, text: &str) -> Mutant {
        let code = text
            .lines()
            .nth(self.span.start.line.saturating_sub(1))
            .unwrap_or_default();
        let change = self.name.splitn(4, ':').last().unwrap_or_default();
        Mutant {
            number,
            change: change.trim().into(),
            code: code.trim().into(),
            name: self.name,
            file: self.file,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_mutant_of_the_list() -> Result<(), serde_json::Error> {
        let listed: Listed = serde_json::from_str(
            r#"{"name":"core/a.rs:2:9: replace a::b -> c with d","file":"core/a.rs","span":{"start":{"line":2,"column":9}}}"#,
        )?;
        let mutant = listed.mutant(7, "first\n    second\n");
        assert_eq!((mutant.number, mutant.file.as_str()), (7, "core/a.rs"));
        assert_eq!(
            (mutant.change.as_str(), mutant.code.as_str()),
            ("replace a::b -> c with d", "second")
        );
        Ok(())
    }
}
