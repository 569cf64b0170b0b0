//! An origin reached over HTTP. Each request has its own thread, so a waiting one blocks neither the others nor the end of the
//! program.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};
use ureq::{Agent, Body, http::Response};
use zeroize::Zeroizing;

use tokenlatch::{
    Fetch, Fetched, LONGEST_POLL, REPORT_REFUSED, REPORT_UNWANTED, Source, SourceError, UsageReport, read_private,
};

use crate::edge::remote::{RemoteServer, RemoteServerError};

/// Time limit for connecting.
const CONNECT: Duration = Duration::from_secs(5);
/// Time limit for the start of an answer, in addition to the time that the origin was asked to wait.
const ANSWER: Duration = Duration::from_secs(10);
/// Maximum size of a token file, in bytes.
const MAX_TOKEN_FILE: u64 = 4096;
/// Bytes of a piece, and pieces that may be queued.
const PIECE: usize = 256 << 10;
const PIECES: usize = 4;
/// The origin's status when no delta leads from the edge's version to a newer one.
const GAP: u16 = 409;

/// Why an origin cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpSourceError {
    /// The URL or the CA file is invalid.
    #[error(transparent)]
    Server(#[from] RemoteServerError),
    /// The token file is unusable.
    #[error("the token file `{path}` cannot be used: {reason}")]
    Token {
        /// The file.
        path: PathBuf,
        /// The reason, without any of the file's content.
        reason: String,
    },
}

/// The administrator's port of an origin.
#[derive(Clone)]
pub struct HttpSource {
    agent: Agent,
    server: RemoteServer,
    token_file: PathBuf,
}

impl HttpSource {
    /// Creates a source for the origin at a URL of scheme, host and port. The token file is read before each request, so a new
    /// token is used at once. The file holds the token, or the line `Authorization: …`.
    ///
    /// # Errors
    /// [`HttpSourceError`].
    pub fn new(url: &str, token_file: &Path, certificates: Option<&Path>) -> Result<HttpSource, HttpSourceError> {
        let server = RemoteServer::parse(url)?;
        let config = server
            .agent(certificates)?
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            // An origin that does not read the request is treated as one that does not answer.
            .timeout_send_request(Some(ANSWER))
            .timeout_send_body(Some(ANSWER))
            .timeout_recv_body(Some(LONGEST_POLL));
        let source = HttpSource {
            agent: config.build().new_agent(),
            server,
            token_file: token_file.to_owned(),
        };
        source.authorization().map_err(|reason| HttpSourceError::Token {
            path: source.token_file.clone(),
            reason,
        })?;
        Ok(source)
    }

    /// The value of the `Authorization` field.
    fn authorization(&self) -> Result<Zeroizing<String>, String> {
        let text = read_private(&self.token_file, MAX_TOKEN_FILE)?;
        let text = text.trim();
        let field = text
            .split_once(':')
            .filter(|(name, _)| name.trim().eq_ignore_ascii_case("authorization"));
        let value = match field {
            Some((_, value)) => value.trim().to_owned(),
            // `whm USER:TOKEN`, as the token was shown.
            None if text.contains(' ') => text.to_owned(),
            None => format!("Bearer {text}"),
        };
        let value = Zeroizing::new(value);
        let plain = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if !plain || text.is_empty() {
            return Err("it must contain one line: a token, `whm USER:TOKEN`, or `Authorization: …`".to_owned());
        }
        Ok(value)
    }

    fn get(&self, path: &str, wait: Duration) -> Result<Response<Body>, SourceError> {
        let authorization = self
            .authorization()
            .map_err(|why| SourceError::new("token_file_invalid", why))?;
        self.agent
            .get(self.server.url(path))
            .config()
            .timeout_recv_response(Some(wait + ANSWER))
            .build()
            .header("Authorization", authorization.as_str())
            .call()
            .map_err(|error| unreachable(&error))
    }

    fn post(&self, report: &UsageReport) -> Result<(), SourceError> {
        let authorization = self
            .authorization()
            .map_err(|why| SourceError::new("token_file_invalid", why))?;
        let body = serde_json::to_vec(report)
            .map_err(|_| SourceError::new("origin_answer", "it cannot be encoded as JSON"))?;
        let response = self
            .agent
            .post(self.server.url("/snapshot/usage"))
            .config()
            .timeout_recv_response(Some(ANSWER))
            .build()
            .header("Authorization", authorization.as_str())
            .header("Content-Type", "application/json")
            .send(&body[..])
            .map_err(|error| unreachable(&error))?;
        match response.status().as_u16() {
            200..=299 => Ok(()),
            status @ (400 | 413 | 415 | 422) => Err(SourceError::new(
                REPORT_UNWANTED,
                format!("the origin answered {status}: it refuses the report"),
            )),
            status => Err(refused(status)),
        }
    }
}

#[async_trait]
impl Source for HttpSource {
    async fn fetch(&self, what: Fetch) -> Result<Fetched, SourceError> {
        let (path, wait) = match what {
            Fetch::Snapshot => ("/snapshot".to_owned(), LONGEST_POLL),
            Fetch::Deltas { epoch, version, wait } => (
                format!("/snapshot/deltas?since={epoch}-{version}&wait={}", wait.as_secs()),
                wait,
            ),
        };
        let (begun, beginning) = oneshot::channel();
        let source = self.clone();
        thread(move || {
            let response = match source.get(&path, wait) {
                Ok(response) if response.status().as_u16() == 200 => response,
                Ok(response) if response.status().as_u16() == GAP => {
                    let _ = begun.send(Ok(Fetched::Gap));
                    return;
                }
                other => {
                    let error = other.map_or_else(|error| error, |response| refused(response.status().as_u16()));
                    let _ = begun.send(Err(error));
                    return;
                }
            };
            let (pieces, coming) = mpsc::channel(PIECES);
            // If the caller is gone, the body is not read.
            if begun.send(Ok(Fetched::Pieces(coming))).is_ok() {
                read(response, &pieces);
            }
        })?;
        beginning.await.unwrap_or_else(|_| Err(broken()))
    }

    async fn report(&self, report: &UsageReport) -> Result<(), SourceError> {
        let (done, doing) = oneshot::channel();
        let (source, report) = (self.clone(), report.clone());
        thread(move || {
            let _ = done.send(source.post(&report));
        })?;
        doing.await.unwrap_or_else(|_| Err(broken()))
    }
}

impl fmt::Debug for HttpSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSource")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

fn thread(work: impl FnOnce() + Send + 'static) -> Result<(), SourceError> {
    std::thread::Builder::new()
        .name("tokenlatch-follow".to_owned())
        .spawn(work)
        .map(drop)
        .map_err(|_| SourceError::new("system_failed", "cannot start a thread"))
}

/// Passes the body on as it arrives, until the receiver is gone.
fn read(mut response: Response<Body>, pieces: &mpsc::Sender<Result<Vec<u8>, SourceError>>) {
    let mut body = response.body_mut().as_reader();
    loop {
        let mut piece = vec![0; PIECE];
        let outcome = match body.read(&mut piece) {
            Ok(0) => return,
            Ok(length) => {
                piece.truncate(length);
                Ok(piece)
            }
            Err(_) => Err(SourceError::new("origin_answer", "the origin's answer was truncated")),
        };
        let over = outcome.is_err();
        if pieces.blocking_send(outcome).is_err() || over {
            return;
        }
    }
}

fn broken() -> SourceError {
    SourceError::new("origin_unreachable", "the request to the origin was interrupted")
}

fn unreachable(error: &ureq::Error) -> SourceError {
    SourceError::new("origin_unreachable", format!("the origin cannot be reached: {error}"))
}

fn refused(status: u16) -> SourceError {
    let (code, why) = match status {
        401 => (REPORT_REFUSED, "the token is unknown, expired or revoked"),
        403 => (REPORT_REFUSED, "the token may not do this"),
        404 => (
            "origin_answer",
            "it publishes no snapshots; start it with `--snapshot-key`",
        ),
        429 => (REPORT_REFUSED, "too many attempts failed"),
        500.. => ("origin_failed", "it cannot answer now"),
        _ => ("origin_answer", "it refuses the request"),
    };
    SourceError::new(code, format!("the origin answered {status}: {why}"))
}
