//! What a host must know about the credentials that its operator chose.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::auth::credentials::Credentials;
use crate::base::error::Error;
use crate::json::decoder::{Fields, FromValue};
use crate::json::value::Value;

/// The operator's choice.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CredentialsRequest {
    /// The credentials; the usual ones if omitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Vec<String>>,
}

impl FromValue for CredentialsRequest {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let request = CredentialsRequest {
            credentials: fields.optional("credentials"),
        };
        fields.finish()?;
        Ok(request)
    }
}

/// What the choice means for a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The header fields to hand over, in lower case.
    pub fields: Vec<String>,
    /// The value of `WWW-Authenticate`.
    pub challenge: String,
}

/// Checks a choice of credentials.
///
/// # Errors
/// `credentials_invalid`.
pub fn credentials(request: &CredentialsRequest) -> Result<Accepted, Error> {
    let credentials = Credentials::read(request.credentials.as_deref())?;
    Ok(Accepted {
        fields: credentials.looked_at(),
        challenge: credentials.challenge(),
    })
}
