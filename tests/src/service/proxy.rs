//! Proxies with the shipped configurations.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::http::Client;
use super::place::Place;
use super::program::require;
use super::python::Python;
use super::server::{Background, free_address};
use crate::fault::Fault;

/// Time limit for Traefik to read its routers, which it does once it listens.
const ROUTERS: Duration = Duration::from_secs(30);

/// A kind of proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyKind {
    /// nginx with `auth_request`.
    Nginx,
    /// Caddy with `forward_auth`.
    Caddy,
    /// Traefik with ForwardAuth.
    Traefik,
    /// Envoy with `ext_authz`.
    Envoy,
    /// HAProxy with a Lua action.
    Haproxy,
}

impl ProxyKind {
    /// Every kind.
    pub const ALL: [ProxyKind; 5] = [
        ProxyKind::Nginx,
        ProxyKind::Caddy,
        ProxyKind::Traefik,
        ProxyKind::Envoy,
        ProxyKind::Haproxy,
    ];

    /// The name of its program.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            ProxyKind::Nginx => "nginx",
            ProxyKind::Caddy => "caddy",
            ProxyKind::Traefik => "traefik",
            ProxyKind::Envoy => "envoy",
            ProxyKind::Haproxy => "haproxy",
        }
    }

    /// The name of its shipped file.
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            ProxyKind::Nginx => "nginx.conf",
            ProxyKind::Caddy => "Caddyfile",
            ProxyKind::Traefik => "traefik.yml",
            ProxyKind::Envoy => "envoy.yaml",
            ProxyKind::Haproxy => "haproxy.cfg",
        }
    }

    /// Its program: Debian's, or one from PyPI. A missing program is reported as a skip.
    ///
    /// # Errors
    /// The program is missing and `TOKENLATCH_REQUIRE_ALL` is set.
    pub fn find(self) -> Result<Option<PathBuf>, Fault> {
        match self {
            ProxyKind::Nginx | ProxyKind::Caddy | ProxyKind::Haproxy => require(self.program()),
            ProxyKind::Traefik | ProxyKind::Envoy => {
                Ok(Python::with("proxies")?.map(|python| python.program(self.program())))
            }
        }
    }

    /// The version that its program states.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn version(self, program: &Path) -> Result<String, Fault> {
        let argument = match self {
            ProxyKind::Nginx | ProxyKind::Haproxy => "-v",
            ProxyKind::Envoy => "--version",
            ProxyKind::Caddy | ProxyKind::Traefik => "version",
        };
        let output = Command::new(program)
            .arg(argument)
            .output()
            .map_err(Fault::during(program.display()))?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let mut numbers = said.split(|letter: char| letter != '.' && !letter.is_ascii_digit());
        let version = numbers.find(|number| number.split('.').filter(|part| !part.is_empty()).count() == 3);
        version
            .map(str::to_owned)
            .ok_or_else(|| Fault::new(format!("{} states no version: {said}", self.program())))
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
        Proxy::launch(kind, place, api, |text| replace(text, 2083, service))
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
        let Some(program) = kind.find()? else {
            return Ok(None);
        };
        let address = free_address()?;
        let text = replace(&change(&shipped(kind.file())?)?, 8080, api)?;
        let own = |end: &str| place.file(&format!("{}-{}.{end}", kind.program(), address.port()));
        let file = own(kind.file());
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
            ProxyKind::Traefik => {
                let (path, entry) = (file.display().to_string(), own("static.yml"));
                let entries = replace(&shipped("traefik-static.yml")?, 8443, address)?;
                let entries = entries.replace("/etc/traefik/traefik.yml", &path);
                fs::write(&entry, entries).map_err(Fault::during(entry.display()))?;
                command.arg(format!("--configFile={}", entry.display()));
                // The client of the tests speaks plain HTTP, and to an address.
                text.replace("      tls: {}\n", "")
                    .replace("api.example.com", "127.0.0.1")
            }
            ProxyKind::Envoy => {
                // Two would share the memory of a hot restart.
                command.args([
                    "--disable-hot-restart",
                    "--concurrency",
                    "2",
                    "--log-level",
                    "warning",
                    "-c",
                ]);
                command.arg(&file);
                text
            }
            ProxyKind::Haproxy => {
                command.arg("-db").arg("-f").arg(&file);
                let script = deploy("haproxy.lua").display().to_string();
                text.replace("/etc/haproxy/haproxy.lua", &script)
            }
        };
        let text = match kind {
            ProxyKind::Traefik => text,
            _ => replace(&text, 8443, address)?,
        };
        fs::write(&file, text).map_err(Fault::during(file.display()))?;
        let process = Background::start(command, &own("log"), address)?.leading();
        if kind == ProxyKind::Traefik {
            await_routers(address).map_err(Fault::during("Traefik"))?;
        }
        Ok(Some(Proxy { process, address }))
    }
}

/// A file of the folder with the shipped configurations.
fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../host/server/deploy")
        .join(name)
}

fn shipped(name: &str) -> Result<String, Fault> {
    let path = deploy(name);
    fs::read_to_string(&path).map_err(Fault::during(path.display()))
}

/// Waits until Traefik has a router for a request.
fn await_routers(address: SocketAddr) -> io::Result<()> {
    let begun = Instant::now();
    while Client::new(address).get("/", "none")?.status == 404 && begun.elapsed() < ROUTERS {
        sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Replaces a port of this machine in the shipped text by an address of this test.
fn replace(text: &str, port: u16, to: SocketAddr) -> Result<String, Fault> {
    let (whole, alone) = (format!("127.0.0.1:{port}"), format!("port_value: {port}"));
    match text.contains(&whole) || text.contains(&alone) {
        true => Ok(text
            .replace(&whole, &to.to_string())
            .replace(&alone, &format!("port_value: {}", to.port()))),
        false => Err(Fault::new(format!("the shipped file has no port {port}"))),
    }
}

/// The shipped text without the directive that asks the service.
fn unguarded(kind: ProxyKind, text: &str) -> Result<String, Fault> {
    let (from, to) = match kind {
        ProxyKind::Nginx => ("            auth_request /tokenlatch", ";\n"),
        ProxyKind::Caddy => ("\t\tforward_auth 127.0.0.1:2083 {", "\n\t\t}\n"),
        ProxyKind::Traefik | ProxyKind::Envoy | ProxyKind::Haproxy => {
            return Err(Fault::new(format!("{} is not measured", kind.program())));
        }
    };
    text.split_once(from)
        .and_then(|(before, rest)| Some(format!("{before}{}", rest.split_once(to)?.1)))
        .ok_or_else(|| Fault::new(format!("{} asks in another way", kind.file())))
}
