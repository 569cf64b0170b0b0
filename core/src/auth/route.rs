//! Routes: the methods and paths of an API, and which of them a request names. OPERATIONS.md, Routes.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

use serde::Serialize;

use super::escape::{decode, escapes, is_unreserved};
use super::query::has_token;
use super::selector::{METHOD_PARAMETERS, names_any};
use crate::base::error::{Error, ErrorCode};
use crate::json::decoder::{Fields, FromValue, deserialize_by_value};
use crate::json::value::Value;
use crate::token::feature::{FEATURE_RULE, is_feature};

/// The most routes of a catalogue.
pub(crate) const MAX_ROUTES: usize = 10_000;
/// The most bytes of a path, in a route and in a request.
const MAX_PATH: usize = 2_048;
/// The most characters of a method or of a parameter's name.
const MAX_WORD: usize = 32;

/// A method and a path of an API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    /// The method, or `*` for every method that no other route of the same path names.
    pub method: String,
    /// The path: literal segments, `{name}` for one segment, and `{*name}` at the end for one or more.
    pub path: String,
    /// The feature that it requires. Only tokens with full access may use a route without one.
    pub feature: Option<String>,
    /// Whether it changes anything.
    pub writes: bool,
    /// Whether it needs no token.
    pub public: bool,
}

impl FromValue for Route {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let route = Route {
            method: fields.required("method"),
            path: fields.required("path"),
            feature: fields.nullable("feature"),
            writes: fields.required("writes"),
            public: fields.or("public", false),
        };
        fields.finish()?;
        Ok(route)
    }
}
deserialize_by_value!(Route);

/// What a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named<'r> {
    /// Two servers could read the method or the path differently.
    Doubtful,
    /// The query has a token.
    Exposed,
    /// No route, or none of the method.
    Unlisted {
        /// Whether there are no routes at all, and the method reads.
        reads: bool,
    },
    /// A route.
    Route {
        route: &'r Route,
        /// The route's place in the catalogue.
        at: usize,
        /// Whether the path is the route's only for servers that ignore the case of letters, needless escapes or a slash at
        /// the end.
        near: bool,
    },
}

/// The routes of a catalogue, as a tree of segments.
#[derive(Clone, Debug)]
pub(crate) struct Routes {
    routes: Vec<Route>,
    /// The first is the root.
    nodes: Vec<Node>,
}

/// What may follow some segments.
#[derive(Clone, Debug, Default)]
struct Node {
    /// Sorted by their texts without regard to case, then by bytes.
    literals: Vec<Literal>,
    parameter: Option<usize>,
    /// The routes that take the rest of the path.
    rest: Vec<usize>,
    /// The routes that end here.
    ends: Vec<usize>,
}

/// A literal segment of routes, and what follows it.
#[derive(Clone, Debug)]
struct Literal {
    text: Vec<u8>,
    /// The text with its escapes, as the routes have it.
    written: Vec<u8>,
    node: usize,
}

/// A segment of a request's path, as it is written and decoded.
#[derive(Clone, Copy, Debug)]
struct Part<'p> {
    written: &'p [u8],
    text: &'p [u8],
}

/// A segment of a route.
enum Segment<'p> {
    Literal { text: Cow<'p, [u8]>, written: &'p [u8] },
    Parameter,
    Rest,
}

/// The kind of each segment of a route from the left: 0 literal, 1 parameter, 2 rest.
type Rank = Vec<u8>;

impl Routes {
    /// # Errors
    /// `catalogue_invalid` and `feature_invalid`, at the index of the route.
    pub(crate) fn new(routes: Vec<Route>) -> Result<Self, Error> {
        if routes.len() > MAX_ROUTES {
            return Err(invalid(format!("a catalogue has at most {MAX_ROUTES} routes")));
        }
        let mut tree = Routes {
            routes: Vec::new(),
            nodes: Vec::from([Node::default()]),
        };
        for (at, route) in routes.iter().enumerate() {
            check(route).map_err(|error| error.under_index(at))?;
        }
        for route in routes {
            tree.add(route)?;
        }
        Ok(tree)
    }

    fn add(&mut self, route: Route) -> Result<(), Error> {
        let (mut at, mut rest) = (0, false);
        for segment in segments(&route.path)? {
            match segment {
                Segment::Literal { text, written } => {
                    at = self.literal(at, &text, written).ok_or_else(|| {
                        invalid(format!(
                            "`{}` writes a segment otherwise than another route does",
                            route.path
                        ))
                    })?;
                }
                Segment::Parameter => at = self.parameter(at),
                Segment::Rest => rest = true,
            }
        }
        let place = self.routes.len();
        let routes = &self.routes;
        let Some(node) = self.nodes.get_mut(at) else {
            return Ok(());
        };
        let there = if rest { &mut node.rest } else { &mut node.ends };
        let clash = there.iter().filter_map(|at| routes.get(*at));
        if let Some(other) = clash.into_iter().find(|other| other.method == route.method) {
            return Err(invalid(format!(
                "`{} {}` and `{} {}` name the same requests",
                other.method, other.path, route.method, route.path
            )));
        }
        there.push(place);
        self.routes.push(route);
        Ok(())
    }

    /// The node after a literal. `None` if another route writes the same text with other escapes.
    fn literal(&mut self, at: usize, text: &[u8], written: &[u8]) -> Option<usize> {
        let fresh = self.nodes.len();
        let literals = &mut self.nodes.get_mut(at)?.literals;
        match literals.binary_search_by(|known| order(&known.text, text)) {
            Ok(place) => literals
                .get(place)
                .filter(|known| known.written == written)
                .map(|known| known.node),
            Err(place) => {
                let (text, written) = (text.into(), written.into());
                literals.insert(
                    place,
                    Literal {
                        text,
                        written,
                        node: fresh,
                    },
                );
                self.nodes.push(Node::default());
                Some(fresh)
            }
        }
    }

    fn parameter(&mut self, at: usize) -> usize {
        let fresh = self.nodes.len();
        let Some(node) = self.nodes.get_mut(at) else {
            return at;
        };
        if let Some(known) = node.parameter {
            return known;
        }
        node.parameter = Some(fresh);
        self.nodes.push(Node::default());
        fresh
    }

    /// Finds the route that a method and a request target name. `HEAD` counts as `GET`.
    pub(crate) fn find(&self, method: &[u8], target: &[u8]) -> Named<'_> {
        let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
        let Some(text) = clean_path(target, path).filter(|_| is_method(method)) else {
            return Named::Doubtful;
        };
        if has_token(target) {
            return Named::Exposed;
        }
        let method = if method == b"HEAD" { b"GET" } else { method };
        let split = |path| <[u8]>::split(path, |byte| *byte == b'/').skip(1);
        let mut parts: Vec<Part<'_>> = split(path)
            .zip(split(&text))
            .map(|(written, text)| Part { written, text })
            .collect();
        let exact = self.shape(&parts, false);
        for other_end in [false, true] {
            if other_end {
                turn_end(&mut parts);
            }
            if let Some((rank, shape)) = self.shape(&parts, true) {
                let above = exact
                    .as_ref()
                    .is_none_or(|(exact, known)| *known != shape && is_above(&rank, exact));
                if above {
                    return self.of_shape(shape, method, true);
                }
            }
        }
        match exact {
            Some((_, shape)) => self.of_shape(shape, method, false),
            None => Named::Unlisted {
                reads: self.routes.is_empty() && matches!(method, b"GET" | b"OPTIONS"),
            },
        }
    }

    fn of_shape(&self, shape: &[usize], method: &[u8], near: bool) -> Named<'_> {
        let found = |method: &[u8]| {
            let mut routes = shape
                .iter()
                .filter_map(|at| self.routes.get(*at).map(|route| (*at, route)));
            routes.find(|(_, route)| route.method.as_bytes() == method)
        };
        match found(method).or_else(|| found(b"*")) {
            Some((at, route)) => Named::Route { route, at, near },
            None => Named::Unlisted { reads: false },
        }
    }

    /// The routes of the most specific shape that names a path: segment by segment from the left, a literal before a
    /// parameter before a rest.
    fn shape(&self, path: &[Part<'_>], folds: bool) -> Option<(Rank, &[usize])> {
        let mut rank = Vec::new();
        let found = self.best(&[0], path, folds, &mut rank)?;
        rank.reverse();
        Some((rank, found))
    }

    /// The best shape below nodes that are reached by segments of the same kinds. Each node is looked at once, so a
    /// search takes no more steps than there are segments in all routes. Pushes the kinds of the segments, the last first.
    fn best<'t>(&'t self, from: &[usize], left: &[Part<'_>], folds: bool, rank: &mut Rank) -> Option<&'t [usize]> {
        let nodes = || from.iter().filter_map(|at| self.nodes.get(*at));
        let Some((first, after)) = left.split_first() else {
            return nodes().map(|node| node.ends.as_slice()).find(|ends| !ends.is_empty());
        };
        let literals: Vec<usize> = nodes().flat_map(|node| node.named(*first, folds)).collect();
        let parameters: Vec<usize> = match first.text.is_empty() {
            true => Vec::new(),
            false => nodes().filter_map(|node| node.parameter).collect(),
        };
        for (kind, next) in [(0, literals), (1, parameters)] {
            if next.is_empty() {
                continue;
            }
            if let Some(found) = self.best(&next, after, folds, rank) {
                rank.push(kind);
                return Some(found);
            }
        }
        let whole = !first.text.is_empty() || !after.is_empty();
        let rest = nodes()
            .map(|node| node.rest.as_slice())
            .find(|rest| whole && !rest.is_empty())?;
        rank.push(2);
        Some(rest)
    }
}

impl Node {
    /// The nodes of the literals that are written as a segment is, or, if it folds, that are equal to it without regard to
    /// case and escapes.
    fn named(&self, part: Part<'_>, folds: bool) -> Vec<usize> {
        let first = self
            .literals
            .partition_point(|known| folded(&known.text).lt(folded(part.text)));
        let from = self.literals.iter().skip(first);
        let alike = from.take_while(|known| known.text.eq_ignore_ascii_case(part.text));
        let same = alike.filter(|known| folds || known.written == part.written);
        same.map(|known| known.node).collect()
    }
}

/// The order of literals: without regard to case, then by bytes.
fn order(one: &[u8], other: &[u8]) -> Ordering {
    folded(one).cmp(folded(other)).then_with(|| one.cmp(other))
}

/// The bytes of a text with ASCII letters in lower case.
fn folded(text: &[u8]) -> impl Iterator<Item = u8> {
    text.iter().map(u8::to_ascii_lowercase)
}

/// Whether a shape is more specific than another, as far as both go.
fn is_above(near: &[u8], other: &[u8]) -> bool {
    let different = near.iter().zip(other).find(|(near, other)| near != other);
    different.is_some_and(|(near, other)| near < other)
}

/// Whether every server reads a method the same way: a token (RFC 9110, 5.6.2) without small letters.
fn is_method(method: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(byte);
    (1..=MAX_WORD).contains(&method.len()) && method.iter().all(plain)
}

/// Decodes the path of a target. `None` if two servers could read the target differently.
fn clean_path<'t>(target: &[u8], path: &'t [u8]) -> Option<Cow<'t, [u8]>> {
    // Even in the query, these change how some servers read the path.
    let plain = |byte: &u8| byte.is_ascii_graphic() && *byte != b'#';
    let query = target.get(path.len()..).unwrap_or_default();
    if path.len() > MAX_PATH || !target.iter().all(plain) || names_any(query, METHOD_PARAMETERS) {
        return None;
    }
    let decoded = clean(path)?;
    let mut segments = decoded.strip_prefix(b"/")?.split(|byte| *byte == b'/').peekable();
    while let Some(segment) = segments.next() {
        if is_dotted(segment) || (segment.is_empty() && segments.peek().is_some()) {
            return None;
        }
    }
    Some(decoded)
}

/// Decodes a path or a segment; `None` if it holds what servers disagree about.
fn clean(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}#;?".contains(byte);
    let needed = |escape: Option<u8>| {
        escape.is_some_and(|byte| !is_unreserved(byte) && !byte.is_ascii_control() && !b"/\\%;#?".contains(&byte))
    };
    if !text.iter().all(plain) || !escapes(text).all(needed) {
        return None;
    }
    if !text.contains(&b'%') {
        return Some(Cow::Borrowed(text));
    }
    let decoded = decode(text);
    core::str::from_utf8(&decoded).is_ok().then_some(Cow::Owned(decoded))
}

/// Whether some servers take a segment for `.` or `..`.
fn is_dotted(segment: &[u8]) -> bool {
    segment.starts_with(b".") && segment.iter().all(|byte| matches!(byte, b'.' | b' '))
}

/// Adds a slash at the end of a path, or takes it away.
fn turn_end(path: &mut Vec<Part<'_>>) {
    let slashed = path.last().is_some_and(|last| last.text.is_empty());
    if path.len() > 1 && slashed {
        path.pop();
    } else {
        path.push(Part {
            written: b"",
            text: b"",
        });
    }
}

/// The segments of a route's path.
///
/// # Errors
/// `catalogue_invalid`, at `path`.
fn segments(path: &str) -> Result<Vec<Segment<'_>>, Error> {
    let wrong = || {
        invalid(
            "a path starts with `/`; its segments are `{name}`, `{*name}` at the end, or text as a request has it, with an escape only \
             where one is needed",
        )
        .under("path")
    };
    let parts = path
        .strip_prefix('/')
        .filter(|_| path.len() <= MAX_PATH)
        .ok_or_else(wrong)?;
    let mut parts = parts.split('/').peekable();
    let (mut found, mut names) = (Vec::new(), Vec::new());
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) else {
            let text = clean(part.as_bytes()).filter(|text| !is_dotted(text) && (last || !text.is_empty()));
            let text = text.ok_or_else(wrong)?;
            found.push(Segment::Literal {
                text,
                written: part.as_bytes(),
            });
            continue;
        };
        let rest = name.strip_prefix('*');
        let word = rest.unwrap_or(name);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let sound = (1..=MAX_WORD).contains(&word.len()) && word.bytes().all(plain);
        if !sound || names.contains(&word) || (rest.is_some() && !last) {
            return Err(wrong());
        }
        names.push(word);
        found.push(if rest.is_some() {
            Segment::Rest
        } else {
            Segment::Parameter
        });
    }
    Ok(found)
}

/// # Errors
/// `catalogue_invalid` and `feature_invalid`, at the key.
fn check(route: &Route) -> Result<(), Error> {
    match &route.feature {
        Some(feature) if !is_feature(feature) => {
            return Err(Error::at(ErrorCode::FeatureInvalid, "feature", FEATURE_RULE));
        }
        _ => {}
    }
    let any = route.method == "*";
    if !any && (!is_method(route.method.as_bytes()) || route.method == "HEAD") {
        return Err(invalid("a method is in capitals, or `*`; `HEAD` counts as `GET`").under("method"));
    }
    let segments = segments(&route.path)?;
    let at_root = matches!(segments.first(), Some(Segment::Rest));
    if route.public && (any || at_root || route.feature.is_some()) {
        return Err(invalid("a public route names its method, has no feature, and is not every path").under("public"));
    }
    Ok(())
}

fn invalid(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorCode::CatalogueInvalid, message)
}
