//! Databases that fail, race, are old or were tampered with.
#![cfg(unix)]

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::common::database::Database;
use crate::common::postgres::Postgres;
use crate::common::{NOW, Place, module, plain, reason, run};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, SqlSafeStr};
use tokenlatch::core::{Call, Created, Features, Realm, Reason};
use tokenlatch::{ListOptions, Presented, Service, Store, StoreError, StoredSession, Verifier, open_store};
use tokio::task::JoinSet;

const FIRST_SCHEMA_ON_A_SERVER: &str = include_str!("../../src/store/migrations/postgres/0001_accounts_and_tokens.sql");

const FIRST_SCHEMA: &str = include_str!("../../src/store/migrations/sqlite/0001_accounts_and_tokens.sql");

crate::common::over_both!(
    account_removal_revokes_concurrently_created_tokens,
    account_rename_keeps_concurrently_created_tokens,
    check_finds_missing_schema_objects,
    many_servers_may_make_the_schema_at_once,
);

async fn account_removal_revokes_concurrently_created_tokens(database: Database) {
    let (first, second) = (database.service().await, database.open().await);
    let mut tasks = Vec::new();
    for number in 0..40 {
        let service = if number % 2 == 0 { first.clone() } else { second.clone() };
        tasks.push(tokio::spawn(async move {
            service.create(plain(&format!("t{number}"))).await
        }));
    }
    let removed = first.remove_account("alice").await;
    let mut made = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok(created) => made.push(created.token),
            Err(error) => assert_eq!(error.code(), "account_unknown"),
        }
    }
    // If too many changes came in between, the removal may have to be repeated.
    if removed.is_err() {
        second.remove_account("alice").await.unwrap();
    }
    for token in made {
        assert_eq!(reason(&second, token.expose()).await, Reason::TokenRevoked);
    }
}

async fn account_rename_keeps_concurrently_created_tokens(database: Database) {
    let (first, second) = (database.service().await, database.open().await);
    let mut tasks = Vec::new();
    for number in 0..40 {
        let service = if number % 2 == 0 { first.clone() } else { second.clone() };
        tasks.push(tokio::spawn(async move {
            service.create(plain(&format!("t{number}"))).await
        }));
    }
    first.rename_account("alice", "anna").await.unwrap();
    let mut made = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => made += 1,
            Err(error) => assert_eq!(error.code(), "account_unknown"),
        }
    }
    let records = second.records("anna", Realm::Account).await.unwrap();
    assert_eq!(records.len(), made);
    assert!(records.iter().all(|record| record.user == "anna"));
    assert!(second.check().await.unwrap().is_empty());
}

async fn check_finds_missing_schema_objects(database: Database) {
    let service = database.service().await;
    assert!(service.check().await.unwrap().is_empty());
    for (sqlite, postgres, name) in [
        (
            "DROP TRIGGER tokens_delete",
            "DROP TRIGGER tokens_delete ON tokenlatch.tokens",
            "tokens_delete",
        ),
        (
            "DROP INDEX tokens_live_name",
            "DROP INDEX tokenlatch.tokens_live_name",
            "tokens_live_name",
        ),
        (
            "DROP TRIGGER accounts_sessions",
            "DROP TRIGGER accounts_sessions ON tokenlatch.accounts",
            "accounts_sessions",
        ),
        (
            "DROP TABLE page_forms",
            "DROP TABLE tokenlatch.page_forms",
            "page_forms",
        ),
    ] {
        database.sql(sqlite, postgres).await.unwrap();
        let found = service.check().await.unwrap();
        assert!(found.iter().any(|line| line.contains(name)), "{found:?}");
    }
    if !database.is_sqlite() {
        let spoil = "CREATE OR REPLACE FUNCTION tokenlatch.guard_tokens() RETURNS trigger LANGUAGE plpgsql \
                     AS $$ BEGIN RETURN NEW; END $$";
        database.sql("", spoil).await.unwrap();
        let found = service.check().await.unwrap();
        assert!(found.iter().any(|line| line.contains("guard_tokens")), "{found:?}");
    }
}

async fn many_servers_may_make_the_schema_at_once(database: Database) {
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let address = database.address.clone();
        tasks.push(tokio::spawn(async move { open_store(&address, true).await.map(drop) }));
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    database.service().await.create(plain("one")).await.unwrap();
}

#[test]
fn migrates_a_sqlite_database_of_the_first_schema() {
    run(async {
        let place = Place::new();
        let pool = sqlx::SqlitePool::connect(&format!("sqlite:{}?mode=rwc", place.database))
            .await
            .unwrap();
        Migrator::with_migrations(vec![Migration::new(
            1,
            "accounts and tokens".into(),
            MigrationType::Simple,
            FIRST_SCHEMA.into_sql_str(),
            false,
        )])
        .run(&pool)
        .await
        .unwrap();
        // Records as the first version wrote them, from another database.
        let other = Place::new();
        let service = other.service().await;
        let live = service.create(plain("live")).await.unwrap();
        let dead = service.create(plain("dead")).await.unwrap();
        service
            .revoke("alice", Realm::Account, &["dead".to_owned()])
            .await
            .unwrap();
        sqlx::raw_sql(
            "INSERT INTO accounts (user, features, created) VALUES ('alice', '\"all\"', 1), ('gone', '[]', 2); \
             UPDATE accounts SET removed = 3 WHERE user = 'gone'",
        )
        .execute(&pool)
        .await
        .unwrap();
        for token in service.store().tokens("alice").await.unwrap() {
            let mut record = token.record;
            let revoked = record.revoked.take();
            sqlx::query("INSERT INTO tokens (account, record) VALUES (1, ?)")
                .bind(serde_json::to_string(&record).unwrap())
                .execute(&pool)
                .await
                .unwrap();
            record.revoked = revoked;
            sqlx::query("UPDATE tokens SET record = ? WHERE id = ?")
                .bind(serde_json::to_string(&record).unwrap())
                .bind(&record.id)
                .execute(&pool)
                .await
                .unwrap();
        }
        pool.close().await;

        let service = Service::new(module(), open_store(&place.database, false).await.unwrap());
        assert_eq!(reason(&service, live.token.expose()).await, Reason::Ok);
        assert_eq!(reason(&service, dead.token.expose()).await, Reason::TokenRevoked);
        assert!(service.check().await.unwrap().is_empty());
        is_ready_for_the_page(&service).await;
        let revision = service.store().revision().await.unwrap();
        service.rename_account("alice", "anna").await.unwrap();
        assert!(service.store().changes(Some(revision)).await.unwrap().whole);
        let backup = service.backup().await.unwrap();
        assert_eq!((backup.accounts.len(), backup.tokens.len()), (2, 2));
        assert_ne!(backup.accounts[0].account.key, backup.accounts[1].account.key);
    });
}

/// Checks that the tables for the web interface work with the older content.
async fn is_ready_for_the_page(service: &Service) {
    let account = service.account("alice").await.unwrap();
    assert_eq!((account.live_tokens, account.account.administrator), (1, false));
    let page = service
        .page("alice", Realm::Account, ListOptions::default())
        .await
        .unwrap();
    assert_eq!((page.total, page.tokens[0].token.name.as_str()), (1, "live"));
    let others = service
        .page("alice", Realm::Admin, ListOptions::default())
        .await
        .unwrap();
    assert_eq!(others.total, 0);
    let session = StoredSession {
        key: "0".repeat(32),
        user: "alice".to_owned(),
        data: "{}".to_owned(),
        ends: NOW,
    };
    assert!(service.store().add_session(&session).await.unwrap());
    service.set_suspended("alice", true).await.unwrap();
    service.set_suspended("alice", false).await.unwrap();
    assert_eq!(service.store().session(&session.key).await.unwrap(), None);
}

#[test]
fn migrates_a_postgresql_database_of_the_first_schema() {
    run(async {
        let Some(database) = Database::postgres().await else {
            return;
        };
        let options: PgConnectOptions = database.address.parse().unwrap();
        let pool = sqlx::PgPool::connect_with(options.options([("search_path", "tokenlatch")]))
            .await
            .unwrap();
        sqlx::query("CREATE SCHEMA tokenlatch").execute(&pool).await.unwrap();
        Migrator::with_migrations(vec![Migration::new(
            1,
            "accounts and tokens".into(),
            MigrationType::Simple,
            FIRST_SCHEMA_ON_A_SERVER.into_sql_str(),
            false,
        )])
        .run(&pool)
        .await
        .unwrap();
        let other = Place::new();
        let beside = other.service().await;
        let live = beside.create(plain("live")).await.unwrap();
        let dead = beside.create(plain("dead")).await.unwrap();
        beside
            .revoke("alice", Realm::Account, &["dead".to_owned()])
            .await
            .unwrap();
        sqlx::query(
            "INSERT INTO accounts (key, \"user\", features, created, changed) \
             VALUES ('0123456789abcdef', 'alice', '\"all\"', 1, 0)",
        )
        .execute(&pool)
        .await
        .unwrap();
        for token in beside.store().tokens("alice").await.unwrap() {
            sqlx::query("INSERT INTO tokens (account, changed, record) SELECT id, 0, $1::jsonb FROM accounts")
                .bind(serde_json::to_string(&token.record).unwrap())
                .execute(&pool)
                .await
                .unwrap();
        }
        pool.close().await;

        // Servers that start concurrently.
        let stores = tokio::join!(database.store(), database.store());
        let service = Service::new(module(), stores.0);
        assert_eq!(reason(&service, live.token.expose()).await, Reason::Ok);
        assert_eq!(reason(&service, dead.token.expose()).await, Reason::TokenRevoked);
        is_ready_for_the_page(&service).await;
        assert!(service.check().await.unwrap().is_empty());
    });
}

#[test]
fn first_schema_never_changes() {
    use sha2::{Digest, Sha256};
    let digest: String = Sha256::digest(FIRST_SCHEMA)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        digest,
        "96317d1cbd585aa6dc2a57d85f6ed750d3bfcc944ec2722259bc81117e1607c7"
    );
}

#[test]
fn a_full_disk_refuses_changes_and_still_verifies() {
    let place = Place::new();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
        .arg(place.folder.path())
        .output()
        .is_ok_and(|output| output.status.success());
    if !mounted {
        // Only root can mount.
        eprintln!("SKIPPED: a file system of one megabyte cannot be mounted");
        return;
    }
    let tested = std::panic::catch_unwind(|| {
        run(async {
            let service = place.service().await;
            let one = service.create(plain("one")).await.unwrap();
            let mut made = vec![one];
            let error = loop {
                match service.create(plain(&format!("t{}", made.len()))).await {
                    Ok(created) => made.push(created),
                    Err(error) => break error,
                }
                assert!(made.len() < 10_000, "the disk is never full");
            };
            assert_eq!(error.code(), "store_full");
            // More often than the pool has connections, so that each one has failed.
            for number in 0..8 {
                let error = service.create(plain(&format!("full{number}"))).await.unwrap_err();
                assert_eq!(error.code(), "store_full");
            }
            for created in made.iter().step_by(10) {
                assert_eq!(reason(&service, created.token.expose()).await, Reason::Ok);
            }
            let count = service.store().changes(None).await.unwrap().records.len();
            assert_eq!(count, made.len(), "what was acknowledged is there, and no more");
            service.store().revision().await.unwrap();
            // With room again, every connection changes data again.
            let grown = Command::new("mount")
                .args(["-o", "remount,size=4m"])
                .arg(place.folder.path())
                .status()
                .unwrap();
            assert!(grown.success());
            for number in 0..8 {
                let name = format!("room{number}");
                service.create(plain(&name)).await.unwrap();
                service.set_suspended("bob", number % 2 == 0).await.unwrap();
                let revoked = service.revoke("alice", Realm::Account, &[name]).await.unwrap();
                assert_eq!(revoked.revoked.len(), 1);
            }
            service.close().await;
        });
    });
    let unmounted = Command::new("umount").arg(place.folder.path()).status().unwrap();
    assert!(unmounted.success());
    tested.unwrap();
}

#[test]
fn killed_postgresql_keeps_acknowledged_writes() {
    let Some(mut server) = Postgres::start() else {
        return;
    };
    if !server.is_ours() {
        return;
    }
    run(async {
        let service = Service::new(module(), open_store(server.url(), true).await.unwrap());
        service.add_account("alice", Features::All).await.unwrap();
        let mut tokens = Vec::new();
        for round in 0..2 {
            for number in 0..20 {
                tokens.push(service.create(plain(&format!("t{round}-{number}"))).await.unwrap());
            }
            let gone = format!("t{round}-7");
            service.revoke("alice", Realm::Account, &[gone]).await.unwrap();
            let revision = service.store().revision().await.unwrap();
            server.kill();
            let start = Instant::now();
            // The server's children take a moment to notice that it has gone.
            let refused = loop {
                match service.store().revision().await {
                    Ok(last) => assert_eq!(last, revision),
                    Err(error) => break error,
                }
                assert!(start.elapsed() < Duration::from_secs(5), "nobody noticed");
            };
            for code in [
                refused.code(),
                service.create(plain("late")).await.unwrap_err().code(),
                service.store().changes(None).await.unwrap_err().code(),
            ] {
                assert!(["store_unreachable", "store_busy"].contains(&code), "{code}");
            }
            assert!(start.elapsed() < Duration::from_secs(40));
            server.restart();
            assert_eq!(service.store().revision().await.unwrap(), revision);
            for (number, token) in tokens.iter().enumerate() {
                let due = if number % 20 == 7 {
                    Reason::TokenRevoked
                } else {
                    Reason::Ok
                };
                assert_eq!(reason(&service, token.token.expose()).await, due);
            }
        }
    });
}

#[test]
fn failed_wal_checkpoint_is_reported() {
    run(async {
        let place = Place::new();
        let service = place.service().await;
        let log = format!("{}-wal", place.database);
        // Another process reads, and keeps its state from before the next change.
        let other = sqlx::SqlitePool::connect(&format!("sqlite:{}", place.database))
            .await
            .unwrap();
        let mut reading = other.begin().await.unwrap();
        let query = sqlx::query("SELECT count(*) FROM accounts");
        query.fetch_one(&mut *reading).await.unwrap();
        service.create(plain("one")).await.unwrap();
        assert_eq!(service.store().settle().await.unwrap_err().code(), "store_busy");
        assert_ne!(std::fs::metadata(&log).unwrap().len(), 0);
        reading.rollback().await.unwrap();
        service.store().settle().await.unwrap();
        assert_eq!(std::fs::metadata(&log).unwrap().len(), 0);
    });
}

/// A database that is restored and then changed until it has the same number of changes again.
#[test]
fn restored_dump_is_noticed_on_the_next_request() {
    let Some(server) = Postgres::start() else {
        return;
    };
    if !server.is_ours() {
        return;
    }
    run(async {
        let address = server.url();
        let service = Service::new(module(), open_store(address, true).await.unwrap());
        service.add_account("alice", Features::All).await.unwrap();
        let revoked = service.create(plain("revoked")).await.unwrap();
        let verifier = Verifier::open(service.clone(), None).await.unwrap();
        server.dump(address, "dump");
        service
            .revoke("alice", Realm::Account, &["revoked".to_owned()])
            .await
            .unwrap();
        let lost = service.create(plain("lost")).await.unwrap();
        assert_eq!(admitted(&verifier, &lost).await, Reason::Ok);
        assert_eq!(admitted(&verifier, &revoked).await, Reason::TokenRevoked);
        let before = service.store().revision().await.unwrap();
        let late = Verifier::open(service.clone(), None).await.unwrap();

        server.put_back(address, "dump");
        let beside = Service::new(module(), open_store(address, false).await.unwrap());
        let one = beside.create(plain("one")).await.unwrap();
        let two = beside.create(plain("two")).await.unwrap();
        let after = beside.store().revision().await.unwrap();
        assert_eq!((after.epoch, after.number), (before.epoch, before.number));
        assert_ne!(after, before);

        assert_eq!(verifier.went_back(), None);
        assert_eq!(admitted(&verifier, &lost).await, Reason::TokenUnknown);
        for token in [one, two, revoked] {
            assert_eq!(admitted(&verifier, &token).await, Reason::Ok);
        }
        let went_back = verifier.went_back().expect("it is known");
        assert_eq!((went_back.times, went_back.before), (1, before.number));

        // Edges know the previous epoch. One server begins the next, even if another notices the restore only then.
        assert!(service.store().begin_epoch(went_back.epoch).await.unwrap());
        let next = service.store().revision().await.unwrap();
        assert!(next.epoch > before.epoch);
        late.ready().await.unwrap();
        let went_back = late.went_back().expect("it is known here too");
        assert!(!service.store().begin_epoch(went_back.epoch).await.unwrap());
        assert_eq!(service.store().revision().await.unwrap(), next);
        verifier.ready().await.unwrap();

        // A restore in progress: the tables exist and lack rows.
        server.put_back(address, "dump");
        let pool = sqlx::PgPool::connect(address).await.unwrap();
        let drop = "DROP TRIGGER tokens_guard ON tokenlatch.tokens";
        sqlx::query(drop).execute(&pool).await.unwrap();
        let error = verifier.ready().await.unwrap_err();
        assert_eq!(error.code(), "store_incomplete");
        let drop = "DROP SCHEMA tokenlatch CASCADE";
        sqlx::query(drop).execute(&pool).await.unwrap();
        let error = verifier.ready().await.unwrap_err();
        assert_eq!(error.code(), "store_incomplete");
        server.put_back(address, "dump");
        verifier.ready().await.unwrap();
        assert_eq!(verifier.went_back().map(|went_back| went_back.times), Some(2));
    });
}

/// A verifier's verdict on a token of alice, if it can decide.
async fn verdict(verifier: &Verifier, token: &Created) -> tokenlatch::Result<Reason> {
    let header = format!("cpanel alice:{}", token.token.expose());
    let presented = Presented::One(header.as_bytes());
    Ok(verifier.verify(presented, &Call::default(), None).await?.reason)
}

/// A verifier's verdict on a token of alice.
async fn admitted(verifier: &Verifier, token: &Created) -> Reason {
    verdict(verifier, token).await.unwrap()
}

/// Waits until a condition holds, for 30 seconds at most.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Checks concurrently whether a store is writable, once for each of its connections.
async fn writable(store: &Arc<dyn Store>) -> Vec<Result<(), StoreError>> {
    let asks = (0..17).map(|_| {
        let store = store.clone();
        async move { store.writable().await }
    });
    asks.collect::<JoinSet<_>>().join_all().await
}

#[test]
fn connection_errors_are_coded_and_hide_the_password() {
    run(async {
        let error = open_store("postgres://user:hunter2@127.0.0.1:1/db", true)
            .await
            .unwrap_err();
        assert_eq!(error.code(), "store_unreachable");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        let error = open_store("postgres://user:hunter2@127.0.0.1:port/db", true)
            .await
            .unwrap_err();
        assert_eq!(error.code(), "store_unsupported");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        let Some(database) = Database::postgres().await else {
            return;
        };
        assert_eq!(
            open_store(&database.address, false).await.unwrap_err().code(),
            "store_missing"
        );
        let store = open_store(&database.address.replace("tokenlatch@", "tokenlatch:hunter2@"), true)
            .await
            .unwrap();
        assert!(!format!("{store:?}").contains("hunter2"));
        let error = open_store(&format!("{}_not_there", database.address), true)
            .await
            .unwrap_err();
        assert_eq!(error.code(), "store_unopenable");
        database.sql("", "CREATE SCHEMA other; ALTER SCHEMA tokenlatch RENAME TO old; CREATE SCHEMA tokenlatch; CREATE TABLE tokenlatch.notes ()").await.unwrap();
        assert_eq!(
            open_store(&database.address, true).await.unwrap_err().code(),
            "store_foreign"
        );
    });
}

#[test]
fn a_pooler_that_drops_settings_is_refused_at_the_start() {
    let Some(server) = Postgres::start() else {
        return;
    };
    if !server.is_ours() {
        return;
    }
    run(async {
        open_store(server.url(), true).await.unwrap().close().await;
        for settings in ["", "ignore_startup_parameters = options,extra_float_digits"] {
            let Some(pooler) = server.pooler(settings) else {
                return;
            };
            let error = open_store(&pooler.url, true).await.unwrap_err();
            assert_eq!(error.code(), "store_pooled", "{settings}: {error}");
        }
    });
}

#[test]
fn read_only_server_has_its_own_error() {
    let Some(server) = Postgres::start() else {
        return;
    };
    if !server.is_ours() {
        return;
    }
    run(async {
        let service = Service::new(module(), open_store(server.url(), true).await.unwrap());
        service.add_account("alice", Features::All).await.unwrap();
        let token = service.create(plain("one")).await.unwrap();
        let store = service.store();
        store.writable().await.unwrap();
        let pool = sqlx::PgPool::connect(server.url()).await.unwrap();
        // The server's processes read a changed setting a moment later. Until then their answers differ.
        let switch = async |to: &'static str, is_writable: bool| {
            sqlx::query(to).execute(&pool).await.unwrap();
            sqlx::query("SELECT pg_reload_conf()").execute(&pool).await.unwrap();
            until(to, async || {
                let asked = writable(store).await;
                asked.iter().all(|answer| answer.is_ok() == is_writable)
            })
            .await;
        };
        switch("ALTER SYSTEM SET default_transaction_read_only = on", false).await;
        let session = StoredSession {
            key: "0".repeat(32),
            user: "alice".to_owned(),
            data: "{}".to_owned(),
            ends: NOW,
        };
        let errors = [
            store.writable().await.unwrap_err(),
            store.set_suspended("alice", true).await.unwrap_err(),
            store.add_session(&session).await.unwrap_err(),
            store.spend_form(&session.key, NOW).await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.code(), "store_read_only");
            assert!(error.to_string().contains("default_transaction_read_only"), "{error}");
        }
        let verifier = Verifier::open(service.clone(), None).await.unwrap();
        assert_eq!(admitted(&verifier, &token).await, Reason::Ok);
        switch("ALTER SYSTEM RESET default_transaction_read_only", true).await;
        store.writable().await.unwrap();
        store.set_suspended("alice", true).await.unwrap();
        // A user whom the server does not let in.
        let stranger = server.url().replace("tokenlatch@", "nobody@");
        let error = open_store(&stranger, true).await.unwrap_err();
        assert_eq!(error.code(), "store_refused", "{error}");
    });
}

#[test]
fn replaced_and_read_only_files_have_their_own_errors() {
    run(async {
        let place = Place::new();
        let service = place.service().await;
        let token = service.create(plain("one")).await.unwrap();
        let verifier = Verifier::open(service.clone(), None).await.unwrap();
        let store = service.store();
        store.writable().await.unwrap();
        let reading = open_store(&format!("sqlite:{}?mode=ro", place.database), false)
            .await
            .unwrap();
        assert_eq!(reading.writable().await.unwrap_err().code(), "store_read_only");
        reading.close().await;
        store.settle().await.unwrap();
        assert_eq!(std::fs::metadata(format!("{}-wal", place.database)).unwrap().len(), 0);

        let aside = format!("{}-aside", place.database);
        std::fs::rename(&place.database, &aside).unwrap();
        for replaced in [false, true] {
            if replaced {
                std::fs::copy(&aside, &place.database).unwrap();
            }
            let errors = [
                verdict(&verifier, &token).await.unwrap_err().code(),
                verifier.ready().await.unwrap_err().code(),
                service.create(plain("two")).await.unwrap_err().code(),
                store.spend_form(&"0".repeat(32), NOW).await.unwrap_err().code(),
                store.writable().await.unwrap_err().code(),
            ];
            assert_eq!(errors, ["store_replaced"; 5], "{replaced}");
            if replaced {
                std::fs::remove_file(&place.database).unwrap();
            }
        }
        std::fs::rename(&aside, &place.database).unwrap();
        assert_eq!(admitted(&verifier, &token).await, Reason::Ok);

        // An empty file is not a database, and is not turned into one.
        let empty = format!("{}-empty", place.database);
        std::fs::write(&empty, "").unwrap();
        assert_eq!(open_store(&empty, false).await.unwrap_err().code(), "store_missing");
        open_store(&empty, true).await.unwrap();
    });
}

#[test]
fn a_certificate_that_cannot_be_verified_is_refused() {
    let Some(server) = Postgres::start() else {
        return;
    };
    if !server.is_ours() {
        return;
    }
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let strict = format!("{}?sslmode=verify-full", server.url());
        let error = open_store(&strict, true).await.unwrap_err();
        assert_eq!(error.code(), "store_untrusted", "it has no TLS yet: {error}");

        let certified = |name: &str| {
            let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
            (made.cert.pem(), made.signing_key.serialize_pem())
        };
        let pool = sqlx::PgPool::connect(server.url()).await.unwrap();
        for (name, trusted) in [("127.0.0.1", true), ("elsewhere.example", false)] {
            let (certificate, key) = certified(name);
            server.put("server.crt", certificate.as_bytes());
            server.put("server.key", key.as_bytes());
            sqlx::query("ALTER SYSTEM SET ssl = on").execute(&pool).await.unwrap();
            sqlx::query("SELECT pg_reload_conf()").execute(&pool).await.unwrap();
            let file = folder.path().join(name);
            std::fs::write(&file, certificate).unwrap();
            // A client that trusts this certificate, whatever its name, connects once the server presents it.
            let any_name = format!("{}?sslmode=verify-ca&sslrootcert={}", server.url(), file.display());
            until("the server shows its new certificate", async || {
                sqlx::PgConnection::connect(&any_name).await.is_ok()
            })
            .await;
            let opened = open_store(&format!("{strict}&sslrootcert={}", file.display()), true).await;
            assert_eq!(opened.is_ok(), trusted, "{name}: {opened:?}");
            if let Err(error) = opened {
                assert_eq!(error.code(), "store_untrusted", "{name}: {error}");
            }
            let error = open_store(&strict, true).await.unwrap_err();
            assert_eq!(error.code(), "store_untrusted", "{name}, of no known CA: {error}");
        }
    });
}
