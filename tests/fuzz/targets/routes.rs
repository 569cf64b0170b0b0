//! A catalogue's routes and a request for one of them: the core refuses the catalogue at the place, and gives tokens the verdicts,
//! that follow from a list of routes without an index. The first line of an input is a method and a target, each other line a
//! method and a path of a route, with `!` before a public one and `-` before one without a feature.
#![no_main]
#![allow(unused_imports, reason = "the target does not use all of the module")]

#[path = "../../src/routes/mod.rs"]
mod routes;

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;

use routes::{Given, MOST_ROUTES, RouteList, Verdicts};

thread_local! {
    static VERDICTS: RefCell<Verdicts> = RefCell::new(Verdicts::new().expect("the tokens are sound"));
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut lines = text.split('\n');
    let Some((method, target)) = lines.next().and_then(|line| line.split_once(' ')) else {
        return;
    };
    let mut given: Vec<Given> = lines.take(MOST_ROUTES).map(route).collect();
    VERDICTS.with_borrow_mut(|verdicts| {
        for denies in [false, true] {
            // A wrong route is taken out, so that the others are of use.
            let list = loop {
                let list = RouteList::new(&given);
                assert_eq!(verdicts.load(&given, denies, list.as_ref().err().copied()), None);
                match list {
                    Ok(list) => break list,
                    Err(wrong) => given.remove(wrong.route().expect("there aren't too many")),
                };
            };
            assert_eq!(verdicts.differ(method, target, list.find(method, target)), None);
        }
    });
});

fn route(line: &str) -> Given {
    let (public, line) = line.strip_prefix('!').map_or((false, line), |line| (true, line));
    let (featured, line) = line.strip_prefix('-').map_or((!public, line), |line| (false, line));
    let (method, path) = line.split_once(' ').unwrap_or(("GET", line));
    Given {
        method: method.into(),
        path: path.into(),
        featured,
        writes: path.len().is_multiple_of(2),
        public,
    }
}
