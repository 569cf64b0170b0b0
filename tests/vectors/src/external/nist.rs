//! NIST's vectors of SHA-256 (CAVP, byte oriented), as the bodies of snapshots.
//!
//! A head states the SHA-256 of its body, and that is checked before anything in the body. So a signed head with a published
//! digest over the published message is refused because the message isn't a table, and with a changed digest because of the digest.

use std::fs;

use ed25519_compact::{KeyPair, Seed};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::opened;
use crate::command::{Apply, Command};
use crate::fault::Fault;
use crate::folder::folder;
use crate::hex::{bytes, hex};
use crate::step::{Expectation, Step};

const FILES: [&str; 2] = ["SHA256ShortMsg.rsp", "SHA256LongMsg.rsp"];
const MADE: u64 = 1_800_000_000;
const MAX_AGE: u32 = 60;
const DOMAIN: &[u8] = b"tokenlatch snapshot v1 head\0";

/// A message and its SHA-256.
#[derive(Clone, Debug)]
pub struct Hashed {
    /// The message.
    pub message: Vec<u8>,
    /// The digest.
    pub digest: [u8; 32],
}

/// Reads the messages of both files, the short ones first.
///
/// # Errors
/// A file cannot be read, or doesn't have NIST's form.
pub fn hashes() -> Result<Vec<Hashed>, Fault> {
    let mut found = Vec::new();
    for file in FILES {
        let path = folder().join("nist").join(file);
        let text = fs::read_to_string(&path).map_err(Fault::during(path.display()))?;
        read(&text, &mut found).map_err(Fault::during(path.display()))?;
    }
    Ok(found)
}

fn read(text: &str, found: &mut Vec<Hashed>) -> Result<(), Fault> {
    let (mut bits, mut message) = (0, Vec::new());
    for (key, value) in text.lines().filter_map(|line| line.split_once(" = ")) {
        match key {
            "Len" => bits = value.parse::<usize>().map_err(Fault::during(value))?,
            "Msg" => {
                message = bytes(value)?;
                // An empty message is written as one byte.
                message.truncate(bits / 8);
                if message.len() * 8 != bits {
                    return Err(Fault::new(format!("a message doesn't have {bits} bits")));
                }
            }
            "MD" => found.push(Hashed {
                message: std::mem::take(&mut message),
                digest: bytes(value)?
                    .try_into()
                    .map_err(|_| Fault::new(format!("`{value}` isn't 32 bytes")))?,
            }),
            _ => {}
        }
    }
    Ok(())
}

/// One vector for each message: the edge is opened, is offered a head with a changed digest, then the one with the right digest.
pub(super) fn vectors() -> Result<Vec<Vec<Step>>, Fault> {
    let pair = KeyPair::from_seed(Seed::new([7; 32]));
    hashes()?
        .into_iter()
        .enumerate()
        .map(|(at, Hashed { message, digest })| {
            let name = format!("hashes_a_body_as_nist_does_{at}_of_{}_bytes", message.len());
            let mut changed = digest;
            changed[at % 32] ^= 1;
            let good = if message.is_empty() {
                let state = json!({ "epoch": 1, "version": 1, "made": MADE, "maxAge": MAX_AGE, "tokens": 0 });
                json!({ "ok": state })
            } else {
                json!({ "error": { "code": "snapshot_malformed" } })
            };
            let offered = |step: u8, digest: &[u8; 32], expect: Value| Step {
                name: format!("{name}, step {step}"),
                command: Command::Apply(Apply {
                    message: hex(&signed(&pair, &message, digest)),
                    now: MADE.cast_signed(),
                }),
                expect: Expectation::Exact(expect),
            };
            Ok(vec![
                opened(&name, &[hex(pair.pk.as_slice())])?,
                offered(0, &changed, json!({ "error": { "code": "snapshot_signature" } })),
                offered(1, &digest, good),
            ])
        })
        .collect()
}

/// A snapshot whose only section is that of names, which may have any length. SNAPSHOT.md, "The wire, byte by byte".
fn signed(pair: &KeyPair, body: &[u8], digest: &[u8; 32]) -> Vec<u8> {
    let (snapshot, names) = (1, 1_u16);
    let mut head = b"TLSN".to_vec();
    head.extend([1, snapshot]);
    head.extend(names.to_le_bytes());
    head.extend(Sha256::digest(pair.pk.as_slice()).iter().take(8));
    let (epoch, base, version) = (1, 0, 1);
    for number in [epoch, base, version, MADE] {
        head.extend(number.to_le_bytes());
    }
    head.extend(MAX_AGE.to_le_bytes());
    head.extend([0; 40]);
    head.extend(u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
    head.extend(digest);
    let signature = pair.sk.sign([DOMAIN, &head].concat(), None);
    [&head, signature.as_slice(), body].concat()
}
