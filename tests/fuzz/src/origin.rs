//! A small origin: numbered tokens, keys, and messages signed in any form.

use std::sync::OnceLock;

use ed25519_compact::{KeyPair, Seed};
use sha2::{Digest, Sha256};
use tokenlatch_core::{Access, Authorization, IdentifyRequest, Pepper, Record, SecretString, SigningKey, identify};

/// The current time of the targets, in Unix seconds.
pub const NOW: i64 = 1_800_000_000;

/// The bytes of a message's head, and of head and signature.
pub const HEAD: usize = 128;
pub const HEAD_AND_SIGNATURE: usize = 192;

/// The secret of a token.
pub fn secret(token: u8) -> String {
    format!("TOKEN{token:027}")
}

/// The hash of a token's secret, with a pepper or without.
pub fn hash(token: u8, pepper: Option<Pepper>) -> String {
    let request = IdentifyRequest {
        authorization: Authorization::from(format!("Bearer {}", secret(token)).as_str()),
        peppers: pepper.into_iter().collect(),
    };
    let identified = identify(&request).expect("the pepper is valid");
    identified.hashes.into_iter().next().expect("a hash for each pepper")
}

/// A token of alice's with full access, whose hash has no pepper.
pub fn record(token: u8) -> Record {
    Record {
        v: 1,
        id: "id".into(),
        user: "alice".into(),
        name: "name".into(),
        hash: hash(token, None),
        created: NOW,
        access: Access::Full,
        ..Record::default()
    }
}

/// The SHA-256 of a token's secret.
pub fn digest(token: u8) -> [u8; 32] {
    Sha256::digest(secret(token).as_bytes()).into()
}

/// A pepper.
pub fn pepper() -> Pepper {
    Pepper {
        id: "spring".into(),
        key: SecretString::from("000102030405060708090a0b0c0d0e0f"),
    }
}

/// A signing key.
pub fn key(number: u8) -> SigningKey {
    SigningKey::from_secret_bytes(&[number; 32]).expect("the key is valid")
}

/// Makes key id, digest and signature of a message those of key 1.
pub fn sign(message: &mut [u8]) {
    static PAIR: OnceLock<(KeyPair, [u8; 32])> = OnceLock::new();
    let (pair, id) = PAIR.get_or_init(|| {
        let pair = KeyPair::from_seed(Seed::new([1; 32]));
        let id = Sha256::digest(pair.pk.as_slice()).into();
        (pair, id)
    });
    let digest: [u8; 32] = Sha256::digest(&message[HEAD_AND_SIGNATURE..]).into();
    message[8..16].copy_from_slice(&id[..8]);
    message[96..128].copy_from_slice(&digest);
    let signed = [b"tokenlatch snapshot v1 head\0".as_slice(), &message[..HEAD]].concat();
    message[HEAD..HEAD_AND_SIGNATURE].copy_from_slice(pair.sk.sign(signed, None).as_slice());
}
