//! Backup, restore, export, import: no revoked token comes back unintentionally, and no damaged file is used.
#![cfg(unix)]

use crate::common;
use std::sync::Arc;

use crate::common::database::Database;
use crate::common::{NOW, plain, reason};
use tokenlatch::core::{Features, Policy, Realm, Reason};
use tokenlatch::{ArchiveFile, ArchiveKind, Newer, RestoreChoice, Revived, Service, SetClock};
use zeroize::Zeroizing;

crate::common::over_both!(
    a_backup_brings_everything_back_into_an_empty_database,
    restore_revives_tokens_only_when_told,
    tokens_revoked_since_the_backup_stay_revoked,
    restore_revokes_tokens_revoked_in_the_backup,
    tokens_newer_than_the_backup_are_kept_or_revoked,
    restore_keeps_account_removals_and_renames,
    token_whose_name_is_taken_is_restored_revoked,
    a_restore_begins_another_epoch,
    an_export_holds_no_password_and_nothing_revoked,
    an_import_adds_what_is_missing_and_revives_nothing,
    a_backup_of_either_database_restores_into_the_other,
    invalid_backup_with_a_valid_digest_changes_nothing,
    backup_never_revives_a_token_with_a_pruned_revocation,
);

fn choice(revived: Option<Revived>, newer: Newer) -> RestoreChoice {
    RestoreChoice { revived, newer }
}

const STRICT: RestoreChoice = RestoreChoice {
    revived: None,
    newer: Newer::Keep,
};

fn text(file: &ArchiveFile) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.write(&mut bytes).unwrap();
    bytes
}

/// The file, written and read again.
fn reread(file: &ArchiveFile) -> ArchiveFile {
    ArchiveFile::read(text(file).as_slice()).unwrap()
}

async fn names(service: &Service, user: &str) -> Vec<String> {
    let records = service.records(user, None::<Realm>).await.unwrap();
    records.into_iter().map(|record| record.name).collect()
}

async fn revoke(service: &Service, name: &str) {
    let revoked = service
        .revoke("alice", Realm::Account, &[name.to_owned()])
        .await
        .unwrap();
    assert_eq!(revoked.revoked, [name]);
}

async fn a_backup_brings_everything_back_into_an_empty_database(database: Database) {
    let service = database.service().await;
    let policy = Policy {
        max_lifetime: Some(86_400 * 400),
        expiry_required: true,
        ..Policy::default()
    };
    service.set_policy("alice", policy).await.unwrap();
    let password = || Zeroizing::new("correct horse".to_owned());
    service.set_password("alice", password()).await.unwrap();
    service.set_suspended("bob", true).await.unwrap();
    let one = service.create(plain("one")).await.unwrap();
    let two = service.create(plain("two")).await.unwrap();
    revoke(&service, "two").await;
    service.add_account("carol", Features::All).await.unwrap();
    service.remove_account("carol").await.unwrap();
    let backup = reread(&service.backup().await.unwrap());
    assert_eq!((backup.accounts.len(), backup.tokens.len()), (3, 2));

    let place_of_other = database.another().await;
    let other = place_of_other.open().await;
    let restored = other
        .restore(&backup, choice(Some(Revived::Keep), Newer::Keep))
        .await
        .unwrap();
    assert_eq!((restored.accounts, restored.revived, restored.tombstones), (2, 1, 1));
    assert_eq!(reason(&other, one.token.expose()).await, Reason::Ok);
    assert_eq!(reason(&other, two.token.expose()).await, Reason::TokenRevoked);
    assert_eq!(other.account("alice").await.unwrap().policy, policy);
    assert!(other.account("bob").await.unwrap().account.suspended);
    assert!(other.check_password("alice", password()).await.unwrap());
    assert!(other.check().await.unwrap().is_empty());
    let again = other.backup().await.unwrap();
    assert_eq!((again.accounts.len(), again.tokens.len()), (3, 2));
    // A second restore has nothing left to do.
    let restored = other.restore(&backup, STRICT).await.unwrap();
    assert_eq!(
        (restored.accounts, restored.revived, restored.tombstones, restored.newer),
        (0, 0, 0, 0)
    );
}

async fn restore_revives_tokens_only_when_told(database: Database) {
    let service = database.service().await;
    service.create(plain("one")).await.unwrap();
    let backup = service.backup().await.unwrap();
    let place_of_other = database.another().await;
    let other = place_of_other.open().await;
    let error = other.restore(&backup, STRICT).await.unwrap_err();
    assert_eq!(error.code(), "restore_revives");
    assert!(
        error.to_string().starts_with("1 live tokens of the backup are missing"),
        "{error}"
    );
    assert!(other.accounts().await.unwrap().is_empty());
    let restored = other
        .restore(&backup, choice(Some(Revived::Revoke), Newer::Keep))
        .await
        .unwrap();
    assert_eq!((restored.revived, restored.left_revoked), (0, 1));
    assert!(names(&other, "alice").await.is_empty());
}

async fn tokens_revoked_since_the_backup_stay_revoked(database: Database) {
    let service = database.service().await;
    let one = service.create(plain("one")).await.unwrap();
    let backup = service.backup().await.unwrap();
    revoke(&service, "one").await;
    for revived in [None, Some(Revived::Keep)] {
        let restored = service.restore(&backup, choice(revived, Newer::Keep)).await.unwrap();
        assert_eq!((restored.revived, restored.left_revoked), (0, 0));
        assert_eq!(reason(&service, one.token.expose()).await, Reason::TokenRevoked);
    }
}

async fn restore_revokes_tokens_revoked_in_the_backup(database: Database) {
    let service = database.service().await;
    let one = service.create(plain("one")).await.unwrap();
    let before = service.backup().await.unwrap();
    revoke(&service, "one").await;
    let after = service.backup().await.unwrap();
    let place_of_other = database.another().await;
    let other = place_of_other.open().await;
    other
        .restore(&before, choice(Some(Revived::Keep), Newer::Keep))
        .await
        .unwrap();
    assert_eq!(reason(&other, one.token.expose()).await, Reason::Ok);
    let restored = other.restore(&after, STRICT).await.unwrap();
    assert_eq!(restored.revoked_by_file, 1);
    assert_eq!(reason(&other, one.token.expose()).await, Reason::TokenRevoked);
}

async fn tokens_newer_than_the_backup_are_kept_or_revoked(database: Database) {
    let service = database.service().await;
    service.create(plain("old")).await.unwrap();
    service.create(plain("renamed")).await.unwrap();
    let backup = service.backup().await.unwrap();
    service
        .rename("alice", Realm::Account, "renamed", "other")
        .await
        .unwrap();
    service.create(plain("new")).await.unwrap();
    let restored = service.restore(&backup, STRICT).await.unwrap();
    assert_eq!((restored.newer, restored.newer_revoked), (2, false));
    assert_eq!(names(&service, "alice").await, ["old", "other", "new"]);
    let restored = service.restore(&backup, choice(None, Newer::Revoke)).await.unwrap();
    assert_eq!((restored.newer, restored.newer_revoked), (2, true));
    assert_eq!(names(&service, "alice").await, ["old"]);
}

async fn restore_keeps_account_removals_and_renames(database: Database) {
    let service = database.service().await;
    let one = service.create(plain("one")).await.unwrap();
    let mut wish = plain("two");
    wish.user = "bob".to_owned();
    let two = service.create(wish).await.unwrap();
    let backup = service.backup().await.unwrap();
    service.remove_account("alice").await.unwrap();
    service.rename_account("bob", "robert").await.unwrap();
    service
        .restore(&backup, choice(Some(Revived::Keep), Newer::Keep))
        .await
        .unwrap();
    let users: Vec<_> = service
        .accounts()
        .await
        .unwrap()
        .into_iter()
        .map(|found| found.account.user)
        .collect();
    assert_eq!(users, ["robert"]);
    assert_eq!(reason(&service, one.token.expose()).await, Reason::TokenRevoked);
    let found = service
        .find("robert", Realm::Account, two.token.expose())
        .await
        .unwrap();
    assert_eq!(found.unwrap().name, "two");
}

async fn token_whose_name_is_taken_is_restored_revoked(database: Database) {
    let service = database.service().await;
    let one = service.create(plain("one")).await.unwrap();
    let backup = service.backup().await.unwrap();
    let place_of_other = database.another().await;
    let other = place_of_other.service().await;
    let another = other.create(plain("one")).await.unwrap();
    let restored = other
        .restore(&backup, choice(Some(Revived::Keep), Newer::Keep))
        .await
        .unwrap();
    assert_eq!(
        (restored.names_taken.as_slice(), restored.left_revoked),
        (&["one".to_owned()][..], 1)
    );
    assert_eq!(reason(&other, one.token.expose()).await, Reason::TokenRevoked);
    assert_eq!(reason(&other, another.token.expose()).await, Reason::Ok);
    // The name is free where the newer token is to be restored.
    let place_of_third = database.another().await;
    let third = place_of_third.service().await;
    third.create(plain("one")).await.unwrap();
    let restored = third
        .restore(&backup, choice(Some(Revived::Keep), Newer::Revoke))
        .await
        .unwrap();
    assert_eq!((restored.revived, restored.newer), (1, 1));
    assert_eq!(reason(&third, one.token.expose()).await, Reason::Ok);
}

async fn a_restore_begins_another_epoch(database: Database) {
    let service = database.service().await;
    let backup = service.backup().await.unwrap();
    let before = service.store().revision().await.unwrap();
    service.restore(&backup, STRICT).await.unwrap();
    assert!(service.store().revision().await.unwrap().epoch > before.epoch);
}

async fn an_export_holds_no_password_and_nothing_revoked(database: Database) {
    let service = database.service().await;
    service
        .set_password("alice", Zeroizing::new("correct horse".to_owned()))
        .await
        .unwrap();
    let one = service.create(plain("one")).await.unwrap();
    service.create(plain("two")).await.unwrap();
    revoke(&service, "two").await;
    let export = service.export(Some("alice")).await.unwrap();
    assert_eq!(
        (export.kind, export.accounts.len(), export.tokens.len()),
        (ArchiveKind::Export, 1, 1)
    );
    let text = String::from_utf8(text(&export)).unwrap();
    assert!(!text.contains("argon2") && !text.contains("\"two\"") && !text.contains(one.token.expose()));
    assert!(text.contains("sha256:"));
    assert_eq!(
        service.export(Some("carol")).await.unwrap_err().code(),
        "account_unknown"
    );
    assert_eq!(
        service.restore(&export, STRICT).await.unwrap_err().code(),
        "archive_kind"
    );
}

async fn an_import_adds_what_is_missing_and_revives_nothing(database: Database) {
    let service = database.service().await;
    let one = service.create(plain("one")).await.unwrap();
    let export = reread(&service.export(None).await.unwrap());
    let place_of_other = database.another().await;
    let other = place_of_other.open().await;
    let imported = other.import(&export).await.unwrap();
    assert_eq!((imported.accounts, imported.revived), (2, 1));
    assert_eq!(reason(&other, one.token.expose()).await, Reason::Ok);
    revoke(&other, "one").await;
    let imported = other.import(&export).await.unwrap();
    assert_eq!((imported.accounts, imported.revived), (0, 0));
    assert_eq!(reason(&other, one.token.expose()).await, Reason::TokenRevoked);
    // A name conflict must not lead to half a restore.
    let place_of_third = database.another().await;
    let third = place_of_third.service().await;
    third.create(plain("one")).await.unwrap();
    assert_eq!(third.import(&export).await.unwrap_err().code(), "name_taken");
    assert_eq!(names(&third, "alice").await, ["one"]);
}

async fn a_backup_of_either_database_restores_into_the_other(database: Database) {
    let service = database.service().await;
    let mut tokens = Vec::new();
    for number in 0..30 {
        tokens.push(service.create(plain(&format!("t{number}"))).await.unwrap());
    }
    revoke(&service, "t7").await;
    let backup = reread(&service.backup().await.unwrap());
    let other = if database.is_sqlite() {
        match Database::postgres().await {
            Some(other) => other,
            None => return,
        }
    } else {
        Database::sqlite()
    };
    let other = other.open().await;
    other
        .restore(&backup, choice(Some(Revived::Keep), Newer::Keep))
        .await
        .unwrap();
    let back = other.backup().await.unwrap();
    let records =
        |file: &ArchiveFile| -> Vec<_> { file.tokens.iter().map(|token| token.token.record.clone()).collect() };
    let (mut one, mut two) = (records(&backup), records(&back));
    one.sort_by(|a, b| a.id.cmp(&b.id));
    two.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(one, two);
}

async fn invalid_backup_with_a_valid_digest_changes_nothing(database: Database) {
    let service = database.service().await;
    service.create(plain("one")).await.unwrap();
    let backup = service.backup().await.unwrap();
    let place_of_other = database.another().await;
    let other = place_of_other.service().await;
    let before = other.store().revision().await.unwrap();
    type Spoil = fn(&mut ArchiveFile);
    let spoils: &[Spoil] = &[
        |file| file.tokens[0].token.record.name = "no good".to_owned(),
        |file| file.tokens[0].token.record.hash = "sha256:00".to_owned(),
        |file| file.tokens[0].account = "nobody".to_owned(),
        |file| file.accounts[0].account.account.user = "a b".to_owned(),
        |file| file.accounts[0].account.account.features = Features::List(vec!["no good".to_owned()]),
        |file| {
            let mut twin = file.tokens[0].clone();
            twin.token.record.name = "twin".to_owned();
            file.tokens.push(twin);
        },
        |file| {
            file.accounts[0].account.key = "k".to_owned();
            file.accounts[0].account.account.user = "zoe".to_owned();
            file.tokens.clear();
        },
    ];
    for (number, spoil) in spoils.iter().enumerate() {
        let mut file = backup.clone();
        spoil(&mut file);
        let outcome = other.restore(&file, choice(Some(Revived::Keep), Newer::Revoke)).await;
        assert!(outcome.is_err(), "{number}: {outcome:?}");
        assert_eq!(other.store().revision().await.unwrap(), before, "{number}");
    }
}

#[test]
fn changed_or_truncated_archive_is_refused() {
    common::run(async {
        let database = Database::sqlite();
        let service = database.service().await;
        service.create(plain("one")).await.unwrap();
        let whole = text(&service.backup().await.unwrap());
        assert!(ArchiveFile::read(whole.as_slice()).is_ok());
        for at in 0..whole.len() {
            for flip in [0x01, 0x20, 0x80] {
                let mut broken = whole.clone();
                broken[at] ^= flip;
                assert!(ArchiveFile::read(broken.as_slice()).is_err(), "byte {at}");
            }
            let error = ArchiveFile::read(&whole[..at]).unwrap_err();
            assert_eq!(error.code(), "archive_damaged", "cut off at {at}");
        }
        let mut longer = whole.clone();
        longer.push(b'\n');
        assert_eq!(
            ArchiveFile::read(longer.as_slice()).unwrap_err().code(),
            "archive_damaged"
        );
        // An endless line is not read into memory.
        let endless = std::io::BufReader::new(std::io::repeat(b'a'));
        assert_eq!(ArchiveFile::read(endless).unwrap_err().code(), "archive_damaged");
    });
}

#[test]
fn newer_archive_format_is_reported() {
    use sha2::{Digest, Sha256};
    let header = "{\"kind\":\"tokenlatch-backup\",\"format\":2,\"more\":1}\n";
    let digest: String = Sha256::digest(header)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let file = format!("{header}{{\"sha256\":\"{digest}\"}}\n");
    assert_eq!(ArchiveFile::read(file.as_bytes()).unwrap_err().code(), "archive_newer");
}

async fn backup_never_revives_a_token_with_a_pruned_revocation(database: Database) {
    const DAY: i64 = 86_400;
    let clock = Arc::new(SetClock::at(NOW));
    let service = database.service().await.with_clock(clock.clone());
    let one = service.create(plain("one")).await.unwrap();
    let backup = reread(&service.backup().await.unwrap());
    clock.set(NOW + 1);
    revoke(&service, "one").await;
    clock.set(NOW + 2 + 400 * DAY);
    assert_eq!(service.prune(400).await.unwrap(), 1);
    for revived in [None, Some(Revived::Keep)] {
        let restored = service.restore(&backup, choice(revived, Newer::Keep)).await.unwrap();
        assert_eq!(restored.revived, 0);
        assert_eq!(reason(&service, one.token.expose()).await, Reason::TokenRevoked);
    }
    // The same applies if the pruned database itself comes from a backup.
    let later = reread(&service.backup().await.unwrap());
    assert!(later.pruned > NOW);
    let elsewhere = database.another().await;
    let other = elsewhere.open().await.with_clock(clock.clone());
    let mut without = later.clone();
    without.tokens.clear();
    other
        .restore(&without, choice(Some(Revived::Keep), Newer::Keep))
        .await
        .unwrap();
    let restored = other
        .restore(&backup, choice(Some(Revived::Keep), Newer::Keep))
        .await
        .unwrap();
    assert_eq!((restored.revived, restored.left_revoked), (0, 1));
    assert_eq!(reason(&other, one.token.expose()).await, Reason::TokenRevoked);
}
