//! Following a store: no committed change is missed, no matter which process wrote it and when.
#![cfg(unix)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::database::Database;
use crate::common::plain;
use tokenlatch::core::{Features, Realm};
use tokenlatch::{Changes, History, Revision, Service, Store, Version};

crate::common::over_both!(
    incremental_reads_equal_a_full_read,
    acknowledged_change_is_in_the_next_revision,
    a_renamed_or_removed_account_begins_another_epoch,
    foreign_or_future_revision_gets_a_full_read,
    change_by_direct_sql_is_recorded,
    every_change_has_a_unique_revision,
    old_revisions_are_pruned,
);

/// What a reader knows.
#[derive(Default)]
struct Follower {
    revision: Option<Revision>,
    accounts: BTreeMap<String, String>,
    records: BTreeMap<String, String>,
    revoked: Vec<String>,
}

impl Follower {
    async fn catch_up(&mut self, store: &Arc<dyn Store>) {
        let revision = store.revision().await.unwrap();
        if self.revision == Some(revision) {
            return;
        }
        let changes = store.changes(self.revision).await.unwrap();
        let before = self
            .revision
            .map_or((i64::MIN, i64::MIN), |revision| (revision.epoch, revision.number));
        assert!(
            (changes.revision.epoch, changes.revision.number) >= before,
            "time goes forward"
        );
        assert!(changes.revision.number >= revision.number);
        self.take(changes);
    }

    fn take(&mut self, changes: Changes) {
        if changes.whole {
            self.accounts.clear();
            self.records.clear();
        }
        self.revision = Some(changes.revision);
        for account in changes.accounts {
            let text = serde_json::to_string(&account).unwrap();
            self.accounts.insert(account.user, text);
        }
        for record in changes.records {
            assert!(
                record.revoked.is_some() || !self.revoked.contains(&record.id),
                "{} has come back",
                record.name
            );
            if record.revoked.is_some() {
                self.revoked.push(record.id.clone());
            }
            let text = serde_json::to_string(&record).unwrap();
            self.records.insert(record.id, text);
        }
    }
}

/// Repeatedly creates, renames and revokes tokens, and suspends and renames the account.
async fn write(service: Service, user: &'static str, rounds: u32) {
    let mut name = user.to_owned();
    for round in 0..rounds {
        let mut wish = plain(&format!("t{round}"));
        wish.user.clone_from(&name);
        service.create(wish).await.unwrap();
        if round % 3 == 0 {
            service
                .rename(&name, Realm::Account, &format!("t{round}"), &format!("r{round}"))
                .await
                .unwrap();
        }
        if round % 2 == 0 {
            let names = [
                format!("t{round}"),
                format!("r{round}"),
                format!("t{}", round.max(1) - 1),
            ];
            service.revoke(&name, Realm::Account, &names).await.unwrap();
        }
        if round % 5 == 0 {
            service.set_suspended(&name, true).await.unwrap();
            service.set_suspended(&name, false).await.unwrap();
        }
        if round % 17 == 11 {
            let new = format!("{user}-{round}");
            service.rename_account(&name, &new).await.unwrap();
            name = new;
        }
    }
}

async fn incremental_reads_equal_a_full_read(database: Database) {
    let first = database.open().await;
    let second = database.open().await;
    let users = ["alice", "bob", "carol", "dave"];
    for user in users {
        first.add_account(user, Features::All).await.unwrap();
    }
    let done = Arc::new(AtomicBool::new(false));
    let mut followers = Vec::new();
    for _ in 0..2 {
        let (store, done) = (database.store().await, Arc::clone(&done));
        followers.push(tokio::spawn(async move {
            let mut follower = Follower::default();
            let mut turns = 0;
            while !done.load(Ordering::SeqCst) {
                follower.catch_up(&store).await;
                turns += 1;
                tokio::task::yield_now().await;
            }
            follower.catch_up(&store).await;
            assert!(turns > 10, "{turns} turns");
            follower
        }));
    }
    let mut writers = Vec::new();
    for (at, user) in users.into_iter().enumerate() {
        let service = if at % 2 == 0 { first.clone() } else { second.clone() };
        writers.push(tokio::spawn(write(service, user, 60)));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    let mut whole = Follower::default();
    whole.take(first.store().changes(None).await.unwrap());
    assert_eq!(whole.records.len(), 240);
    for follower in followers {
        let follower = follower.await.unwrap();
        assert_eq!(follower.revision, whole.revision);
        assert_eq!(follower.records, whole.records);
        assert_eq!(follower.accounts, whole.accounts);
    }
}

async fn acknowledged_change_is_in_the_next_revision(database: Database) {
    let writer = database.service().await;
    let reader = database.store().await;
    for round in 0..20 {
        let name = format!("t{round}");
        let before = reader.revision().await.unwrap();
        let created = writer.create(plain(&name)).await.unwrap().record;
        let middle = reader.revision().await.unwrap();
        assert!(middle.number > before.number);
        writer.revoke("alice", Realm::Account, &[name]).await.unwrap();
        let after = reader.revision().await.unwrap();
        assert!(after.number > middle.number && after.epoch == before.epoch);
        let changes = reader.changes(Some(middle)).await.unwrap();
        assert!(!changes.whole && changes.accounts.is_empty());
        assert_eq!(changes.revision, after);
        assert_eq!(changes.records.len(), 1);
        assert_eq!(changes.records[0].id, created.id);
        assert!(changes.records[0].revoked.is_some());
    }
    let before = reader.revision().await.unwrap();
    writer.set_suspended("bob", true).await.unwrap();
    let changes = reader.changes(Some(before)).await.unwrap();
    assert!(changes.records.is_empty() && changes.accounts.len() == 1 && changes.accounts[0].suspended);
}

async fn a_renamed_or_removed_account_begins_another_epoch(database: Database) {
    let service = database.service().await;
    service.create(plain("one")).await.unwrap();
    let first = service.store().revision().await.unwrap();
    service.rename_account("alice", "anna").await.unwrap();
    let second = service.store().revision().await.unwrap();
    assert!(second.epoch > first.epoch && second.number > first.number);
    let changes = service.store().changes(Some(first)).await.unwrap();
    assert!(changes.whole);
    assert_eq!(changes.records[0].user, "anna");
    service.remove_account("anna").await.unwrap();
    let changes = service.store().changes(Some(second)).await.unwrap();
    assert!(changes.whole && changes.revision.epoch > second.epoch);
    let users: Vec<_> = changes.accounts.iter().map(|account| account.user.as_str()).collect();
    assert_eq!(users, ["bob"]);
    assert!(changes.records[0].revoked.is_some());
}

async fn foreign_or_future_revision_gets_a_full_read(database: Database) {
    let service = database.service().await;
    service.create(plain("one")).await.unwrap();
    let revision = service.store().revision().await.unwrap();
    for since in [
        None,
        Some(Revision {
            epoch: revision.epoch - 1,
            ..revision
        }),
        Some(Revision {
            number: revision.number + 1,
            ..revision
        }),
        // The same number, reached by another change.
        Some(Revision {
            change: revision.change ^ 1,
            ..revision
        }),
    ] {
        let changes = service.store().changes(since).await.unwrap();
        let other = since.is_some_and(|since| since.epoch == revision.epoch);
        assert_eq!(changes.history == History::Lost, other, "{since:?}");
        assert!(changes.whole && changes.accounts.len() == 2 && changes.records.len() == 1);
        assert_eq!(changes.revision, revision);
    }
    let changes = service.store().changes(Some(revision)).await.unwrap();
    assert!(!changes.whole && changes.accounts.is_empty() && changes.records.is_empty());
    let (version, store) = (revision.version(), service.store());
    assert_eq!(store.find_version(version).await.unwrap(), Ok(revision));
    for (version, history) in [
        (version.version ^ 1, History::Lost),
        (version.version + (1 << 20), History::Lost),
        (1, History::Pruned),
    ] {
        let version = Version {
            version,
            ..revision.version()
        };
        assert_eq!(store.find_version(version).await.unwrap(), Err(history), "{version:?}");
    }
}

async fn every_change_has_a_unique_revision(database: Database) {
    let service = database.service().await;
    let mut revisions = vec![service.store().revision().await.unwrap()];
    for number in 0..10 {
        service.create(plain(&format!("t{number}"))).await.unwrap();
        revisions.push(service.store().revision().await.unwrap());
    }
    let names: Vec<String> = (0..10).map(|number| format!("t{number}")).collect();
    service.revoke("alice", Realm::Account, &names).await.unwrap();
    service.rename_account("alice", "anna").await.unwrap();
    service.begin_epoch().await.unwrap();
    revisions.push(service.store().revision().await.unwrap());
    let different: BTreeSet<i64> = revisions.iter().map(|revision| revision.change).collect();
    assert_eq!(different.len(), revisions.len());
    let identity = service.store().identity().await.unwrap();
    assert_eq!(identity, database.store().await.identity().await.unwrap());
    assert_ne!(
        identity,
        database.another().await.store().await.identity().await.unwrap()
    );
}

/// Only the newest revisions are kept. An older reader reads everything, without an error.
async fn old_revisions_are_pruned(database: Database) {
    let service = database.service().await;
    let revision = service.store().revision().await.unwrap();
    database
        .sql(
            "UPDATE state SET revision = revision + 100000",
            "UPDATE tokenlatch.state SET revision = revision + 100000",
        )
        .await
        .unwrap();
    let changes = service.store().changes(Some(revision)).await.unwrap();
    assert!(changes.whole && changes.history == History::Pruned);
}

async fn change_by_direct_sql_is_recorded(database: Database) {
    let service = database.service().await;
    service.create(plain("one")).await.unwrap();
    let before = service.store().revision().await.unwrap();
    database
        .sql(
            "UPDATE tokens SET record = json_set(record, '$.revoked', 1800000000)",
            "UPDATE tokenlatch.tokens SET record = jsonb_set(record, '{revoked}', '1800000000')",
        )
        .await
        .unwrap();
    let changes = service.store().changes(Some(before)).await.unwrap();
    assert_eq!(changes.records.len(), 1);
    assert_eq!(changes.records[0].revoked, Some(1_800_000_000));
}
