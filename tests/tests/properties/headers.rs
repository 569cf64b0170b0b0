//! The grammar of the `Authorization` header.

use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::ask::{NOW, ask, cases, code, creation};

/// The parsed header.
#[derive(Debug, PartialEq)]
struct Said {
    scheme: String,
    user: Option<String>,
    secret: String,
}

/// Parses a header step by step, in the order of the reasons.
fn reading(header: &str) -> Result<Said, &'static str> {
    if header.is_empty() {
        return Err("header_missing");
    }
    if header.len() > 512 || header.chars().any(|c| !(' '..='~').contains(&c)) {
        return Err("header_malformed");
    }
    if header.starts_with(' ') || header.ends_with(' ') {
        return Err("header_malformed");
    }
    let (scheme, rest) = header.split_once(' ').ok_or("header_malformed")?;
    let scheme = scheme.to_ascii_lowercase();
    let rest = rest.trim_start_matches(' ');
    let (user, token) = match scheme.as_str() {
        "bearer" => (None, rest),
        "cpanel" | "whm" => {
            let (user, token) = rest.split_once(':').ok_or("header_malformed")?;
            (Some(user), token)
        }
        _ => return Err("scheme_unsupported"),
    };
    let user_letter = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
    if user.is_some_and(|user| user.is_empty() || user.len() > 64 || !user.chars().all(user_letter)) {
        return Err("header_malformed");
    }
    Ok(Said {
        scheme,
        user: user.map(str::to_owned),
        secret: secret(token).ok_or("header_malformed")?,
    })
}

/// The 32 secret characters of a token text.
fn secret(token: &str) -> Option<String> {
    let plain =
        |text: &str, length| text.len() == length && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    match token.rsplit_once('_') {
        None => plain(token, 32).then(|| token.to_owned()),
        Some((prefix, body)) => {
            let begins = prefix.starts_with(|c: char| c.is_ascii_lowercase());
            let letters = prefix.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
            if !(begins && letters && (2..=16).contains(&prefix.len()) && plain(body, 39)) {
                return None;
            }
            let secret = &body[..32];
            (body[32..] == checksum(prefix, secret)).then(|| secret.to_owned())
        }
    }
}

/// CRC-32 (ISO-HDLC), computed bit by bit, as seven digits of base 36.
fn checksum(prefix: &str, secret: &str) -> String {
    let mut crc = u32::MAX;
    for byte in format!("{prefix}_{secret}").bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xedb8_8320
            } else {
                crc >> 1
            };
        }
    }
    let mut rest = u64::from(!crc);
    let mut digits = Vec::new();
    for _ in 0..7 {
        digits.push(
            char::from_digit(u32::try_from(rest % 36).unwrap(), 36)
                .unwrap()
                .to_ascii_uppercase(),
        );
        rest /= 36;
    }
    digits.iter().rev().collect()
}

/// The hash for the lookup. For a header that cannot be parsed it is a decoy's.
fn hash(secret: &str) -> String {
    let digits: String = Sha256::digest(secret)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{digits}")
}

fn expected(reading: Result<Said, &str>) -> Value {
    match reading {
        Ok(said) => json!({"scheme": said.scheme, "user": said.user, "hashes": [hash(&said.secret)], "reason": "ok"}),
        Err(reason) => json!({"scheme": null, "user": null, "hashes": [hash(&"_".repeat(32))], "reason": reason}),
    }
}

fn token() -> impl Strategy<Value = String> {
    let prefixed = ("[a-z][a-z0-9]{1,15}", "[A-Z0-9]{32}").prop_map(|(prefix, secret)| {
        let sum = checksum(&prefix, &secret);
        format!("{prefix}_{secret}{sum}")
    });
    let near_prefix = ("[a-z0-9A-Z_-]{0,18}", "[A-Z0-9]{32}").prop_map(|(prefix, secret)| {
        let sum = checksum(&prefix, &secret);
        format!("{prefix}_{secret}{sum}")
    });
    prop_oneof![
        6 => "[A-Z0-9]{32}",
        4 => prefixed,
        1 => near_prefix,
        1 => "[A-Z0-9]{31}|[A-Z0-9]{33}|[A-Z0-9]{16}[a-z_ :][A-Z0-9]{15}",
        1 => "[a-z]{2,4}_[A-Z0-9]{37,41}",
    ]
}

fn user() -> impl Strategy<Value = String> {
    prop_oneof![6 => "[a-zA-Z0-9._@-]{1,12}", 1 => "[a-z]{63,65}", 1 => "[a-z]{0,2}[ :é/+]?[a-z]{0,2}"]
}

/// Headers composed of valid and nearly valid parts.
fn composed() -> impl Strategy<Value = String> {
    let schemes = [
        "cpanel", "whm", "Bearer", "cPanel", "WHM", "BEARER", "basic", "cpanell", "whm:", "", "\tcpanel", "ſcheme",
    ];
    let scheme = prop_oneof![
        6 => prop::sample::select(schemes[..6].to_vec()),
        1 => prop::sample::select(schemes[6..].to_vec()),
    ];
    let spaces = prop_oneof![8 => Just(1), 3 => 0..4_usize, 1 => 380..520_usize];
    let named = prop_oneof![5 => (user(), Just(":".to_owned())), 1 => (user(), "[: ]{0,2}")];
    let end = prop_oneof![20 => Just(""), 1 => prop::sample::select(vec![" ", "\t", "\r\n", ",", "\u{0}", "é", "="])];
    (scheme, spaces, prop::bool::weighted(0.9), named, token(), end).prop_map(
        |(scheme, spaces, fitting, (user, colon), token, end)| {
            let bearer = scheme.eq_ignore_ascii_case("bearer");
            let who = if bearer == fitting {
                String::new()
            } else {
                format!("{user}{colon}")
            };
            format!("{scheme}{}{who}{token}{end}", " ".repeat(spaces))
        },
    )
}

/// One character inserted, replaced or removed.
fn changed() -> impl Strategy<Value = String> {
    let intruder = prop::sample::select(" :_-.@,aZ09\t\n\r\u{0}\u{7f}é".chars().collect::<Vec<_>>());
    (composed(), 0..3_u8, any::<prop::sample::Index>(), intruder).prop_map(|(header, how, at, new)| {
        let mut text: Vec<char> = header.chars().collect();
        let place = at.index(text.len());
        match how {
            0 => text.insert(place, new),
            1 => text[place] = new,
            _ => _ = text.remove(place),
        }
        text.into_iter().collect()
    })
}

fn header() -> impl Strategy<Value = String> {
    prop_oneof![5 => composed(), 3 => changed(), 1 => any::<String>(), 1 => Just(String::new())]
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn header_is_read_by_its_grammar(header in header()) {
        let wanted = expected(reading(&header));
        let one = ask(&json!({"op": "identify", "authorization": header}));
        prop_assert_eq!(one.pointer("/ok"), Some(&wanted));
        let listed = ask(&json!({"op": "identify", "authorization": [header]}));
        prop_assert_eq!(listed.pointer("/ok"), Some(&wanted));
    }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn repeated_headers_are_refused(headers in prop::collection::vec(header(), 2..4)) {
        let answer = ask(&json!({"op": "identify", "authorization": headers}));
        prop_assert_eq!(answer.pointer("/ok"), Some(&expected(Err("header_repeated"))));
    }

    #[test]
    fn a_new_token_is_read_back(entropy in prop::collection::vec(any::<u8>(), 64), prefix in prop::option::of("[a-z][a-z0-9]{1,15}")) {
        let hex: String = entropy.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut request = creation(NOW);
        request["entropy"] = json!(hex);
        if let Some(prefix) = prefix {
            request["prefix"] = json!(prefix);
        }
        let created = ask(&request);
        // Random values are not weak, but those of the shrinking phase may be.
        prop_assume!(code(&created) != Some("entropy_weak"));
        let token = created.pointer("/ok/token").unwrap().as_str().unwrap();
        let letters: String = entropy[..52]
            .iter()
            .filter(|byte| **byte < 252)
            .take(32)
            .map(|byte| char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[usize::from(byte % 36)]))
            .collect();
        prop_assert_eq!(secret(token), Some(letters.clone()));
        prop_assert_eq!(created.pointer("/ok/record/hash"), Some(&json!(hash(&letters))));
        prop_assert_eq!(created.pointer("/ok/record/hint"), Some(&json!(letters[28..])));
        prop_assert_eq!(created.pointer("/ok/record/id"), Some(&json!(hex[104..])));
        let read = reading(&format!("cpanel alice:{token}"));
        prop_assert_eq!(read.map(|said| said.secret), Ok(letters));
    }
}
