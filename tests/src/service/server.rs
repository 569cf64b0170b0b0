//! Programs that run beside a test: `tokenlatch serve`, proxies, small APIs.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tokenlatch_test_support::ports;

use super::http::{Answer, Client};
use super::place::Place;
use super::program::program;
use crate::fault::Fault;

/// A loopback address for a program that listens.
///
/// # Errors
/// The system has no free port.
pub fn free_address() -> Result<SocketAddr, Fault> {
    ports::free_address().map_err(Fault::during("a free port"))
}

/// Time limit until a program listens: an unoptimised one compiles the module first.
const START: Duration = Duration::from_secs(60);

/// Time limit for a program to stop its child processes.
const STOP: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(20);

/// A program that is stopped with the test. Its output goes to a file.
#[derive(Debug)]
pub struct Background {
    child: Child,
    log: PathBuf,
    /// Whether it has child processes, which would outlive it if it were killed.
    leads: bool,
}

impl Background {
    /// Starts a program, and waits until something listens at the address.
    ///
    /// # Errors
    /// The program ends early, or takes too long. The text contains its output.
    pub fn start(mut command: Command, log: &Path, address: SocketAddr) -> Result<Self, Fault> {
        let file = File::options()
            .append(true)
            .create(true)
            .open(log)
            .map_err(Fault::during(log.display()))?;
        let also = file.try_clone().map_err(Fault::during(log.display()))?;
        let shown = format!("{:?}", command.get_program());
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(also)
            .spawn()
            .map_err(Fault::during(&shown))?;
        let mut background = Background {
            child,
            log: log.to_owned(),
            leads: false,
        };
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Ok(Some(status)) = background.child.try_wait() {
                return Err(Fault::new(format!("{shown} ended with {status}: {}", background.log())));
            }
            if begun.elapsed() > START {
                return Err(Fault::new(format!("{shown} doesn't listen: {}", background.log())));
            }
            sleep(PAUSE);
        }
        Ok(background)
    }

    /// Marks the program as one with child processes, which it stops when it is asked to stop.
    #[must_use]
    pub fn leading(mut self) -> Self {
        self.leads = true;
        self
    }

    /// Its output.
    #[must_use]
    pub fn log(&self) -> String {
        // A pipe has another reader.
        if !self.log.is_file() {
            return String::new();
        }
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it, as `kill -9` does.
    ///
    /// # Errors
    /// The system refuses.
    pub fn kill(&mut self) -> Result<(), Fault> {
        self.child.kill().map_err(Fault::during("killing a program"))?;
        self.child
            .wait()
            .map(drop)
            .map_err(Fault::during("waiting for a program"))
    }

    /// Asks it to stop, and waits for its end.
    ///
    /// # Errors
    /// It cannot be asked.
    pub fn stop(&mut self) -> Result<ExitStatus, Fault> {
        let asked = Command::new("kill").arg(self.id().to_string()).status();
        asked.map_err(Fault::during("kill"))?;
        self.child.wait().map_err(Fault::during("waiting for a program"))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if self.leads {
            let _ = Command::new("kill").arg(self.id().to_string()).status();
            let begun = Instant::now();
            while matches!(self.child.try_wait(), Ok(None)) && begun.elapsed() < STOP {
                sleep(PAUSE);
            }
        }
        // The process may already have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A running `tokenlatch serve`, with plain HTTP on loopback.
#[derive(Debug)]
pub struct Server {
    /// The process.
    pub process: Background,
    /// The account port.
    pub account: SocketAddr,
    /// The administrator's port.
    pub admin: SocketAddr,
}

impl Server {
    /// Starts it with a place's database.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(place: &Place, options: &[&str]) -> Result<Self, Fault> {
        Server::start_with(place, options, &[])
    }

    /// Starts it with TLS and the certificate that it creates at its first start.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_tls(place: &Place, options: &[&str]) -> Result<Self, Fault> {
        Server::launch(place, options, &[])
    }

    /// Starts it with TLS and with environment variables.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_tls_with(place: &Place, options: &[&str], variables: &[(&str, &str)]) -> Result<Self, Fault> {
        Server::launch(place, options, variables)
    }

    /// Starts it with environment variables.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_with(place: &Place, options: &[&str], variables: &[(&str, &str)]) -> Result<Self, Fault> {
        // The limit on failed attempts is off unless a test sets it, since tests send invalid tokens.
        let fixed = ["--http", "--failures-per-minute", "0"];
        let tolerant = !options.contains(&"--failures-per-minute");
        let fixed = if tolerant { &fixed[..] } else { &fixed[..1] };
        let server = Server::launch(place, &[fixed, options].concat(), variables)?;
        let ready = server
            .client()
            .get("/ready", "none")
            .map_err(Fault::during("asking whether it is ready"))?;
        match ready.status {
            200 => Ok(server),
            status => Err(Fault::new(format!("it isn't ready: {status} {}", server.process.log()))),
        }
    }

    /// Starts it as an edge. It has no database, and is ready once it has heard from its origin.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_edge(place: &Place, options: &[&str]) -> Result<Self, Fault> {
        let fixed = ["--http", "--failures-per-minute", "0"];
        Server::launch(place, &[&fixed, options].concat(), &[])
    }

    /// Starts it with its output going to an existing file or pipe.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_logging_to(place: &Place, options: &[&str], log: &Path) -> Result<Self, Fault> {
        let fixed = ["--http", "--failures-per-minute", "0"];
        Server::launch_to(place, &[&fixed, options].concat(), &[], Some(log))
    }

    fn launch(place: &Place, options: &[&str], variables: &[(&str, &str)]) -> Result<Self, Fault> {
        Server::launch_to(place, options, variables, None)
    }

    fn launch_to(
        place: &Place,
        options: &[&str],
        variables: &[(&str, &str)],
        into: Option<&Path>,
    ) -> Result<Self, Fault> {
        let (account, admin) = (free_address()?, free_address()?);
        let mut command = place.command(program("tokenlatch")?)?;
        let (listen, admin_listen) = (account.to_string(), admin.to_string());
        command
            .args(["serve", "--listen", &listen, "--admin-listen", &admin_listen])
            .args(options)
            .envs(variables.iter().copied());
        let log = place.file(&format!("serve-{}.log", account.port()));
        let process = Background::start(command, into.unwrap_or(&log), account)?;
        Ok(Server {
            process,
            account,
            admin,
        })
    }

    /// A client of the account port.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(self.account)
    }

    /// A client of the administrator's port.
    #[must_use]
    pub fn admin_client(&self) -> Client {
        Client::new(self.admin)
    }

    /// The answer of `/auth` to a token for reading mail.
    ///
    /// # Errors
    /// No answer came.
    pub fn auth(&self, user: &str, token: &str) -> Result<Answer, Fault> {
        let authorization = format!("cpanel {user}:{token}");
        self.client()
            .get("/auth?module=Email&function=list_pops", &authorization)
            .map_err(Fault::during("asking /auth"))
    }
}
