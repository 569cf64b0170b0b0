//! The errors of a store.

use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;

/// A kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Engine {
    /// A SQLite file.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

impl Engine {
    /// The stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Engine::Sqlite => "sqlite",
            Engine::Postgres => "postgresql",
        }
    }
}

/// A refusal or a failure of the store. An error never admits a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The user has a live token of that name.
    #[error("the user already has a token of that name; choose another name, or revoke that token first")]
    NameTaken,
    /// Another record has the hash or the id.
    #[error("another token has the same hash; create the token again")]
    HashTaken,
    /// The user already has an account.
    #[error("an account of that name already exists")]
    AccountExists,
    /// The user has no account.
    #[error("the account `{0}` does not exist; `tokenlatch account list` lists the accounts")]
    AccountUnknown(String),
    /// No live token has that name.
    #[error("there is no active token `{0}`; `tokenlatch token list` lists the tokens")]
    TokenUnknown(String),
    /// The token is revoked, which is permanent.
    #[error("the token was revoked permanently")]
    TokenRevoked,
    /// A record has changed since it was read.
    #[error("the stored data was changed in the meantime; try again")]
    Conflict,
    /// The database was locked or overloaded for too long.
    #[error("the database is busy and did not answer in time; try again")]
    Busy,
    /// The disk is full.
    #[error("{}", full(*.0))]
    Full(Engine),
    /// The database is read-only.
    #[error("{}", read_only(*.0))]
    ReadOnly(Engine),
    /// The server refuses the user, the password or the permissions.
    #[error("the database server refuses this program ({0}); check the user, the password and the user's rights")]
    Refused(String),
    /// A pooler between this program and the server drops a connection's settings or prepared statements.
    #[error(
        "the connection goes through a pooler, such as PgBouncer, that drops the settings or the prepared statements of a \
         connection; connect to the PostgreSQL server itself"
    )]
    Pooled,
    /// The connection would leave this machine without a verified certificate.
    #[error(
        "a PostgreSQL server on another machine needs `sslmode=verify-full`, and `sslrootcert=FILE` if its certificate \
         is from a private CA; weaker modes are refused"
    )]
    Insecure,
    /// The server offers no TLS, or its certificate cannot be verified.
    #[error(
        "the connection to the database server cannot be secured ({0}); check that it offers TLS, that its certificate names \
         the host, and that `sslrootcert` names the CA's file"
    )]
    Untrusted(String),
    /// The file was removed or replaced after it was opened.
    #[error(
        "the database's file was removed or replaced while it was in use, so it is no longer used; stop the program, \
         put the right file back, and start it"
    )]
    Replaced,
    /// The database is missing, but a file beside it shows that there was one.
    #[error(
        "there is no database at `{database}`, but `{evidence}` records one; restore it, or check for a missing mount \
         or a mistyped path. `--create=always` creates a new one"
    )]
    Gone {
        /// The requested database.
        database: String,
        /// The file beside it.
        evidence: String,
    },
    /// The database is not the one that was there before.
    #[error(
        "the database `{database}` is not the one that `{evidence}` records; restore that one. If this is the right \
         one, remove that file, or add this one with `--create=always`"
    )]
    Differs {
        /// The requested database.
        database: String,
        /// The file beside it.
        evidence: String,
    },
    /// The database lacks data that it had before.
    #[error(
        "the database `{database}` is older than `{evidence}` records: one of its files was lost, such as the one that \
         ends in `-wal`. Restore a backup; if this is the right one, remove that file"
    )]
    Younger {
        /// The requested database.
        database: String,
        /// The file beside it.
        evidence: String,
    },
    /// The database does not exist.
    #[error("there is no database at `{0}`; `tokenlatch account add NAME` creates one, `--database` selects another")]
    Missing(String),
    /// The database cannot be opened.
    #[error("the database cannot be opened: {0}")]
    Unopenable(String),
    /// The file is damaged or inconsistent.
    #[error("the database is damaged ({0}) and is not used; restore a backup")]
    Corrupt(String),
    /// The file is a database of another program.
    #[error("the file is a database of another program; `--database` selects another file")]
    Foreign,
    /// The file was written by a newer version.
    #[error("the database has schema {found}, this program knows {known}; use the newer program that wrote it")]
    SchemaNewer {
        /// The version in the file.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// A part of the schema is missing.
    #[error(
        "a part of the database's schema is missing: it is being restored, or was restored from an older version of this \
         program; wait for that to finish, and restart"
    )]
    Incomplete,
    /// The database server does not answer, or the connection was lost.
    #[error("the database cannot be reached ({0}); check that its server runs, and try again")]
    Unreachable(String),
    /// The address names an unsupported kind of database.
    #[error("`{0}` is not a database that this program can use; give a path, `sqlite:PATH` or `postgres://…`")]
    Unsupported(String),
    /// Any other failure.
    #[error("the database failed: {0}")]
    Failed(String),
}

impl StoreError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            StoreError::NameTaken => "name_taken",
            StoreError::HashTaken => "hash_taken",
            StoreError::AccountExists => "account_exists",
            StoreError::AccountUnknown(_) => "account_unknown",
            StoreError::TokenUnknown(_) => "token_unknown",
            StoreError::TokenRevoked => "record_revoked",
            StoreError::Conflict => "store_conflict",
            StoreError::Busy => "store_busy",
            StoreError::Full(_) => "store_full",
            StoreError::ReadOnly(_) => "store_read_only",
            StoreError::Refused(_) => "store_refused",
            StoreError::Pooled => "store_pooled",
            StoreError::Insecure => "store_insecure",
            StoreError::Untrusted(_) => "store_untrusted",
            StoreError::Replaced => "store_replaced",
            StoreError::Gone { .. } => "store_gone",
            StoreError::Differs { .. } => "store_differs",
            StoreError::Younger { .. } => "store_younger",
            StoreError::Missing(_) => "store_missing",
            StoreError::Unopenable(_) => "store_unopenable",
            StoreError::Corrupt(_) => "store_corrupt",
            StoreError::Foreign => "store_foreign",
            StoreError::SchemaNewer { .. } => "store_schema_newer",
            StoreError::Incomplete => "store_incomplete",
            StoreError::Unreachable(_) => "store_unreachable",
            StoreError::Unsupported(_) => "store_unsupported",
            StoreError::Failed(_) => "store_failed",
        }
    }

    /// Whether the store worked and refused the operation, rather than failed.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            StoreError::NameTaken
                | StoreError::HashTaken
                | StoreError::AccountExists
                | StoreError::AccountUnknown(_)
                | StoreError::TokenUnknown(_)
                | StoreError::TokenRevoked
        )
    }
}

fn full(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "the disk of the database's file is full, so nothing was changed; make room and try again",
        Engine::Postgres => "the disk of the database server is full, so nothing was changed; make room and try again",
    }
}

fn read_only(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => {
            "the database's file cannot be written; check who owns the file and its folder, whether the file system is \
             mounted read-only, and whether the database was opened read-only"
        }
        Engine::Postgres => {
            "the database server is read-only: it is a standby, or `default_transaction_read_only` is on; connect to \
             the primary, or turn that off"
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> StoreError {
        match &error {
            sqlx::Error::Database(database) => match database.try_downcast_ref::<PgDatabaseError>() {
                Some(error) => from_postgres(error),
                None => from_sqlite(database.as_ref()),
            },
            sqlx::Error::PoolTimedOut => StoreError::Busy,
            sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                StoreError::Untrusted(error.to_string())
            }
            sqlx::Error::Io(error) => StoreError::Unreachable(error.to_string()),
            sqlx::Error::Tls(error) => StoreError::Untrusted(error.to_string()),
            sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Protocol(_)
            | sqlx::Error::BeginFailed => StoreError::Unreachable(error.to_string()),
            sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => {
                StoreError::Corrupt("a value of the wrong type".to_owned())
            }
            other => StoreError::Failed(other.to_string()),
        }
    }
}

/// The names of the constraints and triggers in both schemas, and the errors that they stand for.
const GUARDS: &[(&str, StoreError)] = &[
    ("tokens_live_name", StoreError::NameTaken),
    ("tokens.account, tokens.name", StoreError::NameTaken),
    ("tokens_hash", StoreError::HashTaken),
    ("tokens.hash", StoreError::HashTaken),
    ("tokens_id", StoreError::HashTaken),
    ("tokens.id", StoreError::HashTaken),
    ("accounts_live_user", StoreError::AccountExists),
    ("accounts.user", StoreError::AccountExists),
    ("accounts_key", StoreError::AccountExists),
    ("accounts.key", StoreError::AccountExists),
    ("token_revoked", StoreError::TokenRevoked),
    ("account_unknown", StoreError::AccountUnknown(String::new())),
    ("account_in_use", StoreError::Conflict),
];

fn from_guard(name: &str) -> StoreError {
    GUARDS
        .iter()
        .find(|(guard, _)| name.contains(guard))
        .map_or_else(|| StoreError::Failed(name.to_owned()), |(_, error)| error.clone())
}

/// Maps SQLite's primary result codes (<https://www.sqlite.org/rescode.html>), the low byte of extended ones.
fn from_sqlite(error: &dyn DatabaseError) -> StoreError {
    let code: i32 = error.code().and_then(|code| code.parse().ok()).unwrap_or_default();
    match code & 0xff {
        1 if error.message().starts_with("no such table") => StoreError::Incomplete,
        5 | 6 => StoreError::Busy,
        8 => StoreError::ReadOnly(Engine::Sqlite),
        11 => StoreError::Corrupt("its pages are corrupt".to_owned()),
        13 => StoreError::Full(Engine::Sqlite),
        14 => StoreError::Unopenable("permission denied, a missing folder, or too many open files".to_owned()),
        19 => from_guard(error.message()),
        26 => StoreError::Corrupt("the file is not a database".to_owned()),
        _ => StoreError::Failed(error.to_string()),
    }
}

/// Maps PostgreSQL's SQLSTATEs (its documentation, appendix A). The message is the server's; its details are left out
/// because they may repeat values.
fn from_postgres(error: &PgDatabaseError) -> StoreError {
    let message = || error.message().to_owned();
    match error.code() {
        // A unique index, or an exception that a trigger raised.
        "23505" => from_guard(error.constraint().unwrap_or_default()),
        "P0001" => from_guard(error.message()),
        "40001" | "40P01" => StoreError::Conflict,
        "55P03" | "57014" | "53300" | "25P03" => StoreError::Busy,
        "53100" => StoreError::Full(Engine::Postgres),
        "25006" => StoreError::ReadOnly(Engine::Postgres),
        // A statement prepared on another connection to the server, or a setting that a pooler does not know.
        "26000" | "42P05" => StoreError::Pooled,
        "08P01" if error.message().contains("startup parameter") => StoreError::Pooled,
        // A missing schema, table or column.
        "3F000" | "42P01" | "42703" => StoreError::Incomplete,
        "XX001" | "XX002" => StoreError::Corrupt(message()),
        "3D000" => StoreError::Unopenable(message()),
        "42501" => StoreError::Refused(message()),
        "57P01" | "57P02" | "57P03" | "57P05" => StoreError::Unreachable(message()),
        code if code.starts_with("08") => StoreError::Unreachable(message()),
        code if code.starts_with("28") => StoreError::Refused(message()),
        _ => StoreError::Failed(message()),
    }
}
