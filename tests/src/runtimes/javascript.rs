//! All JavaScript runtimes. Each uses the package that is installed from the tarball.

use std::process::Command as Program;

use tokenlatch_build::Built;

use super::package::install;
use super::process::Process;
use crate::fault::Fault;

/// A JavaScript runtime and the command that starts its runner.
#[derive(Debug)]
pub struct JavaScript {
    /// Its name until it reports one itself.
    pub name: &'static str,
    /// A program on the path, or a tool's file if it contains a `/`.
    program: &'static str,
    arguments: &'static [&'static str],
}

const NODE_24: &str = "node-24/bin/node";

/// The Node.js that is installed.
pub(crate) const NODE: JavaScript = JavaScript::new("Node", "node", &["stdio.mjs"]);

/// All JavaScript runtimes, in the order of the table. Drivers run in Node and pass the text to the runtime and back.
pub const ALL: &[JavaScript] = &[
    NODE,
    JavaScript::new("Node 22", "node-22/bin/node", &["stdio.mjs"]),
    JavaScript::new("Node 24", NODE_24, &["stdio.mjs"]),
    // Without permissions: the package must not need any.
    JavaScript::new("Deno", ".bin/deno", &["run", "--no-prompt", "stdio.mjs"]),
    JavaScript::new("Bun", ".bin/bun", &["stdio.mjs"]),
    JavaScript::new("workerd, miniflare", NODE_24, &["miniflare.mjs"]),
    JavaScript::new("workerd serve", NODE_24, &["workerd.mjs"]),
    JavaScript::new("edge-runtime", "node", &["edge-runtime.mjs"]),
    JavaScript::new("Chromium", "node", &["chromium.mjs"]),
];

impl JavaScript {
    const fn new(name: &'static str, program: &'static str, arguments: &'static [&'static str]) -> Self {
        JavaScript {
            name,
            program,
            arguments,
        }
    }

    /// Starts its runner with a face: `plain`, `typed`, or `hostile`, which answers with one line per case.
    ///
    /// # Errors
    /// The package cannot be installed, or the runtime cannot be started.
    pub fn start(&self, built: &Built, face: &str) -> Result<Process, Fault> {
        let installed = install(built)?;
        let mut program = if self.program.contains('/') {
            Program::new(installed.tool(self.program))
        } else {
            Program::new(self.program)
        };
        program
            .args(self.arguments)
            .arg(face)
            .current_dir(installed.project.join("runners"))
            // The module's own default. The typed functions would use the local zone.
            .env("TZ", "UTC");
        Process::start(program)
    }
}
