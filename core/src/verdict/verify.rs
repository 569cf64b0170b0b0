//! The one way of verification: header → credential → record found by hash → verdict.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use subtle::{Choice, ConstantTimeEq};

use crate::account::rights::{Account, Rights};
use crate::auth::authorization::{Authorization, Credential, parse};
use crate::auth::call::{Api, Call, Target};
use crate::auth::catalogue::{Catalogue, Function};
use crate::auth::presentation::Presentation;
use crate::base::error::Error;
use crate::base::reason::Reason;
use crate::json::decoder::{Fields, FromValue};
use crate::json::value::Value;
use crate::token::access::{Access, Realm};
use crate::token::address::{Block, contains, parse_address};
use crate::token::hash::{Digest, Hasher, Pepper};
use crate::token::record::Record;
use crate::token::secret::Presented;
use crate::token::time::{check_now, is_now};

/// A presented header, the record that its hash found, and what is wanted.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyRequest {
    /// Unix seconds.
    pub now: i64,
    /// The `Authorization` fields.
    pub authorization: Authorization,
    /// The record found by one of the hashes of `identify`.
    pub record: Option<Record>,
    /// The account of the record's user.
    pub account: Option<Account>,
    /// What the request wants to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<Call>,
    /// The peppers in use, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub peppers: Vec<Pepper>,
    /// The functions; the built-in ones when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalogue: Option<Vec<Function>>,
}

impl FromValue for VerifyRequest {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let request = VerifyRequest {
            now: fields.required("now"),
            authorization: fields.required("authorization"),
            record: fields.nullable("record"),
            account: fields.nullable("account"),
            call: fields.optional("call"),
            peppers: fields.or("peppers", Vec::new()),
            catalogue: fields.optional("catalogue"),
        };
        fields.finish()?;
        Ok(request)
    }
}

/// Admitted or refused, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Whether the request may go on.
    pub allowed: bool,
    /// 200, 401 or 403; from a snapshot also 503.
    pub status: u16,
    /// Why, for the owner and the log.
    pub reason: Reason,
    /// The same as a sentence.
    pub message: String,
    /// The token's user; this and what follows is known once the hash has matched.
    pub user: Option<String>,
    /// The token's id.
    pub id: Option<String>,
    /// The token's name.
    pub name: Option<String>,
    /// The token's expiry.
    pub expires: Option<i64>,
    /// The token's access.
    pub access: Option<Access>,
    /// Whether the token is read only.
    pub read_only: Option<bool>,
    /// The one thing that the outside may see of a refusal.
    pub refusal: Option<Refusal>,
}

/// A reply as the outside sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The header fields.
    pub headers: Headers,
    /// The body.
    pub body: String,
}

/// Header fields in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(String, String)>);

impl Serialize for Headers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> serde::de::Visitor<'de> for Read {
            type Value = Headers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
                let mut headers = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    headers.push(entry);
                }
                Ok(Headers(headers))
            }
        }
        deserializer.deserialize_map(Read)
    }
}

impl Headers {
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.into(), value.into()));
        self
    }

    /// What every reply of ours says: JSON, and not to be kept.
    pub(crate) fn json(self) -> Self {
        self.with("Content-Type", "application/json")
            .with("Cache-Control", "no-store")
    }
}

const DENIED: &str = "Access denied";
/// A fault of the service is never told as a refusal of the token.
const UNAVAILABLE: &str = "The token cannot be checked now; try again later";
const NO_API_1: &str = "Token authentication allows access to UAPI or API 2 calls only";

impl Refusal {
    /// The refusal of a reason: the same for every reason of status 401. CONTRACT.md, 4.
    pub(crate) fn of(reason: Reason) -> Refusal {
        match reason {
            Reason::ApiUnsupported => Refusal::with(reason.status(), None, NO_API_1),
            _ => Refusal::of_status(reason.status(), None),
        }
    }

    /// The refusal of a status; 429 and 503 may say when to come back.
    pub(crate) fn of_status(status: u16, retry_after: Option<i64>) -> Refusal {
        let text = if status == 503 { UNAVAILABLE } else { DENIED };
        Refusal::with(status, retry_after, text)
    }

    fn with(status: u16, retry_after: Option<i64>, text: &str) -> Refusal {
        let mut headers = Headers::default();
        if status == 401 {
            headers = headers.with("WWW-Authenticate", "Bearer realm=\"tokenlatch\"");
        }
        if let Some(seconds) = retry_after {
            headers = headers.with("Retry-After", &format!("{seconds}"));
        }
        Refusal {
            status,
            headers: headers.json(),
            body: format!(
                r#"{{"cpanelresult":{{"apiversion":"2","error":"{text}","data":{{"reason":"{text}","result":"0"}},"type":"text"}}}}"#
            ),
        }
    }
}

/// What of a token may be the same for many: how it may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) access: Access,
    pub(crate) read_only: bool,
    pub(crate) addresses: Vec<Block>,
    pub(crate) realm: Realm,
}

/// What of a token is its own: how long it lives, and whether it still does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    pub(crate) expires: Option<i64>,
    pub(crate) revoked: bool,
}

/// The parts of a record that a verdict hangs on.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) user: String,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) life: Life,
    pub(crate) grant: Grant,
}

impl Entry {
    pub(crate) fn new(record: Record, addresses: Vec<Block>) -> Self {
        Entry {
            user: record.user,
            id: record.id,
            name: record.name,
            life: Life {
                expires: record.expires,
                revoked: record.revoked.is_some(),
            },
            grant: Grant {
                access: record.access,
                read_only: record.read_only,
                addresses,
                realm: record.realm,
            },
        }
    }

    /// Whether the instant is past the token's life: valid while now < expires. CONTRACT.md, 1.
    pub(crate) fn expired(expires: Option<i64>, now: i64) -> bool {
        expires.is_some_and(|expires| now >= expires)
    }

    /// The verdict on a request: with the token's own data once its hash has matched.
    pub(crate) fn verdict(entry: Option<&Entry>, reason: Reason) -> Verdict {
        let verdict = Verdict::of(reason);
        match entry {
            None => verdict,
            Some(entry) => Verdict {
                id: Some(entry.id.clone()),
                name: Some(entry.name.clone()),
                ..verdict.about(&entry.user, entry.life, &entry.grant)
            },
        }
    }
}

impl Verdict {
    /// A verdict that names no token.
    pub(crate) fn of(reason: Reason) -> Verdict {
        let allowed = reason == Reason::Ok;
        Verdict {
            allowed,
            status: reason.status(),
            reason,
            message: reason.message().into(),
            user: None,
            id: None,
            name: None,
            expires: None,
            access: None,
            read_only: None,
            refusal: (!allowed).then(|| Refusal::of(reason)),
        }
    }

    /// The same about a token whose hash has matched.
    pub(crate) fn about(self, user: &str, life: Life, grant: &Grant) -> Verdict {
        Verdict {
            user: Some(user.into()),
            expires: life.expires,
            access: Some(grant.access.clone()),
            read_only: Some(grant.read_only),
            ..self
        }
    }
}

/// A token whose hash has matched.
#[derive(Clone, Copy)]
pub(crate) struct Matched<'a> {
    pub(crate) life: Life,
    pub(crate) grant: &'a Grant,
    /// Its user.
    pub(crate) owner: &'a [u8],
    /// The user's rights, when the account is known.
    pub(crate) account: Option<&'a Rights>,
}

impl Matched<'_> {
    /// Judges the token: the one rule of records, tables and snapshots.
    pub(crate) fn judge(
        &self,
        credential: &Credential<'_>,
        target: &Target,
        address: Option<&[u8]>,
        now: i64,
    ) -> Reason {
        if !is_now(now) {
            return Reason::ClockInvalid;
        }
        if self.life.revoked {
            return Reason::TokenRevoked;
        }
        if !credential.scheme.serves(self.grant.realm) || target.realm != self.grant.realm {
            return Reason::RealmMismatch;
        }
        if credential.user.is_some_and(|user| user.as_bytes() != self.owner) {
            return Reason::UserMismatch;
        }
        if Entry::expired(self.life.expires, now) {
            return Reason::TokenExpired;
        }
        let Some(account) = self.account else {
            return Reason::AccountUnknown;
        };
        if account.suspended {
            return Reason::AccountSuspended;
        }
        if !account.may_use_tokens() {
            return Reason::TokensDisabled;
        }
        if !self.grant.addresses.is_empty() {
            match address.and_then(parse_address) {
                None => return Reason::AddressUnknown,
                Some(address) if !contains(&self.grant.addresses, &address) => return Reason::AddressRefused,
                Some(_) => {}
            }
        }
        if target.api == Api::Api1 {
            return Reason::ApiUnsupported;
        }
        if let Access::Limited { features } = &self.grant.access {
            match &target.feature {
                None => return Reason::FunctionWithoutFeature,
                Some(_) if target.resembles => return Reason::FunctionWithoutFeature,
                Some(feature) if !features.contains(feature) => return Reason::FeatureNotGranted,
                Some(_) => {}
            }
        }
        if target.feature.as_ref().is_some_and(|feature| !account.has(feature)) {
            return Reason::FeatureNotInAccount;
        }
        if self.grant.read_only && target.writes {
            return Reason::ReadOnly;
        }
        Reason::Ok
    }
}

/// Judges a presented header. The hash is computed and compared in constant time in every case, before any state is looked at.
///
/// # Errors
/// `now_invalid`, `pepper_invalid`, `pepper_unknown`, `catalogue_invalid`, `call_ambiguous`, and those of a spoilt record or account.
/// An error is never an admission: a host refuses.
pub fn verify(request: VerifyRequest) -> Result<Verdict, Error> {
    let checked = match request.record {
        None => None,
        Some(record) => {
            let checked = record.check().map_err(|error| error.under("record"))?;
            Some((Entry::new(record, checked.addresses), checked.hash))
        }
    };
    check_now(request.now)?;
    let rights = match &request.account {
        None => None,
        Some(account) => {
            let rights = account.rights().map_err(|error| error.under("account"))?;
            Some((account.user.as_str(), rights))
        }
    };
    let call = request.call.unwrap_or_default();
    let named = |name: &Option<String>| name.clone().unwrap_or_default();
    let catalogue = Catalogue::for_call(request.catalogue, &named(&call.module), &named(&call.function))
        .map_err(|error| error.under("catalogue"))?;
    let target = call.target(&catalogue).map_err(|error| error.under("call"))?;
    let hasher = Hasher::new(&request.peppers).map_err(|error| error.under("peppers"))?;
    let decoy = Digest::of(Presented::DECOY);
    let (wanted_place, wanted) = match &checked {
        None => (0, decoy),
        Some((_, hash)) => (hasher.place(hash).map_err(|error| error.under("record"))?, hash.digest),
    };

    let presented = Presentation::of(request.authorization.single().and_then(parse));
    let mut same = Choice::from(0);
    hasher.each_beside(presented.secret, presented.plain, |place, digest| {
        same |= digest.same(&wanted) & (place as u64).ct_eq(&(wanted_place as u64));
    });

    let (entry, reason) = match (&presented.credential, &checked) {
        (Err(reason), _) => (None, *reason),
        (Ok(credential), Some((entry, _))) if bool::from(same) => {
            let account = rights
                .as_ref()
                .filter(|(user, _)| *user == entry.user)
                .map(|(_, rights)| rights);
            let address = call.address.as_deref().map(str::as_bytes);
            let matched = Matched {
                life: entry.life,
                grant: &entry.grant,
                owner: entry.user.as_bytes(),
                account,
            };
            let reason = matched.judge(credential, &target, address, request.now);
            (Some(entry), reason)
        }
        (Ok(_), _) => (None, Reason::TokenUnknown),
    };
    Ok(Entry::verdict(entry, reason))
}
