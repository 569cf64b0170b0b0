//! The core itself, compiled for this machine.

use serde::Serialize;
use tokenlatch_core::{
    Error, ErrorCode, Snapshot, TokenTable, Value, Verdict, answer_json, call_json, encode, read_json,
};

use crate::command::{Command, Verify};
use crate::fault::Fault;
use crate::runtime::{Identity, Runtime};

/// The core without a module. Every module must agree with it.
pub struct Native {
    identity: Identity,
    table: Judge,
    tables: u32,
}

/// The table or snapshot that was opened last.
enum Judge {
    None,
    Table(Box<TokenTable>),
    Snapshot(Box<Snapshot>),
}

impl Judge {
    fn prepare(&mut self, call: Value) -> Result<u32, Error> {
        match self {
            Judge::None => Err(unknown()),
            Judge::Table(table) => table.prepare_value(call),
            Judge::Snapshot(snapshot) => snapshot.prepare_value(call),
        }
    }

    fn code(&self, call: u32, header: &[u8], address: Option<&[u8]>, now: i64) -> i64 {
        let address = address.filter(|address| !address.is_empty());
        match self {
            Judge::None => -1,
            Judge::Table(table) => table.verify(call, header, address, now),
            Judge::Snapshot(snapshot) => snapshot.verify(call, header, address, now),
        }
    }

    fn verify(&self, verify: &Verify) -> i64 {
        let address = verify.address.as_deref().map(str::as_bytes);
        self.code(verify.call, verify.authorization.as_bytes(), address, verify.now)
    }

    fn verdict(&self, code: i64) -> Result<Verdict, Error> {
        match self {
            Judge::None => Err(unknown()),
            Judge::Table(table) => table.verdict(code),
            Judge::Snapshot(snapshot) => snapshot.verdict(code),
        }
    }
}

fn unknown() -> Error {
    Error::new(ErrorCode::TableUnknown, "there is no table of that handle")
}

#[derive(Serialize)]
struct Opened {
    table: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<usize>,
}

#[derive(Serialize)]
struct Updated {
    records: usize,
}

#[derive(Serialize)]
struct Prepared {
    call: u32,
}

impl Default for Native {
    fn default() -> Self {
        Native {
            identity: Identity {
                runtime: "native".into(),
                version: format!("{} {}", std::env::consts::ARCH, std::env::consts::OS),
                face: "core".into(),
                module_sha256: None,
            },
            table: Judge::None,
            tables: 0,
        }
    }
}

impl Native {
    /// The code of a verification on the hot path.
    #[must_use]
    pub fn code(&self, call: u32, header: &[u8], address: Option<&[u8]>, now: i64) -> i64 {
        self.table.code(call, header, address, now)
    }

    /// The code of a verification by the fields of a request, for the call without a function.
    #[must_use]
    pub fn code_of_fields(&self, fields: &[(&str, String)], now: i64) -> i64 {
        let fields = fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let fields: Vec<_> = fields.collect();
        match &self.table {
            Judge::None => -1,
            Judge::Table(table) => table.verify_fields(0, &fields, None, now),
            Judge::Snapshot(snapshot) => snapshot.verify_fields(0, &fields, None, now),
        }
    }

    fn open(&mut self, input: &str) -> Result<Value, Error> {
        self.table = Judge::None;
        let table = TokenTable::from_value(read_json(input.as_bytes())?)?;
        let records = Some(table.len());
        self.opened(Judge::Table(Box::new(table)), records)
    }

    fn open_snapshot(&mut self, options: &str) -> Result<Value, Error> {
        self.table = Judge::None;
        let snapshot = Snapshot::from_value(read_json(options.as_bytes())?)?;
        self.opened(Judge::Snapshot(Box::new(snapshot)), None)
    }

    fn opened(&mut self, judge: Judge, records: Option<usize>) -> Result<Value, Error> {
        self.tables += 1;
        self.table = judge;
        let table = self.tables;
        encode(&Opened { table, records })
    }

    fn update(&mut self, update: &str) -> Result<Value, Error> {
        let update = read_json(update.as_bytes())?;
        let Judge::Table(table) = &mut self.table else {
            return Err(unknown());
        };
        table.update_value(update)?;
        encode(&Updated { records: table.len() })
    }

    fn apply(&mut self, message: &[u8], now: i64) -> Result<Value, Error> {
        match &mut self.table {
            Judge::Snapshot(snapshot) => encode(&snapshot.apply(message, now)?),
            _ => Err(unknown()),
        }
    }

    fn one(&mut self, command: &Command) -> Vec<u8> {
        match command {
            Command::Request(request) => call_json(request.get().as_bytes()),
            Command::Raw(text) => call_json(text.as_bytes()),
            Command::Padded(padded) => call_json(padded.text().as_bytes()),
            Command::Table(input) => answer_json(self.open(input.get())),
            Command::Snapshot(options) => answer_json(self.open_snapshot(options.get())),
            Command::Apply(apply) => match apply.bytes() {
                Ok(message) => answer_json(self.apply(&message, apply.now)),
                Err(fault) => format!("{fault}").into_bytes(),
            },
            Command::Update(update) => answer_json(self.update(update.get())),
            Command::Prepare(call) => answer_json(read_json(call.get().as_bytes()).and_then(|call| {
                let call = self.table.prepare(call)?;
                encode(&Prepared { call })
            })),
            Command::Verify(verify) => {
                let code = self.table.verify(verify);
                if code < 0 {
                    return format!("{{\"code\":{code}}}").into_bytes();
                }
                answer_json(self.table.verdict(code).and_then(|verdict| encode(&verdict)))
            }
        }
    }
}

impl Runtime for Native {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn answer(&mut self, commands: &[&Command]) -> Result<Vec<String>, Fault> {
        commands
            .iter()
            .map(|command| String::from_utf8(self.one(command)).map_err(Fault::during("an answer isn't UTF-8")))
            .collect()
    }
}
