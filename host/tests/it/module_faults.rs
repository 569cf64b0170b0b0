//! A module that traps, loops or lies affects no other call: each fault is an error with a code, and the instance is dropped.

use std::thread;
use std::time::{Duration, Instant};

use tokenlatch::{Limits, Module, ModuleError, Options};

/// The length of the request selects what this module does. It remembers whether it has ever misbehaved.
const FAULTY: &str = r#"
(module
  (import "elsewhere" "function" (func $elsewhere))
  (memory (export "memory") 1)
  (data (i32.const 1024) "{\"ok\":\"whole\"}")
  (data (i32.const 1280) "{\"ok\":\"dirty\"}")
  (data (i32.const 1536) "{\"ok\":\"\ff\fe\"}")
  (global $dirty (mut i32) (i32.const 0))
  (func (export "tokenlatch_abi_version") (result i32) (i32.const 1))
  (func (export "tokenlatch_alloc") (param $length i32) (result i32)
    (if (i32.eq (local.get $length) (i32.const 20)) (then (return (i32.const 0))))
    (if (i32.eq (local.get $length) (i32.const 21)) (then (return (i32.const 0xffffff00))))
    (if (i32.eq (local.get $length) (i32.const 22)) (then (return (i32.const 65535))))
    (i32.const 4096))
  (func (export "tokenlatch_free") (param i32 i32))
  (func $deep (call $deep))
  (func $pack (param $pointer i32) (param $length i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (local.get $pointer)) (i64.const 32)) (i64.extend_i32_u (local.get $length))))
  (func $call (export "tokenlatch_call") (param $pointer i32) (param $length i32) (result i64)
    (if (global.get $dirty) (then
      (memory.copy (i32.const 2048) (i32.const 1280) (i32.const 14))
      (return (call $pack (i32.const 2048) (i32.const 14)))))
    (if (i32.lt_u (local.get $length) (i32.const 12)) (then (global.set $dirty (i32.const 1))))
    (if (i32.eq (local.get $length) (i32.const 1)) (then (unreachable)))
    (if (i32.eq (local.get $length) (i32.const 2)) (then (loop (br 0))))
    (if (i32.eq (local.get $length) (i32.const 3)) (then (return (call $pack (i32.const 0xfffffff0) (i32.const 64)))))
    (if (i32.eq (local.get $length) (i32.const 4)) (then (return (call $pack (i32.const 1024) (i32.const -1)))))
    (if (i32.eq (local.get $length) (i32.const 5)) (then (return (call $pack (i32.const 65530) (i32.const 64)))))
    (if (i32.eq (local.get $length) (i32.const 6)) (then (return (call $pack (i32.const 1536) (i32.const 10)))))
    (if (i32.eq (local.get $length) (i32.const 7)) (then
      (loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
      (unreachable)))
    (if (i32.eq (local.get $length) (i32.const 8)) (then (call $deep)))
    (if (i32.eq (local.get $length) (i32.const 9)) (then (call $elsewhere)))
    (if (i32.eq (local.get $length) (i32.const 10)) (then (return (i64.const 0))))
    (if (i32.eq (local.get $length) (i32.const 11)) (then (return (call $pack (i32.const 0) (i32.const 14)))))
    ;; A copy, for the host overwrites what it has read.
    (memory.copy (i32.const 2048) (i32.const 1024) (i32.const 14))
    (call $pack (i32.const 2048) (i32.const 14)))
  (func (export "tokenlatch_table_new") (param i32 i32) (result i64) (call $call (i32.const 0) (i32.const 99)))
  (func (export "tokenlatch_table_update") (param i32 i32 i32) (result i64) (i64.const 0))
  (func (export "tokenlatch_table_prepare") (param i32 i32 i32) (result i64) (i64.const 0))
  (func (export "tokenlatch_table_route") (param i32 i32 i32 i32 i32) (result i64) (i64.const -2))
  (func (export "tokenlatch_table_forget_calls") (param i32))
  (func (export "tokenlatch_table_set_catalogue") (param i32 i32 i32) (result i64) (i64.const 0))
  (func (export "tokenlatch_table_verify") (param i32 i32 i32 i32 i32 i32 i64) (result i64) (i64.const -2))
  (func (export "tokenlatch_table_verify_fields") (param i32 i32 i32 i32 i32 i32 i64) (result i64) (i64.const -2))
  (func (export "tokenlatch_table_verdict") (param i32 i64) (result i64) (i64.const 0)))
"#;

fn faulty() -> Module {
    let mut limits = Limits::default();
    limits.time = Duration::from_millis(300);
    limits.memory = 4 << 20;
    limits.kept_memory = 1 << 20;
    limits.instances = 4;
    limits.tables = 2;
    Module::from_bytes(&wat::parse_str(FAULTY).unwrap(), Options::new().limits(limits)).unwrap()
}

/// A request that causes a fault, or none.
fn request(fault: usize) -> Vec<u8> {
    vec![b' '; fault]
}

const WHOLE: usize = 64;

#[test]
fn every_fault_is_a_coded_error_and_the_next_call_works() {
    let module = faulty();
    let faults = [
        (1, "module_broken"),
        (2, "module_timeout"),
        (3, "module_answer"),
        (4, "module_answer"),
        (5, "module_answer"),
        (6, "module_answer"),
        (7, "module_full"),
        (8, "module_broken"),
        (9, "module_broken"),
        (10, "module_answer"),
        (11, "module_answer"),
        (20, "module_memory"),
        (21, "module_answer"),
        (22, "module_answer"),
    ];
    for (fault, code) in faults {
        let error = module.call_json(&request(fault)).unwrap_err();
        assert_eq!(error.code(), code, "{fault}: {error}");
        let answer = module.call_json(&request(WHOLE)).unwrap();
        assert_eq!(
            answer,
            br#"{"ok":"whole"}"#,
            "after {fault}: {}",
            String::from_utf8_lossy(&answer)
        );
    }
}

#[test]
fn a_broken_instance_is_not_kept() {
    let module = faulty();
    assert_eq!(module.call_json(&request(WHOLE)).unwrap(), br#"{"ok":"whole"}"#);
    assert_eq!(module.idle_instances(), 1);
    module.call_json(&request(1)).unwrap_err();
    assert_eq!(module.idle_instances(), 0);
}

#[test]
fn an_endless_loop_ends_within_its_limit() {
    let start = Instant::now();
    assert_eq!(faulty().call_json(&request(2)).unwrap_err(), ModuleError::Timeout);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn one_slow_call_does_not_end_another() {
    let module = faulty();
    thread::scope(|scope| {
        let slow = scope.spawn(|| module.call_json(&request(2)));
        for _ in 0..200 {
            assert!(module.call_json(&request(WHOLE)).is_ok());
        }
        assert_eq!(slow.join().unwrap().unwrap_err(), ModuleError::Timeout);
    });
}

#[test]
fn waiting_for_an_instance_times_out() {
    let module = faulty();
    thread::scope(|scope| {
        let hogs: Vec<_> = (0..16).map(|_| scope.spawn(|| module.call_json(&request(2)))).collect();
        for hog in hogs {
            let error = hog.join().unwrap().unwrap_err();
            assert!(matches!(error, ModuleError::Timeout | ModuleError::Busy), "{error}");
        }
    });
    assert!(module.call_json(&request(WHOLE)).is_ok());
}

#[test]
fn trap_error_does_not_contain_the_request() {
    let error = faulty().call_json(b"S").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the module trapped: wasm trap: wasm `unreachable` instruction executed"
    );
}

#[test]
fn invalid_modules_are_refused() {
    let refused = |wat: &str| {
        Module::from_bytes(&wat::parse_str(wat).unwrap(), Options::new())
            .unwrap_err()
            .code()
    };
    assert_eq!(refused("(module)"), "module_invalid");
    assert_eq!(refused(&FAULTY.replace(r#"(export "memory")"#, "")), "module_invalid");
    assert_eq!(
        refused(&FAULTY.replace("tokenlatch_free", "tokenlatch_release")),
        "module_invalid"
    );
    assert_eq!(
        refused(&FAULTY.replace(
            r#""tokenlatch_abi_version") (result i32) (i32.const 1)"#,
            r#""tokenlatch_abi_version") (result i32) (i32.const 2)"#
        )),
        "module_invalid"
    );
    assert_eq!(
        Module::from_bytes(b"not wasm", Options::new()).unwrap_err().code(),
        "module_invalid"
    );
    assert_eq!(
        Module::from_bytes(b"", Options::new()).unwrap_err().code(),
        "module_invalid"
    );
    assert_eq!(
        Module::from_file("/nowhere/at/all.wasm").unwrap_err().code(),
        "module_unreadable"
    );
}

#[test]
fn more_memory_than_allowed_is_refused_at_the_start() {
    let greedy = FAULTY.replace(r#"(memory (export "memory") 1)"#, r#"(memory (export "memory") 1000)"#);
    let mut limits = Limits::default();
    limits.memory = 1 << 20;
    let error = Module::from_bytes(&wat::parse_str(&greedy).unwrap(), Options::new().limits(limits)).unwrap_err();
    assert_eq!(error.code(), "module_invalid");
}
