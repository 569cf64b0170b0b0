//! The rules that the store must enforce, with both kinds of database.
#![cfg(unix)]

use std::sync::Arc;

use crate::common::database::Database;
use crate::common::{NOW, plain, reason, set_caps};
use tokenlatch::core::{Access, Caps, Features, Realm, Reason, Record};
use tokenlatch::{
    ArchivedToken, Change, KEPT_REVOKED, NewToken, Plan, Revision, SetClock, StoreError, StoredToken, Usage,
};

crate::common::over_both!(
    live_names_are_unique_per_user_and_hashes_overall,
    token_requires_an_existing_account,
    features_are_replaced_only_if_unchanged,
    a_change_of_a_token_that_has_changed_since_is_refused,
    a_revocation_is_never_undone,
    database_refuses_changes_to_fixed_token_fields,
    tokens_of_a_removed_account_stay_revoked,
    keys_that_this_version_does_not_know_are_kept,
    many_writers_lose_nothing,
    revocations_win_over_concurrent_renames,
    account_caps_hold_under_concurrent_creations,
    hourly_cap_counts_revoked_tokens,
    revoked_token_keeps_no_features_or_addresses,
    prune_removes_only_tokens_revoked_long_ago,
    full_read_limits_revoked_tokens_to_the_newest,
    only_one_of_many_servers_begins_a_new_epoch,
);

async fn live_names_are_unique_per_user_and_hashes_overall(database: Database) {
    let service = database.service().await;
    let store = database.store().await;
    let one = service.create(plain("one")).await.unwrap().record;

    let same_name = Record {
        id: "x1".to_owned(),
        hash: other_hash(&one.hash),
        ..one.clone()
    };
    assert_eq!(
        store.add_token(&same_name, None, Caps::default()).await.unwrap_err(),
        StoreError::NameTaken
    );
    let same_hash = Record {
        id: "x2".to_owned(),
        name: "two".to_owned(),
        ..one.clone()
    };
    assert_eq!(
        store.add_token(&same_hash, None, Caps::default()).await.unwrap_err(),
        StoreError::HashTaken
    );
    let same_id = Record {
        name: "two".to_owned(),
        hash: other_hash(&one.hash),
        ..one.clone()
    };
    assert_eq!(
        store.add_token(&same_id, None, Caps::default()).await.unwrap_err(),
        StoreError::HashTaken
    );

    service
        .revoke("alice", Realm::Account, &["one".to_owned()])
        .await
        .unwrap();
    assert_eq!(
        store.add_token(&same_hash, None, Caps::default()).await.unwrap_err(),
        StoreError::HashTaken,
        "a revoked record keeps its hash"
    );
    store
        .add_token(&same_name, None, Caps::default())
        .await
        .expect("a revoked token's name is free");
    let bobs = Record {
        id: "x3".to_owned(),
        user: "bob".to_owned(),
        hash: other_hash(&same_name.hash),
        ..one.clone()
    };
    store
        .add_token(&bobs, None, Caps::default())
        .await
        .expect("names are each user's own");
}

/// A different hash: its last digit is increased by one.
fn other_hash(hash: &str) -> String {
    let (rest, last) = hash.split_at(hash.len() - 1);
    let last = u8::from_str_radix(last, 16).unwrap();
    format!("{rest}{:x}", (last + 1) % 16)
}

async fn token_requires_an_existing_account(database: Database) {
    let service = database.service().await;
    let store = database.store().await;
    let one = service.create(plain("one")).await.unwrap().record;
    let carols = Record {
        id: "x".to_owned(),
        user: "carol".to_owned(),
        hash: other_hash(&one.hash),
        ..one
    };
    assert_eq!(
        store
            .add_token(&carols, None, Caps::default())
            .await
            .unwrap_err()
            .code(),
        "account_unknown"
    );
    // Decided for an account that has been removed before the write, while another account has taken its name.
    let gone = store.settings("alice").await.unwrap().unwrap().key;
    service.remove_account("alice").await.unwrap();
    service.add_account("alice", Features::All).await.unwrap();
    let late = Record {
        id: "y".to_owned(),
        user: "alice".to_owned(),
        ..carols.clone()
    };
    let refused = store.add_token(&late, Some(&gone), Caps::default()).await.unwrap_err();
    assert_eq!(refused.code(), "account_unknown");
    let present = store.settings("alice").await.unwrap().unwrap().key;
    store.add_token(&late, Some(&present), Caps::default()).await.unwrap();
    assert_eq!(
        service.add_account("alice", Features::All).await.unwrap_err().code(),
        "account_exists"
    );
    assert_eq!(
        service.set_suspended("carol", true).await.unwrap_err().code(),
        "account_unknown"
    );
    assert_eq!(
        service.remove_account("carol").await.unwrap_err().code(),
        "account_unknown"
    );
    let mut token = plain("two");
    token.user = "carol".to_owned();
    assert_eq!(service.create(token).await.unwrap_err().code(), "account_unknown");
    assert_eq!(
        service.add_account("a b", Features::All).await.unwrap_err().code(),
        "user_character"
    );
    let bad = Features::List(vec!["no good".to_owned()]);
    assert_eq!(
        service.set_features("alice", bad).await.unwrap_err().code(),
        "feature_invalid"
    );
}

async fn features_are_replaced_only_if_unchanged(database: Database) {
    let service = database.service().await;
    let other = database.open().await;
    let list = |features: &[&str]| Features::List(features.iter().map(|feature| (*feature).to_owned()).collect());
    let replace = async |user: &str, was: &Features, features: Features| {
        let outcome = service.replace_features(user, was, features).await;
        outcome.map_err(|error| error.code())
    };
    assert_eq!(replace("alice", &Features::All, list(&["dns", "mail"])).await, Ok(true));
    let revision = service.store().revision().await.unwrap();
    for was in [Features::All, list(&[]), list(&["mail", "dns"]), list(&["dns"])] {
        assert_eq!(replace("alice", &was, Features::All).await, Ok(false), "{was:?}");
    }
    assert_eq!(service.store().revision().await.unwrap(), revision);
    assert_eq!(
        replace("carol", &Features::All, list(&[])).await,
        Err("account_unknown")
    );
    assert_eq!(
        replace("bob", &Features::All, list(&["-"])).await,
        Err("feature_invalid")
    );
    // Of several writers who saw the same value, only one replaces it.
    let was = list(&["dns", "mail"]);
    let mut tasks = Vec::new();
    for (number, service) in [&service, &other, &service, &other].into_iter().enumerate() {
        let (service, was, features) = (service.clone(), was.clone(), list(&[&format!("f{number}")]));
        tasks.push(tokio::spawn(async move {
            service.replace_features("alice", &was, features).await
        }));
    }
    let mut done = 0;
    for task in tasks {
        done += u32::from(task.await.unwrap().unwrap());
    }
    assert_eq!(done, 1);
}

async fn a_change_of_a_token_that_has_changed_since_is_refused(database: Database) {
    let service = database.service().await;
    let store = database.store().await;
    for name in ["one", "two"] {
        service.create(plain(name)).await.unwrap();
    }
    let read = store.tokens("alice").await.unwrap();
    let changed = |at: usize, change: &dyn Fn(&mut Record)| {
        let mut record = read[at].record.clone();
        change(&mut record);
        Change {
            record,
            revision: read[at].revision,
        }
    };
    let narrowed = changed(0, &|record| record.read_only = true);
    store.change_tokens(&[narrowed]).await.unwrap();
    let renamed = changed(0, &|record| record.name = "three".to_owned());
    let beside = changed(1, &|record| record.read_only = true);
    for changes in [vec![renamed.clone()], vec![beside, renamed]] {
        assert_eq!(store.change_tokens(&changes).await.unwrap_err(), StoreError::Conflict);
    }
    let held = store.tokens("alice").await.unwrap();
    let shown: Vec<_> = held
        .iter()
        .map(|token| (token.record.name.as_str(), token.record.read_only))
        .collect();
    let first = read[0].record.name.as_str();
    let second = read[1].record.name.as_str();
    assert_eq!(shown, [(first, true), (second, false)]);
}

async fn a_revocation_is_never_undone(database: Database) {
    let service = database.service().await;
    let store = database.store().await;
    service.create(plain("one")).await.unwrap();
    let before = store.tokens("alice").await.unwrap().remove(0);
    service
        .revoke("alice", Realm::Account, &["one".to_owned()])
        .await
        .unwrap();
    // A rename that was read before the revocation and is written after it.
    let stale = Change {
        record: Record {
            name: "two".to_owned(),
            ..before.record.clone()
        },
        revision: before.revision,
    };
    assert_eq!(store.change_tokens(&[stale]).await.unwrap_err(), StoreError::Conflict);
    let forced = Change {
        record: before.record,
        revision: before.revision + 1,
    };
    assert_eq!(store.change_tokens(&[forced]).await.unwrap_err(), StoreError::Conflict);
    assert!(store.tokens("alice").await.unwrap().remove(0).record.revoked.is_some());
    // The database enforces the same for statements outside the store.
    for (sqlite, postgres, guard) in [
        (
            "UPDATE tokens SET record = json_set(record, '$.revoked', json('null'))",
            "UPDATE tokenlatch.tokens SET record = jsonb_set(record, '{revoked}', 'null')",
            "token_revoked",
        ),
        ("DELETE FROM tokens", "DELETE FROM tokenlatch.tokens", "token_kept"),
        (
            "DELETE FROM accounts WHERE user = 'bob'",
            "DELETE FROM tokenlatch.accounts WHERE \"user\" = 'bob'",
            "account_kept",
        ),
        (
            "UPDATE state SET revision = revision - 1",
            "UPDATE tokenlatch.state SET revision = revision - 1",
            "state_fixed",
        ),
        ("DELETE FROM state", "TRUNCATE tokenlatch.state", "state_fixed"),
    ] {
        let refused = database.sql(sqlite, postgres).await.unwrap_err();
        assert!(refused.contains(guard), "{sqlite}: {refused}");
    }
}

async fn database_refuses_changes_to_fixed_token_fields(database: Database) {
    database.service().await.create(plain("one")).await.unwrap();
    for (sqlite, postgres) in [
        (
            "UPDATE tokens SET record = json_set(record, '$.expires', 99999999999)",
            "UPDATE tokenlatch.tokens SET record = jsonb_set(record, '{expires}', '99999999999')",
        ),
        (
            "UPDATE tokens SET record = json_set(record, '$.hash', 'sha256:00')",
            "UPDATE tokenlatch.tokens SET record = jsonb_set(record, '{hash}', '\"sha256:00\"')",
        ),
        (
            "UPDATE tokens SET record = json_set(record, '$.user', 'bob')",
            "UPDATE tokenlatch.tokens SET record = jsonb_set(record, '{user}', '\"bob\"')",
        ),
        (
            "UPDATE tokens SET record = json_set(record, '$.realm', 'admin')",
            "UPDATE tokenlatch.tokens SET record = jsonb_set(record, '{realm}', '\"admin\"')",
        ),
    ] {
        let refused = database.sql(sqlite, postgres).await.unwrap_err();
        assert!(refused.contains("token_fixed"), "{sqlite}: {refused}");
    }
}

async fn tokens_of_a_removed_account_stay_revoked(database: Database) {
    let service = database.service().await;
    let one = service.create(plain("one")).await.unwrap();
    assert_eq!(service.remove_account("alice").await.unwrap(), ["one"]);
    assert_eq!(reason(&service, one.token.expose()).await, Reason::TokenRevoked);
    service.add_account("alice", Features::All).await.unwrap();
    assert_eq!(reason(&service, one.token.expose()).await, Reason::TokenRevoked);
    assert_eq!(service.list("alice", Default::default()).await.unwrap().total, 0);
}

async fn keys_that_this_version_does_not_know_are_kept(database: Database) {
    let service = database.service().await;
    let store = database.store().await;
    let one = service.create(plain("one")).await.unwrap().record;
    let mut text = serde_json::to_value(&one).unwrap();
    text["id"] = "x".into();
    text["name"] = "two".into();
    text["hash"] = other_hash(&one.hash).into();
    text["later"] = serde_json::json!({"a": [1, 2]});
    store
        .add_token(&serde_json::from_value(text).unwrap(), None, Caps::default())
        .await
        .unwrap();
    service.rename("alice", Realm::Account, "two", "three").await.unwrap();
    let kept = store.tokens("alice").await.unwrap().remove(1).record;
    assert_eq!(kept.name, "three");
    assert_eq!(
        serde_json::to_value(&kept).unwrap()["later"],
        serde_json::json!({"a": [1, 2]})
    );
}

async fn many_writers_lose_nothing(database: Database) {
    let first = database.service().await;
    // A second handle, as another process would have.
    let second = database.open().await;
    let mut tasks = Vec::new();
    for number in 0..20 {
        for service in [&first, &second] {
            let (service, name) = (service.clone(), format!("token-{}", number / 2));
            tasks.push(tokio::spawn(async move { service.create(plain(&name)).await }));
        }
    }
    let mut made = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => made += 1,
            Err(error) => assert_eq!(error.code(), "name_taken"),
        }
    }
    assert_eq!(made, 10);
    assert_eq!(first.list("alice", Default::default()).await.unwrap().total, 10);
}

async fn revocations_win_over_concurrent_renames(database: Database) {
    let service = database.service().await;
    let mut secrets = Vec::new();
    for number in 0..10 {
        secrets.push(service.create(plain(&format!("t{number}"))).await.unwrap().token);
    }
    let mut tasks = Vec::new();
    for number in 0..10 {
        let renaming = service.clone();
        tasks.push(tokio::spawn(async move {
            let _ = renaming
                .rename("alice", Realm::Account, &format!("t{number}"), &format!("u{number}"))
                .await;
        }));
        let revoking = service.clone();
        tasks.push(tokio::spawn(async move {
            let names = [format!("t{number}"), format!("u{number}")];
            while revoking
                .revoke("alice", Realm::Account, &names)
                .await
                .unwrap()
                .revoked
                .is_empty()
            {}
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    for secret in secrets {
        assert_eq!(reason(&service, secret.expose()).await, Reason::TokenRevoked);
    }
}

async fn account_caps_hold_under_concurrent_creations(database: Database) {
    let service = database.service().await;
    let first = service.create(plain("first")).await.unwrap();
    service.create(plain("second")).await.unwrap();
    let caps = Caps {
        tokens: Some(5),
        ..Caps::default()
    };
    set_caps(&service, "alice", caps).await;
    assert_eq!(service.account("alice").await.unwrap().policy.caps, caps);
    let tasks: Vec<_> = (0..12)
        .map(|number| {
            let service = service.clone();
            tokio::spawn(async move { service.create(plain(&format!("t{number}"))).await })
        })
        .collect();
    let mut made = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => made += 1,
            Err(error) => assert_eq!(error.code(), "tokens_too_many"),
        }
    }
    assert_eq!(made, 3);
    let store = database.store().await;
    let record = Record {
        id: "x1".to_owned(),
        name: "late".to_owned(),
        hash: other_hash(&first.record.hash),
        ..first.record.clone()
    };
    assert_eq!(
        store.add_token(&record, None, caps).await.unwrap_err(),
        StoreError::Conflict
    );
    // Other accounts are not affected, a lower cap ends no token, and a revoked token makes room.
    let bobs = NewToken::new("bob", "one", Access::Full);
    service.create(bobs).await.unwrap();
    let few = Caps {
        tokens: Some(1),
        ..Caps::default()
    };
    set_caps(&service, "alice", few).await;
    assert_eq!(reason(&service, first.token.expose()).await, Reason::Ok);
    assert_eq!(
        service.create(plain("more")).await.unwrap_err().code(),
        "tokens_too_many"
    );
    set_caps(&service, "alice", caps).await;
    service.revoke("alice", None, &["second".to_owned()]).await.unwrap();
    service.create(plain("more")).await.unwrap();
}

async fn hourly_cap_counts_revoked_tokens(database: Database) {
    let clock = Arc::new(SetClock::at(NOW));
    let service = database.service().await.with_clock(clock.clone());
    let caps = Caps {
        tokens_per_hour: Some(3),
        ..Caps::default()
    };
    set_caps(&service, "alice", caps).await;
    for name in ["a", "b", "c"] {
        service.create(plain(name)).await.unwrap();
        service.revoke("alice", None, &[name.to_owned()]).await.unwrap();
    }
    assert_eq!(
        service.create(plain("d")).await.unwrap_err().code(),
        "creations_too_many"
    );
    clock.set(NOW + 3_599);
    assert_eq!(
        service.create(plain("d")).await.unwrap_err().code(),
        "creations_too_many"
    );
    clock.set(NOW + 3_600);
    service.create(plain("d")).await.unwrap();
}

async fn revoked_token_keeps_no_features_or_addresses(database: Database) {
    let service = database.service().await;
    let wide = NewToken {
        addresses: (1..=100).map(|number| format!("2001:db8::{number}")).collect(),
        ..NewToken::new(
            "alice",
            "wide",
            Access::Limited {
                features: (0..100).map(|number| format!("feature-{number}")).collect(),
            },
        )
    };
    let made = service.create(wide).await.unwrap();
    service.revoke("alice", None, &["wide".to_owned()]).await.unwrap();
    let record = database.store().await.tokens("alice").await.unwrap().remove(0).record;
    let bare = Record {
        access: Access::default(),
        addresses: Vec::new(),
        revoked: record.revoked,
        ..made.record.clone()
    };
    assert_eq!(record, bare);
    assert!(serde_json::to_string(&record).unwrap().len() < 400);
    assert_eq!(reason(&service, made.token.expose()).await, Reason::TokenRevoked);
    assert!(service.check().await.unwrap().is_empty());
}

async fn prune_removes_only_tokens_revoked_long_ago(database: Database) {
    const DAY: i64 = 86_400;
    let clock = Arc::new(SetClock::at(NOW));
    let service = database.service().await.with_clock(clock.clone());
    let store = database.store().await;
    let (kept, old, young) = (plain("kept"), plain("old"), plain("young"));
    let kept = service.create(kept).await.unwrap();
    let old = service.create(old).await.unwrap();
    let young = service.create(young).await.unwrap();
    let used = |id: &str| Usage {
        id: id.to_owned(),
        last_used: NOW,
        uses: 1,
    };
    store
        .add_usage(&[used(&old.record.id), used(&kept.record.id)])
        .await
        .unwrap();
    let before: Revision = store.revision().await.unwrap();
    service.revoke("alice", None, &["old".to_owned()]).await.unwrap();
    clock.set(NOW + DAY);
    service.revoke("alice", None, &["young".to_owned()]).await.unwrap();
    let after = store.revision().await.unwrap();
    clock.set(NOW + 400 * DAY);
    assert_eq!(service.prune(400).await.unwrap(), 0, "not yet");
    clock.set(NOW + 400 * DAY + 1);
    assert_eq!(service.prune(400).await.unwrap(), 1);
    assert_eq!(service.prune(400).await.unwrap(), 0);
    let names: Vec<String> = store
        .tokens("alice")
        .await
        .unwrap()
        .into_iter()
        .map(|token| token.record.name)
        .collect();
    assert_eq!(names, ["kept", "young"]);
    assert_eq!(reason(&service, old.token.expose()).await, Reason::TokenUnknown);
    assert_eq!(reason(&service, young.token.expose()).await, Reason::TokenRevoked);
    // A reader from before that revocation would miss it, and gets everything.
    assert_eq!(
        store.revision().await.unwrap(),
        after,
        "nothing that a reader knows has changed"
    );
    assert!(store.changes(Some(before)).await.unwrap().whole);
    assert!(!store.changes(Some(after)).await.unwrap().whole);
    assert!(service.check().await.unwrap().is_empty());
    // The database allows no other deletion.
    for (sqlite, postgres, guard) in [
        (
            "DELETE FROM tokens WHERE revoked IS NULL",
            "DELETE FROM tokenlatch.tokens WHERE revoked IS NULL",
            "token_kept",
        ),
        (
            "DELETE FROM tokens WHERE revoked IS NOT NULL",
            "DELETE FROM tokenlatch.tokens WHERE revoked IS NOT NULL",
            "token_kept",
        ),
        (
            "UPDATE pruned SET before = 0",
            "UPDATE tokenlatch.pruned SET before = 0",
            "state_fixed",
        ),
        ("DELETE FROM pruned", "TRUNCATE tokenlatch.pruned", "state_fixed"),
    ] {
        let refused = database.sql(sqlite, postgres).await.unwrap_err();
        assert!(refused.contains(guard), "{sqlite}: {refused}");
    }
}

async fn full_read_limits_revoked_tokens_to_the_newest(database: Database) {
    let service = database.service().await;
    let store = database.store().await;
    let model = service.create(plain("model")).await.unwrap().record;
    let archive = store.archive().await.unwrap();
    let key = archive.accounts[0].account.key.clone();
    // The order of revocation differs from the order of creation.
    let when = |number: usize| number * 7_919 % (KEPT_REVOKED + 7);
    let dead = |number: usize| ArchivedToken {
        account: key.clone(),
        token: StoredToken {
            record: Record {
                id: format!("dead-{number}"),
                hash: format!("sha256:{number:064x}"),
                revoked: Some(NOW + i64::try_from(when(number)).unwrap()),
                ..model.clone()
            },
            revision: 1,
        },
    };
    let plan = Plan {
        since: archive.revision,
        pruned: 0,
        changes: Vec::new(),
        accounts: Vec::new(),
        tokens: (0..KEPT_REVOKED + 7).map(dead).collect(),
    };
    store.apply(&plan).await.unwrap();
    let records = store.changes(None).await.unwrap().records;
    assert_eq!(records.len(), KEPT_REVOKED + 1);
    assert_eq!(records[KEPT_REVOKED].id, model.id, "the live one comes last");
    let revoked: Vec<i64> = records.iter().filter_map(|record| record.revoked).collect();
    let newest: Vec<i64> = (7..KEPT_REVOKED + 7)
        .map(|when| NOW + i64::try_from(when).unwrap())
        .collect();
    assert_eq!(revoked, newest, "in the order of their revocation");
}

async fn only_one_of_many_servers_begins_a_new_epoch(database: Database) {
    let store = database.store().await;
    let known = store.revision().await.unwrap();
    let mut servers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let server = database.store().await;
        servers.spawn(async move { server.begin_epoch(known.epoch).await.unwrap() });
    }
    let began = servers.join_all().await.into_iter().filter(|began| *began).count();
    assert_eq!(began, 1);
    let next = store.revision().await.unwrap();
    assert!(next.epoch > known.epoch);
    assert_eq!(next.number, known.number + 1);
    assert!(store.changes(Some(known)).await.unwrap().whole);
    // A reader with a later epoch, which was lost, needs one after that.
    assert!(store.begin_epoch(next.epoch + 9).await.unwrap());
    assert!(store.revision().await.unwrap().epoch > next.epoch + 9);
    assert!(!store.begin_epoch(next.epoch).await.unwrap());
}
