//! Reduces the inputs in the tree to the fewest with the same coverage.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use tokenlatch_tests::Fault;
use tokenlatch_tests::report::plain;

use crate::build::Targets;
use crate::outcome::size;

/// The longest input that is kept, in bytes.
const LONGEST: u32 = 4096;

/// Minimises the inputs of each target, with those in `grown`. Returns the sizes as a table.
///
/// # Errors
/// A target fails on an input.
pub fn minimise(targets: &Targets, grown: Option<&Path>) -> Result<String, Fault> {
    let mut table = plain(&["target", "inputs before", "inputs", "bytes"], 1..4);
    let (mut files, mut bytes) = (0, 0);
    for name in &targets.names {
        let corpus = Targets::corpus(name);
        fs::create_dir_all(&corpus).map_err(Fault::during(corpus.display()))?;
        let before = size(&corpus)?.0;
        let fresh = tempfile::tempdir().map_err(Fault::during("a folder for the inputs"))?;
        let mut command = targets.program(name);
        // Edges count, how often each is passed doesn't: that would keep several times as many inputs.
        command
            .args(["-set_cover_merge=1", "-use_counters=0"])
            .arg(format!("-max_len={LONGEST}"))
            .arg(fresh.path())
            .arg(&corpus)
            .args(grown.map(|grown| grown.join(name)).filter(|folder| folder.is_dir()))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let status = command.status().map_err(Fault::during(name))?;
        if !status.success() {
            return Err(Fault::new(format!("the target `{name}` fails on an input: {status}")));
        }
        replace(&corpus, fresh.path()).map_err(Fault::during(corpus.display()))?;
        let after = size(&corpus)?;
        (files, bytes) = (files + after.0, bytes + after.1);
        table.add_row([
            name.clone(),
            before.to_string(),
            after.0.to_string(),
            after.1.to_string(),
        ]);
    }
    table.add_row([String::from("all"), String::new(), files.to_string(), bytes.to_string()]);
    Ok(table.to_string())
}

fn replace(corpus: &Path, fresh: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(corpus)? {
        fs::remove_file(entry?.path())?;
    }
    for entry in fs::read_dir(fresh)? {
        let entry = entry?;
        fs::copy(entry.path(), corpus.join(entry.file_name()))?;
    }
    Ok(())
}
