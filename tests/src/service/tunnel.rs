//! A proxy to cPanel's standard ports, for clients that know no others. They find it by `HTTPS_PROXY`.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use super::server::Server;
use crate::fault::Fault;

/// A proxy on loopback that lives as long as the test's process. It leads to two ports only, and does not read what it forwards.
#[derive(Clone, Copy, Debug)]
pub struct Tunnel {
    address: SocketAddr,
}

impl Tunnel {
    /// Starts the proxy. Port 2083 of any host is the server's account port, 2087 its administrator's port.
    ///
    /// # Errors
    /// No port is free.
    pub fn start(server: &Server) -> Result<Self, Fault> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(Fault::during("a port for the tunnel"))?;
        let address = listener.local_addr().map_err(Fault::during("the tunnel's port"))?;
        let (account, admin) = (server.account, server.admin);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client may disconnect at any time.
                thread::spawn(move || lead(stream, account, admin));
            }
        });
        Ok(Tunnel { address })
    }

    /// The value for `HTTPS_PROXY`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Reads `CONNECT host:port` and its fields, and then forwards bytes both ways.
fn lead(mut client: TcpStream, account: SocketAddr, admin: SocketAddr) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut field = first.clone();
    while !field.trim().is_empty() {
        field.clear();
        reader.read_line(&mut field)?;
    }
    let target = first.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next());
    let to = match target.and_then(|target| target.rsplit(':').next()) {
        Some("2083") => account,
        Some("2087") => admin,
        _ => return client.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n"),
    };
    let mut server = TcpStream::connect(to)?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let mut back = (server.try_clone()?, client.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut back.0, &mut back.1);
        let _ = back.1.shutdown(Shutdown::Both);
    });
    // The reader may already hold bytes from the client.
    io::copy(&mut reader, &mut server)?;
    server.shutdown(Shutdown::Write)
}
