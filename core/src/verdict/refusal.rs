//! The HTTP response to a refused request. RULES.md, 4.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::auth::credentials::Credentials;
use crate::base::reason::Reason;

/// The response to a refused request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The header fields.
    pub headers: Headers,
    /// The body.
    pub body: String,
}

/// Header fields, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(String, String)>);

impl Serialize for Headers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> serde::de::Visitor<'de> for Read {
            type Value = Headers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
                let mut headers = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    headers.push(entry);
                }
                Ok(Headers(headers))
            }
        }
        deserializer.deserialize_map(Read)
    }
}

impl Headers {
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.into(), value.into()));
        self
    }

    /// Adds the fields that every reply has: JSON, and not to be cached.
    pub(crate) fn json(self) -> Self {
        self.with("Content-Type", "application/json")
            .with("Cache-Control", "no-store")
    }
}

const DENIED: &str = "Access denied";
/// For failures of the service, which must not look like a refusal of the token.
const UNAVAILABLE: &str = "The token cannot be checked now; try again later";
const NO_API_1: &str = "Token authentication allows access to UAPI or API 2 calls only";

impl Refusal {
    /// The response for a reason. All reasons with status 401 have the same. RULES.md, 4.
    pub(crate) fn of(reason: Reason, accepted: &Credentials) -> Refusal {
        match reason {
            Reason::ApiUnsupported => Refusal::with(reason.status(), None, NO_API_1, accepted),
            _ => Refusal::of_status(reason.status(), None, accepted),
        }
    }

    /// The sentence for people, the same for every refusal with a status.
    #[must_use]
    pub fn sentence(status: u16) -> &'static str {
        if status == 503 { UNAVAILABLE } else { DENIED }
    }

    /// The response with a status; 429 and 503 may say when to retry, in seconds.
    pub(crate) fn of_status(status: u16, retry_after: Option<i64>, accepted: &Credentials) -> Refusal {
        Refusal::with(status, retry_after, Refusal::sentence(status), accepted)
    }

    fn with(status: u16, retry_after: Option<i64>, text: &str, accepted: &Credentials) -> Refusal {
        let mut headers = Headers::default();
        if status == 401 {
            headers = headers.with("WWW-Authenticate", &accepted.challenge());
        }
        if let Some(seconds) = retry_after {
            headers = headers.with("Retry-After", &format!("{seconds}"));
        }
        Refusal {
            status,
            headers: headers.json(),
            body: format!(
                r#"{{"cpanelresult":{{"apiversion":"2","error":"{text}","data":{{"reason":"{text}","result":"0"}},"type":"text"}}}}"#
            ),
        }
    }
}
