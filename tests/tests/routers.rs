//! Real routers with the routes of a catalogue: a request that the core judges by one of them is served as that one.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{fs, thread};

use serde_json::json;
use tokenlatch_tests::routes::{Answer, Given, RouteList, Verdicts};
use tokenlatch_tests::runtimes::install_folder;
use tokenlatch_tests::{Fault, require_all};

/// From the most specific one on: some routers take the first that fits.
const ROUTES: [(&str, &str); 16] = [
    ("GET", "/health"),
    ("GET", "/"),
    ("GET", "/v1/orders"),
    ("POST", "/v1/orders"),
    ("GET", "/v1/orders/export"),
    ("GET", "/v1/orders/{id}"),
    ("*", "/v1/orders/{id}"),
    ("GET", "/v1/orders/{id}/items/{item}"),
    ("GET", "/v1/slash/"),
    ("GET", "/v1/caf%C3%A9"),
    ("GET", "/v1/a%20b"),
    ("GET", "/v1/$a+b,c=d&@e:f'!*()"),
    ("GET", "/v1/Upper.x-y_z~"),
    ("GET", "/v1/{id}"),
    ("GET", "/files/{*path}"),
    ("GET", "/v1/{*rest}"),
];

fn given() -> Vec<Given> {
    let route = |(method, path): &(&str, &str)| Given {
        method: (*method).into(),
        path: (*path).into(),
        featured: *path != "/health",
        writes: false,
        public: *path == "/health",
    };
    ROUTES.iter().map(route).collect()
}

/// A request that the core judges by one route, and the index of the route.
struct Request {
    method: &'static str,
    target: String,
    route: usize,
}

/// The requests of all odd targets and methods that one route has as they are.
fn requests() -> Vec<Request> {
    let given = given();
    let list = RouteList::new(&given).unwrap();
    let mut verdicts = Verdicts::new().unwrap();
    assert_eq!(verdicts.load(&given, true, None), None);
    let bases: Vec<String> = ROUTES.iter().map(|(_, path)| example(path)).collect();
    let odd: BTreeSet<String> = bases.iter().flat_map(|base| variants(base)).collect();
    let others = ["HEAD", "POST", "PUT", "PATCH", "DELETE"];
    let of_base = bases
        .iter()
        .flat_map(|base| others.map(|method| (method, base.clone())));
    let mut requests = Vec::new();
    for (method, target) in odd.into_iter().map(|target| ("GET", target)).chain(of_base) {
        let answer = list.find(method, &target);
        assert_eq!(verdicts.differ(method, &target, answer), None, "{method} {target}");
        if let Answer::Route(route) = answer {
            requests.push(Request { method, target, route });
        }
    }
    assert!(requests.len() > 4_000, "{}", requests.len());
    requests
}

/// A path that a route has.
fn example(path: &str) -> String {
    let segment = |segment: &str| match segment {
        "{id}" => "7".into(),
        "{item}" => "b2".into(),
        _ if segment.starts_with("{*") => "docs/a.txt".into(),
        _ => segment.to_owned(),
    };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// Targets that differ from one by a byte, an escape, a slash, a dot or the case of a letter.
fn variants(base: &str) -> Vec<String> {
    const PIECES: [&str; 15] = [
        "/",
        "//",
        "/./",
        "/../",
        "/.",
        "/..",
        ".",
        "%20",
        "%C3%A9",
        "%c3%a9",
        "%F0%9F%98%80",
        "%C2%80",
        "%E2%80%AE",
        "%EF%BC%8F",
        "%EF%BC%8E",
    ];
    const QUERIES: [&str; 9] = ["?", "?x=1", "?/../..", "??", "?%", "?#", "#", "?%2f", "?a;b"];
    let mut found = vec![
        base.to_owned(),
        base.to_uppercase(),
        format!("{base}/"),
        format!("/{base}"),
    ];
    found.extend(QUERIES.map(|query| format!("{base}{query}")));
    let last = base.rfind('/').unwrap() + 1;
    for at in 0..=base.len() {
        let (before, after) = base.split_at(at);
        found.extend(PIECES.map(|piece| format!("{before}{piece}{after}")));
        if at == last || at == base.len() || at == usize::midpoint(last, base.len()) {
            found.extend((0x20..0x80_u8).map(|byte| format!("{before}{}{after}", char::from(byte))));
            found.extend((0..=255).map(|byte| format!("{before}%{byte:02X}{after}")));
            found.extend((0..=255).map(|byte| format!("{before}%{byte:02x}{after}")));
        }
        if let Some(letter) = after.chars().next() {
            let after = &after[1..];
            let turned = (letter as u8 ^ 0x20) as char;
            let escape = letter as u8;
            found.push(format!("{before}{after}"));
            found.push(format!("{before}{turned}{after}"));
            found.push(format!("{before}%{escape:02X}{after}"));
            found.push(format!("{before}%{escape:02x}{after}"));
        }
    }
    found
}

/// A router that listens. One that runs as a process ends with it.
struct Router {
    name: &'static str,
    address: SocketAddr,
    process: Option<Child>,
    /// Whether it chooses by the path alone.
    ignores_methods: bool,
}

impl Drop for Router {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Router {
    /// Starts a program, or reports a skip if it is missing.
    fn start(name: &'static str, address: SocketAddr, command: &mut Command) -> Option<Router> {
        let started = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let started = started.map_err(|error| Fault::missing(format!("{name} can't be started: {error}")));
        let process = unless_missing(started)?;
        Some(Router {
            name,
            address,
            process: Some(process),
            ignores_methods: false,
        })
    }

    fn connect(&self) -> TcpStream {
        for _ in 0..600 {
            if let Ok(stream) = TcpStream::connect(self.address) {
                stream.set_nodelay(true).unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
                return stream;
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("{} doesn't listen", self.name);
    }

    /// Each request must be served as its route, or refused.
    fn agrees(&self, requests: &[Request]) {
        let (mut served, mut refused, mut wrong) = (0, Vec::new(), Vec::new());
        let mut connection = BufReader::new(self.connect());
        for request in requests {
            let Request { method, target, route } = request;
            let said = match ask(&mut connection, method, target) {
                Some(said) => said,
                // A server may close a connection between requests.
                None => {
                    connection = BufReader::new(self.connect());
                    ask(&mut connection, method, target).unwrap()
                }
            };
            match said.route.and_then(|at| ROUTES.get(at)) {
                Some((_, path)) if self.ignores_methods && *path == ROUTES[*route].1 => served += 1,
                Some(found) if *found == ROUTES[*route] => served += 1,
                None if (400..500).contains(&said.status) => {
                    refused.push(format!("{method} {target}: {}", said.status))
                }
                found => wrong.push(format!(
                    "{method} {target}: {} {found:?}, not {:?}",
                    said.status, ROUTES[*route]
                )),
            }
            if said.closes {
                connection = BufReader::new(self.connect());
            }
        }
        eprintln!(
            "{}: {served} served as the core's route, {} refused: {:.300}",
            self.name,
            refused.len(),
            refused.join(", ")
        );
        assert!(
            wrong.is_empty(),
            "{}: {} differ\n{}",
            self.name,
            wrong.len(),
            wrong.join("\n")
        );
        assert!(served > requests.len() / 2);
    }
}

struct Said {
    status: u16,
    route: Option<usize>,
    closes: bool,
}

/// Sends a request as it is, and reads the answer. `None` if the connection was closed.
fn ask(connection: &mut BufReader<TcpStream>, method: &str, target: &str) -> Option<Said> {
    let request = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    connection.get_mut().write_all(request.as_bytes()).ok()?;
    let mut line = String::new();
    connection.read_line(&mut line).ok()?;
    let status = line.split(' ').nth(1)?.parse().ok()?;
    let mut said = Said {
        status,
        route: None,
        closes: false,
    };
    let mut length = 0;
    loop {
        line.clear();
        connection.read_line(&mut line).ok()?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "x-route" => said.route = value.parse().ok(),
            "content-length" => length = value.parse().unwrap(),
            // What chunks hold doesn't matter.
            "transfer-encoding" => said.closes = true,
            "connection" => said.closes |= value == "close",
            _ => {}
        }
    }
    if method != "HEAD" {
        connection.read_exact(&mut vec![0; length]).ok()?;
    }
    Some(said)
}

fn unless_missing<T>(found: Result<T, Fault>) -> Option<T> {
    match found {
        Ok(found) => Some(found),
        Err(fault) if fault.is_missing() && !require_all() => {
            eprintln!("SKIPPED: {fault}");
            None
        }
        Err(fault) => panic!("{fault}"),
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A script of `tools/routers` that reads the routes from a file.
fn scripted(name: &'static str, program: &str, script: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("routes.json");
    let routes: Vec<_> = ROUTES
        .iter()
        .map(|(method, path)| json!({ "method": method, "path": path }))
        .collect();
    fs::write(&file, json!(routes).to_string()).unwrap();
    let address = free_address();
    let mut command = Command::new(program);
    command.arg(script).arg(address.port().to_string()).arg(&file);
    if let Some(router) = Router::start(name, address, &mut command) {
        router.agrees(&requests());
    }
}

#[test]
fn express_serves_what_the_core_judges() {
    if let Some(folder) = unless_missing(install_folder("routers")) {
        scripted("Express", "node", &folder.join("express.mjs"));
    }
}

#[test]
fn hono_serves_what_the_core_judges() {
    if let Some(folder) = unless_missing(install_folder("routers")) {
        scripted("Hono", "node", &folder.join("hono.mjs"));
    }
}

#[test]
fn python_s_http_server_serves_what_the_core_judges() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/routers/router.py");
    scripted("http.server", "python3", &script);
}

#[test]
fn axum_serves_what_the_core_judges() {
    use axum::http::HeaderName;
    use axum::routing::{MethodFilter, MethodRouter};

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut app = axum::Router::new();
    // axum takes no rest beside a parameter; it answers 404.
    let paths: BTreeSet<&str> = ROUTES
        .iter()
        .map(|(_, path)| *path)
        .filter(|path| *path != "/v1/{*rest}")
        .collect();
    for path in paths {
        let of_path = ROUTES.iter().enumerate().filter(|(_, route)| route.1 == path);
        let methods = of_path.fold(MethodRouter::new(), |methods, (at, (method, _))| {
            let serve = move || async move { [(HeaderName::from_static("x-route"), at.to_string())] };
            match *method {
                "*" => methods.fallback(serve),
                "GET" => methods.on(MethodFilter::GET, serve),
                _ => methods.on(MethodFilter::POST, serve),
            }
        });
        app = app.route(path, methods);
    }
    let address = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    });
    let router = Router {
        name: "axum",
        address,
        process: None,
        ignores_methods: false,
    };
    router.agrees(&requests());
}

#[test]
fn nginx_serves_what_the_core_judges() {
    let program = ["/usr/sbin/nginx", "nginx"]
        .into_iter()
        .find(|path| Path::new(path).exists())
        .unwrap_or("nginx");
    let folder = tempfile::tempdir().unwrap();
    let address = free_address();
    let mut locations = String::new();
    for (at, (_, path)) in ROUTES.iter().enumerate() {
        if ROUTES[..at].iter().any(|(_, earlier)| earlier == path) {
            continue;
        }
        let location = location(path);
        locations += &format!("location {location} {{ add_header X-Route {at}; return 200; }}\n");
    }
    let configuration = format!(
        "daemon off; pid nginx.pid; error_log error.log;\nevents {{ }}\nhttp {{ access_log off; keepalive_requests 100000;\nserver {{ listen {address};\n\
         {locations}location / {{ return 404; }} }} }}\n"
    );
    let file = folder.path().join("nginx.conf");
    fs::write(&file, configuration).unwrap();
    let mut command = Command::new(program);
    command
        .arg("-p")
        .arg(folder.path())
        .arg("-c")
        .arg(&file)
        .arg("-e")
        .arg("error.log");
    if let Some(mut router) = Router::start("nginx", address, &mut command) {
        router.ignores_methods = true;
        router.agrees(&requests());
    }
}

/// nginx's location for the path of a route: it decodes a path before it looks for one.
fn location(path: &str) -> String {
    if let Some(folder) = path.strip_suffix("{*path}").or_else(|| path.strip_suffix("{*rest}")) {
        return format!("\"{folder}\"");
    }
    if path.contains('{') {
        let expression: Vec<&str> = path
            .split('/')
            .map(|part| if part.starts_with('{') { "[^/]+" } else { part })
            .collect();
        return format!("~ \"^{}$\"", expression.join("/"));
    }
    format!("= \"{}\"", path.replace("%C3%A9", "é").replace("%20", " "))
}
