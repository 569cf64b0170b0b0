//! Features: what a token may be limited to. RULES.md, 1 and 2.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;

use super::name::is_name_byte;
use crate::base::character::with_culprit;
use crate::base::error::{Error, ErrorCode};
use crate::base::sort::first_repeat;

/// The most features in the list of a token or an account.
pub const MAX_FEATURES: usize = 1_000;

const MAX_FEATURE: usize = 64;

/// The rule for a feature, for messages.
pub(crate) const FEATURE_RULE: &str =
    "a feature is 1 to 64 characters of a-z, A-Z, 0-9, `-`, `_` and `.`, starting with a letter or digit";

/// Whether a text is a feature: 1 to 64 characters of `a-z A-Z 0-9 - _ .`, the first a letter or digit.
pub(crate) fn is_feature(feature: &str) -> bool {
    feature.len() <= MAX_FEATURE
        && feature.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
        && feature.bytes().all(is_feature_byte)
}

/// Whether a feature may contain the byte.
pub(crate) const fn is_feature_byte(byte: u8) -> bool {
    is_name_byte(byte) || byte == b'.'
}

/// # Errors
/// `features_too_many`, at `features`; `feature_invalid`, at `features[…]`.
pub(crate) fn check_features(features: &[String]) -> Result<(), Error> {
    let fault = |message: Cow<'static, str>| Error::new(ErrorCode::FeatureInvalid, message);
    if features.len() > MAX_FEATURES {
        let message = format!("a list may hold at most {MAX_FEATURES} features");
        return Err(Error::at(ErrorCode::FeaturesTooMany, "features", message));
    }
    let malformed = features.iter().position(|feature| !is_feature(feature));
    let repeated = || first_repeat(features.len(), &|at| features.get(at).map(String::as_str));
    let (index, message) = match malformed {
        Some(index) => {
            let feature = features.get(index).map_or("", String::as_str);
            let known = |character| u8::try_from(character).is_ok_and(is_feature_byte);
            (index, with_culprit(FEATURE_RULE, feature, known))
        }
        None => match repeated() {
            Some(index) => (index, "the feature is listed twice".into()),
            None => return Ok(()),
        },
    };
    Err(fault(message).under_index(index).under("features"))
}
