//! `wrk`: requests as fast as they are answered, over connections that are kept open.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use tokenlatch_tests::Fault;
use tokenlatch_tests::service::{Place, require};

/// Cycles through the lines of a file, or sends one fixed field.
const SCRIPT: &str = r#"
local fixed, path = os.getenv("LOAD_FIXED"), os.getenv("LOAD_TOKENS")
local requests, at = {}, 0

function init(args)
  wrk.init(args)
  local function add(value)
    requests[#requests + 1] = wrk.format("GET", "/auth?module=Email&function=list_pops", { Authorization = value })
  end
  if path then
    for line in io.lines(path) do add("cpanel " .. line) end
  else
    add(fixed)
  end
  math.randomseed(tonumber(tostring({}):match("0x(%x+)"), 16) % 1000003)
  at = math.random(#requests)
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"refused":%d,"failed":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
"#;

/// Where requests go, and what they present.
pub struct Aim {
    address: SocketAddr,
    tokens: Option<PathBuf>,
}

impl Aim {
    /// The tokens of a file, one after the other.
    pub fn tokens(address: SocketAddr, lines: &Path) -> Aim {
        Aim {
            address,
            tokens: Some(lines.to_owned()),
        }
    }

    /// One user and password.
    pub fn password(address: SocketAddr) -> Aim {
        Aim { address, tokens: None }
    }
}

/// One measurement.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Run {
    /// Requests that were answered.
    pub requests: u64,
    /// How long it took.
    pub microseconds: u64,
    /// The median latency, in microseconds.
    pub p50: u64,
    /// The latency that one of a hundred exceeds, in microseconds.
    pub p99: u64,
    refused: u64,
    failed: u64,
}

/// The program, ready to run.
pub struct Wrk {
    program: PathBuf,
    script: PathBuf,
    seconds: u32,
    connections: u32,
}

impl Wrk {
    /// Finds it, or says aloud that there is none.
    ///
    /// # Errors
    /// When its script can't be written.
    pub fn find(place: &Place, seconds: u32, connections: u32) -> Result<Option<Wrk>, Fault> {
        let Some(program) = require("wrk")? else {
            return Ok(None);
        };
        let script = place.file("load.lua");
        fs::write(&script, SCRIPT).map_err(Fault::during("wrk's script"))?;
        Ok(Some(Wrk {
            program,
            script,
            seconds,
            connections,
        }))
    }

    /// Measures once. Every request must have been admitted.
    ///
    /// # Errors
    /// When a request was refused or lost.
    pub fn run(&self, aim: &Aim) -> Result<Run, Fault> {
        let mut command = Command::new(&self.program);
        command
            .args(["--threads", "2", "--connections", &self.connections.to_string()])
            .args(["--duration", &format!("{}s", self.seconds), "--latency", "--script"])
            .arg(&self.script)
            .arg(format!("http://{}", aim.address));
        match &aim.tokens {
            Some(path) => command.env("LOAD_TOKENS", path),
            None => command.env("LOAD_FIXED", "Basic bG9hZDpwYXNzd29yZA=="),
        };
        let output = command.output().map_err(Fault::during("wrk"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let run: Run = said
            .lines()
            .find_map(|line| serde_json::from_str(line.strip_prefix("RESULT ")?).ok())
            .ok_or_else(|| Fault::new(format!("wrk: {said}{}", String::from_utf8_lossy(&output.stderr))))?;
        if run.refused + run.failed > 0 || run.requests == 0 {
            return Err(Fault::new(format!("{}: {run:?}", aim.address)));
        }
        Ok(run)
    }
}
