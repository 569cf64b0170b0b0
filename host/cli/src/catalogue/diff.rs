//! `tokenlatch catalogue diff`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use tokenlatch::Module;
use tokenlatch::core::{Api, Call, Catalogue, Decisive, Function, Realm, Route};

use super::judge::{Judge, Token};
use super::read;
use super::shape::Shape;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{BAD, GOOD, styled};

/// The end of the help text.
pub const HELP: &str = "\
Each line is about a route or a function of either file, about paths for which a route of one file competes with one of the \
other, or about what no route names. Paths that are only near a route, by case or a slash at the end, are judged more \
strictly and are not compared.

Exit codes: 0 nothing was opened, 1 something was opened to somebody; others as in `tokenlatch --help`.

Examples:
  tokenlatch catalogue diff catalogue.toml new.toml && cp new.toml catalogue.toml";

/// Two files to be compared.
#[derive(Args)]
pub struct Diff {
    /// The catalogue file in use
    old: PathBuf,
    /// The file that is to replace it
    new: PathBuf,
}

/// Somebody who may send a request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Sender {
    /// Anyone, without a token.
    Anyone,
    /// A token with full access, of an account with every feature.
    Full,
    /// A token with full access, of an account without features.
    FullOfBare,
    /// A token that is limited to a feature.
    Limited(String),
}

/// Who is admitted: with a token that may write, and with a read-only one.
type Admitted = BTreeMap<Sender, (bool, bool)>;

#[derive(PartialEq, Eq, Serialize)]
struct Change {
    request: String,
    opened: Vec<String>,
    closed: Vec<String>,
    was: Vec<String>,
    is: Vec<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    opened: bool,
    changes: &'a [Change],
}

impl Diff {
    pub fn run(&self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let module = Context::module()?;
        let (old, new) = (read(&self.old, &module)?.catalogue, read(&self.new, &module)?.catalogue);
        let changes = changes(&module, &old, &new)?;
        let opened = changes.iter().any(|change| !change.opened.is_empty());
        if context.output.wants_json() {
            context.output.json(&Document {
                opened,
                changes: &changes,
            })?;
        } else {
            for change in &changes {
                for (style, word, who) in [(BAD, "opened", &change.opened), (GOOD, "closed", &change.closed)] {
                    if !who.is_empty() {
                        let (who, was) = (list(who), list(&change.was));
                        let word = styled(style, word);
                        context
                            .output
                            .line(format_args!("{word}: {} to {who} (was: {was})", change.request))?;
                    }
                }
            }
            if changes.is_empty() {
                context.output.remark("Nothing is opened or closed.");
            }
        }
        Ok(if opened { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn list(words: &[String]) -> String {
    match words {
        [] => "nobody".to_owned(),
        words => words.join(", "),
    }
}

/// What changes from one catalogue to another.
fn changes(module: &Module, old: &Catalogue, new: &Catalogue) -> Result<Vec<Change>, Failure> {
    let mut judges = (Judge::new(module, old)?, Judge::new(module, new)?);
    let mut changes: Vec<Change> = Vec::new();
    let mut compare = |judges: &mut (Judge, Judge), request: String, call: &Call, features: &BTreeSet<&str>| {
        let was = admitted(&mut judges.0, call, features)?;
        let is = admitted(&mut judges.1, call, features)?;
        let change = Change {
            request,
            opened: said(&gained(&is, &was)),
            closed: said(&gained(&was, &is)),
            was: said(&was),
            is: said(&is),
        };
        if was != is && !changes.contains(&change) {
            changes.push(change);
        }
        Ok::<(), Failure>(())
    };
    let decide_old = old.explain().map_err(tokenlatch::Error::from)?;
    let decide_new = new.explain().map_err(tokenlatch::Error::from)?;
    for Request { method, path, label } in requests(old, new) {
        let decisive = [decide_old(&method, &path), decide_new(&method, &path)];
        if decisive.iter().any(is_near) {
            continue;
        }
        let features = decisive.into_iter().filter_map(feature).collect();
        compare(&mut judges, label, &call(&method, &path), &features)?;
    }
    let mut unlisted = (
        Judge::new(module, &with_one_route(old))?,
        Judge::new(module, &with_one_route(new))?,
    );
    for (method, what) in [("GET", "GET, HEAD and OPTIONS"), ("POST", "other methods")] {
        let request = format!("{what} of what no route names");
        compare(&mut unlisted, request, &call(method, "/"), &BTreeSet::new())?;
    }
    for ((module, function, api), features) in functions(old, new) {
        let call = Call {
            api: Some(api),
            module: Some(module.to_owned()),
            function: Some(function.to_owned()),
            realm: Some(realm(api)),
            ..Call::default()
        };
        compare(
            &mut judges,
            format!("{module}::{function} of {}", api_name(api)),
            &call,
            &features,
        )?;
    }
    Ok(changes)
}

fn call(method: &str, path: &str) -> Call {
    Call {
        method: Some(method.to_owned()),
        path: Some(path.to_owned()),
        ..Call::default()
    }
}

fn feature(decisive: Decisive<'_>) -> Option<&str> {
    match decisive {
        Decisive::Route { route, .. } => route.feature.as_deref(),
        _ => None,
    }
}

fn is_near(decisive: &Decisive<'_>) -> bool {
    matches!(decisive, Decisive::Route { near: true, .. })
}

fn realm(api: Api) -> Realm {
    match api {
        Api::Whm => Realm::Admin,
        _ => Realm::Account,
    }
}

fn api_name(api: Api) -> &'static str {
    match api {
        Api::Uapi => "UAPI",
        Api::Api2 => "API 2",
        Api::Api1 => "API 1",
        Api::Whm => "WHM API 1",
    }
}

/// A request to compare, and how to call all those like it.
struct Request {
    method: String,
    path: String,
    label: String,
}

/// One request for every pair of routes of which one can decide before and the other after: of each route's own paths, and
/// of those that a route of one file has in common with one of the other. Whatever request changes its decisive routes from
/// A to B, the request for the common paths of A and B changes them in the same way.
fn requests(old: &Catalogue, new: &Catalogue) -> Vec<Request> {
    let (before, after) = (methods(old), methods(new));
    let mut all: BTreeMap<Shape, (Option<&str>, BTreeSet<&str>)> = BTreeMap::new();
    for (shape, (path, methods)) in before.iter().chain(&after) {
        all.entry(shape.clone())
            .or_insert((Some(path), BTreeSet::new()))
            .1
            .extend(methods);
    }
    for (shape, (_, methods)) in &before {
        for (other, (_, others)) in &after {
            if let Some(common) = shape.common(other) {
                let known = &mut all.entry(common).or_insert((None, BTreeSet::new())).1;
                known.extend(methods);
                known.extend(others);
            }
        }
    }
    let word = word(old, new);
    let longest = all.keys().map(Shape::length).max().unwrap_or_default();
    let mut requests = Vec::new();
    for (shape, (label, methods)) in &all {
        let label = label.map_or_else(|| shape.path(|at| format!("{{p{at}}}"), "{*rest}"), ToOwned::to_owned);
        for path in paths(shape, longest, &word) {
            for method in methods {
                let (method, label) = match *method {
                    "*" => (other_method(methods), format!("other methods of {label}")),
                    method => (method.to_owned(), format!("{method} {label}")),
                };
                requests.push(Request {
                    method,
                    path: path.clone(),
                    label,
                });
            }
        }
    }
    requests
}

/// Paths of a shape that no more specific one has unless it must. If the shape takes the rest, there is one for each length up
/// to one more than the longest shape's, with and without a slash at the end.
fn paths(shape: &Shape, longest: usize, word: &str) -> Vec<String> {
    let rests = match shape.takes_rest() {
        true => 1 + longest.saturating_sub(shape.length()),
        false => 0,
    };
    let path = |rest: &str| shape.path(|_| word.to_owned(), rest);
    let mut paths = vec![path(word)];
    for more in 0..rests {
        let rest = format!("{word}/").repeat(more + 1);
        paths.push(path(&rest));
        paths.push(path(&format!("{rest}{word}")));
    }
    paths
}

/// The methods that a catalogue names for each shape, and the shape's path.
fn methods(catalogue: &Catalogue) -> BTreeMap<Shape, (&str, BTreeSet<&str>)> {
    let mut shapes: BTreeMap<Shape, (&str, BTreeSet<&str>)> = BTreeMap::new();
    for route in &catalogue.routes {
        let shape = shapes
            .entry(Shape::of(&route.path))
            .or_insert((&route.path, BTreeSet::new()));
        shape.1.insert(&route.method);
    }
    shapes
}

/// A method that no route names.
fn other_method(named: &BTreeSet<&str>) -> String {
    let mut method = "X".to_owned();
    while named.contains(method.as_str()) {
        method.push('X');
    }
    method
}

/// A catalogue with the same default, and with a route only if there are any.
fn with_one_route(catalogue: &Catalogue) -> Catalogue {
    let route = Route {
        method: "GET".to_owned(),
        path: "/x".to_owned(),
        ..Route::default()
    };
    Catalogue {
        functions: Some(Vec::new()),
        routes: catalogue.routes.first().map(|_| route).into_iter().collect(),
        default: catalogue.default,
    }
}

/// A segment that no route has, whatever its case.
fn word(old: &Catalogue, new: &Catalogue) -> String {
    let paths = old
        .routes
        .iter()
        .chain(&new.routes)
        .map(|route| route.path.to_ascii_lowercase());
    let segments: HashSet<String> = paths
        .flat_map(|path| path.split('/').map(ToOwned::to_owned).collect::<Vec<_>>())
        .collect();
    let mut word = "x".to_owned();
    while segments.contains(&word) {
        word.push('x');
    }
    word
}

/// A function of one API: its module and its name.
type Key<'c> = (&'c str, &'c str, Api);

/// The functions of both catalogues, with the features that they have there.
fn functions<'c>(old: &'c Catalogue, new: &'c Catalogue) -> Vec<(Key<'c>, BTreeSet<&'c str>)> {
    let mut places: HashMap<Key<'_>, usize> = HashMap::new();
    let mut found: Vec<(Key<'_>, BTreeSet<&str>)> = Vec::new();
    let all = [old, new]
        .into_iter()
        .flat_map(|catalogue| catalogue.functions.as_deref().unwrap_or_default());
    for Function {
        module,
        function,
        apis,
        feature,
        ..
    } in all
    {
        for api in apis {
            let key = (module.as_str(), function.as_str(), *api);
            let place = *places.entry(key).or_insert(found.len());
            if place == found.len() {
                found.push((key, BTreeSet::new()));
            }
            if let Some((_, features)) = found.get_mut(place) {
                features.extend(feature.as_deref());
            }
        }
    }
    found
}

/// Who is admitted to a call, of those whom these features concern.
fn admitted(judge: &mut Judge, call: &Call, features: &BTreeSet<&str>) -> Result<Admitted, Failure> {
    let limited = features.iter().map(|feature| Sender::Limited((*feature).to_owned()));
    let mut admitted = Admitted::new();
    for sender in [Sender::Anyone, Sender::Full, Sender::FullOfBare]
        .into_iter()
        .chain(limited)
    {
        let token = |read_only| Token {
            features: match &sender {
                Sender::Limited(feature) => Some(vec![feature.clone()]),
                _ => None,
            },
            read_only,
            realm: call.realm.unwrap_or_default(),
            bare: sender == Sender::FullOfBare,
        };
        let mut admits = |read_only| -> Result<bool, Failure> {
            let token = (sender != Sender::Anyone).then(|| token(read_only));
            Ok(judge.verdict(call, token.as_ref())?.allowed)
        };
        let both = (admits(false)?, admits(true)?);
        if both != (false, false) {
            admitted.insert(sender, both);
        }
    }
    Ok(admitted)
}

/// Who is admitted in the one and not in the other.
fn gained(one: &Admitted, other: &Admitted) -> Admitted {
    let mut gained = Admitted::new();
    for (sender, (writing, reading)) in one {
        let (writing_other, reading_other) = other.get(sender).copied().unwrap_or_default();
        let both = (*writing && !writing_other, *reading && !reading_other);
        if both != (false, false) {
            gained.insert(sender.clone(), both);
        }
    }
    gained
}

/// Who is admitted, in words.
fn said(admitted: &Admitted) -> Vec<String> {
    if admitted.contains_key(&Sender::Anyone) {
        return vec!["everyone, without a token".to_owned()];
    }
    let full = admitted.get(&Sender::Full).copied();
    let senders = admitted
        .iter()
        .filter(|(sender, both)| **sender != Sender::FullOfBare || Some(**both) != full);
    let one = |(sender, both): (&Sender, &(bool, bool))| {
        let who = match sender {
            Sender::Anyone => String::new(),
            Sender::Full if admitted.get(&Sender::FullOfBare) == Some(both) => "full tokens".to_owned(),
            Sender::Full => "full tokens of accounts with the feature".to_owned(),
            Sender::FullOfBare => "full tokens of accounts without the feature".to_owned(),
            Sender::Limited(feature) => format!("tokens with `{feature}`"),
        };
        match both {
            (true, false) => format!("{who} that may write"),
            (false, true) => format!("read-only {who}"),
            _ => who,
        }
    };
    senders.map(one).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use tokenlatch::core::{Catalogue, Decisive, Route, Unlisted};

    use super::{Context, Judge, admitted, call, changes, feature, is_near, said};

    #[test]
    fn every_request_that_changes_is_like_one_that_is_told() {
        let mut state = 7_u64;
        let mut draw = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from((state >> 33) % below).unwrap()
        };
        let mut catalogue = || {
            let mut routes: Vec<Route> = Vec::new();
            for _ in 0..1 + draw(5) {
                let mut path: String = (0..1 + draw(3))
                    .map(|at| ["/a", "/b", "/{x}"][draw(3)].replace('x', &format!("x{at}")))
                    .collect();
                path += ["", "", "/", "/{*r}"][draw(4)];
                let route = Route {
                    method: ["GET", "PUT", "*"][draw(3)].to_owned(),
                    feature: [None, Some("f".to_owned()), Some("g".to_owned())][draw(3)].clone(),
                    writes: draw(2) == 0,
                    public: false,
                    path,
                };
                let alike = |other: &Route| {
                    other.method == route.method && super::Shape::of(&other.path) == super::Shape::of(&route.path)
                };
                if !routes.iter().any(alike) {
                    routes.push(route);
                }
            }
            Catalogue {
                functions: Some(Vec::new()),
                routes,
                default: Some([Unlisted::Full, Unlisted::Deny][draw(2)]),
            }
        };
        let module = Context::module().ok().unwrap();
        let texts = ["/a", "/b", "/c"];
        let mut paths: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        for at in 0..12 {
            let longer: Vec<String> = texts.iter().map(|text| format!("{}{text}", paths[at])).collect();
            paths.extend(longer);
        }
        let with_slash: Vec<String> = paths.iter().map(|path| format!("{path}/")).collect();
        paths.extend(with_slash);
        let mut seen = 0;
        for _ in 0..15 {
            let (old, new) = (catalogue(), catalogue());
            let told = changes(&module, &old, &new).ok().unwrap();
            let mut judges = (
                Judge::new(&module, &old).ok().unwrap(),
                Judge::new(&module, &new).ok().unwrap(),
            );
            let (decide_old, decide_new) = (old.explain().unwrap(), new.explain().unwrap());
            for path in &paths {
                for method in ["GET", "PUT", "DELETE"] {
                    let both: [Decisive<'_>; 2] = [decide_old(method, path), decide_new(method, path)];
                    if both.iter().any(is_near) {
                        continue;
                    }
                    let features = both.into_iter().filter_map(feature).collect();
                    let was = admitted(&mut judges.0, &call(method, path), &features).ok().unwrap();
                    let is = admitted(&mut judges.1, &call(method, path), &features).ok().unwrap();
                    if was != is {
                        seen += 1;
                        let like = |change: &&super::Change| change.was == said(&was) && change.is == said(&is);
                        assert!(
                            told.iter().any(|change| like(&change)),
                            "{method} {path}: {:?}\n{:?}",
                            old.routes,
                            new.routes
                        );
                    }
                }
            }
        }
        assert!(seen > 1_000, "{seen}");
    }
}
