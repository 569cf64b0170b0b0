//! What a request wants to do.

use alloc::borrow::ToOwned;
use alloc::string::String;

use serde::Serialize;

use super::api::Api;
use super::catalogue::Catalogue;
use crate::base::error::{Error, ErrorCode};
use crate::json::decoder::{Fields, FromValue};
use crate::json::value::Value;
use crate::token::access::Realm;
use crate::token::feature::{FEATURE_RULE, is_feature};

/// What a request wants to do: a function of the catalogue, or a feature and whether it is written to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// The API; UAPI when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<Api>,
    /// The function's module.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// The function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// Instead of a function: the feature that is touched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature: Option<String>,
    /// Instead of a function: whether something is written; true when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writes: Option<bool>,
    /// The address that the request came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The port that the request came in by; the account's when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub realm: Option<Realm>,
}

impl FromValue for Call {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let call = Call {
            api: fields.optional("api"),
            module: fields.optional("module"),
            function: fields.optional("function"),
            feature: fields.optional("feature"),
            writes: fields.optional("writes"),
            address: fields.optional("address"),
            realm: fields.optional("realm"),
        };
        fields.finish()?;
        Ok(call)
    }
}

/// A call with its function looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResolvedCall {
    pub(crate) api: Api,
    pub(crate) feature: Option<String>,
    pub(crate) writes: bool,
    /// Whether the catalogue has it in another case or for another API: some servers carry that function out, others one that
    /// the catalogue doesn't know.
    pub(crate) inexact: bool,
    pub(crate) realm: Realm,
}

impl Call {
    /// Finds what the call touches. A function outside the catalogue, and a call that names nothing, has no feature and writes;
    /// one that the catalogue has in another case or for another API writes, and needs that one's feature of the account.
    ///
    /// # Errors
    /// `call_ambiguous`, `field_missing`, `feature_invalid`.
    pub(crate) fn resolve(&self, catalogue: &Catalogue) -> Result<ResolvedCall, Error> {
        let api = self.api.unwrap_or_default();
        let realm = self.realm.unwrap_or_default();
        let (feature, writes, inexact) = match (&self.module, &self.function) {
            (Some(_), None) => return Err(Error::missing("function")),
            (None, Some(_)) => return Err(Error::missing("module")),
            (Some(_), Some(_)) if self.feature.is_some() || self.writes.is_some() => {
                return Err(Error::new(
                    ErrorCode::CallAmbiguous,
                    "name a function, or a feature and whether it writes, not both",
                ));
            }
            (Some(module), Some(function)) => match catalogue.find(api, module, function) {
                Some(found) => (found.feature.clone(), found.writes, false),
                None => {
                    let feature = catalogue.resembling(api, module, function).map(ToOwned::to_owned);
                    let inexact = feature.is_some();
                    (feature, true, inexact)
                }
            },
            (None, None) => {
                if self.feature.as_deref().is_some_and(|feature| !is_feature(feature)) {
                    return Err(Error::at(ErrorCode::FeatureInvalid, "feature", FEATURE_RULE));
                }
                (self.feature.clone(), self.writes.unwrap_or(true), false)
            }
        };
        Ok(ResolvedCall {
            api,
            feature,
            writes,
            inexact,
            realm,
        })
    }
}
