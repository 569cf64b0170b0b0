//! Several servers on one database: unique names, immediate revocation, and no acknowledged write lost in a crash.
//!
//! `TOKENLATCH_FULL=1` runs the full length. By default the tests are short.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokenlatch_tests::Fault;
use tokenlatch_tests::service::{Client, Place, Postgres, Server};

type Outcome = Result<(), Box<dyn Error>>;

/// Concurrent requests on each server.
const WORKERS: usize = 8;

fn full() -> bool {
    std::env::var("TOKENLATCH_FULL").as_deref() == Ok("1")
}

/// Adds the account alice with a raised cap on tokens, which the full length needs.
fn account(place: &Place) -> Result<(), Fault> {
    place.accounts(&["alice"])?;
    let caps = ["--max-tokens=20000", "--max-tokens-per-hour=20000"];
    place.must("tokenlatch", &[&["account", "policy", "alice"], &caps[..]].concat())?;
    Ok(())
}

/// Two servers on one database.
fn pair(place: &Place) -> Result<[Server; 2], Fault> {
    account(place)?;
    Ok([Server::start(place, &[])?, Server::start(place, &[])?])
}

fn names(reply: &Value) -> Vec<String> {
    let tokens = reply["data"].as_array().cloned().unwrap_or_default();
    tokens
        .iter()
        .filter_map(|token| token["name"].as_str().map(str::to_owned))
        .collect()
}

#[test]
fn concurrent_creates_on_two_servers_keep_names_unique() -> Outcome {
    let Some(postgres) = Postgres::start()? else {
        return Ok(());
    };
    let place = Place::over(&postgres.url())?;
    let servers = pair(&place)?;
    let header = format!("cpanel alice:{}", place.token("alice", "origin", &[])?);
    // Each name is requested on both servers at once: 10,000 creations at full length.
    let count = if full() { 5000 } else { 300 };
    let acknowledged: Mutex<BTreeMap<String, Vec<String>>> = Mutex::default();
    let refused: Mutex<usize> = Mutex::default();
    let begun = Instant::now();
    thread::scope(|scope| -> Result<(), Fault> {
        let mut workers = Vec::new();
        for worker in 0..WORKERS {
            for server in &servers {
                let (header, acknowledged, refused) = (&header, &acknowledged, &refused);
                workers.push(scope.spawn(move || -> Result<(), Fault> {
                    let mut client = server.client();
                    for number in (worker..count).step_by(WORKERS) {
                        let name = format!("n{number}");
                        let answer = client
                            .post("/execute/Tokens/create_full_access", header, &format!("name={name}"))
                            .map_err(Fault::during("creating"))?;
                        let reply = answer.json();
                        match (answer.status, reply["status"].as_i64(), reply["data"]["token"].as_str()) {
                            (200, Some(1), Some(token)) => {
                                let mut all = acknowledged.lock().map_err(Fault::during("the list"))?;
                                all.entry(name).or_default().push(token.to_owned());
                            }
                            (200, Some(0), None) => *refused.lock().map_err(Fault::during("the count"))? += 1,
                            _ => return Err(Fault::new(format!("{} {}", answer.status, reply["errors"]))),
                        }
                    }
                    Ok(())
                }));
            }
        }
        for worker in workers {
            worker.join().map_err(|_| Fault::new("a worker failed"))??;
        }
        Ok(())
    })?;
    let took = begun.elapsed();
    let acknowledged = acknowledged.into_inner()?;
    assert_eq!(acknowledged.len(), count, "every name was made");
    assert!(acknowledged.values().all(|tokens| tokens.len() == 1), "and none twice");
    assert_eq!(refused.into_inner()?, count);
    println!("{} creates, {count} names, in {took:.1?}", 2 * count);

    // Each token exists once, on both servers.
    for server in &servers {
        let listed = names(&server.client().get("/execute/Tokens/list", &header)?.json());
        let distinct: BTreeSet<&String> = listed.iter().collect();
        assert_eq!((listed.len(), distinct.len()), (count + 1, count + 1));
        for tokens in acknowledged.values().step_by(count / 50) {
            assert_eq!(server.auth("alice", &tokens[0])?.status, 200);
        }
    }
    Ok(())
}

#[test]
fn revocation_on_one_server_applies_to_the_other_at_once() -> Outcome {
    let Some(postgres) = Postgres::start()? else {
        return Ok(());
    };
    let place = Place::over(&postgres.url())?;
    let [one, other] = pair(&place)?;
    let header = format!("cpanel alice:{}", place.token("alice", "origin", &[])?);
    let (mut asks, mut verifies) = (one.client(), other.client());
    for round in 0..if full() { 1000 } else { 50 } {
        let form = format!("name=r{round}");
        let made = asks.post("/execute/Tokens/create_full_access", &header, &form)?.json();
        let token = made["data"]["token"].as_str().ok_or("no token")?;
        let theirs = format!("cpanel alice:{token}");
        let target = "/auth?module=Email&function=list_pops";
        assert_eq!(
            verifies.get(target, &theirs)?.status,
            200,
            "created on one, known to the other"
        );
        let revoked = asks.post("/execute/Tokens/revoke", &header, &form)?.json();
        assert_eq!(revoked["status"], 1);
        assert_eq!(verifies.get(target, &theirs)?.status, 401, "round {round}");
    }
    // The same for the account.
    assert_eq!(verifies.get("/auth?feature=popaccts&writes=0", &header)?.status, 200);
    place.must("tokenlatch", &["account", "suspend", "alice"])?;
    for client in [&mut asks, &mut verifies] {
        assert_eq!(client.get("/auth?feature=popaccts&writes=0", &header)?.status, 403);
    }
    Ok(())
}

/// What a client knows of a token that it requested.
#[derive(Debug)]
struct Known {
    token: String,
    /// Whether a revocation was tried, and whether it was acknowledged.
    revoke: Option<bool>,
}

/// Creates and revokes tokens on servers that may be killed, until told to stop. Returns what was acknowledged.
fn load(places: &[std::net::SocketAddr], header: &str, stop: &AtomicBool) -> Vec<Known> {
    thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| {
                scope.spawn(move || {
                    let mut known = Vec::new();
                    let mut client = Client::new(places[worker % places.len()]);
                    let mut number = 0;
                    while !stop.load(Ordering::SeqCst) {
                        number += 1;
                        let form = format!("name=w{worker}-{number}");
                        let made = client.post("/execute/Tokens/create_full_access", header, &form);
                        let Some(token) = made
                            .ok()
                            .and_then(|answer| answer.json()["data"]["token"].as_str().map(str::to_owned))
                        else {
                            thread::sleep(Duration::from_millis(20));
                            continue;
                        };
                        let revoke = (number % 2 == 0).then(|| {
                            let answer = client.post("/execute/Tokens/revoke", header, &form);
                            answer.is_ok_and(|answer| answer.status == 200 && answer.json()["status"] == 1)
                        });
                        known.push(Known { token, revoke });
                    }
                    known
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_default())
            .collect()
    })
}

/// Checks that no acknowledged change is lost.
fn holds(server: &Server, known: &[Known]) -> Result<(usize, usize), Fault> {
    let mut client = server.client();
    let (mut created, mut revoked) = (0, 0);
    for Known { token, revoke } in known {
        let answer = client
            .get(
                "/auth?module=Email&function=list_pops",
                &format!("cpanel alice:{token}"),
            )
            .map_err(Fault::during("asking /auth"))?;
        match (revoke, answer.status) {
            (None, 200) => created += 1,
            (Some(true), 401) => revoked += 1,
            // The revocation was tried and not acknowledged, so both outcomes are allowed.
            (Some(false), 200 | 401) => {}
            (revoke, status) => return Err(Fault::new(format!("revoke {revoke:?}, and /auth answers {status}"))),
        }
    }
    Ok((created, revoked))
}

fn ready(server: &Server) -> Result<(), Fault> {
    for _ in 0..600 {
        if server
            .client()
            .get("/ready", "none")
            .is_ok_and(|answer| answer.status == 200)
        {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(50));
    }
    Err(Fault::new(format!("not ready again: {}", server.process.log())))
}

/// How long a server works before and after it is killed.
fn while_killing() -> Duration {
    if full() {
        Duration::from_secs(10)
    } else {
        Duration::from_millis(1500)
    }
}

#[test]
fn killed_server_loses_no_acknowledged_write() -> Outcome {
    let Some(postgres) = Postgres::start()? else {
        return Ok(());
    };
    let place = Place::over(&postgres.url())?;
    let [mut one, other] = pair(&place)?;
    killed(&place, &mut one, Some(&other))
}

#[test]
fn killed_sqlite_server_loses_no_acknowledged_write() -> Outcome {
    let place = Place::new()?;
    account(&place)?;
    let mut server = Server::start(&place, &[])?;
    killed(&place, &mut server, None)
}

fn killed(place: &Place, server: &mut Server, other: Option<&Server>) -> Outcome {
    let header = format!("cpanel alice:{}", place.token("alice", "origin", &[])?);
    let stop = AtomicBool::new(false);
    let ports: Vec<_> = std::iter::once(server.account)
        .chain(other.map(|other| other.account))
        .collect();
    let known = thread::scope(|scope| -> Result<Vec<Known>, Fault> {
        let loading = scope.spawn(|| load(&ports, &header, &stop));
        thread::sleep(while_killing());
        let killed = server.process.kill();
        thread::sleep(while_killing() / 3);
        stop.store(true, Ordering::SeqCst);
        killed?;
        loading.join().map_err(|_| Fault::new("the load failed"))
    })?;
    let again = Server::start(place, &[])?;
    let (created, revoked) = holds(&again, &known)?;
    println!("{created} created and {revoked} revoked outlived the server");
    assert!(created > 0 && revoked > 0);
    if let Some(other) = other {
        holds(other, &known)?;
    }
    Ok(())
}

#[test]
fn killed_postgresql_loses_nothing_and_servers_recover() -> Outcome {
    let Some(mut postgres) = Postgres::start()? else {
        return Ok(());
    };
    let place = Place::over(&postgres.url())?;
    let [one, other] = pair(&place)?;
    let header = format!("cpanel alice:{}", place.token("alice", "origin", &[])?);
    let stop = AtomicBool::new(false);
    let ports = [one.account, other.account];
    let known = thread::scope(|scope| -> Result<Vec<Known>, Fault> {
        let loading = scope.spawn(|| load(&ports, &header, &stop));
        thread::sleep(while_killing());
        let killed = postgres.kill();
        // Nothing can be verified now, so nothing is admitted.
        let down = one.client().get("/auth?module=Email&function=list_pops", &header);
        let back = killed.and_then(|()| postgres.run());
        let recovered = back.and_then(|()| ready(&one)).and_then(|()| ready(&other));
        thread::sleep(while_killing() / 3);
        stop.store(true, Ordering::SeqCst);
        recovered?;
        let down = down.map_err(Fault::during("asking without a database"))?;
        if down.status != 503 {
            return Err(Fault::new(format!("without a database /auth answers {}", down.status)));
        }
        loading.join().map_err(|_| Fault::new("the load failed"))
    })?;
    for server in [&one, &other] {
        let (created, revoked) = holds(server, &known)?;
        println!("{created} created and {revoked} revoked outlived PostgreSQL");
        assert!(created > 0 && revoked > 0);
    }
    Ok(())
}
