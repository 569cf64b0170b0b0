//! The vectors: requests with their expected answers, read from `tests/vectors`.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::command::{Apply, Command, Padded, Verify};
use crate::external;
use crate::fault::Fault;
use crate::folder::folder;
use crate::step::{Expectation, Step};

/// All vectors, in the order in which they are run.
#[derive(Debug, Default)]
pub struct Vectors {
    /// Number of vectors.
    pub count: usize,
    /// Their steps.
    pub steps: Vec<Step>,
}

impl Vectors {
    fn append(&mut self, other: Vectors) {
        self.count += other.count;
        self.steps.extend(other.steps);
    }
}

#[derive(Deserialize)]
struct File {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    request: Option<Box<RawValue>>,
    raw: Option<String>,
    padded: Option<Padded>,
    table: Option<Box<RawValue>>,
    snapshot: Option<Box<RawValue>>,
    expect: Value,
    #[serde(default)]
    partial: bool,
    #[serde(default)]
    steps: Vec<TableStep>,
}

#[derive(Deserialize)]
struct TableStep {
    update: Option<Box<RawValue>>,
    apply: Option<Apply>,
    prepare: Option<Box<RawValue>>,
    verify: Option<Verify>,
    expect: Value,
}

/// Reads all vectors, in the order of the files' names, then those of [`external`].
///
/// # Errors
/// A file cannot be read, or does not have the form of vectors.
pub fn load() -> Result<Vectors, Fault> {
    let mut all = Vectors::default();
    for path in files()? {
        all.append(read(&path)?);
    }
    all.append(others()?);
    Ok(all)
}

/// The files, in the order of their names.
///
/// # Errors
/// The folder cannot be read.
pub fn files() -> Result<Vec<PathBuf>, Fault> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder())
        .map_err(Fault::during("reading the vectors"))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .filter(|path| path.file_name().is_some_and(|name| name != "nist.json"))
        .collect();
    files.sort();
    Ok(files)
}

/// Reads the vectors of a file.
///
/// # Errors
/// The file cannot be read, or does not have the form of vectors.
pub fn read(path: &Path) -> Result<Vectors, Fault> {
    let text = fs::read_to_string(path).map_err(Fault::during(path.display()))?;
    let file: File = serde_json::from_str(&text).map_err(Fault::during(path.display()))?;
    let mut vectors = Vectors::default();
    for vector in file.vectors {
        vectors.count += 1;
        unfold(vector, &mut vectors.steps)?;
    }
    Ok(vectors)
}

/// The vectors of [`external`].
///
/// # Errors
/// The data cannot be read.
pub fn others() -> Result<Vectors, Fault> {
    let mut vectors = Vectors::default();
    for steps in external::all()? {
        vectors.count += 1;
        vectors.steps.extend(steps);
    }
    Ok(vectors)
}

fn unfold(vector: Vector, steps: &mut Vec<Step>) -> Result<(), Fault> {
    let name = vector.name;
    let table = vector.table.map(Command::Table);
    let opened = table.or(vector.snapshot.map(Command::Snapshot));
    let command = match (vector.request, vector.raw, vector.padded, opened) {
        (Some(request), None, None, None) => Command::Request(request),
        (None, Some(raw), None, None) => Command::Raw(raw),
        (None, None, Some(padded), None) => Command::Padded(padded),
        (None, None, None, Some(opened)) => opened,
        _ => return Err(Fault::new(format!("the vector `{name}` doesn't ask for one thing"))),
    };
    steps.push(Step {
        name: name.clone(),
        command,
        expect: if vector.partial {
            Expectation::Partial(vector.expect)
        } else {
            Expectation::Exact(vector.expect)
        },
    });
    for (index, step) in vector.steps.into_iter().enumerate() {
        let change = step.update.map(Command::Update).or(step.apply.map(Command::Apply));
        let command = match (change, step.prepare, step.verify) {
            (Some(change), None, None) => change,
            (None, Some(call), None) => Command::Prepare(call),
            (None, None, Some(verify)) => Command::Verify(verify),
            _ => {
                return Err(Fault::new(format!(
                    "step {index} of the vector `{name}` doesn't ask for one thing"
                )));
            }
        };
        // A verification answers with a verdict under `ok`, or with a negative code.
        let expect = match (&command, step.expect) {
            (Command::Verify(_), verdict) if verdict.get("code").is_none() && verdict.get("ok").is_none() => {
                serde_json::json!({ "ok": verdict })
            }
            (_, expect) => expect,
        };
        steps.push(Step {
            name: format!("{name}, step {index}"),
            command,
            expect: Expectation::Exact(expect),
        });
    }
    Ok(())
}
