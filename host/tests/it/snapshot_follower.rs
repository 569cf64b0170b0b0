//! An edge that follows an origin: it catches up, refuses without news, recovers, and cannot be rolled back.
#![cfg(unix)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::common::edges::{Origin, call, eventually, key, key_of, publisher, reason, until};
use crate::common::{NOW, Place, module, plain, run};
use tokenlatch::core::Call;
use tokenlatch::{Follower, FollowerOptions, Presented, Publisher, PublisherOptions, Service, SetClock};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A running follower, and its stop signal.
struct Running {
    follower: Follower,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    fn start(origin: &Arc<Origin>, options: FollowerOptions) -> Running {
        let follower = Follower::new(&module(), options).unwrap();
        let (stop, stopped) = oneshot::channel();
        let (running, source) = (follower.clone(), origin.clone());
        let task = tokio::spawn(async move { running.run(source, stopped).await });
        Running { follower, stop, task }
    }

    async fn stop(self) {
        let _ = self.stop.send(());
        self.task.await.unwrap();
    }
}

async fn origin(place: &Place) -> (Service, Arc<SetClock>, String) {
    let clock = Arc::new(SetClock::at(NOW));
    let service = place.service().await.with_clock(clock.clone());
    let created = service.create(plain("one")).await.unwrap();
    let header = format!("cpanel alice:{}", created.token.expose());
    (service, clock, header)
}

/// An origin, and an edge that has caught up with it, including the token `one`.
struct Followed {
    service: Service,
    clock: Arc<SetClock>,
    origin: Arc<Origin>,
    edge: Running,
    one: String,
    /// Contains the database: bind this field when the others are taken, or the folder is deleted.
    _place: Place,
}

impl Followed {
    async fn new(max_age: u32) -> Followed {
        Followed::with(max_age, |options| options).await
    }

    async fn with(max_age: u32, more: impl FnOnce(FollowerOptions) -> FollowerOptions) -> Followed {
        let place = Place::new();
        let (service, clock, one) = origin(&place).await;
        let origin = Origin::new(&service, max_age);
        let edge = Running::start(&origin, more(options(&clock, None)));
        until(&edge.follower, &one, "ok").await;
        Followed {
            service,
            clock,
            origin,
            edge,
            one,
            _place: place,
        }
    }
}

fn options(clock: &Arc<SetClock>, file: Option<&Path>) -> FollowerOptions {
    FollowerOptions {
        clock: clock.clone(),
        state_file: file.map(Path::to_owned),
        ..FollowerOptions::new(vec![key().public_key()])
    }
}

#[test]
fn an_edge_catches_up_and_learns_of_every_change() {
    run(async {
        let place = Place::new();
        let (service, clock, one) = origin(&place).await;
        let origin = Origin::new(&service, 60);
        let edge = Running::start(&origin, options(&clock, None));
        assert_eq!(reason(&edge.follower, &one), "snapshot_missing");
        assert_eq!(edge.follower.unready().unwrap(), Some("snapshot_missing"));
        until(&edge.follower, &one, "ok").await;
        assert_eq!(edge.follower.unready().unwrap(), None);
        let repeated = edge.follower.verify(Presented::Repeated, &call(), None).unwrap();
        assert_eq!(repeated.reason.as_str(), "header_repeated");

        service.revoke("alice", None, &["one".to_owned()]).await.unwrap();
        let lag = until(&edge.follower, &one, "token_revoked").await;
        assert!(lag < Duration::from_secs(1), "{lag:?}");
        let two = service.create(plain("two")).await.unwrap();
        let two = format!("cpanel alice:{}", two.token.expose());
        until(&edge.follower, &two, "ok").await;
        service.set_suspended("alice", true).await.unwrap();
        until(&edge.follower, &two, "account_suspended").await;
        service.set_suspended("alice", false).await.unwrap();
        until(&edge.follower, &two, "ok").await;
        assert_eq!(origin.wholes.load(Ordering::SeqCst), 1, "all of it by deltas");

        // Deltas do not lead to another epoch.
        service.rename_account("alice", "alicia").await.unwrap();
        clock.set(NOW + 1);
        until(&edge.follower, &two, "user_mismatch").await;
        until(&edge.follower, &two.replace("alice", "alicia"), "ok").await;
        assert_eq!(origin.wholes.load(Ordering::SeqCst), 2);
        edge.stop().await;
    });
}

#[test]
fn edge_handles_any_number_of_distinct_features() {
    run(async {
        let Followed { edge, one, _place, .. } = Followed::new(60).await;
        // More calls than the module gives numbers to.
        for at in 0..12_000 {
            let call = Call {
                feature: Some(format!("f{at}")),
                writes: Some(false),
                ..Call::default()
            };
            let verdict = edge
                .follower
                .verify(Presented::One(one.as_bytes()), &call, None)
                .unwrap();
            assert_eq!(verdict.reason.as_str(), "ok", "{at}");
        }
        assert_eq!(reason(&edge.follower, &one), "ok");
        edge.stop().await;
    });
}

#[test]
fn edge_goes_stale_without_its_origin_and_recovers_by_deltas() {
    run(async {
        let Followed {
            service,
            clock,
            origin,
            edge,
            one,
            _place,
            ..
        } = Followed::new(60).await;
        origin.cut.store(true, Ordering::SeqCst);
        // Messages on their way are lost at the cut.
        service.revoke("bob", None, &["none".to_owned()]).await.unwrap();
        let two = service.create(plain("two")).await.unwrap();
        let two = format!("cpanel alice:{}", two.token.expose());
        service.revoke("alice", None, &["one".to_owned()]).await.unwrap();
        let unreachable = Some("origin_unreachable");
        eventually(&edge.follower, "the cut is noticed", |status| {
            status.failing == unreachable
        })
        .await;
        clock.set(NOW + 60);
        assert_eq!(reason(&edge.follower, &one), "ok", "it knows no better yet");
        assert_eq!(edge.follower.unready().unwrap(), None);
        clock.set(NOW + 61);
        for header in [one.as_str(), &two, "cpanel alice:NO", "nonsense"] {
            assert_eq!(reason(&edge.follower, header), "snapshot_stale");
        }
        assert_eq!(edge.follower.unready().unwrap(), Some("snapshot_stale"));
        let verdict = edge
            .follower
            .verify(Presented::One(one.as_bytes()), &call(), None)
            .unwrap();
        let refusal = verdict.refusal.as_ref().unwrap();
        assert_eq!((verdict.status, refusal.status), (503, 503));
        assert!(!refusal.body.contains("stale") && !refusal.body.contains("snapshot"));
        assert_eq!(verdict.user, None);
        let repeated = edge.follower.verify(Presented::Repeated, &call(), None).unwrap();
        assert_eq!(repeated.reason.as_str(), "snapshot_stale");

        origin.cut.store(false, Ordering::SeqCst);
        let recovered = until(&edge.follower, &two, "ok").await;
        assert!(recovered < Duration::from_secs(8), "{recovered:?}");
        assert_eq!(reason(&edge.follower, &one), "token_revoked");
        assert_eq!(origin.wholes.load(Ordering::SeqCst), 1, "by deltas");
        eventually(&edge.follower, "it says so once the round is over", |status| {
            status.failing.is_none()
        })
        .await;
        edge.stop().await;
    });
}

#[test]
fn edge_survives_a_restart_of_its_origin() {
    run(async {
        let Followed {
            service,
            origin,
            edge,
            one,
            _place,
            ..
        } = Followed::new(60).await;
        origin.publisher().finish();
        service.revoke("alice", None, &["one".to_owned()]).await.unwrap();
        *origin.publisher.lock().unwrap() = publisher(&service, 60);
        until(&edge.follower, &one, "token_revoked").await;
        assert_eq!(origin.wholes.load(Ordering::SeqCst), 1);
        edge.stop().await;
    });
}

#[test]
fn heartbeats_keep_an_edge_fresh() {
    run(async {
        let Followed {
            clock,
            edge,
            one,
            _place,
            ..
        } = Followed::new(3).await;
        for second in 1..=4 {
            clock.set(NOW + second);
            tokio::time::sleep(Duration::from_millis(1_100)).await;
            assert_eq!(reason(&edge.follower, &one), "ok", "{second}");
        }
        assert!(edge.follower.status().state.unwrap().made >= NOW + 2);
        edge.stop().await;
    });
}

#[test]
fn edge_may_poll_instead() {
    run(async {
        let Followed {
            service,
            edge,
            one,
            _place,
            ..
        } = Followed::with(60, |options| FollowerOptions {
            poll: Some(Duration::from_millis(400)),
            ..options
        })
        .await;
        service.revoke("alice", None, &["one".to_owned()]).await.unwrap();
        let lag = until(&edge.follower, &one, "token_revoked").await;
        assert!(lag < Duration::from_millis(900), "{lag:?}");
        edge.stop().await;
    });
}

#[test]
fn edge_refuses_messages_signed_by_another_key() {
    run(async {
        let place = Place::new();
        let (service, clock, one) = origin(&place).await;
        let other = key_of("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
        let origin = Origin::by(
            &service,
            Publisher::new(service.clone(), other.clone(), PublisherOptions::default()),
        );
        let edge = Running::start(&origin, options(&clock, None));
        let unsigned = Some("snapshot_signature");
        eventually(&edge.follower, "it is refused", |status| status.failing == unsigned).await;
        assert_eq!(reason(&edge.follower, &one), "snapshot_missing");
        edge.stop().await;

        // While the key is being replaced, both are trusted.
        let both = FollowerOptions {
            public_keys: vec![key().public_key(), other.public_key()],
            ..options(&clock, None)
        };
        let edge = Running::start(&origin, both);
        until(&edge.follower, &one, "ok").await;
        *origin.publisher.lock().unwrap() = publisher(&service, 60);
        service.revoke("alice", None, &["one".to_owned()]).await.unwrap();
        until(&edge.follower, &one, "token_revoked").await;
        edge.stop().await;
    });
}

#[test]
fn restarted_edge_refuses_an_older_table() {
    run(async {
        let place = Place::new();
        let file = place.folder.path().join("state.json");
        let (service, clock, one) = origin(&place).await;
        let old = Origin::new(&service, 3_600);
        let stale = old.publisher().snapshot().await.unwrap();
        clock.set(NOW + 10);
        let edge = Running::start(&old, options(&clock, Some(&file)));
        service.revoke("alice", None, &["one".to_owned()]).await.unwrap();
        until(&edge.follower, &one, "token_revoked").await;
        edge.stop().await;

        // An attacker replays what was published before the revocation.
        let mut replayed = tokenlatch::Snapshot::new(
            &module(),
            &tokenlatch::core::SnapshotOptions {
                public_keys: vec![key().public_key()],
                ..Default::default()
            },
        )
        .unwrap();
        assert!(replayed.apply(&stale.bytes(), NOW + 10).is_ok(), "it is signed well");
        let again = Follower::new(&module(), options(&clock, Some(&file))).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let replay = Arc::new(Replay(stale.bytes()));
        let task = tokio::spawn({
            let again = again.clone();
            async move { again.run(replay, stopped).await }
        });
        let older = Some("snapshot_rollback");
        eventually(&again, "it is refused", |status| status.failing == older).await;
        assert_eq!(reason(&again, &one), "snapshot_missing");
        stop.send(()).unwrap();
        task.await.unwrap();

        let edge = Running::start(&old, options(&clock, Some(&file)));
        until(&edge.follower, &one, "token_revoked").await;
        edge.stop().await;
        // A write in progress at the end has finished by now.
        tokio::time::sleep(Duration::from_millis(300)).await;
        std::fs::write(&file, "{").unwrap();
        let error = Follower::new(&module(), options(&clock, Some(&file))).unwrap_err();
        assert_eq!(error.code(), "follower_state_invalid");
    });
}

/// An attacker who replays one old message repeatedly.
#[derive(Debug)]
struct Replay(Vec<u8>);

#[async_trait::async_trait]
impl tokenlatch::Source for Replay {
    async fn fetch(&self, _: tokenlatch::Fetch) -> Result<tokenlatch::Fetched, tokenlatch::SourceError> {
        let (pieces, coming) = tokio::sync::mpsc::channel(1);
        pieces.try_send(Ok(self.0.clone())).unwrap();
        Ok(tokenlatch::Fetched::Pieces(coming))
    }

    async fn report(&self, _: &tokenlatch::UsageReport) -> Result<(), tokenlatch::SourceError> {
        Ok(())
    }
}

#[test]
fn uses_are_reported_in_batches_and_counted_once() {
    run(async {
        let place = Place::new();
        let (service, clock, one) = origin(&place).await;
        let origin = Origin::new(&service, 60);
        let quick = || FollowerOptions {
            usage_interval: Duration::from_millis(200),
            ..options(&clock, None)
        };
        let edges = [Running::start(&origin, quick()), Running::start(&origin, quick())];
        let mut counted = 0;
        for edge in &edges {
            until(&edge.follower, &one, "ok").await;
            counted += 1;
        }
        origin.loses.store(true, Ordering::SeqCst);
        for _ in 0..500 {
            for edge in &edges {
                assert_eq!(reason(&edge.follower, &one), "ok");
                counted += 1;
            }
        }
        assert_eq!(reason(&edges[0].follower, "cpanel alice:NO"), "header_malformed");
        let revision = service.store().revision().await.unwrap();
        tokio::time::sleep(Duration::from_millis(700)).await;
        for edge in edges {
            edge.stop().await;
        }
        let id = id_of_alices(&service).await;
        let used = service.store().usage(&[id]).await.unwrap();
        assert_eq!((used[0].uses, used[0].last_used), (counted, NOW));
        assert_eq!(service.store().revision().await.unwrap(), revision);
    });
}

async fn id_of_alices(service: &Service) -> String {
    service.store().live_tokens("alice").await.unwrap()[0].record.id.clone()
}

#[test]
fn without_names_uses_are_reported_by_hash() {
    run(async {
        let place = Place::new();
        let (service, clock, one) = origin(&place).await;
        let options_of = PublisherOptions {
            names: false,
            ..PublisherOptions::default()
        };
        let origin = Origin::by(&service, Publisher::new(service.clone(), key(), options_of));
        let edge = Running::start(&origin, options(&clock, None));
        until(&edge.follower, &one, "ok").await;
        for _ in 0..9 {
            assert_eq!(reason(&edge.follower, &one), "ok");
        }
        edge.stop().await;
        let id = id_of_alices(&service).await;
        assert_eq!(service.store().usage(&[id]).await.unwrap()[0].uses, 10);
    });
}

#[test]
fn an_edge_takes_the_chosen_credentials_and_reports_their_uses() {
    run(async {
        let place = Place::new();
        let (service, clock, one) = origin(&place).await;
        let options_of = PublisherOptions {
            names: false,
            ..PublisherOptions::default()
        };
        let origin = Origin::by(&service, Publisher::new(service.clone(), key(), options_of));
        let chosen = FollowerOptions {
            credentials: Some(vec!["x-api-key".to_owned(), "scheme:Token".to_owned()]),
            ..options(&clock, None)
        };
        let edge = Running::start(&origin, chosen);
        let token = one.split_once(':').unwrap().1;
        // The first use.
        until(&edge.follower, &format!("Token {token}"), "ok").await;
        assert_eq!(reason(&edge.follower, &one), "scheme_unsupported");
        let told = |fields: &[(&[u8], &[u8])]| {
            let verdict = edge.follower.verify(Presented::Fields(fields), &call(), None);
            verdict.unwrap().reason.as_str()
        };
        let key: (&[u8], &[u8]) = (b"x-api-key", token.as_bytes());
        for _ in 0..3 {
            assert_eq!(told(&[key]), "ok");
        }
        assert_eq!(told(&[]), "header_missing");
        assert_eq!(told(&[key, key]), "header_repeated");
        let long = vec![b'x'; 5_000];
        assert_eq!(told(&[(b"x-api-key", &long)]), "header_malformed");
        edge.stop().await;
        let id = id_of_alices(&service).await;
        assert_eq!(service.store().usage(&[id]).await.unwrap()[0].uses, 4);
    });
}

/// An origin that sends the head of a message, and then a byte now and then for ever.
#[derive(Debug)]
struct Trickle(Vec<u8>);

#[async_trait::async_trait]
impl tokenlatch::Source for Trickle {
    async fn fetch(&self, _: tokenlatch::Fetch) -> Result<tokenlatch::Fetched, tokenlatch::SourceError> {
        let (pieces, coming) = tokio::sync::mpsc::channel(1);
        let bytes = self.0.clone();
        tokio::spawn(async move {
            for byte in bytes.into_iter().cycle() {
                tokio::time::sleep(Duration::from_millis(20)).await;
                if pieces.send(Ok(vec![byte])).await.is_err() {
                    return;
                }
            }
        });
        Ok(tokenlatch::Fetched::Pieces(coming))
    }

    async fn report(&self, _: &tokenlatch::UsageReport) -> Result<(), tokenlatch::SourceError> {
        Ok(())
    }
}

/// Follows a source until it has failed with this code.
async fn fails(follower: &Follower, source: Arc<dyn tokenlatch::Source>, code: &str) {
    let failing = async {
        while follower.status().failing != Some(code) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    follower
        .run(source, tokio::time::timeout(Duration::from_secs(20), failing))
        .await;
    assert_eq!(follower.status().failing, Some(code));
}

#[test]
fn origin_that_sends_too_slowly_times_out() {
    run(async {
        let place = Place::new();
        let (service, clock, _) = origin(&place).await;
        let message = publisher(&service, 60).snapshot().await.unwrap().bytes();
        let patient = FollowerOptions {
            timeout: Duration::from_millis(300),
            ..options(&clock, None)
        };
        let follower = Follower::new(&module(), patient).unwrap();
        fails(&follower, Arc::new(Trickle(message)), "origin_timeout").await;
    });
}

#[test]
fn future_floor_is_reported_until_its_file_is_deleted() {
    run(async {
        let place = Place::new();
        let file = place.folder.path().join("state.json");
        let (service, clock, one) = origin(&place).await;
        let origin = Origin::new(&service, 3_600);
        std::fs::write(
            &file,
            format!(r#"{{"epoch":1,"version":1,"made":{}}}"#, NOW + 31_536_000),
        )
        .unwrap();
        let follower = Follower::new(&module(), options(&clock, Some(&file))).unwrap();
        fails(&follower, origin.clone(), "floor_in_future").await;
        assert_eq!(reason(&follower, &one), "snapshot_missing");
        std::fs::remove_file(&file).unwrap();
        let edge = Running::start(&origin, options(&clock, Some(&file)));
        until(&edge.follower, &one, "ok").await;
        edge.stop().await;
    });
}

#[test]
fn two_edges_on_one_state_file_never_lower_it() {
    run(async {
        let place = Place::new();
        let file = place.folder.path().join("state.json");
        let (service, clock, one) = origin(&place).await;
        let origin = Origin::new(&service, 3_600);
        let old = origin.publisher().snapshot().await.unwrap().bytes();
        // Neither finds a floor at its start.
        let late = Follower::new(&module(), options(&clock, Some(&file))).unwrap();
        let edge = Running::start(&origin, options(&clock, Some(&file)));
        until(&edge.follower, &one, "ok").await;
        service.revoke("alice", None, &["one".to_owned()]).await.unwrap();
        until(&edge.follower, &one, "token_revoked").await;
        edge.stop().await;
        let kept = std::fs::read(&file).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn({
            let late = late.clone();
            async move { late.run(Arc::new(Replay(old)), stopped).await }
        });
        until(&late, &one, "ok").await;
        // The second message is checked once the state after the first has been passed to the file.
        eventually(&late, "the old message comes again", |status| {
            status.taken + status.refused >= 2
        })
        .await;
        stop.send(()).unwrap();
        task.await.unwrap();
        assert_eq!(late.status().unwritten, None);
        assert_eq!(std::fs::read(&file).unwrap(), kept);
    });
}

#[test]
fn the_state_file_follows_no_symbolic_link() {
    run(async {
        let place = Place::new();
        let (service, clock, one) = origin(&place).await;
        let origin = Origin::new(&service, 3_600);
        let at = |name: &str| place.folder.path().join(name);
        let victim = at("victim");
        std::fs::write(&victim, "precious").unwrap();
        // The path of the new file before it replaces the old one.
        std::os::unix::fs::symlink(&victim, at("state.json.new")).unwrap();
        let edge = Running::start(&origin, options(&clock, Some(&at("state.json"))));
        until(&edge.follower, &one, "ok").await;
        eventually(&edge.follower, "the state is written", |_| at("state.json").exists()).await;
        assert_eq!(edge.follower.status().unwritten, None);
        // And the file itself, replaced while the edge runs.
        std::fs::remove_file(at("state.json")).unwrap();
        std::os::unix::fs::symlink(&victim, at("state.json")).unwrap();
        service.revoke("alice", None, &["one".to_owned()]).await.unwrap();
        until(&edge.follower, &one, "token_revoked").await;
        eventually(&edge.follower, "it can't be written", |status| {
            status.unwritten.is_some()
        })
        .await;
        edge.stop().await;
        assert_eq!(std::fs::read(&victim).unwrap(), b"precious");

        let error = Follower::new(&module(), options(&clock, Some(&at("state.json")))).unwrap_err();
        assert_eq!(error.code(), "follower_state_invalid");
        assert!(error.to_string().contains("symbolic link"), "{error}");
        std::fs::create_dir(at("folder")).unwrap();
        let error = Follower::new(&module(), options(&clock, Some(&at("folder")))).unwrap_err();
        assert_eq!(error.code(), "follower_state_invalid");
    });
}

#[test]
fn no_batch_number_blocks_later_reports() {
    run(async {
        let place = Place::new();
        let (service, _, _) = origin(&place).await;
        let id = id_of_alices(&service).await;
        let report = async |batch: i64| {
            let report = tokenlatch::UsageReport {
                follower: "follower-one".to_owned(),
                batch,
                tokens: vec![tokenlatch::ReportedUse {
                    id: Some(id.clone()),
                    hash: None,
                    last_used: NOW,
                    uses: 1,
                }],
            };
            report.add_to(&service).await.unwrap()
        };
        for (batch, counts) in [
            (1, true),
            (1, false),
            (2, true),
            (1, false),
            (1_002, true),
            (2, false),
            (3, false),
            (i64::MAX, true),
            (i64::MAX, false),
            (i64::MAX - 1, false),
            (1_003, true),
            (1_003, false),
            (1_004, true),
            (1, true),
        ] {
            assert_eq!(report(batch).await, counts, "{batch}");
        }
        assert_eq!(
            service.store().usage(std::slice::from_ref(&id)).await.unwrap()[0].uses,
            7
        );
    });
}
