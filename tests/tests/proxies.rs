//! The shipped configurations of nginx and Caddy in front of a small API.

use std::error::Error;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tokenlatch_tests::service::{Client, Echo, Place, Proxy, ProxyKind, Server, require};

type Outcome = Result<(), Box<dyn Error>>;

/// A service, a proxy and an API.
struct Stage {
    place: Place,
    server: Server,
    api: Echo,
    proxy: Proxy,
}

impl Stage {
    fn new(kind: ProxyKind, options: &[&str]) -> Result<Option<Stage>, Box<dyn Error>> {
        if require(kind.program())?.is_none() {
            return Ok(None);
        }
        let place = Place::new()?;
        place.accounts(&["alice"])?;
        let server = Server::start(&place, &[&["--trusted-proxy", "127.0.0.1/32"], options].concat())?;
        let api = Echo::start()?;
        let proxy = Proxy::start(kind, &place, server.account, api.address())?;
        Ok(proxy.map(|proxy| Stage {
            place,
            server,
            api,
            proxy,
        }))
    }

    fn client(&self) -> Client {
        Client::new(self.proxy.address)
    }
}

fn header(token: &str) -> String {
    format!("cpanel alice:{token}")
}

/// What every proxy must do.
fn guards_an_api(kind: ProxyKind) -> Outcome {
    let Some(mut stage) = Stage::new(kind, &[])? else {
        return Ok(());
    };
    let token = stage.place.token("alice", "proxied", &[])?;
    let mut client = stage.client();

    // Admitted: the API learns who it is, and not by which token.
    let answer = client.get("/things?a=%2Fb&c=1", &header(&token))?;
    assert_eq!(answer.status, 200, "{} {}", answer.body, stage.proxy.process.log());
    let seen = answer.json();
    assert_eq!(
        (&seen["method"], &seen["target"]),
        (&Value::from("GET"), &Value::from("/things?a=%2Fb&c=1"))
    );
    let fields = &seen["headers"];
    assert_eq!(fields["x-tokenlatch-user"], "alice");
    assert_eq!(fields["x-tokenlatch-token-name"], "proxied");
    assert_eq!(fields["x-tokenlatch-access"], "full");
    assert_eq!(fields["x-tokenlatch-read-only"], "0");
    assert_eq!(fields["x-tokenlatch-token-id"].as_str().map(str::len), Some(24));
    assert!(!answer.body.contains(&token), "the token stays with the proxy");
    assert_eq!(fields.get("authorization"), None);

    // A body goes to the API, whole, and the question about it has none.
    let form = "x=1&".repeat(2000);
    let posted = client.post("/things", &header(&token), &form)?;
    assert_eq!(
        (posted.status, posted.json()["body"].as_str()),
        (200, Some(form.as_str()))
    );

    // A client's own words for who it is don't arrive.
    let limited = stage
        .place
        .token("alice", "limited", &["features=popaccts", "readonly=1"])?;
    let spoofed = [
        ("Authorization", header(&token)),
        ("X-Tokenlatch-User", "root".to_owned()),
        ("X-Tokenlatch-Realm", "admin".to_owned()),
        ("X-Tokenlatch-Features", "everything".to_owned()),
        ("x-tokenlatch-access", "superuser".to_owned()),
        ("X-Tokenlatch-Read-Only", "x".to_owned()),
    ];
    let spoofed: Vec<(&str, &str)> = spoofed.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let seen = client.send("GET", "/", &spoofed, "")?.json();
    assert_eq!(seen["headers"]["x-tokenlatch-user"], "alice");
    assert_eq!(seen["headers"]["x-tokenlatch-realm"], "account");
    assert_eq!(seen["headers"]["x-tokenlatch-access"], "full");
    assert_eq!(seen["headers"]["x-tokenlatch-read-only"], "0");
    assert!(
        matches!(seen["headers"]["x-tokenlatch-features"].as_str(), None | Some("")),
        "{seen}"
    );

    // Nor do its words for what it asks: a path that would be judged instead of the real one.
    let reached = stage.api.reached();
    let lies = [
        ("Authorization", header(&limited)),
        ("X-Original-URI", "/execute/Email/list_pops".to_owned()),
        ("X-Original-Method", "GET".to_owned()),
        ("X-Forwarded-Uri", "/execute/Email/list_pops".to_owned()),
        ("X-Forwarded-Method", "GET".to_owned()),
    ];
    let lies: Vec<(&str, &str)> = lies.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(client.send("POST", "/execute/Email/delete_pop", &lies, "")?.status, 403);
    assert_eq!(
        client.get("/execute/Email/delete_pop", &header(&limited))?.status,
        403,
        "read only"
    );
    let query = "/execute/Email/delete_pop?module=Email&function=list_pops&feature=popaccts&writes=0";
    assert_eq!(
        client.get(query, &header(&limited))?.status,
        403,
        "its query doesn't say what is asked either"
    );
    assert_eq!(stage.api.reached(), reached, "what is refused never reaches the API");
    assert_eq!(client.get("/execute/Email/list_pops", &header(&limited))?.status, 200);
    let seen = client.get("/execute/Email/list_pops", &header(&limited))?.json();
    assert_eq!(seen["headers"]["x-tokenlatch-features"], "popaccts");

    // Refused: the same for a missing and for a wrong token.
    let reached = stage.api.reached();
    let missing = client.send("GET", "/", &[], "")?;
    let wrong = client.get("/", &header(&"A".repeat(32)))?;
    for refused in [&missing, &wrong] {
        assert_eq!(refused.status, 401);
        let challenges = refused.headers.iter().filter(|(name, _)| name == "www-authenticate");
        let challenges: Vec<&str> = challenges.map(|(_, value)| value.as_str()).collect();
        assert_eq!(challenges, [r#"Bearer realm="tokenlatch""#]);
        assert_eq!(refused.header("cache-control"), Some("no-store"));
        assert_eq!(refused.json()["cpanelresult"]["error"], "Access denied");
    }
    assert_eq!(missing.body, wrong.body);
    assert_eq!(stage.api.reached(), reached);

    // The API's own failure is the API's.
    let failed = client.get("/fails", &header(&token))?;
    assert_eq!((failed.status, &failed.json()["target"]), (500, &Value::from("/fails")));

    // An address list holds for the client's address, which the proxy tells and the client can't.
    let near = stage
        .place
        .token("alice", "near", &["addresses=127.0.0.0/8", "features=popaccts"])?;
    let far = stage
        .place
        .token("alice", "far", &["addresses=192.0.2.7", "features=popaccts"])?;
    assert_eq!(client.get("/execute/Email/list_pops", &header(&near))?.status, 200);
    assert_eq!(client.get("/execute/Email/list_pops", &header(&far))?.status, 403);
    let far_header = header(&far);
    let forged = [
        ("Authorization", far_header.as_str()),
        ("X-Forwarded-For", "192.0.2.7"),
        ("Forwarded", "for=192.0.2.7"),
    ];
    assert_eq!(client.send("GET", "/execute/Email/list_pops", &forged, "")?.status, 403);

    // Revoked: refused on the next request, of the same connection.
    assert_eq!(client.get("/", &header(&token))?.status, 200);
    stage
        .place
        .must("uapi", &["--user=alice", "Tokens", "revoke", "name=proxied"])?;
    assert_eq!(client.get("/", &header(&token))?.status, 401);

    // Without the service nobody is admitted.
    let reached = stage.api.reached();
    stage.server.process.kill()?;
    let closed = client.get("/execute/Email/list_pops", &header(&near))?;
    assert!(matches!(closed.status, 502 | 503), "{}", closed.status);
    assert_eq!(stage.api.reached(), reached);

    // What Caddy writes down of a failure holds neither a session's number nor what was typed; nginx cannot leave it out.
    if kind == ProxyKind::Caddy {
        client.get("/cpsess0123456789/tokens/name?name=typed", &header(&near))?;
        let log = stage.proxy.process.log();
        assert!(log.contains(r#""/cpsess/tokens/name""#), "{log}");
        assert!(!log.contains("0123456789") && !log.contains("typed"), "{log}");
    }
    Ok(())
}

#[test]
fn nginx_guards_an_api() -> Outcome {
    guards_an_api(ProxyKind::Nginx)
}

#[test]
fn caddy_guards_an_api() -> Outcome {
    guards_an_api(ProxyKind::Caddy)
}

#[test]
fn nginx_passes_too_many_attempts_on() -> Outcome {
    let Some(stage) = Stage::new(ProxyKind::Nginx, &["--failures-per-minute", "30"])? else {
        return Ok(());
    };
    let mut client = stage.client();
    let wrong = header(&"A".repeat(32));
    let statuses = (0..400).map(|_| client.get("/", &wrong).map(|answer| (answer.status, answer)));
    let mut blocked = None;
    for answer in statuses {
        let (status, answer) = answer?;
        assert!(matches!(status, 401 | 429), "{status}");
        if status == 429 {
            blocked = Some(answer);
            break;
        }
    }
    let blocked = blocked.ok_or("no number of attempts is too many")?;
    let wait: u32 = blocked.header("retry-after").ok_or("no Retry-After")?.parse()?;
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(blocked.json()["cpanelresult"]["error"], "Access denied");
    Ok(())
}

/// A request to the page under a name, and the whole answer.
fn by_name(address: SocketAddr, host: &str, head: &str, form: &str) -> Result<String, Box<dyn Error>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    write!(
        stream,
        "{head} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nOrigin: http://{host}\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
        form.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn nginx_passes_the_page_on_under_a_name_of_its_own() -> Outcome {
    let name = "tokens.example.com";
    let Some(stage) = Stage::new(ProxyKind::Nginx, &["--host", name])? else {
        return Ok(());
    };
    let set = "printf 'correct horse battery' | tokenlatch account password alice";
    assert_eq!(stage.place.shell(set)?.code, Some(0));
    let address = stage.proxy.address;
    let host = format!("{name}:{}", address.port());
    let form = "user=alice&pass=correct+horse+battery";
    let login = by_name(address, &host, "POST /login", form)?;
    assert!(
        login.starts_with("HTTP/1.1 303 ") && login.contains("cpsession="),
        "{}",
        login.len()
    );
    // The name that the browser sees is the one that a form must come from.
    let mut other = TcpStream::connect(stage.server.account)?;
    write!(
        other,
        "GET /login HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    other.read_to_string(&mut answer)?;
    assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
    // What is written down of a request holds neither the session's number nor what was typed.
    by_name(address, &host, "GET /cpsess0123456789/tokens/name?name=typed", "")?;
    let log = fs::read_to_string(stage.place.file(&format!("nginx-{}.page", address.port())))?;
    assert!(log.contains("GET /cpsess/tokens/name HTTP/1.1"), "{log}");
    assert!(!log.contains("0123456789") && !log.contains("typed"), "{log}");
    // Under any other name the API is reached, which wants a token.
    assert!(by_name(address, "api.example.com", "POST /login", form)?.starts_with("HTTP/1.1 401 "));
    assert_eq!(stage.api.reached(), 0);
    Ok(())
}

#[test]
fn the_shipped_files_are_accepted_by_their_programs() -> Outcome {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/deploy");
    let place = Place::new()?;
    let checks: [(&str, &[&str], &str); 3] = [
        ("nginx", &["-t", "-c"], "nginx.conf"),
        (
            "caddy",
            &["validate", "--adapter", "caddyfile", "--config"],
            "Caddyfile",
        ),
        ("systemd-analyze", &["verify", "--man=no"], "tokenlatch.service"),
    ];
    for (name, arguments, file) in checks {
        // A container has no systemd, and needs no unit.
        if name == "systemd-analyze" && !Path::new("/usr/bin/systemd-analyze").exists() {
            eprintln!("SKIPPED: `{name}` is missing");
            continue;
        }
        let Some(program) = require(name)? else {
            continue;
        };
        // The unit names the program where it will be installed.
        let text = fs::read_to_string(deploy.join(file))?.replace("/usr/local/bin/tokenlatch", "/bin/true");
        let copy = place.file(file);
        fs::write(&copy, text)?;
        let output = place.command(program)?.args(arguments).arg(&copy).output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{name}: {said}");
        if name == "systemd-analyze" {
            assert!(!said.contains("Unknown"), "{said}");
        }
    }
    Ok(())
}
