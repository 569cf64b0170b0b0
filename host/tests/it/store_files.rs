//! Files that a store must not trust: missing, foreign, newer, read-only, damaged. Each fails closed.

use std::fs;
use std::sync::Arc;

use crate::common::{Place, module, plain, reason, run};
use tokenlatch::core::{Authorization, Call, Realm, Reason};
use tokenlatch::{Service, SqliteStore, StoreError};

#[test]
fn two_processes_may_make_the_database_at_once() {
    run(async {
        let place = Place::new();
        let mut tasks = Vec::new();
        for _ in 0..8 {
            let database = place.database.clone();
            tasks.push(tokio::spawn(async move {
                SqliteStore::open(&database, true).await.map(drop)
            }));
        }
        for task in tasks {
            task.await.unwrap().unwrap();
        }
    });
}

#[test]
fn a_file_that_cannot_be_used_is_a_coded_error() {
    run(async {
        let place = Place::new();
        let open = async |path: &str| SqliteStore::open(path, true).await.map(drop).unwrap_err().code();
        let at = |name: &str| place.folder.path().join(name).to_str().unwrap().to_owned();

        assert_eq!(
            SqliteStore::open(&at("none.db"), false).await.unwrap_err().code(),
            "store_missing"
        );
        assert_eq!(open("mysql://user:password@host/db").await, "store_unsupported");
        assert_eq!(open(":memory:").await, "store_unsupported");
        assert_eq!(open(&at("no/such/folder.db")).await, "store_unopenable");

        fs::write(at("text.db"), "This is no database, and never was one. ".repeat(200)).unwrap();
        assert_eq!(open(&at("text.db")).await, "store_corrupt");

        let foreign = sqlx::SqlitePool::connect(&format!("sqlite:{}?mode=rwc", at("foreign.db")))
            .await
            .unwrap();
        sqlx::query("CREATE TABLE notes (text TEXT)")
            .execute(&foreign)
            .await
            .unwrap();
        foreign.close().await;
        assert_eq!(open(&at("foreign.db")).await, "store_foreign");

        place.service().await.close().await;
        let ours = sqlx::SqlitePool::connect(&format!("sqlite:{}", place.database))
            .await
            .unwrap();
        sqlx::query("INSERT INTO _sqlx_migrations VALUES (99, 'later', 0, 1, x'00', 0)")
            .execute(&ours)
            .await
            .unwrap();
        ours.close().await;
        let error = SqliteStore::open(&place.database, false).await.unwrap_err();
        assert_eq!(error, StoreError::SchemaNewer { found: 99, known: 6 });
    });
}

#[test]
fn error_for_an_unsupported_address_hides_the_password() {
    run(async {
        let error = SqliteStore::open("postgres://user:hunter2@host/db", true)
            .await
            .unwrap_err();
        assert!(
            !error.to_string().contains("hunter2") && !format!("{error:?}").contains("hunter2"),
            "{error:?}"
        );
    });
}

#[test]
fn a_read_only_database_refuses_changes_and_still_verifies() {
    run(async {
        let place = Place::new();
        let service = place.service().await;
        let one = service.create(plain("one")).await.unwrap();
        let reading = SqliteStore::open(&format!("sqlite:{}?mode=ro", place.database), false)
            .await
            .unwrap();
        let reading = Service::new(module(), Arc::new(reading));
        assert_eq!(reason(&reading, one.token.expose()).await, Reason::Ok);
        assert_eq!(
            reading.create(plain("two")).await.unwrap_err().code(),
            "store_read_only"
        );
        assert_eq!(
            reading
                .revoke("alice", Realm::Account, &["one".to_owned()])
                .await
                .unwrap_err()
                .code(),
            "store_read_only"
        );
        assert_eq!(
            reading.set_suspended("alice", true).await.unwrap_err().code(),
            "store_read_only"
        );
    });
}

#[test]
fn corrupted_record_is_never_used() {
    run(async {
        let place = Place::new();
        let service = place.service().await;
        let one = service.create(plain("one")).await.unwrap();
        let hint = one.record.hint.clone();
        service.close().await;
        // Flips a digit of the expiry in the record's text, as a bad disk might.
        let mut bytes = fs::read(&place.database).unwrap();
        let expires = format!("\"expires\":{}", one.record.expires.unwrap());
        let at = bytes
            .windows(expires.len())
            .position(|window| window == expires.as_bytes())
            .unwrap();
        bytes[at + 10] = if bytes[at + 10] == b'9' { b'8' } else { b'9' };
        fs::write(&place.database, bytes).unwrap();
        let service = Service::new(
            module(),
            Arc::new(SqliteStore::open(&place.database, false).await.unwrap()),
        );
        let header = format!("cpanel alice:{}", one.token.expose());
        let error = service
            .verify(&Authorization::from(header.as_str()), &Call::default())
            .await
            .unwrap_err();
        assert_eq!(error.code(), "store_corrupt", "{hint}");
    });
}

#[test]
fn corrupted_pages_never_admit_a_token() {
    run(async {
        let place = Place::new();
        let service = place.service().await;
        let mut tokens = Vec::new();
        for number in 0..40 {
            tokens.push(service.create(plain(&format!("token-{number}"))).await.unwrap());
        }
        service
            .revoke("alice", Realm::Account, &["token-7".to_owned()])
            .await
            .unwrap();
        service.close().await;
        let whole = fs::read(&place.database).unwrap();
        for page in 1..whole.len() / 4096 {
            let mut broken = whole.clone();
            broken[page * 4096..page * 4096 + 4096].fill(0xa5);
            fs::write(&place.database, &broken).unwrap();
            refused(&place, tokens[7].token.expose()).await;
            fs::write(&place.database, &whole[..page * 4096]).unwrap();
            refused(&place, tokens[7].token.expose()).await;
        }
    });
}

/// Whatever is wrong with the file, the revoked token is not admitted.
async fn refused(place: &Place, token: &str) {
    let _ = fs::remove_file(format!("{}-wal", place.database));
    let _ = fs::remove_file(format!("{}-shm", place.database));
    let Ok(store) = SqliteStore::open(&place.database, false).await else {
        return;
    };
    let service = Service::new(module(), Arc::new(store));
    let header = format!("cpanel alice:{token}");
    if let Ok(verdict) = service
        .verify(&Authorization::from(header.as_str()), &Call::default())
        .await
    {
        assert!(!verdict.allowed);
    }
    service.close().await;
}

#[cfg(unix)]
#[test]
fn database_files_are_private_to_the_owner() {
    use std::os::unix::fs::PermissionsExt;
    run(async {
        let place = Place::new();
        let _service = place.service().await;
        for entry in fs::read_dir(place.folder.path()).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(
                entry.metadata().unwrap().permissions().mode() & 0o077,
                0,
                "{:?}",
                entry.path()
            );
        }
    });
}
