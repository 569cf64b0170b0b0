//! Routes for the operations of a document. Where the document leaves a doubt, the route is for full tokens only.

use tokenlatch::core::Route;

use super::super::shape::Shape;
use super::document::{Document, Operation};
use super::features::{FeatureBy, Features, named};
use super::groups::{Draft, Groups, Routes, Written};
use super::operations::{Served, operations, security};
use super::route_fault::route_fault;
use super::template::route_path;

/// Whether a method only reads. Every other one may write.
fn reads(method: &str) -> bool {
    matches!(method, "GET" | "HEAD")
}

/// What a document became.
pub struct Converted {
    pub routes: Vec<Written>,
    /// What isn't in the routes, or isn't as in the document.
    pub notes: Vec<String>,
    pub operations: usize,
    pub left_out: usize,
    pub conflicts: usize,
    pub wider: usize,
}

/// Converts a document.
///
/// # Errors
/// What can't be read in it.
pub fn convert(document: &Document, by: FeatureBy, base: Option<&str>) -> Result<Converted, String> {
    let served = operations(document, base)?;
    let names: Vec<Result<String, String>> = served
        .iter()
        .map(|one| named(document, one.operation, one.template, by))
        .collect();
    let features = Features::of(names.iter().filter_map(|name| name.as_deref().ok()));
    let mut notes: Vec<String> = features
        .changed()
        .map(|(name, feature)| format!("the feature for `{}` is `{feature}`", name.escape_debug()))
        .chain(
            features
                .faults()
                .map(|(name, fault)| format!("no feature for `{}`: it {fault}", name.escape_debug())),
        )
        .collect();
    let mut groups = Groups::default();
    let mut left_out = 0;
    for (one, name) in served.iter().zip(names) {
        let feature = name.and_then(|name| features.get(&name));
        match draft(document, one, feature) {
            Ok(draft) => groups.add(draft),
            Err(fault) => {
                left_out += 1;
                notes.push(format!("{} is left out: {fault}", title(one)));
            }
        }
    }
    let Routes {
        routes,
        conflicts,
        wider,
    } = groups.routes();
    for written in &routes {
        let Route { method, path, .. } = &written.route;
        notes.extend(written.notes.iter().map(|note| format!("{method} {path}: {note}")));
    }
    Ok(Converted {
        routes,
        notes,
        operations: served.len(),
        left_out,
        conflicts,
        wider,
    })
}

fn title(one: &Served<'_>) -> String {
    format!("{} {}", one.method, one.template.escape_debug())
}

fn draft(document: &Document, one: &Served<'_>, feature: Result<String, String>) -> Result<Draft, String> {
    let said = route_path(&one.base, one.template)?;
    let mut notes = Vec::new();
    let (feature, reason) = match (feature, &one.elsewhere) {
        (_, Some(host)) => {
            notes.push(format!(
                "for full tokens only: the document has it at {}",
                host.escape_debug()
            ));
            (None, None)
        }
        (Ok(feature), None) => (Some(feature), None),
        (Err(reason), None) => (None, Some(reason)),
    };
    // HEAD is judged as GET.
    let method = if one.method == "HEAD" { "GET" } else { one.method };
    let wider = match one.method {
        "HEAD" => Some("HEAD is judged as GET, which the document doesn't have".to_owned()),
        _ => said.wider.map(ToOwned::to_owned),
    };
    let draft = Draft {
        method,
        shape: Shape::of(&said.path),
        widths: said.widths,
        path: said.path,
        feature,
        reason,
        writes: !reads(one.method),
        wider,
        name: title(one),
        about: about(one.operation),
        notes,
        open: security(document, one.operation).is_some_and(<[_]>::is_empty),
    };
    match route_fault(&Route {
        method: method.to_owned(),
        path: draft.path.clone(),
        ..Route::default()
    }) {
        None => Ok(draft),
        Some(fault) => Err(format!("no route can have its path: {fault}")),
    }
}

fn about(operation: &Operation) -> Option<String> {
    match (&operation.id, &operation.summary) {
        (Some(id), Some(summary)) => Some(format!("{id}: {summary}")),
        (Some(one), None) | (None, Some(one)) => Some(one.clone()),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use tokenlatch::core::{Catalogue, Decisive};

    use super::super::document::Document;
    use super::super::features::FeatureBy;
    use super::convert;

    /// How many texts a segment of a template has: a literal one, a part some, a parameter all, a rest more than one segment.
    fn rank(segment: &str) -> usize {
        match segment {
            "{p}.json" => 1,
            "{p}" => 2,
            "{p+}" => 3,
            _ => 0,
        }
    }

    fn matches(template: &[&str], path: &[&str]) -> bool {
        let rest = template.last() == Some(&"{p+}");
        let one = |(segment, text): (&&str, &&str)| match *segment {
            "{p}.json" => text.ends_with(".json"),
            segment => segment.starts_with('{') || segment == *text,
        };
        let length = if rest {
            path.len() >= template.len()
        } else {
            path.len() == template.len()
        };
        length && template.iter().zip(path).all(one)
    }

    /// Whether a template is more specific than another that matches the same path.
    fn is_below(one: &[&str], other: &[&str]) -> bool {
        let pairs = one.iter().zip(other);
        one != other && one.len() >= other.len() && pairs.into_iter().all(|(one, other)| rank(one) <= rank(other))
    }

    #[test]
    fn no_request_is_judged_by_the_feature_of_another_operation() {
        let mut state = 1_u64;
        let mut draw = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from((state >> 33) % below).unwrap()
        };
        let texts = ["a", "b", "c", "a.json", "c.json"];
        let mut paths: Vec<Vec<&str>> = texts.iter().map(|text| vec![*text]).collect();
        for at in 0..30 {
            let longer = texts
                .iter()
                .map(|text| [&paths[at][..], &[*text]].concat())
                .collect::<Vec<_>>();
            paths.extend(longer);
        }
        let (mut opened, mut withheld) = (0, 0);
        for _ in 0..300 {
            let mut operations: Vec<(Vec<&str>, &str)> = Vec::new();
            let mut text = String::from("openapi: 3.1.0\npaths:\n");
            for _ in 0..2 + draw(4) {
                let mut template: Vec<&str> = (0..1 + draw(3))
                    .map(|_| ["a", "b", "{p}", "{p}.json"][draw(4)])
                    .collect();
                if draw(6) == 0 {
                    template.push("{p+}");
                }
                if operations.iter().all(|(known, _)| *known != template) {
                    let feature = ["f", "g"][draw(2)];
                    text += &format!("  '/{}': {{get: {{tags: [{feature}]}}}}\n", template.join("/"));
                    operations.push((template, feature));
                }
            }
            let converted = convert(&Document::parse("yaml", &text).unwrap(), FeatureBy::Tag, None).unwrap();
            let catalogue = Catalogue {
                routes: converted.routes.into_iter().map(|written| written.route).collect(),
                ..Catalogue::default()
            };
            let decisive = catalogue.explain().unwrap();
            for path in &paths {
                let target = format!("/{}", path.join("/"));
                let Decisive::Route { route, .. } = decisive("GET", &target) else {
                    continue;
                };
                let Some(feature) = route.feature.as_deref() else {
                    withheld += 1;
                    continue;
                };
                opened += 1;
                let found: Vec<_> = operations
                    .iter()
                    .filter(|(template, _)| matches(template, path))
                    .collect();
                let lowest = found
                    .iter()
                    .filter(|(one, _)| !found.iter().any(|(other, _)| is_below(other, one)));
                let features: Vec<&str> = lowest.map(|(_, feature)| *feature).collect();
                assert!(
                    !features.is_empty() && features.iter().all(|one| *one == feature),
                    "{target}: {features:?}\n{text}"
                );
            }
        }
        assert!(opened > 1_000 && withheld > 1_000, "{opened} {withheld}");
    }
}
