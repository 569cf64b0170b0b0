//! When tokens were last used, recorded without a write for each request.
#![cfg(unix)]

use std::sync::Arc;

use crate::common::database::Database;
use crate::common::{NOW, plain, set_caps};
use tokenlatch::core::{Api, Call, Caps, Realm};
use tokenlatch::{ListOptions, Presented, Service, SetClock, Usage, Verifier};

crate::common::over_both!(
    a_thousand_verifications_are_one_row,
    usage_of_two_servers_adds_up,
    flush_without_uses_writes_nothing,
    failed_flush_keeps_the_usage_for_the_next,
    partly_failed_flush_counts_nothing_twice,
    usage_creates_no_revision_and_survives_renames,
);

async fn verifier(service: &Service) -> Verifier {
    let verifier = Verifier::open(service.clone(), None).await.unwrap();
    verifier.record_usage();
    verifier
}

fn header(token: &str) -> Vec<u8> {
    format!("cpanel alice:{token}").into_bytes()
}

fn call() -> Call {
    Call {
        api: Some(Api::Uapi),
        module: Some("Tokens".to_owned()),
        function: Some("list".to_owned()),
        ..Call::default()
    }
}

async fn is_allowed(verifier: &Verifier, header: &[u8]) -> bool {
    verifier
        .verify(Presented::One(header), &call(), None)
        .await
        .unwrap()
        .allowed
}

async fn usage(service: &Service, id: &str) -> Option<Usage> {
    service.store().usage(&[id.to_owned()]).await.unwrap().pop()
}

async fn a_thousand_verifications_are_one_row(database: Database) {
    let clock = Arc::new(SetClock::at(NOW));
    let service = database.service().await.with_clock(clock.clone());
    let one = service.create(plain("one")).await.unwrap();
    let header = header(one.token.expose());
    let verifier = verifier(&service).await;
    for number in 0..1_000 {
        clock.set(NOW + number / 10);
        assert!(is_allowed(&verifier, &header).await);
    }
    assert!(!is_allowed(&verifier, b"cpanel alice:NO").await);
    assert_eq!(usage(&service, &one.record.id).await, None, "no verification writes");
    let revision = service.store().revision().await.unwrap();
    verifier.flush_usage().await.unwrap();
    let used = Usage {
        id: one.record.id.clone(),
        last_used: NOW + 99,
        uses: 1_000,
    };
    assert_eq!(usage(&service, &one.record.id).await, Some(used.clone()));
    assert_eq!(service.store().revision().await.unwrap(), revision);
    let page = service
        .page("alice", Realm::Account, ListOptions::default())
        .await
        .unwrap();
    assert_eq!(page.tokens[0].usage, Some(used));

    // A refused request of a revoked token does not count as a use.
    service.revoke("alice", None, &["one".to_owned()]).await.unwrap();
    assert!(!is_allowed(&verifier, &header).await);
    verifier.flush_usage().await.unwrap();
    assert_eq!(usage(&service, &one.record.id).await.unwrap().uses, 1_000);
}

async fn usage_of_two_servers_adds_up(database: Database) {
    let clock = Arc::new(SetClock::at(NOW));
    let first = database.service().await.with_clock(clock.clone());
    let second = database.open().await.with_clock(clock.clone());
    let one = first.create(plain("one")).await.unwrap();
    let header = header(one.token.expose());
    let gates = [verifier(&first).await, verifier(&second).await];
    clock.set(NOW + 50);
    for _ in 0..3 {
        assert!(is_allowed(&gates[1], &header).await);
    }
    clock.set(NOW + 20);
    for _ in 0..4 {
        assert!(is_allowed(&gates[0], &header).await);
    }
    for verifier in &gates {
        verifier.flush_usage().await.unwrap();
    }
    let used = usage(&first, &one.record.id).await.unwrap();
    assert_eq!((used.last_used, used.uses), (NOW + 50, 7));

    // Concurrent reports, in any order, of tokens that exist and of others.
    let two = first.create(plain("two")).await.unwrap().record.id;
    let mut said: Vec<Usage> = [one.record.id.clone(), "nothing".to_owned(), two.clone(), two.clone()]
        .map(|id| Usage {
            id,
            last_used: NOW,
            uses: 5,
        })
        .to_vec();
    let mut tasks = Vec::new();
    for service in [&first, &second, &first, &second] {
        let (store, usage) = (service.store().clone(), said.clone());
        tasks.push(tokio::spawn(async move { store.add_usage(&usage).await }));
        said.reverse();
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(usage(&first, &one.record.id).await.unwrap().uses, 27);
    assert_eq!(usage(&first, &two).await.unwrap().uses, 40);
    assert_eq!(usage(&first, "nothing").await, None);
}

async fn flush_without_uses_writes_nothing(database: Database) {
    let service = database.service().await;
    let one = service.create(plain("one")).await.unwrap();
    let verifier = verifier(&service).await;
    let stamp = service.store().stamp();
    assert!(is_allowed(&verifier, &header(one.token.expose())).await);
    assert_eq!(service.store().stamp(), stamp);
    verifier.flush_usage().await.unwrap();
    let stamp = service.store().stamp();
    verifier.flush_usage().await.unwrap();
    assert_eq!(service.store().stamp(), stamp);
    assert_eq!(usage(&service, &one.record.id).await.unwrap().uses, 1);

    // Without a flush, nothing is recorded.
    let silent = Verifier::open(service.clone(), None).await.unwrap();
    assert!(is_allowed(&silent, &header(one.token.expose())).await);
    silent.flush_usage().await.unwrap();
    assert_eq!(usage(&service, &one.record.id).await.unwrap().uses, 1);
}

async fn failed_flush_keeps_the_usage_for_the_next(database: Database) {
    let service = database.service().await;
    let one = service.create(plain("one")).await.unwrap();
    let header = header(one.token.expose());
    let verifier = verifier(&service).await;
    assert!(is_allowed(&verifier, &header).await);
    database
        .sql(
            "ALTER TABLE token_usage RENAME TO aside",
            "ALTER TABLE tokenlatch.token_usage RENAME TO aside",
        )
        .await
        .unwrap();
    assert!(verifier.flush_usage().await.is_err());
    assert!(is_allowed(&verifier, &header).await, "nobody is refused because of it");
    database
        .sql(
            "ALTER TABLE aside RENAME TO token_usage",
            "ALTER TABLE tokenlatch.aside RENAME TO token_usage",
        )
        .await
        .unwrap();
    verifier.flush_usage().await.unwrap();
    assert_eq!(usage(&service, &one.record.id).await.unwrap().uses, 2);
}

async fn partly_failed_flush_counts_nothing_twice(database: Database) {
    let service = database.service().await;
    let caps = Caps {
        tokens: Some(2_000),
        tokens_per_hour: Some(2_000),
        ..Caps::default()
    };
    set_caps(&service, "alice", caps).await;
    let verifier = verifier(&service).await;
    let mut ids = Vec::new();
    for number in 0..1_001 {
        let one = service.create(plain(&number.to_string())).await.unwrap();
        assert!(is_allowed(&verifier, &header(one.token.expose())).await);
        ids.push(one.record.id);
    }
    database
        .sql(
            "CREATE TRIGGER no_room BEFORE INSERT ON token_usage WHEN (SELECT count(*) FROM token_usage) >= 1000 \
             BEGIN SELECT RAISE(ABORT, 'full'); END",
            "CREATE FUNCTION tokenlatch.no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF (SELECT count(*) FROM tokenlatch.token_usage) >= 1000 THEN RAISE 'full'; END IF; RETURN NEW; END $$; \
             CREATE TRIGGER no_room BEFORE INSERT ON tokenlatch.token_usage FOR EACH ROW \
             EXECUTE FUNCTION tokenlatch.no_room()",
        )
        .await
        .unwrap();
    assert!(verifier.flush_usage().await.is_err());
    assert_eq!(service.store().usage(&ids).await.unwrap().len(), 1_000);
    database
        .sql("DROP TRIGGER no_room", "DROP TRIGGER no_room ON tokenlatch.token_usage")
        .await
        .unwrap();
    verifier.flush_usage().await.unwrap();
    let used = service.store().usage(&ids).await.unwrap();
    assert_eq!(used.len(), 1_001);
    assert!(used.iter().all(|used| used.uses == 1), "nothing counts twice");
}

async fn usage_creates_no_revision_and_survives_renames(database: Database) {
    let service = database.service().await;
    let one = service.create(plain("one")).await.unwrap();
    let verifier = verifier(&service).await;
    assert!(is_allowed(&verifier, &header(one.token.expose())).await);
    let revision = service.store().revision().await.unwrap();
    verifier.flush_usage().await.unwrap();
    assert_eq!(service.store().revision().await.unwrap(), revision);
    service.rename("alice", None, "one", "uno").await.unwrap();
    service.rename_account("alice", "carol").await.unwrap();
    let page = service.page("carol", None, ListOptions::default()).await.unwrap();
    assert_eq!(page.tokens[0].usage.as_ref().unwrap().uses, 1);
    assert_eq!(service.check().await.unwrap(), Vec::<String>::new());
}

mod server {
    use std::time::Duration;

    use super::*;
    use crate::common::http::{Running, status};

    /// The uses of a token that are in the store after a server has ended.
    fn uses_after(interval: Duration) -> u64 {
        let mut running = Running::with(|config| config.usage_interval = interval, None);
        let one = running.runtime.block_on(running.service.create(plain("one"))).unwrap();
        let request = format!(
            "GET /execute/Tokens/list HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Authorization: cpanel alice:{}\r\n\r\n",
            one.token.expose()
        );
        for _ in 0..3 {
            assert_eq!(status(&running.send(request.as_bytes())), 200);
        }
        let ended = running.stop();
        running.runtime.block_on(ended).unwrap();
        let used = running.runtime.block_on(usage(&running.service, &one.record.id));
        let list = ["token", "list", "--user", "alice"];
        let listed = running.place.run(&[&list[..], &["--json"]].concat()).json();
        let line = &listed["tokens"][0];
        assert_eq!(line["uses"].as_u64(), used.as_ref().map(|used| used.uses));
        assert_eq!(line["lastUsed"].as_i64(), used.as_ref().map(|used| used.last_used));
        let text = running.place.run(&list).stdout;
        assert_eq!(text.contains("not known"), used.is_none(), "{text}");
        used.map_or(0, |used| used.uses)
    }

    #[test]
    fn stopping_server_flushes_its_usage() {
        assert_eq!(uses_after(Duration::from_secs(3_600)), 3);
    }

    #[test]
    fn usage_recording_can_be_disabled() {
        assert_eq!(uses_after(Duration::ZERO), 0);
    }
}
