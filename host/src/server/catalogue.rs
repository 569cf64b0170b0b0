//! The file of functions that an administrator adds to the built-in catalogue.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use tokenlatch_core::{Api, Function};

use super::error::ServerError;
use crate::gate::Gate;
use crate::module::Module;

/// The largest catalogue that is read, in bytes.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// The modules whose functions the service answers itself. A file may not redefine them.
const OURS: &[&str] = &["Tokens", "whm"];

/// Where the catalogue comes from. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    path: Option<Arc<Path>>,
}

/// A file as it is written: `[[function]]` tables in TOML, the same keys in JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default = "yes")]
    builtin: bool,
    #[serde(default)]
    function: Vec<Row>,
}

/// JSON may also be the bare array.
#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenJson {
    Bare(Vec<Row>),
    Whole(Written),
}

/// One function. Whether it writes must be said, so that a forgotten word never widens a token.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    module: String,
    function: String,
    #[serde(default = "uapi")]
    apis: Vec<Api>,
    #[serde(default)]
    feature: Option<String>,
    writes: bool,
}

fn yes() -> bool {
    true
}

fn uapi() -> Vec<Api> {
    vec![Api::Uapi]
}

impl Catalogue {
    /// The catalogue of a file, or without one the built-in catalogue. Nothing is read yet.
    #[must_use]
    pub fn new(path: Option<&Path>) -> Catalogue {
        Catalogue {
            path: path.map(Arc::from),
        }
    }

    /// Reads the file and joins it with the built-in functions; `None` where there is no file. The module has not
    /// checked it yet.
    ///
    /// # Errors
    /// [`ServerError::Catalogue`]; failures of the module.
    pub fn functions(&self, module: &Module) -> Result<Option<Vec<Function>>, ServerError> {
        let Some(path) = self.path.as_deref() else {
            return Ok(None);
        };
        let written = read(path).map_err(|reason| ServerError::Catalogue {
            path: path.to_owned(),
            reason,
        })?;
        Ok(Some(join(module.functions()?.functions, written)))
    }

    /// Reads the file anew and hands it to the gate. On an error the catalogue in use stays.
    ///
    /// # Errors
    /// As [`Catalogue::functions`]; what the module says of the functions.
    pub async fn reload(&self, gate: &Gate, module: &Module) -> Result<(), ServerError> {
        Ok(gate.set_catalogue(self.functions(module)?).await?)
    }
}

/// Whether the service answers the functions of a module itself, in whatever case its name is written.
pub(super) fn is_ours(module: &str) -> bool {
    OURS.iter().any(|own| own.eq_ignore_ascii_case(module))
}

fn read(path: &Path) -> Result<Written, String> {
    let size = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > MAX_FILE {
        return Err(format!("it has {size} bytes, the limit is {MAX_FILE}"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let written = parse(path, &text)?;
    match written.function.iter().find(|row| is_ours(&row.module)) {
        None => Ok(written),
        Some(row) => Err(format!(
            "the functions of the module `{}` are the service's own and cannot be changed",
            row.module
        )),
    }
}

fn parse(path: &Path, text: &str) -> Result<Written, String> {
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    match extension {
        "toml" => toml::from_str(text).map_err(|error| error.to_string()),
        "json" => match serde_json::from_str(text).map_err(|error| error.to_string())? {
            WrittenJson::Whole(written) => Ok(written),
            WrittenJson::Bare(function) => Ok(Written {
                builtin: true,
                function,
            }),
        },
        _ => Err("its name must end in `.toml` or `.json`".to_owned()),
    }
}

/// The built-in functions, and those of the file, which take the place of any with the same module and name.
fn join(built_in: Vec<Function>, written: Written) -> Vec<Function> {
    let named: HashSet<(&str, &str)> = written
        .function
        .iter()
        .map(|row| (row.module.as_str(), row.function.as_str()))
        .collect();
    let mut functions: Vec<Function> = built_in
        .into_iter()
        .filter(|function| {
            let stays = written.builtin || is_ours(&function.module);
            stays && !named.contains(&(function.module.as_str(), function.function.as_str()))
        })
        .collect();
    functions.extend(written.function.into_iter().map(|row| Function {
        module: row.module,
        function: row.function,
        apis: row.apis,
        feature: row.feature,
        writes: row.writes,
    }));
    functions
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a failed step of a test is a failed test"
    )]

    use super::*;

    fn read(name: &str, text: &str) -> Result<Vec<Function>, String> {
        parse(Path::new(name), text).map(|written| join(tokenlatch_core::functions(), written))
    }

    fn find<'a>(functions: &'a [Function], module: &str, name: &str) -> Option<&'a Function> {
        functions
            .iter()
            .find(|function| function.module == module && function.function == name)
    }

    #[test]
    fn a_file_adds_to_the_built_in_functions_and_replaces_those_it_names() {
        let text = "[[function]]\nmodule = \"Email\"\nfunction = \"list_pops\"\nfeature = \"mine\"\nwrites = true\n\
                    [[function]]\nmodule = \"Shop\"\nfunction = \"orders\"\nwrites = false\n";
        let functions = read("c.toml", text).unwrap();
        let replaced = find(&functions, "Email", "list_pops").unwrap();
        assert_eq!((replaced.feature.as_deref(), replaced.writes), (Some("mine"), true));
        assert_eq!(find(&functions, "Shop", "orders").unwrap().apis, [Api::Uapi]);
        assert_eq!(functions.len(), tokenlatch_core::functions().len() + 1);
    }

    #[test]
    fn without_the_built_in_functions_only_our_own_stay() {
        let functions = read("c.json", r#"{"builtin":false,"function":[]}"#).unwrap();
        assert!(functions.iter().all(|function| is_ours(&function.module)));
        assert!(find(&functions, "Tokens", "list").is_some());
    }

    #[test]
    fn a_function_must_say_whether_it_writes() {
        let bare = r#"[{"module":"Shop","function":"orders","apis":["uapi"],"feature":"shop"}]"#;
        assert!(read("c.json", bare).is_err());
        assert!(read("c.toml", "[[function]]\nmodule = \"Shop\"\nfunction = \"orders\"\n").is_err());
    }

    #[test]
    fn an_unknown_word_or_kind_of_file_is_an_error() {
        assert!(read("c.toml", "builtins = false\n").is_err());
        assert!(read("c.yaml", "").is_err());
        assert!(read("c.json", "[").is_err());
    }
}
