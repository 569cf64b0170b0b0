//! Calls functions of another server, with a token from the environment or a file, and with limits on the answer.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokenlatch::core::{Authorization, IdentifyRequest, Reason, SecretString};
use tokenlatch::{Module, read_text};
use tokenlatch_server::{RemoteServer, RemoteServerError};
use ureq::{Body, http::Response};
use zeroize::Zeroizing;

use crate::arguments::Parameters;
use crate::failure::Failure;

/// The longest answer, in bytes.
const MAX_ANSWER: u64 = 8 << 20;
/// The largest token file, in bytes.
const MAX_SECRET_FILE: u64 = 4096;
/// The time limit for connecting.
const CONNECT: Duration = Duration::from_secs(10);
/// The time limit for the whole request.
const WHOLE: Duration = Duration::from_secs(60);
/// The environment variable with the token.
const TOKEN: &str = "TOKENLATCH_TOKEN";
/// The environment variables with file names, for scripts that cannot be changed. They are ignored without a server's URL.
const HEADER_FILE: &str = "TOKENLATCH_HEADER_FILE";
const CACERT: &str = "TOKENLATCH_CACERT";

/// The options that name a server and the credentials for it.
#[derive(Args)]
pub struct Remote {
    /// Call this server instead of the database, such as https://host:2083; `http` only on this machine
    #[arg(
        long,
        value_name = "URL",
        env = "TOKENLATCH_URL",
        hide_env_values = true,
        help_heading = "Another server"
    )]
    pub url: Option<String>,
    /// File with the token; by default the token is in the environment variable TOKENLATCH_TOKEN
    #[arg(long, value_name = "FILE", requires = "url", help_heading = "Another server")]
    token_file: Option<PathBuf>,
    /// File with the line `Authorization: …`, as the service writes it at its first start; by default the file in
    /// TOKENLATCH_HEADER_FILE
    #[arg(
        long,
        value_name = "FILE",
        requires = "url",
        conflicts_with = "token_file",
        help_heading = "Another server"
    )]
    header_file: Option<PathBuf>,
    /// PEM file of the CAs trusted for the server; by default the file in TOKENLATCH_CACERT, otherwise the public web CAs
    #[arg(long, value_name = "FILE", requires = "url", help_heading = "Another server")]
    cacert: Option<PathBuf>,
}

/// A request to the server.
pub struct ServerRequest<'a> {
    /// The path, with its leading slash and an optional query.
    pub path: &'a str,
    /// The parameters. They are sent in the body, so that they do not appear in access logs.
    pub parameters: &'a Parameters,
}

impl Remote {
    /// Returns the value of the `Authorization` header. `named` is the user on the command line; `user` is called only if the
    /// token was given without its user.
    ///
    /// # Errors
    /// `token_missing`, `token_invalid`, with exit code 2.
    pub fn authorization(
        &self,
        module: &Module,
        scheme: &str,
        named: Option<&str>,
        user: impl FnOnce() -> Result<String, Failure>,
    ) -> Result<SecretString, Failure> {
        let value = if let Some(path) = self.header_file()? {
            let text = secret_file(&path)?;
            let field = text
                .trim_end()
                .split_once(':')
                .filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
            let (_, value) = field.ok_or_else(|| {
                token_invalid(format!("the file `{}` has no line `Authorization: …`", path.display()))
            })?;
            Zeroizing::new(value.trim().to_owned())
        } else {
            let token = match &self.token_file {
                Some(path) => secret_file(path)?,
                None => Zeroizing::new(std::env::var(TOKEN).map_err(|_| {
                    Failure::usage(
                        "token_missing",
                        "no token for the server; set TOKENLATCH_TOKEN, `--token-file` or `--header-file`",
                    )
                })?),
            };
            Zeroizing::new(format!("{scheme} {}:{}", user()?, token.trim()))
        };
        let value = SecretString::new(value.as_str().to_owned());
        let identified = module.identify(&IdentifyRequest {
            authorization: Authorization::One(value.clone()),
            peppers: Vec::new(),
        })?;
        if identified.reason != Reason::Ok {
            return Err(token_invalid("the value isn't `USER:TOKEN`"));
        }
        match (named, &identified.user) {
            (Some(named), Some(user)) if named != user => Err(token_invalid("the header's user differs from `--user`")),
            _ => Ok(value),
        }
    }

    /// Returns the header file, if the token is given by one.
    fn header_file(&self) -> Result<Option<PathBuf>, Failure> {
        if self.header_file.is_some() || self.token_file.is_some() {
            return Ok(self.header_file.clone());
        }
        match variable(HEADER_FILE) {
            Some(_) if std::env::var_os(TOKEN).is_some() => Err(token_invalid(
                "TOKENLATCH_TOKEN and TOKENLATCH_HEADER_FILE are both set; unset one",
            )),
            file => Ok(file),
        }
    }

    /// Sends the request, and returns the body of an answer with status 200.
    ///
    /// # Errors
    /// `url_invalid` and `certificates_invalid` with exit code 2; `server_refused`, `server_failed`, `server_answer` and
    /// `server_unreachable` with exit code 1.
    pub fn ask(
        &self,
        authorization: &SecretString,
        question: &ServerRequest<'_>,
    ) -> Result<Zeroizing<String>, Failure> {
        let server = RemoteServer::parse(self.url.as_deref().unwrap_or_default())?;
        let config = server
            .agent(self.cacert.clone().or_else(|| variable(CACERT)).as_deref())?
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(WHOLE))
            .accept("application/json");
        let request = config
            .build()
            .new_agent()
            .post(server.url(question.path))
            .header("Authorization", authorization.expose());
        let Parameters { values, json } = question.parameters;
        let sent = if *json {
            let object: serde_json::Map<_, _> = values.iter().cloned().collect();
            let text = Zeroizing::new(serde_json::Value::Object(object).to_string());
            request.content_type("application/json").send(text.as_str())
        } else {
            request.send_form(
                values
                    .iter()
                    .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))),
            )
        };
        answer(sent.map_err(|error| unreachable(&error))?)
    }
}

/// Returns the file that a variable names. An empty variable counts as unset.
fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

fn answer(mut response: Response<Body>) -> Result<Zeroizing<String>, Failure> {
    let status = response.status();
    if !status.is_success() {
        let (code, why) = match status.as_u16() {
            401 => ("server_refused", "the token is unknown, expired or revoked"),
            403 => ("server_refused", "the token may not do this"),
            429 => ("server_refused", "too many attempts failed; wait, then try again"),
            300..=399 => ("server_answer", "it redirects; give the final URL"),
            404 => (
                "server_answer",
                "it doesn't have this function, or it is another server",
            ),
            500.. => ("server_failed", "try again later"),
            _ => ("server_answer", "it refuses the request"),
        };
        return Err(failed(code, format!("the server answered {}: {why}", status.as_u16())));
    }
    let read = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec();
    let bytes = Zeroizing::new(read.map_err(|error| match error {
        ureq::Error::BodyExceedsLimit(_) => failed("server_answer", "the server's answer is longer than 8 MiB"),
        other => unreachable(&other),
    })?);
    let text = std::str::from_utf8(&bytes).map_err(|_| failed("server_answer", "the server's answer isn't UTF-8"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Encodes a name as one path segment.
pub fn segment(name: &str) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-').remove(b'.');
    // A segment of dots would change the path.
    let kept = if name.starts_with('.') { NON_ALPHANUMERIC } else { KEPT };
    utf8_percent_encode(name, kept).to_string()
}

/// Returns the error for an answer that is not a reply of such a server.
pub fn unreadable() -> Failure {
    failed("server_answer", "the server's answer isn't a reply of this API")
}

/// Reads a small file that holds a secret.
fn secret_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    read_text(path, MAX_SECRET_FILE)
        .map_err(|why| token_invalid(format!("the file `{}` cannot be used: {why}", path.display())))
}

impl From<RemoteServerError> for Failure {
    fn from(error: RemoteServerError) -> Failure {
        let code = match error {
            RemoteServerError::Url(_) => "url_invalid",
            RemoteServerError::Certificates { .. } => "certificates_invalid",
        };
        Failure::usage(code, error.to_string())
    }
}

fn token_invalid(message: impl Into<String>) -> Failure {
    Failure::usage("token_invalid", message)
}

fn failed(code: &'static str, message: impl Into<String>) -> Failure {
    Failure::Own {
        code,
        message: message.into(),
        exit: 1,
    }
}

fn unreachable(error: &ureq::Error) -> Failure {
    failed("server_unreachable", format!("the server cannot be reached: {error}"))
}
