//! Mutates JSON text without breaking it, so that inputs get past the parser.

use serde_json::{Map, Value, json};

/// Words that requests are made of. `-dict` has the same job for text that isn't JSON.
const WORDS: &[&str] = &[
    "op",
    "create",
    "describe",
    "functions",
    "identify",
    "info",
    "list",
    "manageable",
    "parameters",
    "rename",
    "reply",
    "revoke",
    "update",
    "usage",
    "validate",
    "verify",
    "now",
    "entropy",
    "user",
    "name",
    "access",
    "expires",
    "readOnly",
    "addresses",
    "realm",
    "zone",
    "prefix",
    "pepper",
    "peppers",
    "account",
    "policy",
    "held",
    "taken",
    "creator",
    "record",
    "records",
    "token",
    "authorization",
    "call",
    "catalogue",
    "maxLifetime",
    "expiryRequired",
    "caps",
    "tokens",
    "tokensPerHour",
    "lastHour",
    "features",
    "recordBytes",
    "v",
    "id",
    "hash",
    "hint",
    "created",
    "revoked",
    "full",
    "admin",
    "all",
    "apitokens",
    "suspended",
    "administrator",
    "api",
    "uapi",
    "api2",
    "api1",
    "whm",
    "module",
    "function",
    "feature",
    "writes",
    "address",
    "apis",
    "key",
    "offset",
    "transitions",
    "never",
    "UTC",
    "+02:00",
    "2027-12-31",
    "2027-12-31T12:00:00Z",
    "newName",
    "ids",
    "names",
    "uses",
    "lastUsed",
    "shape",
    "uapiCommand",
    "denied",
    "values",
    "unknown",
    "error",
    "code",
    "message",
    "field",
    "httpStatus",
    "retryAfter",
    "token_name",
    "expires_at",
    "readonly",
    "whitelist_ip",
    "acl",
    "acl-0",
    "whitelist_ip[0]",
    "features[]",
    "any",
    "sort",
    "page",
    "pageSize",
    "search",
    "descending",
    "warnDays",
    "alice",
    "ci",
    "snapshot-read",
    "10.0.0.0/8",
    "::ffff:10.0.0.0/104",
    "2001:db8::/32",
    "sha256:607d0d9e681b27dd11db169ad7810cd5b71c979f22c5f0245f2dedb93ef4307d",
    "4H56O62ZSAC4Y2PPXM2Z3S3D9S070A03",
    "cpanel alice:4H56O62ZSAC4Y2PPXM2Z3S3D9S070A03",
    "Bearer 4H56O62ZSAC4Y2PPXM2Z3S3D9S070A03",
    "000102030405060708090a0b0c0d0e0f",
    "\u{e9}",
    "\u{0}",
    "\u{1f600}",
    "",
];

/// A small generator of pseudorandom numbers (xorshift).
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u32) -> Chance {
        Chance(u64::from(seed) << 1 | 1)
    }

    /// A number below `most`, which isn't 0.
    pub fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 8).unwrap_or_default() % most
    }
}

/// Mutates the text in `data[..size]`; for `fuzz_mutator!`. Text that isn't JSON, and one input in eight, is mutated as
/// bytes.
pub fn mutate(data: &mut [u8], size: usize, most: usize, seed: u32) -> usize {
    let mut chance = Chance::new(seed);
    if chance.below(8) > 0
        && let Ok(mut value) = serde_json::from_slice::<Value>(&data[..size])
    {
        for _ in 0..=chance.below(3) {
            change(&mut value, &mut chance);
        }
        let text = value.to_string();
        if text.len() <= most {
            data[..text.len()].copy_from_slice(text.as_bytes());
            return text.len();
        }
    }
    libfuzzer_sys::fuzzer_mutate(data, size, most)
}

/// Changes one place of a value.
pub fn change(root: &mut Value, chance: &mut Chance) {
    let places = count(root);
    let donor = nth(root, &mut chance.below(places)).cloned().unwrap_or_default();
    let mut at = chance.below(places);
    if let Some(place) = nth_mut(root, &mut at) {
        alter(place, donor, chance);
    }
}

fn alter(place: &mut Value, donor: Value, chance: &mut Chance) {
    match (place, chance.below(4)) {
        (place, 0) => *place = if chance.below(2) == 0 { donor } else { fresh(chance) },
        (Value::Array(items), kind) => {
            let at = chance.below(items.len() + 1);
            match kind {
                1 if at < items.len() => _ = items.remove(at),
                2 if at < items.len() => items.insert(at, items[at].clone()),
                _ => items.insert(at, donor),
            }
        }
        (Value::Object(entries), kind) => {
            let at = chance.below(entries.len() + 1);
            let key = entries.keys().nth(at).cloned();
            match (kind, key) {
                (1, Some(key)) => _ = entries.remove(&key),
                (2, Some(key)) => {
                    let value = entries.remove(&key).unwrap_or_default();
                    entries.insert(word(chance).to_owned(), value);
                }
                _ => {
                    _ = entries.insert(
                        word(chance).to_owned(),
                        if chance.below(2) == 0 { donor } else { fresh(chance) },
                    )
                }
            }
        }
        (Value::String(text), kind) => alter_text(text, kind, chance),
        (place @ Value::Number(_), _) => {
            let number = place.as_i64().unwrap_or_default();
            let step = [1, -1, 60, -86_400, 31_536_000][chance.below(5)];
            *place = json!(number.saturating_add(step));
        }
        (Value::Bool(value), _) => *value = !*value,
        (place, _) => *place = fresh(chance),
    }
}

fn alter_text(text: &mut String, kind: usize, chance: &mut Chance) {
    if kind == 1 {
        word(chance).clone_into(text);
        return;
    }
    let mut characters: Vec<char> = text.chars().collect();
    let at = chance.below(characters.len() + 1);
    match (kind, at < characters.len()) {
        (2, true) => _ = characters.remove(at),
        (3, true) => characters[at] = char::from(u8::try_from(chance.below(128)).unwrap_or_default()),
        _ => {
            let more = word(chance).chars().take(1 + chance.below(8));
            characters.splice(at..at, more);
        }
    }
    *text = characters.into_iter().collect();
}

fn word(chance: &mut Chance) -> &'static str {
    WORDS[chance.below(WORDS.len())]
}

/// A value without regard to what was there.
pub fn fresh(chance: &mut Chance) -> Value {
    match chance.below(12) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(false),
        3 => json!(1_800_000_000_i64 + i64::try_from(chance.below(100_000_000)).unwrap_or_default()),
        4 => json!([0, -1, 1, 2, 100, 1000, 1001, 250, 8192, 1_577_836_799, 1_577_836_800][chance.below(11)]),
        5 => json!(
            [
                9_007_199_254_740_991_i64,
                9_007_199_254_740_992,
                i64::MIN,
                253_402_300_799,
                253_402_300_800
            ][chance.below(5)]
        ),
        6 => json!([1.5, 1e300, -0.0, 1.8e9][chance.below(4)]),
        7 => json!([]),
        8 => json!({}),
        9 => Value::Array((0..chance.below(4)).map(|_| json!(word(chance))).collect()),
        10 => Value::Object(Map::from_iter([(word(chance).to_owned(), json!(word(chance)))])),
        _ => json!(word(chance)),
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(entries) => entries.values().map(count).sum(),
        _ => 0,
    }
}

fn nth<'v>(value: &'v Value, left: &mut usize) -> Option<&'v Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Array(items) => items.iter().find_map(|item| nth(item, left)),
        Value::Object(entries) => entries.values().find_map(|item| nth(item, left)),
        _ => None,
    }
}

fn nth_mut<'v>(value: &'v mut Value, left: &mut usize) -> Option<&'v mut Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| nth_mut(item, left)),
        Value::Object(entries) => entries.values_mut().find_map(|item| nth_mut(item, left)),
        _ => None,
    }
}
