//! Header → credential: whose token it claims to be, and under which hashes its record would stand.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::auth::authorization::{Authorization, Scheme, parse};
use crate::base::error::Error;
use crate::base::reason::Reason;
use crate::json::decoder::{Fields, FromValue};
use crate::json::value::Value;
use crate::token::hash::hasher::Hasher;
use crate::token::hash::pepper::Pepper;
use crate::token::secret::Presented;

/// A header to read.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IdentifyRequest {
    /// The `Authorization` fields.
    pub authorization: Authorization,
    /// The peppers in use, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub peppers: Vec<Pepper>,
}

impl FromValue for IdentifyRequest {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let request = IdentifyRequest {
            authorization: fields.required("authorization"),
            peppers: fields.or("peppers", Vec::new()),
        };
        fields.finish()?;
        Ok(request)
    }
}

/// A credential. It holds hashes, no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identified {
    /// The scheme, when the header could be read.
    pub scheme: Option<Scheme>,
    /// The user that it names.
    pub user: Option<String>,
    /// The hashes to look the record up by; those of a decoy when the header couldn't be read.
    pub hashes: Vec<String>,
    /// `ok`, or what is wrong with the header.
    pub reason: Reason,
}

/// Reads a header. One that can't be read isn't an error: the host goes on with the decoy, so that no work is saved for it.
///
/// # Errors
/// `pepper_invalid`.
pub fn identify(request: &IdentifyRequest) -> Result<Identified, Error> {
    let hasher = Hasher::new(&request.peppers).map_err(|error| error.under("peppers"))?;
    Ok(match request.authorization.single().and_then(parse) {
        Ok(presented) => Identified {
            scheme: Some(presented.scheme),
            user: presented.user.map(Into::into),
            hashes: hasher.all(presented.secret),
            reason: Reason::Ok,
        },
        Err(reason) => Identified {
            scheme: None,
            user: None,
            hashes: hasher.all(Presented::DECOY),
            reason,
        },
    })
}
