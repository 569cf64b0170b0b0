//! Makes a case that differs smaller, as long as it still differs.

use serde_json::Value;

use super::case::Step;
use super::lab::{Difference, Lab, Outcome};
use super::twist::places;
use crate::fault::Fault;

/// How often smaller cases are tried.
const ROUNDS: usize = 60;

/// The smallest case that is found, with its difference.
///
/// # Errors
/// A runtime stops.
pub(super) fn shrink(lab: &Lab, case: Vec<Step>, difference: Difference) -> Result<(Vec<Step>, Difference), Fault> {
    let (mut case, mut difference) = (case, difference);
    case.truncate(difference.step + 1);
    for _ in 0..ROUNDS {
        let smaller = smaller(&case);
        let outcomes = lab.run(&smaller)?;
        let found = smaller
            .into_iter()
            .zip(outcomes)
            .find_map(|(case, outcome)| match outcome {
                Outcome::Differs(difference) => Some((case, difference)),
                _ => None,
            });
        match found {
            Some(found) => (case, difference) = found,
            None => break,
        }
    }
    Ok((case, difference))
}

/// Cases that are smaller by one step or by one part of a step, the largest parts first.
fn smaller(case: &[Step]) -> Vec<Vec<Step>> {
    // A table or a snapshot stays open until another is opened, even in another case.
    let first = usize::from(case.first().is_some_and(|step| step.kind != "request"));
    let removable = first..case.len().saturating_sub(1);
    let mut found: Vec<Vec<Step>> = removable.map(|step| without(case, step)).collect();
    for (at, step) in case.iter().enumerate() {
        // A message's bytes and parts belong together.
        if step.kind == "apply" {
            continue;
        }
        let mut places = places(&step.value);
        places.sort_by_key(String::len);
        for place in places.iter().filter(|place| !place.is_empty()) {
            for value in simpler(&step.value, place) {
                let mut case = case.to_vec();
                case[at] = Step::plain(step.kind.clone(), value);
                found.push(case);
            }
        }
    }
    found.retain(|case| case.iter().all(|step| step.command().is_ok()));
    found
}

fn without(case: &[Step], step: usize) -> Vec<Step> {
    let mut case = case.to_vec();
    case.remove(step);
    case
}

/// The value without a place, and with a shorter text there.
fn simpler(value: &Value, place: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let (parent, key) = place.rsplit_once('/').unwrap_or(("", place));
    let key = key.replace("~1", "/").replace("~0", "~");
    let mut removed = value.clone();
    match removed.pointer_mut(parent) {
        Some(Value::Object(map)) => {
            map.remove(&key);
            found.push(removed);
        }
        Some(Value::Array(items)) => {
            if let Some(index) = key.parse().ok().filter(|index| *index < items.len()) {
                items.remove(index);
                found.push(removed);
            }
        }
        _ => {}
    }
    if let Some(Value::String(text)) = value.pointer(place) {
        let letters: Vec<char> = text.chars().collect();
        for shorter in [&letters[..letters.len() / 2], &letters[letters.len().div_ceil(2)..]] {
            let mut value = value.clone();
            if let Some(found_text) = value.pointer_mut(place).filter(|_| !text.is_empty()) {
                *found_text = Value::String(shorter.iter().collect());
                found.push(value);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Step, smaller};

    #[test]
    fn offers_only_smaller_cases() {
        let step = Step::plain(
            "request".into(),
            json!({ "op": "list", "records": [{ "id": "a/b" }, {}] }),
        );
        let case = vec![step.clone(), step];
        let size = |case: &[Step]| case.iter().map(|step| step.json().len()).sum::<usize>();
        let found = smaller(&case);
        assert!(found.len() > 10);
        assert!(found.iter().all(|smaller| size(smaller) < size(&case)));
    }
}
