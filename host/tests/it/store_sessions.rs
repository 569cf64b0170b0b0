//! Login sessions, and forms that can be sent only once.
#![cfg(unix)]

use crate::common;
use std::sync::Arc;

use crate::common::NOW;
use crate::common::database::Database;
use tokenlatch::core::{Features, Policy};
use tokenlatch::{Store, StoreError, StoredSession};
use zeroize::Zeroizing;

crate::common::over_both!(
    a_session_is_kept_changed_and_removed,
    account_changes_end_its_sessions,
    unrelated_account_changes_end_no_session,
    removed_session_is_never_restored,
    form_is_spent_once_under_concurrency,
    expired_sessions_and_forms_are_pruned,
    sessions_and_forms_create_no_revision,
);

fn session(key: &str, user: &str) -> StoredSession {
    StoredSession {
        key: format!("{key:0>32}"),
        user: user.to_owned(),
        data: r#"{"csrf":"not to be seen"}"#.to_owned(),
        ends: NOW + 100,
    }
}

async fn is_there(store: &Arc<dyn Store>, session: &StoredSession) -> bool {
    store.session(&session.key).await.unwrap().is_some()
}

async fn a_session_is_kept_changed_and_removed(database: Database) {
    let store = database.service().await.store().clone();
    let mut one = session("1", "alice");
    assert!(store.add_session(&one).await.unwrap());
    assert!(
        !store.add_session(&session("1", "bob")).await.unwrap(),
        "its key is taken"
    );
    assert_eq!(store.session(&one.key).await.unwrap(), Some(one.clone()));
    let other = database.store().await;
    one.data = "{}".to_owned();
    one.ends += 1;
    assert!(other.change_session(&one).await.unwrap());
    assert_eq!(store.session(&one.key).await.unwrap(), Some(one.clone()));
    assert!(
        !store.change_session(&session("1", "bob")).await.unwrap(),
        "it is not bob's"
    );
    store.remove_session(&one.key).await.unwrap();
    store.remove_session(&one.key).await.unwrap();
    assert!(!is_there(&other, &one).await);
    assert_eq!(
        store.add_session(&session("2", "nobody")).await.unwrap_err(),
        StoreError::AccountUnknown("nobody".to_owned())
    );
    assert_eq!(store.session("\0").await.unwrap(), None);
    let shown = format!("{one:?}");
    assert!(
        !shown.contains(&one.key) && !format!("{:?}", session("1", "x")).contains("csrf"),
        "{shown}"
    );
}

async fn account_changes_end_its_sessions(database: Database) {
    let service = database.service().await;
    let store = service.store();
    let bobs = session("b", "bob");
    store.add_session(&bobs).await.unwrap();
    let begin = async |user: &str| {
        for key in ["1", "2"] {
            assert!(store.add_session(&session(key, user)).await.unwrap());
        }
    };
    let ended = async |what: &str| {
        for key in ["1", "2"] {
            assert!(!is_there(store, &session(key, "")).await, "{what}");
        }
        assert!(is_there(store, &bobs).await, "{what} concerns nobody else");
    };
    service.set_administrator("alice", true).await.unwrap();
    assert!(service.is_administrator("alice").await.unwrap());

    begin("alice").await;
    service
        .set_password("alice", Zeroizing::new("another one".to_owned()))
        .await
        .unwrap();
    ended("another password").await;

    begin("alice").await;
    service.set_administrator("alice", false).await.unwrap();
    assert!(!service.is_administrator("alice").await.unwrap());
    ended("administrator no more").await;

    begin("alice").await;
    service.set_suspended("alice", true).await.unwrap();
    ended("a suspension").await;
    assert_eq!(
        store.add_session(&session("1", "alice")).await.unwrap_err().code(),
        "account_unknown",
        "none begins meanwhile"
    );
    service.set_suspended("alice", false).await.unwrap();
    ended("the end of a suspension").await;

    begin("alice").await;
    service.rename_account("alice", "carol").await.unwrap();
    ended("another name").await;

    begin("carol").await;
    service.remove_account("carol").await.unwrap();
    ended("a removal").await;
    assert_eq!(
        store.add_session(&session("1", "carol")).await.unwrap_err().code(),
        "account_unknown"
    );
}

async fn unrelated_account_changes_end_no_session(database: Database) {
    let service = database.service().await;
    let one = session("1", "alice");
    service.store().add_session(&one).await.unwrap();
    service
        .set_features("alice", Features::List(vec!["apitokens".to_owned()]))
        .await
        .unwrap();
    service
        .set_policy(
            "alice",
            Policy {
                max_lifetime: Some(86_400),
                expiry_required: true,
                ..Policy::default()
            },
        )
        .await
        .unwrap();
    service.set_administrator("alice", true).await.unwrap();
    service.set_suspended("alice", false).await.unwrap();
    service.create(common::plain("one")).await.unwrap();
    assert!(is_there(service.store(), &one).await);
}

async fn removed_session_is_never_restored(database: Database) {
    let service = database.service().await;
    let store = service.store();
    let one = session("1", "alice");
    store.add_session(&one).await.unwrap();
    store.remove_session(&one.key).await.unwrap();
    assert!(!store.change_session(&one).await.unwrap());
    store.add_session(&one).await.unwrap();
    service.remove_account("alice").await.unwrap();
    assert!(!store.change_session(&one).await.unwrap());
    // A new account of the same name is a different one.
    service.add_account("alice", Features::All).await.unwrap();
    assert!(!store.change_session(&one).await.unwrap());
    assert!(!is_there(store, &one).await);
}

async fn form_is_spent_once_under_concurrency(database: Database) {
    let stores = [database.store().await, database.store().await];
    let key = "f".repeat(32);
    let tasks: Vec<_> = (0..20)
        .map(|number| {
            let (store, key) = (stores[number % 2].clone(), key.clone());
            tokio::spawn(async move { store.spend_form(&key, NOW + 100).await.unwrap() })
        })
        .collect();
    let mut first = 0;
    for task in tasks {
        first += usize::from(task.await.unwrap());
    }
    assert_eq!(first, 1);
    assert!(!stores[0].spend_form(&key, NOW + 1_000).await.unwrap());
    assert!(stores[0].spend_form(&"g".repeat(32), NOW + 100).await.unwrap());
}

async fn expired_sessions_and_forms_are_pruned(database: Database) {
    let service = database.service().await;
    let store = service.store();
    let (one, mut two) = (session("1", "alice"), session("2", "alice"));
    two.ends += 1;
    store.add_session(&one).await.unwrap();
    store.add_session(&two).await.unwrap();
    let (old, young) = ("o".repeat(32), "y".repeat(32));
    store.spend_form(&old, one.ends).await.unwrap();
    store.spend_form(&young, two.ends).await.unwrap();
    store.prune_sessions(one.ends).await.unwrap();
    assert!(!is_there(store, &one).await && is_there(store, &two).await);
    assert!(store.spend_form(&old, two.ends).await.unwrap(), "nothing is left of it");
    assert!(!store.spend_form(&young, two.ends).await.unwrap());
}

async fn sessions_and_forms_create_no_revision(database: Database) {
    let service = database.service().await;
    let store = service.store();
    let revision = store.revision().await.unwrap();
    let one = session("1", "alice");
    store.add_session(&one).await.unwrap();
    store.change_session(&one).await.unwrap();
    store.spend_form(&"f".repeat(32), NOW).await.unwrap();
    store.prune_sessions(NOW + 1_000).await.unwrap();
    store.remove_session(&one.key).await.unwrap();
    assert_eq!(store.revision().await.unwrap(), revision);
}
