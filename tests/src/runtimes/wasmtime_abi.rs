//! The module run by wasmtime through the plain ABI. Every import traps.

use tokenlatch_build::Built;
use wasmtime::{Config, Engine, Instance, Linker, Memory, Module, Store, WasmParams, WasmResults};

use super::{Identity, Runtime};
use crate::command::Command;
use crate::fault::Fault;

/// One instance of the module.
pub(crate) struct PlainAbi {
    identity: Identity,
    store: Store<()>,
    instance: Instance,
    memory: Memory,
    table: u32,
}

/// The version of wasmtime in the lock file, since the crate does not provide it.
#[must_use]
pub fn version() -> String {
    let lock = include_str!("../../../Cargo.lock");
    let mut lines = lock.lines().skip_while(|line| *line != "name = \"wasmtime\"");
    let version = lines.nth(1).and_then(|line| line.split('"').nth(1));
    version.unwrap_or("unknown").into()
}

fn fault(error: wasmtime::Error) -> Fault {
    Fault::new(format!("wasmtime: {error:#}"))
}

/// The compiled module.
pub(crate) struct Loaded {
    identity: Identity,
    module: Module,
}

impl Loaded {
    pub(crate) fn new(built: &Built) -> Result<Self, Fault> {
        let engine = Engine::new(&Config::new()).map_err(fault)?;
        Ok(Loaded {
            identity: Identity {
                runtime: "wasmtime".into(),
                version: version(),
                face: "plain".into(),
                module_sha256: Some(built.sha256.clone()),
            },
            module: Module::from_file(&engine, &built.wasm).map_err(fault)?,
        })
    }

    /// Starts an instance.
    pub(crate) fn start(&self) -> Result<PlainAbi, Fault> {
        let mut linker = Linker::new(self.module.engine());
        linker.define_unknown_imports_as_traps(&self.module).map_err(fault)?;
        let mut store = Store::new(self.module.engine(), ());
        let instance = linker.instantiate(&mut store, &self.module).map_err(fault)?;
        let memory = instance
            .get_memory(&mut store, "memory")
            .ok_or_else(|| Fault::new("the module exports no memory"))?;
        let mut abi = PlainAbi {
            identity: self.identity.clone(),
            store,
            instance,
            memory,
            table: 0,
        };
        match abi.run::<(), u32>("abi_version", ())? {
            1 => Ok(abi),
            other => Err(Fault::new(format!("the module's interface is of version {other}"))),
        }
    }
}

impl PlainAbi {
    fn run<P: WasmParams, R: WasmResults>(&mut self, name: &str, parameters: P) -> Result<R, Fault> {
        let name = format!("tokenlatch_{name}");
        self.instance
            .get_typed_func::<P, R>(&mut self.store, &name)
            .and_then(|function| function.call(&mut self.store, parameters))
            .map_err(|error| Fault::new(format!("{name}: {error:#}")))
    }

    /// Copies bytes into the module. An empty slice needs no memory.
    fn put(&mut self, bytes: &[u8]) -> Result<(u32, u32), Fault> {
        if bytes.is_empty() {
            return Ok((0, 0));
        }
        let length = u32::try_from(bytes.len()).map_err(Fault::during("a command"))?;
        let at: u32 = self.run("alloc", length)?;
        if at == 0 {
            return Err(Fault::new(format!("the module refused {length} bytes")));
        }
        self.memory
            .write(&mut self.store, at as usize, bytes)
            .map_err(Fault::during("writing to the module"))?;
        Ok((at, length))
    }

    /// Reads an answer, and frees it.
    fn take(&mut self, answer: u64) -> Result<Vec<u8>, Fault> {
        let (at, length) = ((answer >> 32) as u32, answer as u32);
        let mut bytes = vec![0; length as usize];
        self.memory
            .read(&self.store, at as usize, &mut bytes)
            .map_err(Fault::during("reading from the module"))?;
        self.run::<(u32, u32), ()>("free", (at, length))?;
        Ok(bytes)
    }

    fn take_text(&mut self, answer: u64) -> Result<String, Fault> {
        String::from_utf8(self.take(answer)?).map_err(Fault::during("an answer isn't UTF-8"))
    }

    /// Verifies many requests, encoded as SNAPSHOT.md says, by one call. Returns the bytes of their codes.
    pub(crate) fn verify_many(&mut self, call: u32, requests: &[u8], now: i64) -> Result<Vec<u8>, Fault> {
        let (at, length) = self.put(requests)?;
        let answer = self.run("verify_many", (self.table, call, at, length, now))?;
        self.run::<(u32, u32), ()>("free", (at, length))?;
        self.take(answer)
    }

    /// Verifies the fields of one request, encoded as OPERATIONS.md says, for the call without a function.
    pub(crate) fn verify_fields(&mut self, fields: &[u8], now: i64) -> Result<i64, Fault> {
        let (at, length) = self.put(fields)?;
        let parameters = (self.table, 0_u32, at, length, 0_u32, 0_u32, now);
        let code = self.run("table_verify_fields", parameters)?;
        self.run::<(u32, u32), ()>("free", (at, length))?;
        Ok(code)
    }

    fn ask(&mut self, text: &str) -> Result<String, Fault> {
        let (at, length) = self.put(text.as_bytes())?;
        let answer = self.run("call", (at, length))?;
        self.run::<(u32, u32), ()>("free", (at, length))?;
        self.take_text(answer)
    }

    fn ask_table(&mut self, name: &str, text: &str) -> Result<String, Fault> {
        let (at, length) = self.put(text.as_bytes())?;
        let answer = match name {
            "table_new" | "snapshot_new" => self.run(name, (at, length))?,
            _ => self.run(name, (self.table, at, length))?,
        };
        self.run::<(u32, u32), ()>("free", (at, length))?;
        self.take_text(answer)
    }

    /// Opens a table or a snapshot, which replaces the previous one.
    fn open(&mut self, name: &str, input: &str) -> Result<String, Fault> {
        self.run::<u32, ()>("table_free", self.table)?;
        let answer = self.ask_table(name, input)?;
        let read: serde_json::Value = serde_json::from_str(&answer).map_err(Fault::during("an answer"))?;
        let handle = read.pointer("/ok/table").and_then(serde_json::Value::as_u64);
        self.table = handle.and_then(|handle| u32::try_from(handle).ok()).unwrap_or(0);
        Ok(answer)
    }

    fn one(&mut self, command: &Command) -> Result<String, Fault> {
        match command {
            Command::Request(request) => self.ask(request.get()),
            Command::Raw(text) => self.ask(text),
            Command::Padded(padded) => self.ask(&padded.text()),
            Command::Update(update) => self.ask_table("table_update", update.get()),
            Command::Prepare(call) => self.ask_table("table_prepare", call.get()),
            Command::Table(input) => self.open("table_new", input.get()),
            Command::Snapshot(options) => self.open("snapshot_new", options.get()),
            Command::Apply(apply) => {
                let (at, length) = self.put(&apply.bytes()?)?;
                let answer = self.run("snapshot_apply", (self.table, at, length, apply.now))?;
                self.run::<(u32, u32), ()>("free", (at, length))?;
                self.take_text(answer)
            }
            Command::Verify(verify) => {
                let (header, length) = self.put(verify.authorization.as_bytes())?;
                let (origin, origin_length) = self.put(verify.address.as_deref().unwrap_or_default().as_bytes())?;
                let parameters = (
                    self.table,
                    verify.call,
                    header,
                    length,
                    origin,
                    origin_length,
                    verify.now,
                );
                let code: i64 = self.run("table_verify", parameters)?;
                self.run::<(u32, u32), ()>("free", (header, length))?;
                self.run::<(u32, u32), ()>("free", (origin, origin_length))?;
                if code < 0 {
                    return Ok(format!("{{\"code\":{code}}}"));
                }
                let answer = self.run("table_verdict", (self.table, code))?;
                self.take_text(answer)
            }
        }
    }
}

impl Runtime for PlainAbi {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn answer(&mut self, commands: &[&Command]) -> Result<Vec<String>, Fault> {
        commands.iter().map(|command| self.one(command)).collect()
    }
}
