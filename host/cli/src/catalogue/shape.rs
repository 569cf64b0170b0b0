//! The shape of a route's path: what it names, without the names of its parameters.

/// The literal segments of a path, its parameters (`None`), and whether it takes the rest.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shape {
    segments: Vec<Option<String>>,
    rest: bool,
}

impl Shape {
    /// The shape of a route's path that the core has accepted.
    pub fn of(path: &str) -> Shape {
        let mut shape = Shape {
            segments: Vec::new(),
            rest: false,
        };
        for segment in path.strip_prefix('/').unwrap_or(path).split('/') {
            if segment.starts_with("{*") {
                shape.rest = true;
            } else {
                shape
                    .segments
                    .push((!segment.starts_with('{')).then(|| segment.to_owned()));
            }
        }
        shape
    }

    /// The shape of the paths that two shapes have in common, if there are any.
    pub fn common(&self, other: &Shape) -> Option<Shape> {
        let (short, long) = match self.segments.len() <= other.segments.len() {
            true => (self, other),
            false => (other, self),
        };
        let longer = long.segments.len() > short.segments.len();
        let fits = if longer { short.rest } else { short.rest == long.rest };
        if !fits {
            return None;
        }
        let mut segments = Vec::with_capacity(long.segments.len());
        for (at, one) in long.segments.iter().enumerate() {
            segments.push(match (one, short.segments.get(at)) {
                (Some(one), Some(Some(other))) if one != other => return None,
                // A parameter takes no empty segment.
                (Some(text), Some(None)) | (None, Some(Some(text))) if text.is_empty() => return None,
                (Some(one), _) => Some(one.clone()),
                (None, Some(other)) => other.clone(),
                (None, None) => None,
            });
        }
        let first_of_rest = long.segments.get(short.segments.len());
        let nothing = longer && long.segments.len() == short.segments.len() + 1 && !long.rest;
        if nothing && first_of_rest.is_some_and(|segment| segment.as_deref() == Some("")) {
            return None;
        }
        Some(Shape {
            segments,
            rest: long.rest,
        })
    }

    /// The number of segments before the rest.
    pub fn length(&self) -> usize {
        self.segments.len()
    }

    pub fn takes_rest(&self) -> bool {
        self.rest
    }

    /// A path of the shape, with these texts for its parameters, by their places, and for its rest.
    pub fn path(&self, parameter: impl Fn(usize) -> String, rest: &str) -> String {
        let named = self.segments.iter().enumerate().map(|(at, segment)| match segment {
            Some(literal) => literal.clone(),
            None => parameter(at + 1),
        });
        let rest = self.rest.then(|| rest.to_owned());
        named.chain(rest).map(|segment| format!("/{segment}")).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use super::Shape;

    fn common(one: &str, other: &str) -> Option<String> {
        let common = Shape::of(one).common(&Shape::of(other));
        assert_eq!(common, Shape::of(other).common(&Shape::of(one)));
        common.map(|shape| shape.path(|_| "{}".to_owned(), "{*}"))
    }

    #[test]
    fn common_paths_of_two_shapes() {
        for (one, other, both) in [
            ("/a/{x}/c", "/a/b/{y}", Some("/a/b/c")),
            ("/a/{x}", "/a/{y}", Some("/a/{}")),
            ("/a/{x}", "/a/b", Some("/a/b")),
            ("/a/{x}", "/b/{x}", None),
            ("/a", "/a/b", None),
            ("/a/{*r}", "/a", None),
            ("/a/{*r}", "/a/", None),
            ("/a/{*r}", "/a/b/", Some("/a/b/")),
            ("/a/{*r}", "/{x}/b/c", Some("/a/b/c")),
            ("/a/{*r}", "/{x}/{*r}", Some("/a/{*}")),
            ("/a/{*r}", "/a/b/{*r}", Some("/a/b/{*}")),
            ("/a/{x}", "/a/", None),
            ("/{*r}", "/{x}", Some("/{}")),
            ("/{*r}", "/", None),
        ] {
            assert_eq!(common(one, other).as_deref(), both, "{one} {other}");
        }
    }
}
