//! One suite for two kinds of database.

use std::sync::{Arc, Mutex, Weak};

use tokenlatch::core::Features;
use tokenlatch::{Service, Store, open_store};

use crate::postgres::Postgres;
use crate::{module, run};

/// An empty temporary database.
pub struct Database {
    pub address: String,
    folder: Option<tempfile::TempDir>,
    _server: Option<Arc<Postgres>>,
}

impl Database {
    /// A file in its own folder.
    pub fn sqlite() -> Database {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Database {
            address: folder.path().join("t.db").to_str().expect("UTF-8").to_owned(),
            folder: Some(folder),
            _server: None,
        }
    }

    /// A database on a server that the tests of one process share.
    pub async fn postgres() -> Option<Database> {
        static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
        let server = {
            let mut shared = SHARED.lock().expect("no test panics while it holds this");
            match shared.upgrade() {
                Some(server) => server,
                None => {
                    let server = Arc::new(Postgres::start()?);
                    *shared = Arc::downgrade(&server);
                    server
                }
            }
        };
        Some(Database {
            address: server.database("suite").await,
            folder: None,
            _server: Some(server),
        })
    }

    /// Another database of the same kind.
    pub async fn another(&self) -> Database {
        match self.folder {
            Some(_) => Database::sqlite(),
            None => Database::postgres().await.expect("the server is there"),
        }
    }

    pub fn is_sqlite(&self) -> bool {
        self.folder.is_some()
    }

    /// Opens it, as each process does.
    pub async fn store(&self) -> Arc<dyn Store> {
        open_store(&self.address, true).await.expect("the store opens")
    }

    /// A service with it, as each process has.
    pub async fn open(&self) -> Service {
        Service::new(module(), self.store().await)
    }

    /// A service with the accounts alice and bob.
    pub async fn service(&self) -> Service {
        let service = self.open().await;
        for user in ["alice", "bob"] {
            service
                .add_account(user, Features::All)
                .await
                .expect("the account is added");
        }
        service
    }

    /// Runs a statement directly on the database, without the store, and returns the database's answer.
    pub async fn sql(&self, sqlite: &'static str, postgres: &'static str) -> Result<u64, String> {
        if self.is_sqlite() {
            let pool = sqlx::SqlitePool::connect(&format!("sqlite:{}", self.address))
                .await
                .expect("the file opens");
            let done = sqlx::raw_sql(sqlite).execute(&pool).await;
            done.map(|done| done.rows_affected()).map_err(|error| error.to_string())
        } else {
            let pool = sqlx::PgPool::connect(&self.address).await.expect("the server answers");
            let done = sqlx::raw_sql(postgres).execute(&pool).await;
            done.map(|done| done.rows_affected()).map_err(|error| error.to_string())
        }
    }
}

/// Runs a test of the suite with SQLite.
pub fn over_sqlite(test: impl AsyncFnOnce(Database)) {
    run(test(Database::sqlite()));
}

/// Runs a test of the suite with PostgreSQL, if it is available.
pub fn over_postgres(test: impl AsyncFnOnce(Database)) {
    run(async {
        if let Some(database) = Database::postgres().await {
            test(database).await;
        }
    });
}

/// Makes two tests of each function, one for each kind of database.
#[macro_export]
macro_rules! over_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[test] fn $name() { $crate::database::over_sqlite(super::$name); })*
        }
        mod postgres {
            $(#[test] fn $name() { $crate::database::over_postgres(super::$name); })*
        }
    };
}
