//! Checks the vectors themselves: their source is independent of the core, and they are complete.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokenlatch_core::{Info, info};
use tokenlatch_tests::{Fault, require_all};
use tokenlatch_vectors::folder::folder;
use tokenlatch_vectors::hex::{bytes, hex};
use tokenlatch_vectors::step::{Expectation, Step};
use tokenlatch_vectors::vectors::load;

/// Codes that no request of a vector can cause. They come from hosts and from the module's faces; `snapshot_too_large` occurs
/// when memory is exhausted.
const HOST_ONLY: [&str; 5] = [
    "entropy_unavailable",
    "memory_invalid",
    "module_broken",
    "snapshot_too_large",
    "table_unknown",
];

/// The content of `nist.json`.
#[derive(Deserialize)]
struct Published {
    sha256: Vec<Hash>,
    hmac_sha256: Vec<Tag>,
    crc32: Vec<Checksum>,
}

#[derive(Deserialize)]
struct Hash {
    message_hex: String,
    digest: String,
}

#[derive(Deserialize)]
struct Tag {
    key_hex: String,
    message_hex: String,
    tag: String,
}

#[derive(Deserialize)]
struct Checksum {
    text: String,
    crc: String,
}

fn published() -> Result<Published, Fault> {
    let path = folder().join("nist.json");
    let text = std::fs::read_to_string(&path).map_err(Fault::during(path.display()))?;
    serde_json::from_str(&text).map_err(Fault::during(path.display()))
}

fn hmac(key: &[u8], message: &[u8]) -> Result<String, Fault> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(Fault::during("a key"))?;
    mac.update(message);
    Ok(hex(&mac.finalize().into_bytes()))
}

#[test]
fn sha_256_matches_fips_180_4() -> Result<(), Fault> {
    let published = published()?;
    assert!(published.sha256.len() >= 6);
    for vector in published.sha256 {
        assert_eq!(hex(&Sha256::digest(bytes(&vector.message_hex)?)), vector.digest);
    }
    Ok(())
}

#[test]
fn hmac_matches_rfc_4231() -> Result<(), Fault> {
    let published = published()?;
    assert!(published.hmac_sha256.len() >= 6);
    for vector in published.hmac_sha256 {
        assert_eq!(
            hmac(&bytes(&vector.key_hex)?, &bytes(&vector.message_hex)?)?,
            vector.tag
        );
    }
    Ok(())
}

#[test]
fn crc_32_has_its_published_check_values() -> Result<(), Fault> {
    let published = published()?;
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    assert!(published.crc32.len() >= 3);
    for vector in published.crc32 {
        assert_eq!(format!("{:08x}", crc.checksum(vector.text.as_bytes())), vector.crc);
    }
    Ok(())
}

/// The core hashes one block with the compression function alone. This is the whole function, on 1,000 secrets.
#[test]
fn secret_hashes_match_the_full_hash_functions() -> Result<(), Fault> {
    const ALPHABET: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    for number in 0..1_000_u32 {
        let seed = Sha256::digest(number.to_be_bytes());
        let secret: String = seed
            .iter()
            .map(|byte| char::from(ALPHABET[usize::from(byte % 36)]))
            .collect();
        // Keys shorter than a block, of its length, and longer.
        let key: Vec<u8> = seed.iter().copied().cycle().take(16 + number as usize % 113).collect();
        let request = json!({
            "op": "identify",
            "authorization": format!("Bearer {secret}"),
            "peppers": [{"id": "p", "key": hex(&key)}],
        });
        let answer = tokenlatch_core::call_json(request.to_string().as_bytes());
        let answer: Value = serde_json::from_slice(&answer).map_err(Fault::during("an answer"))?;
        let expected = json!([
            format!("hmac-sha256:p:{}", hmac(&key, secret.as_bytes())?),
            format!("sha256:{}", hex(&Sha256::digest(secret.as_bytes()))),
        ]);
        assert_eq!(answer["ok"]["hashes"], expected);
    }
    Ok(())
}

#[test]
fn vectors_match_the_generators_output() -> Result<(), Fault> {
    let generator = folder().join("generate.py");
    let output = Command::new("python3")
        .arg(&generator)
        .arg("--check")
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{} --check: {said}", generator.display());
            Ok(())
        }
        Err(error) if !require_all() => {
            println!("SKIPPED: python3 can't be started: {error}");
            eprintln!("SKIPPED: python3 can't be started: {error}");
            Ok(())
        }
        Err(error) => Err(Fault::new(format!("python3 can't be started: {error}"))),
    }
}

#[test]
fn at_least_400_vectors_have_unique_names() -> Result<(), Fault> {
    let vectors = load()?;
    let names: Vec<&str> = vectors
        .steps
        .iter()
        .filter(|step| !step.name.contains(", step "))
        .map(|step| step.name.as_str())
        .collect();
    let unique: BTreeSet<&str> = names.iter().copied().collect();
    assert!(vectors.count >= 400, "there are {} vectors", vectors.count);
    assert_eq!(names.len(), vectors.count);
    assert_eq!(unique.len(), vectors.count, "a name is used twice");
    Ok(())
}

/// The values under a key of the expectations, at any depth.
fn words(steps: &[Step], key: &str) -> BTreeSet<String> {
    fn collect(value: &Value, key: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(entries) => {
                if let Some(Value::String(word)) = entries.get(key) {
                    found.insert(word.clone());
                }
                entries.values().for_each(|value| collect(value, key, found));
            }
            Value::Array(items) => items.iter().for_each(|value| collect(value, key, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    for step in steps {
        let (Expectation::Exact(expect) | Expectation::Partial(expect)) = &step.expect;
        collect(expect, key, &mut found);
    }
    found
}

fn missing<'l>(listed: &'l [String], shown: &BTreeSet<String>) -> BTreeSet<&'l str> {
    let listed = listed.iter().filter(|word| !shown.contains(*word));
    listed.map(String::as_str).collect()
}

fn refuses_a_call_never_prepared(step: &Step) -> bool {
    let (Expectation::Exact(expect) | Expectation::Partial(expect)) = &step.expect;
    expect["code"] == json!(-1)
}

#[test]
fn every_code_and_reason_has_a_vector() -> Result<(), Fault> {
    let Info { errors, reasons, .. } = info();
    let vectors = load()?;
    let mut codes = words(&vectors.steps, "code");
    // The hot path reports this one as a number.
    if vectors.steps.iter().any(refuses_a_call_never_prepared) {
        codes.insert("call_unknown".into());
    }
    assert_eq!(missing(&reasons, &words(&vectors.steps, "reason")), BTreeSet::new());
    assert_eq!(
        missing(&errors, &codes),
        BTreeSet::from(HOST_ONLY),
        "exactly the host's own codes have no vector"
    );
    println!(
        "without a vector, for only hosts answer with them: {}",
        HOST_ONLY.join(", ")
    );
    Ok(())
}
