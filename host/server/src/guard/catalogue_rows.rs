//! The text of a catalogue file, and its functions together with the built-in ones.

use std::collections::HashSet;

use serde::Deserialize;
use tokenlatch_core::{Api, Function, calls_others};

pub(crate) use tokenlatch_core::WHM_MODULE as WHM;

/// The module whose functions the service answers itself on the account port.
const TOKENS: &str = "Tokens";

/// Name prefix of the administrator's functions that the service answers itself.
const TOKEN_FUNCTIONS: &str = "api_token";

/// A parsed file: `[[function]]` tables in TOML, the same keys in JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
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

/// One function. `writes` is required, so that leaving it out never gives a token more access.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    module: String,
    function: String,
    #[serde(default)]
    apis: Option<Vec<Api>>,
    #[serde(default)]
    feature: Option<String>,
    writes: bool,
}

fn yes() -> bool {
    true
}

impl Row {
    /// Why the row is invalid, if it is.
    fn fault(&self) -> Option<String> {
        let named = format!("`{}::{}`", self.module, self.function);
        if is_ours(&self.module, &self.function) {
            return Some(format!("{named} is the service's own function and cannot be changed"));
        }
        let whm = self.module == WHM;
        if !whm && self.module.eq_ignore_ascii_case(WHM) {
            return Some(format!(
                "{named}: spell the module of the administrator's functions `{WHM}`"
            ));
        }
        if !self.writes && calls_others(&self.module, &self.function) {
            return Some(format!("{named} calls functions that write, so `writes` must be true"));
        }
        let fits = |api: &Api| (*api == Api::Whm) == whm;
        (!self.apis().iter().all(fits))
            .then(|| format!("{named}: the module `{WHM}` and the API `whm` belong together"))
    }

    fn apis(&self) -> Vec<Api> {
        let usual = if self.module == WHM { Api::Whm } else { Api::Uapi };
        self.apis.clone().unwrap_or_else(|| vec![usual])
    }
}

/// Whether the service answers a function itself. Names are compared without regard to case.
pub(crate) fn is_ours(module: &str, function: &str) -> bool {
    let begins = function.get(..TOKEN_FUNCTIONS.len());
    module.eq_ignore_ascii_case(TOKENS)
        || module.eq_ignore_ascii_case(WHM) && begins.is_some_and(|begin| begin.eq_ignore_ascii_case(TOKEN_FUNCTIONS))
}

/// Parses a file whose name ends in `extension`, and checks its rows.
///
/// # Errors
/// Why the file is invalid, in words that follow a colon.
pub(crate) fn parse(extension: &str, text: &str) -> Result<Written, String> {
    let written: Written = match extension {
        "toml" => toml::from_str(text).map_err(|error| error.to_string())?,
        "json" => match serde_json::from_str(text).map_err(|error| error.to_string())? {
            WrittenJson::Whole(written) => written,
            WrittenJson::Bare(function) => Written {
                builtin: true,
                function,
            },
        },
        _ => return Err("its name must end in `.toml` or `.json`".to_owned()),
    };
    match written.function.iter().find_map(Row::fault) {
        None => Ok(written),
        Some(fault) => Err(fault),
    }
}

/// Merges the built-in functions with those of the file, which replace any with the same module and name.
pub(crate) fn join(built_in: Vec<Function>, written: Written) -> Vec<Function> {
    let named: HashSet<(&str, &str)> = written
        .function
        .iter()
        .map(|row| (row.module.as_str(), row.function.as_str()))
        .collect();
    let mut functions: Vec<Function> = built_in
        .into_iter()
        .filter(|function| {
            let stays = written.builtin || is_ours(&function.module, &function.function);
            stays && !named.contains(&(function.module.as_str(), function.function.as_str()))
        })
        .collect();
    functions.extend(written.function.into_iter().map(|row| Function {
        apis: row.apis(),
        module: row.module,
        function: row.function,
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
        parse(name, text).map(|written| join(tokenlatch_core::functions(), written))
    }

    fn find<'a>(functions: &'a [Function], module: &str, name: &str) -> Option<&'a Function> {
        functions
            .iter()
            .find(|function| function.module == module && function.function == name)
    }

    #[test]
    fn catalogue_file_extends_and_overrides_built_in_functions() {
        let text = "[[function]]\nmodule = \"Email\"\nfunction = \"list_pops\"\nfeature = \"mine\"\nwrites = true\n\
                    [[function]]\nmodule = \"Shop\"\nfunction = \"orders\"\nwrites = false\n";
        let functions = read("toml", text).unwrap();
        let replaced = find(&functions, "Email", "list_pops").unwrap();
        assert_eq!((replaced.feature.as_deref(), replaced.writes), (Some("mine"), true));
        assert_eq!(find(&functions, "Shop", "orders").unwrap().apis, [Api::Uapi]);
        assert_eq!(functions.len(), tokenlatch_core::functions().len() + 1);
    }

    #[test]
    fn without_built_in_functions_only_own_ones_remain() {
        let functions = read("json", r#"{"builtin":false,"function":[]}"#).unwrap();
        assert!(
            functions
                .iter()
                .all(|function| is_ours(&function.module, &function.function))
        );
        assert!(find(&functions, "Tokens", "list").is_some());
    }

    #[test]
    fn a_function_must_say_whether_it_writes() {
        let bare = r#"[{"module":"Shop","function":"orders","apis":["uapi"],"feature":"shop"}]"#;
        assert!(read("json", bare).is_err());
        assert!(read("toml", "[[function]]\nmodule = \"Shop\"\nfunction = \"orders\"\n").is_err());
    }

    #[test]
    fn unknown_key_or_file_type_is_an_error() {
        assert!(read("toml", "builtins = false\n").is_err());
        assert!(read("yaml", "").is_err());
        assert!(read("json", "[").is_err());
    }
}
