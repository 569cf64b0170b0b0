//! Hostile hosts and hostile requests: errors with codes, no trap, and the next call works.

use crate::common;
use crate::common::{module, module_with};
use serde_json::Value;
use tokenlatch::{Limits, Module};
use wasmtime::{Engine, Instance, Linker, Memory, Store};

/// The module without the host's checks: pointers and lengths are passed unchanged.
struct Raw {
    store: Store<()>,
    instance: Instance,
    memory: Memory,
}

impl Raw {
    fn new() -> Raw {
        let mut config = wasmtime::Config::new();
        // Without optimisation, since the compile time dominates here.
        config.cranelift_opt_level(wasmtime::OptLevel::None);
        let engine = Engine::new(&config).unwrap();
        let bytes = std::fs::read(env!("TOKENLATCH_MODULE")).unwrap();
        let module = wasmtime::Module::new(&engine, bytes).unwrap();
        let mut linker = Linker::new(&engine);
        linker.define_unknown_imports_as_traps(&module).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &module).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        Raw {
            store,
            instance,
            memory,
        }
    }

    fn alloc(&mut self, length: u32) -> u32 {
        let alloc = self
            .instance
            .get_typed_func::<u32, u32>(&mut self.store, "tokenlatch_alloc")
            .unwrap();
        alloc.call(&mut self.store, length).unwrap()
    }

    fn free(&mut self, pointer: u32, length: u32) {
        let free = self
            .instance
            .get_typed_func::<(u32, u32), ()>(&mut self.store, "tokenlatch_free")
            .unwrap();
        free.call(&mut self.store, (pointer, length)).unwrap();
    }

    fn call(&mut self, name: &str, pointer: u32, length: u32) -> Value {
        let call = self
            .instance
            .get_typed_func::<(u32, u32), u64>(&mut self.store, name)
            .unwrap();
        let packed = call.call(&mut self.store, (pointer, length)).unwrap();
        self.answer(packed)
    }

    fn answer(&mut self, packed: u64) -> Value {
        let (pointer, length) = ((packed >> 32) as u32, packed as u32);
        let mut answer = vec![0; length as usize];
        self.memory.read(&self.store, pointer as usize, &mut answer).unwrap();
        self.free(pointer, length);
        serde_json::from_slice(&answer).unwrap()
    }

    fn ask(&mut self, request: &[u8]) -> Value {
        let length = u32::try_from(request.len()).unwrap();
        let pointer = self.alloc(length);
        assert_ne!(pointer, 0);
        self.memory.write(&mut self.store, pointer as usize, request).unwrap();
        let answer = self.call("tokenlatch_call", pointer, length);
        self.free(pointer, length);
        answer
    }

    fn works(&mut self) {
        assert_eq!(self.ask(br#"{"op":"info"}"#)["ok"]["abi"], 1);
    }
}

#[test]
fn wild_pointers_and_lengths_are_coded_errors() {
    let mut raw = Raw::new();
    let mine = raw.alloc(16);
    let wild = [
        (0, 0),
        (0, 10),
        (1, 10),
        (8, u32::MAX),
        (u32::MAX, u32::MAX),
        (u32::MAX - 15, 64),
        (1 << 31, 1 << 31),
        (mine, 17),
        (mine + 1, 16),
        (mine - 1, 4),
        (mine, u32::MAX),
    ];
    for name in ["tokenlatch_call", "tokenlatch_table_new"] {
        for (pointer, length) in wild {
            let answer = raw.call(name, pointer, length);
            let code = answer["error"]["code"].as_str().unwrap_or_default();
            assert!(
                matches!(code, "memory_invalid" | "json_invalid"),
                "{name}({pointer}, {length}): {answer}"
            );
            assert!(
                code == "memory_invalid" || length == 0,
                "{name}({pointer}, {length}): {answer}"
            );
            raw.works();
        }
    }
}

#[test]
fn wild_frees_do_no_harm() {
    let mut raw = Raw::new();
    let mine = raw.alloc(16);
    for (pointer, length) in [
        (0, 0),
        (0, 16),
        (7, 7),
        (u32::MAX, 1),
        (mine, 15),
        (mine + 4, 4),
        (mine, u32::MAX),
    ] {
        raw.free(pointer, length);
        raw.works();
    }
    // A part of the caller's own memory may be passed.
    assert_eq!(
        raw.call("tokenlatch_call", mine + 1, 15)["error"]["code"],
        "json_invalid"
    );
    raw.free(mine, 16);
    raw.free(mine, 16);
    raw.works();
    // Freed memory no longer belongs to the caller.
    assert_eq!(raw.call("tokenlatch_call", mine, 16)["error"]["code"], "memory_invalid");
}

#[test]
fn impossible_lengths_are_refused() {
    let mut raw = Raw::new();
    for length in [u32::MAX, 1 << 31, u32::MAX - 7] {
        assert_eq!(raw.alloc(length), 0);
        raw.works();
    }
}

#[test]
fn wild_handles_of_tables_are_coded_errors() {
    let mut raw = Raw::new();
    let pointer = raw.alloc(2);
    raw.memory.write(&mut raw.store, pointer as usize, b"{}").unwrap();
    for handle in [0, 1, 7, u32::MAX] {
        for name in ["tokenlatch_table_update", "tokenlatch_table_prepare"] {
            let function = raw
                .instance
                .get_typed_func::<(u32, u32, u32), u64>(&mut raw.store, name)
                .unwrap();
            let packed = function.call(&mut raw.store, (handle, pointer, 2)).unwrap();
            assert_eq!(raw.answer(packed)["error"]["code"], "table_unknown", "{name}");
        }
        let verify = raw
            .instance
            .get_typed_func::<(u32, u32, u32, u32, u32, u32, i64), i64>(&mut raw.store, "tokenlatch_table_verify")
            .unwrap();
        assert_eq!(
            verify
                .call(&mut raw.store, (handle, 0, pointer, 2, 0, 0, common::NOW))
                .unwrap(),
            -1
        );
        let free = raw
            .instance
            .get_typed_func::<u32, ()>(&mut raw.store, "tokenlatch_table_free")
            .unwrap();
        free.call(&mut raw.store, handle).unwrap();
        raw.works();
    }
}

/// The code of the module's error.
fn code(module: &Module, request: &[u8]) -> String {
    let answer = module.call_json(request).unwrap_or_else(|error| panic!("{error}"));
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    answer["error"]["code"].as_str().unwrap_or_default().to_owned()
}

fn works(module: &Module) {
    assert_eq!(module.info().unwrap().abi, 1);
}

#[test]
fn hostile_json_is_a_coded_error() {
    let module = module();
    let deep = [vec![b'['; 200_000], vec![b']'; 200_000]].concat();
    let nested = format!(r#"{{"op":"verify","call":{}1{}}}"#, "[".repeat(40), "]".repeat(40));
    let requests: [(&[u8], &str); 12] = [
        (b"", "json_invalid"),
        (b"\xff\xfe", "json_invalid"),
        (b"{\"op\":\"info\xff\"}", "json_invalid"),
        (b"{\"op\":\"info\"", "json_invalid"),
        (b"\0", "json_invalid"),
        (b"null", "type_invalid"),
        (br#"{"op":"info","op":"info"}"#, "field_duplicate"),
        (br#"{"op":"info","x":1}"#, "field_unknown"),
        (br#"{"op":"nothing"}"#, "op_unknown"),
        (b"{\"op\":\"inf\\ud800\"}", "json_invalid"),
        (&deep, "too_deep"),
        (nested.as_bytes(), "too_deep"),
    ];
    for (request, expected) in requests {
        let start = String::from_utf8_lossy(&request[..request.len().min(40)]).into_owned();
        assert_eq!(code(&module, request), expected, "{start}");
        works(&module);
    }
}

#[test]
fn a_request_of_ten_megabytes_is_refused_and_its_memory_not_kept() {
    let module = module_with(Limits::default());
    let mut request = br#"{"op":"validate","name":""#.to_vec();
    request.resize(10 << 20, b'a');
    request.extend_from_slice(br#""}"#);
    match module.call_json(&request) {
        Ok(answer) => {
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            assert_eq!(answer["error"]["code"], "request_too_large");
        }
        Err(error) => assert_eq!(error.code(), "module_memory"),
    }
    works(&module);
}

#[test]
fn largest_expensive_request_does_not_trap() {
    let module = module_with(Limits::default());
    let mut request = br#"{"op":"describe","now":1800000000,"record":["#.to_vec();
    while request.len() < (8 << 20) - 16 {
        request.extend_from_slice(b"1,");
    }
    request.extend_from_slice(b"1]}");
    assert!(request.len() <= 8 << 20);
    assert_eq!(code(&module, &request), "type_invalid");
    works(&module);
    assert!(module.idle_instances() <= 1);
}
