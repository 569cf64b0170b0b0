//! Routes for the operations of a document. Where the document leaves a doubt, the route is for full tokens only.

use std::collections::HashMap;

use tokenlatch::core::{Catalogue, Route};

use super::super::shape::Shape;
use super::document::{Document, Operation};
use super::features::{FeatureBy, Features, named};
use super::operations::{Served, operations, security};
use super::template::route_path;

/// Whether a method only reads. Every other one may write.
fn reads(method: &str) -> bool {
    matches!(method, "GET" | "HEAD")
}

/// A route, and what is to be said about it.
#[derive(Debug)]
pub struct Written {
    pub route: Route,
    /// The operations that it is for, in the document's words.
    pub operations: Vec<String>,
    /// Why it isn't what the document says.
    pub notes: Vec<String>,
    /// Why it has no feature, if that is what the document says.
    pub reason: Option<String>,
    /// Whether the document lets everyone use it.
    pub open: bool,
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

/// One operation as a route would have it.
struct Draft {
    method: &'static str,
    path: String,
    shape: Shape,
    feature: Option<String>,
    /// Why there is no feature.
    reason: Option<String>,
    writes: bool,
    /// Why the route has requests that the operation doesn't have.
    wider: Option<String>,
    /// `GET /orders/{id}` as the document has it.
    name: String,
    about: Option<String>,
    notes: Vec<String>,
    open: bool,
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
    let (routes, conflicts, wider) = groups.routes();
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
    match fault(&Route {
        method: method.to_owned(),
        path: draft.path.clone(),
        ..Route::default()
    }) {
        None => Ok(draft),
        Some(fault) => Err(format!("no route can have its path: {fault}")),
    }
}

/// Why the core refuses a route, if it does.
pub fn fault(route: &Route) -> Option<String> {
    let catalogue = Catalogue {
        routes: vec![route.clone()],
        ..Catalogue::default()
    };
    catalogue.explain().err().map(|error| error.message.to_string())
}

fn about(operation: &Operation) -> Option<String> {
    match (&operation.id, &operation.summary) {
        (Some(id), Some(summary)) => Some(format!("{id}: {summary}")),
        (Some(one), None) | (None, Some(one)) => Some(one.clone()),
        (None, None) => None,
    }
}

/// Operations by method and shape, in the order of the document.
#[derive(Default)]
struct Groups {
    groups: Vec<Vec<Draft>>,
    places: HashMap<(String, Shape), usize>,
}

impl Groups {
    fn add(&mut self, draft: Draft) {
        let key = (draft.method.to_owned(), draft.shape.clone());
        match self.places.get(&key).and_then(|place| self.groups.get_mut(*place)) {
            Some(group) => group.push(draft),
            None => {
                self.places.insert(key, self.groups.len());
                self.groups.push(vec![draft]);
            }
        }
    }

    /// The routes, the number of conflicts, and the number of routes that are wider than their operations.
    fn routes(self) -> (Vec<Written>, usize, usize) {
        // What takes the rest of a path may be served where one segment follows, too.
        let rivals: Vec<(usize, usize)> = self
            .groups
            .iter()
            .enumerate()
            .filter_map(|(at, group)| {
                let one = group.first()?;
                let narrow = self
                    .places
                    .get(&(one.method.to_owned(), one.shape.with_one_segment()?))?;
                Some((*narrow, at))
            })
            .collect();
        let mut conflicts = 0;
        let mut wider = 0;
        let mut routes: Vec<(Shape, Written)> = Vec::with_capacity(self.groups.len());
        for (at, group) in self.groups.iter().enumerate() {
            let others = rivals.iter().filter(|(narrow, _)| *narrow == at);
            let others = others.filter_map(|(_, rest)| self.groups.get(*rest));
            let all: Vec<&Draft> = group.iter().chain(others.flatten()).collect();
            let Some(first) = group.first() else { continue };
            let exact = group.iter().any(|one| one.wider.is_none());
            let agree = all
                .iter()
                .all(|one| one.feature == first.feature && one.writes == first.writes);
            let mut notes: Vec<String> = group.iter().flat_map(|one| one.notes.iter().cloned()).collect();
            let (feature, writes) = match (exact, agree) {
                (true, true) => (first.feature.clone(), first.writes),
                (true, false) => {
                    conflicts += 1;
                    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
                    notes.push(format!(
                        "for full tokens only: {} differ in their features",
                        names.join(" and ")
                    ));
                    (None, all.iter().any(|one| one.writes))
                }
                // No wider than what no route names.
                (false, _) => {
                    wider += 1;
                    let why = first.wider.as_deref().unwrap_or_default();
                    notes.push(format!(
                        "as if no route named it, for it is wider than {}: {why}",
                        first.name
                    ));
                    (None, true)
                }
            };
            let about = |one: &Draft| match &one.about {
                Some(about) => format!("{}: {about}", one.name),
                None => one.name.clone(),
            };
            routes.push((
                first.shape.clone(),
                Written {
                    route: Route {
                        method: first.method.to_owned(),
                        path: first.path.clone(),
                        feature,
                        writes,
                        public: false,
                    },
                    operations: group.iter().map(about).collect(),
                    open: exact && group.iter().all(|one| one.open),
                    reason: first.reason.clone().filter(|_| exact && agree),
                    notes,
                },
            ));
        }
        let ambiguous = ambiguous(&routes, &self.places);
        conflicts += ambiguous.len();
        let routes = routes
            .into_iter()
            .map(|(_, written)| written)
            .chain(ambiguous)
            .collect();
        (routes, conflicts, wider)
    }
}

/// Routes for the paths that two templates have in common where neither is the more specific, such as `/a/b/c` for
/// `/a/{x}/c` and `/a/b/{y}`: servers differ in which they choose.
fn ambiguous(routes: &[(Shape, Written)], places: &HashMap<(String, Shape), usize>) -> Vec<Written> {
    let mut found: HashMap<(String, Shape), usize> = HashMap::new();
    let mut added: Vec<Written> = Vec::new();
    for (at, (shape, one)) in routes.iter().enumerate() {
        for (other_shape, other) in routes.get(at + 1..).unwrap_or_default() {
            let same = |a: &Route, b: &Route| a.feature == b.feature && a.writes == b.writes;
            if one.route.method != other.route.method || same(&one.route, &other.route) {
                continue;
            }
            let Some(common) = shape
                .common(other_shape)
                .filter(|common| common != shape && common != other_shape)
            else {
                continue;
            };
            let key = (one.route.method.clone(), common);
            if places.contains_key(&key) {
                continue;
            }
            let note = format!(
                "for full tokens only: servers may take it for {} or for {}",
                one.route.path, other.route.path
            );
            let writes = one.route.writes || other.route.writes;
            if let Some(known) = found.get(&key).and_then(|known| added.get_mut(*known)) {
                known.notes.push(note);
                known.route.writes |= writes;
                continue;
            }
            added.push(Written {
                route: Route {
                    method: key.0.clone(),
                    path: key.1.path(|at| format!("{{p{at}}}"), "{*rest}"),
                    feature: None,
                    writes,
                    public: false,
                },
                operations: Vec::new(),
                notes: vec![note],
                reason: None,
                open: false,
            });
            found.insert(key, added.len() - 1);
        }
    }
    added
}
