//! The core's random histories of a signed snapshot, run with the real module in wasmtime. A trap is a failure.
//!
//! `PROPTEST_CASES=10000 cargo test -p tokenlatch-tests --test histories` runs more cases.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

#[path = "../../core/tests/snapshot/history.rs"]
mod history;
#[path = "../../core/tests/snapshot/line.rs"]
mod line;
#[path = "../../core/tests/snapshot/origin.rs"]
#[expect(dead_code, reason = "these tests use a part of it")]
mod origin;
#[path = "../../core/tests/snapshot/spoil.rs"]
mod spoil;

use std::cell::RefCell;

use proptest::prelude::*;
use serde_json::{Value, json};
use tokenlatch_build::{Options, build};
use tokenlatch_core::{Call, SnapshotOptions};
use wasmtime::{Engine, Instance, Linker, Memory, Module, Store, WasmParams, WasmResults};

use line::{Edge, cases, run, steps};

/// The module through its plain ABI. Every import traps.
struct InModule {
    store: Store<()>,
    instance: Instance,
    memory: Memory,
    snapshot: u32,
}

impl InModule {
    fn start() -> InModule {
        let built = build(&Options::default()).unwrap();
        let engine = Engine::default();
        let module = Module::from_file(&engine, &built.wasm).unwrap();
        let mut linker = Linker::new(&engine);
        linker.define_unknown_imports_as_traps(&module).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &module).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        InModule {
            store,
            instance,
            memory,
            snapshot: 0,
        }
    }

    fn call<P: WasmParams, R: WasmResults>(&mut self, name: &str, parameters: P) -> R {
        let function = self.instance.get_typed_func::<P, R>(&mut self.store, name).unwrap();
        function.call(&mut self.store, parameters).unwrap()
    }

    fn put(&mut self, bytes: &[u8]) -> (u32, u32) {
        let length = u32::try_from(bytes.len()).unwrap();
        let at = if length == 0 {
            0
        } else {
            self.call("tokenlatch_alloc", length)
        };
        self.memory.write(&mut self.store, at as usize, bytes).unwrap();
        (at, length)
    }

    fn free(&mut self, place: (u32, u32)) {
        self.call::<_, ()>("tokenlatch_free", place);
    }

    fn take(&mut self, answer: u64) -> Result<Value, String> {
        let place = ((answer >> 32) as u32, answer as u32);
        let mut text = vec![0; place.1 as usize];
        self.memory.read(&self.store, place.0 as usize, &mut text).unwrap();
        self.free(place);
        let mut answer: Value = serde_json::from_slice(&text).unwrap();
        match answer.pointer("/error/code") {
            None => Ok(answer["ok"].take()),
            Some(code) => Err(code.as_str().unwrap().to_owned()),
        }
    }

    /// Passes bytes to a function of the snapshot.
    fn send(&mut self, name: &str, bytes: &[u8], now: Option<i64>) -> Result<Value, String> {
        let (at, length) = self.put(bytes);
        let answer = match now {
            Some(now) => self.call(name, (self.snapshot, at, length, now)),
            None => self.call(name, (self.snapshot, at, length)),
        };
        self.free((at, length));
        self.take(answer)
    }
}

impl Edge for InModule {
    fn open(&mut self, options: &SnapshotOptions, call: &Call) -> u32 {
        self.call::<_, ()>("tokenlatch_table_free", self.snapshot);
        let place = self.put(json!(options).to_string().as_bytes());
        let answer = self.call("tokenlatch_snapshot_new", place);
        self.free(place);
        self.snapshot = number(&self.take(answer).unwrap()["table"]);
        let prepared = self.send("tokenlatch_table_prepare", json!(call).to_string().as_bytes(), None);
        number(&prepared.unwrap()["call"])
    }

    fn take(&mut self, message: &[u8], pieces: usize, now: i64) -> Result<(), String> {
        let Some((head, body)) = message.split_at_checked(192).filter(|_| pieces > 0) else {
            return self.send("tokenlatch_snapshot_apply", message, Some(now)).map(drop);
        };
        self.send("tokenlatch_snapshot_begin", head, Some(now))?;
        for piece in body.chunks(body.len().div_ceil(pieces).max(1)) {
            self.send("tokenlatch_snapshot_push", piece, None)?;
        }
        let answer = self.call("tokenlatch_snapshot_commit", self.snapshot);
        InModule::take(self, answer).map(drop)
    }

    fn abandon(&mut self, message: &[u8], now: i64) {
        let (head, body) = message.split_at(192);
        if self.send("tokenlatch_snapshot_begin", head, Some(now)).is_ok() {
            self.send("tokenlatch_snapshot_push", &body[..body.len() / 2], None)
                .unwrap();
        }
    }

    fn state(&mut self) -> Option<(u64, u64, i64)> {
        let answer = self.call("tokenlatch_snapshot_state", self.snapshot);
        let state = InModule::take(self, answer).unwrap();
        Some((
            state["epoch"].as_u64()?,
            state["version"].as_u64()?,
            state["made"].as_i64()?,
        ))
    }

    fn verify(&mut self, call: u32, header: &str, address: Option<&str>, now: i64) -> i64 {
        let (header, address) = (
            self.put(header.as_bytes()),
            self.put(address.unwrap_or_default().as_bytes()),
        );
        let parameters = (self.snapshot, call, header.0, header.1, address.0, address.1, now);
        let code = self.call("tokenlatch_table_verify", parameters);
        // The batch function must agree. It uses another implementation of the hash.
        let many: i64 = self.many(call, header, address, now);
        assert_eq!(many, code, "verifyMany says something else");
        self.free(header);
        self.free(address);
        code
    }

    fn user(&mut self, code: i64) -> Option<String> {
        let room = self.put(&[0; 256]);
        let written: u32 = self.call("tokenlatch_snapshot_holder", (self.snapshot, code, room.0, room.1));
        let mut holder = vec![0; written as usize];
        self.memory.read(&self.store, room.0 as usize, &mut holder).unwrap();
        self.free(room);
        let length = usize::from(*holder.get(44)?);
        String::from_utf8(holder.get(45..)?.get(..length)?.to_vec()).ok()
    }
}

impl InModule {
    /// One request among three with unknown tokens.
    fn many(&mut self, call: u32, header: (u32, u32), address: (u32, u32), now: i64) -> i64 {
        let mut texts = [vec![0; header.1 as usize], vec![0; address.1 as usize]];
        for (text, (at, _)) in texts.iter_mut().zip([header, address]) {
            self.memory.read(&self.store, at as usize, text).unwrap();
        }
        let length = |text: &Vec<u8>| u16::try_from(text.len()).unwrap().to_le_bytes();
        let [header, address] = &texts;
        let requests = [
            &4_u32.to_le_bytes()[..],
            &[0; 8],
            &length(header),
            &length(address),
            &[0; 4],
            header,
            address,
        ];
        let place = self.put(&requests.concat());
        let answer: u64 = self.call("tokenlatch_verify_many", (self.snapshot, call, place.0, place.1, now));
        self.free(place);
        let mut codes = [0; 32];
        assert_eq!(answer as u32, 32);
        self.memory
            .read(&self.store, (answer >> 32) as usize, &mut codes)
            .unwrap();
        self.free(((answer >> 32) as u32, 32));
        i64::from_le_bytes(codes[16..24].try_into().unwrap())
    }
}

fn number(value: &Value) -> u32 {
    value.as_u64().and_then(|value| u32::try_from(value).ok()).unwrap()
}

thread_local! {
    static MODULE: RefCell<InModule> = RefCell::new(InModule::start());
}

proptest! {
    #![proptest_config(cases(20))]

    #[test]
    fn module_uses_the_newest_valid_table_on_a_hostile_link(names: bool, steps in steps()) {
        MODULE.with_borrow_mut(|module| run(module, names, &steps))?;
    }
}
