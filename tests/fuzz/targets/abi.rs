//! The plain ABI with a hostile host: its functions in any order, with any pointers, lengths and handles. What the host
//! doesn't own is refused by the documented code, everything else is answered in the documented form, and the next call
//! works. The module's files run natively, because only native code reports its coverage; addresses are given out in order.
#![no_main]
#![allow(dead_code, reason = "the target doesn't use all of the modules")]

#[path = "../../../wasm/src/abi.rs"]
mod abi;
#[path = "../../../wasm/src/memory.rs"]
mod memory;
#[path = "../../../wasm/src/snapshots.rs"]
mod snapshots;
#[path = "../../../wasm/src/tables.rs"]
mod tables;

/// Addresses as in linear memory: allocations lie side by side.
mod address {
    use std::cell::Cell;

    thread_local! {
        static NEXT: Cell<u32> = const { Cell::new(FIRST) };
    }

    pub(crate) const FIRST: u32 = 1 << 20;

    #[expect(clippy::ptr_arg, reason = "the module's function has this argument")]
    pub(crate) fn of(bytes: &mut Vec<u8>) -> Option<u32> {
        if bytes.is_empty() {
            // What an empty array points to.
            return Some(1);
        }
        let length = u32::try_from(bytes.len()).ok()?;
        let address = NEXT.get();
        NEXT.set(address.checked_add(length)?);
        Some(address)
    }

    pub(crate) fn restart() {
        NEXT.set(FIRST);
    }
}

#[path = "abi/step.rs"]
mod step;

use std::collections::BTreeMap;

use abi::*;
use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use tokenlatch_fuzz::answer::{code, parse};
use tokenlatch_fuzz::origin::NOW;

use step::{Range, Step, TEXTS, Text};

/// How many reasons there are.
const REASONS: i64 = tokenlatch_core::Reason::ALL.len() as i64;

/// What the host knows of the module.
#[derive(Default)]
struct Host {
    /// Allocations by address, with their lengths. Those of length 0 aren't listed.
    owned: BTreeMap<u32, u32>,
    /// Live handles, and whether each is of a snapshot.
    handles: BTreeMap<u32, bool>,
    last: u32,
    code: i64,
}

impl Host {
    fn range(&self, range: Range) -> (u32, u32) {
        let nth = |at: u8| {
            let at = usize::from(at) % self.owned.len().max(1);
            self.owned
                .iter()
                .nth(at)
                .map_or((8, 8), |(address, length)| (*address, *length))
        };
        match range {
            Range::Wild(address, length) => (address, length),
            Range::Whole(at) => nth(at),
            Range::Part(at, from, length) => {
                let (address, whole) = nth(at);
                let from = u32::from(from) % whole.max(1);
                (address + from, u32::from(length) % (whole - from + 1))
            }
            Range::Over(at, before, more) => {
                let (address, length) = nth(at);
                (
                    address.wrapping_add_signed(before.into()),
                    length.wrapping_add_signed(more.into()),
                )
            }
        }
    }

    fn owns(&self, (address, length): (u32, u32)) -> bool {
        let before = self.owned.range(..=address).next_back();
        let end = u64::from(address) + u64::from(length);
        length == 0 || before.is_some_and(|(from, whole)| end <= u64::from(*from) + u64::from(*whole))
    }

    fn handle(&self, at: u8) -> u32 {
        match at {
            255 => u32::MAX,
            254 => 0,
            _ => self.last.saturating_sub(u32::from(at % 4)),
        }
    }

    /// Takes an answer, and frees it.
    fn take(&mut self, packed: u64) -> Vec<u8> {
        let (address, length) = ((packed >> 32) as u32, packed as u32);
        assert_ne!(packed, 0, "memory ran out");
        let text = memory::read((address, length), <[u8]>::to_vec).expect("an answer is in the host's memory");
        tokenlatch_free(address, length);
        text
    }

    /// An answer about a range and a handle: the memory is checked first, then the request, then the handle.
    fn answered(&mut self, packed: u64, range: (u32, u32), handle: Option<(u32, bool)>) -> Value {
        let answer = parse(&self.take(packed));
        let owned = self.owns(range);
        assert_eq!(code(&answer) == "memory_invalid", !owned, "{answer}");
        if let (true, Some((handle, snapshots_only))) = (owned, handle) {
            let live = self
                .handles
                .get(&handle)
                .is_some_and(|is_snapshot| *is_snapshot || !snapshots_only);
            assert!(live || answer.get("ok").is_none(), "a handle that isn't live is used");
            assert!(
                !live || code(&answer) != "table_unknown" || !snapshots_only,
                "a live handle is unknown"
            );
        }
        answer
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(steps) = Vec::<Step<'_>>::arbitrary_take_rest(Unstructured::new(data)) else {
        return;
    };
    address::restart();
    let mut host = Host::default();
    for step in steps.iter().take(64) {
        run(&mut host, step);
    }
    for (address, length) in std::mem::take(&mut host.owned) {
        tokenlatch_free(address, length);
        tokenlatch_free(address, length);
    }
    for handle in host.handles.keys() {
        tokenlatch_table_free(*handle);
    }
    let text = br#"{"op":"info"}"#;
    let address = tokenlatch_alloc(text.len() as u32);
    memory::write((address, text.len() as u32), |room| room.copy_from_slice(text)).expect("it is the host's");
    let answer = tokenlatch_call(address, text.len() as u32);
    assert_eq!(parse(&host.take(answer))["ok"]["abi"], 1, "the next call doesn't work");
    tokenlatch_free(address, text.len() as u32);
});

fn run(host: &mut Host, step: &Step<'_>) {
    match step {
        Step::Allocate(length) => {
            // Zeroing many megabytes would only take time.
            let length = if length.is_multiple_of(4) {
                *length
            } else {
                length % 4096
            };
            if (65_536..=64 << 20).contains(&length) {
                return;
            }
            let address = tokenlatch_alloc(length);
            assert_eq!(address == 0, length == 0 || length > 64 << 20);
            if address != 0 {
                assert!(memory::read((address, length), |bytes| bytes.iter().all(|byte| *byte == 0)).unwrap_or(false));
                host.owned.insert(address, length);
            }
        }
        Step::Put(text) => {
            let text = match text {
                Text::Any(text) => text.to_vec(),
                Text::Known(at) => TEXTS.with(|texts| texts[usize::from(*at) % texts.len()].clone()),
            };
            let length = text.len() as u32;
            let address = tokenlatch_alloc(length);
            if address != 0 {
                memory::write((address, length), |room| room.copy_from_slice(&text)).expect("it is the host's");
                host.owned.insert(address, length);
            }
        }
        Step::Free(range) => {
            let (address, length) = host.range(*range);
            tokenlatch_free(address, length);
            if host.owned.get(&address) == Some(&length) {
                host.owned.remove(&address);
                assert!(
                    memory::read((address, length), |_| ()).is_none(),
                    "freed memory can be read"
                );
            }
        }
        Step::Call(range) => {
            let range = host.range(*range);
            host.answered(tokenlatch_call(range.0, range.1), range, None);
        }
        Step::TableNew(range) | Step::SnapshotNew(range) => {
            let is_snapshot = matches!(step, Step::SnapshotNew(_));
            let range = host.range(*range);
            let packed = match is_snapshot {
                true => tokenlatch_snapshot_new(range.0, range.1),
                false => tokenlatch_table_new(range.0, range.1),
            };
            let answer = host.answered(packed, range, None);
            if let Some(handle) = answer.pointer("/ok/table").and_then(Value::as_u64) {
                let handle = u32::try_from(handle).expect("a handle has 32 bits");
                assert!(handle > host.last, "a handle is given twice");
                host.last = handle;
                host.handles.insert(handle, is_snapshot);
            }
        }
        Step::Verify(at, call, authorization, address) => {
            let handle = host.handle(*at);
            let (header, client) = (host.range(*authorization), host.range(*address));
            let code = tokenlatch_table_verify(
                handle,
                u32::from(*call % 4),
                header.0,
                header.1,
                client.0,
                client.1,
                NOW,
            );
            let owned = host.owns(header) && host.owns(client);
            assert_eq!(code == -2, !owned);
            assert!(code != -1 || owned && (!host.handles.contains_key(&handle) || *call % 4 > 0));
            assert!(code < 0 || host.handles.contains_key(&handle));
            assert!(code >> 32 < REASONS && code >= -2, "{code} is no code");
            host.code = code;
        }
        Step::VerifyMany(at, call, range) => {
            let (handle, range) = (host.handle(*at), host.range(*range));
            let answer = tokenlatch_verify_many(handle, u32::from(*call % 4), range.0, range.1, NOW);
            let codes = host.take(answer);
            assert_eq!(codes.len() % 8, 0);
            let codes: Vec<i64> = codes
                .as_chunks()
                .0
                .iter()
                .map(|code| i64::from_le_bytes(*code))
                .collect();
            assert!(host.owns(range) || codes == [-2]);
            let whole = codes.iter().take(codes.len().saturating_sub(1));
            assert!(whole.into_iter().all(|code| (-1..REASONS << 32).contains(code)));
        }
        Step::Holder(at, range) => {
            let (handle, range) = (host.handle(*at), host.range(*range));
            let written = tokenlatch_snapshot_holder(handle, host.code, range.0, range.1);
            assert!(written <= range.1 && (written == 0 || host.owns(range)));
            assert!(written == 0 || host.handles.get(&handle) == Some(&true));
        }
        Step::Close(at) => {
            let handle = host.handle(*at);
            tokenlatch_table_free(handle);
            host.handles.remove(&handle);
        }
        Step::Route(at, realm, range, method) => {
            let (handle, range) = (host.handle(*at), host.range(*range));
            let number = tokenlatch_table_route(handle, u32::from(*realm % 3), range.0, range.1, *method);
            let live = host.handles.contains_key(&handle) && realm % 3 < 2;
            assert_eq!(number == -2, !host.owns(range) && realm % 3 < 2);
            assert!(number >= 0 || number == -2 || !live);
            assert!(number < 0 || live);
            if let Ok(call) = u32::try_from(number) {
                assert!(tokenlatch_table_verify(handle, call, 0, 0, 0, 0, NOW) > -1);
            }
        }
        Step::Forget(at) => tokenlatch_table_forget_calls(host.handle(*at)),
        other => about_handle(host, other),
    }
}

/// The functions of a handle that answer with JSON.
fn about_handle(host: &mut Host, step: &Step<'_>) {
    let (at, range, snapshots_only) = match step {
        Step::Update(at, range) | Step::Prepare(at, range) | Step::SetCatalogue(at, range) => (*at, *range, false),
        Step::Begin(at, range) | Step::Push(at, range) | Step::Apply(at, range) => (*at, *range, true),
        Step::Commit(at) | Step::State(at) => (*at, Range::Wild(0, 0), true),
        Step::Verdict(at, _) | Step::LastVerdict(at) => (*at, Range::Wild(0, 0), false),
        _ => return,
    };
    let (handle, range) = (host.handle(at), host.range(range));
    let packed = match step {
        Step::Update(..) => tokenlatch_table_update(handle, range.0, range.1),
        Step::Prepare(..) => tokenlatch_table_prepare(handle, range.0, range.1),
        Step::SetCatalogue(..) => tokenlatch_table_set_catalogue(handle, range.0, range.1),
        Step::Begin(..) => tokenlatch_snapshot_begin(handle, range.0, range.1, NOW),
        Step::Push(..) => tokenlatch_snapshot_push(handle, range.0, range.1),
        Step::Apply(..) => tokenlatch_snapshot_apply(handle, range.0, range.1, NOW),
        Step::Commit(_) => tokenlatch_snapshot_commit(handle),
        Step::Verdict(_, code) => tokenlatch_table_verdict(handle, *code),
        Step::LastVerdict(_) => tokenlatch_table_verdict(handle, host.code),
        _ => tokenlatch_snapshot_state(handle),
    };
    let answer = host.answered(packed, range, Some((handle, snapshots_only)));
    if let Some(verdict) = answer.pointer("/ok/allowed") {
        let reason = &answer["ok"]["reason"];
        assert_eq!(verdict == &json!(true), reason == "ok" || reason == "public");
    }
}
