//! The verifier: what was committed before a request applies to it, and nothing is admitted in doubt.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::common::{NOW, Place, module, module_with, plain, run};
use tokenlatch::core::{Access, Api, Call, Catalogue, Features, Function, Pepper, Reason, Route, Unlisted};
use tokenlatch::{ChangeStore, Limits, NewToken, Presented, Service, SetClock, Store, Verifier, VerifierOptions};

/// A call that a full token may make.
fn listing() -> Call {
    Call {
        module: Some("Email".to_owned()),
        function: Some("list_pops".to_owned()),
        ..Call::default()
    }
}

async fn ask(verifier: &Verifier, token: &str, call: &Call) -> Reason {
    let header = format!("cpanel alice:{token}");
    let verdict = verifier
        .verify(Presented::One(header.as_bytes()), call, None)
        .await
        .expect("a verdict");
    assert_eq!(verdict.allowed, verdict.reason == Reason::Ok);
    assert_eq!(verdict.refusal.is_some(), !verdict.allowed);
    verdict.reason
}

#[test]
fn commit_of_another_process_applies_to_the_next_request() {
    run(async {
        let place = Place::new();
        let elsewhere = place.service().await;
        let verifier = Verifier::open(Service::new(module(), place.store().await), None)
            .await
            .unwrap();
        assert_eq!(verifier.records(), 0);
        let token = elsewhere.create(plain("one")).await.unwrap();
        let text = token.token.expose();
        assert_eq!(ask(&verifier, text, &listing()).await, Reason::Ok);
        elsewhere.set_suspended("alice", true).await.unwrap();
        assert_eq!(ask(&verifier, text, &listing()).await, Reason::AccountSuspended);
        elsewhere.set_suspended("alice", false).await.unwrap();
        assert_eq!(ask(&verifier, text, &listing()).await, Reason::Ok);
        let few = Features::List(vec!["ftpaccts".to_owned(), "apitokens".to_owned()]);
        elsewhere.set_features("alice", few).await.unwrap();
        assert_eq!(ask(&verifier, text, &listing()).await, Reason::FeatureNotInAccount);
        elsewhere.revoke("alice", None, &["one".to_owned()]).await.unwrap();
        assert_eq!(ask(&verifier, text, &listing()).await, Reason::TokenRevoked);
        let two = elsewhere.create(plain("two")).await.unwrap();
        elsewhere.remove_account("alice").await.unwrap();
        assert_eq!(
            elsewhere.accounts().await.unwrap().len(),
            1,
            "the account is gone, so its token is refused whatever the reason"
        );
        assert_ne!(ask(&verifier, two.token.expose(), &listing()).await, Reason::Ok);
    });
}

#[test]
fn chosen_credentials_stay_chosen_when_everything_is_loaded_again() {
    run(async {
        let place = Place::new();
        let service = place.service().await;
        let options = |chosen: &str| VerifierOptions {
            credentials: Some(vec![chosen.to_owned()]),
            ..VerifierOptions::default()
        };
        let wrong = Verifier::open_with(service.clone(), options("header:Cookie")).await;
        assert_eq!(wrong.unwrap_err().code(), "credentials_invalid");
        let verifier = Verifier::open_with(service.clone(), options("x-api-key"))
            .await
            .unwrap();
        let created = service.create(plain("one")).await.unwrap();
        let text = created.token.expose();
        let told = async |name: &str| {
            let fields = [(name.as_bytes(), text.as_bytes())];
            let verdict = verifier.verify(Presented::Fields(&fields), &listing(), None).await;
            verdict.unwrap().reason
        };
        let bearer = format!("Bearer {text}");
        for whole in [false, true] {
            if whole {
                service.begin_epoch().await.unwrap();
            }
            assert_eq!(told("X-API-Key").await, Reason::Ok);
            assert_eq!(told("authorization").await, Reason::HeaderMissing);
            assert_eq!(ask(&verifier, text, &listing()).await, Reason::HeaderMissing);
            let one = verifier
                .verify(Presented::One(bearer.as_bytes()), &listing(), None)
                .await;
            assert_eq!(one.unwrap().reason, Reason::HeaderMissing);
        }
    });
}

#[test]
fn revocation_applies_at_once_under_load() {
    run(async {
        let place = Place::new();
        let service = place.service().await;
        let verifier = Verifier::open(Service::new(module(), place.store().await), None)
            .await
            .unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (busy, asked) = (
            service.create(plain("busy")).await.unwrap(),
            Arc::new(AtomicU64::new(0)),
        );
        let crowd: Vec<_> = (0..16)
            .map(|_| {
                let (verifier, stop, asked) = (verifier.clone(), Arc::clone(&stop), Arc::clone(&asked));
                let text = busy.token.expose().to_owned();
                tokio::spawn(async move {
                    while !stop.load(Ordering::Relaxed) {
                        assert_eq!(ask(&verifier, &text, &listing()).await, Reason::Ok);
                        asked.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        for round in 0..40 {
            let name = format!("t{round}");
            let token = service.create(plain(&name)).await.unwrap();
            assert_eq!(ask(&verifier, token.token.expose(), &listing()).await, Reason::Ok);
            service.revoke("alice", None, &[name]).await.unwrap();
            assert_eq!(
                ask(&verifier, token.token.expose(), &listing()).await,
                Reason::TokenRevoked
            );
        }
        stop.store(true, Ordering::Relaxed);
        for task in crowd {
            task.await.unwrap();
        }
        assert!(asked.load(Ordering::Relaxed) > 100);
    });
}

#[test]
fn missing_repeated_and_wrong_headers_get_one_refusal() {
    run(async {
        let place = Place::new();
        let service = place.service().await;
        let verifier = Verifier::open(service, None).await.unwrap();
        let call = listing();
        let unknown = format!("cpanel alice:{}", "A".repeat(32));
        let long = format!("cpanel alice:{}", "A".repeat(100_000));
        let mut refusals = Vec::new();
        for (presented, reason) in [
            (Presented::Missing, Reason::HeaderMissing),
            (Presented::Repeated, Reason::HeaderRepeated),
            (Presented::One(b"cpanel alice"), Reason::HeaderMalformed),
            (Presented::One(b"\xff\x00"), Reason::HeaderMalformed),
            (Presented::One(long.as_bytes()), Reason::HeaderMalformed),
            (Presented::One(unknown.as_bytes()), Reason::TokenUnknown),
        ] {
            let verdict = verifier.verify(presented, &call, None).await.unwrap();
            assert_eq!(verdict.reason, reason);
            refusals.push(verdict.refusal.clone().unwrap());
        }
        assert!(refusals.iter().all(|refusal| *refusal == refusals[0]));
    });
}

#[test]
fn cached_verdicts_respect_the_expiry() {
    run(async {
        let place = Place::new();
        let clock = Arc::new(SetClock::at(NOW));
        let service = place.service().await.with_clock(clock.clone());
        let verifier = Verifier::open(service.clone(), None).await.unwrap();
        let mut wish = plain("short");
        wish.expires = Some(tokenlatch::core::ExpiryInput::Seconds(NOW + 10));
        let token = service.create(wish).await.unwrap();
        let text = token.token.expose();
        for (now, reason) in [
            (NOW, Reason::Ok),
            (NOW + 9, Reason::Ok),
            (NOW + 10, Reason::TokenExpired),
        ] {
            clock.set(now);
            assert_eq!(ask(&verifier, text, &listing()).await, reason);
        }
        clock.set(NOW + 9);
        assert_eq!(ask(&verifier, text, &listing()).await, Reason::Ok);
    });
}

#[test]
fn invalid_catalogue_leaves_the_old_one_in_use() {
    run(async {
        let place = Place::new();
        let service = place.service().await;
        let verifier = Verifier::open(service.clone(), None).await.unwrap();
        let mut wish = plain("mail");
        wish.access = Access::Limited {
            features: vec!["reports".to_owned()],
        };
        let token = service.create(wish).await.unwrap();
        let call = Call {
            module: Some("Reports".to_owned()),
            function: Some("list".to_owned()),
            ..Call::default()
        };
        assert_eq!(
            ask(&verifier, token.token.expose(), &call).await,
            Reason::FunctionWithoutFeature
        );
        let mut function = Function {
            module: "Reports".to_owned(),
            function: "list".to_owned(),
            apis: vec![Api::Uapi],
            feature: Some("reports".to_owned()),
            writes: false,
        };
        verifier
            .set_catalogue(Some(vec![function.clone()].into()))
            .await
            .unwrap();
        assert_eq!(ask(&verifier, token.token.expose(), &call).await, Reason::Ok);
        function.feature = Some("no good".to_owned());
        let refused = verifier.set_catalogue(Some(vec![function].into())).await.unwrap_err();
        assert_eq!(refused.code(), "feature_invalid");
        assert_eq!(
            ask(&verifier, token.token.expose(), &call).await,
            Reason::Ok,
            "the old one stays"
        );
    });
}

/// A catalogue that takes a while to load. It contains `Reports::list` if `reports` is set.
fn large(reports: bool) -> Vec<Function> {
    let function = |module: &str, function: String, feature: &str| Function {
        module: module.to_owned(),
        function,
        apis: vec![Api::Uapi],
        feature: Some(feature.to_owned()),
        writes: false,
    };
    let mut functions: Vec<Function> = (0..3000)
        .map(|number| function("Filler", format!("f{number}"), "filler"))
        .collect();
    functions.push(function("Email", "list_pops".to_owned(), "popaccts"));
    if reports {
        functions.push(function("Reports", "list".to_owned(), "reports"));
    }
    functions
}

/// Tasks that verify continuously, and must be admitted each time.
fn crowd(
    verifier: &Verifier,
    token: &str,
    stop: &Arc<AtomicBool>,
    asked: &Arc<AtomicU64>,
) -> Vec<tokio::task::JoinHandle<()>> {
    (0..8)
        .map(|_| {
            let (verifier, stop, asked) = (verifier.clone(), Arc::clone(stop), Arc::clone(asked));
            let text = token.to_owned();
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(ask(&verifier, &text, &listing()).await, Reason::Ok);
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect()
}

#[test]
fn routes_are_judged_and_public_ones_need_no_token() {
    run(async {
        let route = |method: &str, path: &str, feature: Option<&str>, public| Route {
            method: method.to_owned(),
            path: path.to_owned(),
            feature: feature.map(str::to_owned),
            writes: false,
            public,
        };
        let catalogue = Catalogue {
            routes: vec![
                route("GET", "/v1/orders/{id}", Some("popaccts"), false),
                route("GET", "/v1/orders/export", None, false),
                route("GET", "/health", None, true),
            ],
            default: Some(Unlisted::Deny),
            ..Catalogue::default()
        };
        let place = Place::new();
        let service = place.service().await;
        let verifier = Verifier::open(service.clone(), Some(catalogue)).await.unwrap();
        let mut wish = plain("mail");
        wish.access = Access::Limited {
            features: vec!["popaccts".to_owned()],
        };
        let token = service.create(wish).await.unwrap();
        let header = format!("Bearer {}", token.token.expose());
        let at = |presented, method: &str, path: &str| {
            let call = Call {
                method: Some(method.to_owned()),
                path: Some(path.to_owned()),
                ..Call::default()
            };
            let verifier = &verifier;
            async move { verifier.verify(presented, &call, None).await.unwrap().reason }
        };
        let one = Presented::One(header.as_bytes());
        for (method, path, reason) in [
            ("GET", "/v1/orders/7?all=1", Reason::Ok),
            ("GET", "/v1/orders/export", Reason::FunctionWithoutFeature),
            ("GET", "/v1/orders/Export", Reason::FunctionWithoutFeature),
            ("POST", "/v1/orders/7", Reason::RouteUnlisted),
            ("GET", "/v1//orders", Reason::TargetDoubtful),
            ("GET", &format!("/v1/orders/7?{}", "a".repeat(5_000)), Reason::Ok),
            ("GET", "/health", Reason::Public),
        ] {
            assert_eq!(at(one, method, path).await, reason, "{method} {path}");
        }
        for (presented, reason) in [
            (Presented::Missing, Reason::HeaderMissing),
            (Presented::One(b"x"), Reason::HeaderMalformed),
            (Presented::Repeated, Reason::HeaderRepeated),
        ] {
            assert_eq!(at(presented, "HEAD", "/health").await, Reason::Public);
            assert_eq!(at(presented, "GET", "/v1/orders/7").await, reason);
        }
        // Paths that clients make up take no numbers of the table.
        for number in 0..20_000 {
            assert_eq!(at(one, "GET", &format!("/v1/orders/{number}")).await, Reason::Ok);
        }
    });
}

#[test]
fn catalogue_replacement_under_load_loses_no_change() {
    run(async {
        let place = Place::new();
        let service = place.service().await;
        let verifier = Verifier::open(Service::new(module(), place.store().await), None)
            .await
            .unwrap();
        let busy = service.create(plain("busy")).await.unwrap();
        let mut wish = plain("reporter");
        wish.access = Access::Limited {
            features: vec!["reports".to_owned()],
        };
        let reporter = service.create(wish).await.unwrap();
        let reporting = Call {
            module: Some("Reports".to_owned()),
            function: Some("list".to_owned()),
            ..Call::default()
        };
        let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let crowd = crowd(&verifier, busy.token.expose(), &stop, &asked);
        let changed = Arc::new(AtomicU64::new(0));
        let swapping = tokio::spawn({
            let (verifier, reporter) = (verifier.clone(), reporter.token.expose().to_owned());
            let (asked, changed) = (asked.clone(), changed.clone());
            async move {
                // On a busy machine the other tasks need time as well.
                let lags = || asked.load(Ordering::Relaxed) < 200 || changed.load(Ordering::Relaxed) < 4;
                let mut round = 0;
                while round < 12 || (round < 120 && lags()) {
                    let reports = round % 2 == 0;
                    verifier.set_catalogue(Some(large(reports).into())).await.unwrap();
                    let reason = ask(&verifier, &reporter, &reporting).await;
                    assert_eq!(reason == Reason::Ok, reports, "in force at once: {reason:?}");
                    let mut wrong = large(true);
                    wrong[7].feature = Some("no good".to_owned());
                    let refused = verifier.set_catalogue(Some(wrong.into())).await.unwrap_err();
                    assert_eq!(refused.code(), "feature_invalid");
                    assert_eq!(ask(&verifier, &reporter, &reporting).await, reason, "the old one stays");
                    round += 1;
                }
            }
        });
        while !swapping.is_finished() {
            let name = format!("t{}", changed.load(Ordering::Relaxed));
            let token = service.create(plain(&name)).await.unwrap();
            assert_eq!(ask(&verifier, token.token.expose(), &listing()).await, Reason::Ok);
            service.revoke("alice", None, &[name]).await.unwrap();
            assert_eq!(
                ask(&verifier, token.token.expose(), &listing()).await,
                Reason::TokenRevoked
            );
            changed.fetch_add(1, Ordering::Relaxed);
        }
        swapping.await.unwrap();
        stop.store(true, Ordering::Relaxed);
        for task in crowd {
            task.await.unwrap();
        }
        let (asked, changed) = (asked.load(Ordering::Relaxed), changed.load(Ordering::Relaxed));
        assert!(changed > 3 && asked > 100, "{changed} changes, {asked} verdicts");
    });
}

#[test]
fn catalogue_replacement_survives_a_new_epoch() {
    run(async {
        let place = Place::new();
        let service = place.service().await;
        let verifier = Verifier::open(Service::new(module(), place.store().await), None)
            .await
            .unwrap();
        let busy = service.create(plain("busy")).await.unwrap();
        let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let crowd = crowd(&verifier, busy.token.expose(), &stop, &asked);
        // Renaming begins a new epoch, so a table that is being loaded meanwhile is out of date as a whole.
        let swap = verifier.set_catalogue(Some(large(true).into()));
        let (swapped, renamed) = tokio::join!(swap, service.rename_account("bob", "bobby"));
        swapped.unwrap();
        renamed.unwrap();
        let mut wish = plain("later");
        wish.user = "bobby".to_owned();
        let later = service.create(wish).await.unwrap();
        let header = format!("cpanel bobby:{}", later.token.expose());
        let verdict = verifier
            .verify(Presented::One(header.as_bytes()), &listing(), None)
            .await;
        assert!(verdict.unwrap().allowed);
        stop.store(true, Ordering::Relaxed);
        for task in crowd {
            task.await.unwrap();
        }
    });
}

#[test]
fn catalogue_is_replaced_without_the_store() {
    run(async {
        let place = Place::new();
        let service = place.service().await;
        let verifier = Verifier::open(service.clone(), None).await.unwrap();
        service.create(plain("one")).await.unwrap();
        verifier.ready().await.unwrap();
        service.close().await;
        let mut spoilt = large(true);
        spoilt[0].feature = Some("not a feature".to_owned());
        let refused = verifier.set_catalogue(Some(spoilt.into())).await.unwrap_err();
        assert_eq!(refused.code(), "feature_invalid");
        assert_eq!(verifier.records(), 1, "the table is still there");
        verifier.set_catalogue(Some(large(true).into())).await.unwrap();
        assert_eq!(verifier.records(), 1);
    });
}

#[test]
fn a_store_that_cannot_answer_admits_nothing() {
    run(async {
        let place = Place::new();
        let service = place.service().await;
        let token = service.create(plain("one")).await.unwrap();
        let verifier = Verifier::open(service.clone(), None).await.unwrap();
        assert_eq!(ask(&verifier, token.token.expose(), &listing()).await, Reason::Ok);
        service.close().await;
        let header = format!("cpanel alice:{}", token.token.expose());
        let outcome = verifier
            .verify(Presented::One(header.as_bytes()), &listing(), None)
            .await;
        assert!(outcome.is_err());
        assert!(verifier.ready().await.is_err());
    });
}

#[test]
fn verifier_does_not_open_with_an_unknown_pepper() {
    run(async {
        let place = Place::new();
        let pepper = Pepper {
            id: "p1".to_owned(),
            key: "00112233445566778899aabbccddeeff".into(),
        };
        let service = place.service().await.with_peppers(vec![pepper]);
        service.create(plain("one")).await.unwrap();
        Verifier::open(service, None).await.unwrap();
        let without = Service::new(module(), place.store().await);
        assert_eq!(
            Verifier::open(without, None).await.unwrap_err().code(),
            "pepper_unknown"
        );
    });
}

#[test]
fn verdict_has_the_right_token_after_every_change() {
    run(async {
        let place = Place::new();
        let service = place.service().await;
        let verifier = Verifier::open(service.clone(), None).await.unwrap();
        let mut tokens = Vec::new();
        for round in 0..30_usize {
            let created = service.create(plain(&format!("t{round}"))).await.unwrap();
            tokens.push((
                created.token.expose().to_owned(),
                created.record.id,
                format!("t{round}"),
                true,
            ));
            let at = (round * 7) % tokens.len();
            let (_, _, name, live) = &mut tokens[at];
            if *live && round % 3 == 0 {
                service.revoke("alice", None, std::slice::from_ref(name)).await.unwrap();
                *live = false;
            } else if *live {
                let renamed = format!("r{round}");
                service.rename("alice", None, name, &renamed).await.unwrap();
                *name = renamed;
            }
            for (text, id, name, live) in &tokens {
                let header = format!("cpanel alice:{text}");
                let verdict = verifier
                    .verify(Presented::One(header.as_bytes()), &listing(), None)
                    .await;
                let verdict = verdict.unwrap();
                assert_eq!(verdict.allowed, *live);
                assert_eq!(verdict.id.as_ref(), Some(id));
                assert_eq!(
                    verdict.name.as_ref(),
                    Some(name),
                    "what was kept is forgotten with a change"
                );
            }
        }
    });
}

#[test]
fn sqlite_stamp_changes_with_every_commit() {
    run(async {
        let place = Place::new();
        let service = place.service().await;
        let store = place.store().await;
        store.revision().await.unwrap();
        let mut last = store.stamp().expect("a token in WAL mode");
        assert_eq!(store.stamp(), Some(last), "nothing was committed");
        for round in 0..20 {
            // Another connection of this process, and another process.
            if round % 2 == 0 {
                service.create(plain(&format!("t{round}"))).await.unwrap();
            } else {
                assert_eq!(place.run(&["account", "suspend", "bob"]).code, Some(0));
                assert_eq!(place.run(&["account", "resume", "bob"]).code, Some(0));
            }
            let now = store.stamp().expect("a token");
            assert_ne!(now, last, "round {round}");
            last = now;
        }
        store.close().await;
        assert_eq!(store.stamp(), None, "a closed store tells nothing");
    });
}

#[test]
#[cfg(target_os = "linux")]
fn stamp_and_drop_release_no_lock_of_another_store() {
    use std::os::unix::fs::MetadataExt;
    run(async {
        let place = Place::new();
        let service = place.service().await;
        let index = std::fs::metadata(format!("{}-shm", place.database)).unwrap();
        // /proc/locks lists a lock by the file's inode number. SQLite holds a shared lock as long as a connection is open.
        let locks = || {
            let locks = std::fs::read_to_string("/proc/locks").unwrap();
            let file = format!(":{} ", index.ino());
            locks.lines().filter(|line| line.contains(&file)).count()
        };
        let held = locks();
        assert!(held > 0, "a connection is open");
        for _ in 0..3 {
            let other = place.store().await;
            assert!(other.stamp().is_some());
            drop(other);
            assert_eq!(locks(), held);
        }
        drop(service);
    });
}

/// Creates tokens of 8 kB each, one after the other, and returns their texts.
async fn fat(service: &Service, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    for number in 0..count {
        let features = (0..110).map(|feature| format!("{number:030}{feature:034}")).collect();
        let token = NewToken::new("alice", &format!("fat{number}"), Access::Limited { features });
        texts.push(service.create(token).await.unwrap().token.expose().to_owned());
    }
    texts
}

fn small(memory: usize) -> Limits {
    let mut limits = Limits::default();
    limits.table_memory = memory;
    limits
}

#[test]
fn left_out_tokens_are_loaded_after_revocations() {
    run(async {
        let place = Place::new();
        let service = place.service().await;
        let texts = fat(&service, 300).await;
        let narrow = Service::new(module_with(small(4 << 20)), place.store().await);
        let verifier = Verifier::open(narrow, None).await.unwrap();
        assert!(verifier.left_out() > 0);
        let call = Call::default();
        assert_eq!(ask(&verifier, &texts[299], &call).await, Reason::TokenUnknown);
        let names: Vec<String> = (0..250).map(|number| format!("fat{number}")).collect();
        service.revoke("alice", None, &names).await.unwrap();
        let begun = std::time::Instant::now();
        while verifier.left_out() > 0 {
            assert!(begun.elapsed().as_secs() < 60, "{} are left out", verifier.left_out());
            // The old table serves meanwhile.
            assert_eq!(ask(&verifier, &texts[0], &call).await, Reason::TokenRevoked);
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(verifier.records(), 300);
        for (number, text) in texts.iter().enumerate() {
            let wanted = if number < 250 {
                Reason::TokenRevoked
            } else {
                Reason::FunctionWithoutFeature
            };
            assert_eq!(ask(&verifier, text, &call).await, wanted, "{number}");
        }
        let new = service.create(plain("new")).await.unwrap();
        assert_eq!(ask(&verifier, new.token.expose(), &listing()).await, Reason::Ok);
    });
}

#[test]
fn catalogue_set_without_a_table_is_checked_and_kept() {
    run(async {
        let place = Place::new();
        let service = place.service().await;
        let mut wish = plain("reporter");
        wish.access = Access::Limited {
            features: vec!["reports".to_owned()],
        };
        let reporter = service.create(wish).await.unwrap();
        let reporting = Call {
            module: Some("Reports".to_owned()),
            function: Some("list".to_owned()),
            ..Call::default()
        };
        let narrow = Service::new(module_with(small(4 << 20)), place.store().await);
        let verifier = Verifier::open(narrow, None).await.unwrap();
        // The memory becomes full, and the module aborts.
        let mut number = 0;
        while verifier.ready().await.is_ok() {
            assert!(number < 1_000);
            let features = (0..110).map(|feature| format!("{number:030}{feature:034}")).collect();
            let token = NewToken::new("alice", &format!("fat{number}"), Access::Limited { features });
            service.create(token).await.unwrap();
            number += 1;
        }
        assert_eq!(verifier.records(), 0, "there is no table");
        let function = |feature: &str| Function {
            module: "Reports".to_owned(),
            function: "list".to_owned(),
            apis: vec![Api::Uapi],
            feature: Some(feature.to_owned()),
            writes: false,
        };
        let refused = verifier
            .set_catalogue(Some(vec![function("no good")].into()))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), "feature_invalid");
        verifier
            .set_catalogue(Some(vec![function("reports")].into()))
            .await
            .unwrap();
        assert_eq!(verifier.records(), 0);
        assert_eq!(ask(&verifier, reporter.token.expose(), &reporting).await, Reason::Ok);
        assert!(verifier.records() > 0);
    });
}

#[test]
fn full_table_keeps_revocations_and_the_oldest_tokens() {
    run(async {
        let place = Place::new();
        let service = place.service().await;
        let texts = fat(&service, 300).await;
        let dead = service.create(plain("dead")).await.unwrap();
        service.revoke("alice", None, &["dead".to_owned()]).await.unwrap();
        let roomy = Verifier::open(Service::new(module(), place.store().await), None)
            .await
            .unwrap();
        assert_eq!(roomy.left_out(), 0);
        let narrow = Service::new(module_with(small(4 << 20)), place.store().await);
        let verifier = Verifier::open(narrow, None).await.unwrap();
        let left_out = verifier.left_out();
        assert!((1..300).contains(&left_out), "{left_out}");
        assert_eq!(verifier.records() + left_out, 301);
        // No feature is requested here, so a known limited token is refused for that reason.
        let known = 300 - left_out;
        let unlisted = Reason::FunctionWithoutFeature;
        let call = Call::default();
        assert_eq!(ask(&verifier, dead.token.expose(), &call).await, Reason::TokenRevoked);
        for (number, text) in texts.iter().enumerate() {
            let wanted = if number < known { unlisted } else { Reason::TokenUnknown };
            assert_eq!(ask(&verifier, text, &call).await, wanted, "{number}");
        }
        // Changes are still applied.
        service.revoke("alice", None, &["fat0".to_owned()]).await.unwrap();
        assert_eq!(ask(&verifier, &texts[0], &call).await, Reason::TokenRevoked);
        let new = service.create(plain("new")).await.unwrap();
        assert_eq!(ask(&verifier, new.token.expose(), &listing()).await, Reason::Ok);
        // When these fill the memory too, the table is reloaded, and no request is admitted without it.
        for number in 0..40 {
            let features = (0..110).map(|feature| format!("n{number:029}{feature:034}")).collect();
            let token = NewToken::new("alice", &format!("more{number}"), Access::Limited { features });
            service.create(token).await.unwrap();
            if verifier.ready().await.is_err() {
                verifier.ready().await.unwrap();
            }
            assert_eq!(ask(&verifier, &texts[1], &call).await, unlisted);
        }
    });
}
