//! The parts of an OpenAPI document, 3.0 or 3.1, that say which requests there are and who may send them. Everything else is
//! skipped while it is read, so that a large document takes little memory.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

/// The most nodes of a YAML document. A file of the largest size has fewer, unless aliases repeat them. The parser's own
/// limits hold for the rest, such as 64 levels.
const MAX_NODES: usize = 16_000_000;

/// The most that aliases may repeat. Documents seldom have any.
const MAX_REPEATED: usize = 200_000;

/// A document.
#[derive(Deserialize)]
pub struct Document {
    openapi: Option<String>,
    swagger: Option<String>,
    #[serde(default)]
    pub info: Info,
    #[serde(default, deserialize_with = "or_default")]
    pub servers: Vec<Server>,
    pub security: Option<Vec<Requirement>>,
    #[serde(default, deserialize_with = "or_default")]
    pub paths: Paths,
    #[serde(default, deserialize_with = "or_default")]
    pub components: Components,
}

#[derive(Default, Deserialize)]
pub struct Info {
    #[serde(default)]
    pub title: String,
    #[serde(default)]
    pub version: String,
}

#[derive(Default, Deserialize)]
pub struct Components {
    #[serde(default, rename = "pathItems", deserialize_with = "or_default")]
    pub path_items: Ordered<PathItem>,
}

/// A server that offers the API.
#[derive(Deserialize)]
pub struct Server {
    pub url: String,
    #[serde(default, deserialize_with = "or_default")]
    pub variables: Ordered<Variable>,
}

#[derive(Deserialize)]
pub struct Variable {
    pub default: Option<String>,
}

/// Schemes of which all are needed, each with its scopes.
pub type Requirement = Ordered<Option<Vec<String>>>;

/// What one path offers.
#[derive(Default, Deserialize)]
pub struct PathItem {
    #[serde(rename = "$ref")]
    pub reference: Option<String>,
    pub servers: Option<Vec<Server>>,
    get: Option<Operation>,
    put: Option<Operation>,
    post: Option<Operation>,
    delete: Option<Operation>,
    options: Option<Operation>,
    head: Option<Operation>,
    patch: Option<Operation>,
    trace: Option<Operation>,
}

/// An operation of a path.
#[derive(Deserialize)]
pub struct Operation {
    #[serde(rename = "$ref")]
    pub reference: Option<String>,
    #[serde(rename = "operationId")]
    pub id: Option<String>,
    pub summary: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub tags: Vec<String>,
    pub security: Option<Vec<Requirement>>,
    pub servers: Option<Vec<Server>>,
}

impl PathItem {
    /// The operations, with their methods.
    pub fn operations(&self) -> impl Iterator<Item = (&'static str, &Operation)> {
        [
            ("GET", &self.get),
            ("HEAD", &self.head),
            ("POST", &self.post),
            ("PUT", &self.put),
            ("PATCH", &self.patch),
            ("DELETE", &self.delete),
            ("OPTIONS", &self.options),
            ("TRACE", &self.trace),
        ]
        .into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
    }
}

impl Document {
    /// Reads a document whose file name ends in `extension`.
    ///
    /// # Errors
    /// Why it can't be read, in words that follow a colon.
    pub fn parse(extension: &str, text: &str) -> Result<Document, String> {
        let document: Document = match extension {
            "json" => serde_json::from_str(text).map_err(|error| error.to_string())?,
            "yaml" | "yml" => {
                serde_saphyr::from_str_with_options(text, options()).map_err(|error| first_line(&error))?
            }
            _ => return Err("its name must end in `.json`, `.yaml` or `.yml`".to_owned()),
        };
        document.check_version()?;
        Ok(document)
    }

    fn check_version(&self) -> Result<(), String> {
        if let Some(version) = &self.swagger {
            let version = version.escape_debug();
            return Err(format!(
                "it is Swagger {version}; convert it to OpenAPI 3.0 or 3.1 first"
            ));
        }
        let version = self.version();
        let known =
            |minor: &str| version == minor || version.strip_prefix(minor).is_some_and(|end| end.starts_with('.'));
        match known("3.0") || known("3.1") {
            true => Ok(()),
            false if version.is_empty() => Err("it is not an OpenAPI document: it has no `openapi`".to_owned()),
            false => Err(format!(
                "it is OpenAPI {}; 3.0 and 3.1 can be read",
                version.escape_debug()
            )),
        }
    }

    /// The version of OpenAPI.
    pub fn version(&self) -> &str {
        self.openapi.as_deref().unwrap_or_default()
    }
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: MAX_NODES,
            max_events: 2 * MAX_NODES,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_REPEATED },
        with_snippet: false,
    }
}

/// The first line of a message, which has the place.
fn first_line(error: &serde_saphyr::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// Reads null as nothing.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// An object's entries in their order. A key that comes twice stays twice.
pub struct Ordered<T>(pub Vec<(String, T)>);

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Ordered(Vec::new())
    }
}

impl<T> Ordered<T> {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&T> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Ordered<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

/// The paths. Keys with `x-` may have any value.
#[derive(Default)]
pub struct Paths(pub Ordered<PathItem>);

impl<'de> Deserialize<'de> for Paths {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;
        impl<'de> Visitor<'de> for Items {
            type Value = Paths;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of paths")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Paths, A::Error> {
                let mut paths = Ordered::default();
                while let Some(path) = map.next_key::<String>()? {
                    if path.starts_with('/') {
                        let item: Option<PathItem> = map.next_value()?;
                        paths.0.push((path, item.unwrap_or_default()));
                    } else if path.starts_with("x-") {
                        map.next_value::<IgnoredAny>()?;
                    } else {
                        return Err(A::Error::custom(format_args!(
                            "the path `{}` doesn't start with `/`",
                            path.escape_debug()
                        )));
                    }
                }
                Ok(Paths(paths))
            }
        }
        deserializer.deserialize_map(Items)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use super::Document;

    fn fault(extension: &str, text: &str) -> String {
        Document::parse(extension, text).err().unwrap()
    }

    #[test]
    fn versions_other_than_3_0_and_3_1_are_refused() {
        for version in ["3.0.0", "3.0.4", "3.1.0", "3.1", "3.0.0-rc1"] {
            let text = format!("openapi: '{version}'\npaths: {{}}\n");
            assert!(Document::parse("yaml", &text).is_ok(), "{version}");
        }
        for version in ["3.2.0", "3.10.0", "2.0", "4"] {
            assert!(fault("yaml", &format!("openapi: '{version}'\n")).contains(version));
        }
        assert!(fault("json", r#"{"swagger":"2.0","paths":{}}"#).contains("Swagger 2.0"));
        assert!(fault("json", "{}").contains("no `openapi`"));
        assert!(fault("toml", "").contains(".yaml"));
    }

    #[test]
    fn yaml_and_json_are_read_alike_and_extensions_skipped() {
        let yaml = "openapi: 3.0.3\nx-y: [1]\npaths:\n  x-z: word\n  /a:\n    parameters: []\n    get: &get\n      \
                    tags: [t]\n      responses: {}\n    delete: *get\n  /b:\ncomponents:\n";
        let json = r#"{"openapi":"3.0.3","paths":{"/a":{"get":{"tags":["t"]},"delete":{"tags":["t"]}},"/b":null}}"#;
        for (extension, text) in [("yaml", yaml), ("json", json)] {
            let document = Document::parse(extension, text).unwrap();
            let paths = &document.paths.0;
            assert_eq!(paths.0.len(), 2, "{extension}");
            let methods: Vec<_> = paths
                .get("/a")
                .unwrap()
                .operations()
                .map(|(m, o)| (m, o.tags.len()))
                .collect();
            assert_eq!(methods, [("GET", 1), ("DELETE", 1)], "{extension}");
        }
    }

    #[test]
    fn faults_name_their_place() {
        assert!(fault("yaml", "openapi: 3.0.3\npaths:\n  /a: [\n").contains("line "));
        assert!(fault("json", "{\"openapi\":\n3}").contains("line 2"));
        assert!(fault("yaml", "openapi: 3.0.3\npaths:\n  a: {}\n").contains("`a` doesn't start with `/`"));
    }

    #[test]
    fn bombs_of_aliases_and_of_depth_are_refused() {
        let mut bomb = String::from("openapi: 3.0.3\nx-a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb += &format!("x-a{level}: &a{level} [{aliases}]\n");
        }
        bomb += "paths: {}\n";
        assert!(fault("yaml", &bomb).contains("alias"), "{}", fault("yaml", &bomb));
        let deep = format!("openapi: 3.0.3\nx-a: {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
        assert!(Document::parse("yaml", &deep).is_err());
        let block: String = (0..1_000).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
        assert!(Document::parse("yaml", &format!("x-a:\n{block}")).is_err());
        let json = format!(
            r#"{{"openapi":"3.0.3","servers":{}{}}}"#,
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert!(Document::parse("json", &json).is_err());
    }
}
