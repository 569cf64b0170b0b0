//! A service in Node that ends when its standard input closes, even if its parent crashed.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::fault::Fault;
use crate::runtimes::package;

/// Time limit for its end.
const END: Duration = Duration::from_secs(10);

/// A running service.
#[derive(Debug)]
pub struct Script {
    child: Child,
    /// Its address.
    pub address: SocketAddr,
    log: PathBuf,
}

/// The only line that it prints.
#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    Listening { address: SocketAddr },
    Missing { missing: String },
}

impl Script {
    /// Starts a file of `js/test/edges`, and waits until it prints its address. Its log goes to a file.
    ///
    /// # Errors
    /// It does not start, or this machine lacks something for it.
    pub fn start(name: &str, log: &Path, variables: &[(&str, String)]) -> Result<Script, Fault> {
        let file = File::create(log).map_err(Fault::during(log.display()))?;
        let mut child = Command::new("node")
            .arg(Path::new("test/edges").join(name))
            .current_dir(package())
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .map_err(|error| Fault::missing(format!("node can't be started: {error}")))?;
        let mut line = String::new();
        if let Some(output) = child.stdout.as_mut() {
            BufReader::new(output)
                .read_line(&mut line)
                .map_err(Fault::during(name))?;
        }
        let address = match serde_json::from_str(&line) {
            Ok(Said::Listening { address }) => address,
            Ok(Said::Missing { missing }) => return Err(Fault::missing(missing)),
            Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                let log = fs::read_to_string(log).unwrap_or_default();
                return Err(Fault::new(format!("{name} doesn't start: {line}{log}")));
            }
        };
        Ok(Script {
            child,
            address,
            log: log.to_owned(),
        })
    }

    /// Its log.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let begun = Instant::now();
        while begun.elapsed() < END {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
