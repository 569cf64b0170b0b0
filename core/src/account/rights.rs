//! The account that a token acts as: a token can never do more than its user. RULES.md, 1 and 2.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Serialize, Serializer};

use crate::base::error::{Error, ErrorCode};
use crate::base::sort::sorted_texts;
use crate::json::decoder::{Fields, FromValue, deserialize_by_value, not_among, wrong_type};
use crate::json::value::Value;
use crate::token::access::Access;
use crate::token::feature::check_features;
use crate::token::user::check_user;

/// The feature without which an account can neither manage nor use tokens.
pub(crate) const TOKENS_FEATURE: &str = "apitokens";

/// The features for machines: to read signed snapshots, to report uses, to read metrics. Accounts of administrators
/// have them, whatever their list of features is; other accounts never do, not even one with every feature.
const MACHINE_RIGHTS: [&str; 3] = [SNAPSHOT_READ, USAGE_REPORT, METRICS_READ];

/// The feature for reading signed snapshots and their deltas.
pub const SNAPSHOT_READ: &str = "snapshot-read";
/// The feature for reporting how tokens were used.
pub const USAGE_REPORT: &str = "usage-report";
/// The feature for reading metrics.
pub const METRICS_READ: &str = "metrics-read";

/// A user's own rights, as the host knows them now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// The user.
    pub user: String,
    /// Whether the account is suspended. It can then neither create nor use tokens.
    pub suspended: bool,
    /// Whether the account is an administrator's. Only then does it have the features for machines.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub administrator: bool,
    /// The features that the account itself has.
    pub features: Features,
}

/// An account's features.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Features {
    /// Every feature.
    All,
    /// Only these.
    List(Vec<String>),
}

/// No features.
impl Default for Features {
    fn default() -> Self {
        Features::List(Vec::new())
    }
}

impl Serialize for Features {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Features::All => serializer.serialize_str("all"),
            Features::List(features) => features.serialize(serializer),
        }
    }
}

impl FromValue for Features {
    fn from_value(value: Value) -> Result<Self, Error> {
        const EXPECTED: &str = "`all` or an array of features";
        match value {
            Value::String(text) if text == "all" => Ok(Features::All),
            Value::String(_) => Err(not_among(EXPECTED)),
            Value::Array(_) => Vec::from_value(value).map(Features::List),
            other => Err(wrong_type(EXPECTED, &other)),
        }
    }
}
deserialize_by_value!(Features);

impl FromValue for Account {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let account = Account {
            user: fields.required("user"),
            suspended: fields.or("suspended", false),
            administrator: fields.or("administrator", false),
            features: fields.required("features"),
        };
        fields.finish()?;
        Ok(account)
    }
}
deserialize_by_value!(Account);

/// The rights of an account, checked and prepared for look-ups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rights {
    pub(crate) suspended: bool,
    pub(crate) administrator: bool,
    /// Sorted; `None` means every feature.
    pub(crate) features: Option<Vec<String>>,
}

impl Rights {
    pub(crate) fn has(&self, feature: &str) -> bool {
        if MACHINE_RIGHTS.contains(&feature) {
            return self.administrator;
        }
        self.features
            .as_ref()
            .is_none_or(|features| features.binary_search_by(|known| known.as_str().cmp(feature)).is_ok())
    }

    pub(crate) fn may_use_tokens(&self) -> bool {
        self.has(TOKENS_FEATURE)
    }
}

impl Account {
    /// # Errors
    /// `user_*`, `feature_invalid`.
    pub(crate) fn rights(&self) -> Result<Rights, Error> {
        check_user(&self.user, "user")?;
        let features = match &self.features {
            Features::All => None,
            Features::List(list) => {
                check_features(list)?;
                let order = sorted_texts(list.len(), &|at| list.get(at).map(String::as_str));
                Some(order.into_iter().filter_map(|at| list.get(at).cloned()).collect())
            }
        };
        Ok(Rights {
            suspended: self.suspended,
            administrator: self.administrator,
            features,
        })
    }

    /// Checks that a token with this access may be created for the user.
    ///
    /// # Errors
    /// `account_mismatch`, `account_suspended`, `tokens_disabled`, `feature_not_in_account`.
    pub(crate) fn allows_creation(&self, user: &str, access: &Access) -> Result<(), Error> {
        let rights = self.rights().map_err(|error| error.under("account"))?;
        if self.user != user {
            return Err(Error::at(
                ErrorCode::AccountMismatch,
                "account.user",
                "the account is another user's",
            ));
        }
        if rights.suspended {
            return Err(Error::at(
                ErrorCode::AccountSuspended,
                "account",
                "the account is suspended; it can neither create nor use tokens",
            ));
        }
        if !rights.may_use_tokens() {
            return Err(Error::at(
                ErrorCode::TokensDisabled,
                "account",
                "the administrator has disabled API tokens for this account (feature `apitokens`)",
            ));
        }
        if let Access::Limited { features } = access
            && let Some(index) = features.iter().position(|feature| !rights.has(feature))
        {
            return Err(Error::new(
                ErrorCode::FeatureNotInAccount,
                "a token can't have a feature that its account lacks",
            )
            .under_index(index)
            .under("access.features"));
        }
        Ok(())
    }
}
