//! `tokenlatch serve` in its own process.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command};
use std::thread::JoinHandle;

use serde_json::Value;

use crate::Place;

/// A server in its own process. It is stopped on drop.
pub struct Serving {
    pub child: Child,
    /// The output of its start.
    pub printed: String,
    log: Option<JoinHandle<String>>,
}

impl Serving {
    /// Starts a server on free ports.
    pub fn start(place: &Place, arguments: &[&str]) -> Serving {
        let ports = ["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
        Serving::spawn(place.command(&[&ports, arguments].concat()))
    }

    /// Starts a command, which must be `tokenlatch serve`, and reads the output of its start.
    pub fn spawn(mut command: Command) -> Serving {
        let mut child = command.spawn().expect("the server starts");
        let mut stderr = child.stderr.take().expect("standard error");
        let log = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            stderr.read_to_end(&mut bytes).expect("the log is read");
            String::from_utf8_lossy(&bytes).into_owned()
        });
        let mut stdout = BufReader::new(child.stdout.take().expect("standard output"));
        let mut printed = String::new();
        loop {
            let mut line = String::new();
            if stdout.read_line(&mut line).expect("a line of text") == 0 {
                panic!("it ended: {printed}{}", log.join().expect("no panic"));
            }
            printed.push_str(&line);
            // The last line of each output format.
            if line.starts_with('{') || line.starts_with("Next:") || line.contains("all options") {
                break;
            }
        }
        Serving {
            child,
            printed,
            log: Some(log),
        }
    }

    /// The output of its start with `--json`.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.printed).expect("a JSON document")
    }

    /// The address of a port, from the output with `--json`.
    pub fn address(&self, port: &str) -> SocketAddr {
        let document = self.json();
        let url = document["serving"][port].as_str().expect("the port's URL");
        let (_, address) = url.split_once("://").expect("a URL");
        address.parse().expect("an address")
    }

    /// Sends it a signal, such as `-TERM`.
    pub fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().expect("kill runs");
        assert!(sent.success());
    }

    /// Stops it gracefully, and returns its exit code and log.
    pub fn stop(mut self) -> (Option<i32>, String) {
        self.signal("-TERM");
        let code = self.child.wait().expect("it ends").code();
        let log = self.log.take().expect("the log is read once");
        (code, log.join().expect("no panic"))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // The process may already have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
