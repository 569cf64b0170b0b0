//! How an attacker on the network damages a message.

use ed25519_compact::{KeyPair, Seed};
use proptest::prelude::*;
use proptest::sample::Index;
use sha2::{Digest, Sha256};

/// The bytes of head and signature.
const HEAD: usize = 192;

/// One way to damage a message.
#[derive(Clone, Debug)]
pub enum Spoil {
    Flip(Index, u8),
    Cut(Index),
    Lengthen(Vec<u8>),
    Swap(Index, Index, usize),
    Write(Index, [u8; 4]),
    /// The head of this message with the body of another.
    Graft(Index),
    /// This message up to an index, then another.
    Splice(Index, Index),
    /// One field of the head replaced by that of another message.
    Field(usize, Index),
    /// Signed with the attacker's key, with or without the id of the origin's.
    Sign(bool),
}

/// Any of them.
pub fn spoil() -> impl Strategy<Value = Spoil> {
    let index = any::<Index>;
    prop_oneof![
        (index(), 1_u8..).prop_map(|(at, bits)| Spoil::Flip(at, bits)),
        index().prop_map(Spoil::Cut),
        prop::collection::vec(any::<u8>(), 1..50).prop_map(Spoil::Lengthen),
        (index(), index(), 1_usize..45).prop_map(|(a, b, n)| Spoil::Swap(a, b, n)),
        (index(), any::<[u8; 4]>()).prop_map(|(at, bytes)| Spoil::Write(at, bytes)),
        index().prop_map(Spoil::Graft),
        (index(), index()).prop_map(|(at, other)| Spoil::Splice(at, other)),
        (0..FIELDS.len(), index()).prop_map(|(field, other)| Spoil::Field(field, other)),
        any::<bool>().prop_map(Spoil::Sign),
    ]
}

/// The offsets and lengths of the fields that say which table it is.
const FIELDS: [(usize, usize); 9] = [
    (5, 1),    // kind
    (8, 8),    // key id
    (16, 8),   // epoch
    (24, 8),   // base
    (32, 8),   // version
    (40, 8),   // made
    (48, 4),   // maxAge
    (96, 32),  // digest of the body
    (128, 64), // signature
];

/// Damages the message; `all` are the other messages ever sent.
pub fn spoilt(spoil: &Spoil, message: &[u8], all: &[&[u8]]) -> Vec<u8> {
    let mut bad = message.to_vec();
    if bad.len() < HEAD {
        return bad;
    }
    match spoil {
        Spoil::Flip(at, bits) => *at.get_mut(&mut bad) ^= bits,
        Spoil::Cut(at) => bad.truncate(at.index(bad.len())),
        Spoil::Lengthen(more) => bad.extend(more),
        Spoil::Swap(a, b, count) => {
            for offset in 0..*count {
                let (a, b) = (a.index(bad.len()) + offset, b.index(bad.len()) + offset);
                let length = bad.len();
                bad.swap(a % length, b % length);
            }
        }
        Spoil::Write(at, bytes) => {
            let at = at.index(bad.len());
            bad.iter_mut()
                .skip(at)
                .zip(bytes)
                .for_each(|(place, byte)| *place = *byte);
        }
        Spoil::Graft(other) => {
            bad.truncate(HEAD);
            bad.extend(&other.get(all)[HEAD..]);
        }
        Spoil::Splice(at, other) => {
            let at = at.index(bad.len());
            bad.truncate(at);
            bad.extend(other.get(all).iter().skip(at));
        }
        Spoil::Field(field, other) => {
            let (at, length) = FIELDS[*field];
            bad[at..at + length].copy_from_slice(&other.get(all)[at..at + length]);
        }
        Spoil::Sign(disguised) => sign(&mut bad, 99, !disguised),
    }
    bad
}

/// Makes digest and signature valid for a key of equal bytes, and optionally names the key in the head.
pub fn sign(message: &mut [u8], key: u8, named: bool) {
    let digest: [u8; 32] = Sha256::digest(&message[HEAD..]).into();
    message[96..128].copy_from_slice(&digest);
    let pair = KeyPair::from_seed(Seed::new([key; 32]));
    if named {
        let id: [u8; 32] = Sha256::digest(pair.pk.as_slice()).into();
        message[8..16].copy_from_slice(&id[..8]);
    }
    let signed = [b"tokenlatch snapshot v1 head\0".as_slice(), &message[..128]].concat();
    message[128..HEAD].copy_from_slice(pair.sk.sign(signed, None).as_slice());
}
