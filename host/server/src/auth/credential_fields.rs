//! The header fields in which a token may stand, by the operator's choice of credentials.

use axum::http::{HeaderMap, HeaderName};
use tokenlatch_core::{CredentialsRequest, credentials};

use crate::error::ServerError;
use tokenlatch::Presented;

/// A field that is looked at, but is no credential: a browser says in it which site caused a request.
const SITE: &str = "sec-fetch-site";

/// The fields to hand to the module.
#[derive(Clone, Debug)]
pub(crate) struct CredentialFields {
    /// Whether the operator chose the credentials. If not, at most `Authorization` is handed over.
    chosen: bool,
    names: Vec<HeaderName>,
}

impl CredentialFields {
    /// Checks the operator's choice; `None` means the usual credentials.
    ///
    /// # Errors
    /// [`ServerError::Credentials`].
    pub(crate) fn of(choice: Option<&Vec<String>>) -> Result<CredentialFields, ServerError> {
        let request = CredentialsRequest {
            credentials: choice.cloned(),
        };
        let accepted = credentials(&request).map_err(|error| ServerError::Credentials(error.to_string()))?;
        let names = accepted.fields.iter().map(|name| HeaderName::try_from(name.as_str()));
        Ok(CredentialFields {
            chosen: choice.is_some(),
            names: names
                .collect::<Result<_, _>>()
                .map_err(|error| ServerError::Credentials(error.to_string()))?,
        })
    }

    /// The fields of a request to hand over, each as often as it came.
    pub(crate) fn of_request<'h>(&'h self, headers: &'h HeaderMap) -> Vec<(&'h [u8], &'h [u8])> {
        let values = |name| headers.get_all(name).iter();
        let fields = |name: &'h HeaderName| values(name).map(|value| (name.as_str().as_bytes(), value.as_bytes()));
        self.names.iter().flat_map(fields).collect()
    }

    /// What a request with these fields presents.
    pub(crate) fn presented<'f>(&self, fields: &'f [(&'f [u8], &'f [u8])]) -> Presented<'f> {
        match fields {
            _ if self.chosen => Presented::Fields(fields),
            [] => Presented::Missing,
            [(_, value)] => Presented::One(value),
            _ => Presented::Repeated,
        }
    }

    /// The fields that may hold a token, which nobody behind the guard gets.
    pub(crate) fn secret(&self) -> impl Iterator<Item = &HeaderName> {
        self.names.iter().filter(|name| name.as_str() != SITE)
    }
}
