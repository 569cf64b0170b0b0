//! The routes of operations that the same requests could be for.

use std::collections::HashMap;

use tokenlatch::core::Route;

use super::super::shape::Shape;
use super::template::Width;

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
    /// Whether operations differ in what it should be.
    pub conflict: bool,
}

/// One operation as a route would have it.
pub struct Draft {
    pub method: &'static str,
    pub path: String,
    pub shape: Shape,
    /// How much each segment of the template takes.
    pub widths: Vec<Width>,
    pub feature: Option<String>,
    /// Why there is no feature.
    pub reason: Option<String>,
    pub writes: bool,
    /// Why the route has requests that the operation doesn't have.
    pub wider: Option<String>,
    /// `GET /orders/{id}` as the document has it.
    pub name: String,
    pub about: Option<String>,
    pub notes: Vec<String>,
    pub open: bool,
}

impl Draft {
    /// Whether every server serves a path that both templates have by this one: no segment takes more, and not as much where
    /// the other may take more than one.
    fn is_below(&self, other: &Draft) -> bool {
        let as_long = self.widths.len() == other.widths.len();
        let fits = |(one, other): (&Width, &Width)| {
            one <= other && !(as_long && one == &Width::Whole && other == &Width::Rest)
        };
        self.widths.len() >= other.widths.len() && self.widths.iter().zip(&other.widths).all(fits)
    }

    fn rivals(&self, other: &Draft) -> bool {
        let same = self.feature == other.feature && self.writes == other.writes;
        !same && !self.is_below(other) && !other.is_below(self)
    }
}

/// Operations by method and shape, in the order of the document.
#[derive(Default)]
pub struct Groups {
    groups: Vec<Vec<Draft>>,
    places: HashMap<(String, Shape), usize>,
}

/// The routes, and how many of them aren't what the document says.
pub struct Routes {
    pub routes: Vec<Written>,
    pub conflicts: usize,
    pub wider: usize,
}

impl Groups {
    pub fn add(&mut self, draft: Draft) {
        let key = (draft.method.to_owned(), draft.shape.clone());
        match self.places.get(&key).and_then(|place| self.groups.get_mut(*place)) {
            Some(group) => group.push(draft),
            None => {
                self.places.insert(key, self.groups.len());
                self.groups.push(vec![draft]);
            }
        }
    }

    pub fn routes(self) -> Routes {
        let wider = self.groups.iter().filter(|group| !is_exact(group)).count();
        let mut routes: Vec<Written> = self.groups.iter().filter_map(|group| route(group)).collect();
        let added = self.doubts(&mut routes);
        routes.extend(added);
        let conflicts = routes.iter().filter(|written| written.conflict).count();
        Routes {
            routes,
            conflicts,
            wider,
        }
    }

    /// Takes the feature from routes for whose paths servers may choose another operation, and returns routes for the paths
    /// that two templates have in common where neither is the more specific, such as `/a/b/c` for `/a/{x}/c` and `/a/b/{y}`.
    fn doubts(&self, routes: &mut [Written]) -> Vec<Written> {
        let mut places = self.places.clone();
        let mut added: Vec<Written> = Vec::new();
        let open: Vec<bool> = routes.iter().map(|written| written.route.feature.is_some()).collect();
        let is_open = |at: usize| open.get(at).copied().unwrap_or_default();
        for (at, group) in self.groups.iter().enumerate().filter(|(at, _)| is_open(*at)) {
            let others = self.groups.iter().enumerate();
            for (other_at, other) in others.filter(|(other_at, _)| *other_at > at || !is_open(*other_at)) {
                let (Some(one), Some(two)) = (group.first(), other.first()) else {
                    continue;
                };
                if one.method != two.method || !group.iter().any(|one| other.iter().any(|two| one.rivals(two))) {
                    continue;
                }
                let Some(common) = one.shape.common(&two.shape) else {
                    continue;
                };
                let note = format!(
                    "for full tokens only: servers may take it for {} or for {}",
                    one.name, two.name
                );
                let key = (one.method.to_owned(), common);
                match places.get(&key) {
                    Some(known) => {
                        let known = match known.checked_sub(routes.len()) {
                            Some(known) => added.get_mut(known),
                            None => routes.get_mut(*known).filter(|_| *known == at || *known == other_at),
                        };
                        if let Some(known) = known {
                            known.doubt(note);
                        }
                    }
                    None => {
                        added.push(Written {
                            route: Route {
                                method: key.0.clone(),
                                path: key.1.path(|at| format!("{{p{at}}}"), "{*rest}"),
                                feature: None,
                                writes: one.writes || two.writes,
                                public: false,
                            },
                            operations: Vec::new(),
                            notes: vec![note],
                            reason: None,
                            open: false,
                            conflict: true,
                        });
                        places.insert(key, routes.len() + added.len() - 1);
                    }
                }
            }
        }
        added
    }
}

impl Written {
    fn doubt(&mut self, note: String) {
        self.route.feature = None;
        self.notes.push(note);
        self.open = false;
        self.conflict = true;
    }
}

/// Whether an operation has all requests of the shape.
fn is_exact(group: &[Draft]) -> bool {
    group.iter().any(|one| one.wider.is_none())
}

/// The route for operations of one method and shape.
fn route(group: &[Draft]) -> Option<Written> {
    let first = group.first()?;
    let exact = is_exact(group);
    let agree = group
        .iter()
        .all(|one| one.feature == first.feature && one.writes == first.writes);
    let about = |one: &Draft| match &one.about {
        Some(about) => format!("{}: {about}", one.name),
        None => one.name.clone(),
    };
    let mut written = Written {
        route: Route {
            method: first.method.to_owned(),
            path: first.path.clone(),
            feature: first.feature.clone(),
            writes: group.iter().any(|one| one.writes),
            public: false,
        },
        operations: group.iter().map(about).collect(),
        notes: group.iter().flat_map(|one| one.notes.iter().cloned()).collect(),
        reason: first.reason.clone().filter(|_| exact && agree),
        open: exact && group.iter().all(|one| one.open),
        conflict: false,
    };
    if !exact {
        // No wider than what no route names.
        written.route.feature = None;
        written.route.writes = true;
        let why = first.wider.as_deref().unwrap_or_default();
        written.notes.push(format!(
            "as if no route named it, for it is wider than {}: {why}",
            first.name
        ));
    } else if !agree {
        let names: Vec<&str> = group.iter().map(|one| one.name.as_str()).collect();
        written.doubt(format!(
            "for full tokens only: {} differ in their features",
            names.join(" and ")
        ));
    }
    Some(written)
}
