//! `--realm`: the port that a token belongs to.

use clap::ValueEnum;
use tokenlatch::core::Realm;

/// The port that a token belongs to.
#[derive(Clone, Copy, ValueEnum)]
pub enum RealmArg {
    /// The account's port
    Account,
    /// The administrator's port
    Admin,
}

impl From<RealmArg> for Realm {
    fn from(realm: RealmArg) -> Realm {
        match realm {
            RealmArg::Account => Realm::Account,
            RealmArg::Admin => Realm::Admin,
        }
    }
}
