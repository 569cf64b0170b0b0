//! Routes without an index: every route is tried on every path. Written from "Routes" of OPERATIONS.md alone.

use std::cmp::Ordering;

/// A route as a catalogue gives it.
#[derive(Clone, Debug)]
pub struct Given {
    /// `*` for every method.
    pub method: String,
    /// Literals, `{name}`, and `{*name}` at the end.
    pub path: String,
    /// Whether it has a feature.
    pub featured: bool,
    /// Whether it changes anything.
    pub writes: bool,
    /// Whether it needs no token.
    pub public: bool,
}

/// Which route a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Two servers could read it differently.
    Doubtful,
    /// No route has it.
    Unlisted,
    /// The route of this index.
    Route(usize),
    /// No route as it is, or a wider one; some servers take it for the route of this index.
    Near(usize),
}

/// Where a catalogue is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The method of the route of this index.
    Method(usize),
    /// Its path.
    Path(usize),
    /// It can't be public.
    Public(usize),
    /// The route of this index has the shape and method of an earlier one.
    Twice(usize),
    /// The route of this index writes a segment with other escapes than an earlier one does.
    Spelled(usize),
    /// There are more routes than a catalogue may have.
    TooMany,
}

impl Wrong {
    /// The index of the route.
    #[must_use]
    pub fn route(self) -> Option<usize> {
        match self {
            Wrong::Method(at) | Wrong::Path(at) | Wrong::Public(at) | Wrong::Twice(at) | Wrong::Spelled(at) => Some(at),
            Wrong::TooMany => None,
        }
    }
}

/// The most routes of a catalogue.
const MOST: usize = 10_000;

/// A segment, decoded and as it is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Text {
    decoded: Vec<u8>,
    written: String,
}

/// In the order in which they are preferred.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(Text),
    Parameter,
    Rest,
}

type Shape = Vec<Segment>;

/// A list of routes.
#[derive(Debug)]
pub struct RouteList(Vec<(String, Shape)>);

impl RouteList {
    /// # Errors
    /// The first that is wrong of the routes in their order, then of all together.
    pub fn new(given: &[Given]) -> Result<Self, Wrong> {
        if given.len() > MOST {
            return Err(Wrong::TooMany);
        }
        let mut list: Vec<(String, Shape)> = Vec::new();
        for (index, route) in given.iter().enumerate() {
            if route.method != "*" && (!is_method(&route.method) || route.method == "HEAD") {
                return Err(Wrong::Method(index));
            }
            let shape = shape(&route.path).ok_or(Wrong::Path(index))?;
            if route.public && (route.method == "*" || route.featured || shape == [Segment::Rest]) {
                return Err(Wrong::Public(index));
            }
            list.push((route.method.clone(), shape));
        }
        for (index, route) in list.iter().enumerate() {
            for earlier in &list[..index] {
                if earlier == route {
                    return Err(Wrong::Twice(index));
                }
                if spells_otherwise(&earlier.1, &route.1) {
                    return Err(Wrong::Spelled(index));
                }
            }
        }
        Ok(RouteList(list))
    }

    /// The route that a request names.
    #[must_use]
    pub fn find(&self, method: &str, target: &str) -> Answer {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let plain = target
            .chars()
            .all(|letter| ('!'..='~').contains(&letter) && letter != '#');
        let Some(path) = segments(path).filter(|_| plain && is_method(method) && !changes_method(query)) else {
            return Answer::Doubtful;
        };
        let method = if method == "HEAD" { "GET" } else { method };
        let of_shape = |shape: &Shape| {
            let named = |name: &str| self.0.iter().position(|route| route.1 == *shape && route.0 == name);
            named(method).or_else(|| named("*"))
        };
        let chosen = self.first(&path, |literal, segment| literal.written == segment.written);
        for other in [path.clone(), with_the_other_end(path)] {
            let near = self.first(&other, |literal, segment| {
                literal.decoded.eq_ignore_ascii_case(&segment.decoded)
            });
            if let Some(near) = near.filter(|near| chosen.is_none_or(|chosen| is_above(near, chosen))) {
                return of_shape(near).map_or(Answer::Unlisted, Answer::Near);
            }
        }
        chosen.and_then(of_shape).map_or(Answer::Unlisted, Answer::Route)
    }

    /// The preferred shape of those that fit a path.
    fn first(&self, path: &[Text], same: impl Fn(&Text, &Text) -> bool) -> Option<&Shape> {
        let fitting = self
            .0
            .iter()
            .map(|(_, shape)| shape)
            .filter(|shape| fits(shape, path, &same));
        fitting.min_by(|a, b| kinds(a, b).then_with(|| a.cmp(b)))
    }
}

fn fits(shape: &[Segment], path: &[Text], same: impl Fn(&Text, &Text) -> bool) -> bool {
    if let Some((Segment::Rest, before)) = shape.split_last() {
        let Some((start, rest)) = path.split_at_checked(before.len()) else {
            return false;
        };
        let only_a_slash = rest.len() == 1 && rest[0].decoded.is_empty();
        return !rest.is_empty() && !only_a_slash && fits(before, start, same);
    }
    let one = |(segment, text): (&Segment, &Text)| match segment {
        Segment::Literal(literal) => same(literal, text),
        Segment::Parameter => !text.decoded.is_empty(),
        Segment::Rest => false,
    };
    shape.len() == path.len() && shape.iter().zip(path).all(one)
}

/// Compares the kinds of the segments from the left, whatever the literals are, as far as both have segments.
fn kinds(a: &Shape, b: &Shape) -> Ordering {
    let kind = |segment: &Segment| match segment {
        Segment::Literal(_) => 0,
        Segment::Parameter => 1,
        Segment::Rest => 2,
    };
    let differing = a
        .iter()
        .zip(b)
        .map(|(a, b)| kind(a).cmp(&kind(b)))
        .find(|order| order.is_ne());
    differing.unwrap_or(Ordering::Equal)
}

fn is_above(near: &Shape, chosen: &Shape) -> bool {
    kinds(near, chosen).is_lt()
}

/// Whether two shapes are alike up to a segment that they only write in different ways.
fn spells_otherwise(a: &Shape, b: &Shape) -> bool {
    let differing = a.iter().zip(b).find(|(a, b)| a != b);
    matches!(differing, Some((Segment::Literal(a), Segment::Literal(b))) if a.decoded == b.decoded)
}

/// The path with a slash at its end added or removed.
fn with_the_other_end(mut path: Vec<Text>) -> Vec<Text> {
    if path.len() > 1 && path.last().is_some_and(|last| last.decoded.is_empty()) {
        path.pop();
    } else {
        path.push(Text {
            decoded: Vec::new(),
            written: String::new(),
        });
    }
    path
}

/// A token of RFC 9110 without small letters.
fn is_method(method: &str) -> bool {
    let allowed = |letter| matches!(letter, 'A'..='Z' | '0'..='9') || "!#$%&'*+-.^_`|~".contains(letter);
    (1..=32).contains(&method.len()) && method.chars().all(allowed)
}

/// Whether a query has a parameter by which some servers change the method.
fn changes_method(query: &str) -> bool {
    const NAMES: [&str; 4] = [
        "_method",
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
    ];
    query.split(['&', ';', '?']).any(|pair| {
        let key = pair.split('=').next().unwrap_or_default().replace('+', " ");
        let layers = std::iter::successors(Some(key), |layer| Some(unescaped(layer))).take(4);
        let named = |layer: String| {
            let mut parts = layer.split(['&', ';', '?', '=', '#', '\0']);
            parts.any(|part| {
                NAMES.contains(
                    &part
                        .trim_matches([' ', '\t', '\n', '\x0c', '\r'])
                        .to_ascii_lowercase()
                        .as_str(),
                )
            })
        };
        layers.into_iter().any(named)
    })
}

/// A text with its escapes of ASCII characters decoded once.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('%');
    let mut found: String = parts.next().unwrap_or_default().into();
    for part in parts {
        let byte = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte.filter(|byte| byte.is_ascii() && !part.starts_with('+')) {
            Some(byte) => {
                found.push(byte.into());
                found.push_str(&part[2..]);
            }
            None => {
                found.push('%');
                found.push_str(part);
            }
        }
    }
    found
}

fn split(path: &str) -> Option<Vec<&str>> {
    let rest = path.strip_prefix('/').filter(|_| path.len() <= 2048)?;
    let segments: Vec<&str> = rest.split('/').collect();
    let (_, before) = segments.split_last()?;
    (!before.contains(&"")).then_some(segments)
}

/// The decoded segments of a path.
fn segments(path: &str) -> Option<Vec<Text>> {
    split(path)?.into_iter().map(text).collect()
}

fn text(written: &str) -> Option<Text> {
    Some(Text {
        decoded: decoded(written)?,
        written: written.into(),
    })
}

fn decoded(segment: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut left = segment;
    while let Some(letter) = left.chars().next() {
        if !('!'..='~').contains(&letter) || "\"<>\\^`{|}#;?".contains(letter) {
            return None;
        }
        left = &left[1..];
        if letter != '%' {
            bytes.extend(letter.to_string().bytes());
            continue;
        }
        let (digits, after) = left.split_at_checked(2)?;
        if !digits.chars().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let byte = u8::from_str_radix(digits, 16).ok()?;
        if byte.is_ascii_alphanumeric() || byte.is_ascii_control() || b"-._~/\\%;#?".contains(&byte) {
            return None;
        }
        bytes.push(byte);
        left = after;
    }
    let text = String::from_utf8(bytes).ok()?;
    let only_dots = text.starts_with('.') && text.trim_matches(['.', ' ']).is_empty();
    (!only_dots).then(|| text.into_bytes())
}

fn shape(path: &str) -> Option<Shape> {
    let parts = split(path)?;
    let mut names = Vec::new();
    let mut shape = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let Some(name) = part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
            shape.push(Segment::Literal(text(part)?));
            continue;
        };
        let (name, segment) = match name.strip_prefix('*') {
            Some(name) => (name, Segment::Rest),
            None => (name, Segment::Parameter),
        };
        let is_name = (1..=32).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let misplaced = segment == Segment::Rest && index + 1 < parts.len();
        if !is_name || misplaced || names.contains(&name) {
            return None;
        }
        names.push(name);
        shape.push(segment);
    }
    Some(shape)
}
