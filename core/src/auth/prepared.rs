//! Prepared calls: looked up once, then named by a number on the hot path.

use alloc::format;
use alloc::vec::Vec;

use super::call::{Call, ResolvedCall};
use super::catalogue::{Catalogue, CatalogueIndex};
use super::route::Named;
use crate::base::error::{Error, ErrorCode};
use crate::json::decoder::{Fields, FromValue, decode_checked};
use crate::json::value::Value;
use crate::token::access::Realm;

/// A request to set the catalogue; `None` selects the built-in one.
struct CatalogueRequest(Option<Catalogue>);

impl FromValue for CatalogueRequest {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let catalogue = fields.optional("catalogue");
        fields.finish()?;
        Ok(CatalogueRequest(catalogue))
    }
}

const MAX_CALLS: usize = 10_000;

/// The first number of what routes lead to. Prepared calls have lower ones.
const ROUTED: u32 = 1 << 24;

/// Calls by number. Number 0 is the call without a function or feature.
pub(crate) struct PreparedCalls {
    catalogue: CatalogueIndex,
    targets: Vec<ResolvedCall>,
    /// What the routes that were asked for lead to, each once. The catalogue bounds it, whatever paths clients make up.
    routed: Vec<ResolvedCall>,
    /// The numbers of routes that were asked for: those of requests that name none, then by route, nearness and
    /// realm.
    numbers: Vec<Option<u32>>,
}

impl PreparedCalls {
    /// # Errors
    /// Those of a catalogue, at `catalogue`.
    pub(crate) fn new(catalogue: Option<Catalogue>) -> Result<Self, Error> {
        let catalogue = CatalogueIndex::new(catalogue).map_err(|error| error.under("catalogue"))?;
        let nothing = Call::default().resolve(&catalogue)?;
        Ok(PreparedCalls {
            catalogue,
            targets: Vec::from([nothing]),
            routed: Vec::new(),
            numbers: Vec::new(),
        })
    }

    /// Returns the number of a call. Calls that resolve to the same share a number.
    ///
    /// # Errors
    /// Those of a call; `value_invalid` if it holds an address, or if too many calls are prepared.
    pub(crate) fn prepare(&mut self, call: &Call) -> Result<u32, Error> {
        if call.address.is_some() {
            return Err(Error::at(
                ErrorCode::ValueInvalid,
                "address",
                "the address is given with each verification, not with the call",
            ));
        }
        let target = call.resolve(&self.catalogue)?;
        let at = match self.targets.iter().position(|known| *known == target) {
            Some(at) => at,
            None if self.targets.len() >= MAX_CALLS => {
                return Err(Error::new(
                    ErrorCode::ValueInvalid,
                    format!("at most {MAX_CALLS} calls can be prepared"),
                ));
            }
            None => {
                self.targets.push(target);
                self.targets.len().saturating_sub(1)
            }
        };
        Ok(u32::try_from(at).unwrap_or(0))
    }

    /// Returns the number of what a request's method and target lead to. It is valid until the catalogue is replaced.
    pub(crate) fn route(&mut self, realm: Realm, method: &[u8], target: &[u8]) -> u32 {
        let named = self.catalogue.route(method, target);
        let kind = match named {
            Named::Doubtful => 0,
            Named::Unlisted { reads: false } => 1,
            Named::Unlisted { reads: true } => 2,
            Named::Exposed => 3,
            Named::Route { at, near, .. } => at.saturating_mul(2).saturating_add(usize::from(near)).saturating_add(4),
        };
        let slot = kind
            .saturating_mul(2)
            .saturating_add(usize::from(realm == Realm::Admin));
        if let Some(Some(known)) = self.numbers.get(slot) {
            return *known;
        }
        let call = ResolvedCall::of_route(named, self.catalogue.default(), realm);
        let at = self.routed.iter().position(|known| *known == call).unwrap_or_else(|| {
            self.routed.push(call);
            self.routed.len().saturating_sub(1)
        });
        let number = u32::try_from(at).unwrap_or(u32::MAX).saturating_add(ROUTED);
        if self.numbers.len() <= slot {
            self.numbers.resize(slot.saturating_add(1), None);
        }
        if let Some(place) = self.numbers.get_mut(slot) {
            *place = Some(number);
        }
        number
    }

    /// Replaces the catalogue and forgets every call but number 0. On an error nothing changes.
    ///
    /// # Errors
    /// Those of a catalogue, at `catalogue`; those of decoding the request.
    pub(crate) fn set_catalogue(&mut self, request: Value) -> Result<(), Error> {
        let CatalogueRequest(catalogue) = decode_checked(request)?;
        *self = PreparedCalls::new(catalogue)?;
        Ok(())
    }

    /// Forgets every prepared call but number 0. Their numbers become unknown and are assigned again later.
    pub(crate) fn forget(&mut self) {
        self.targets.truncate(1);
    }

    #[inline]
    pub(crate) fn get(&self, call: u32) -> Option<&ResolvedCall> {
        match call.checked_sub(ROUTED) {
            Some(at) => self.routed.get(at as usize),
            None => self.targets.get(call as usize),
        }
    }
}
