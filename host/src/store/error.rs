//! What a store refuses, and what can go wrong with it.

use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;

/// A refusal or a failure of the store. Whatever it is, nothing is admitted by it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The user has a live token of that name.
    #[error("the user has a token of that name; choose another name, or revoke that token first")]
    NameTaken,
    /// Another record has the hash or the id.
    #[error("another token has the same hash; create the token again")]
    HashTaken,
    /// The user has an account.
    #[error("there is an account of that name")]
    AccountExists,
    /// There is no such account.
    #[error("there is no account `{0}`; `tokenlatch account list` shows those there are")]
    AccountUnknown(String),
    /// There is no live token of that name.
    #[error("there is no token `{0}` that is not revoked; `tokenlatch token list` shows those there are")]
    TokenUnknown(String),
    /// The token has been revoked, and stays so.
    #[error("the token has been revoked, and stays so")]
    TokenRevoked,
    /// A record has changed since it was read.
    #[error("the stored data changed meanwhile; try again")]
    Conflict,
    /// Another process held the database for too long.
    #[error("another process is holding the database; try again")]
    Busy,
    /// The disk is full.
    #[error("the disk is full, so nothing was changed; make room and try again")]
    Full,
    /// The database cannot be written.
    #[error(
        "the database cannot be written; check who owns the file and its folder, and whether it was opened read-only"
    )]
    ReadOnly,
    /// There is no database.
    #[error("there is no database at `{0}`; `tokenlatch account add NAME` makes one, `--database` names another")]
    Missing(String),
    /// The database cannot be opened.
    #[error("the database cannot be opened: {0}")]
    Unopenable(String),
    /// The file is damaged, or its content contradicts itself.
    #[error("the database is damaged ({0}); nothing is read from it: restore it from a backup")]
    Corrupt(String),
    /// The file is a database of something else.
    #[error("the file is a database of another program; `--database` names another file")]
    Foreign,
    /// The file was written by a newer version.
    #[error("the database has schema {found}, this program knows {known}; use the newer program that wrote it")]
    SchemaNewer {
        /// The version in the file.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The server of the database does not answer, or the connection to it was lost.
    #[error("the database cannot be reached ({0}); look whether its server runs, and try again")]
    Unreachable(String),
    /// The address names a kind of database that this program does not have.
    #[error("`{0}` is not a database that this program can use; give a path, `sqlite:PATH` or `postgres://…`")]
    Unsupported(String),
    /// Anything else that failed.
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
            StoreError::Full => "store_full",
            StoreError::ReadOnly => "store_read_only",
            StoreError::Missing(_) => "store_missing",
            StoreError::Unopenable(_) => "store_unopenable",
            StoreError::Corrupt(_) => "store_corrupt",
            StoreError::Foreign => "store_foreign",
            StoreError::SchemaNewer { .. } => "store_schema_newer",
            StoreError::Unreachable(_) => "store_unreachable",
            StoreError::Unsupported(_) => "store_unsupported",
            StoreError::Failed(_) => "store_failed",
        }
    }

    /// Whether the store did its work and refused, rather than failed.
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

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> StoreError {
        match &error {
            sqlx::Error::Database(database) => match database.try_downcast_ref::<PgDatabaseError>() {
                Some(error) => from_postgres(error),
                None => from_sqlite(database.as_ref()),
            },
            sqlx::Error::PoolTimedOut => StoreError::Busy,
            sqlx::Error::Io(error) => StoreError::Unreachable(error.to_string()),
            sqlx::Error::Tls(_) => StoreError::Unreachable("TLS failed".to_owned()),
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

/// What the constraints and triggers of both schemas are called, and what a breach of them means.
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

/// The primary result codes of SQLite (<https://www.sqlite.org/rescode.html>); the low byte of an extended one.
fn from_sqlite(error: &dyn DatabaseError) -> StoreError {
    let code: i32 = error.code().and_then(|code| code.parse().ok()).unwrap_or_default();
    match code & 0xff {
        5 | 6 => StoreError::Busy,
        8 => StoreError::ReadOnly,
        11 => StoreError::Corrupt("its pages are broken".to_owned()),
        13 => StoreError::Full,
        14 => StoreError::Unopenable("the system does not let the file be opened".to_owned()),
        19 => from_guard(error.message()),
        26 => StoreError::Corrupt("the file is not a database".to_owned()),
        _ => StoreError::Failed(error.to_string()),
    }
}

/// The SQLSTATEs of PostgreSQL (its documentation, appendix A). The message is the server's; the details, which may
/// repeat values, are left out.
fn from_postgres(error: &PgDatabaseError) -> StoreError {
    let message = || error.message().to_owned();
    match error.code() {
        // A unique index, or a trigger that raised its word.
        "23505" => from_guard(error.constraint().unwrap_or_default()),
        "P0001" => from_guard(error.message()),
        "40001" | "40P01" => StoreError::Conflict,
        "55P03" | "57014" | "53300" | "25P03" => StoreError::Busy,
        "53100" => StoreError::Full,
        "25006" => StoreError::ReadOnly,
        "XX001" | "XX002" => StoreError::Corrupt(message()),
        "42501" | "3D000" => StoreError::Unopenable(message()),
        "57P01" | "57P02" | "57P03" | "57P05" => StoreError::Unreachable(message()),
        code if code.starts_with("08") => StoreError::Unreachable(message()),
        code if code.starts_with("28") => StoreError::Unopenable(message()),
        _ => StoreError::Failed(message()),
    }
}
