//! The checks of one proxy, in the order of the table.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokenlatch_core::{IDENTITY_FIELDS, plain_target};

use super::stage::Stage;
use crate::fault::Fault;
use crate::service::{Answer, Client, WEBSOCKET_KEY};

/// One check. It is told how long an event stream is quiet and an upload slow.
pub type Check = fn(&Stage, Duration) -> Result<(), Fault>;

/// The checks that take no time of their own, with their headings.
pub const QUICK: &[(&str, Check)] = &[
    ("admitted", admitted),
    ("HEAD, OPTIONS", other_methods),
    ("refused (401)", refused),
    ("limited token (403)", limited),
    ("spoofed identity", spoofed),
    ("`/auth` is inside", auth_is_inside),
    ("odd paths", odd_paths),
    ("20 MB body, both ways", large_body),
    ("28 kB of cookies", large_cookies),
    ("WebSocket", websocket),
    ("other upgrades", other_upgrades),
];

/// The checks that wait, with their headings. They may run at once.
pub const SLOW: &[(&str, Check)] = &[("quiet event stream", quiet_events), ("1 kB/s upload", slow_upload)];

/// Targets that servers could read in two ways. The whole URL is one of the proxy's own.
#[must_use]
pub fn odd_targets(proxy: SocketAddr) -> Vec<String> {
    let odd = [
        "/execute/Email/list%5Fpops",
        "/things/%2e%2e/other",
        "/things/../other",
        "/things/./other",
        "//things",
        "/things/..%2fother",
        "/things%00",
        "/things%5cother",
        "/things\\other",
        "/things;a=b",
        "/execute/Email/list_pops?a=b;c=d",
        "/things#/other",
        "/things\u{e9}",
        "/things\u{1}",
        "/things\u{7f}",
    ];
    let odd = odd.iter().map(|target| (*target).to_owned());
    odd.chain([format!("http://{proxy}/things")]).collect()
}

fn must(holds: bool, what: impl Display) -> Result<(), Fault> {
    match holds {
        true => Ok(()),
        false => Err(Fault::new(what.to_string())),
    }
}

fn send(client: &mut Client, method: &str, target: &str, fields: &[(&str, &str)]) -> Result<Answer, Fault> {
    client
        .send(method, target, fields, "")
        .map_err(Fault::during(format!("{method} {target}")))
}

/// The API's view of an admitted request.
fn seen(answer: &Answer, stage: &Stage) -> Result<Value, Fault> {
    must(
        answer.status == 200,
        format!("{} {} {}", answer.status, answer.body, stage.proxy.process.log()),
    )?;
    Ok(answer.json())
}

/// The API gets the request as it came, with the identity, and without the token.
fn admitted(stage: &Stage, _: Duration) -> Result<(), Fault> {
    let target = "/things?a=%2Fb&c=1";
    let answer = send(&mut stage.client(), "GET", target, &[("Authorization", stage.full())])?;
    let seen = seen(&answer, stage)?;
    must(seen["method"] == "GET" && seen["target"] == target, &seen)?;
    let fields = &seen["headers"];
    must(fields["x-tokenlatch-user"] == "alice", &seen)?;
    must(fields["x-tokenlatch-access"] == "full", &seen)?;
    must(fields.get("authorization").is_none(), &seen)
}

fn other_methods(stage: &Stage, _: Duration) -> Result<(), Fault> {
    let mut client = stage.client();
    for method in ["HEAD", "OPTIONS"] {
        let answer = send(&mut client, method, "/things", &[("Authorization", stage.full())])?;
        must(answer.status == 200, format!("{method}: {}", answer.status))?;
        must(stage.api.last()["method"] == method, stage.api.last())?;
        let reached = stage.api.reached();
        let refused = send(&mut client, method, "/things", &[])?;
        must(refused.status == 401, format!("{method}: {}", refused.status))?;
        must(stage.api.reached() == reached, method)?;
    }
    Ok(())
}

fn refused(stage: &Stage, _: Duration) -> Result<(), Fault> {
    let reached = stage.api.reached();
    let mut client = stage.client();
    let missing = send(&mut client, "GET", "/things", &[])?;
    let wrong = format!("cpanel alice:{}", "A".repeat(32));
    let wrong = send(&mut client, "POST", "/things", &[("Authorization", &wrong)])?;
    for answer in [&missing, &wrong] {
        must(answer.status == 401, answer.status)?;
        must(answer.header("www-authenticate").is_some(), "no WWW-Authenticate")?;
        must(answer.header("cache-control") == Some("no-store"), "no Cache-Control")?;
    }
    must(missing.body == wrong.body, "a missing token is refused in another way")?;
    must(stage.api.reached() == reached, "the API was reached")
}

fn limited(stage: &Stage, _: Duration) -> Result<(), Fault> {
    let mut client = stage.client();
    let fields = [("Authorization", stage.limited())];
    let reached = stage.api.reached();
    for (method, target) in [
        ("GET", "/things"),
        ("GET", "/execute/Email/delete_pop"),
        ("POST", "/execute/Email/delete_pop"),
    ] {
        let status = send(&mut client, method, target, &fields)?.status;
        must(status == 403, format!("{method} {target}: {status}"))?;
    }
    must(stage.api.reached() == reached, "the API was reached")?;
    let answer = send(&mut client, "GET", "/execute/Email/list_pops", &fields)?;
    let seen = seen(&answer, stage)?;
    must(seen["headers"]["x-tokenlatch-features"] == "popaccts", &seen)
}

/// No spelling of an identity field reaches the API, and none of Tokenlatch's own can be taken away.
fn spoofed(stage: &Stage, _: Duration) -> Result<(), Fault> {
    let mut client = stage.client();
    for name in IDENTITY_FIELDS {
        let mixed = name.chars().enumerate();
        let mixed: String = mixed
            .map(|(at, letter)| match at % 2 {
                0 => letter.to_ascii_uppercase(),
                _ => letter,
            })
            .collect();
        for spelt in [
            (*name).to_owned(),
            name.replace('-', "_"),
            name.replace('-', "."),
            name.to_ascii_uppercase(),
            mixed,
        ] {
            // Repeated, with Tokenlatch's own name between.
            let fields = [
                (spelt.as_str(), "evil"),
                ("Authorization", stage.full()),
                ("X-Tokenlatch-User", "evil"),
                (spelt.as_str(), "evil"),
            ];
            let reached = stage.api.reached();
            let answer = send(&mut client, "GET", "/things", &fields)?;
            if answer.status == 200 {
                let seen = answer.json();
                must(!seen.to_string().contains("evil"), format!("{spelt}: {seen}"))?;
                must(seen["headers"]["x-tokenlatch-user"] == "alice", &seen)?;
            } else {
                let kept = matches!(answer.status, 400 | 403) && stage.api.reached() == reached;
                must(kept, format!("{spelt}: {}", answer.status))?;
            }
        }
        let nominated = format!("close, {name}");
        let fields = [("Authorization", stage.limited()), ("Connection", nominated.as_str())];
        let answer = send(&mut stage.client(), "GET", "/execute/Email/list_pops", &fields)?;
        let seen = seen(&answer, stage)?;
        let there = seen["headers"].get(*name).is_some();
        must(
            there || *name == "x-tokenlatch-features-omitted",
            format!("`Connection` removes {name}"),
        )?;
    }
    Ok(())
}

/// `/auth` and what a proxy calls it are paths of the API for a client, and nothing of its answer is shown.
fn auth_is_inside(stage: &Stage, _: Duration) -> Result<(), Fault> {
    let mut client = stage.client();
    for target in ["/auth", "/auth?feature=mail&writes=0", "/tokenlatch"] {
        let open = send(&mut client, "GET", target, &[])?;
        must(matches!(open.status, 401 | 404), format!("{target}: {}", open.status))?;
        let answer = send(&mut client, "GET", target, &[("Authorization", stage.full())])?;
        let kept = answer.status == 404 || (answer.status == 200 && answer.json()["target"] == target);
        must(kept, format!("{target}: {} {}", answer.status, answer.body))?;
        let told = answer.headers.iter().any(|(name, _)| name.starts_with("x-tokenlatch"));
        must(!told, format!("{target} shows {:?}", answer.headers))?;
    }
    Ok(())
}

/// A path that servers could read in two ways never reaches the API, whatever the token. A proxy may rewrite it to a plain one,
/// for the service and for the API alike.
fn odd_paths(stage: &Stage, _: Duration) -> Result<(), Fault> {
    for target in odd_targets(stage.proxy.address) {
        let reached = stage.api.reached();
        let answer = send(&mut stage.client(), "GET", &target, &[("Authorization", stage.full())])?;
        if answer.status == 200 {
            let seen = answer.json()["target"].clone();
            let plain = seen
                .as_str()
                .is_some_and(|seen| plain_target(seen.as_bytes()).is_some());
            must(
                plain && seen != target.as_str(),
                format!("{target:?} reaches the API as {seen}"),
            )?;
        } else {
            let refused = matches!(answer.status, 400 | 403 | 404);
            must(
                refused && stage.api.reached() == reached,
                format!("{target:?}: {}", answer.status),
            )?;
        }
    }
    Ok(())
}

fn large_body(stage: &Stage, _: Duration) -> Result<(), Fault> {
    let body = "x".repeat(20_000_000);
    let answer = stage
        .client()
        .post("/mirror", stage.full(), &body)
        .map_err(Fault::during("20 MB"))?;
    let log = || stage.proxy.process.log();
    must(
        answer.status == 200 && answer.body == body,
        format!("{} {}", answer.status, log()),
    )
}

fn large_cookies(stage: &Stage, _: Duration) -> Result<(), Fault> {
    let one = |length: usize| format!("c={}", "x".repeat(length));
    // In four fields, and in one.
    for (count, length) in [(4, 7 << 10), (1, 28 << 10)] {
        let cookie = one(length);
        let mut fields = vec![("Authorization", stage.full())];
        fields.extend((0..count).map(|_| ("Cookie", cookie.as_str())));
        let seen = seen(&send(&mut stage.client(), "GET", "/things", &fields)?, stage)?;
        let arrived = seen["headers"]["cookie"].as_str().map_or(0, str::len);
        must(
            arrived >= count * length,
            format!("{count} fields: {arrived} bytes arrive"),
        )?;
    }
    Ok(())
}

fn websocket(stage: &Stage, _: Duration) -> Result<(), Fault> {
    let broken = |error: io::Error| Fault::new(format!("the WebSocket: {error} {}", stage.proxy.process.log()));
    let shake = [
        ("Connection", "keep-alive, Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", WEBSOCKET_KEY),
    ];
    let reached = stage.api.reached();
    let refused = stage
        .client()
        .begin("GET", "/socket", &shake)
        .and_then(|mut refused| refused.answer());
    must(refused.map_err(broken)?.status == 401, "without a token")?;
    must(stage.api.reached() == reached, "the API was reached")?;
    let fields = [&shake[..], &[("Authorization", stage.full())]].concat();
    let mut socket = stage.client().begin("GET", "/socket", &fields).map_err(broken)?;
    let patience = Duration::from_secs(20);
    let first = socket.line("HTTP/", patience).map_err(broken)?;
    must(first.contains(" 101"), format!("{first} {}", stage.proxy.process.log()))?;
    // The empty line after the head.
    while !socket.line("", patience).map_err(broken)?.is_empty() {}
    // A masked text frame.
    let frame = [0x81, 0x84, 1, 2, 3, 4, b'e', b'c', b'h', b'o'];
    for _ in 0..2 {
        socket.write(&frame).map_err(broken)?;
        must(
            socket.exactly(frame.len()).map_err(broken)? == frame,
            "the frame comes back changed",
        )?;
    }
    Ok(())
}

/// Any other upgrade would let requests pass that Tokenlatch doesn't see.
fn other_upgrades(stage: &Stage, _: Duration) -> Result<(), Fault> {
    for upgrade in ["h2c", "h2c, websocket", "tls/1.0"] {
        let fields = [
            ("Authorization", stage.full()),
            ("Connection", "Upgrade, HTTP2-Settings"),
            ("Upgrade", upgrade),
            ("HTTP2-Settings", "AAMAAABkAAQCAAAAAAIAAAAA"),
        ];
        let answer = send(&mut stage.client(), "GET", "/things", &fields)?;
        let seen = answer.json();
        let passed = seen["headers"]["upgrade"].as_str();
        must(
            passed.is_none_or(|passed| passed == "websocket"),
            format!("{upgrade}: {seen}"),
        )?;
    }
    Ok(())
}

fn quiet_events(stage: &Stage, quiet: Duration) -> Result<(), Fault> {
    let broken = |error: io::Error| Fault::new(format!("the stream: {error} {}", stage.proxy.process.log()));
    let begun = Instant::now();
    let target = format!("/events?{}", quiet.as_secs());
    let mut stream = stage
        .client()
        .begin("GET", &target, &[("Authorization", stage.full())])
        .map_err(broken)?;
    stream.line("data: first", quiet).map_err(broken)?;
    must(begun.elapsed() < quiet, "the first event is held back")?;
    stream
        .line("data: second", quiet + Duration::from_secs(20))
        .map_err(broken)?;
    must(begun.elapsed() >= quiet, "the stream wasn't quiet")
}

fn slow_upload(stage: &Stage, lasting: Duration) -> Result<(), Fault> {
    let broken = |error: io::Error| Fault::new(format!("the upload: {error} {}", stage.proxy.process.log()));
    let part = [b'x'; 1024];
    let length = usize::try_from(lasting.as_secs()).unwrap_or_default() * part.len();
    let size = length.to_string();
    let fields = [("Authorization", stage.full()), ("Content-Length", &size)];
    let mut upload = stage.client().begin("POST", "/mirror", &fields).map_err(broken)?;
    for _ in 0..lasting.as_secs() {
        upload.write(&part).map_err(broken)?;
        sleep(Duration::from_secs(1));
    }
    let answer = upload.answer().map_err(broken)?;
    must(answer.status == 200, format!("{} {}", answer.status, answer.body))?;
    must(answer.body.len() == length, "the body isn't whole")
}
