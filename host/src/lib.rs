//! Tokenlatch for native programs: issues and verifies API tokens. One WebAssembly module makes every decision.
//!
//! - [`Module`] runs the module in wasmtime, with a typed method for each operation and [`Module::call_json`].
//! - [`Table`] is the hot path: records are loaded once, then a verification takes about a microsecond.
//! - [`Store`] keeps accounts and records: [`SqliteStore`] in a file, [`PostgresStore`] on a server.
//! - [`Verifier`] verifies requests against a store, through a table that it brings up to date before each verification.
//! - [`Service`] joins the module and a store with a clock and randomness, and covers the whole life of a token.
//!
//! The crate contains no token rules and parses no HTTP: it asks the module. Every failure of the module, the store or
//! the system is an error with a stable code, and an error never admits a request.
//!
//! ```no_run
#![doc = include_str!("../examples/embed.rs")]
//! ```

mod archive_error;
mod byte_order_mark;
mod clock;
mod entropy;
mod error;
mod hex;
mod module;
pub mod offload;
mod peppers;
mod presented;
mod private_file;
mod service;
mod snapshot;
mod store;
mod verifier;
mod zone;

pub use tokenlatch_core as core;

pub use archive_error::ArchiveError;
pub use byte_order_mark::without_byte_order_mark;
pub use clock::{Clock, SetClock, SystemClock};
pub use entropy::{ENTROPY_BYTES, Entropy, SystemEntropy};
pub use error::{EnvironmentError, Error, ModuleError, Result};
pub use hex::hex;
pub use module::{ABI_VERSION, CodeCache, Decision, Limits, Module, Options, Snapshot, Table};
pub use peppers::read_peppers;
pub use presented::Presented;
pub use private_file::{lock_beside, place_file, read_private, read_text, write_atomically};
pub use service::{
    ArchiveFile, ArchiveKind, AskingToken, ExpiryTerms, FunctionCall, FunctionFailure, KEPT_REVOKED_DAYS, ListOptions,
    ListedToken, NewToken, Newer, PagedTokens, RestoreChoice, Restored, Revived, Revocation, Service, TokenUpdate,
    wipe_values,
};
pub use snapshot::{
    Delta, Fetch, Fetched, Follower, FollowerOptions, FollowerStatus, KeyFileError, LONGEST_POLL, MAX_REPORTED,
    Message, Publisher, PublisherOptions, REPORT_REFUSED, REPORT_UNWANTED, ReportError, ReportedUse, Source,
    SourceError, UsageReport, key_file_text, read_snapshot_key,
};
pub use store::{
    AccountStore, Archive, ArchiveStore, ArchivedAccount, ArchivedToken, Change, ChangeStore, Changes, Engine, History,
    KEPT_REVOKED, NewAccount, PageQuery, PasswordHash, Plan, PostgresStore, Revision, RevisionStamp, SessionStore,
    Settings, SqliteStore, Store, StoreError, StoredAccount, StoredSession, StoredToken, TokenKeys, TokenPage,
    TokenStore, Usage, UsageBatch, UsageStore, Version, open_store,
};
pub use verifier::{Verifier, VerifierOptions, WentBack};
pub use zone::ServerZone;
