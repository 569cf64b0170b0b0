//! A header has at most one reading, that of a grammar written from OPERATIONS.md; and the hot path, four at once, `identify`
//! and `verify` decide alike by it.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use tokenlatch_core::{
    Access, Account, Authorization, Call, Features, IdentifyRequest, Pepper, Presentation, Realm, Reason, Record,
    Scheme, TableInput, TokenTable, VerifyRequest, identify, verify,
};
use tokenlatch_fuzz::origin::{NOW, hash, pepper};

struct World {
    records: Vec<Record>,
    accounts: Vec<Account>,
    peppers: Vec<Pepper>,
    table: TokenTable,
}

fn world() -> World {
    let record = |token: u8, user: &str, pepper: Option<Pepper>| Record {
        v: 1,
        id: format!("id-{token}"),
        user: user.into(),
        name: format!("name-{token}"),
        hash: hash(token, pepper),
        created: NOW,
        access: Access::Full,
        ..Record::default()
    };
    let records = vec![
        record(0, "alice", None),
        Record {
            realm: Realm::Admin,
            ..record(1, "bob", None)
        },
        record(2, "alice", Some(pepper())),
        Record {
            revoked: Some(NOW),
            expires: Some(NOW),
            ..record(3, "bob", None)
        },
        Record {
            addresses: vec!["192.0.2.0/24".into(), "2001:db8::/32".into()],
            read_only: true,
            ..record(4, "carol.c@example", None)
        },
        record(5, "dave", None),
    ];
    let accounts = ["alice", "bob", "carol.c@example"].map(|user| Account {
        user: user.into(),
        suspended: user == "bob",
        administrator: false,
        features: Features::All,
    });
    let peppers = vec![pepper()];
    let table = TokenTable::new(TableInput {
        records: records.clone(),
        accounts: accounts.to_vec(),
        peppers: peppers.clone(),
        ..TableInput::default()
    });
    World {
        records,
        accounts: accounts.to_vec(),
        peppers,
        table: table.expect("the table is valid"),
    }
}

static WORLD: OnceLock<World> = OnceLock::new();

fuzz_target!(|data: &[u8]| {
    let world = WORLD.get_or_init(world);
    // A line break parts the header and the address.
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let (header, address) = (
        parts.next().unwrap_or_default(),
        parts.next().filter(|text| !text.is_empty()),
    );

    let code = world.table.verify(0, header, address, NOW);
    let verdict = world.table.verdict(code).expect("a verdict for each code");
    let four = Presentation::read_four([b"", header, b"Bearer", header]);
    for presented in [&four[1], &four[3]] {
        assert_eq!(world.table.decide(0, presented, address, NOW), code);
    }
    let Ok(text) = std::str::from_utf8(header) else {
        assert_eq!(verdict.reason, Reason::HeaderMalformed);
        return;
    };
    let authorization = Authorization::from(text);
    let identified = identify(&IdentifyRequest {
        authorization: authorization.clone(),
        peppers: world.peppers.clone(),
    });
    let identified = identified.expect("the peppers are valid");
    match read(text) {
        Ok((scheme, user, secret)) => {
            assert_eq!(identified.reason, Reason::Ok);
            assert_eq!((identified.scheme, identified.user.as_deref()), (Some(scheme), user));
            let bare = identify(&IdentifyRequest {
                authorization: Authorization::from(format!("Bearer {secret}").as_str()),
                peppers: world.peppers.clone(),
            });
            assert_eq!(bare.expect("as before").hashes, identified.hashes);
        }
        Err(reason) => {
            assert_eq!(
                (identified.reason, identified.scheme, identified.user),
                (reason, None, None)
            );
            assert_eq!(verdict.reason, reason);
        }
    }
    let record = world
        .records
        .iter()
        .find(|record| identified.hashes.contains(&record.hash))
        .cloned();
    let owner = record.as_ref().map(|record| record.user.clone());
    // An address that isn't text is as unknown as no address to an operation in JSON, so it isn't compared.
    let Ok(address) = address.map(std::str::from_utf8).transpose() else {
        return;
    };
    let decided = verify(VerifyRequest {
        now: NOW,
        authorization,
        account: world
            .accounts
            .iter()
            .find(|account| Some(&account.user) == owner.as_ref())
            .cloned(),
        record,
        call: Some(Call {
            address: address.map(Into::into),
            ..Call::default()
        }),
        peppers: world.peppers.clone(),
        catalogue: None,
    });
    assert_eq!(decided.expect("the request is valid"), verdict, "two decisions");
});

/// The grammar of OPERATIONS.md, "Authorization", step by step.
fn read(header: &str) -> Result<(Scheme, Option<&str>, &str), Reason> {
    if header.is_empty() {
        return Err(Reason::HeaderMissing);
    }
    let malformed = Err(Reason::HeaderMalformed);
    if header.len() > 512 || !header.chars().all(|c| (' '..='~').contains(&c)) {
        return malformed;
    }
    let Some((scheme, rest)) = header.split_once(' ') else {
        return malformed;
    };
    let rest = rest.trim_start_matches(' ');
    if scheme.is_empty() || rest.is_empty() || rest.ends_with(' ') {
        return malformed;
    }
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "cpanel" => Scheme::Cpanel,
        "whm" => Scheme::Whm,
        "bearer" => Scheme::Bearer,
        _ => return Err(Reason::SchemeUnsupported),
    };
    let (user, token) = match scheme {
        Scheme::Bearer => (None, rest),
        _ => match rest.split_once(':') {
            Some((user, token)) => (Some(user), token),
            None => return malformed,
        },
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
    if user.is_some_and(|user| user.is_empty() || user.len() > 64 || !user.chars().all(fits)) {
        return malformed;
    }
    match secret(token) {
        Some(secret) => Ok((scheme, user, secret)),
        None => malformed,
    }
}

/// The secret in a token's text.
fn secret(token: &str) -> Option<&str> {
    let upper = |text: &str| text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    let Some((prefix, body)) = token.rsplit_once('_') else {
        return (token.len() == 32 && upper(token)).then_some(token);
    };
    let first = prefix.chars().next().is_some_and(|c| c.is_ascii_lowercase());
    let rest = prefix.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if !first || !rest || !(2..=16).contains(&prefix.len()) || body.len() != 39 || !upper(body) {
        return None;
    }
    let mut sum = crc(&token.as_bytes()[..token.len() - 7]);
    let mut digits = [0; 7];
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[sum as usize % 36];
        sum /= 36;
    }
    (body.as_bytes()[32..] == digits).then(|| &body[..32])
}

/// CRC-32 (ISO-HDLC), bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
        })
    })
}
