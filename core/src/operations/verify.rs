//! Verifies a request, in the only way that there is: header → credential → record found by hash → verdict.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;
use subtle::{Choice, ConstantTimeEq};

use crate::account::rights::Account;
use crate::auth::authorization::Authorization;
use crate::auth::call::{Call, Standing};
use crate::auth::catalogue::{Catalogue, CatalogueIndex};
use crate::auth::credentials::Room;
use crate::auth::presentation::Presentation;
use crate::base::error::Error;
use crate::base::reason::Reason;
use crate::json::decoder::{Fields, FromValue};
use crate::json::value::Value;
use crate::token::hash::digest::Digest;
use crate::token::hash::hasher::Hasher;
use crate::token::hash::pepper::Pepper;
use crate::token::record::Record;
use crate::token::secret::Presented;
use crate::token::time::check_now;
use crate::verdict::grant::Entry;
use crate::verdict::judgement::{Matched, Verdict};

/// A request to verify: a header, the record found by its hash, and the call.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyRequest {
    /// Unix seconds.
    pub now: i64,
    /// The `Authorization` fields.
    pub authorization: Authorization,
    /// The record found by one of the hashes from `identify`.
    pub record: Option<Record>,
    /// The account of the record's user.
    pub account: Option<Account>,
    /// What the request wants to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<Call>,
    /// The peppers in use, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub peppers: Vec<Pepper>,
    /// The catalogue; the built-in one if omitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalogue: Option<Catalogue>,
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

/// Decides on a header. In every case the hash is computed and compared in constant time, before the record's state
/// is examined.
///
/// # Errors
/// `now_invalid`, `credentials_invalid`, `pepper_invalid`, `pepper_unknown`, `catalogue_invalid`, `call_ambiguous`, and those of an invalid
/// record or account. An error is never an admission; hosts refuse the request.
pub fn verify(request: VerifyRequest) -> Result<Verdict, Error> {
    let checked = match request.record {
        None => None,
        Some(record) => {
            let checked = record.check().map_err(|error| error.under("record"))?;
            Some((Entry::new(record, checked.addresses), checked.hash))
        }
    };
    check_now(request.now)?;
    let accepted = request.authorization.accepted()?;
    let rights = match &request.account {
        None => None,
        Some(account) => {
            let rights = account.rights().map_err(|error| error.under("account"))?;
            Some((account.user.as_str(), rights))
        }
    };
    let call = request.call.unwrap_or_default();
    let named = |name: &Option<String>| name.clone().unwrap_or_default();
    let catalogue = CatalogueIndex::for_call(request.catalogue, &named(&call.module), &named(&call.function))
        .map_err(|error| error.under("catalogue"))?;
    let target = call.resolve(&catalogue).map_err(|error| error.under("call"))?;
    let hasher = Hasher::new(&request.peppers).map_err(|error| error.under("peppers"))?;
    let decoy = Digest::of(Presented::DECOY);
    let (wanted_place, wanted) = match &checked {
        None => (0, decoy),
        Some((_, hash)) => (
            hasher.pepper_index(hash).map_err(|error| error.under("record"))?,
            hash.digest,
        ),
    };

    if target.standing == Standing::Public {
        return Ok(Verdict::of(Reason::Public, &accepted));
    }
    let mut room = Room::default();
    let presented = Presentation::of(request.authorization.read(&accepted, &mut room));
    let mut same = Choice::from(0);
    hasher.for_each_candidate_with(presented.secret, presented.plain, |place, digest| {
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
    Ok(Verdict::of_entry(entry, reason, &accepted))
}
