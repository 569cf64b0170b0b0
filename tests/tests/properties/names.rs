//! Names of tokens and users.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::ask::{NOW, ask, cases, code, creation};

const ALLOWED: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
/// Look-alikes, separators, control characters, and the characters that end a user name in a header.
const NEAR: &str = " .@:/+~`{[^\u{0}\t\n\u{7f}\u{80}éßİıаＡ\u{200b}\u{202e}\u{301}😀";

/// The error for a text of at most `most` characters, all from the allowed set. The length is checked first.
fn fault<'c>(text: &str, most: usize, extra: &str, codes: [&'c str; 3]) -> Option<&'c str> {
    let [empty, long, character] = codes;
    match text.chars().count() {
        0 => Some(empty),
        length if length > most => Some(long),
        _ if text.chars().any(|c| !ALLOWED.contains(c) && !extra.contains(c)) => Some(character),
        _ => None,
    }
}

fn name_fault(name: &str) -> Option<&'static str> {
    fault(name, 50, "", ["name_empty", "name_too_long", "name_character"])
}

fn user_fault(user: &str) -> Option<&'static str> {
    fault(user, 64, ".@", ["user_empty", "user_too_long", "user_character"])
}

fn letter(of: &'static str) -> impl Strategy<Value = char> + Clone {
    proptest::sample::select(of.chars().collect::<Vec<_>>())
}

/// Texts near the maximum length or short, mostly of allowed characters.
fn text(most: usize) -> impl Strategy<Value = String> {
    let good = proptest::collection::vec(letter(ALLOWED), 0..most + 3);
    let edge = proptest::collection::vec(letter(ALLOWED), most - 1..most + 2);
    let spoilt = (edge.clone(), letter(NEAR), any::<prop::sample::Index>()).prop_map(|(mut text, near, at)| {
        let at = at.index(text.len());
        text[at] = near;
        text
    });
    let mixed = proptest::collection::vec(prop_oneof![4 => letter(ALLOWED), 1 => letter(NEAR)], 0..4);
    let any_text = proptest::collection::vec(any::<char>(), 0..most + 3);
    prop_oneof![3 => good, 2 => edge, 2 => spoilt, 2 => mixed, 1 => any_text].prop_map(String::from_iter)
}

fn problem(answer: &Value) -> Option<&str> {
    answer.pointer("/ok/problems/0/code").and_then(Value::as_str)
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn names_follow_the_specified_rules(name in text(50)) {
        let wanted = name_fault(&name);
        let validated = ask(&json!({"op": "validate", "name": name}));
        prop_assert_eq!(problem(&validated), wanted);
        prop_assert_eq!(validated.pointer("/ok/valid"), Some(&json!(wanted.is_none())));

        let mut request = creation(NOW);
        request["name"] = json!(name);
        let created = ask(&request);
        prop_assert_eq!(code(&created), wanted);
        if wanted.is_none() {
            prop_assert_eq!(created.pointer("/ok/record/name"), Some(&json!(name)));
        }

        let mut record = ask(&creation(NOW))["ok"]["record"].take();
        let renamed = ask(&json!({"op": "rename", "record": record, "newName": name}));
        prop_assert_eq!(code(&renamed), wanted);
        if wanted.is_none() {
            // Only the name changes.
            record["name"] = json!(name);
            prop_assert_eq!(renamed.pointer("/ok/record"), Some(&record));
        }
    }

    #[test]
    fn users_follow_the_specified_rules(user in text(64)) {
        let wanted = user_fault(&user);
        let validated = ask(&json!({"op": "validate", "user": user}));
        prop_assert_eq!(problem(&validated), wanted);
        let mut request = creation(NOW);
        request["user"] = json!(user);
        let created = ask(&request);
        prop_assert_eq!(code(&created), wanted);
    }

    #[test]
    fn only_the_very_same_name_is_taken(name in "[a-cA-C]{1,2}", taken in prop::collection::vec("[a-cA-C]{1,2}", 0..12)) {
        let mut request = creation(NOW);
        request["name"] = json!(name);
        request["taken"] = json!(taken);
        let wanted = taken.contains(&name).then_some("name_taken");
        let created = ask(&request);
        prop_assert_eq!(code(&created), wanted);
    }
}
