//! A small HTTP client, with which a test controls every byte that it sends and knows which requests were acknowledged.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Time limit for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A persistent connection. A request is never sent twice.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

/// A complete answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The header fields, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// The value of the first field with a name, which is given in lower case.
pub(super) fn field<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    let found = headers.iter().find(|(named, _)| named == name);
    found.map(|(_, value)| value.as_str())
}

impl Answer {
    /// The value of the first field with a name, which is given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        field(&self.headers, name)
    }

    /// The body as JSON; null if it is not JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

impl Client {
    /// Creates a client that connects on first use.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Client { address, stream: None }
    }

    /// Sends a `GET` with an `Authorization`.
    ///
    /// # Errors
    /// No complete answer came.
    pub fn get(&mut self, target: &str, authorization: &str) -> io::Result<Answer> {
        self.send("GET", target, &[("Authorization", authorization)], "")
    }

    /// Sends a `POST` of a form with an `Authorization`.
    ///
    /// # Errors
    /// No complete answer came.
    pub fn post(&mut self, target: &str, authorization: &str, form: &str) -> io::Result<Answer> {
        let form_type = ("Content-Type", "application/x-www-form-urlencoded");
        self.send("POST", target, &[("Authorization", authorization), form_type], form)
    }

    /// Sends a request and reads the answer.
    ///
    /// # Errors
    /// No complete answer came. It is then unknown whether the request was processed.
    pub fn send(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> io::Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(self.address)?,
        };
        let mut request = self.head(method, target, headers);
        if !body.is_empty() || method == "POST" {
            request.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        request.push_str("\r\n");
        request.push_str(body);
        stream.get_mut().write_all(request.as_bytes())?;
        let (answer, stays) = read(&mut stream, method == "HEAD")?;
        if stays {
            self.stream = Some(stream);
        }
        Ok(answer)
    }

    /// Sends the head of a request on a connection of its own. Its body, if it has one, and its answer are the caller's.
    ///
    /// # Errors
    /// Nothing listens.
    pub fn begin(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> io::Result<Exchange> {
        let mut stream = connect(self.address)?;
        let mut head = self.head(method, target, headers);
        head.push_str("\r\n");
        stream.get_mut().write_all(head.as_bytes())?;
        Ok(Exchange { stream })
    }

    /// The first lines of a request, without the empty line after them.
    fn head(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> String {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n", self.address);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head
    }
}

/// A request whose body and answer are sent and read piece by piece.
#[derive(Debug)]
pub struct Exchange {
    stream: BufReader<TcpStream>,
}

impl Exchange {
    /// Sends bytes.
    ///
    /// # Errors
    /// The connection is closed.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Reads up to the first line that begins with a text, and returns that line.
    ///
    /// # Errors
    /// No such line comes within the time.
    pub fn line(&mut self, start: &str, within: Duration) -> io::Result<String> {
        self.stream.get_ref().set_read_timeout(Some(within))?;
        loop {
            let text = line(&mut self.stream)?;
            if text.starts_with(start) {
                return Ok(text);
            }
        }
    }

    /// Reads a number of bytes.
    ///
    /// # Errors
    /// The connection is closed.
    pub fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        exactly(&mut self.stream, length)
    }

    /// Reads a whole answer.
    ///
    /// # Errors
    /// No complete answer came.
    pub fn answer(&mut self) -> io::Result<Answer> {
        read(&mut self.stream, false).map(|(answer, _)| answer)
    }
}

fn connect(address: SocketAddr) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(BufReader::new(stream))
}

/// Reads an answer, which has no body if it is one to `HEAD`.
fn read(stream: &mut BufReader<TcpStream>, head: bool) -> io::Result<(Answer, bool)> {
    let first = line(stream)?;
    let status = first
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .ok_or_else(|| spoilt(&format!("no status in `{first}`")))?;
    let mut headers = Vec::new();
    loop {
        let field = line(stream)?;
        if field.is_empty() {
            break;
        }
        let (name, value) = field.split_once(':').ok_or_else(|| spoilt("a field without a colon"))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut answer = Answer {
        status,
        headers,
        body: String::new(),
    };
    let mut stays = answer.header("connection") != Some("close");
    let bytes = if head {
        Vec::new()
    } else if answer.header("transfer-encoding") == Some("chunked") {
        chunks(stream)?
    } else if let Some(length) = answer.header("content-length") {
        let length = length.parse().map_err(|_| spoilt("a length that is no number"))?;
        exactly(stream, length)?
    } else if matches!(status, 204 | 304) {
        Vec::new()
    } else {
        stays = false;
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest)?;
        rest
    };
    answer.body = String::from_utf8(bytes).map_err(|_| spoilt("a body that isn't UTF-8"))?;
    Ok((answer, stays))
}

fn line(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut text = String::new();
    match stream.read_line(&mut text)? {
        0 => Err(ErrorKind::UnexpectedEof.into()),
        _ => Ok(text.trim_end().to_owned()),
    }
}

fn exactly(stream: &mut BufReader<TcpStream>, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn chunks(stream: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = line(stream)?;
        let size = usize::from_str_radix(size.split(';').next().unwrap_or_default(), 16)
            .map_err(|_| spoilt("a chunk without a size"))?;
        body.extend(exactly(stream, size)?);
        line(stream)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

fn spoilt(why: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why)
}
