//! An origin and edges that follow it: natively, in Node and in workerd. Tests how soon they refuse a revoked token, and how they
//! behave without the origin.

mod crowd;
mod cut;
mod goal;
mod lag;
mod load;
mod relay;
mod script;

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

pub use crowd::{Crowd, Victim};
pub use cut::Cut;
pub use goal::{Asker, Goal};
pub use lag::Lag;
pub use load::{Carried, Load};
pub use relay::Relay;
pub use script::Script;

use crate::conformance::require_all;
use crate::fault::Fault;
use crate::runtimes::build_package;
use crate::service::{Place, Server};

/// Time limit for steps that take almost no time: only a hang takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Number of log lines that a fault quotes.
const LINES: usize = 20;

/// The path at which a token is presented to native programs.
const AUTH: &str = "/auth?module=Email&function=list_pops";

/// How edges follow the origin.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The poll interval in whole seconds; `None` for push.
    pub poll: Option<u64>,
    /// How long an edge may use a table without news from the origin, in seconds.
    pub max_age: u64,
}

/// A running edge.
#[derive(Debug)]
pub struct Edge {
    /// The server to which tokens are presented.
    pub goal: Goal,
    /// Its link to the origin.
    pub relay: Relay,
    program: Program,
}

#[derive(Debug)]
enum Program {
    Native {
        server: Server,
        /// Its working folder.
        _place: Place,
    },
    Script(Script),
}

/// A running origin and its edges.
#[derive(Debug)]
pub struct Edges {
    /// The edges.
    pub edges: Vec<Edge>,
    /// The origin, to which tokens are presented too.
    pub origin: Goal,
    settings: Settings,
    _server: Server,
}

/// A signing key, and the edges' token.
#[derive(Debug)]
pub struct Keys {
    key: PathBuf,
    public: String,
    /// `user:token`.
    token: String,
}

impl Keys {
    /// Creates them in a place whose database exists.
    ///
    /// # Errors
    /// A command fails.
    pub fn make(place: &Place) -> Result<Keys, Fault> {
        let key = place.file("key");
        let made = place.must("tokenlatch", &["snapshot", "keygen", &key.display().to_string()])?;
        place.accounts(&["edges"])?;
        place.must("tokenlatch", &["account", "administrator", "edges", "on"])?;
        let create = [
            "token",
            "create",
            "--user",
            "edges",
            "--name",
            "edge",
            "--features",
            "snapshot-read,usage-report",
            "--realm",
            "admin",
        ];
        let token = place.must("tokenlatch", &create)?;
        Ok(Keys {
            key,
            public: made.stdout.trim().to_owned(),
            token: format!("edges:{}", token.stdout.trim()),
        })
    }
}

impl Edges {
    /// Starts an origin with a place's database, and every kind of edge that this machine can run. Waits until each admits a
    /// token. Edges that cannot run are reported as skipped.
    ///
    /// # Errors
    /// A program does not start, or is missing although nothing may be skipped.
    pub fn start(place: &Place, keys: &Keys, settings: Settings, good: &str) -> Result<Edges, Fault> {
        let (key, age) = (keys.key.display().to_string(), settings.max_age.to_string());
        let publishing = [
            "--snapshot-key",
            &key,
            "--snapshot-max-age",
            &age,
            "--log-level",
            "warn",
        ];
        let server = Server::start(place, &publishing)?;
        let mut edges = vec![native(&server, keys, settings)?];
        match scripts(place, &server, keys, settings) {
            Ok(more) => edges.extend(more),
            Err(fault) if fault.is_missing() && !require_all() => eprintln!("SKIPPED Node and workerd: {fault}"),
            Err(fault) => return Err(fault),
        }
        for edge in &edges {
            let mut asker = edge.goal.asker();
            let begun = Instant::now();
            loop {
                match asker.ask(good)? {
                    200 => break,
                    503 if begun.elapsed() < PATIENCE => sleep(Duration::from_millis(20)),
                    status => return Err(asker.wrong(&format!("answers {status}: {}", edge.log()))),
                }
            }
        }
        Ok(Edges {
            edges,
            origin: Goal::new("origin", server.account, AUTH),
            settings,
            _server: server,
        })
    }

    /// Adds the edges' last log lines to a fault.
    pub fn explained(&self, fault: Fault) -> Fault {
        let last = |edge: &Edge| {
            let log = edge.log();
            let is_news = |line: &&str| !line.contains("token_revoked");
            let mut lines: Vec<&str> = log.lines().filter(is_news).rev().take(LINES).collect();
            lines.reverse();
            format!("\n{}:\n{}", edge.goal.name, lines.join("\n"))
        };
        let logs: String = self.edges.iter().map(last).collect();
        Fault::new(format!("{fault}{logs}"))
    }

    /// All servers to which tokens are presented: the edges, then the origin.
    #[must_use]
    pub fn goals(&self) -> Vec<Goal> {
        let edges = self.edges.iter().map(|edge| edge.goal.clone());
        edges.chain([self.origin.clone()]).collect()
    }
}

impl Edge {
    /// The edge's log.
    #[must_use]
    pub fn log(&self) -> String {
        match &self.program {
            Program::Native { server, .. } => server.process.log(),
            Program::Script(script) => script.log(),
        }
    }

    /// Where its operator finds that it refuses because the snapshot is too old.
    ///
    /// # Errors
    /// The reason is nowhere.
    pub fn says_stale(&self) -> Result<&'static str, Fault> {
        let log = self.log();
        let (told, place) = match &self.program {
            Program::Native { server, .. } => {
                let mut client = server.admin_client();
                let mut get = |path| client.get(path, "none").map_err(Fault::during(path));
                let (ready, figures) = (get("/ready")?, get("/metrics")?);
                let told = ready.status == 503
                    && ready.json()["reason"] == "snapshot_stale"
                    && figures.body.contains("reason=\"snapshot_stale\"")
                    && figures.body.contains("tokenlatch_snapshot_failing 1")
                    && log.contains("following the origin failed");
                (told, "/ready, /metrics and its log")
            }
            Program::Script(_) => {
                let told = log.contains(r#""reason":"snapshot_stale""#) && log.contains(r#""code":"origin_"#);
                (told, "its verdicts and its log")
            }
        };
        match told {
            true => Ok(place),
            false => Err(Fault::new(format!(
                "{} doesn't say why it refuses: {log}",
                self.goal.name
            ))),
        }
    }
}

fn native(origin: &Server, keys: &Keys, settings: Settings) -> Result<Edge, Fault> {
    let relay = Relay::start(origin.admin)?;
    let place = Place::new()?;
    let file = place.file("token");
    private(&file, &format!("Authorization: whm {}\n", keys.token))?;
    let (url, file) = (relay.url(), file.display().to_string());
    let poll = settings.poll.map(|seconds| seconds.to_string());
    let mut options = vec![
        "--follow",
        &url,
        "--follow-key",
        &keys.public,
        "--follow-token-file",
        &file,
    ];
    options.extend(["--log-level", "warn"]);
    options.extend(poll.iter().flat_map(|seconds| ["--follow-poll", seconds]));
    let server = Server::start_edge(&place, &options)?;
    Ok(Edge {
        goal: Goal::new("native", server.account, AUTH),
        relay,
        program: Program::Native { server, _place: place },
    })
}

fn scripts(place: &Place, origin: &Server, keys: &Keys, settings: Settings) -> Result<Vec<Edge>, Fault> {
    build_package()?;
    let mut edges = Vec::new();
    for (name, file) in [("Node", "node.mjs"), ("workerd", "workerd.mjs")] {
        let relay = Relay::start(origin.admin)?;
        let mut variables = vec![
            ("ORIGIN", relay.url()),
            ("ORIGIN_TOKEN", keys.token.clone()),
            ("PUBLIC_KEYS", keys.public.clone()),
        ];
        variables.extend(settings.poll.map(|seconds| ("INTERVAL", (seconds * 1000).to_string())));
        let log = place.file(&format!("{name}-{}.log", origin.admin.port()));
        let script = match Script::start(file, &log, &variables) {
            Ok(script) => script,
            Err(fault) if fault.is_missing() && !require_all() => {
                eprintln!("SKIPPED {name}: {fault}");
                continue;
            }
            Err(fault) => return Err(fault),
        };
        edges.push(Edge {
            // A route of the example that reads.
            goal: Goal::new(name, script.address, "/v1/backups"),
            relay,
            program: Program::Script(script),
        });
    }
    Ok(edges)
}

/// Writes a file that only its owner can read.
fn private(path: &Path, text: &str) -> Result<(), Fault> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(Fault::during(path.display()))
}

/// A random time up to `longest`, so that the test is not in step with what it measures.
fn some_of(longest: Duration) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    longest.mul_f64((RandomState::new().hash_one(0) % 1_000) as f64 / 1_000.0)
}
