//! A catalogue file that is accepted leaves the service's own functions as they are, makes no function that calls others
//! read-only, is taken by the core or refused with a code of a catalogue, and means the same in JSON.
#![no_main]
#![allow(dead_code, reason = "the target doesn't use all of the module")]

#[path = "../../../host/server/src/guard/catalogue_rows.rs"]
mod catalogue_rows;

use std::collections::BTreeMap;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use serde_json::json;
use tokenlatch_core::{Api, Catalogue, ErrorCode, Function, TableInput, TokenTable, calls_others, functions};

use catalogue_rows::{WHM, is_ours, join, parse};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let extension = if text.trim_start().starts_with(['{', '[']) && !text.trim_start().starts_with("[[") {
        "json"
    } else {
        "toml"
    };
    assert!(parse("yaml", text).is_err());
    let Ok(written) = parse(extension, text) else {
        return;
    };
    let catalogue = join(functions(), written).catalogue;
    let joined = catalogue.functions.clone().unwrap_or_default();
    let own = |functions: &[Function]| -> Vec<Function> {
        functions
            .iter()
            .filter(|f| is_ours(&f.module, &f.function))
            .cloned()
            .collect()
    };
    assert_eq!(
        own(&joined),
        own(&functions()),
        "the file changes the service's own functions"
    );
    for function in &joined {
        assert!(function.writes || !calls_others(&function.module, &function.function));
        assert_eq!(
            function.module == WHM,
            function.apis.contains(&Api::Whm) || function.apis.is_empty() && function.module == WHM
        );
    }
    let taken = TokenTable::new(TableInput {
        catalogue: Some(catalogue.clone()),
        ..TableInput::default()
    });
    let known = [ErrorCode::CatalogueInvalid, ErrorCode::FeatureInvalid];
    assert!(taken.is_ok() || taken.is_err_and(|error| known.contains(&error.code)));

    // The same functions and routes, written as JSON, replace themselves.
    let rows: Vec<_> = joined.iter().filter(|f| !is_ours(&f.module, &f.function)).collect();
    let mut text = json!({"function": rows, "route": &catalogue.routes});
    if let Some(default) = catalogue.default {
        text["default"] = json!(default);
    }
    let again = parse("json", &text.to_string()).expect("what is accepted can be written as JSON");
    let again = join(own(&functions()), again).catalogue;
    let written = |catalogue: &Catalogue| (catalogue.routes.clone(), catalogue.default);
    assert_eq!(written(&again), written(&catalogue), "JSON means something else");
    let again = again.functions.unwrap_or_default();
    assert_eq!(by_name(&again), by_name(&joined), "JSON means something else");
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if seed.is_multiple_of(2) && matches!(data.first(), Some(b'{' | b'[')) {
        return tokenlatch_fuzz::json::mutate(data, size, max_size, seed);
    }
    libfuzzer_sys::fuzzer_mutate(data, size, max_size)
});

fn by_name(functions: &[Function]) -> BTreeMap<(&str, &str), Vec<&Function>> {
    let mut named: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for function in functions {
        named
            .entry((function.module.as_str(), function.function.as_str()))
            .or_default()
            .push(function);
    }
    named
}
