//! nginx and Caddy with the shipped configurations.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use super::place::Place;
use super::program::require;
use super::server::{Background, free_address};
use crate::fault::Fault;

/// A kind of proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyKind {
    /// nginx with `auth_request`.
    Nginx,
    /// Caddy with `forward_auth`.
    Caddy,
}

impl ProxyKind {
    /// The name of its program.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            ProxyKind::Nginx => "nginx",
            ProxyKind::Caddy => "caddy",
        }
    }

    /// The name of its shipped file.
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            ProxyKind::Nginx => "nginx.conf",
            ProxyKind::Caddy => "Caddyfile",
        }
    }
}

/// A running proxy in front of an API.
#[derive(Debug)]
pub struct Proxy {
    /// The process.
    pub process: Background,
    /// Its address.
    pub address: SocketAddr,
}

impl Proxy {
    /// Starts a proxy that asks the service about every request, or reports a skip if the program is missing.
    ///
    /// # Errors
    /// The proxy does not start; also a skip if `TOKENLATCH_REQUIRE_ALL` is set.
    pub fn start(kind: ProxyKind, place: &Place, service: SocketAddr, api: SocketAddr) -> Result<Option<Self>, Fault> {
        Proxy::launch(kind, place, api, |text| replace(text, "127.0.0.1:2083", service))
    }

    /// Starts the same proxy with changes to its file, such as raised limits.
    ///
    /// # Errors
    /// As [`Proxy::start`].
    pub fn start_changed(
        kind: ProxyKind,
        place: &Place,
        [service, api]: [SocketAddr; 2],
        change: impl FnOnce(String) -> String,
    ) -> Result<Option<Self>, Fault> {
        Proxy::launch(kind, place, api, |text| {
            replace(text, "127.0.0.1:2083", service).map(change)
        })
    }

    /// Starts the same proxy without the check, for comparison.
    ///
    /// # Errors
    /// As [`Proxy::start`].
    pub fn start_open(kind: ProxyKind, place: &Place, api: SocketAddr) -> Result<Option<Self>, Fault> {
        Proxy::launch(kind, place, api, |text| unguarded(kind, text))
    }

    fn launch(
        kind: ProxyKind,
        place: &Place,
        api: SocketAddr,
        change: impl FnOnce(&str) -> Result<String, Fault>,
    ) -> Result<Option<Self>, Fault> {
        let Some(program) = require(kind.program())? else {
            return Ok(None);
        };
        let address = free_address()?;
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../host/server/deploy")
            .join(kind.file());
        let text = fs::read_to_string(&path).map_err(Fault::during(path.display()))?;
        let text = replace(&change(&text)?, "127.0.0.1:8443", address)?;
        let text = replace(&text, "127.0.0.1:8080", api)?;
        let own = |end: &str| place.file(&format!("{}-{}.{end}", kind.program(), address.port()));
        let file = own("conf");
        let mut command = place.command(program)?;
        let text = match kind {
            ProxyKind::Nginx => {
                fs::create_dir_all(place.file("logs")).map_err(Fault::during("nginx's folder"))?;
                let (pid, access) = (own("pid"), own("access"));
                command.arg("-p").arg(place.folder()).arg("-c").arg(&file).arg("-g");
                command.arg(format!("daemon off; pid {}; error_log stderr;", pid.display()));
                // The shipped path of the request log belongs to the machine.
                let page = own("page").display().to_string();
                let text = text.replace("/var/log/nginx/tokenlatch.log", &page);
                text.replacen("http {", &format!("http {{\n    access_log {};", access.display()), 1)
            }
            ProxyKind::Caddy => {
                command.args(["run", "--adapter", "caddyfile", "--config"]).arg(&file);
                // The administration port would be in conflict if two ran at once.
                text.replacen("\n{\n", "\n{\n\tadmin off\n", 1)
            }
        };
        fs::write(&file, text).map_err(Fault::during(file.display()))?;
        let process = Background::start(command, &own("log"), address)?.leading();
        Ok(Some(Proxy { process, address }))
    }
}

/// Replaces an address in the shipped text by one of this test.
fn replace(text: &str, from: &str, to: SocketAddr) -> Result<String, Fault> {
    match text.contains(from) {
        true => Ok(text.replace(from, &to.to_string())),
        false => Err(Fault::new(format!("the shipped file has no {from}"))),
    }
}

/// The shipped text without the directive that asks the service.
fn unguarded(kind: ProxyKind, text: &str) -> Result<String, Fault> {
    let (from, to) = match kind {
        ProxyKind::Nginx => ("            auth_request /tokenlatch", ";\n"),
        ProxyKind::Caddy => ("\t\tforward_auth 127.0.0.1:2083 {", "\n\t\t}\n"),
    };
    text.split_once(from)
        .and_then(|(before, rest)| Some(format!("{before}{}", rest.split_once(to)?.1)))
        .ok_or_else(|| Fault::new(format!("{} asks in another way", kind.file())))
}
