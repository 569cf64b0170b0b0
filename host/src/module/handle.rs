//! The common part of tables and snapshots: an instance of their own, numbered calls, decisions.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use tokenlatch_core::{Call, Catalogue, Error as CoreError, ErrorCode, Realm, Reason, Verdict};
use zeroize::Zeroizing;

use super::calls::{decode, encode};
use super::instance::{Credential, Instance, Span};
use crate::error::{ModuleError, Result};
use crate::presented::Presented;

/// The size of the header buffer in the module, in bytes. Longer headers get memory for one call.
const HEADER_BUFFER: usize = 1024;

/// The size of the address buffer in the module, in bytes.
const ADDRESS_BUFFER: usize = 128;

/// The outcome of [`Table::verify`](super::Table::verify) and [`Snapshot::verify`](super::Snapshot::verify), cheap enough to
/// create for every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision(i64);

/// A handle in an instance of its own. After the instance failed, every further call is refused.
pub(super) struct Handle {
    instance: Option<Instance>,
    pub(super) handle: u32,
    header: Span,
    address: Span,
    /// The numbers that [`Handle::number`] returned.
    numbers: HashMap<Call, u32>,
}

/// The largest number of remembered call numbers. Callers may name any feature, so there are more calls than numbers.
const NUMBERS: usize = 1 << 12;

/// A catalogue encoded for the module. Encoding a large one takes a while, so do it before taking a lock.
pub(crate) struct EncodedCatalogue(Zeroizing<Vec<u8>>);

impl EncodedCatalogue {
    pub(crate) fn new(catalogue: Option<&Catalogue>) -> Result<EncodedCatalogue, ModuleError> {
        encode(&NewCatalogue { catalogue }).map(EncodedCatalogue)
    }
}

#[derive(Serialize)]
struct NewCatalogue<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    catalogue: Option<&'a Catalogue>,
}

/// An answer without content.
#[derive(Deserialize)]
struct Done {}

#[derive(Deserialize)]
struct Prepared {
    call: u32,
}

impl Handle {
    pub(super) fn new(mut instance: Instance, handle: u32) -> Result<Handle, ModuleError> {
        let header = instance.reserve(HEADER_BUFFER)?;
        let address = instance.reserve(ADDRESS_BUFFER)?;
        Ok(Handle {
            instance: Some(instance),
            handle,
            header,
            address,
            numbers: HashMap::new(),
        })
    }

    pub(super) fn is_broken(&self) -> bool {
        self.instance.is_none()
    }

    /// Discards the instance, as a trap does.
    #[cfg(test)]
    pub(super) fn break_instance(&mut self) {
        self.instance = None;
    }

    pub(super) fn prepare(&mut self, call: &Call) -> Result<u32> {
        let call = encode(call)?;
        let answer = self.with(|instance, handle| instance.table_prepare(handle, &call))?;
        decode(&answer).map(|prepared: Prepared| prepared.call)
    }

    /// Returns the number of a call, and prepares the call if needed. This may invalidate other numbers, so ask before each
    /// verification, and do not mix it with [`Handle::prepare`].
    pub(super) fn number(&mut self, call: &Call) -> Result<u32> {
        if let Some((method, target)) = routed(call) {
            return self.route(call.realm.unwrap_or_default(), method, target);
        }
        if let Some(number) = self.numbers.get(call) {
            return Ok(*number);
        }
        if self.numbers.len() == NUMBERS {
            self.numbers.clear();
            self.with(Instance::table_forget_calls)?;
        }
        let number = self.prepare(call)?;
        self.numbers.insert(call.clone(), number);
        Ok(number)
    }

    /// Returns the number of a request's method and target. Clients make up paths, so none is remembered.
    pub(super) fn route(&mut self, realm: Realm, method: &str, target: &str) -> Result<u32> {
        let (header, request) = (self.header, [method, target].concat());
        let method = u32::try_from(method.len()).unwrap_or(u32::MAX);
        let realm = match realm {
            Realm::Account => 0,
            Realm::Admin => 1,
        };
        let number = self.with(|instance, handle| {
            let request = CallBuffer::new(instance, header, request.as_bytes())?;
            let number = instance.table_route(handle, realm, request.span, method)?;
            request.release(instance)?;
            u32::try_from(number).map_err(|_| ModuleError::Answer("it does not know the table"))
        })?;
        Ok(number)
    }

    /// Replaces the catalogue, which invalidates every number but 0. On an error the old one stays.
    pub(super) fn set_catalogue(&mut self, catalogue: &EncodedCatalogue) -> Result<()> {
        let answer = self.with(|instance, handle| instance.table_set_catalogue(handle, &catalogue.0))?;
        decode::<Done>(&answer)?;
        self.numbers.clear();
        Ok(())
    }

    pub(super) fn verify(
        &mut self,
        call: u32,
        presented: Presented<'_>,
        address: Option<&[u8]>,
        now: i64,
    ) -> Result<Decision> {
        match presented {
            Presented::Missing => self.decide(call, Credential::Authorization, &[], address, now),
            Presented::One(value) => self.decide(call, Credential::Authorization, value, address, now),
            Presented::Repeated | Presented::Fields(_) => {
                let fields = presented.with_fields(packed)?;
                self.decide(call, Credential::Fields, &fields, address, now)
            }
        }
    }

    fn decide(
        &mut self,
        call: u32,
        kind: fn(Span) -> Credential,
        credential: &[u8],
        address: Option<&[u8]>,
        now: i64,
    ) -> Result<Decision> {
        let (header, place) = (self.header, self.address);
        let code = self.with(|instance, handle| {
            let header = CallBuffer::new(instance, header, credential)?;
            let place = CallBuffer::new(instance, place, address.unwrap_or_default())?;
            let code = instance.table_verify(handle, call, kind(header.span), place.span, now)?;
            header.release(instance)?;
            place.release(instance)?;
            checked(code)
        })?;
        Decision::of(code, call)
    }

    pub(super) fn verdict(&mut self, decision: Decision) -> Result<Verdict> {
        let answer = self.with(|instance, handle| instance.table_verdict(handle, decision.0))?;
        decode(&answer)
    }

    /// Runs work in the instance, and discards the instance if it is broken afterwards.
    pub(super) fn with<T>(
        &mut self,
        work: impl FnOnce(&mut Instance, u32) -> Result<T, ModuleError>,
    ) -> Result<T, ModuleError> {
        let instance = self
            .instance
            .as_mut()
            .ok_or_else(|| ModuleError::Broken("an earlier call failed; load the table again".to_owned()))?;
        let outcome = work(instance, self.handle);
        if let Err(error) = &outcome
            && !error.leaves_instance_whole()
        {
            self.instance = None;
        }
        outcome
    }
}

/// The method and the target of a call that says nothing else, so that the module can look its route up at once.
fn routed(call: &Call) -> Option<(&str, &str)> {
    match call {
        Call {
            method: Some(method),
            path: Some(path),
            api: None,
            module: None,
            function: None,
            feature: None,
            writes: None,
            address: None,
            realm: _,
        } => Some((method, path)),
        _ => None,
    }
}

/// Packs header fields as the module reads them: the lengths of name and value, the name, the value.
fn packed(fields: &[(&[u8], &[u8])]) -> Result<Zeroizing<Vec<u8>>, ModuleError> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(|_| ModuleError::Memory(bytes.len()));
    // Sized at once: growing would leave copies of secrets behind.
    let size = fields.iter().map(|(name, value)| 8 + name.len() + value.len()).sum();
    let mut packed = Zeroizing::new(Vec::with_capacity(size));
    for (name, value) in fields {
        packed.extend_from_slice(&length(name)?.to_le_bytes());
        packed.extend_from_slice(&length(value)?.to_le_bytes());
        packed.extend_from_slice(name);
        packed.extend_from_slice(value);
    }
    Ok(packed)
}

/// Checks that a code is valid: that of a decision, or −1.
fn checked(code: i64) -> Result<i64, ModuleError> {
    match code {
        -2 => Err(ModuleError::Answer("it does not know the memory that it reserved")),
        -1 => Ok(code),
        code if code < 0 => Err(ModuleError::Answer("the code is unknown")),
        code => Ok(code),
    }
}

impl Decision {
    /// Converts a code to a decision. −1 is an error.
    fn of(code: i64, call: u32) -> Result<Decision> {
        if code == -1 {
            // The table exists, so the module does not know the call number.
            let message = format!("the call number {call} was never prepared");
            return Err(CoreError::at(ErrorCode::CallUnknown, "call", message).into());
        }
        Ok(Decision(code))
    }

    /// Whether the call is admitted.
    #[must_use]
    pub fn is_allowed(self) -> bool {
        Reason::ALL
            .get(self.reason() as usize)
            .is_some_and(|reason| reason.status() == 200)
    }

    /// The number of the reason, as in the interface's table of reasons.
    #[must_use]
    pub fn reason(self) -> u32 {
        // Not negative: `verify` refuses negative codes.
        u32::try_from(self.0 >> 32).unwrap_or(u32::MAX)
    }

    /// The code as in the module's interface.
    #[must_use]
    pub fn code(self) -> i64 {
        self.0
    }
}

/// Bytes placed in the module for one call: in the buffer, or in separate memory if they are too long for it.
struct CallBuffer {
    span: Span,
    own: bool,
}

impl CallBuffer {
    fn new(instance: &mut Instance, buffer: Span, bytes: &[u8]) -> Result<CallBuffer, ModuleError> {
        let own = bytes.len() > buffer.length as usize;
        let place = if own { instance.reserve(bytes.len())? } else { buffer };
        instance.write(place, bytes)?;
        // The bytes fit in the buffer, whose length has 32 bits.
        let length = u32::try_from(bytes.len()).map_err(|_| ModuleError::Memory(bytes.len()))?;
        let span = Span {
            pointer: place.pointer,
            length,
        };
        Ok(CallBuffer { span, own })
    }

    /// Wipes the bytes, because a header contains a secret.
    fn release(self, instance: &mut Instance) -> Result<(), ModuleError> {
        if self.own {
            instance.release(self.span)
        } else {
            instance.wipe(self.span)
        }
    }
}
