//! The parameters of the compatible interfaces, in the words of the operations. CONTRACT.md, 3 and 5.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::access::Access;
use crate::decode::{Fields, FromValue, wrong_type};
use crate::error::{Error, ErrorCode};
use crate::expiry::seconds;
use crate::reply::{Shape, unknown};
use crate::secret::SecretString;
use crate::validate::ValidExpiry;
use crate::value::{MAX_SAFE_INTEGER, Value};

/// Unknown keys that are told at most, and the characters of each.
const MAX_UNKNOWN: usize = 16;
const MAX_UNKNOWN_KEY: usize = 64;

/// Keys of the interfaces themselves begin so.
const ENVELOPE: [&str; 2] = ["api.", "cpanel_jsonapi_"];

/// Parameters as they came in.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ParametersRequest {
    /// The interface; all but WHM's share their parameters.
    pub shape: Shape,
    /// The function.
    pub function: String,
    /// Keys and values in the order received; null is left out.
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

impl FromValue for (String, Value) {
    fn from_value(value: Value) -> Result<Self, Error> {
        if let Value::Array(pair) = &value
            && let [Value::String(key), value] = pair.as_slice()
        {
            return Ok((key.clone(), value.clone()));
        }
        Err(wrong_type("a key and its value", &value))
    }
}

/// What a function was given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parameters {
    /// The token's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_name: Option<String>,
    /// The names of the tokens to revoke.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// What the token may touch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    /// Whether functions that write are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// When it ends; whether that lies ahead isn't looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<ValidExpiry>,
    /// The addresses it may be used from; empty for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Vec<String>>,
    /// A token's text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretString>,
    /// Keys that the function doesn't have, cut to 64 characters, 16 at most.
    pub unknown: Vec<String>,
}

/// A part of a token that parameters speak of.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Name,
    Access,
    Addresses,
    NewName,
    Expires,
    ReadOnly,
    Token,
    /// Several names, under the parameter of one.
    Names,
}

/// For each part its word in the operations, UAPI's parameter and WHM's.
const WORDS: &[[&str; 3]] = &[
    ["name", "name", "token_name"],
    ["access", "features", "acl"],
    ["addresses", "addresses", "whitelist_ip"],
    ["newName", "new_name", "new_name"],
    ["expires", "expires_at", "expires_at"],
    ["readOnly", "readonly", "readonly"],
    ["token", "token", "token"],
];

/// An interface's parameter for a part, named by any of its words.
pub(crate) fn parameter(whm: bool, word: &str) -> Option<&'static str> {
    let [_, uapi, other] = WORDS.iter().find(|words| words.contains(&word))?;
    Some(if whm { other } else { uapi })
}

impl Part {
    fn parameter(self, whm: bool) -> &'static str {
        let at = if self == Part::Names { 0 } else { self as usize };
        let words = WORDS.get(at).copied().unwrap_or_default();
        if whm { words[2] } else { words[1] }
    }

    /// Whether it is a list, which may be spread over `key-0`, `key-1`….
    fn is_list(self) -> bool {
        matches!(self, Part::Access | Part::Addresses | Part::Names)
    }
}

/// Whether WHM has it, the function, its parts, and how many of them must be given.
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
    (false, "list", &[], 0),
    (false, "rename", &[Part::Name, Part::NewName], 2),
    (false, "revoke", &[Part::Name], 1),
    (false, "set_addresses", &[Part::Name, Part::Addresses], 2),
    (
        true,
        "api_token_create",
        &[Part::Name, Part::Access, Part::Expires, Part::Addresses],
        1,
    ),
    (true, "api_token_get_details", &[Part::Token], 1),
    (true, "api_token_list", &[], 0),
    (true, "api_token_revoke", &[Part::Names], 1),
    (
        true,
        "api_token_update",
        &[Part::Name, Part::NewName, Part::Access, Part::Expires, Part::Addresses],
        1,
    ),
];

/// Reads the parameters of a function.
///
/// # Errors
/// `value_invalid` for the shape `denied`, `function_unknown`; at a parameter `field_missing`, `field_duplicate`, `type_invalid`,
/// `value_invalid`, `expiry_invalid`, `expiry_out_of_range`.
pub fn parameters(request: &ParametersRequest) -> Result<Parameters, Error> {
    if request.shape == Shape::Denied {
        return Err(Error::at(
            ErrorCode::ValueInvalid,
            "shape",
            "a refusal has no parameters",
        ));
    }
    let whm = request.shape == Shape::Whm;
    let row = FUNCTIONS.iter().find(|row| row.0 == whm && row.1 == request.function);
    let (_, function, parts, required) = *row.ok_or_else(unknown)?;
    let mut read = Parameters::default();
    for (at, part) in parts.iter().enumerate() {
        let key = part.parameter(whm);
        let values = request.values.iter();
        let given: Vec<&Value> = values
            .filter(|(given, value)| *value != Value::Null && names(given, key, *part))
            .map(|(_, value)| value)
            .collect();
        if !given.is_empty() {
            read.take(*part, &given, function).map_err(|error| error.under(key))?;
        } else if at < required {
            return Err(Error::missing(key));
        }
    }
    let creates = |name| function == name;
    if creates("create_full_access") || creates("api_token_create") {
        read.access.get_or_insert(Access::Full);
    }
    if read.access.is_some() && function != "api_token_update" {
        read.expires.get_or_insert(ValidExpiry::Never);
    }
    for (given, _) in &request.values {
        let known = parts.iter().any(|part| names(given, part.parameter(whm), *part));
        let key: String = given.chars().take(MAX_UNKNOWN_KEY).collect();
        if !known
            && !ENVELOPE.iter().any(|start| given.starts_with(start))
            && read.unknown.len() < MAX_UNKNOWN
            && !read.unknown.contains(&key)
        {
            read.unknown.push(key);
        }
    }
    Ok(read)
}

/// Whether a given key is the parameter's, or one of those of a list.
fn names(given: &str, key: &str, part: Part) -> bool {
    match given.strip_prefix(key).map(str::as_bytes) {
        Some([]) => true,
        Some([b'-', digits @ ..]) => part.is_list() && !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

impl Parameters {
    fn take(&mut self, part: Part, given: &[&Value], function: &str) -> Result<(), Error> {
        if part.is_list() {
            return self.take_list(part, list(given)?, function);
        }
        let [value] = *given else {
            return Err(Error::new(ErrorCode::FieldDuplicate, "the parameter is given twice"));
        };
        if part == Part::Expires {
            let seconds = expires(value)?;
            // WHM's functions write never as 0.
            let never = seconds == 0 && function.starts_with("api_");
            self.expires = Some(if never {
                ValidExpiry::Never
            } else {
                ValidExpiry::At(seconds)
            });
            return Ok(());
        }
        if part == Part::ReadOnly {
            self.read_only = Some(switch(value)?);
            return Ok(());
        }
        let text = String::from_value(value.clone())?;
        match part {
            Part::Name => self.name = Some(text),
            Part::NewName => self.new_name = Some(text),
            _ => self.token = Some(SecretString::new(text)),
        }
        Ok(())
    }

    fn take_list(&mut self, part: Part, items: Vec<String>, function: &str) -> Result<(), Error> {
        let whm = function.starts_with("api_");
        let among = |word| whm && items.iter().any(|item| item == word);
        let refused = || Error::new(ErrorCode::ValueInvalid, "the list can't be understood without doubt");
        match part {
            Part::Names if items.is_empty() => return Err(Error::new(ErrorCode::FieldMissing, "no name is given")),
            Part::Names => self.names = Some(items),
            Part::Access if among("all") => {
                if items.len() > 1 {
                    return Err(refused());
                }
                self.access = Some(Access::Full);
            }
            Part::Access => self.access = Some(Access::Limited { features: items }),
            // Nothing at all doesn't open what was closed: the word `any` does.
            _ if items.is_empty() && function == "api_token_update" => return Err(refused()),
            _ if among("any") => {
                if items.len() > 1 {
                    return Err(refused());
                }
                self.addresses = Some(Vec::new());
            }
            _ => self.addresses = Some(items),
        }
        Ok(())
    }
}

/// The items of a list: from arrays and from text with commas, empty ones left out.
fn list(given: &[&Value]) -> Result<Vec<String>, Error> {
    let mut items = Vec::new();
    for value in given {
        let texts = match value {
            Value::Array(_) => Vec::<String>::from_value((*value).clone())?,
            single => Vec::from([String::from_value((*single).clone())?]),
        };
        for text in &texts {
            let trimmed = text.split(',').map(str::trim_ascii);
            items.extend(trimmed.filter(|item| !item.is_empty()).map(String::from));
        }
    }
    Ok(items)
}

fn expires(value: &Value) -> Result<i64, Error> {
    let seconds = match value {
        Value::Int(seconds) => *seconds,
        Value::String(text) => seconds(text.as_bytes())
            .ok_or_else(|| Error::new(ErrorCode::ExpiryInvalid, "the expiry must be whole Unix seconds"))?,
        other => return Err(wrong_type("whole Unix seconds", other)),
    };
    if seconds > MAX_SAFE_INTEGER {
        return Err(Error::new(
            ErrorCode::ExpiryOutOfRange,
            "the expiry is after the year 9999",
        ));
    }
    Ok(seconds)
}

fn switch(value: &Value) -> Result<bool, Error> {
    match value {
        Value::Bool(on) => Ok(*on),
        Value::Int(0) => Ok(false),
        Value::Int(1) => Ok(true),
        Value::String(text) if text == "0" => Ok(false),
        Value::String(text) if text == "1" => Ok(true),
        _ => Err(Error::new(ErrorCode::ValueInvalid, "expected 0 or 1")),
    }
}
