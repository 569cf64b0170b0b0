//! Password guessing: how many guesses are checked, how much work they cause, and whom they affect.

use crate::common;
use std::net::SocketAddr;
use std::sync::{Arc, Barrier};
use std::thread::{self, JoinHandle};

use crate::common::browser::{PASSWORD, encoded};
use crate::common::served::{Answer, Request, Running};
use tokenlatch::PasswordHash;
use tokenlatch_server::FailureLimits;

const WRONG: &str = "wrong password";

/// A server behind a proxy, so that requests can come from any address.
fn behind_proxy(per_address: u32, per_user: u32) -> Running {
    let running = Running::with(|config| {
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        config.logins = FailureLimits { per_address, per_user };
    });
    running.give_passwords();
    running
}

/// The login form, sent from an address.
fn login(from: &str, user: &str, password: &str) -> Request {
    Request::new("POST", "/login")
        .header("X-Forwarded-For", from)
        .form(&encoded(&[("user", user), ("pass", password)]))
}

/// Sends requests concurrently.
fn at_once(to: SocketAddr, requests: Vec<Request>) -> Vec<Answer> {
    let barrier = Arc::new(Barrier::new(requests.len()));
    let threads: Vec<JoinHandle<Answer>> = requests
        .into_iter()
        .map(|request| {
            let barrier = barrier.clone();
            thread::spawn(move || {
                barrier.wait();
                request.send(to)
            })
        })
        .collect();
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

#[test]
fn guesses_from_one_address_cost_little_and_block_nobody() {
    let running = behind_proxy(1, 0);
    let before = running.state.service.passwords_hashed();
    let mut requests: Vec<Request> = (0..60).map(|_| login("192.0.2.1", "alice", WRONG)).collect();
    requests.push(login("192.0.2.2", "alice", PASSWORD));
    let answers = at_once(running.account, requests);
    let (good, guesses) = answers.split_last().unwrap();
    assert_eq!(good.status, 303, "{good:?}");
    assert!(count(guesses, 401) <= 1);
    assert_eq!(count(guesses, 401) + count(guesses, 429), 60);
    let waits = guesses.iter().filter(|answer| answer.status == 429);
    assert!(waits.clone().all(|answer| answer.header("retry-after").is_some()));
    // One is within the limit, the next exceeds it, and one ran concurrently; and the successful one.
    let hashed = running.state.service.passwords_hashed() - before;
    assert!(hashed <= 4, "{hashed}");
}

#[test]
fn third_concurrent_login_of_a_network_is_throttled() {
    let running = behind_proxy(0, 0);
    // Two logins that take long.
    running
        .block_on(running.state.service.store().set_password("alice", &slow()))
        .unwrap();
    let before = running.state.service.passwords_hashed();
    let guesses: Vec<_> = (0..2)
        .map(|_| later(&running, login("192.0.2.1", "alice", WRONG)))
        .collect();
    while running.state.service.passwords_hashed() - before < 2 {
        thread::yield_now();
    }
    let answer = login("192.0.2.1", "bob", PASSWORD).send(running.account);
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (429, Some("1")),
        "{answer:?}"
    );
    assert!(answer.body.contains("Other logins from your network"));
    assert_eq!(
        running.state.service.passwords_hashed() - before,
        2,
        "no work was done for it"
    );
    assert_eq!(login("192.0.2.2", "bob", PASSWORD).send(running.account).status, 303);
    for guess in guesses {
        assert_eq!(guess.join().unwrap().status, 401);
    }
    assert_eq!(login("192.0.2.1", "bob", PASSWORD).send(running.account).status, 303);
}

/// Sends a request in the background.
fn later(running: &Running, request: Request) -> JoinHandle<Answer> {
    let account = running.account;
    thread::spawn(move || request.send(account))
}

/// A hash of [`PASSWORD`] that takes over twenty times as long to check as another: it has the most memory and passes that are
/// allowed.
fn slow() -> PasswordHash {
    use argon2::password_hash::PasswordHasher;
    use argon2::password_hash::phc;
    let parameters = argon2::Params::new(64 * 1024, 16, 1, None).unwrap();
    let argon = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, parameters);
    let hash: phc::PasswordHash = argon
        .hash_password_with_salt(PASSWORD.as_bytes(), b"0123456789abcdef")
        .unwrap();
    PasswordHash::new(hash.to_string())
}

#[test]
fn right_password_is_refused_after_concurrent_failures() {
    let running = behind_proxy(1, 0);
    running
        .block_on(running.state.service.store().set_password("alice", &slow()))
        .unwrap();
    let before = running.state.service.passwords_hashed();
    let right = later(&running, login("192.0.2.1", "alice", PASSWORD));
    while running.state.service.passwords_hashed() == before {
        thread::yield_now();
    }
    // Two checks, while the other takes as long as twenty.
    let told: Vec<u16> = (0..2)
        .map(|_| login("192.0.2.1", "nobody", WRONG).send(running.account).status)
        .collect();
    assert_eq!(told, [401, 429]);
    assert_eq!(right.join().unwrap().status, 429);
    assert_eq!(running.place.sessions(), 0);
}

#[test]
fn right_password_is_refused_after_failures_before_its_body() {
    let running = behind_proxy(1, 0);
    let right = login("192.0.2.1", "alice", PASSWORD).hold(running.account);
    for told in [401, 429] {
        let answer = login("192.0.2.1", "alice", WRONG).send(running.account);
        assert_eq!(answer.status, told);
    }
    let hashed = running.state.service.passwords_hashed();
    assert_eq!(right.finish().status, 429);
    assert_eq!(running.state.service.passwords_hashed(), hashed);
    assert_eq!(running.place.sessions(), 0);
}

#[test]
fn user_limit_applies_to_guesses_from_many_addresses() {
    let running = behind_proxy(0, 1);
    let mut requests: Vec<Request> = (0..12)
        .map(|number| login(&format!("192.0.2.{number}"), "alice", WRONG))
        .collect();
    requests.push(login("192.0.2.99", "alice", PASSWORD));
    let mut answers = at_once(running.account, requests);
    let right = answers.pop().unwrap();
    assert!(count(&answers, 401) <= 1, "{answers:?}");
    assert!(matches!(right.status, 303 | 429), "{right:?}");
    // The limit is reached now.
    let addresses = (100..120).map(|number| format!("192.0.2.{number}"));
    let hashed = running.state.service.passwords_hashed();
    for from in addresses {
        assert_eq!(login(&from, "alice", PASSWORD).send(running.account).status, 429);
    }
    assert_eq!(running.state.service.passwords_hashed(), hashed, "nothing was checked");
}

#[test]
fn user_limit_spares_the_known_address() {
    let running = behind_proxy(10, 1);
    assert_eq!(
        login("198.51.100.1", "alice", PASSWORD).send(running.account).status,
        303
    );
    for user in ["alice", "nobody"] {
        assert_eq!(
            login("192.0.2.1", user, WRONG).send(running.account).status,
            401,
            "{user}"
        );
        assert_eq!(
            login("192.0.2.2", user, WRONG).send(running.account).status,
            429,
            "{user}"
        );
        let bodies: Vec<Answer> = (3..6)
            .map(|number| login(&format!("192.0.2.{number}"), user, PASSWORD).send(running.account))
            .collect();
        assert!(bodies.iter().all(|answer| answer.status == 429), "{user} {bodies:?}");
    }
    let usual = |password| login("198.51.100.1", "alice", password).send(running.account).status;
    assert_eq!(usual(WRONG), 401);
    assert_eq!(usual(PASSWORD), 303);
    // No other user is affected.
    assert_eq!(login("192.0.2.3", "bob", PASSWORD).send(running.account).status, 303);
}

/// The peak memory of a process, in MiB.
#[cfg(target_os = "linux")]
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kilobytes >> 10
}

#[test]
#[cfg(target_os = "linux")]
fn concurrent_guesses_use_bounded_memory() {
    // In its own process, so that the memory of other tests is not counted.
    let place = common::Place::new();
    let options = ["--json", "--http", "--trusted-proxy", "127.0.0.1/32"];
    let serving = common::serving::Serving::start(&place, &options);
    let guess = |count: u32| {
        // Two from each address, each for another user, so that no limit on failed logins is reached.
        let requests =
            (0..count).map(|number| login(&format!("192.0.2.{}", number / 2), &format!("nobody{number}"), WRONG));
        let answers = at_once(serving.address("account"), requests.collect());
        // On a slow machine some exceed their time limit, but never all.
        let (refused, late) = (self::count(&answers, 401), self::count(&answers, 503));
        assert_eq!(refused + late, count as usize, "{answers:?}");
        assert!(refused > 0, "{answers:?}");
    };
    guess(8);
    let before = peak(serving.child.id());
    // Each check takes 19 MiB, and four run at once. All of them at once would take 1.2 GiB.
    guess(64);
    let more = peak(serving.child.id()) - before;
    assert!(before >= 19, "{before} MiB: nothing was checked");
    assert!(more < 150, "{more} MiB more");
}

#[test]
#[cfg(not(target_os = "linux"))]
fn concurrent_guesses_use_bounded_memory() {
    eprintln!("SKIPPED: only Linux reports the most memory that a process has had");
}
