//! `wrk`: sends requests as fast as they are answered, over persistent connections.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use tokenlatch_tests::Fault;
use tokenlatch_tests::service::{Client, Place, require};

/// Cycles through the lines of a file, or sends one fixed field.
const SCRIPT: &str = r#"
local fixed, path = os.getenv("LOAD_FIXED"), os.getenv("LOAD_TOKENS")
local requests, at = {}, 0

function init(args)
  local function add(value)
    requests[#requests + 1] = wrk.format("GET", os.getenv("LOAD_PATH"), { Authorization = value })
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

/// Where requests are sent, their credentials, and the expected status.
pub struct Aim {
    address: SocketAddr,
    path: &'static str,
    tokens: Option<PathBuf>,
    status: u16,
}

impl Aim {
    /// Presents the tokens of a file, one after the other.
    pub fn tokens(address: SocketAddr, lines: &Path) -> Aim {
        Aim {
            tokens: Some(lines.to_owned()),
            ..Aim::password(address)
        }
    }

    /// Presents one user and password.
    pub fn password(address: SocketAddr) -> Aim {
        Aim {
            address,
            path: "/auth?module=Email&function=list_pops",
            tokens: None,
            status: 200,
        }
    }

    /// Requests another path than that of `/auth`.
    pub fn at(self, path: &'static str) -> Aim {
        Aim { path, ..self }
    }

    /// Expects 401 for every request.
    pub fn refused(self) -> Aim {
        Aim { status: 401, ..self }
    }

    /// Sends one token's request and checks its exact status, since `wrk` reports only whether it is an error.
    fn try_once(&self) -> Result<(), Fault> {
        let Some(path) = &self.tokens else {
            return Ok(());
        };
        let mut line = String::new();
        File::open(path)
            .and_then(|file| BufReader::new(file).read_line(&mut line))
            .map_err(Fault::during(path.display()))?;
        let authorization = format!("cpanel {}", line.trim_end());
        let answer = Client::new(self.address)
            .get(self.path, &authorization)
            .map_err(Fault::during(self.address))?;
        match answer.status == self.status {
            true => Ok(()),
            false => Err(Fault::new(format!(
                "{} answers {} instead of {}",
                self.address, answer.status, self.status
            ))),
        }
    }
}

/// The result of one run.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Run {
    /// Number of answered requests.
    pub requests: u64,
    /// Duration, in microseconds.
    pub microseconds: u64,
    /// Median latency, in microseconds.
    pub p50: u64,
    /// 99th percentile of the latency, in microseconds.
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
    /// Finds `wrk`, or reports that it is missing.
    ///
    /// # Errors
    /// Its script cannot be written.
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

    /// Measures once.
    ///
    /// # Errors
    /// A request was lost, or had an unexpected answer.
    pub fn run(&self, aim: &Aim) -> Result<Run, Fault> {
        aim.try_once()?;
        let mut command = Command::new(&self.program);
        command
            .args(["--threads", "2", "--connections", &self.connections.to_string()])
            .args(["--duration", &format!("{}s", self.seconds), "--latency", "--script"])
            .arg(&self.script)
            .arg(format!("http://{}", aim.address))
            .env("LOAD_PATH", aim.path);
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
        let refused = if aim.status < 400 { 0 } else { run.requests };
        if run.refused != refused || run.failed > 0 || run.requests == 0 {
            return Err(Fault::new(format!("{}: {run:?}", aim.address)));
        }
        aim.try_once()?;
        Ok(run)
    }
}
