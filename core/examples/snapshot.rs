//! Measures a snapshot of many tokens: publishes it, takes it as an edge does, and prints the cost.
//!
//! `cargo run --release -p tokenlatch-core --example snapshot -- TOKENS [FOLDER]`. With a folder, the messages and
//! the key are written there, so that other runtimes can be measured with them.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a measurement may stop at the first surprise"
)]

use std::hint::black_box;
use std::time::Instant;

use tokenlatch_core::{
    Access, Account, Authorization, Features, Heading, IdentifyRequest, Publication, Record, SigningKey, Snapshot,
    SnapshotOptions, identify,
};

const NOW: i64 = 1_800_000_000;
const USERS: u64 = 1000;

/// Pseudorandom secrets, the same in every run.
fn secret(token: u64) -> String {
    let mut state = token.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let character = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[usize::try_from((state >> 33) % 36).unwrap()])
    };
    (0..32).map(character).collect()
}

fn record(token: u64) -> Record {
    let authorization = Authorization::from(format!("Bearer {}", secret(token)).as_str());
    let identified = identify(&IdentifyRequest {
        authorization,
        peppers: Vec::new(),
    });
    Record {
        v: 1,
        id: format!("{token:024x}"),
        user: format!("user{}", token % USERS),
        name: format!("token-{token}"),
        hash: identified.unwrap().hashes[0].clone(),
        created: NOW,
        expires: Some(NOW + 86_400 * 365),
        access: Access::Full,
        ..Record::default()
    }
}

fn heading(version: u64) -> Heading {
    Heading {
        epoch: 1,
        version,
        made: NOW,
        max_age: 1_000_000_000,
        names: false,
    }
}

fn publish(tokens: u64, key: &SigningKey) -> Vec<u8> {
    let mut made = Publication::snapshot(heading(1));
    for user in 0..USERS {
        made.account(&Account {
            user: format!("user{user}"),
            suspended: false,
            administrator: false,
            features: Features::All,
        })
        .unwrap();
    }
    (0..tokens).for_each(|token| made.record(&record(token)).unwrap());
    made.sign(key).unwrap()
}

/// Nanoseconds a verification, in pseudorandom order over the whole table: the median of several rounds.
fn verify(edge: &Snapshot, tokens: u64) -> f64 {
    const CALLS: u64 = 100_000;
    let headers: Vec<String> = (0..CALLS)
        .map(|at| {
            let token = at.wrapping_mul(0x9e37_79b9_7f4a_7c15) % tokens;
            format!("cpanel user{}:{}", token % USERS, secret(token))
        })
        .collect();
    let mut rounds: Vec<f64> = (0..15)
        .map(|_| {
            let started = Instant::now();
            for header in &headers {
                assert!(black_box(edge.verify(0, header.as_bytes(), None, NOW)) >> 32 == 0);
            }
            started.elapsed().as_secs_f64() * 1e9 / CALLS as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

/// A table in which each token has its own address, and a delta with a hundredth more of them.
fn lists(key: &SigningKey, mut edge: Snapshot) {
    const TOKENS: u64 = 100_000;
    let add = |made: &mut Publication, from: u64, to: u64| {
        (from..to).for_each(|token| {
            let addresses = vec![format!("10.{}.{}.{}", token >> 16, token >> 8 & 255, token & 255)];
            let record = Record {
                addresses,
                ..record(token)
            };
            made.record(&record).unwrap();
        });
    };
    let mut made = Publication::snapshot(heading(1));
    add(&mut made, 0, TOKENS);
    let message = made.sign(key).unwrap();
    milliseconds("load, 100,000 lists", || edge.apply(&message, NOW).unwrap());
    for version in 2..5 {
        let from = TOKENS + version * TOKENS;
        let mut made = Publication::delta(version - 1, heading(version));
        add(&mut made, from, from + TOKENS / 100);
        let message = made.sign(key).unwrap();
        milliseconds("delta, 1,000 new lists", || edge.apply(&message, NOW).unwrap());
    }
}

fn milliseconds<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = run();
    println!("{what:<28} {:>10.2} ms", started.elapsed().as_secs_f64() * 1e3);
    result
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let tokens: u64 = arguments.next().map_or(1_000_000, |count| count.parse().unwrap());
    let key = SigningKey::from_secret_bytes(&[7; 32]).unwrap();
    let open = || {
        Snapshot::new(SnapshotOptions {
            public_keys: vec![key.public_key()],
            ..SnapshotOptions::default()
        })
        .unwrap()
    };
    let message = milliseconds("publish", || publish(tokens, &key));
    let small = publish(1000, &key);
    let mut revoking = Publication::delta(1, heading(2));
    (0..100).for_each(|token| revoking.revoke(&record(token * (tokens / 100)).hash).unwrap());
    let revoking = revoking.sign(&key).unwrap();
    let mut adding = Publication::delta(2, heading(3));
    (tokens..tokens + 100).for_each(|token| adding.record(&record(token)).unwrap());
    let adding = adding.sign(&key).unwrap();

    if let Some(folder) = arguments.next() {
        let write = |name: &str, bytes: &[u8]| std::fs::write(format!("{folder}/{name}"), bytes).unwrap();
        write("snapshot.bin", &message);
        write("small.bin", &small);
        write("revoking.bin", &revoking);
        write("adding.bin", &adding);
        write("key.txt", key.public_key().as_bytes());
        let headers = |count: u64| -> String {
            (0..count)
                .map(|token| format!("cpanel user{}:{}\n", token % USERS, secret(token)))
                .collect()
        };
        write("headers.txt", headers(tokens).as_bytes());
    }

    let mut few = open();
    few.apply(&small, NOW).unwrap();
    let mut edge = open();
    let state = milliseconds("load", || edge.apply(&message, NOW).unwrap());
    println!(
        "{:<28} {:>10.2}",
        "bytes a token, wire",
        message.len() as f64 / tokens as f64
    );
    println!(
        "{:<28} {:>10.2}",
        "bytes a token, memory",
        state.bytes as f64 / tokens as f64
    );
    let (least, most) = (verify(&few, 1000), verify(&edge, tokens));
    println!("{:<28} {least:>10.1} ns", "verify, 1,000 tokens");
    println!("{:<28} {most:>10.1} ns", "verify, all tokens");
    println!("{:<28} {:>10.2}", "ratio", most / least);
    milliseconds("delta, 100 revocations", || edge.apply(&revoking, NOW).unwrap());
    milliseconds("delta, 100 new tokens", || edge.apply(&adding, NOW).unwrap());
    lists(&key, open());
}
