//! The operations as typed calls. The request goes to the module as JSON with its `op`, and the module decides.

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
struct Tagged<'a, Q> {
    op: &'a str,
    #[serde(flatten)]
    request: &'a Q,
}

/// A request without keys of its own.
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
                /// [`crate::Error::Refused`] with the module's code, or [`crate::Error::Module`] when it could not be run.
                pub fn $name(&self, request: &$request) -> Result<$answer> {
                    self.operate(stringify!($name), request)
                }
            )*
        }
    };
}

operations! {
    /// Makes a token: the text to show once, and the record to keep.
    create: core::CreateRequest => core::Created;
    /// Checks names, users, token texts, expiries and addresses; nothing is looked up.
    validate: core::ValidateRequest => core::Validated;
    /// Reads an `Authorization` header: whose it is, and by which hashes its record is found.
    identify: core::IdentifyRequest => core::Identified;
    /// Decides whether a call may be made.
    verify: core::VerifyRequest => core::Verdict;
    /// Tells what its owner may know of a token.
    describe: core::DescribeRequest => core::Described;
    /// Sorts, filters and pages tokens.
    list: core::ListRequest => core::Listed;
    /// Changes the name of a token and nothing else.
    rename: core::RenameRequest => core::Renamed;
    /// Changes a token: what is left out stays as it was.
    update: core::UpdateRequest => core::Renamed;
    /// Marks tokens as revoked.
    revoke: core::RevokeRequest => core::Revoked;
    /// Finds the tokens that a token may manage.
    manageable: core::ManageableRequest => core::Manageable;
    /// Brings reported uses to what can be.
    usage: core::UsageRequest => core::Usage;
    /// Reads the parameters of a compatible interface, in the words of the other operations.
    parameters: core::ParametersRequest => core::Parameters;
    /// Builds the reply of a compatible interface.
    reply: core::ReplyRequest => core::Reply;
}

impl Module {
    /// The built-in catalogue of functions.
    ///
    /// # Errors
    /// [`crate::Error::Module`] when the module could not be run.
    pub fn functions(&self) -> Result<core::Functions> {
        self.operate("functions", &Nothing {})
    }

    /// What the module is: versions, operations, codes.
    ///
    /// # Errors
    /// [`crate::Error::Module`] when the module could not be run.
    pub fn info(&self) -> Result<core::Info> {
        self.operate("info", &Nothing {})
    }

    /// Any operation, with a request of one's own making.
    pub(crate) fn operate<Q: Serialize, A: DeserializeOwned>(&self, op: &str, request: &Q) -> Result<A> {
        let request = encode(&Tagged { op, request })?;
        decode(&Zeroizing::new(self.call_json(&request)?))
    }

    /// Any operation, for async callers: a request that is not small is handled off the runtime's threads.
    pub async fn operate_async<Q, A>(&self, op: &'static str, request: Q) -> Result<A>
    where
        Q: Serialize + Send + 'static,
        A: DeserializeOwned + Send + 'static,
    {
        if let Some(small) = encode_small(&Tagged { op, request: &request })? {
            return decode(&Zeroizing::new(self.call_json(&small)?));
        }
        let module = self.clone();
        offload::run(move || module.operate(op, &request)).await?
    }
}

/// JSON text of a request; `None` when it is longer than [`offload::LIGHT`].
fn encode_small(request: &impl Serialize) -> Result<Option<Zeroizing<Vec<u8>>>, ModuleError> {
    let mut small = Small(Zeroizing::new(Vec::with_capacity(offload::LIGHT)));
    match serde_json::to_writer(&mut small, request) {
        Ok(()) => Ok(Some(small.0)),
        Err(error) if error.is_io() => Ok(None),
        Err(_) => Err(ModuleError::Answer("the request has no JSON form")),
    }
}

/// Takes [`offload::LIGHT`] bytes, and refuses more.
struct Small(Zeroizing<Vec<u8>>);

impl io::Write for Small {
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

/// JSON text of a request, wiped when dropped: it may hold a secret.
pub(super) fn encode(request: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, ModuleError> {
    serde_json::to_vec(request)
        .map(Zeroizing::new)
        .map_err(|_| ModuleError::Answer("the request has no JSON form"))
}

/// Reads an answer: the operation's own, or the module's error.
pub(super) fn decode<A: DeserializeOwned>(answer: &[u8]) -> Result<A> {
    // The reason of a failure is not passed on, for it may quote the answer.
    let reply = serde_json::from_slice::<Reply<A>>(answer)
        .map_err(|_| ModuleError::Answer("it is not what the operation promises"))?;
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
    fn only_small_requests_are_handled_where_they_are_made() {
        let text = |length: usize| encode_small(&"x".repeat(length)).unwrap().map(|text| text.len());
        assert_eq!(text(0), Some(2));
        assert_eq!(text(offload::LIGHT - 2), Some(offload::LIGHT));
        assert_eq!(text(offload::LIGHT - 1), None);
        assert_eq!(text(1 << 20), None);
        let many = encode_small(&vec!["a"; 100_000]).unwrap();
        assert!(many.is_none());
    }
}
