//! A server in this process, and a client that sends exactly the given bytes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use tokenlatch::core::{Access, Caps, Features, Realm};
use tokenlatch::{Module, NewToken, Service, SetClock};
use tokenlatch_server::{Config, Server, State};

use crate::{NOW, Place, module, set_caps};

/// The body of every refusal.
pub const DENIED: &str = r#"{"cpanelresult":{"apiversion":"2","error":"Access denied","data":{"reason":"Access denied","result":"0"},"type":"text"}}"#;

/// The body when no decision is possible.
pub const UNAVAILABLE: &str = r#"{"cpanelresult":{"apiversion":"2","error":"The token cannot be checked now; try again later","data":{"reason":"The token cannot be checked now; try again later","result":"0"},"type":"text"}}"#;

/// A server that runs until it is dropped.
pub struct Running {
    pub account: SocketAddr,
    pub admin: SocketAddr,
    /// The listener for snapshots, if there is one.
    pub snapshot: Option<SocketAddr>,
    /// The listener for metrics, if there is one.
    pub metrics: Option<SocketAddr>,
    /// The listener for routes, if there is one.
    pub guard: Option<SocketAddr>,
    pub state: State,
    pub clock: Arc<SetClock>,
    pub place: Place,
    runtime: tokio::runtime::Runtime,
}

impl Running {
    /// A server with the accounts alice, bob and root, who is an administrator.
    pub fn start() -> Running {
        Running::with(|_| {})
    }

    /// A server with other settings.
    pub fn with(tell: impl FnOnce(&mut Config)) -> Running {
        Running::by(module(), tell)
    }

    /// A server that decides by a given module, with other settings.
    pub fn by(module: Module, tell: impl FnOnce(&mut Config)) -> Running {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let place = Place::new();
        let clock = Arc::new(SetClock::at(NOW));
        let mut config = Config::plain();
        tell(&mut config);
        let server = runtime.block_on(async {
            let service = Service::new(module, place.store().await).with_clock(clock.clone());
            for user in ["alice", "bob", "root"] {
                service.add_account(user, Features::All).await.expect("an account");
            }
            service.set_administrator("root", true).await.expect("an administrator");
            Server::bind(config, service).await.expect("the server starts")
        });
        let (account, admin) = server.addresses();
        let (snapshot, metrics, guard) = (
            server.snapshot_address(),
            server.metrics_address(),
            server.guard_address(),
        );
        let state = server.state().clone();
        runtime.spawn(server.run(std::future::pending::<()>()));
        Running {
            account,
            admin: admin.expect("the administrator's port"),
            snapshot,
            metrics,
            guard,
            state,
            clock,
            place,
            runtime,
        }
    }

    /// Runs a future beside the server.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Starts a task beside the server.
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(future);
    }

    /// Raises an account's limits: more tokens, and larger ones.
    pub fn lift_caps(&self, user: &str) {
        let caps = Caps {
            features: Some(1_000),
            record_bytes: Some(100_000),
            ..Caps::default()
        };
        self.block_on(set_caps(&self.state.service, user, caps));
    }

    /// Creates a token through the service, and returns its text.
    pub fn token(&self, token: NewToken) -> String {
        let created = self.block_on(self.state.service.create(token)).expect("a token");
        created.token.expose().to_owned()
    }

    /// A full token, as an `Authorization` of the account port.
    pub fn full(&self, user: &str, name: &str) -> String {
        format!("cpanel {user}:{}", self.token(NewToken::new(user, name, Access::Full)))
    }

    /// A token with some features, as an `Authorization` of the account port.
    pub fn limited(&self, user: &str, name: &str, features: &[&str]) -> String {
        let features = features.iter().map(|feature| (*feature).to_owned()).collect();
        let token = NewToken::new(user, name, Access::Limited { features });
        format!("cpanel {user}:{}", self.token(token))
    }

    /// A read-only token, as an `Authorization` of the account port.
    pub fn reader(&self, user: &str, name: &str) -> String {
        let mut token = NewToken::new(user, name, Access::Full);
        token.read_only = true;
        format!("cpanel {user}:{}", self.token(token))
    }

    /// A full token of the administrator, as an `Authorization` of that port.
    pub fn administrator(&self, name: &str) -> String {
        let mut token = NewToken::new("root", name, Access::Full);
        token.realm = Realm::Admin;
        format!("whm root:{}", self.token(token))
    }

    /// A token of the administrator with some features, as an `Authorization` of that port.
    pub fn limited_administrator(&self, name: &str, features: &[&str]) -> String {
        let features = features.iter().map(|feature| (*feature).to_owned()).collect();
        let mut token = NewToken::new("root", name, Access::Limited { features });
        token.realm = Realm::Admin;
        format!("whm root:{}", self.token(token))
    }

    /// GET on the account port.
    pub fn get(&self, authorization: &str, target: &str) -> Answer {
        Request::new("GET", target)
            .authorization(authorization)
            .send(self.account)
    }

    /// GET on the administrator's port.
    pub fn get_admin(&self, authorization: &str, target: &str) -> Answer {
        Request::new("GET", target)
            .authorization(authorization)
            .send(self.admin)
    }

    /// POST of a form on the account port.
    pub fn post(&self, authorization: &str, target: &str, form: &str) -> Answer {
        Request::new("POST", target)
            .authorization(authorization)
            .form(form)
            .send(self.account)
    }
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    head: String,
    body: String,
}

impl Request {
    pub fn new(method: &str, target: &str) -> Request {
        Request {
            head: format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"),
            body: String::new(),
        }
    }

    /// Sets the host; an empty one is not sent.
    pub fn host(mut self, host: &str) -> Request {
        let field = match host {
            "" => String::new(),
            host => format!("Host: {host}\r\n"),
        };
        self.head = self.head.replace("Host: localhost\r\n", &field);
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Request {
        self.head.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// Sets the `Authorization`; an empty one is not sent.
    pub fn authorization(self, value: &str) -> Request {
        if value.is_empty() {
            self
        } else {
            self.header("Authorization", value)
        }
    }

    pub fn body(mut self, kind: &str, body: &str) -> Request {
        self.body = body.to_owned();
        self.header("Content-Type", kind)
            .header("Content-Length", &body.len().to_string())
    }

    /// Sets a body without a content type.
    pub fn untold(self, body: &str) -> Request {
        self.header("Content-Length", &body.len().to_string()).bytes(body)
    }

    /// Sets the bytes after the head, whatever the head states.
    pub fn bytes(mut self, body: &str) -> Request {
        self.body = body.to_owned();
        self
    }

    pub fn form(self, form: &str) -> Request {
        self.body("application/x-www-form-urlencoded", form)
    }

    pub fn json(self, json: &str) -> Request {
        self.body("application/json", json)
    }

    pub fn multipart(self, fields: &[(&str, &str)]) -> Request {
        let mut body = String::new();
        for (name, value) in fields {
            body.push_str(&format!(
                "--b0undary\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            ));
        }
        body.push_str("--b0undary--\r\n");
        self.body("multipart/form-data; boundary=b0undary", &body)
    }

    /// Sends the head only. The server has then identified the client, and waits for the body.
    pub fn hold(&self, to: SocketAddr) -> Held {
        let mut stream = TcpStream::connect(to).expect("a connection");
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .expect("a time limit");
        let head = format!("{}Expect: 100-continue\r\n\r\n", self.head);
        stream.write_all(head.as_bytes()).expect("the head is taken");
        // The server sends `100 Continue` when it first reads the body.
        let mut go_on = [0; 25];
        stream.read_exact(&mut go_on).expect("a reply");
        assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        Held {
            stream,
            body: self.body.clone(),
        }
    }

    pub fn send(&self, to: SocketAddr) -> Answer {
        let mut stream = TcpStream::connect(to).expect("a connection");
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .expect("a time limit");
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(format!("{}\r\n{}", self.head, self.body).as_bytes());
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        Answer::read(&bytes)
    }
}

/// A request whose body is held back.
pub struct Held {
    stream: TcpStream,
    body: String,
}

impl Held {
    /// Sends the body.
    pub fn finish(mut self) -> Answer {
        self.stream.write_all(self.body.as_bytes()).expect("the body is taken");
        let mut bytes = Vec::new();
        let _ = self.stream.read_to_end(&mut bytes);
        Answer::read(&bytes)
    }
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    fn read(bytes: &[u8]) -> Answer {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("no answer: {text:?}"));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let chunked = headers
            .iter()
            .any(|(name, value)| name == "transfer-encoding" && value == "chunked");
        Answer {
            status: status.expect("a status"),
            headers,
            body: if chunked { unchunk(body) } else { body.to_owned() },
        }
    }

    /// The value of a header field.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The answer without the parts that differ between requests.
    pub fn stable(mut self) -> Answer {
        self.headers
            .retain(|(name, _)| name != "date" && name != "x-request-id");
        self
    }

    /// The only error message of a failed UAPI function.
    pub fn error(&self) -> String {
        assert_eq!(self.status, 200, "{self:?}");
        assert_eq!(self.json()["status"], 0, "{self:?}");
        self.json()["errors"][0].as_str().expect("a sentence").to_owned()
    }

    /// The text of the token that a UAPI function created.
    pub fn new_token(&self) -> String {
        assert_eq!(self.json()["status"], 1, "{self:?}");
        self.json()["data"]["token"].as_str().expect("a token").to_owned()
    }
}

fn unchunk(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("a size");
        if size == 0 {
            break;
        }
        whole.push_str(&rest[..size]);
        body = rest[size..].trim_start_matches("\r\n");
    }
    whole
}
