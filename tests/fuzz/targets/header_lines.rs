//! The lines of `tokenlatch token verify`: each is one header whatever the size of the pieces in which it arrives, and only
//! a line that is exactly a header of the token is admitted.
#![no_main]

extern crate self as tokenlatch;

#[path = "../../../host/src/byte_order_mark.rs"]
mod byte_order_mark;
#[path = "../../../host/cli/src/header_lines.rs"]
mod header_lines;

pub use byte_order_mark::without_byte_order_mark;
pub use tokenlatch_core as core;

use std::io::BufReader;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use tokenlatch_core::{Account, Authorization, Features, TableInput, TokenTable};
use tokenlatch_fuzz::origin::{NOW, record, secret};

use header_lines::next_header;

/// The part of a line that is used, as the help text has it: 64 KiB.
const LONGEST: usize = 64 << 10;

static TABLE: OnceLock<TokenTable> = OnceLock::new();

fn table() -> TokenTable {
    let account = Account {
        user: "alice".into(),
        features: Features::All,
        ..Account::default()
    };
    let input = TableInput {
        records: vec![record(0)],
        accounts: vec![account],
        ..TableInput::default()
    };
    TokenTable::new(input).expect("the table is valid")
}

fuzz_target!(|data: &[u8]| {
    // The first byte is the size of the pieces, the second repeats the text, to make it longer than a line may be.
    let [size, times, text @ ..] = data else {
        return;
    };
    let text = text.repeat(if *times == 255 {
        1 + LONGEST / text.len().max(1)
    } else {
        1
    });
    let table = TABLE.get_or_init(table);
    let lines = expected(&text);
    let small = if text.len() < 4096 { 1 } else { 512 };
    for capacity in [small + usize::from(*size), 8 << 10] {
        let mut input = BufReader::with_capacity(capacity, text.as_slice());
        for line in &lines {
            let header = next_header(&mut input)
                .expect("memory can be read")
                .expect("as many headers as lines");
            assert_eq!(header, Authorization::from(line.as_str()));
            let admitted = table.verify(0, line.as_bytes(), None, NOW) >> 32 == 0;
            assert_eq!(admitted, is_alices(line), "{line:?}");
        }
        assert!(
            next_header(&mut input).expect("as before").is_none(),
            "more headers than lines"
        );
    }
});

/// The text of each line: cut, decoded, without a byte order mark.
fn expected(text: &[u8]) -> Vec<String> {
    let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    if lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    let cut = lines
        .into_iter()
        .map(|line| String::from_utf8_lossy(&line[..line.len().min(LONGEST)]).into_owned());
    cut.map(|line| line.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(line))
        .collect()
}

fn is_alices(line: &str) -> bool {
    let Some((scheme, rest)) = line.split_once(' ').filter(|_| line.len() <= 512) else {
        return false;
    };
    let credential = match scheme.to_ascii_lowercase().as_str() {
        "cpanel" => rest.trim_start_matches(' ').strip_prefix("alice:"),
        "bearer" => Some(rest.trim_start_matches(' ')),
        _ => None,
    };
    let Some(token) = credential else {
        return false;
    };
    // With a prefix it has a checksum, which the target `credential` examines.
    token == secret(0)
        || token
            .split_once('_')
            .is_some_and(|(_, body)| body.starts_with(&secret(0)) && body.len() == 39)
}
