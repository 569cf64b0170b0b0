//! Accounts and their tokens through the service, with both kinds of database.
#![cfg(unix)]

use std::sync::Arc;

use crate::common::database::Database;
use crate::common::{NOW, Place, plain, reason, run, set_caps};
use tokenlatch::core::{Access, Authorization, Call, Caps, ExpiryInput, Features, Policy, Realm, Reason};
use tokenlatch::{NewToken, Service, SetClock, TokenUpdate};
use zeroize::Zeroizing;

crate::common::over_both!(
    a_renamed_account_keeps_its_tokens,
    an_account_cannot_take_the_name_of_another,
    a_policy_binds_new_tokens,
    a_password_is_checked_and_never_stored,
    ports_cannot_access_each_others_tokens,
    an_update_changes_only_what_is_given,
    only_admin_tokens_can_change_their_expiry,
    token_cannot_create_a_token_with_more_access,
    find_requires_the_tokens_text_and_user,
    hostile_names_and_users_are_coded_errors,
    creation_stays_fast_with_many_tokens,
    account_removal_revokes_thousands_of_tokens,
);

fn admin(name: &str) -> NewToken {
    NewToken {
        realm: Realm::Admin,
        ..plain(name)
    }
}

fn secret(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

async fn names(service: &Service, realm: impl Into<Option<Realm>> + Send) -> Vec<String> {
    let records = service.records("alice", realm).await.unwrap();
    records.into_iter().map(|record| record.name).collect()
}

async fn a_renamed_account_keeps_its_tokens(database: Database) {
    let service = database.service().await;
    let one = service.create(plain("one")).await.unwrap();
    let two = service.create(plain("two")).await.unwrap();
    service
        .revoke("alice", Realm::Account, &["two".to_owned()])
        .await
        .unwrap();
    service.rename_account("alice", "anna").await.unwrap();
    assert_eq!(service.account("alice").await.unwrap_err().code(), "account_unknown");
    assert_eq!(service.account("anna").await.unwrap().live_tokens, 1);
    assert_eq!(reason(&service, one.token.expose()).await, Reason::UserMismatch);
    let header = Authorization::from(format!("cpanel anna:{}", one.token.expose()).as_str());
    let verdict = service.verify(&header, &Call::default()).await.unwrap();
    assert_eq!((verdict.reason, verdict.user.as_deref()), (Reason::Ok, Some("anna")));
    assert_eq!(reason(&service, two.token.expose()).await, Reason::TokenRevoked);
    // Another account may now have the old name, and gets none of the tokens.
    service.add_account("alice", Features::All).await.unwrap();
    assert!(names(&service, None).await.is_empty());
    assert_eq!(reason(&service, one.token.expose()).await, Reason::UserMismatch);
    service.rename("anna", Realm::Account, "one", "uno").await.unwrap();
    assert!(service.check().await.unwrap().is_empty());
}

async fn an_account_cannot_take_the_name_of_another(database: Database) {
    let service = database.service().await;
    let code = async |old: &str, new: &str| service.rename_account(old, new).await.map_err(|error| error.code());
    assert_eq!(code("alice", "bob").await, Err("account_exists"));
    assert_eq!(code("carol", "dave").await, Err("account_unknown"));
    assert_eq!(code("alice", "a b").await, Err("user_character"));
    assert_eq!(code("alice", "").await, Err("user_empty"));
    assert_eq!(code("alice", "alice").await, Ok(()));
    service.remove_account("bob").await.unwrap();
    assert_eq!(code("alice", "bob").await, Ok(()));
}

async fn a_policy_binds_new_tokens(database: Database) {
    let service = database.service().await.with_clock(Arc::new(SetClock::at(NOW)));
    let policy = |max_lifetime, expiry_required| Policy {
        max_lifetime,
        expiry_required,
        ..Policy::default()
    };
    let create = async |name: &str, expires| {
        let wish = NewToken {
            expires: Some(expires),
            ..plain(name)
        };
        service.create(wish).await.map_err(|error| error.code())
    };
    let never = || ExpiryInput::Text("never".to_owned());
    create("free", never()).await.unwrap();
    service.set_policy("alice", policy(None, true)).await.unwrap();
    assert_eq!(create("a", never()).await.unwrap_err(), "expiry_required");
    create("b", ExpiryInput::Seconds(NOW + 10_000_000)).await.unwrap();
    service.set_policy("alice", policy(Some(3_600), false)).await.unwrap();
    assert_eq!(create("c", never()).await.unwrap_err(), "expiry_required");
    assert_eq!(
        create("c", ExpiryInput::Seconds(NOW + 3_601)).await.unwrap_err(),
        "expiry_too_late"
    );
    create("c", ExpiryInput::Seconds(NOW + 3_600)).await.unwrap();
    let short = service.create(plain("d")).await.unwrap().record;
    assert_eq!(short.expires, Some(NOW + 3_600));
    for wrong in [0, -1, i64::MIN] {
        let error = service
            .set_policy("alice", policy(Some(wrong), false))
            .await
            .unwrap_err();
        assert!(
            ["value_invalid", "type_invalid"].contains(&error.code()),
            "{wrong}: {error}"
        );
    }
    // No token would fit.
    let mut small = policy(Some(3_600), false);
    small.caps.record_bytes = Some(511);
    let error = service.set_policy("alice", small).await.unwrap_err();
    assert_eq!(error.code(), "record_too_large");
    assert_eq!(
        service.account("alice").await.unwrap().policy,
        policy(Some(3_600), false)
    );
    assert_eq!(service.account("bob").await.unwrap().policy, Policy::default());
    assert_eq!(
        service
            .set_policy("carol", policy(None, true))
            .await
            .unwrap_err()
            .code(),
        "account_unknown"
    );
}

/// The time of a refusal must not tell which users exist.
#[test]
fn a_login_as_an_unknown_user_costs_a_hash_like_a_wrong_password() {
    run(async {
        let place = Place::new();
        let service = place.service().await;
        service.set_password("alice", secret("correct horse")).await.unwrap();
        // Bob has no password.
        for user in ["alice", "bob", "nobody"] {
            let before = service.passwords_hashed();
            assert!(!service.check_password(user, secret("wrong horse")).await.unwrap());
            assert_eq!(service.passwords_hashed() - before, 1, "{user}");
        }
    });
}

async fn a_password_is_checked_and_never_stored(database: Database) {
    let service = database.service().await;
    assert!(!service.check_password("alice", secret("")).await.unwrap());
    service.set_password("alice", secret("correct horse")).await.unwrap();
    for (user, password, right) in [
        ("alice", "correct horse", true),
        ("alice", "correct horse ", false),
        ("alice", "Correct horse", false),
        ("alice", "", false),
        ("bob", "correct horse", false),
        ("nobody", "correct horse", false),
        ("al\0ice", "correct horse", false),
    ] {
        assert_eq!(
            service.check_password(user, secret(password)).await.unwrap(),
            right,
            "{user} {password}"
        );
    }
    let long = "x".repeat(1_025);
    assert!(!service.check_password("alice", secret(&long)).await.unwrap());
    for password in ["", "seven77", &long] {
        let error = service.set_password("alice", secret(password)).await.unwrap_err();
        assert_eq!(error.code(), "password_length");
    }
    let error = service
        .set_password("nobody", secret("correct horse"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "account_unknown");
    let stored = service.store().password("alice").await.unwrap().unwrap();
    assert!(stored.expose().starts_with("$argon2id$v=19$"));
    assert_eq!(format!("{stored:?}"), "PasswordHash(…)");
    // The same password with another salt.
    service.set_password("bob", secret("correct horse")).await.unwrap();
    assert_ne!(service.store().password("bob").await.unwrap().unwrap(), stored);
}

async fn ports_cannot_access_each_others_tokens(database: Database) {
    let service = database.service().await;
    service.create(plain("mine")).await.unwrap();
    let theirs = service.create(admin("theirs")).await.unwrap();
    assert_eq!(names(&service, Realm::Account).await, ["mine"]);
    assert_eq!(names(&service, Realm::Admin).await, ["theirs"]);
    assert_eq!(names(&service, None).await, ["mine", "theirs"]);
    // Names are unique across both ports.
    assert_eq!(service.create(plain("theirs")).await.unwrap_err().code(), "name_taken");
    let error = service
        .rename("alice", Realm::Account, "mine", "theirs")
        .await
        .unwrap_err();
    assert_eq!(error.code(), "name_taken");
    let error = service
        .rename("alice", Realm::Account, "theirs", "other")
        .await
        .unwrap_err();
    assert_eq!(error.code(), "token_unknown");
    let update = TokenUpdate {
        new_name: Some("other".to_owned()),
        ..TokenUpdate::default()
    };
    let error = service
        .update("alice", Realm::Account, "theirs", update)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "token_unknown");
    let both = ["mine".to_owned(), "theirs".to_owned()];
    let outcome = service.revoke("alice", Realm::Account, &both).await.unwrap();
    assert_eq!(
        (outcome.revoked, outcome.unknown),
        (vec!["mine".to_owned()], vec!["theirs".to_owned()])
    );
    assert_eq!(names(&service, Realm::Admin).await, ["theirs"]);
    assert!(
        service
            .find("alice", Realm::Account, theirs.token.expose())
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        service
            .find("alice", Realm::Admin, theirs.token.expose())
            .await
            .unwrap()
            .is_some()
    );
}

async fn an_update_changes_only_what_is_given(database: Database) {
    let service = database.service().await;
    let wish = NewToken {
        addresses: vec!["192.0.2.0/24".to_owned()],
        ..admin("one")
    };
    let before = service.create(wish).await.unwrap().record;
    let same = service
        .update("alice", Realm::Admin, "one", TokenUpdate::default())
        .await
        .unwrap();
    assert_eq!(same, before);
    let limited = Access::Limited {
        features: vec!["popaccts".to_owned()],
    };
    let update = TokenUpdate {
        new_name: Some("two".to_owned()),
        access: Some(limited.clone()),
        ..TokenUpdate::default()
    };
    let after = service.update("alice", Realm::Admin, "one", update).await.unwrap();
    assert_eq!((after.name.as_str(), &after.access), ("two", &limited));
    assert_eq!((after.expires, &after.addresses), (before.expires, &before.addresses));
    let update = TokenUpdate {
        addresses: Some(Vec::new()),
        ..TokenUpdate::default()
    };
    let after = service.update("alice", Realm::Admin, "two", update).await.unwrap();
    assert!(after.addresses.is_empty());
    assert_eq!(service.records("alice", Realm::Admin).await.unwrap(), [after]);
}

async fn only_admin_tokens_can_change_their_expiry(database: Database) {
    let service = database.service().await.with_clock(Arc::new(SetClock::at(NOW)));
    service.create(plain("mine")).await.unwrap();
    service.create(admin("theirs")).await.unwrap();
    let update = || TokenUpdate {
        expires: Some(ExpiryInput::Seconds(NOW + 60)),
        ..TokenUpdate::default()
    };
    let error = service
        .update("alice", Realm::Account, "mine", update())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "expiry_fixed");
    let after = service.update("alice", Realm::Admin, "theirs", update()).await.unwrap();
    assert_eq!(after.expires, Some(NOW + 60));
    assert_eq!(
        service.records("alice", Realm::Admin).await.unwrap()[0].expires,
        Some(NOW + 60)
    );
}

async fn token_cannot_create_a_token_with_more_access(database: Database) {
    let service = database.service().await;
    let limited = NewToken {
        access: Access::Limited {
            features: vec!["apitokens".to_owned(), "popaccts".to_owned()],
        },
        read_only: true,
        ..plain("limited")
    };
    let creator = service.create(limited.clone()).await.unwrap().record;
    let asked = |wish: NewToken| NewToken {
        creator: Some(creator.clone()),
        name: "child".to_owned(),
        ..wish
    };
    let error = service.create(asked(plain("x"))).await.unwrap_err();
    assert_eq!(
        (error.code(), error.field()),
        ("access_exceeds_creator", Some("access"))
    );
    let writing = NewToken {
        read_only: false,
        ..limited.clone()
    };
    let error = service.create(asked(writing)).await.unwrap_err();
    assert_eq!(
        (error.code(), error.field()),
        ("access_exceeds_creator", Some("readOnly"))
    );
    service.create(asked(limited)).await.unwrap();
    let update = TokenUpdate {
        access: Some(Access::Full),
        creator: Some(creator),
        ..TokenUpdate::default()
    };
    let error = service
        .update("alice", Realm::Account, "child", update)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "access_exceeds_creator");
}

async fn find_requires_the_tokens_text_and_user(database: Database) {
    let service = database.service().await;
    let one = service.create(plain("one")).await.unwrap();
    let text = one.token.expose();
    let found = async |user: &str, text: &str| service.find(user, Realm::Account, text).await.unwrap();
    assert_eq!(found("alice", text).await, Some(one.record.clone()));
    assert_eq!(found("bob", text).await, None);
    for wrong in ["", "x", "two words", &"A".repeat(32), &"A".repeat(100_000), "\0", "é"] {
        assert_eq!(found("alice", wrong).await, None);
    }
    service
        .revoke("alice", Realm::Account, &["one".to_owned()])
        .await
        .unwrap();
    assert_eq!(found("alice", text).await, None);
}

async fn hostile_names_and_users_are_coded_errors(database: Database) {
    let service = database.service().await;
    service.create(plain("one")).await.unwrap();
    for hostile in [
        "",
        "a\0b",
        "a b",
        "'; DROP TABLE tokens; --",
        "\u{202e}",
        "\u{fffd}",
        &"x".repeat(100_000),
        "%",
        "one\n",
    ] {
        let code = service.create(plain(hostile)).await.unwrap_err().code();
        assert!(code.starts_with("name_"), "{hostile:?}: {code}");
        let code = service
            .rename("alice", Realm::Account, "one", hostile)
            .await
            .unwrap_err()
            .code();
        assert!(code.starts_with("name_"), "{hostile:?}: {code}");
        let code = service
            .rename("alice", Realm::Account, hostile, "two")
            .await
            .unwrap_err()
            .code();
        assert_eq!(code, "token_unknown");
        let outcome = service
            .revoke("alice", Realm::Account, &[hostile.to_owned()])
            .await
            .unwrap();
        assert_eq!((outcome.revoked.len(), outcome.unknown.len()), (0, 1));
        let code = service.records(hostile, Realm::Account).await.unwrap_err().code();
        assert_eq!(code, "account_unknown");
        let code = service.add_account(hostile, Features::All).await.unwrap_err().code();
        assert!(code.starts_with("user_"), "{hostile:?}: {code}");
        let code = service.rename_account("alice", hostile).await.unwrap_err().code();
        assert!(code.starts_with("user_"), "{hostile:?}: {code}");
    }
    assert_eq!(names(&service, None).await, ["one"]);
}

/// Fills an account quickly, through a restore.
async fn fill(database: &Database, count: u32) -> Service {
    let service = database.service().await;
    service.create(plain("seed")).await.unwrap();
    let mut file = service.backup().await.unwrap();
    let seed = file.tokens.remove(0);
    for number in 0..count {
        let mut token = seed.clone();
        let record = &mut token.token.record;
        record.name = format!("t{number}");
        record.id = format!("{number:024x}");
        record.hash = format!("sha256:{number:064x}");
        file.tokens.push(token);
    }
    let choice = tokenlatch::RestoreChoice {
        revived: Some(tokenlatch::Revived::Keep),
        newer: tokenlatch::Newer::Keep,
    };
    let restored = service.restore(&file, choice).await.unwrap();
    assert_eq!(restored.revived, u64::from(count));
    service
}

async fn creation_stays_fast_with_many_tokens(database: Database) {
    let service = fill(&database, 5_000).await;
    let caps = Caps {
        tokens: Some(10_000),
        tokens_per_hour: Some(10_000),
        ..Caps::default()
    };
    set_caps(&service, "alice", caps).await;
    let start = std::time::Instant::now();
    for number in 0..20 {
        service.create(plain(&format!("new-{number}"))).await.unwrap();
    }
    let each = start.elapsed() / 20;
    assert!(each < std::time::Duration::from_millis(100), "{each:?} each");
    assert_eq!(service.create(plain("t4999")).await.unwrap_err().code(), "name_taken");
}

async fn account_removal_revokes_thousands_of_tokens(database: Database) {
    let service = fill(&database, 5_000).await;
    service.rename_account("alice", "anna").await.unwrap();
    assert_eq!(service.remove_account("anna").await.unwrap().len(), 5_001);
    let changes = service.store().changes(None).await.unwrap();
    assert!(
        changes
            .records
            .iter()
            .all(|record| record.revoked.is_some() && record.user == "anna")
    );
}
