//! The text of a catalogue file, and its functions together with the built-in ones.

use std::collections::HashSet;

use serde::Deserialize;
use tokenlatch_core::{Api, Catalogue, Function, Route, Unlisted, calls_others};
use toml::Spanned;

pub(crate) use tokenlatch_core::WHM_MODULE as WHM;

/// The module whose functions the service answers itself on the account port.
const TOKENS: &str = "Tokens";

/// Name prefix of the administrator's functions that the service answers itself.
const TOKEN_FUNCTIONS: &str = "api_token";

/// A file: `[[function]]` and `[[route]]` tables in TOML, the same keys in JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound = "F: Deserialize<'de>, R: Deserialize<'de>")]
struct File<F, R> {
    #[serde(default = "yes")]
    builtin: bool,
    #[serde(default)]
    default: Option<Unlisted>,
    #[serde(default = "Vec::new")]
    function: Vec<F>,
    #[serde(default = "Vec::new")]
    route: Vec<R>,
}

/// JSON may also be the bare array of functions.
#[derive(Deserialize)]
#[serde(untagged)]
enum JsonFile {
    Bare(Vec<FunctionRow>),
    Whole(File<FunctionRow, RouteRow>),
}

/// One function. `writes` is required, so that leaving it out never gives a token more access.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FunctionRow {
    module: String,
    function: String,
    #[serde(default)]
    apis: Option<Vec<Api>>,
    #[serde(default)]
    feature: Option<String>,
    writes: bool,
}

/// One route. `writes` is required, as for a function.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteRow {
    method: String,
    path: String,
    #[serde(default)]
    feature: Option<String>,
    writes: bool,
    #[serde(default)]
    public: bool,
}

/// A parsed file whose functions are well-formed. The core has not checked it yet.
pub(crate) struct Written {
    builtin: bool,
    default: Option<Unlisted>,
    functions: Vec<FunctionRow>,
    routes: Vec<RouteRow>,
    lines: Lines,
}

/// The lines of a TOML file at which its functions and routes begin.
#[derive(Debug, Default)]
struct Lines {
    functions: Vec<usize>,
    routes: Vec<usize>,
}

fn yes() -> bool {
    true
}

impl FunctionRow {
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
pub fn is_ours(module: &str, function: &str) -> bool {
    let begins = function.get(..TOKEN_FUNCTIONS.len());
    module.eq_ignore_ascii_case(TOKENS)
        || module.eq_ignore_ascii_case(WHM) && begins.is_some_and(|begin| begin.eq_ignore_ascii_case(TOKEN_FUNCTIONS))
}

/// Parses a file whose name ends in `extension`, and checks its functions.
///
/// # Errors
/// Why the file is invalid, in words that follow a colon.
pub(crate) fn parse(extension: &str, text: &str) -> Result<Written, String> {
    let written = match extension {
        "toml" => toml_file(text)?,
        "json" => json_file(text)?,
        _ => return Err("its name must end in `.toml` or `.json`".to_owned()),
    };
    let mut rows = written.functions.iter().enumerate();
    match rows.find_map(|(at, row)| row.fault().map(|fault| (at, fault))) {
        None => Ok(written),
        Some((at, fault)) => Err(match written.lines.functions.get(at) {
            Some(line) => format!("line {line}: {fault}"),
            None => fault,
        }),
    }
}

fn toml_file(text: &str) -> Result<Written, String> {
    let file: File<Spanned<FunctionRow>, Spanned<RouteRow>> =
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    let mut lines = LineCount { text, at: 0, line: 1 };
    let mut line = |start: usize| lines.line(start);
    Ok(Written {
        builtin: file.builtin,
        default: file.default,
        lines: Lines {
            functions: file.function.iter().map(|row| line(row.span().start)).collect(),
            routes: file.route.iter().map(|row| line(row.span().start)).collect(),
        },
        functions: file.function.into_iter().map(Spanned::into_inner).collect(),
        routes: file.route.into_iter().map(Spanned::into_inner).collect(),
    })
}

fn json_file(text: &str) -> Result<Written, String> {
    let file = match serde_json::from_str(text).map_err(|error| error.to_string())? {
        JsonFile::Whole(file) => file,
        JsonFile::Bare(function) => File {
            builtin: true,
            default: None,
            function,
            route: Vec::new(),
        },
    };
    Ok(Written {
        builtin: file.builtin,
        default: file.default,
        functions: file.function,
        routes: file.route,
        lines: Lines::default(),
    })
}

/// Counts lines up to places that mostly rise.
struct LineCount<'t> {
    text: &'t str,
    at: usize,
    line: usize,
}

impl LineCount<'_> {
    fn line(&mut self, place: usize) -> usize {
        if place < self.at {
            (self.at, self.line) = (0, 1);
        }
        let between = self.text.as_bytes().get(self.at..place).unwrap_or_default();
        self.line += between.iter().filter(|byte| **byte == b'\n').count();
        self.at = place;
        self.line
    }
}

/// A file together with the built-in functions, of which those of the file replace any with the same module and name.
#[derive(Debug)]
pub struct JoinedCatalogue {
    /// The catalogue.
    pub catalogue: Catalogue,
    /// How many of the functions are built-in ones. They come first.
    pub built_in: usize,
    lines: Lines,
}

impl JoinedCatalogue {
    /// The line of the file at which the function or route begins that an error of the module names in its field. `None` if it
    /// names none, or if the file is JSON.
    #[must_use]
    pub fn line(&self, field: &str) -> Option<usize> {
        let index = |list: &str| -> Option<usize> {
            let (_, after) = field.split_once(list)?;
            after.split(']').next()?.parse().ok()
        };
        let line = match index("routes[") {
            Some(at) => self.lines.routes.get(at),
            None => self
                .lines
                .functions
                .get(index("catalogue[")?.checked_sub(self.built_in)?),
        };
        line.copied()
    }
}

/// Merges the built-in functions with those of the file.
pub(crate) fn join(built_in: Vec<Function>, written: Written) -> JoinedCatalogue {
    let named: HashSet<(&str, &str)> = written
        .functions
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
    let built_in = functions.len();
    functions.extend(written.functions.into_iter().map(|row| Function {
        apis: row.apis(),
        module: row.module,
        function: row.function,
        feature: row.feature,
        writes: row.writes,
    }));
    let route = |row: RouteRow| Route {
        method: row.method,
        path: row.path,
        feature: row.feature,
        writes: row.writes,
        public: row.public,
    };
    JoinedCatalogue {
        catalogue: Catalogue {
            functions: Some(functions),
            routes: written.routes.into_iter().map(route).collect(),
            default: written.default,
        },
        built_in,
        lines: written.lines,
    }
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
        parse(name, text).map(|written| join(tokenlatch_core::functions(), written).catalogue.functions.unwrap())
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

    #[test]
    fn routes_are_read_with_their_lines() {
        let text = "default = \"deny\"\n\n[[route]]\nmethod = \"GET\"\npath = \"/a/{x}\"\nfeature = \"shop\"\nwrites = false\n\
                    # é\n[[function]]\nmodule = \"Shop\"\nfunction = \"orders\"\nwrites = false\n\n\
                    [[route]]\nmethod = \"*\"\npath = \"/b\"\nwrites = true\n";
        let joined = join(tokenlatch_core::functions(), parse("toml", text).unwrap());
        assert_eq!(joined.catalogue.default, Some(Unlisted::Deny));
        let routes = &joined.catalogue.routes;
        let said = |route: &Route| format!("{} {} {:?} {}", route.method, route.path, route.feature, route.writes);
        assert_eq!(
            routes.iter().map(said).collect::<Vec<_>>(),
            ["GET /a/{x} Some(\"shop\") false", "* /b None true"]
        );
        let line = |field: &str| joined.line(field);
        assert_eq!(
            (line("catalogue.routes[0].path"), line("routes[1]"), line("routes[2]")),
            (Some(3), Some(14), None)
        );
        let own = format!("catalogue[{}].feature", joined.built_in);
        assert_eq!(
            (line(&own), line("catalogue[0]"), line("catalogue")),
            (Some(9), None, None)
        );

        let json = r#"{"default":"deny","route":[{"method":"GET","path":"/a/{x}","feature":"shop","writes":false},
            {"method":"*","path":"/b","feature":null,"writes":true,"public":false}],
            "function":[{"module":"Shop","function":"orders","writes":false}]}"#;
        assert_eq!(
            join(tokenlatch_core::functions(), parse("json", json).unwrap()).catalogue,
            joined.catalogue
        );
    }

    #[test]
    fn faults_of_rows_name_their_line() {
        for (row, fault) in [
            ("[[route]]\nmethod = \"GET\"\npath = \"/\"\n", "writes"),
            (
                "[[route]]\nmethod = \"GET\"\npath = \"/\"\nwrites = true\napis = []\n",
                "apis",
            ),
            (
                "[[function]]\nmodule = \"Tokens\"\nfunction = \"x\"\nwrites = true\n",
                "own function",
            ),
            ("default = \"open\"\n", "`full` or `deny`"),
        ] {
            let said = parse("toml", &format!("# Two lines\n\n{row}")).err().unwrap();
            assert!(said.contains("line 3") || said.contains("line 7"), "{said}");
            assert!(said.contains(fault), "{said}");
        }
    }
}
