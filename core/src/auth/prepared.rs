//! Prepared calls: looked up once, then named by a number on the hot path.

use alloc::format;
use alloc::vec::Vec;

use super::call::{Call, ResolvedCall};
use super::catalogue::{Catalogue, CatalogueIndex};
use crate::base::error::{Error, ErrorCode};
use crate::json::decoder::{Fields, FromValue, decode_checked};
use crate::json::value::Value;

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

/// Prepared calls by number. Number 0 is the call without a function or feature.
pub(crate) struct PreparedCalls {
    catalogue: CatalogueIndex,
    targets: Vec<ResolvedCall>,
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

    /// Replaces the catalogue and forgets every call but number 0. On an error nothing changes.
    ///
    /// # Errors
    /// Those of a catalogue, at `catalogue`; those of decoding the request.
    pub(crate) fn set_catalogue(&mut self, request: Value) -> Result<(), Error> {
        let CatalogueRequest(catalogue) = decode_checked(request)?;
        *self = PreparedCalls::new(catalogue)?;
        Ok(())
    }

    /// Forgets every call but number 0. The other numbers become unknown and are assigned again later.
    pub(crate) fn forget(&mut self) {
        self.targets.truncate(1);
    }

    #[inline]
    pub(crate) fn get(&self, call: u32) -> Option<&ResolvedCall> {
        self.targets.get(call as usize)
    }
}
