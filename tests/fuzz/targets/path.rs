//! A sound path has no other reading once it is decoded; a path is made canonical once; and where a call is recognised,
//! servers that decode twice, ignore case or split at `;` run the same function.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokenlatch_core::{
    Realm, WHM_MODULE, call_of, canonical_path, is_api_path, is_sound_path, json_api_path, plain_target, uapi_path,
};

fuzz_target!(|data: &[u8]| {
    let plain = plain_target(data);
    for realm in [Realm::Account, Realm::Admin] {
        let call = call_of("GET", data, realm);
        assert!(call.is_none() || plain.is_some(), "a call by a target that isn't plain");
        let (Some(call), Some(path)) = (call, plain) else {
            continue;
        };
        assert_eq!(call.realm, Some(realm));
        // What a lenient server makes of the first segment.
        let lenient = decoded(&decoded(path.as_bytes()));
        let lenient = String::from_utf8_lossy(&lenient).to_ascii_lowercase();
        let first = lenient
            .trim_start_matches('/')
            .split(['/', ';'])
            .next()
            .unwrap_or_default();
        let first = first.trim_end_matches(['.', ' ']);
        match (call.module.as_deref(), call.function.as_deref()) {
            (Some(WHM_MODULE), Some(function)) if realm == Realm::Admin => {
                assert_eq!(json_api_path(path), Some(function));
                assert_eq!(first, "json-api");
            }
            (Some(module), Some(function)) => {
                assert_eq!(uapi_path(path), Some((module, function)));
                assert_eq!((first, realm), ("execute", Realm::Account));
            }
            _ => assert!(
                !matches!(first, "execute" | "json-api" | "xml-api") && !first.starts_with("cpsess"),
                "another server finds the API at {path:?}"
            ),
        }
    }
    let Ok(path) = std::str::from_utf8(data) else {
        return;
    };
    if plain == Some(path) {
        assert!(is_sound_path(path), "a plain path is sound");
    }
    if is_sound_path(path) {
        let read = decoded(path.as_bytes());
        let read = String::from_utf8(read).expect("a sound path decodes to UTF-8");
        let steps: Vec<&str> = read.split('/').skip(1).collect();
        let parts = path.split('/').count() - 1;
        assert_eq!(steps.len(), parts, "decoding adds a segment");
        for (at, step) in steps.iter().enumerate() {
            assert!(!step.is_empty() || at + 1 == parts, "an empty segment");
            assert!(!matches!(*step, "." | ".."), "a dot segment");
        }
        assert!(!read.contains('\\') && !escaped(path).any(|byte| byte.is_ascii_control() || byte == b'%'));
    }
    let canonical = canonical_path(path);
    // What is folded is a function's path, with nothing left to fold.
    if canonical != path {
        assert!(is_api_path(canonical), "{path:?} became {canonical:?}");
        assert!(path.contains(canonical));
        assert_eq!(canonical_path(canonical), canonical, "two steps to be canonical");
    }
});

/// The bytes that are escaped.
fn escaped(path: &str) -> impl Iterator<Item = u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    path.as_bytes().windows(3).filter_map(move |three| match three {
        [b'%', high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    })
}

fn decoded(path: &[u8]) -> Vec<u8> {
    percent_encoding::percent_decode(path).collect()
}
