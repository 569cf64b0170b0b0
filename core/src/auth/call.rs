//! What a request wants to do.

use alloc::borrow::ToOwned;
use alloc::string::String;

use serde::Serialize;

use super::api::Api;
use super::catalogue::{CatalogueIndex, Unlisted};
use super::route::Named;
use crate::base::error::{Error, ErrorCode};
use crate::json::decoder::{Fields, FromValue};
use crate::json::value::Value;
use crate::token::access::Realm;
use crate::token::feature::{FEATURE_RULE, is_feature};

/// What a request wants to do: call a function of the catalogue, use a route of it, or use a feature to read or write.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// The API; UAPI if omitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<Api>,
    /// The function's module.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// The function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// The request's method, with `path` instead of a function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The request's target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The feature used, instead of a function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature: Option<String>,
    /// Whether the request writes, instead of a function; true if omitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writes: Option<bool>,
    /// The client's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The realm of the port that received the request; the account's if omitted.
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
            method: fields.optional("method"),
            path: fields.optional("path"),
            feature: fields.optional("feature"),
            writes: fields.optional("writes"),
            address: fields.optional("address"),
            realm: fields.optional("realm"),
        };
        fields.finish()?;
        Ok(call)
    }
}

/// A call with its function looked up in the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResolvedCall {
    pub(crate) api: Api,
    pub(crate) feature: Option<String>,
    pub(crate) writes: bool,
    /// Whether the catalogue has the name only in another case or for another API. Some servers run that function,
    /// others one that the catalogue doesn't have.
    pub(crate) inexact: bool,
    pub(crate) realm: Realm,
    pub(crate) standing: Standing,
}

/// How a call stands to the catalogue's routes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The rest of the call decides.
    #[default]
    Judged,
    /// It needs no token.
    Public,
    /// Two servers could read the method or the path differently.
    Doubtful,
    /// The query has a token.
    Exposed,
    /// No route has it, and the catalogue refuses such calls.
    Refused,
}

impl Call {
    /// Looks the call up. A function outside the catalogue, and a call without a function or feature, has no feature
    /// and writes. A name that the catalogue has only in another case or for another API writes, and requires that
    /// function's feature of the account.
    ///
    /// # Errors
    /// `call_ambiguous`, `field_missing`, `feature_invalid`.
    pub(crate) fn resolve(&self, catalogue: &CatalogueIndex) -> Result<ResolvedCall, Error> {
        match (&self.method, &self.path) {
            (None, None) => {}
            (Some(_), None) => return Err(Error::missing("path")),
            (None, Some(_)) => return Err(Error::missing("method")),
            (Some(method), Some(path)) => return self.resolve_route(catalogue, method, path),
        }
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
            (Some(module), Some(function)) => match catalogue.functions().find(api, module, function) {
                Some(found) => (found.feature.clone(), found.writes, false),
                None => {
                    let feature = catalogue
                        .functions()
                        .resembling(api, module, function)
                        .map(ToOwned::to_owned);
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
            standing: Standing::Judged,
        })
    }

    fn resolve_route(&self, catalogue: &CatalogueIndex, method: &str, path: &str) -> Result<ResolvedCall, Error> {
        let others = [&self.module, &self.function, &self.feature]
            .into_iter()
            .any(Option::is_some);
        if others || self.api.is_some() || self.writes.is_some() {
            return Err(Error::new(
                ErrorCode::CallAmbiguous,
                "name a method and a path, and nothing else that the request does",
            ));
        }
        let named = catalogue.route(method.as_bytes(), path.as_bytes());
        Ok(ResolvedCall::of_route(
            named,
            catalogue.default(),
            self.realm.unwrap_or_default(),
        ))
    }
}

impl ResolvedCall {
    /// The call of a request whose route was looked up. One that no route has writes, and has no feature.
    pub(crate) fn of_route(named: Named<'_>, default: Option<Unlisted>, realm: Realm) -> Self {
        let strictest = ResolvedCall {
            api: Api::default(),
            feature: None,
            writes: true,
            inexact: false,
            realm,
            standing: Standing::Judged,
        };
        let with = |standing| ResolvedCall {
            standing,
            ..strictest.clone()
        };
        match named {
            Named::Doubtful => with(Standing::Doubtful),
            Named::Exposed => with(Standing::Exposed),
            Named::Unlisted { .. } if default == Some(Unlisted::Deny) => with(Standing::Refused),
            Named::Unlisted { reads } => ResolvedCall {
                writes: !reads || default.is_some(),
                ..strictest
            },
            Named::Route { route, near: false, .. } if route.public => with(Standing::Public),
            Named::Route { route, near, .. } => ResolvedCall {
                feature: route.feature.clone(),
                writes: route.writes || near,
                inexact: near && route.feature.is_some(),
                ..strictest
            },
        }
    }
}
