//! The operations of a document, each with the path that it is served at.

use super::document::{Document, Operation, Ordered, PathItem, Requirement, Server};
use super::template::literal;

/// The most references from path item to path item.
const MAX_REFERENCES: usize = 16;

/// An operation at a path.
pub struct Served<'d> {
    pub method: &'static str,
    /// The path's template.
    pub template: &'d str,
    pub operation: &'d Operation,
    /// The path that the template is under.
    pub base: String,
    /// Another host that serves it.
    pub elsewhere: Option<String>,
}

/// Where a server offers an API.
struct Place {
    /// `None` for the host of the document.
    host: Option<String>,
    base: String,
}

/// The operations of a document, under the base path of its first server, or under the given one.
///
/// # Errors
/// A reference that can't be followed; a server without a definite path.
pub fn operations<'d>(document: &'d Document, base: Option<&str>) -> Result<Vec<Served<'d>>, String> {
    let usual = match (base, document.servers.first()) {
        (Some(base), _) => Place {
            host: None,
            base: base.to_owned(),
        },
        (None, Some(server)) => place(server)?,
        (None, None) => Place {
            host: None,
            base: String::new(),
        },
    };
    let mut found = Vec::new();
    for (template, item) in &document.paths.0.0 {
        for item in with_referenced(document, template, item)? {
            for (method, operation) in item.operations() {
                if operation.reference.is_some() {
                    return Err(format!(
                        "`{method} {}` is a reference; OpenAPI has references to whole paths only",
                        template.escape_debug()
                    ));
                }
                let own = operation.servers.as_deref().or(item.servers.as_deref());
                let own = match own.and_then(|servers| servers.first()) {
                    Some(server) if base.is_none() => Some(place(server)?),
                    _ => None,
                };
                let elsewhere = own
                    .as_ref()
                    .and_then(|own| own.host.clone())
                    .filter(|host| usual.host.as_ref() != Some(host));
                found.push(Served {
                    method,
                    template,
                    operation,
                    base: own.map_or_else(|| usual.base.clone(), |own| own.base),
                    elsewhere,
                });
            }
        }
    }
    Ok(found)
}

/// A path item, and those that it refers to.
fn with_referenced<'d>(document: &'d Document, path: &str, item: &'d PathItem) -> Result<Vec<&'d PathItem>, String> {
    let mut items = vec![item];
    let mut reference = item.reference.as_deref();
    while let Some(text) = reference {
        let refers = || format!("`{}` refers to `{}`", path.escape_debug(), text.escape_debug());
        let Some(pointer) = text.strip_prefix('#') else {
            return Err(format!(
                "{}, outside the document; bundle the documents into one first",
                refers()
            ));
        };
        if items.len() > MAX_REFERENCES {
            return Err(format!("{} by way of more than {MAX_REFERENCES} others", refers()));
        }
        let item =
            referenced(document, pointer).ok_or_else(|| format!("{}, and there is no such path item", refers()))?;
        items.push(item);
        reference = item.reference.as_deref();
    }
    Ok(items)
}

/// The path item at a JSON pointer (RFC 6901, 6) under `/paths` or `/components/pathItems`.
fn referenced<'d>(document: &'d Document, pointer: &str) -> Option<&'d PathItem> {
    let pointer = percent_encoding::percent_decode_str(pointer).decode_utf8().ok()?;
    let named = |under: &str, items: &'d Ordered<PathItem>| {
        let key = pointer.strip_prefix(under).filter(|key| !key.contains('/'))?;
        items.get(&key.replace("~1", "/").replace("~0", "~"))
    };
    named("/paths/", &document.paths.0).or_else(|| named("/components/pathItems/", &document.components.path_items))
}

fn place(server: &Server) -> Result<Place, String> {
    let url = with_defaults(server);
    let named = || format!("the server `{}`", server.url.escape_debug());
    let after_scheme = url
        .split_once("://")
        .map(|(_, rest)| rest)
        .or_else(|| url.strip_prefix("//"));
    let (host, path) = match after_scheme {
        Some(rest) => {
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            (
                rest.get(..end).map(str::to_ascii_lowercase),
                rest.get(end..).unwrap_or_default(),
            )
        }
        None => (None, url.as_str()),
    };
    base_path(path)
        .map(|base| Place { host, base })
        .map_err(|fault| format!("{}: {fault}; give the path by `--base`", named()))
}

fn with_defaults(server: &Server) -> String {
    let mut url = server.url.clone();
    for (name, variable) in &server.variables.0 {
        if let Some(default) = &variable.default {
            url = url.replace(&format!("{{{name}}}"), default);
        }
    }
    url
}

/// A base path without a slash at its end, from what follows the host.
///
/// # Errors
/// Why it isn't definite.
pub fn base_path(text: &str) -> Result<String, &'static str> {
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let path = path.strip_prefix("./").unwrap_or(path).trim_matches('/');
    if path.contains(['{', '}']) {
        return Err("its path has a variable without a default");
    }
    let mut base = String::new();
    for segment in path.split('/').filter(|_| !path.is_empty()) {
        if matches!(segment, "" | "." | "..") {
            return Err("its path has an empty segment or one of dots");
        }
        base.push('/');
        base += &literal(segment)?;
    }
    Ok(base)
}

/// What an operation requires of the client: its own requirements, or the document's.
pub fn security<'d>(document: &'d Document, operation: &'d Operation) -> Option<&'d [Requirement]> {
    operation.security.as_deref().or(document.security.as_deref())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use super::super::document::Document;
    use super::{base_path, operations};

    fn read(text: &str, base: Option<&str>) -> Result<Vec<String>, String> {
        let document = Document::parse("yaml", &format!("openapi: 3.1.0\n{text}")).unwrap();
        let found = operations(&document, base)?;
        let line = |one: &super::Served<'_>| {
            let host = one.elsewhere.as_deref().unwrap_or_default();
            format!("{host} {} {}{}", one.method, one.base, one.template)
        };
        Ok(found.iter().map(|one| line(one).trim_start().to_owned()).collect())
    }

    #[test]
    fn base_is_the_path_of_the_first_server() {
        let item = "paths: {/a: {get: {}}}\n";
        for (servers, expected) in [
            ("", "GET /a"),
            ("servers: []\n", "GET /a"),
            ("servers: [{url: 'https://api.example.com'}]\n", "GET /a"),
            (
                "servers: [{url: 'https://api.example.com/v1/'}, {url: /v2}]\n",
                "GET /v1/a",
            ),
            ("servers: [{url: '//h/v1?x=/y'}]\n", "GET /v1/a"),
            ("servers: [{url: v1/x}]\n", "GET /v1/x/a"),
            (
                "servers: [{url: 'https://{host}/{version}', variables: {host: {default: h}, version: {default: v3}}}]\n",
                "GET /v3/a",
            ),
        ] {
            assert_eq!(
                read(&format!("{servers}{item}"), None).unwrap(),
                [expected],
                "{servers}"
            );
        }
        let variable = format!("servers: [{{url: '/{{v}}'}}]\n{item}");
        assert!(read(&variable, None).unwrap_err().contains("--base"));
        assert_eq!(read(&variable, Some("/x")).unwrap(), ["GET /x/a"]);
        assert!(base_path("/a/../b").is_err() && base_path("/a//b").is_err());
    }

    #[test]
    fn own_servers_of_an_operation_are_told() {
        let text = "servers: [{url: 'https://h/v1'}]\npaths:\n  /a:\n    get: {servers: [{url: 'https://up.h/x'}]}\n    \
                    put: {servers: [{url: 'https://H/v2'}]}\n    post: {}\n";
        let found = read(text, None).unwrap();
        assert_eq!(found, ["up.h GET /x/a", "POST /v1/a", "PUT /v2/a"]);
    }

    #[test]
    fn path_items_are_resolved_within_the_document_only() {
        let text = "paths:\n  /a: {$ref: '#/paths/~1b~1%7Bc%7D'}\n  /b/{c}: {$ref: '#/components/pathItems/x', put: {}}\n\
                    components:\n  pathItems:\n    x: {get: {}}\n";
        assert_eq!(
            read(text, None).unwrap(),
            ["PUT /a", "GET /a", "PUT /b/{c}", "GET /b/{c}"]
        );
        for (reference, fault) in [
            ("other.yaml#/x", "outside the document"),
            ("https://example.com/x", "outside the document"),
            ("#/components/pathItems/none", "no such path item"),
            ("#/components/schemas/x", "no such path item"),
            ("#/paths/~1a", "by way of"),
        ] {
            let text = format!("paths: {{/a: {{$ref: '{reference}'}}}}\n");
            assert!(read(&text, None).unwrap_err().contains(fault), "{reference}");
        }
        assert!(
            read("paths: {/a: {get: {$ref: '#/x'}}}\n", None)
                .unwrap_err()
                .contains("GET /a")
        );
    }
}
