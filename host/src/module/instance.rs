//! One instance of the module, and the host's side of the plain ABI.
//!
//! The instance is not trusted: every pointer, length and text is checked before use.

use wasmtime::{
    Memory, PoolConcurrencyLimitError, Store, StoreLimitsBuilder, Trap, TypedFunc, WasmParams, WasmResults,
};

use super::engine::{Compiled, State, ticks};
use super::limits::Limits;
use crate::error::ModuleError;

/// A range in the module's memory, as its functions take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) pointer: u32,
    pub(crate) length: u32,
}

/// The bytes in which a credential may be.
#[derive(Clone, Copy)]
pub(crate) enum Credential {
    /// The value of the `Authorization` header; empty if there is none.
    Authorization(Span),
    /// Header fields: the lengths of name and value in 4 bytes each, little-endian, the name, the value.
    Fields(Span),
}

impl Span {
    pub(crate) const NONE: Span = Span { pointer: 0, length: 0 };
}

/// The parameters of `tokenlatch_table_verify`: table, call, authorization or fields, address, now.
type TableVerify = TypedFunc<(u32, u32, u32, u32, u32, u32, i64), i64>;

/// The functions of the plain ABI.
struct Exports {
    alloc: TypedFunc<u32, u32>,
    free: TypedFunc<(u32, u32), ()>,
    call: TypedFunc<(u32, u32), u64>,
    table_new: TypedFunc<(u32, u32), u64>,
    table_update: TypedFunc<(u32, u32, u32), u64>,
    table_prepare: TypedFunc<(u32, u32, u32), u64>,
    table_route: TypedFunc<(u32, u32, u32, u32, u32), i64>,
    table_verify: TableVerify,
    table_verify_fields: TableVerify,
    table_verdict: TypedFunc<(u32, i64), u64>,
    table_forget_calls: TypedFunc<u32, ()>,
    table_set_catalogue: TypedFunc<(u32, u32, u32), u64>,
}

/// One instance with its own memory.
pub(crate) struct Instance {
    store: Store<State>,
    instance: wasmtime::Instance,
    memory: Memory,
    exports: Exports,
    abi_version: TypedFunc<(), u32>,
    limits: Limits,
    ticks: u64,
}

impl Instance {
    pub(crate) fn new(compiled: &Compiled, limits: Limits) -> Result<Instance, ModuleError> {
        let bounds = StoreLimitsBuilder::new()
            .memory_size(limits.memory)
            .instances(1)
            .memories(1)
            .build();
        let mut store = Store::new(
            &compiled.engine,
            State {
                limits: bounds,
                full: false,
            },
        );
        store.limiter(|state| state);
        let ticks = ticks(&limits);
        store.set_epoch_deadline(ticks);
        let instance = compiled.pre.instantiate(&mut store).map_err(|error| {
            if error.is::<PoolConcurrencyLimitError>() {
                ModuleError::Busy
            } else {
                ModuleError::Invalid(format!("{error:#}"))
            }
        })?;
        let memory = instance
            .get_memory(&mut store, "memory")
            .ok_or_else(|| ModuleError::Invalid("it exports no memory".to_owned()))?;
        macro_rules! export {
            ($name:literal) => {
                instance
                    .get_typed_func(&mut store, $name)
                    .map_err(|error| ModuleError::Invalid(format!("{error:#}")))?
            };
        }
        let exports = Exports {
            alloc: export!("tokenlatch_alloc"),
            free: export!("tokenlatch_free"),
            call: export!("tokenlatch_call"),
            table_new: export!("tokenlatch_table_new"),
            table_update: export!("tokenlatch_table_update"),
            table_prepare: export!("tokenlatch_table_prepare"),
            table_route: export!("tokenlatch_table_route"),
            table_forget_calls: export!("tokenlatch_table_forget_calls"),
            table_set_catalogue: export!("tokenlatch_table_set_catalogue"),
            table_verify: export!("tokenlatch_table_verify"),
            table_verify_fields: export!("tokenlatch_table_verify_fields"),
            table_verdict: export!("tokenlatch_table_verdict"),
        };
        let abi_version = export!("tokenlatch_abi_version");
        Ok(Instance {
            store,
            instance,
            memory,
            exports,
            abi_version,
            limits,
            ticks,
        })
    }

    pub(crate) fn abi_version(&mut self) -> Result<u32, ModuleError> {
        self.begin();
        self.abi_version.call(&mut self.store, ()).map_err(broken)
    }

    /// The size of this instance's memory, in bytes.
    pub(crate) fn memory_size(&self) -> usize {
        self.memory.data_size(&self.store)
    }

    /// Sends one request and returns its answer.
    pub(crate) fn call(&mut self, request: &[u8]) -> Result<Vec<u8>, ModuleError> {
        self.exchange(request, |exports, store, span| {
            exports.call.call(store, (span.pointer, span.length))
        })
    }

    pub(crate) fn table_new(&mut self, input: &[u8]) -> Result<Vec<u8>, ModuleError> {
        self.exchange(input, |exports, store, span| {
            exports.table_new.call(store, (span.pointer, span.length))
        })
    }

    pub(crate) fn table_update(&mut self, table: u32, update: &[u8]) -> Result<Vec<u8>, ModuleError> {
        self.exchange(update, |exports, store, span| {
            exports.table_update.call(store, (table, span.pointer, span.length))
        })
    }

    pub(crate) fn table_prepare(&mut self, table: u32, call: &[u8]) -> Result<Vec<u8>, ModuleError> {
        self.exchange(call, |exports, store, span| {
            exports.table_prepare.call(store, (table, span.pointer, span.length))
        })
    }

    /// Looks up the route of a request, whose method and target are already in the module's memory.
    pub(crate) fn table_route(
        &mut self,
        table: u32,
        realm: u32,
        request: Span,
        method_len: u32,
    ) -> Result<i64, ModuleError> {
        self.begin();
        self.exports
            .table_route
            .call(
                &mut self.store,
                (table, realm, request.pointer, request.length, method_len),
            )
            .map_err(broken)
    }

    pub(crate) fn table_set_catalogue(&mut self, table: u32, request: &[u8]) -> Result<Vec<u8>, ModuleError> {
        self.exchange(request, |exports, store, span| {
            exports
                .table_set_catalogue
                .call(store, (table, span.pointer, span.length))
        })
    }

    pub(crate) fn table_forget_calls(&mut self, table: u32) -> Result<(), ModuleError> {
        self.begin();
        self.exports
            .table_forget_calls
            .call(&mut self.store, table)
            .map_err(broken)
    }

    pub(crate) fn table_verdict(&mut self, table: u32, code: i64) -> Result<Vec<u8>, ModuleError> {
        self.begin();
        let packed = self
            .exports
            .table_verdict
            .call(&mut self.store, (table, code))
            .map_err(broken)?;
        self.take_answer(packed)
    }

    /// Verifies a request on the hot path. Both spans are already in the module's memory.
    pub(crate) fn table_verify(
        &mut self,
        table: u32,
        call: u32,
        credential: Credential,
        address: Span,
        now: i64,
    ) -> Result<i64, ModuleError> {
        self.begin();
        let (verify, credential) = match credential {
            Credential::Authorization(span) => (&self.exports.table_verify, span),
            Credential::Fields(span) => (&self.exports.table_verify_fields, span),
        };
        let arguments = (
            table,
            call,
            credential.pointer,
            credential.length,
            address.pointer,
            address.length,
            now,
        );
        verify.call(&mut self.store, arguments).map_err(broken)
    }

    /// Allocates memory inside the module. A length of 0 allocates none.
    pub(crate) fn reserve(&mut self, length: usize) -> Result<Span, ModuleError> {
        if length == 0 {
            return Ok(Span::NONE);
        }
        self.begin();
        let short = u32::try_from(length).map_err(|_| ModuleError::Memory(length))?;
        let pointer = self
            .exports
            .alloc
            .call(&mut self.store, short)
            .map_err(|error| self.broken(error))?;
        if pointer == 0 {
            return Err(ModuleError::Memory(length));
        }
        let span = Span { pointer, length: short };
        match self.bytes(span) {
            Some(_) => Ok(span),
            None => Err(ModuleError::Answer(
                "the reserved memory is outside the module's memory",
            )),
        }
    }

    /// Writes to the start of a reserved span.
    pub(crate) fn write(&mut self, span: Span, bytes: &[u8]) -> Result<(), ModuleError> {
        if bytes.len() > span.length as usize {
            return Err(ModuleError::Memory(bytes.len()));
        }
        if bytes.is_empty() {
            return Ok(());
        }
        self.memory
            .write(&mut self.store, span.pointer as usize, bytes)
            .map_err(|_| ModuleError::Answer("the reserved memory no longer exists"))
    }

    /// Overwrites a span with zeros and frees it, because requests and answers contain secrets.
    pub(crate) fn release(&mut self, span: Span) -> Result<(), ModuleError> {
        if span.length == 0 {
            return Ok(());
        }
        self.wipe(span)?;
        self.exports
            .free
            .call(&mut self.store, (span.pointer, span.length))
            .map_err(broken)
    }

    /// Overwrites a span with zeros without freeing it.
    pub(crate) fn wipe(&mut self, span: Span) -> Result<(), ModuleError> {
        let start = span.pointer as usize;
        let end = start.saturating_add(span.length as usize);
        let bytes = self.memory.data_mut(&mut self.store).get_mut(start..end);
        bytes
            .map(|bytes| bytes.fill(0))
            .ok_or(ModuleError::Answer("the reserved memory no longer exists"))
    }

    /// Looks up another function of the plain ABI.
    pub(crate) fn function<P: WasmParams, R: WasmResults>(
        &mut self,
        name: &str,
    ) -> Result<TypedFunc<P, R>, ModuleError> {
        self.instance
            .get_typed_func(&mut self.store, name)
            .map_err(|error| ModuleError::Invalid(format!("{error:#}")))
    }

    /// Calls such a function with the span of a request, and returns its answer.
    pub(crate) fn ask<P: WasmParams>(
        &mut self,
        function: &TypedFunc<P, u64>,
        request: &[u8],
        parameters: impl FnOnce(Span) -> P,
    ) -> Result<Vec<u8>, ModuleError> {
        self.exchange(request, |_, store, span| function.call(store, parameters(span)))
    }

    fn exchange(
        &mut self,
        request: &[u8],
        invoke: impl FnOnce(&Exports, &mut Store<State>, Span) -> wasmtime::Result<u64>,
    ) -> Result<Vec<u8>, ModuleError> {
        let input = self.reserve(request.len())?;
        self.write(input, request)?;
        self.begin();
        let packed = invoke(&self.exports, &mut self.store, input).map_err(|error| self.broken(error))?;
        let answer = self.take_answer(packed)?;
        self.release(input)?;
        Ok(answer)
    }

    /// Copies an answer out after checking its pointer, length and text, and frees its memory.
    fn take_answer(&mut self, packed: u64) -> Result<Vec<u8>, ModuleError> {
        let span = unpack(packed);
        if span.length == 0 {
            return Err(ModuleError::Answer("it is empty"));
        }
        if span.length as usize > self.limits.answer {
            return Err(ModuleError::Answer("it is longer than the limit"));
        }
        let bytes = self
            .bytes(span)
            .ok_or(ModuleError::Answer("it is outside the module's memory"))?;
        if std::str::from_utf8(bytes).is_err() {
            return Err(ModuleError::Answer("it is not UTF-8"));
        }
        let answer = bytes.to_vec();
        self.release(span)?;
        Ok(answer)
    }

    fn bytes(&self, span: Span) -> Option<&[u8]> {
        if span.pointer == 0 {
            return None;
        }
        let start = span.pointer as usize;
        self.memory
            .data(&self.store)
            .get(start..start.checked_add(span.length as usize)?)
    }

    /// Maps the error that ended a call.
    fn broken(&self, error: wasmtime::Error) -> ModuleError {
        match broken(error) {
            ModuleError::Broken(_) if self.store.data().full => ModuleError::Full,
            other => other,
        }
    }

    fn begin(&mut self) {
        self.store.set_epoch_deadline(self.ticks);
    }
}

/// Unpacks a pointer from the high half and a length from the low half.
#[expect(clippy::cast_possible_truncation, reason = "the two halves of 64 bits")]
fn unpack(packed: u64) -> Span {
    Span {
        pointer: (packed >> 32) as u32,
        length: packed as u32,
    }
}

/// Maps the error that ended a call. It reports only the kind of the trap, so nothing of the request can be in it.
fn broken(error: wasmtime::Error) -> ModuleError {
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => ModuleError::Timeout,
        Some(trap) => ModuleError::Broken(trap.to_string()),
        None => ModuleError::Broken("a function outside the module was called".to_owned()),
    }
}
