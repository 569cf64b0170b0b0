//! The native core against the module, without the model, at full speed.

use serde_json::Value;

use super::cases::requests::{hot_time, presented, request};
use super::cases::tables::{opened, update};
use super::cases::{histories, parameters};
use super::draw::Draw;
use super::objects::{call, fields, records};
use crate::command::Command;
use crate::fault::Fault;
use crate::runtimes::{Native, PlainAbi, Runtime};

/// How many cases were run, and the first difference.
#[derive(Debug, Default)]
pub(super) struct Ran {
    pub(super) cases: u64,
    pub(super) differences: u64,
    pub(super) first: Option<String>,
}

impl Ran {
    pub(super) fn differs(&mut self, what: String) {
        self.differences += 1;
        self.first.get_or_insert(what);
    }

    pub(super) fn add(&mut self, other: Ran) {
        self.cases += other.cases;
        self.differences += other.differences;
        self.first = self.first.take().or(other.first);
    }
}

/// Requests through the dispatcher, each as it is and damaged as text up to five times.
pub(super) fn dispatcher(native: &mut Native, module: &mut PlainAbi, draw: &mut Draw) -> Result<Ran, Fault> {
    let mut ran = Ran::default();
    for _ in 0..100 {
        let requests = match draw.below(5) {
            0 => histories::history(draw),
            1 | 2 => vec![parameters::request(draw)],
            _ => vec![request(draw)],
        };
        for request in requests {
            let text = draw.text(&request);
            // A drawn request is cheap to damage in several ways.
            let mut texts = vec![text.clone()];
            texts.extend((0..draw.below(6)).map(|_| damaged(&text, draw)));
            for text in texts {
                ran.cases += 1;
                let command = Command::Raw(text);
                let (ours, theirs) = (native.answer(&[&command])?, module.answer(&[&command])?);
                if ours != theirs {
                    let Command::Raw(text) = command else { continue };
                    ran.differs(format!(
                        "{text}\n    native    {}\n    wasmtime  {}",
                        ours[0], theirs[0]
                    ));
                }
            }
        }
    }
    Ok(ran)
}

/// Text that is no longer what it was: a piece left out, doubled or replaced.
fn damaged(text: &str, draw: &mut Draw) -> String {
    const PIECES: [&str; 16] = [
        "\"", "\\", "{", "}", "[[", "]", ",", ":", "null", "1e3", "-0", "1.5", "18e8", "\\ud800", "\\u00e9", " \n",
    ];
    let mut letters: Vec<char> = text.chars().collect();
    for _ in 0..=draw.below(3) {
        let from = draw.below(letters.len().max(1)).min(letters.len());
        let end = (from + draw.below(12)).min(letters.len());
        match draw.below(3) {
            0 => drop(letters.drain(from..end)),
            1 => {
                let piece = letters[from..end].to_vec();
                letters.splice(from..from, piece);
            }
            _ => drop(letters.splice(from..end, draw.pick(&PIECES).chars())),
        }
    }
    letters.into_iter().collect()
}

/// Requests in one crossing.
const BATCH: usize = 2_048;
/// How often a batch is verified, at other times and for other calls.
const AGAIN: usize = 40;
/// Requests that are verified by their fields, each in a crossing of its own.
const BY_FIELDS: usize = 200;

/// One table, its changes, and many verifications in each crossing.
pub(super) fn verifications(native: &mut Native, module: &mut PlainAbi, draw: &mut Draw) -> Result<Ran, Fault> {
    let mut ran = Ran::default();
    let mut known = records(draw, 12);
    let mut both = |command: Command, ran: &mut Ran| -> Result<bool, Fault> {
        let (ours, theirs) = (native.answer(&[&command])?, module.answer(&[&command])?);
        if ours != theirs {
            ran.differs(format!(
                "{command:?}\n    native    {}\n    wasmtime  {}",
                ours[0], theirs[0]
            ));
        }
        Ok(ours[0].starts_with("{\"ok\""))
    };
    if !both(Command::Table(raw(&opened(&known, draw), draw)?), &mut ran)? {
        return Ok(ran);
    }
    let mut calls = 1;
    for _ in 0..draw.below(12) {
        calls += u32::from(both(Command::Prepare(raw(&call(draw, false), draw)?), &mut ran)?);
    }
    for _ in 0..4 {
        let change = update(&known, draw);
        if both(Command::Update(raw(&change, draw)?), &mut ran)? {
            known.extend(change["records"].as_array().into_iter().flatten().cloned());
        }
    }
    let requests: Vec<_> = (0..BATCH).map(|_| presented(&known, draw)).collect();
    let encoded = encoded(&requests);
    for _ in 0..AGAIN {
        let (call, now) = (draw.below(calls as usize + 1), hot_time(draw));
        let call = u32::try_from(call).unwrap_or(u32::MAX);
        let ours: Vec<u8> = requests
            .iter()
            .flat_map(|(header, address)| {
                let address = address.map(str::as_bytes);
                native.code(call, header.as_bytes(), address, now).to_le_bytes()
            })
            .collect();
        let theirs = module.verify_many(call, &encoded, now)?;
        ran.cases += BATCH as u64;
        if ours != theirs {
            let at = ours.iter().zip(&theirs).position(|(ours, theirs)| ours != theirs);
            let request = at.and_then(|at| requests.get(at / 8));
            ran.differs(format!(
                "call {call}, now {now}, {request:?}, in a table of {} records",
                known.len()
            ));
        }
    }
    for _ in 0..BY_FIELDS {
        let record = if known.is_empty() {
            &Value::Null
        } else {
            draw.pick(&known)
        };
        let fields = fields(record, draw);
        let now = hot_time(draw);
        let (ours, theirs) = (
            native.code_of_fields(&fields, now),
            module.verify_fields(&encoded_fields(&fields), now)?,
        );
        ran.cases += 1;
        if ours != theirs {
            ran.differs(format!("{fields:?} at {now}: native {ours}, wasmtime {theirs}"));
        }
    }
    Ok(ran)
}

/// Fields as `tokenlatch_table_verify_fields` reads them.
fn encoded_fields(fields: &[(&str, String)]) -> Vec<u8> {
    let size = |text: &str| u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes();
    let field =
        |(name, value): &(&str, String)| [&size(name), &size(value), name.as_bytes(), value.as_bytes()].concat();
    fields.iter().flat_map(field).collect()
}

fn raw(value: &Value, draw: &mut Draw) -> Result<Box<serde_json::value::RawValue>, Fault> {
    serde_json::value::RawValue::from_string(draw.text(value)).map_err(Fault::during("a command"))
}

/// Requests as `tokenlatch_verify_many` reads them.
fn encoded(requests: &[(String, Option<&str>)]) -> Vec<u8> {
    let size = |length: usize| u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes();
    let mut out = u32::try_from(requests.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
    for (header, address) in requests {
        out.extend(size(header.len()));
        out.extend(size(address.map_or(0, str::len)));
    }
    for (header, address) in requests {
        out.extend(header.as_bytes());
        out.extend(address.unwrap_or_default().as_bytes());
    }
    out
}
