//! Path templates of OpenAPI as paths of routes.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The most characters of a parameter's name.
const MAX_NAME: usize = 32;

/// What a path segment needs no escape for (RFC 3986, 3.3), without `;`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// How much a segment of a template takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Width {
    /// One text.
    Literal,
    /// Some segments: there is something before or after a parameter.
    Part,
    /// Every segment.
    Whole,
    /// One or more segments.
    Rest,
}

/// A template as a route says it.
#[derive(Debug, PartialEq, Eq)]
pub struct RoutePath {
    pub path: String,
    pub widths: Vec<Width>,
    /// Why the route has more paths than the template, if it does.
    pub wider: Option<&'static str>,
}

/// Converts a template under a base path. The core decides whether the result is the path of a route.
///
/// # Errors
/// If a literal segment isn't text.
pub fn route_path(base: &str, template: &str) -> Result<RoutePath, &'static str> {
    let (path, mut wider) = match without_query(template) {
        Some(path) => (path, Some("its query is no part of a route")),
        None => (template, None),
    };
    let (mut names, mut widths) = (Vec::new(), Vec::new());
    let mut route = base.to_owned();
    for segment in split(path.strip_prefix('/').unwrap_or(path)) {
        route.push('/');
        let width = width(segment);
        widths.push(width);
        match width {
            Width::Literal => route += &literal(segment)?,
            Width::Whole => route += &format!("{{{}}}", name(segment, &mut names)),
            Width::Part => {
                wider = Some("a route can't say a parameter that is part of a segment");
                route += &format!("{{{}}}", name(segment, &mut names));
            }
            Width::Rest => {
                wider = Some("it has a parameter of several segments");
                route += &format!("{{*{}}}", name(segment, &mut names));
                break;
            }
        }
    }
    Ok(RoutePath {
        path: route,
        widths,
        wider,
    })
}

/// Writes a literal segment as a request does: with an escape where one is needed, and nowhere else.
///
/// # Errors
/// If its escapes aren't UTF-8.
pub fn literal(segment: &str) -> Result<String, &'static str> {
    // `;` stays, for the core to refuse.
    let parts = segment.split(';').map(|part| {
        let text = percent_decode_str(part).decode_utf8();
        text.map(|text| utf8_percent_encode(&text, ESCAPED).to_string())
    });
    let parts: Result<Vec<_>, _> = parts.collect();
    Ok(parts.map_err(|_| "its escapes are not UTF-8")?.join(";"))
}

fn width(segment: &str) -> Width {
    if !segment.contains(['{', '}']) {
        return Width::Literal;
    }
    let expressions = segment
        .split('{')
        .skip(1)
        .map(|part| part.split('}').next().unwrap_or_default());
    if expressions.into_iter().any(takes_more) {
        return Width::Rest;
    }
    let whole = segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}'));
    let plain = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | ' ' | '$' | '~');
    match whole {
        Some(name) if !name.is_empty() && !name.starts_with('.') && name.chars().all(plain) => Width::Whole,
        _ => Width::Part,
    }
}

/// Whether an expression takes more than one segment, as `{name*}`, `{+name}`, `{name:path}` and `{name:.*}` do in some frameworks.
fn takes_more(expression: &str) -> bool {
    match expression.split_once(':') {
        None => expression.contains(['*', '+', '/']),
        Some((_, "path")) => true,
        Some((_, pattern)) => [".*", ".+", "/"]
            .iter()
            .any(|more| pattern.replace("[^/]", "").contains(more)),
    }
}

/// The name of a parameter: the letters of a segment, and a number if another parameter has that name.
fn name(segment: &str, names: &mut Vec<String>) -> String {
    let words = segment.split(|character: char| !character.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let mut name = words.join("_");
    name.truncate(MAX_NAME - 4);
    if name.is_empty() {
        name.push('p');
    }
    let plain = name.clone();
    let mut number = 1;
    while names.contains(&name) {
        number += 1;
        name = format!("{plain}_{number}");
    }
    names.push(name.clone());
    name
}

/// The template before its query or fragment, if it has one.
fn without_query(template: &str) -> Option<&str> {
    let at = outside_braces(template)
        .find(|(_, byte)| matches!(byte, b'?' | b'#'))?
        .0;
    template.get(..at)
}

/// The segments of a path. A slash in braces separates none.
fn split(path: &str) -> Vec<&str> {
    let slashes = outside_braces(path).filter(|(_, byte)| *byte == b'/').map(|(at, _)| at);
    let (mut segments, mut start) = (Vec::new(), 0);
    for at in slashes.chain([path.len()]) {
        segments.push(path.get(start..at).unwrap_or_default());
        start = at + 1;
    }
    segments
}

/// The bytes that aren't within a pair of braces, with their places.
fn outside_braces(text: &str) -> impl Iterator<Item = (usize, u8)> {
    let mut inside = false;
    text.bytes().enumerate().filter(move |(at, byte)| {
        match byte {
            b'{' => inside = text.get(*at..).is_some_and(|rest| rest.contains('}')),
            b'}' => inside = false,
            _ => return !inside,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use super::route_path;

    /// The route of a template, with `~` if it is wider.
    fn said(template: &str) -> String {
        let route = route_path("", template).unwrap();
        format!("{}{}", if route.wider.is_some() { "~" } else { "" }, route.path)
    }

    #[test]
    fn plain_templates_stay_as_they_are() {
        for template in [
            "/",
            "/a",
            "/a/",
            "/a/{b}",
            "/{a}/{b_c}/d",
            "/.well-known/x",
            "/a:b/@c/(d)",
        ] {
            assert_eq!(said(template), template);
        }
        assert_eq!(route_path("/v1", "/a/{b}").unwrap().path, "/v1/a/{b}");
        assert_eq!(route_path("/v1", "/").unwrap().path, "/v1/");
    }

    #[test]
    fn names_that_a_route_lacks_are_replaced() {
        assert_eq!(said("/{pet-id}/{user.name}/{größe}"), "/{pet_id}/{user_name}/{gr_e}");
        assert_eq!(said("/{a}/{a}/{a-}/{_}"), "/{a}/{a_2}/{a_3}/{p}");
        let long = format!("/{{{}}}/{{{}}}", "x".repeat(60), "x".repeat(61));
        let x = "x".repeat(28);
        assert_eq!(said(&long), format!("/{{{x}}}/{{{x}_2}}"));
    }

    #[test]
    fn parts_of_a_segment_become_a_whole_one() {
        assert_eq!(said("/a/{b}.json"), "~/a/{b_json}");
        assert_eq!(said("/{x}:{y}"), "~/{x_y}");
        assert_eq!(said("/{a}{b}"), "~/{a_b}");
        assert_eq!(said("/v{version}/c"), "~/{v_version}/c");
        assert_eq!(said("/{id:[0-9]{2}}"), "~/{id_0_9_2}");
        assert_eq!(said("/{id:int}/{.format}/{}"), "~/{id_int}/{format}/{p}");
        assert_eq!(said("/a{?q,r}"), "~/{a_q_r}");
        for unbalanced in ["/{a", "/a}", "/}{", "/{{a}}", "/{a/b"] {
            assert!(said(unbalanced).starts_with('~'), "{unbalanced}");
        }
    }

    #[test]
    fn parameters_of_several_segments_take_the_rest() {
        assert_eq!(said("/a/{proxy+}"), "~/a/{*proxy}");
        assert_eq!(said("/{path*}/b"), "~/{*path}");
        assert_eq!(said("/{+name}:act"), "~/{*name_act}");
        assert_eq!(said("/a{/b,c}/d"), "~/{*a_b_c}");
        assert_eq!(said("/files/{f:path}"), "~/files/{*f_path}");
        assert_eq!(said("/{rest:.*}"), "~/{*rest}");
        assert_eq!(said("/{id:[^/]+}/{n:[0-9]+}"), "~/{id}/{n_0_9}");
    }

    #[test]
    fn query_and_fragment_are_cut_off() {
        assert_eq!(said("/a?x=y/{z}"), "~/a");
        assert_eq!(said("/#Action=List"), "~/");
    }

    #[test]
    fn literals_have_escapes_only_where_needed() {
        assert_eq!(said("/a b/é/%41%7e%c3%a9/!"), "/a%20b/%C3%A9/A~%C3%A9/!");
        assert_eq!(said("/%21/%3A"), "/!/:");
        assert!(route_path("", "/%ff").is_err());
        // The core refuses these.
        assert_eq!(said("/a;b/c%3bd/%2f/\\/100%"), "/a;b/c%3Bd/%2F/%5C/100%25");
    }
}
