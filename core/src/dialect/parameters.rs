//! Parameters of the compatible interfaces, translated to those of the operations. RULES.md, 3 and 5.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::part::{Part, WORDS};
use super::shape::{Shape, function_unknown};
use crate::base::error::{Error, ErrorCode};
use crate::json::decoder::{Fields, FromValue, wrong_type};
use crate::json::value::{MAX_SAFE_INTEGER, Value};
use crate::token::access::Access;
use crate::token::address::MAX_ADDRESSES;
use crate::token::expiry::{ValidExpiry, seconds};
use crate::token::feature::MAX_FEATURES;
use crate::token::secret::SecretString;

/// The most unknown keys that are reported, and the most bytes of each.
const MAX_UNKNOWN: usize = 16;
const MAX_UNKNOWN_KEY: usize = 64;

/// The most tokens that one call may name.
const MAX_NAMES: usize = 1_000;

/// The parameters of a call as received.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ParametersRequest {
    /// The interface. All but WHM share their parameters.
    pub shape: Shape,
    /// The function.
    pub function: String,
    /// Keys and values in the order received; null counts as omitted.
    pub values: Vec<(String, Value)>,
}

impl FromValue for ParametersRequest {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let request = ParametersRequest {
            shape: fields.required("shape"),
            function: fields.required("function"),
            values: fields.required("values"),
        };
        fields.finish()?;
        Ok(request)
    }
}

/// The parameters of a function, as hosts read the answer of [`parameters`].
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parameters {
    /// The token's name.
    pub name: Option<String>,
    /// The token's new name.
    pub new_name: Option<String>,
    /// The names of the tokens to revoke.
    pub names: Option<Vec<String>>,
    /// The expiry. It isn't checked to be in the future.
    pub expires: Option<ValidExpiry>,
    /// Whether functions that write are refused.
    pub read_only: Option<bool>,
    /// The addresses from which the token may be used; empty for any.
    pub addresses: Option<Vec<String>>,
    /// What the token may do.
    pub access: Option<Access>,
    /// A token's text.
    pub token: Option<SecretString>,
    /// Keys that the function doesn't have: at most 16, each cut to 64 bytes.
    pub unknown: Vec<String>,
}

/// Beginnings of keys that limit a token, and the part that each is about. Keys are compared by their letters and
/// digits in lower case.
const LIMITS: [(&str, Part); 6] = [
    ("acl", Part::Access),
    ("feature", Part::Access),
    ("whitelist", Part::Addresses),
    ("address", Part::Addresses),
    ("expir", Part::Expires),
    ("readonly", Part::ReadOnly),
];

/// A function: whether it is WHM's, its name, its parts, and how many of them are required.
type Row = (bool, &'static str, &'static [Part], usize);

const FUNCTIONS: &[Row] = &[
    (
        false,
        "create_full_access",
        &[Part::Name, Part::Expires, Part::ReadOnly],
        1,
    ),
    (
        false,
        "create_limited",
        &[Part::Name, Part::Access, Part::Expires, Part::ReadOnly, Part::Addresses],
        2,
    ),
    (false, "get_addresses", &[Part::Name], 1),
    (false, "list", &[], 0),
    (false, "rename", &[Part::Name, Part::NewName], 2),
    (false, "revoke", &[Part::Name], 1),
    (false, "set_addresses", &[Part::Name, Part::Addresses], 2),
    (
        true,
        "api_token_create",
        &[Part::Name, Part::Expires, Part::Addresses, Part::Access],
        1,
    ),
    (true, "api_token_get_details", &[Part::Token], 1),
    (true, "api_token_list", &[], 0),
    (true, "api_token_revoke", &[Part::Names], 1),
    (
        true,
        UPDATE,
        &[Part::Name, Part::NewName, Part::Expires, Part::Addresses, Part::Access],
        1,
    ),
];

const UPDATE: &str = "api_token_update";

/// Reads the parameters of a function into an object of the form of [`Parameters`].
///
/// # Errors
/// `value_invalid` for the shape `denied`, `function_unknown`; at a parameter `field_missing`, `field_duplicate`, `type_invalid`,
/// `value_invalid`, `expiry_invalid`, `expiry_out_of_range`, `field_unknown`.
pub fn parameters(request: &ParametersRequest) -> Result<Value, Error> {
    let whm = request.shape == Shape::Whm;
    if request.shape == Shape::Denied {
        return Err(refused().under("shape"));
    }
    let row = FUNCTIONS.iter().find(|row| row.0 == whm && row.1 == request.function);
    let (_, function, parts, required) = *row.ok_or_else(function_unknown)?;
    let mut reading = Reading {
        whm,
        creates: parts.contains(&Part::Expires) && function != UPDATE,
        values: &request.values,
        read: Vec::new(),
        fault: None,
    };
    for (at, part) in parts.iter().enumerate() {
        reading.take(*part, at < required);
    }
    if function == "create_full_access" {
        reading.put(Part::Access, text("full"));
    }
    if parts.contains(&Part::Expires) || parts.contains(&Part::Addresses) {
        reading.look_for_limits(parts);
    }
    let unknown = reading.unknown(parts);
    reading.read.push((String::from("unknown"), unknown));
    match reading.fault {
        None => Ok(Value::Object(reading.read)),
        Some(fault) => Err(fault),
    }
}

/// Parameters being read. The first error is kept and returned at the end, as in [`Fields`].
struct Reading<'a> {
    whm: bool,
    creates: bool,
    values: &'a [(String, Value)],
    read: Vec<(String, Value)>,
    fault: Option<Error>,
}

impl Reading<'_> {
    fn words(&self, part: Part) -> (&'static str, &'static str) {
        let [word, uapi, other] = WORDS.get(part as usize).copied().unwrap_or_default();
        (word, if self.whm { other } else { uapi })
    }

    fn put(&mut self, part: Part, value: Value) {
        self.read.push((self.words(part).0.into(), value));
    }

    fn take(&mut self, part: Part, required: bool) {
        let (_, key) = self.words(part);
        let mut items = Vec::new();
        let mut given = false;
        for (name, value) in self.values {
            if *value != Value::Null && belongs(name, key, part) {
                if given && !is_list(part) {
                    self.fail(
                        key,
                        Error::new(ErrorCode::FieldDuplicate, "the parameter is given twice"),
                    );
                }
                given = true;
                if let Err(error) = self.read(part, value, &mut items) {
                    self.fail(key, error);
                }
            }
        }
        let value = if part == Part::Names && items.is_empty() || !given {
            match part {
                _ if required => {
                    self.fail(key, Error::new(ErrorCode::FieldMissing, "the parameter is missing"));
                    return;
                }
                Part::Expires if self.creates => text("never"),
                Part::Access if self.creates => text("full"),
                _ => return,
            }
        } else if is_list(part) {
            self.list(part, key, items)
        } else {
            items.pop().unwrap_or(Value::Null)
        };
        self.put(part, value);
    }

    fn fail(&mut self, key: &str, error: Error) {
        let error = error.under(key);
        self.fault.get_or_insert(error);
    }

    /// Reads a value, or the items of a list.
    fn read(&self, part: Part, value: &Value, items: &mut Vec<Value>) -> Result<(), Error> {
        match (part, value) {
            (Part::Expires, Value::Int(given)) => items.push(self.expiry(*given)),
            (Part::Expires, Value::String(given)) => match seconds(given.as_bytes()) {
                Some(given) if given <= MAX_SAFE_INTEGER => items.push(self.expiry(given)),
                _ => {
                    return Err(Error::new(
                        ErrorCode::ExpiryInvalid,
                        "the expiry must be whole Unix seconds",
                    ));
                }
            },
            (Part::ReadOnly, Value::Bool(given)) => items.push(Value::Bool(*given)),
            (Part::ReadOnly, Value::Int(given @ (0 | 1))) => items.push(Value::Bool(*given == 1)),
            (Part::ReadOnly, Value::String(given)) if given == "0" || given == "1" => {
                items.push(Value::Bool(given == "1"));
            }
            (Part::ReadOnly, _) => return Err(refused()),
            (_, Value::Array(given)) if is_list(part) => {
                for item in given {
                    if matches!(item, Value::Array(_)) {
                        return Err(wrong_type("a string", item));
                    }
                    self.read(part, item, items)?;
                }
            }
            (_, Value::String(given)) if is_list(part) => {
                for item in given.split(',') {
                    let item = item.trim_ascii();
                    if item.is_empty() {
                        continue;
                    }
                    if items.len() == longest(part) {
                        return Err(too_many(part));
                    }
                    items.push(text(item));
                }
            }
            (Part::Name | Part::NewName | Part::Token, Value::String(given)) => items.push(text(given)),
            _ => return Err(wrong_type("a value as the parameter has it", value)),
        }
        Ok(())
    }

    /// Reads an expiry. In WHM, 0 means never.
    fn expiry(&self, seconds: i64) -> Value {
        if self.whm && seconds == 0 {
            text("never")
        } else {
            Value::Int(seconds)
        }
    }

    fn list(&mut self, part: Part, key: &str, items: Vec<Value>) -> Value {
        let open = match items.as_slice() {
            [Value::String(word)] if part == Part::Access => self.whm && word == "all",
            [Value::String(word)] => word == "any",
            // An empty list doesn't open a token; only the word `any` does.
            [] if part == Part::Addresses => {
                self.fail(key, refused());
                false
            }
            _ => false,
        };
        match part {
            Part::Access if open => text("full"),
            Part::Access => Value::Object(Vec::from([(String::from("features"), Value::Array(items))])),
            Part::Addresses if open => Value::Array(Vec::new()),
            _ => Value::Array(items),
        }
    }

    /// Refuses unknown keys that appear to limit the token: ignoring one would widen it.
    fn look_for_limits(&mut self, parts: &[Part]) {
        for (name, value) in self.values {
            if *value == Value::Null || self.knows(name, parts) {
                continue;
            }
            let plain = || {
                let plain = name.bytes().filter(u8::is_ascii_alphanumeric);
                plain.map(|byte| byte.to_ascii_lowercase())
            };
            let about = LIMITS
                .iter()
                .find(|(beginning, _)| beginning.bytes().eq(plain().take(beginning.len())));
            if let Some((_, part)) = about {
                let error = Error::new(
                    ErrorCode::FieldUnknown,
                    "the function doesn't have the parameter in this form",
                );
                self.fail(self.words(*part).1, error);
            }
        }
    }

    fn knows(&self, name: &str, parts: &[Part]) -> bool {
        let own = |part: &Part| belongs(name, self.words(*part).1, *part);
        parts.iter().any(own) || name.starts_with("api.") || name.starts_with("cpanel_jsonapi_")
    }

    /// The keys that neither the function nor the interface has.
    fn unknown(&self, parts: &[Part]) -> Value {
        let mut keys = Vec::new();
        for (name, _) in self.values {
            if !self.knows(name, parts) && keys.len() < MAX_UNKNOWN {
                let mut name = name.clone();
                name.truncate(name.floor_char_boundary(MAX_UNKNOWN_KEY));
                keys.push(Value::String(name));
            }
        }
        Value::Array(keys)
    }
}

/// Whether the part is a list, which may be given as `key-0`, `key-1`…, as `key[0]`…, or as `key[]`.
fn is_list(part: Part) -> bool {
    matches!(part, Part::Names | Part::Addresses | Part::Access)
}

/// The most items in a list.
fn longest(part: Part) -> usize {
    match part {
        Part::Access => MAX_FEATURES,
        Part::Addresses => MAX_ADDRESSES,
        _ => MAX_NAMES,
    }
}

fn too_many(part: Part) -> Error {
    let code = match part {
        Part::Access => ErrorCode::FeaturesTooMany,
        Part::Addresses => ErrorCode::AddressesTooMany,
        _ => ErrorCode::ValueInvalid,
    };
    Error::new(code, "the list is too long")
}

/// Whether a key is the parameter, or an item of it if it is a list. `-` may replace `_`, as in public examples.
fn belongs(given: &str, key: &str, part: Part) -> bool {
    let Some((named, rest)) = given.as_bytes().split_at_checked(key.len()) else {
        return false;
    };
    let alike = |(given, known): (&u8, u8)| *given == known || (*given, known) == (b'-', b'_');
    named.iter().zip(key.bytes()).all(alike)
        && match rest {
            [] => true,
            [b'[', b']'] => is_list(part),
            [b'-', digits @ ..] | [b'[', digits @ .., b']'] => is_list(part) && seconds(digits).is_some(),
            _ => false,
        }
}

fn text(text: &str) -> Value {
    Value::String(text.into())
}

fn refused() -> Error {
    Error::new(ErrorCode::ValueInvalid, "the value isn't one that the parameter has")
}
