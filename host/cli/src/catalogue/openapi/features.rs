//! The features of operations, and their names.

use std::collections::BTreeMap;

use clap::ValueEnum;
use tokenlatch::core::{Function, METRICS_READ, Route, SNAPSHOT_READ, USAGE_REPORT, functions};
use tokenlatch_server::is_own_function;

use super::document::{Document, Operation, Requirement};
use super::operations::security;
use super::route_fault::route_fault;

/// What an operation's feature is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FeatureBy {
    /// Its one scope; other operations are for full tokens only
    Security,
    /// Its one tag
    Tag,
    /// The first segment of its path after the base
    Path,
}

/// The name that the document has for an operation's feature.
///
/// # Errors
/// Why an operation has no feature.
pub fn named(document: &Document, operation: &Operation, template: &str, by: FeatureBy) -> Result<String, String> {
    match by {
        FeatureBy::Security => scope(security(document, operation).unwrap_or_default()),
        FeatureBy::Tag => match operation.tags.as_slice() {
            [tag] => Ok(tag.clone()),
            [] => Err("it has no tag".to_owned()),
            tags => Err(format!("it has {} tags", tags.len())),
        },
        FeatureBy::Path => {
            let first = template.split(['/', '?', '#']).nth(1).unwrap_or_default();
            match first.is_empty() || first.contains(['{', '}']) {
                true => Err("its path doesn't start with a literal segment".to_owned()),
                false => Ok(first.to_owned()),
            }
        }
    }
}

/// The one scope that lets a client use the operation. Alternatives without scopes, such as a key, are for those who have
/// more than scopes.
fn scope(alternatives: &[Requirement]) -> Result<String, String> {
    let scopes = |requirement: &Requirement| -> Vec<String> {
        let lists = requirement.0.iter().filter_map(|(_, scopes)| scopes.as_ref());
        lists.flatten().cloned().collect()
    };
    let mut all = alternatives.iter().map(scopes).filter(|scopes| !scopes.is_empty());
    let first = all.next().unwrap_or_default();
    match (first.as_slice(), all.all(|other| other == first)) {
        ([scope], true) => Ok(scope.clone()),
        (_, false) => Err("it has a choice of scopes".to_owned()),
        ([], true) => Err("it has no scope".to_owned()),
        (scopes, true) => Err(format!("it needs {} scopes", scopes.len())),
    }
}

/// The features that names of a document become.
pub struct Features(BTreeMap<String, Result<String, String>>);

impl Features {
    /// Gives every name a feature: runs of characters that a feature can't have become one `-`. Names that become the same
    /// feature have none, because each would open what the other names; nor does a name that is a feature of the service
    /// itself.
    pub fn of<'n>(names: impl Iterator<Item = &'n str>) -> Features {
        let mut features: BTreeMap<String, Result<String, String>> =
            names.map(|name| (name.to_owned(), Ok(feature(name)))).collect();
        let mut known: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, feature) in &features {
            known
                .entry(feature.clone().unwrap_or_default())
                .or_default()
                .push(name.clone());
        }
        for (feature, names) in known {
            let fault = if names.len() > 1 {
                let names: Vec<String> = names.iter().map(|name| format!("`{}`", name.escape_debug())).collect();
                Some(format!(
                    "can't be told apart as a feature: {} would be `{feature}`",
                    names.join(" and ")
                ))
            } else if is_own(&feature) {
                Some("is the name of a feature of the service itself".to_owned())
            } else {
                unusable(&feature)
            };
            if let Some(fault) = fault {
                for name in names {
                    features.insert(name, Err(fault.clone()));
                }
            }
        }
        Features(features)
    }

    /// The feature of a name.
    ///
    /// # Errors
    /// Why it has none.
    pub fn get(&self, name: &str) -> Result<String, String> {
        let feature = self
            .0
            .get(name)
            .cloned()
            .unwrap_or_else(|| Err("is unknown".to_owned()));
        feature.map_err(|fault| format!("`{}` {fault}", name.escape_debug()))
    }

    /// The names without a feature, and why.
    pub fn faults(&self) -> impl Iterator<Item = (&str, &str)> {
        let known = self.0.iter();
        known.filter_map(|(name, feature)| Some((name.as_str(), feature.as_deref().err()?.as_str())))
    }

    /// The names that were changed, with their features.
    pub fn changed(&self) -> impl Iterator<Item = (&str, &str)> {
        let known = self
            .0
            .iter()
            .filter_map(|(name, feature)| Some((name.as_str(), feature.as_deref().ok()?)));
        known.filter(|(name, feature)| name != feature)
    }
}

fn feature(name: &str) -> String {
    let parts = name.split(|character: char| !(character.is_ascii_alphanumeric() || "-_.".contains(character)));
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    parts.join("-").trim_start_matches(['-', '_', '.']).to_owned()
}

/// Why the core doesn't take a feature, if it doesn't.
fn unusable(feature: &str) -> Option<String> {
    let fault = route_fault(&Route {
        method: "*".to_owned(),
        path: "/".to_owned(),
        feature: Some(feature.to_owned()),
        ..Route::default()
    });
    fault.map(|fault| format!("can't be a feature: {fault}"))
}

/// Whether a feature is for what the service offers itself.
fn is_own(feature: &str) -> bool {
    let machines = [METRICS_READ, SNAPSHOT_READ, USAGE_REPORT];
    let own = |function: &Function| is_own_function(&function.module, &function.function);
    machines.contains(&feature)
        || functions()
            .iter()
            .filter(|one| own(one))
            .any(|one| one.feature.as_deref() == Some(feature))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use super::super::document::Document;
    use super::super::operations::operations;
    use super::{FeatureBy, Features, named};

    /// The names of the operations of `/a/…`.
    fn names(text: &str, by: FeatureBy) -> Vec<Option<String>> {
        let document = Document::parse("yaml", &format!("openapi: 3.0.3\n{text}")).unwrap();
        let found = operations(&document, None).unwrap();
        found
            .iter()
            .map(|one| named(&document, one.operation, one.template, by).ok())
            .collect()
    }

    #[test]
    fn an_operation_with_exactly_one_scope_gets_it() {
        for (security, scope) in [
            ("[{o: [read]}]", Some("read")),
            ("[{o: [read], k: []}]", Some("read")),
            ("[{o: [read], k: }]", Some("read")),
            ("[{o: [read]}, {p: [read]}]", Some("read")),
            ("[{o: [read, write]}]", None),
            ("[{o: [read]}, {o: [write]}]", None),
            ("[{o: [read]}, {k: []}]", Some("read")),
            ("[{}, {o: [read]}]", Some("read")),
            ("[{o: [read]}, {o: [read, write]}]", None),
            ("[{k: []}]", None),
            ("[]", None),
        ] {
            let own = format!("security: [{{o: [other]}}]\npaths: {{/a: {{get: {{security: {security}}}}}}}\n");
            assert_eq!(names(&own, FeatureBy::Security), [scope.map(Into::into)], "{security}");
            let common = format!("security: {security}\npaths: {{/a: {{get: {{}}}}}}\n");
            assert_eq!(
                names(&common, FeatureBy::Security),
                [scope.map(Into::into)],
                "{security}"
            );
        }
        assert_eq!(names("paths: {/a: {get: {}}}\n", FeatureBy::Security), [None]);
    }

    #[test]
    fn an_operation_with_exactly_one_tag_or_a_literal_segment_gets_it() {
        let text = "servers: [{url: /v1}]\npaths:\n  /a/b: {get: {tags: [x]}, put: {tags: [x, y]}, post: {}}\n  \
                    /{a}/b: {get: {}}\n  /: {get: {}}\n  /v{a}: {get: {}}\n  /b?c: {get: {}}\n";
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(names(text, FeatureBy::Tag)[..3], [some("x"), None, None]);
        assert_eq!(
            names(text, FeatureBy::Path),
            [some("a"), some("a"), some("a"), None, None, None, some("b")]
        );
    }

    #[test]
    fn names_become_features_that_stay_apart() {
        let long = "x".repeat(65);
        let names = [
            "orders",
            "read:orders",
            "Pet Store",
            "https://x.example/auth/mail.read",
            "a b",
            "a:b",
            "apitokens",
            "metrics-read",
            "订单",
            "_-x",
            long.as_str(),
        ];
        let features = Features::of(names.into_iter());
        let known: Vec<_> = names.iter().map(|name| features.get(name)).collect();
        let known: Vec<_> = known.iter().map(|one| one.as_deref().unwrap_or("-")).collect();
        assert_eq!(
            known,
            [
                "orders",
                "read-orders",
                "Pet-Store",
                "https-x.example-auth-mail.read",
                "-",
                "-",
                "-",
                "-",
                "-",
                "x",
                "-"
            ]
        );
        assert!(
            features
                .get("a b")
                .unwrap_err()
                .contains("`a b` and `a:b` would be `a-b`")
        );
        assert_eq!((features.changed().count(), features.faults().count()), (4, 6));
    }
}
