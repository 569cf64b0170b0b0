//! The core itself, compiled for this machine.

use serde::Serialize;
use tokenlatch_core::{Error, ErrorCode, TokenTable, Value, answer_json, call_json, encode, read_json};

use super::{Identity, Runtime};
use crate::command::Command;
use crate::fault::Fault;

/// The core without a module: what every module must agree with.
pub(crate) struct Native {
    identity: Identity,
    table: Option<TokenTable>,
    tables: u32,
}

#[derive(Serialize)]
struct Opened {
    table: u32,
    records: usize,
}

#[derive(Serialize)]
struct Updated {
    records: usize,
}

#[derive(Serialize)]
struct Prepared {
    call: u32,
}

impl Native {
    pub(crate) fn new() -> Self {
        Native {
            identity: Identity {
                runtime: "native".into(),
                version: format!("{} {}", std::env::consts::ARCH, std::env::consts::OS),
                face: "core".into(),
                module_sha256: None,
            },
            table: None,
            tables: 0,
        }
    }

    fn open(&mut self, input: &str) -> Result<Value, Error> {
        self.table = None;
        let table = TokenTable::from_value(read_json(input.as_bytes())?)?;
        self.tables += 1;
        let records = table.len();
        self.table = Some(table);
        encode(&Opened {
            table: self.tables,
            records,
        })
    }

    fn table(&mut self) -> Result<&mut TokenTable, Error> {
        self.table
            .as_mut()
            .ok_or_else(|| Error::new(ErrorCode::TableUnknown, "there is no table of that handle"))
    }

    fn one(&mut self, command: &Command) -> Vec<u8> {
        match command {
            Command::Request(request) => call_json(request.get().as_bytes()),
            Command::Raw(text) => call_json(text.as_bytes()),
            Command::Padded(padded) => call_json(padded.text().as_bytes()),
            Command::Table(input) => answer_json(self.open(input.get())),
            Command::Update(update) => answer_json(read_json(update.get().as_bytes()).and_then(|update| {
                let table = self.table()?;
                table.update_value(update)?;
                encode(&Updated { records: table.len() })
            })),
            Command::Prepare(call) => answer_json(read_json(call.get().as_bytes()).and_then(|call| {
                let call = self.table()?.prepare_value(call)?;
                encode(&Prepared { call })
            })),
            Command::Verify(verify) => {
                let address = verify.address.as_deref().map(str::as_bytes);
                let address = address.filter(|address| !address.is_empty());
                let code = match &self.table {
                    Some(table) => table.verify(verify.call, verify.authorization.as_bytes(), address, verify.now),
                    None => -1,
                };
                if code < 0 {
                    return format!("{{\"code\":{code}}}").into_bytes();
                }
                answer_json(self.table().and_then(|table| encode(&table.verdict(code)?)))
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
