//! A server in this process, and raw bytes to it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use axum::Router;
use tokenlatch::Service;
use tokenlatch_server::{Config, Reload, Server, State};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::Place;

/// A running server with a temporary database. It is stopped on drop.
pub struct Running {
    pub place: Place,
    pub service: Service,
    pub state: State,
    pub reload: Reload,
    pub account: SocketAddr,
    pub admin: SocketAddr,
    /// The listener for routes, if there is one.
    pub guard: Option<SocketAddr>,
    pub runtime: Runtime,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

impl Running {
    /// A plain server with its own routes, and the accounts alice and bob.
    pub fn start() -> Running {
        Running::with(|_| {}, None)
    }

    /// A server with other settings, and optionally with another router for the account port.
    pub fn with(change: impl FnOnce(&mut Config), router: Option<Router>) -> Running {
        let place = Place::new();
        let mut config = Config::plain();
        change(&mut config);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let (service, server) = runtime.block_on(async {
            let service = place.service().await;
            let server = match router {
                None => Server::bind(config, service.clone()).await,
                Some(router) => Server::bind_with(config, service.clone(), |_| (router, Router::new())).await,
            };
            (service, server.expect("the server starts"))
        });
        let (account, admin) = server.addresses();
        let guard = server.guard_address();
        let state = server.state().clone();
        let reload = server.reload();
        let (stop, stopped) = oneshot::channel();
        let task = runtime.spawn(server.run(stopped));
        Running {
            place,
            service,
            state,
            reload,
            account,
            admin: admin.unwrap_or(account),
            guard,
            runtime,
            stop: Some(stop),
            task: Some(task),
        }
    }

    /// A connection to the account port.
    pub fn connect(&self) -> TcpStream {
        connect(self.account)
    }

    /// Sends bytes to the account port and reads until the server closes the connection.
    pub fn send(&self, bytes: &[u8]) -> String {
        exchange(self.account, bytes)
    }

    /// Tells the server to stop.
    pub fn stop(&mut self) -> JoinHandle<()> {
        let _ = self.stop.take().expect("it runs").send(());
        self.task.take().expect("it runs")
    }
}

/// A connection with a timeout of 20 seconds.
pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the port is open");
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).expect("a time limit");
    stream.set_write_timeout(patience).expect("a time limit");
    stream
}

/// Sends bytes and reads until the server closes the connection.
pub fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = connect(address);
    // The server may refuse before all is sent.
    let _ = stream.write_all(bytes);
    read_all(&mut stream)
}

/// Reads until the server closes the connection.
pub fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("the reply comes whole");
    String::from_utf8(bytes).expect("UTF-8")
}

/// The status of a reply.
pub fn status(reply: &str) -> u16 {
    let text = reply.strip_prefix("HTTP/1.1 ").unwrap_or_else(|| panic!("{reply:?}"));
    text.get(..3).and_then(|code| code.parse().ok()).expect("a status")
}

/// The status of each reply on a connection.
pub fn statuses(replies: &str) -> Vec<u16> {
    replies
        .split("HTTP/1.1 ")
        .skip(1)
        .filter_map(|reply| reply.get(..3)?.parse().ok())
        .collect()
}

/// The value of a header field of a reply.
pub fn field<'a>(reply: &'a str, name: &str) -> Option<&'a str> {
    let head = reply.split("\r\n\r\n").next()?;
    head.lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}
