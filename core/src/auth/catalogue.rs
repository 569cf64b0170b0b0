//! The catalogue: functions and routes, the feature of each, and whether it writes.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

use serde::Serialize;

use super::api::Api;
use super::route::{Named, Route, Routes};
use crate::base::error::{Error, ErrorCode};
use crate::base::sort::sorted;
use crate::json::decoder::{Fields, FromValue, deserialize_by_value, not_among, wrong_type};
use crate::json::value::Value;
use crate::token::feature::{FEATURE_RULE, is_feature};

/// A function that a token may call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Function {
    /// Its module, such as `Email`.
    pub module: String,
    /// Its name, such as `list_pops`.
    pub function: String,
    /// The APIs that offer it.
    pub apis: Vec<Api>,
    /// The feature that it requires. Only tokens with full access may call a function without one.
    pub feature: Option<String>,
    /// Whether it changes anything.
    pub writes: bool,
}

impl FromValue for Function {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let function = Function {
            module: fields.required("module"),
            function: fields.required("function"),
            apis: fields.required("apis"),
            feature: fields.nullable("feature"),
            writes: fields.required("writes"),
        };
        fields.finish()?;
        Ok(function)
    }
}
deserialize_by_value!(Function);

/// The built-in catalogue, sorted by module and function, ignoring case. A line holds the module, the function, the
/// APIs (`u` for UAPI, `2` for API 2, `w` for WHM API 1), the feature (`-` for none), and `r` if it only reads, `w`
/// if it writes.
///
/// The names, and what reads and writes, come from the public documentation, api.docs.cpanel.net: UAPI, API 2 and WHM
/// API 1. The feature is that of the interface (Feature Manager) under which the documentation lists the function;
/// for WHM it is the privilege that the reference names. Functions that every account has are listed without one.
/// This project adds `create_limited`, `get_addresses` and `set_addresses`. WHM's functions have no modules; here
/// their module is `whm`.
const BUILT_IN: &str = include_str!("functions.txt");

/// Returns the built-in catalogue.
#[must_use]
pub fn functions() -> Vec<Function> {
    BUILT_IN.lines().filter_map(built_in).collect()
}

fn built_in(line: &str) -> Option<Function> {
    let mut words = line.split(' ');
    let mut word = || words.next();
    let (module, function, apis) = (word()?, word()?, word()?);
    let (feature, writes) = (word()?, word()?);
    let api = |letter: &u8| match letter {
        b'u' => Api::Uapi,
        b'2' => Api::Api2,
        _ => Api::Whm,
    };
    Some(Function {
        module: module.to_owned(),
        function: function.to_owned(),
        apis: apis.as_bytes().iter().map(api).collect(),
        feature: Some(feature).filter(|feature| *feature != "-").map(ToOwned::to_owned),
        writes: writes != "r",
    })
}

/// What becomes of a request that no route names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unlisted {
    /// Only tokens with full access that may write pass.
    Full,
    /// Every token is refused.
    Deny,
}

impl FromValue for Unlisted {
    fn from_value(value: Value) -> Result<Self, Error> {
        match String::from_value(value)?.as_str() {
            "full" => Ok(Unlisted::Full),
            "deny" => Ok(Unlisted::Deny),
            _ => Err(not_among("`full` or `deny`")),
        }
    }
}
deserialize_by_value!(Unlisted);

/// The functions and routes that a host knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Catalogue {
    /// The functions; the built-in ones if omitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub functions: Option<Vec<Function>>,
    /// The routes.
    pub routes: Vec<Route>,
    /// What becomes of a request that no route names. If omitted, [`Unlisted::Full`]; without routes a request that
    /// reads by its method then passes as reading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Unlisted>,
}

impl From<Vec<Function>> for Catalogue {
    fn from(functions: Vec<Function>) -> Self {
        Catalogue {
            functions: Some(functions),
            ..Catalogue::default()
        }
    }
}

/// The route that decides on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decisive<'c> {
    /// None: two servers could read the method or the path differently.
    Doubtful,
    /// None: the query has a token.
    Exposed,
    /// None: no route names the path, or none of its shape the method.
    Unlisted,
    /// A route.
    Route {
        /// Its index in the catalogue.
        at: usize,
        /// The route.
        route: &'c Route,
        /// Whether the path is the route's only for servers that ignore the case of letters, needless escapes or a slash at
        /// the end.
        near: bool,
    },
}

impl Catalogue {
    /// Returns what names the route that decides on a request, by its method and target, to explain a verdict or a catalogue.
    /// What becomes of the request is for [`verify`](crate::verify) or [`TokenTable`](crate::TokenTable) to say.
    ///
    /// # Errors
    /// `catalogue_invalid` and `feature_invalid`, in `routes`. The functions aren't checked.
    pub fn explain<'c>(&'c self) -> Result<impl Fn(&str, &str) -> Decisive<'c>, Error> {
        let routes = Routes::new(self.routes.clone()).map_err(|error| error.under("routes"))?;
        Ok(
            move |method: &str, target: &str| match routes.find(method.as_bytes(), target.as_bytes()) {
                Named::Doubtful => Decisive::Doubtful,
                Named::Exposed => Decisive::Exposed,
                Named::Unlisted { .. } => Decisive::Unlisted,
                Named::Route { at, near, .. } => match self.routes.get(at) {
                    Some(route) => Decisive::Route { at, route, near },
                    None => Decisive::Unlisted,
                },
            },
        )
    }
}

impl FromValue for Catalogue {
    fn from_value(value: Value) -> Result<Self, Error> {
        match value {
            Value::Array(_) => Vec::from_value(value).map(|functions: Vec<Function>| functions.into()),
            Value::Object(_) => {
                let mut fields = Fields::of(value)?;
                let catalogue = Catalogue {
                    functions: fields.optional("functions"),
                    routes: fields.or("routes", Vec::new()),
                    default: fields.optional("default"),
                };
                fields.finish()?;
                Ok(catalogue)
            }
            other => Err(wrong_type("an array of functions or an object", &other)),
        }
    }
}
deserialize_by_value!(Catalogue);

/// A catalogue in which calls are looked up.
#[derive(Clone, Debug)]
pub(crate) struct CatalogueIndex {
    functions: FunctionIndex,
    routes: Routes,
    default: Option<Unlisted>,
}

impl CatalogueIndex {
    /// # Errors
    /// `catalogue_invalid` and `feature_invalid`, at the index of the function, or in `routes`.
    pub(crate) fn new(given: Option<Catalogue>) -> Result<Self, Error> {
        let Catalogue {
            functions,
            routes,
            default,
        } = given.unwrap_or_default();
        Ok(CatalogueIndex {
            functions: FunctionIndex::new(functions)?,
            routes: Routes::new(routes).map_err(|error| error.under("routes"))?,
            default,
        })
    }

    /// As [`CatalogueIndex::new`], for one call: of the built-in functions only those whose names are equal when case is
    /// ignored.
    ///
    /// # Errors
    /// As [`CatalogueIndex::new`].
    pub(crate) fn for_call(given: Option<Catalogue>, module: &str, function: &str) -> Result<Self, Error> {
        match given {
            Some(Catalogue {
                functions: None,
                routes,
                default,
            }) => Ok(CatalogueIndex {
                functions: FunctionIndex::for_call(module, function),
                ..CatalogueIndex::new(Some(Catalogue {
                    functions: Some(Vec::new()),
                    routes,
                    default,
                }))?
            }),
            None => Ok(CatalogueIndex {
                functions: FunctionIndex::for_call(module, function),
                ..CatalogueIndex::new(Some(Vec::new().into()))?
            }),
            given => CatalogueIndex::new(given),
        }
    }

    pub(crate) fn functions(&self) -> &FunctionIndex {
        &self.functions
    }

    pub(crate) fn route(&self, method: &[u8], target: &[u8]) -> Named<'_> {
        self.routes.find(method, target)
    }

    pub(crate) fn default(&self) -> Option<Unlisted> {
        self.default
    }
}

/// Functions sorted by module and name, ignoring case, for binary search.
#[derive(Clone, Debug)]
pub(crate) struct FunctionIndex(Vec<Function>);

impl FunctionIndex {
    /// Checks and sorts the given functions; without any, takes the built-in ones.
    ///
    /// # Errors
    /// `catalogue_invalid` and `feature_invalid`, at the index of the function.
    fn new(given: Option<Vec<Function>>) -> Result<Self, Error> {
        let Some(given) = given else {
            return Ok(FunctionIndex(functions()));
        };
        for (index, function) in given.iter().enumerate() {
            check(function).map_err(|error| error.under_index(index))?;
        }
        let order = sorted(given.len(), &|a, b| match (given.get(a), given.get(b)) {
            (Some(a), Some(b)) => a.compare(&b.module, &b.function),
            (a, b) => a.is_some().cmp(&b.is_some()),
        });
        let functions: Vec<Function> = order.into_iter().filter_map(|at| given.get(at).cloned()).collect();
        let clash = functions.iter().enumerate().find(|(at, one)| {
            let others = functions.iter().skip(at.saturating_add(1));
            let mut like = others.take_while(|other| other.compare(&one.module, &one.function).is_eq());
            like.any(|other| one.apis.iter().any(|api| other.apis.contains(api)))
        });
        match clash {
            None => Ok(FunctionIndex(functions)),
            Some((_, function)) => Err(invalid(format!(
                "the function `{}::{}` is listed twice for one API, perhaps in another case",
                function.module, function.function
            ))),
        }
    }

    /// Of the built-in functions those whose names are equal when case is ignored.
    fn for_call(module: &str, function: &str) -> Self {
        let alike = |line: &&str| {
            let mut words = line.split(' ');
            let mut is = |name: &str| words.next().is_some_and(|word| word.eq_ignore_ascii_case(name));
            is(module) && is(function)
        };
        FunctionIndex(BUILT_IN.lines().filter(alike).filter_map(built_in).collect())
    }

    /// Finds a function by its exact name and API.
    pub(crate) fn find(&self, api: Api, module: &str, function: &str) -> Option<&Function> {
        let mut alike = self.alike(module, function).filter(|f| f.apis.contains(&api));
        alike.find(|f| f.module == module && f.function == function)
    }

    /// The feature of a function whose name differs only in case, or that belongs to another API: a server might run
    /// that function.
    pub(crate) fn resembling(&self, api: Api, module: &str, function: &str) -> Option<&str> {
        let alike = || self.alike(module, function);
        let of_the_api = alike().filter(|f| f.apis.contains(&api));
        of_the_api.chain(alike()).find_map(|f| f.feature.as_deref())
    }

    fn alike(&self, module: &str, function: &str) -> impl Iterator<Item = &Function> {
        let first = self.0.partition_point(|f| f.compare(module, function).is_lt());
        let from = self.0.iter().skip(first);
        from.take_while(move |f| f.compare(module, function).is_eq())
    }
}

impl Function {
    /// Compares its names with others, ignoring ASCII case.
    fn compare(&self, module: &str, function: &str) -> Ordering {
        let modules = folded(&self.module).cmp(folded(module));
        modules.then_with(|| folded(&self.function).cmp(folded(function)))
    }
}

/// The bytes of a name with ASCII letters in lower case.
fn folded(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().map(|byte| byte.to_ascii_lowercase())
}

fn invalid(message: impl Into<alloc::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorCode::CatalogueInvalid, message)
}

fn check(function: &Function) -> Result<(), Error> {
    if function.module.is_empty() || function.function.is_empty() {
        return Err(invalid("a function needs a module and a name"));
    }
    if function.apis.is_empty() || function.apis.contains(&Api::Api1) {
        return Err(invalid("a function needs one or more of the APIs `uapi`, `api2` and `whm`").under("apis"));
    }
    match &function.feature {
        Some(feature) if !is_feature(feature) => Err(Error::at(ErrorCode::FeatureInvalid, "feature", FEATURE_RULE)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::rights::TOKENS_FEATURE;

    #[test]
    fn built_in_functions_are_valid_and_sorted() {
        let functions = functions();
        assert_eq!(functions.len(), BUILT_IN.lines().count());
        for line in BUILT_IN.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            assert!(
                matches!(words.as_slice(), [_, _, "u" | "2" | "u2" | "w", _, "r" | "w"]),
                "{line}"
            );
        }
        for (a, b) in functions.iter().zip(functions.iter().skip(1)) {
            assert!(a.compare(&b.module, &b.function).is_lt(), "{a:?} {b:?}");
        }
        assert!(functions.iter().all(|function| check(function).is_ok()));
        for function in &functions {
            let ours = function.module == "Tokens" || function.function.starts_with("api_token_");
            assert_eq!(
                function.feature.as_deref() == Some(TOKENS_FEATURE),
                ours,
                "{function:?}"
            );
            assert_eq!(function.module == "whm", function.apis == [Api::Whm], "{function:?}");
        }
        let writes = |name: &str| functions.iter().find(|one| one.function == name).map(|one| one.writes);
        assert_eq!((writes("list_pops"), writes("add_pop")), (Some(false), Some(true)));
    }

    #[test]
    fn the_decisive_route_is_named() -> Result<(), Error> {
        let route = |method: &str, path: &str| Route {
            method: method.into(),
            path: path.into(),
            ..Route::default()
        };
        let catalogue = Catalogue {
            routes: Vec::from([route("GET", "/a/{x}"), route("*", "/a/b"), route("get", "/")]),
            ..Catalogue::default()
        };
        assert_eq!(
            catalogue.explain().err().and_then(|error| error.field.clone()),
            Some("routes[2].method".into())
        );
        let catalogue = Catalogue {
            routes: catalogue.routes.into_iter().take(2).collect(),
            ..Catalogue::default()
        };
        let decisive = catalogue.explain()?;
        let explain = |method: &str, path: &str| match decisive(method, path) {
            Decisive::Doubtful => "doubtful".into(),
            Decisive::Exposed => "exposed".into(),
            Decisive::Unlisted => "unlisted".into(),
            Decisive::Route { at, route, near } => format!("{at} {} {near}", route.path),
        };
        assert_eq!(explain("HEAD", "/a/c?d"), "0 /a/{x} false");
        assert_eq!(explain("PUT", "/a/b"), "1 /a/b false");
        assert_eq!(explain("GET", "/a/B"), "1 /a/b true");
        assert_eq!(explain("PUT", "/a/c"), "unlisted");
        assert_eq!(explain("PUT", "/a/../b"), "doubtful");
        Ok(())
    }

    #[test]
    fn every_built_in_function_is_found() {
        let functions = functions();
        let whole = FunctionIndex(functions.clone());
        for function in &functions {
            let catalogue = FunctionIndex::for_call(&function.module, &function.function.to_ascii_uppercase());
            assert!(catalogue.0.len() < 3);
            assert!(function.apis.iter().all(|api| {
                let find =
                    |catalogue: &FunctionIndex| catalogue.find(*api, &function.module, &function.function).cloned();
                find(&catalogue) == find(&whole)
            }));
            for api in &function.apis {
                let find = |module: &str, name: &str| catalogue.find(*api, module, name);
                assert_eq!(find(&function.module, &function.function), Some(function));
                let (module, name) = (
                    function.module.to_ascii_uppercase(),
                    function.function.to_ascii_uppercase(),
                );
                assert_eq!(find(&module, &name), None);
                assert_eq!(catalogue.resembling(*api, &module, &name), function.feature.as_deref());
            }
        }
    }
}
