//! Routes: the native core against an implementation without an index.

use super::draw::Draw;
use super::fast::Ran;
use super::twist::off;
use crate::fault::Fault;
use crate::routes::{Given, MOST_ROUTES, RouteList, Verdicts};

/// Catalogues of one draw.
const CATALOGUES: usize = 1_000;
/// Requests of one catalogue, on average.
const REQUESTS: usize = 10;

/// Words of segments. Those of a catalogue are few, so that its routes overlap.
const WORDS: [&str; 23] = [
    "a",
    "A",
    "b",
    "v1",
    "V1",
    "orders",
    "Orders",
    "orderS",
    "x.y",
    ".a",
    "a..",
    "caf%C3%A9",
    "caf%c3%a9",
    "%C3%89",
    "a%20b",
    "a%2Bb",
    "a%2bb",
    "b%2B",
    "a%20B",
    "a+b",
    "*",
    "a=b&c",
    "~",
];
/// Words that no path may have, and some that only look like it.
const ODD: [&str; 31] = [
    "", ".", "..", "...", ".%20", "%20", "%20.", ".%20.", "%2e", "%2E%2e", "%2F", "%5c", "%25", "%", "%C3", "%4",
    "%zz", "%41", "%7e", "%00", "%7F", "%80", "a;b", "#", "{x}", "{*x}", "{", "%3B", "%3f", "é", "a b",
];
const METHODS: [&str; 8] = ["GET", "GET", "GET", "POST", "POST", "PUT", "DELETE", "*"];
const ODD_METHODS: [&str; 12] = [
    "HEAD",
    "HEAD",
    "get",
    "Head",
    "",
    "OPTIONS",
    "M-SEARCH",
    "*",
    "**",
    "G T",
    "GÉT",
    "ABCDEFGHIJABCDEFGHIJABCDEFGHIJABC",
];

/// Draws catalogues and requests.
pub(super) fn routes(draw: &mut Draw) -> Result<Ran, Fault> {
    let mut ran = Ran::default();
    let mut verdicts = Verdicts::new().map_err(Fault::during("the tokens"))?;
    for _ in 0..CATALOGUES {
        let words = words(draw);
        let mut given: Vec<Given> = (0..draw.below(MOST_ROUTES + 1)).map(|_| route(&words, draw)).collect();
        let denies = draw.flag();
        // A wrong route is taken out, so that the others are of use.
        let list = loop {
            let list = RouteList::new(&given);
            ran.cases += 1;
            if let Some(said) = verdicts.load(&given, denies, list.as_ref().err().copied()) {
                ran.differs(format!("{said}{}", lines(&given)));
            }
            match list {
                Ok(list) => break list,
                Err(wrong) => drop(given.remove(wrong.route().unwrap_or_default())),
            }
        };
        for _ in 0..REQUESTS {
            let (method, target) = request(&given, &words, draw);
            ran.cases += 1;
            if let Some(said) = verdicts.differ(&method, &target, list.find(&method, &target)) {
                let given = shrunk(&mut verdicts, given.clone(), denies, &method, &target);
                ran.differs(format!("{method} {target}, denies: {denies}: {said}{}", lines(&given)));
                break;
            }
        }
    }
    Ok(ran)
}

fn words(draw: &mut Draw) -> Vec<&'static str> {
    (0..1 + draw.below(4)).map(|_| *draw.pick(&WORDS)).collect()
}

fn word(words: &[&'static str], draw: &mut Draw) -> &'static str {
    match draw.one_in(40) {
        true => draw.pick::<&str>(&ODD),
        false => draw.pick::<&str>(words),
    }
}

fn route(words: &[&'static str], draw: &mut Draw) -> Given {
    let mut path = String::new();
    for at in 0..draw.below(6) {
        let segment = match draw.below(8) {
            0..3 => format!("{{p{}}}", if draw.one_in(100) { 0 } else { at }),
            3 if draw.flag() => "{*rest}".into(),
            _ => word(words, draw).into(),
        };
        path = format!("{path}/{segment}");
        if segment == "{*rest}" && !draw.one_in(50) {
            break;
        }
    }
    if path.is_empty() || draw.one_in(8) {
        path.push('/');
    }
    if draw.one_in(200) {
        path = off(&path, draw);
    }
    let public = draw.one_in(8);
    let methods: &[&str] = if draw.one_in(50) { &ODD_METHODS } else { &METHODS };
    Given {
        method: (*draw.pick(methods)).into(),
        path,
        featured: if public { draw.one_in(50) } else { !draw.one_in(8) },
        writes: draw.flag(),
        public,
    }
}

/// A method and a target of one of the routes or of any words, changed a little.
fn request(given: &[Given], words: &[&'static str], draw: &mut Draw) -> (String, String) {
    let route = (!given.is_empty() && !draw.one_in(4)).then(|| draw.pick(given));
    let mut path = String::new();
    for segment in route.map_or("/{*}", |route| &route.path).split('/').skip(1) {
        let segment = match segment {
            _ if segment.starts_with("{*") => {
                let some: Vec<_> = (0..1 + draw.below(3)).map(|_| word(words, draw)).collect();
                some.join("/")
            }
            _ if segment.starts_with('{') || draw.one_in(10) => word(words, draw).into(),
            _ => segment.into(),
        };
        path = format!("{path}/{segment}");
    }
    match draw.below(20) {
        0 | 1 => path.push('/'),
        2 => drop(path.pop()),
        3 | 4 => path = with_another_case(&path, draw),
        5 => path = off(&path, draw),
        6 => path.push_str(draw.pick::<&str>(&["?", "?a=/../b", "?%", "/?x", "?é", "?a#", "/.", "/..", "//"])),
        7 => path = with_an_escape(&path, draw),
        8 => {
            let names = [
                "_method",
                "X-HTTP-Method",
                "%5fmethod",
                "a&+_METHOD",
                "%2525255fmethod",
                "a_method",
                "a=_method",
                "a%26_method",
            ];
            path = format!("{path}?{}=PUT", draw.pick::<&str>(&names));
        }
        _ => {}
    }
    let method = match route {
        _ if draw.one_in(16) => draw.pick(&ODD_METHODS),
        Some(route) if !draw.one_in(4) => route.method.as_str(),
        _ => draw.pick(&METHODS),
    };
    (method.into(), path)
}

fn with_another_case(path: &str, draw: &mut Draw) -> String {
    let turned = |letter: char| match letter.is_ascii_lowercase() {
        true => letter.to_ascii_uppercase(),
        false => letter.to_ascii_lowercase(),
    };
    path.chars()
        .map(|letter| if draw.flag() { turned(letter) } else { letter })
        .collect()
}

fn with_an_escape(path: &str, draw: &mut Draw) -> String {
    let at = draw.below(path.len() + 1);
    let Some((before, after)) = path.split_at_checked(at) else {
        return path.into();
    };
    format!("{before}%{:02X}{after}", draw.below(256))
}

/// The routes without which the request doesn't differ.
fn shrunk(verdicts: &mut Verdicts, given: Vec<Given>, denies: bool, method: &str, target: &str) -> Vec<Given> {
    let mut given = given;
    let mut at = 0;
    while at < given.len() {
        let mut fewer = given.clone();
        fewer.remove(at);
        let differs = RouteList::new(&fewer).is_ok_and(|list| {
            verdicts.load(&fewer, denies, None).is_none()
                && verdicts.differ(method, target, list.find(method, target)).is_some()
        });
        if differs {
            given = fewer;
        } else {
            at += 1;
        }
    }
    given
}

fn lines(given: &[Given]) -> String {
    given.iter().map(|route| format!("\n    {route:?}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{REQUESTS, request, route, words};
    use crate::differ::draw::Draw;
    use crate::routes::{Answer, RouteList, Wrong};

    #[test]
    fn draws_every_answer_and_every_fault_often() {
        let (mut answers, mut faults) = ([0_u32; 4], [0_u32; 4]);
        for number in 0..3_000 {
            let mut draw = Draw::of_case(1, "routes", number);
            let words = words(&mut draw);
            let mut given: Vec<_> = (0..8).map(|_| route(&words, &mut draw)).collect();
            let list = loop {
                let (fault, at) = match RouteList::new(&given) {
                    Ok(list) => break list,
                    Err(Wrong::Method(at)) => (0, at),
                    Err(Wrong::Path(at)) => (1, at),
                    Err(Wrong::Public(at)) => (2, at),
                    Err(wrong) => (3, wrong.route().unwrap_or_default()),
                };
                faults[fault] += 1;
                given.remove(at);
            };
            for _ in 0..REQUESTS {
                let (method, target) = request(&given, &words, &mut draw);
                answers[match list.find(&method, &target) {
                    Answer::Doubtful => 0,
                    Answer::Unlisted => 1,
                    Answer::Route(_) => 2,
                    Answer::Near(_) => 3,
                }] += 1;
            }
        }
        assert!(answers.iter().all(|count| *count > 2_000), "{answers:?}");
        assert!(faults.iter().all(|count| *count > 50), "{faults:?}");
    }
}
