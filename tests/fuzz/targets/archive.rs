//! Archive files: what is read is written and read again unchanged; and a file that was cut, lengthened or changed in one
//! bit is refused.
#![no_main]
#![allow(dead_code, reason = "the target doesn't use all of the modules")]

#[path = "../../../host/src/archive_error.rs"]
mod archive_error;
#[path = "../../../host/src/service/archive/file.rs"]
mod file;
#[path = "../../../host/src/hex.rs"]
mod hex;

/// The part of the store's types that archives use.
#[path = "../../../host/src/store"]
mod store {
    mod account;
    mod archive;
    mod record;
    mod revision;

    /// Errors of stores; no store is used here.
    mod error {
        #[derive(Debug)]
        pub enum StoreError {
            Failed(String),
        }
    }

    pub use account::{NewAccount, PasswordHash};
    pub use archive::{Archive, ArchivedAccount, ArchivedToken};
    pub use record::StoredToken;
    pub use revision::Revision;
}

use std::io::BufReader;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use sha2::{Digest, Sha256};
use tokenlatch_fuzz::json::{Chance, mutate};

use file::ArchiveFile;

fuzz_target!(|data: &[u8]| {
    let unsigned = ArchiveFile::read(data);
    // With the digest of its lines, so that they are examined.
    let mut text = data.to_vec();
    if !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    let digest = hex::hex(&Sha256::digest(&text));
    text.extend(format!("{{\"sha256\":\"{digest}\"}}\n").bytes());
    let signed = ArchiveFile::read(text.as_slice());
    assert!(unsigned.is_err() || signed.is_err(), "a file goes on after its digest");
    let Ok(file) = unsigned.or(signed) else {
        return;
    };
    let mut written = Vec::new();
    file.write(&mut written).expect("memory can be written");
    let again =
        ArchiveFile::read(BufReader::with_capacity(7, written.as_slice())).expect("what is written can be read");
    let mut twice = Vec::new();
    again.write(&mut twice).expect("as before");
    assert_eq!(written, twice, "writing changes it");
    assert_eq!(
        (file.accounts.len(), file.tokens.len()),
        (again.accounts.len(), again.tokens.len())
    );
    for password in file
        .accounts
        .iter()
        .filter_map(|account| account.account.password.as_ref())
    {
        assert_eq!(format!("{password:?}"), "PasswordHash(…)");
    }

    let place = usize::from(data.first().copied().unwrap_or_default()) * written.len() / 256;
    assert!(
        ArchiveFile::read(&written[..place]).is_err(),
        "a part is taken for the whole"
    );
    written[place] ^= 1;
    assert!(
        ArchiveFile::read(written.as_slice()).is_err(),
        "a changed bit isn't noticed"
    );
    written[place] ^= 1;
    written.push(b'\n');
    assert!(ArchiveFile::read(written.as_slice()).is_err(), "more follows");
});

/// Mutates one line as JSON, or the bytes.
fn mutate_line(data: &mut [u8], size: usize, most: usize, seed: u32) -> usize {
    let mut chance = Chance::new(seed);
    let text = &data[..size];
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    if lines.is_empty() || chance.below(6) == 0 {
        return libfuzzer_sys::fuzzer_mutate(data, size, most);
    }
    let at = chance.below(lines.len());
    let mut line = lines[at].to_vec();
    let length = line.len();
    line.resize(most.saturating_sub(size - length).max(length), 0);
    let longest = line.len();
    let changed = mutate(&mut line, length, longest, seed.rotate_left(16));
    line.truncate(changed);
    if !line.ends_with(b"\n") {
        line.push(b'\n');
    }
    let whole = [lines[..at].concat(), line, lines[at + 1..].concat()].concat();
    let length = whole.len().min(most);
    data[..length].copy_from_slice(&whole[..length]);
    length
}

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| { mutate_line(data, size, max_size, seed) });
