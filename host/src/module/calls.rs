//! The operations as typed calls. Each sends its request to the module as JSON with its `op`.

use std::io;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokenlatch_core as core;
use zeroize::Zeroizing;

use super::Module;
use crate::error::{ModuleError, Result};
use crate::offload;

/// A request with the name of its operation.
#[derive(Serialize)]
struct TaggedRequest<'a, Q> {
    op: &'a str,
    #[serde(flatten)]
    request: &'a Q,
}

/// A request without fields.
#[derive(Serialize)]
struct Nothing {}

#[derive(Deserialize)]
enum Reply<A> {
    #[serde(rename = "ok")]
    Ok(A),
    #[serde(rename = "error")]
    Error(core::Error),
}

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident: $request:ty => $answer:ty;)*) => {
        impl Module {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// [`crate::Error::Refused`] with the module's code, or [`crate::Error::Module`] if it could not be run.
                pub fn $name(&self, request: &$request) -> Result<$answer> {
                    self.operate(stringify!($name), request)
                }
            )*
        }
    };
}

operations! {
    /// Creates a token. Returns its text, which is shown only once, and its record.
    create: core::CreateRequest => core::Created;
    /// Validates values as the operations that use them do, without any look-up: names, users, token texts, expiries, addresses,
    /// access, accounts, policies, peppers, catalogues, zones and records. [`core::Validated::accepted`] makes the first problem
    /// an error.
    validate: core::ValidateRequest => core::Validated;
    /// Checks a choice of credentials: returns the header fields to look at, and the challenge.
    credentials: core::CredentialsRequest => core::Accepted;
    /// Parses an `Authorization` header, or the credential in a request's fields: returns its user, and the hashes to look the
    /// record up by.
    identify: core::IdentifyRequest => core::Identified;
    /// Decides whether a call may be made.
    verify: core::VerifyRequest => core::Verdict;
    /// Describes a token as its owner may see it.
    describe: core::DescribeRequest => core::Described;
    /// Sorts, filters and pages tokens.
    list: core::ListRequest => core::Listed;
    /// Renames a token and changes nothing else.
    rename: core::RenameRequest => core::Renamed;
    /// Updates a token. Omitted fields stay unchanged.
    update: core::UpdateRequest => core::Renamed;
    /// Marks tokens as revoked.
    revoke: core::RevokeRequest => core::Revoked;
    /// Returns the tokens that a token may manage.
    manageable: core::ManageableRequest => core::Manageable;
    /// Clamps reported uses to possible values.
    usage: core::UsageRequest => core::Usage;
    /// Parses the parameters of a compatible interface into those of the other operations.
    parameters: core::ParametersRequest => core::Parameters;
    /// Builds the reply of a compatible interface.
    reply: core::ReplyRequest => core::Reply;
}

impl Module {
    /// Returns the built-in catalogue of functions.
    ///
    /// # Errors
    /// [`crate::Error::Module`] if the module could not be run.
    pub fn functions(&self) -> Result<core::Functions> {
        self.operate("functions", &Nothing {})
    }

    /// Returns the module's versions, operations and codes.
    ///
    /// # Errors
    /// [`crate::Error::Module`] if the module could not be run.
    pub fn info(&self) -> Result<core::Info> {
        self.operate("info", &Nothing {})
    }

    /// Runs any operation.
    pub(crate) fn operate<Q: Serialize, A: DeserializeOwned>(&self, op: &str, request: &Q) -> Result<A> {
        let request = encode(&TaggedRequest { op, request })?;
        decode(&Zeroizing::new(self.call_json(&request)?))
    }

    /// Runs any operation for async callers. Requests that are not small run on a blocking thread.
    pub async fn operate_async<Q, A>(&self, op: &'static str, request: Q) -> Result<A>
    where
        Q: Serialize + Send + 'static,
        A: DeserializeOwned + Send + 'static,
    {
        if let Some(small) = encode_small(&TaggedRequest { op, request: &request })? {
            return decode(&Zeroizing::new(self.call_json(&small)?));
        }
        let module = self.clone();
        offload::run(move || module.operate(op, &request)).await?
    }
}

/// Encodes a request as JSON; `None` if it is longer than [`offload::LIGHT`].
fn encode_small(request: &impl Serialize) -> Result<Option<Zeroizing<Vec<u8>>>, ModuleError> {
    let mut small = BoundedBuffer(Zeroizing::new(Vec::with_capacity(offload::LIGHT)));
    match serde_json::to_writer(&mut small, request) {
        Ok(()) => Ok(Some(small.0)),
        Err(error) if error.is_io() => Ok(None),
        Err(_) => Err(ModuleError::Answer("the request cannot be encoded as JSON")),
    }
}

/// A buffer of [`offload::LIGHT`] bytes that refuses more.
struct BoundedBuffer(Zeroizing<Vec<u8>>);

impl io::Write for BoundedBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > offload::LIGHT {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Encodes a request as JSON. It is wiped on drop because it may contain a secret.
pub(super) fn encode(request: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, ModuleError> {
    serde_json::to_vec(request)
        .map(Zeroizing::new)
        .map_err(|_| ModuleError::Answer("the request cannot be encoded as JSON"))
}

/// Decodes an answer: the operation's result, or the module's error.
pub(super) fn decode<A: DeserializeOwned>(answer: &[u8]) -> Result<A> {
    // The parser's message is dropped because it may quote the answer.
    let reply =
        serde_json::from_slice::<Reply<A>>(answer).map_err(|_| ModuleError::Answer("it has an unexpected form"))?;
    match reply {
        Reply::Ok(answer) => Ok(answer),
        Reply::Error(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use super::*;

    #[test]
    fn only_small_requests_are_encoded_inline() {
        let text = |length: usize| encode_small(&"x".repeat(length)).unwrap().map(|text| text.len());
        assert_eq!(text(0), Some(2));
        assert_eq!(text(offload::LIGHT - 2), Some(offload::LIGHT));
        assert_eq!(text(offload::LIGHT - 1), None);
        assert_eq!(text(1 << 20), None);
        let many = encode_small(&vec!["a"; 100_000]).unwrap();
        assert!(many.is_none());
    }
}
