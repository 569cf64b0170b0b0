//! Parses a header into a credential: the user that it names, and the hashes under which its record may be stored.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::auth::authorization::Authorization;
use crate::auth::credentials::Room;
use crate::auth::scheme::Scheme;
use crate::base::error::Error;
use crate::base::reason::Reason;
use crate::json::decoder::{Fields, FromValue};
use crate::json::value::Value;
use crate::token::hash::hasher::Hasher;
use crate::token::hash::pepper::Pepper;
use crate::token::secret::Presented;

/// A request to parse a header.
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

/// A credential. It holds hashes, not the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identified {
    /// The scheme; `None` if the header is malformed.
    pub scheme: Option<Scheme>,
    /// The user that the header names.
    pub user: Option<String>,
    /// The hashes to look the record up by; those of a decoy if the header is malformed.
    pub hashes: Vec<String>,
    /// `ok`, or what is wrong with the header.
    pub reason: Reason,
}

/// Parses a header. A malformed one is no error: the host looks up the decoy's hashes, so that the work is the same.
///
/// # Errors
/// `credentials_invalid`, `pepper_invalid`.
pub fn identify(request: &IdentifyRequest) -> Result<Identified, Error> {
    let accepted = request.authorization.accepted()?;
    let hasher = Hasher::new(&request.peppers).map_err(|error| error.under("peppers"))?;
    let mut room = Room::default();
    Ok(match request.authorization.read(&accepted, &mut room) {
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
