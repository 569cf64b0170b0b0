//! One fault in a good value: a key left out or added, a value of another kind, a text or a number that is slightly off.

use serde_json::{Value, json};

use super::draw::Draw;

/// Changes one place of a value.
pub(super) fn twist(value: &mut Value, draw: &mut Draw) {
    let places = places(value);
    let place = draw.pick(&places);
    let Some(found) = value.pointer_mut(place) else {
        return;
    };
    match found {
        Value::Object(map) if !map.is_empty() && draw.flag() => {
            let keys: Vec<String> = map.keys().cloned().collect();
            map.remove(draw.pick(&keys));
        }
        Value::Object(map) => {
            let key = draw.pick(&["extra", "Name", "now ", "expire", "é", "toString"]);
            map.insert((*key).to_owned(), draw.odd_value());
        }
        Value::Array(items) if !items.is_empty() && draw.flag() => {
            let index = draw.below(items.len());
            if draw.flag() {
                items.remove(index);
            } else {
                items.push(items[index].clone());
            }
        }
        Value::Array(items) => items.push(draw.odd_value()),
        Value::String(text) if !draw.one_in(3) => *text = off(text, draw),
        Value::Number(number) if !draw.one_in(3) => {
            let step = *draw.pick(&[1, -1, 300, -300, 86_400, -86_400]);
            *found = json!(number.as_i64().unwrap_or_default().saturating_add(step));
        }
        other => *other = draw.odd_value(),
    }
}

/// A text that is off by a character.
pub(super) fn off(text: &str, draw: &mut Draw) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let index = draw.below(letters.len() + 1);
    let odd = *draw.pick(&[
        'a', 'Z', '0', '9', ' ', ':', '/', '.', '_', '-', 'ſ', '\u{0}', '\t', '%',
    ]);
    match draw.below(5) {
        0 => letters.insert(index, odd),
        1 if index < letters.len() => {
            letters.remove(index);
        }
        2 if index < letters.len() => letters[index] = odd,
        3 => letters.truncate(index),
        _ if index < letters.len() && letters[index].is_ascii_alphabetic() => {
            letters[index] = (letters[index] as u8 ^ 0x20) as char;
        }
        _ => letters.push(odd),
    }
    letters.into_iter().collect()
}

/// The JSON pointers of a value and everything in it.
pub(super) fn places(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(value, String::new(), &mut found);
    found
}

fn walk(value: &Value, place: String, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                walk(value, format!("{place}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                walk(value, format!("{place}/{index}"), found);
            }
        }
        _ => {}
    }
    found.push(place);
}
