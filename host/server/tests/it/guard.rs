//! The guard in front of an API: which requests reach it, and in which form.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::pin::Pin;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::common::served::{Request, Running};
use axum::Router;
use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::Request as Arrived;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{AppendHeaders, IntoResponse};
use hyper::body::Frame;

/// A request as the API received it.
struct Seen {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// A body that starts and never ends.
struct Stuck(Option<&'static str>);

impl HttpBody for Stuck {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::convert::Infallible>>> {
        let begun = self
            .0
            .take()
            .map(|text| Ok(Frame::data(Bytes::from_static(text.as_bytes()))));
        begun.map_or(Poll::Pending, |begun| Poll::Ready(Some(begun)))
    }
}

/// Length of a large answer, in bytes.
const LARGE: usize = 24 << 20;

/// Pause between two events.
const QUIET: Duration = Duration::from_millis(900);

/// A body that pauses before each piece.
struct Events(Vec<&'static str>, Option<Pin<Box<tokio::time::Sleep>>>);

impl HttpBody for Events {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::convert::Infallible>>> {
        let wait = self.1.get_or_insert_with(|| Box::pin(tokio::time::sleep(QUIET)));
        std::task::ready!(wait.as_mut().poll(cx));
        self.1 = None;
        let next = self.0.pop();
        Poll::Ready(next.map(|text| Ok(Frame::data(Bytes::from_static(text.as_bytes())))))
    }
}

/// A small API that records requests, with a guard in front of it.
fn guarded(tell: impl FnOnce(&mut tokenlatch_server::Config)) -> (Running, Receiver<Seen>) {
    let (sender, receiver) = channel();
    let sender = Arc::new(Mutex::new(sender));
    let api = Router::new().fallback(move |request: Arrived| {
        let sender = sender.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = to_bytes(body, usize::MAX).await.unwrap_or_default().to_vec();
            let headers = parts.headers.iter();
            let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("?").to_owned()));
            let seen = Seen {
                line: format!("{} {}", parts.method, parts.uri),
                headers: headers.collect(),
                body,
            };
            sender.lock().unwrap().send(seen).unwrap();
            if parts.uri.path().ends_with("/slow") {
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
            let fields = [
                ("x-tokenlatch-user", "evil"),
                ("x-of-the-api", "1"),
                ("content-type", "text/x-api"),
                ("proxy-authenticate", "Basic"),
            ];
            let cookies = [("set-cookie", "cpsession=x; Path=/"), ("set-cookie", "other=1")]
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            let body = match parts.uri.path().rsplit('/').next() {
                Some("stuck") => Body::new(Stuck(Some("begun"))),
                Some("events") => Body::new(Events(vec!["three", "two", "one"], None)),
                Some("large") => Body::from("x".repeat(LARGE)),
                _ => Body::from("from the API"),
            };
            (StatusCode::IM_A_TEAPOT, fields, AppendHeaders(cookies), body).into_response()
        }
    });
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let running = Running::with(|config| {
        config.upstream = Some(format!("http://{address}").parse().unwrap());
        tell(config);
    });
    running.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        axum::serve(listener, api).await.unwrap();
    });
    (running, receiver)
}

fn none(receiver: &Receiver<Seen>) {
    if let Ok(seen) = receiver.try_recv() {
        panic!("it reached the API: {}", seen.line);
    }
}

#[test]
fn admitted_request_is_forwarded_with_identity_but_no_token() {
    let (running, api) = guarded(|_| {});
    let mail = running.limited("alice", "mail", &["popaccts"]);
    let secret = mail.strip_prefix("cpanel alice:").unwrap();
    let answer = Request::new("GET", "/execute/Email/list_pops?regex=a%20b&x=1")
        .authorization(&mail)
        .header("Accept", "application/json")
        .send(running.account);
    assert_eq!((answer.status, answer.body.as_str()), (418, "from the API"));
    assert_eq!(answer.header("content-type"), Some("text/x-api"));
    assert_eq!(answer.header("x-of-the-api"), Some("1"));
    assert_eq!(
        answer.header("x-tokenlatch-user"),
        None,
        "an identity is for the API, not for the client"
    );
    let seen = api.recv().unwrap();
    assert_eq!(seen.line, "GET /execute/Email/list_pops?regex=a%20b&x=1");
    for (name, value) in [
        ("x-tokenlatch-user", "alice"),
        ("x-tokenlatch-realm", "account"),
        ("x-tokenlatch-token-name", "mail"),
        ("x-tokenlatch-access", "limited"),
        ("x-tokenlatch-features", "popaccts"),
        ("x-tokenlatch-read-only", "0"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "localhost"),
        ("accept", "application/json"),
    ] {
        assert_eq!(seen.header(name), Some(value), "{name}");
    }
    assert_eq!(seen.header("x-request-id"), answer.header("x-request-id"));
    assert_eq!(seen.header("authorization"), None);
    assert!(!seen.headers.iter().any(|(_, value)| value.contains(secret)));
}

#[test]
fn forged_client_headers_are_not_forwarded() {
    let (running, api) = guarded(|_| {});
    let mail = running.limited("alice", "mail", &["popaccts"]);
    let mut request = Request::new("GET", "/execute/Email/list_pops").authorization(&mail);
    let spoofed = [
        ("X-Tokenlatch-User", "root"),
        ("x-tokenlatch-access", "full"),
        ("X-Tokenlatch-Anything", "1"),
        ("X_Tokenlatch_User", "root"),
        ("X-Forwarded-For", "192.0.2.1"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Uri", "/x"),
        ("X-Real-IP", "192.0.2.1"),
        ("Remote-User", "root"),
        ("X-Auth-Request-User", "root"),
        ("Forwarded", "for=192.0.2.1"),
        ("X-Original-URL", "/execute/Email/delete_pop"),
        ("X-Rewrite-URL", "/execute/Email/delete_pop"),
        ("X-HTTP-Method-Override", "DELETE"),
        ("Proxy-Authorization", "Basic eDp5"),
        (
            "Connection",
            "x-tokenlatch-user, x-tokenlatch-access, x-tokenlatch-features, host",
        ),
        ("TE", "trailers"),
    ];
    for (name, value) in spoofed {
        request = request.header(name, value);
    }
    assert_eq!(request.send(running.account).status, 418);
    let seen = api.recv().unwrap();
    assert_eq!(seen.header("x-tokenlatch-user"), Some("alice"));
    assert_eq!(seen.header("x-tokenlatch-access"), Some("limited"));
    assert_eq!(seen.header("x-tokenlatch-features"), Some("popaccts"));
    assert_eq!(seen.header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(seen.header("x-forwarded-proto"), Some("http"));
    assert_eq!(seen.header("x-forwarded-host"), Some("localhost"));
    let names = [
        "x-tokenlatch-anything",
        "x_tokenlatch_user",
        "x-forwarded-uri",
        "x-real-ip",
        "remote-user",
        "x-auth-request-user",
        "forwarded",
        "x-original-url",
        "x-rewrite-url",
    ];
    for name in names
        .iter()
        .chain(&["x-http-method-override", "proxy-authorization", "connection"])
    {
        assert_eq!(seen.header(name), None, "{name}");
    }
    let users = seen.headers.iter().filter(|(name, _)| name == "x-tokenlatch-user");
    assert_eq!(users.count(), 1);
}

#[test]
fn dangerous_fields_are_not_forwarded_in_any_spelling() {
    let (running, api) = guarded(|config| config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()]);
    let mail = running.limited("alice", "mail", &["popaccts"]);
    let table = tokenlatch::core::DANGEROUS_FIELDS.iter().map(|(name, _)| *name);
    let ours = tokenlatch::core::IDENTITY_FIELDS.iter().copied();
    let odd = [
        "content.length",
        "x-tokenlatch-anything",
        "x-forwarded-anything",
        "x.other",
    ];
    let names: Vec<&str> = table.chain(ours).chain(odd).collect();
    for separator in ["-", "_", ".", "+"] {
        for names in names.chunks(30) {
            let mut request = Request::new("GET", "/execute/Email/list_pops").authorization(&mail);
            for name in names {
                // These are accepted from a trusted proxy.
                if separator != "-" || !["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"].contains(name) {
                    request = request.header(&name.replace('-', separator), "evil.example");
                }
            }
            assert_eq!(request.send(running.account).status, 418);
            let seen = api.recv().unwrap();
            let evil = seen.headers.iter().filter(|(_, value)| value.contains("evil"));
            assert_eq!(evil.collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "{separator}");
        }
    }
}

#[test]
fn forwarded_headers_of_a_trusted_proxy_are_kept() {
    let (running, api) = guarded(|config| config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()]);
    let alice = running.full("alice", "first");
    let request = Request::new("GET", "/execute/Email/list_pops").authorization(&alice);
    let request = request.header("X-Forwarded-For", "203.0.113.9, 192.0.2.1");
    let request = request
        .header("X-Forwarded-Proto", "https")
        .header("X-Forwarded-Host", "api.example");
    assert_eq!(
        request.header("X-Tokenlatch-User", "root").send(running.account).status,
        418
    );
    let seen = api.recv().unwrap();
    assert_eq!(seen.header("x-forwarded-for"), Some("192.0.2.1"));
    assert_eq!(seen.header("x-forwarded-proto"), Some("https"));
    assert_eq!(seen.header("x-forwarded-host"), Some("api.example"));
    assert_eq!(seen.header("x-tokenlatch-user"), Some("alice"));
}

#[test]
fn forwards_function_paths_without_extra_slashes() {
    let (running, api) = guarded(|_| {});
    let (mail, whm) = (
        running.limited("alice", "mail", &["popaccts"]),
        running.administrator("w"),
    );
    let by_api_2 = "cpanel_jsonapi_apiversion=2&cpanel_jsonapi_module=Email&cpanel_jsonapi_func=listpops";
    for (target, forwarded) in [
        (
            "//execute/Email/list_pops?a=/",
            "/execute/Email/list_pops?a=/".to_owned(),
        ),
        ("/execute/Email/list_pops/", "/execute/Email/list_pops".to_owned()),
        ("//execute/Email/list_pops/", "/execute/Email/list_pops".to_owned()),
        (
            &format!("/json-api/cpanel/?{by_api_2}"),
            format!("/json-api/cpanel?{by_api_2}"),
        ),
        (
            &format!("//json-api/cpanel?{by_api_2}"),
            format!("/json-api/cpanel?{by_api_2}"),
        ),
    ] {
        assert_eq!(running.get(&mail, target).status, 418, "{target}");
        assert_eq!(api.recv().unwrap().line, format!("GET {forwarded}"), "{target}");
    }
    assert_eq!(
        running.get_admin(&whm, "//json-api/listaccts/?api.version=1").status,
        418
    );
    assert_eq!(api.recv().unwrap().line, "GET /json-api/listaccts?api.version=1");
    // The decision is about the normalised path.
    assert_eq!(running.get(&mail, "//execute/Email/../Mysql/list").status, 400);
    assert_eq!(running.get(&mail, "//execute/Mysql/list_databases/").status, 403);
    let alice = running.full("alice", "first");
    for target in ["//execute/Tokens/list", "/execute/Tokens/list/"] {
        assert_eq!(running.get(&alice, target).json()["status"], 1, "{target}");
    }
    assert_eq!(
        running
            .get_admin(&whm, "/json-api/api_token_list/?api.version=1")
            .status,
        200
    );
    for target in [
        "///execute/Email/list_pops",
        "/execute//Email/list_pops",
        "/execute/Email/list_pops//",
        "//login",
        "//auth",
        "//",
    ] {
        assert_eq!(running.get(&alice, target).status, 400, "{target}");
    }
    none(&api);
}

#[test]
fn long_feature_list_is_omitted_with_its_count() {
    let (running, api) = guarded(|_| {});
    running.lift_caps("alice");
    let many: Vec<String> = (0..400).map(|number| format!("feature-{number}")).collect();
    let mut many: Vec<&str> = many.iter().map(String::as_str).collect();
    many.push("popaccts");
    let mail = running.limited("alice", "mail", &many);
    let request = Request::new("GET", "/execute/Email/list_pops").authorization(&mail);
    let request = request.header("X-Tokenlatch-Features-Omitted", "0");
    assert_eq!(request.send(running.account).status, 418);
    let seen = api.recv().unwrap();
    assert_eq!(seen.header("x-tokenlatch-access"), Some("limited"));
    assert_eq!(seen.header("x-tokenlatch-features"), None);
    assert_eq!(seen.header("x-tokenlatch-features-omitted"), Some("401"));
}

#[test]
fn refused_requests_are_not_forwarded() {
    let (running, api) = guarded(|_| {});
    let mail = running.limited("alice", "mail", &["popaccts"]);
    let reader = running.reader("alice", "reader");
    let get = |authorization: &str, target: &str| running.get(authorization, target).status;
    assert_eq!(get("", "/execute/Email/list_pops"), 401);
    assert_eq!(get(&mail, "/execute/Mysql/list_databases"), 403);
    assert_eq!(
        get(&mail, "/execute/Quota/get_quota_info"),
        403,
        "a function without a feature"
    );
    assert_eq!(get(&mail, "/execute/No/such"), 403);
    assert_eq!(get(&reader, "/execute/Email/add_pop"), 403);
    assert_eq!(
        get(&reader, "/execute/No/such"),
        403,
        "an unknown function counts as writing"
    );
    assert_eq!(get(&reader, "/orders"), 404);
    let full = running.full("alice", "full");
    for target in [
        "/execute/Tokens/none",
        "/execute/tokens/list",
        "/execute/TOKENS/revoke",
        "/execute/whm/api_token_list",
    ] {
        assert_eq!(get(&full, target), 404, "{target}");
    }
    for method in ["PUT", "DELETE", "OPTIONS"] {
        let request = Request::new(method, "/execute/Email/list_pops").authorization(&full);
        let answer = request.send(running.account);
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some("GET, HEAD, POST")),
            "{method}"
        );
    }
    let own = Request::new("HEAD", "/execute/Tokens/list").authorization(&full);
    let own = own.send(running.account);
    assert_eq!((own.status, own.header("allow")), (405, Some("GET, POST")));
    let by_api_2 = "/json-api/cpanel?cpanel_jsonapi_apiversion=2&cpanel_jsonapi_module=Tokens&cpanel_jsonapi_func=list";
    let own = Request::new("HEAD", by_api_2).authorization(&full);
    assert_eq!(own.send(running.account).status, 405);
    let upgrade = Request::new("GET", "/execute/Email/list_pops").authorization(&full);
    let upgrade = upgrade.header("Upgrade", "WebSocket").header("Connection", "Upgrade");
    assert_eq!(upgrade.send(running.account).status, 501);
    none(&api);
    assert_eq!(
        get(&full, "/execute/No/such"),
        418,
        "a full token may call what the catalogue doesn't name"
    );
}

#[test]
fn a_body_streams_to_the_api_within_its_limit() {
    let (running, api) = guarded(|config| config.limits.upstream_body_bytes = 4 << 20);
    let alice = running.full("alice", "first");
    let large = "x".repeat(3 << 20);
    let post = || Request::new("POST", "/execute/Fileman/upload_files").authorization(&alice);
    assert_eq!(
        post()
            .body("application/octet-stream", &large)
            .send(running.account)
            .status,
        418
    );
    let seen = api.recv().unwrap();
    assert_eq!(
        (seen.body.len(), seen.header("content-type")),
        (3 << 20, Some("application/octet-stream"))
    );
    let too_large = "x".repeat(5 << 20);
    assert_eq!(
        post()
            .body("application/octet-stream", &too_large)
            .send(running.account)
            .status,
        413
    );
    none(&api);
}

#[test]
fn api_2_call_is_forwarded_as_it_was_checked() {
    let (running, api) = guarded(|_| {});
    let mail = running.limited("alice", "mail", &["popaccts"]);
    let chosen = "cpanel_jsonapi_apiversion=2&cpanel_jsonapi_module=Email&cpanel_jsonapi_func=listpops";
    let target = format!("/json-api/cpanel?{chosen}&x=1;cpanel_jsonapi_func%3ddelpop");
    assert_eq!(running.get(&mail, &target).status, 418);
    let line = api.recv().unwrap().line;
    assert_eq!(
        line,
        format!("GET /json-api/cpanel?{chosen}&x=1%3Bcpanel_jsonapi_func%3Ddelpop")
    );
    assert_eq!(
        running
            .post(&mail, "/json-api/cpanel?x=1", &format!("{chosen}&domain=a+b"))
            .status,
        418
    );
    let seen = api.recv().unwrap();
    assert_eq!(seen.line, "POST /json-api/cpanel?x=1");
    assert_eq!(String::from_utf8(seen.body).unwrap(), format!("{chosen}&domain=a+b"));
    assert_eq!(
        seen.headers.iter().filter(|(name, _)| name == "content-length").count(),
        1
    );
    let post = |target: &str| Request::new("POST", target).authorization(&mail);
    let in_query = format!("/json-api/cpanel?{chosen}");
    assert_eq!(
        post(&in_query).json(r#"{"domain":"a"}"#).send(running.account).status,
        418
    );
    assert_eq!(api.recv().unwrap().body, br#"{"domain":"a"}"#);
    // The function that a JSON body selects is forwarded in the query, where every server looks for it.
    let json = r#"{"cpanel_jsonapi_apiversion":2,"cpanel_jsonapi_module":"Email", "cpanel_jsonapi_func":"listpops","domain":"a","n":1,"l":["x"]}"#;
    for request in [
        post("/json-api/cpanel?x=1").json(json),
        post("/json-api/cpanel?x=1").form(json),
    ] {
        assert_eq!(request.send(running.account).status, 418);
        let seen = api.recv().unwrap();
        assert_eq!(seen.line, format!("POST /json-api/cpanel?x=1&{chosen}"));
        assert_eq!(seen.header("content-type"), Some("application/json"));
        assert_eq!(seen.body, br#"{"domain":"a","n":1,"l":["x"]}"#);
    }
    let without_version = r#"{"cpanel_jsonapi_module":"Email","cpanel_jsonapi_func":"listpops"}"#;
    assert_eq!(
        post("/json-api/cpanel")
            .json(without_version)
            .send(running.account)
            .status,
        418
    );
    let seen = api.recv().unwrap();
    assert_eq!(
        (seen.line.as_str(), seen.body.as_slice()),
        (
            "POST /json-api/cpanel?cpanel_jsonapi_module=Email&cpanel_jsonapi_func=listpops&cpanel_jsonapi_apiversion=2",
            b"{}".as_slice()
        )
    );
    let bracketed = json.replace("\"domain\"", "\"cpanel_jsonapi_func[]\"");
    assert_eq!(
        post("/json-api/cpanel").json(&bracketed).send(running.account).status,
        400
    );
    for twice in [&bracketed, &json.replace("listpops", "delpop")] {
        assert_eq!(post(&in_query).json(twice).send(running.account).status, 400);
    }
    assert_eq!(
        post(&in_query)
            .form("cpanel_jsonapi_func=delpop")
            .send(running.account)
            .status,
        400
    );
    assert_eq!(post(&in_query).body("text/xml", "x").send(running.account).status, 415);
    assert_eq!(running.get(&mail, &target.replace("listpops", "listftp")).status, 403);
    none(&api);
    // A body without a content type is forwarded as the form that it was read as.
    let untold = post("/json-api/cpanel").untold(&format!("{chosen}&domain=a"));
    assert_eq!(untold.send(running.account).status, 418);
    let seen = api.recv().unwrap();
    assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(String::from_utf8(seen.body).unwrap(), format!("{chosen}&domain=a"));
}

#[test]
fn upstream_always_gets_the_owner_as_user() {
    let (running, api) = guarded(|_| {});
    let mail = running.limited("alice", "mail", &["popaccts"]);
    let chosen = "cpanel_jsonapi_apiversion=2&cpanel_jsonapi_module=Email&cpanel_jsonapi_func=listpops";
    for user in ["user", "bob", "", "alice"] {
        let target = format!("/json-api/cpanel?cpanel_jsonapi_user={user}&{chosen}");
        assert_eq!(running.get(&mail, &target).status, 418);
        assert_eq!(
            api.recv().unwrap().line,
            format!("GET /json-api/cpanel?cpanel_jsonapi_user=alice&{chosen}")
        );
        let form = format!("{chosen}&cpanel_jsonapi_user={user}");
        assert_eq!(running.post(&mail, "/json-api/cpanel", &form).status, 418);
        let body = String::from_utf8(api.recv().unwrap().body).unwrap();
        assert_eq!(body, format!("{chosen}&cpanel_jsonapi_user=alice"));
    }
    for doubtful in [
        "cpanel_xmlapi_user=bob",
        "CPANEL_JSONAPI_USER=bob",
        "cpanel_jsonapi_user=a&cpanel_jsonapi_user=b",
    ] {
        let target = format!("/json-api/cpanel?{chosen}&{doubtful}");
        assert_eq!(running.get(&mail, &target).status, 400, "{doubtful}");
    }
    none(&api);
}

/// A multipart body with a file, as programs send it.
fn with_file(more: &str) -> String {
    let head = "Content-Disposition: form-data; name=\"file-1\"; filename=\"a.txt\"\r\nContent-Type: text/plain";
    format!("--b0undary\r\n{head}\r\n\r\ncontent\r\n{more}--b0undary--\r\n")
}

#[test]
fn api_2_upload_requires_the_function_in_the_query() {
    const KIND: &str = "multipart/form-data; boundary=b0undary";
    let (running, api) = guarded(|_| {});
    let (files, whm) = (
        running.limited("alice", "files", &["filemanager"]),
        running.administrator("all"),
    );
    let module = "cpanel_jsonapi_module=Fileman&cpanel_jsonapi_func=uploadfiles";
    let target = format!("/json-api/cpanel?cpanel_jsonapi_apiversion=2&{module}&dir=x&cpanel_jsonapi_user=alice");
    let dir = "--b0undary\r\nContent-Disposition: form-data; name=\"dir\"\r\n\r\npublic_html\r\n";
    let body = with_file(dir);
    for (port, authorization) in [(running.account, &files), (running.admin, &whm)] {
        let post = |kind: &str, body: &str| {
            let request = Request::new("POST", &target).authorization(authorization);
            request.body(kind, body).send(port)
        };
        assert_eq!(post(KIND, &body).status, 418);
        let seen = api.recv().unwrap();
        assert_eq!(seen.line, format!("POST {target}"));
        let types = seen.headers.iter().filter(|(name, _)| name == "content-type");
        assert_eq!(types.count(), 1);
        assert_eq!(
            seen.header("content-type"),
            Some("multipart/form-data; boundary=\"b0undary\"")
        );
        assert_eq!(seen.header("content-length"), Some(body.len().to_string().as_str()));
        assert_eq!(String::from_utf8(seen.body).unwrap(), body);
        // In chunks, and larger than the limit for the service's own functions.
        let large = body.replace("content\r\n", &format!("{}\r\n", "x\n".repeat(1 << 20)));
        let chunked = Request::new("POST", &target)
            .authorization(authorization)
            .header("Content-Type", KIND);
        let chunked = chunked.header("Transfer-Encoding", "chunked");
        let framed = format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
        assert_eq!(chunked.bytes(&framed).send(port).status, 418);
        assert_eq!(api.recv().unwrap().body.len(), large.len());
        // No part may select a function, wherever it is and however it is written.
        for name in [
            "cpanel_jsonapi_func",
            "cpanel_jsonapi_user",
            "CPANEL_JSONAPI_FUNC",
            "cpanel_jsonapi_func[]",
        ] {
            let part = dir.replace("dir", name);
            for body in [with_file(&part), format!("{part}{}", with_file(""))] {
                let answer = post(KIND, &body);
                assert_eq!(
                    (answer.status, &answer.json()["code"]),
                    (400, &"function_misplaced".into()),
                    "{name}"
                );
                assert!(answer.json()["cpanelresult"]["error"].is_string());
            }
        }
        for spoilt in [
            body.replace("--b0undary--", "--b0undary"),
            body.replace("content\r\n", "content\n--b0undary\r\nContent-Disposition: form-data; name=\"cpanel_jsonapi_func\"\r\n\r\ndelfiles\r\n"),
            body.replace("name=\"dir\"", "name=\"dir\"; name=\"cpanel_jsonapi_func\""),
            body.replace("\r\n", "\n"),
        ] {
            let answer = post(KIND, &spoilt);
            assert_eq!((answer.status, &answer.json()["code"]), (400, &"multipart_invalid".into()), "{spoilt}");
        }
        assert_eq!(post("multipart/form-data", &body).status, 400);
    }
    let reader = running.limited("alice", "mail", &["popaccts"]);
    let refused = Request::new("POST", &target).authorization(&reader).body(KIND, &body);
    assert_eq!(refused.send(running.account).status, 403);
    // The service's own functions take no files, and a function in the body takes none either.
    let ours = target.replace("Fileman", "Tokens").replace("uploadfiles", "list");
    let alice = running.full("alice", "all");
    for target in [ours.as_str(), "/json-api/cpanel"] {
        let answer = Request::new("POST", target).authorization(&alice).body(KIND, &body);
        assert_eq!(answer.send(running.account).status, 415, "{target}");
    }
    // A refused body reached the API truncated, and without a selecting part.
    for seen in api.try_iter() {
        let body = String::from_utf8(seen.body).unwrap().to_ascii_lowercase();
        assert!(!body.contains("cpanel_jsonapi"), "{body}");
    }
}

#[test]
fn nested_calls_cannot_reach_own_functions() {
    let (running, api) = guarded(|_| {});
    let (alice, whm) = (running.full("alice", "first"), running.administrator("all"));
    let tokens =
        "cpanel_jsonapi_apiversion=3&cpanel_jsonapi_user=alice&cpanel_jsonapi_module=Tokens&cpanel_jsonapi_func=list";
    let strict = "/json-api/cpanel?cpanel_jsonapi_apiversion=3&cpanel_jsonapi_module=Batch&cpanel_jsonapi_func=strict";
    let command = "command=%5B%22Tokens%22,%22list%22,%7B%7D%5D";
    for (port, authorization, target) in [
        (running.admin, &whm, format!("/json-api/cpanel?{tokens}")),
        (
            running.admin,
            &whm,
            "/json-api/uapi_cpanel?api.version=1&cpanel.user=alice&cpanel.module=Tokens&cpanel.function=list"
                .to_owned(),
        ),
        (
            running.admin,
            &whm,
            "/json-api/batch?api.version=1&command=listaccts&command-1=api_token_list".to_owned(),
        ),
        (
            running.admin,
            &whm,
            format!("{strict}&cpanel_jsonapi_user=alice&{command}"),
        ),
        (running.account, &alice, format!("/execute/Batch/strict?{command}")),
        (running.account, &alice, format!("{strict}&{command}")),
    ] {
        let (path, query) = target.split_once('?').unwrap();
        let get = Request::new("GET", &target).authorization(authorization);
        let post = Request::new("POST", path).authorization(authorization).form(query);
        for request in [get, post] {
            let answer = request.send(port);
            let reply = answer.json();
            assert_eq!(
                (answer.status, &reply["code"]),
                (404, &"function_elsewhere".into()),
                "{target}"
            );
            assert!(
                reply["detail"].as_str().unwrap().contains("/execute/Tokens"),
                "{target}"
            );
        }
    }
    // A call that cannot be read might be one of the service's own functions.
    for body in [
        "command=uapi_cpanel%3Fcpanel.module%3DTokens%26x%3D%25zz",
        "command=%5B%22Email%22",
        "command=%5B%22Batch%22,%22strict%22,%7B%22command%22:%5B%22Tokens%22,%22list%22%5D%7D,%22x%22%5D",
    ] {
        let request = Request::new("POST", "/json-api/batch").authorization(&whm).form(body);
        assert_eq!(request.send(running.admin).status, 404, "{body}");
    }
    let json = r#"{"command":[["Email","list_pops",{}],["Tokens","list",{}]]}"#;
    let post = |target: &str, json: &str| {
        let request = Request::new("POST", target).authorization(&alice);
        request.json(json).send(running.account).status
    };
    assert_eq!(post("/execute/Batch/strict", json), 404);
    none(&api);
    // Other calls are forwarded.
    let mail = json.replace("Tokens", "Mysql");
    assert_eq!(post("/execute/Batch/strict", &mail), 418);
    assert_eq!(api.recv().unwrap().body, mail.as_bytes());
    let target = "/json-api/uapi_cpanel?api.version=1&cpanel.user=alice&cpanel.module=Email&cpanel.function=list_pops";
    assert_eq!(running.get_admin(&whm, target).status, 418);
    assert_eq!(api.recv().unwrap().line, format!("GET {target}"));
    let form = "api.version=1&command=createacct%3Fusername%3Dtokens";
    let batch = Request::new("POST", "/json-api/batch").authorization(&whm).form(form);
    assert_eq!(batch.send(running.admin).status, 418);
    assert_eq!(api.recv().unwrap().body, form.as_bytes());
    // Forwarded requests are re-encoded in one form, since servers read separators and multipart bodies in several ways.
    let odd = "api.version=1&a=1;command=api_token_list&b=%2a";
    let sent = "api.version=1&a=1%3Bcommand%3Dapi_token_list&b=*";
    let request = Request::new("POST", "/json-api/batch").authorization(&whm).form(odd);
    assert_eq!(request.send(running.admin).status, 418);
    assert_eq!(api.recv().unwrap().body, sent.as_bytes());
    assert_eq!(running.get_admin(&whm, &format!("/json-api/batch?{odd}")).status, 418);
    assert_eq!(api.recv().unwrap().line, format!("GET /json-api/batch?{sent}"));
    let parts = "--x\r\nContent-Disposition: form-data; name=\"command\"\r\n\r\nlistaccts\r\n--x--\r\n";
    let request = Request::new("POST", "/json-api/batch").authorization(&whm);
    let request = request.body("multipart/form-data; boundary=x", parts);
    assert_eq!(request.send(running.admin).status, 418);
    assert_eq!(api.recv().unwrap().body, b"command=listaccts");
    let request = Request::new("GET", "/json-api/batch").authorization(&whm).json(&mail);
    assert_eq!(request.send(running.admin).status, 400);
    none(&api);
}

#[test]
fn head_request_is_forwarded_unchanged() {
    let (running, api) = guarded(|_| {});
    let mail = running.limited("alice", "mail", &["popaccts"]);
    let head = |target: &str| {
        let request = Request::new("HEAD", target).authorization(&mail);
        request.send(running.account).status
    };
    assert_eq!(head("/execute/Email/list_pops"), 418);
    assert_eq!(api.recv().unwrap().line, "HEAD /execute/Email/list_pops");
    assert_eq!(head("/execute/Mysql/list_databases"), 403);
    none(&api);
}

#[test]
fn forwards_calls_without_a_version_as_api_2() {
    let (running, api) = guarded(|_| {});
    let mail = running.limited("alice", "mail", &["popaccts"]);
    let chosen = "cpanel_jsonapi_module=Email&cpanel_jsonapi_func=listpops";
    for (more, sent) in [
        ("", "&cpanel_jsonapi_apiversion=2"),
        // As some public programs send it.
        (
            "&cpanel_jsonapi_version=2",
            "&cpanel_jsonapi_version=2&cpanel_jsonapi_apiversion=2",
        ),
        (
            "&cpanel_jsonapi_funcversion=2",
            "&cpanel_jsonapi_funcversion=2&cpanel_jsonapi_apiversion=2",
        ),
    ] {
        assert_eq!(
            running.get(&mail, &format!("/json-api/cpanel?{chosen}{more}")).status,
            418,
            "{more}"
        );
        assert_eq!(api.recv().unwrap().line, format!("GET /json-api/cpanel?{chosen}{sent}"));
    }
    assert_eq!(running.post(&mail, "/json-api/cpanel", chosen).status, 418);
    let seen = api.recv().unwrap();
    assert_eq!(seen.line, "POST /json-api/cpanel?cpanel_jsonapi_apiversion=2");
    assert_eq!(seen.body, chosen.as_bytes());
    for (version, status) in [("1", 403), ("", 403), ("4", 403)] {
        let target = format!("/json-api/cpanel?{chosen}&cpanel_jsonapi_apiversion={version}");
        assert_eq!(running.get(&mail, &target).status, status, "{version:?}");
    }
    for doubtful in [
        "cpanel_jsonapi_func%5B%5D=delpop",
        "cpanel_jsonapi_func.x=delpop",
        "cpanel_jsonapi_func_=delpop",
        "cpanel_xmlapi_func=delpop",
        "cpanel_xmlapi_user=bob",
        "xmlin=%3Ccpanelaction%3E",
    ] {
        assert_eq!(
            running
                .get(&mail, &format!("/json-api/cpanel?{chosen}&{doubtful}"))
                .status,
            400,
            "{doubtful}"
        );
    }
    none(&api);
}

#[test]
fn session_cookies_never_cross_the_guard() {
    let (running, api) = guarded(|_| {});
    let alice = running.full("alice", "first");
    let answer = Request::new("GET", "/execute/Email/list_pops")
        .authorization(&alice)
        .header("Cookie", "a=1; cpsession=secret;b=2")
        .header("Cookie", "whostmgrsession=secret")
        .header("Proxy", "http://evil.example")
        .header("TE", "trailers")
        .send(running.account);
    assert_eq!(answer.status, 418);
    let seen = api.recv().unwrap();
    let cookies: Vec<&(String, String)> = seen.headers.iter().filter(|(name, _)| name == "cookie").collect();
    assert_eq!(cookies, [&("cookie".to_owned(), "a=1; b=2".to_owned())]);
    assert_eq!((seen.header("proxy"), seen.header("te")), (None, None));
    assert_eq!(answer.header("set-cookie"), Some("other=1"));
    assert_eq!(answer.header("proxy-authenticate"), None);
}

#[test]
fn broken_request_body_is_a_client_error() {
    let (running, _api) = guarded(|config| config.limits.body_stall = Duration::from_millis(300));
    let alice = running.full("alice", "first");
    let post = || Request::new("POST", "/execute/Fileman/upload_files").authorization(&alice);
    let chunked = |body: &str| {
        let request = post().header("Transfer-Encoding", "chunked").bytes(body);
        let answer = request.send(running.account);
        (
            answer.status,
            answer.json()["code"].as_str().unwrap_or_default().to_owned(),
        )
    };
    assert_eq!(chunked("5\r\nhello\r\nzz\r\n"), (400, "body_broken".to_owned()));
    assert_eq!(chunked("5\r\nhello\r\n"), (408, "body_too_slow".to_owned()));
    let own = Request::new("POST", "/execute/Tokens/rename").authorization(&alice);
    let own = own.header("Content-Length", "50").bytes("name=first");
    let answer = own.send(running.account);
    assert_eq!((answer.status, &answer.json()["code"]), (408, &"body_too_slow".into()));
}

#[test]
fn upstream_that_stalls_mid_reply_times_out() {
    let (running, _api) = guarded(|config| config.limits.upstream_stall = Duration::from_millis(300));
    let alice = running.full("alice", "first");
    let begun = std::time::Instant::now();
    // The connection is closed before the end, so nobody takes the answer for complete.
    let answer = Request::new("GET", "/execute/Email/stuck")
        .authorization(&alice)
        .send(running.account);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert_eq!((answer.status, answer.body.as_str()), (418, "begun"));
}

#[test]
fn invalid_token_is_refused_before_the_body() {
    let (running, api) = guarded(|_| {});
    for authorization in ["cpanel alice:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "x"] {
        let held = Request::new("POST", "/json-api/cpanel")
            .authorization(authorization)
            .header("Content-Length", "1000000")
            .header("Content-Type", "application/x-www-form-urlencoded");
        // Answered before any byte of the body has arrived.
        assert_eq!(held.send(running.account).status, 401);
    }
    none(&api);
}

#[test]
fn admin_functions_are_forwarded() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalogue.toml");
    let text = "[[function]]\nmodule = \"whm\"\nfunction = \"listaccts\"\nfeature = \"list-accts\"\nwrites = false\n";
    std::fs::write(&file, text).unwrap();
    let (running, api) = guarded(|config| config.catalogue = Some(file.clone()));
    let whm = running.administrator("all");
    let get = |authorization: &str, target: &str| running.get_admin(authorization, target).status;
    assert_eq!(get(&whm, "/json-api/listaccts?api.version=1&search=a%20b"), 418);
    let seen = api.recv().unwrap();
    assert_eq!(seen.line, "GET /json-api/listaccts?api.version=1&search=a%20b");
    assert_eq!(seen.header("x-tokenlatch-user"), Some("root"));
    assert_eq!(seen.header("x-tokenlatch-realm"), Some("admin"));
    assert_eq!(seen.header("authorization"), None);
    // Old scripts call version 0, without the parameter.
    assert_eq!(
        Request::new("POST", "/json-api/createacct")
            .authorization(&whm)
            .form("username=bob")
            .send(running.admin)
            .status,
        418
    );
    assert_eq!(api.recv().unwrap().body, b"username=bob");

    let limited = running.limited_administrator("limited", &["list-accts"]);
    assert_eq!(get(&limited, "/json-api/listaccts?api.version=1"), 418);
    api.recv().unwrap();
    assert_eq!(get(&limited, "/json-api/createacct?api.version=1"), 403);
    let alice = running.full("alice", "first");
    for target in ["/json-api/listaccts", "/json-api/cpanel?cpanel_jsonapi_user=alice"] {
        assert_eq!(get("", target), 401, "{target}");
        assert_eq!(get(&alice, target), 401, "a token of the account port: {target}");
    }
    // The service's own functions, and names that resemble them, are never forwarded.
    for target in [
        "/json-api/api_token_list",
        "/json-api/api_token_none?api.version=1",
        "/json-api/API_TOKEN_LIST",
    ] {
        assert_ne!(get(&whm, target), 418, "{target}");
    }
    none(&api);
}

#[test]
fn an_administrator_calls_functions_of_accounts() {
    let (running, api) = guarded(|_| {});
    let whm = running.administrator("all");
    let chosen = "cpanel_jsonapi_user=alice&cpanel_jsonapi_module=Email&cpanel_jsonapi_func=listpops";
    let target = format!("/json-api/cpanel?{chosen}&cpanel_jsonapi_apiversion=2");
    assert_eq!(running.get_admin(&whm, &target).status, 418);
    let seen = api.recv().unwrap();
    assert_eq!(seen.line, format!("GET {target}"));
    assert_eq!(seen.header("x-tokenlatch-user"), Some("root"));
    assert_eq!(seen.header("x-tokenlatch-realm"), Some("admin"));
    let limited = running.limited_administrator("limited", &["popaccts"]);
    assert_eq!(
        running.get_admin(&limited, &target).status,
        403,
        "the feature is the account's"
    );
    for (target, status) in [
        (format!("/json-api/cpanel?{chosen}&cpanel_jsonapi_apiversion=1"), 403),
        (target.replace("Email", "Tokens"), 404),
        (target.replace("_func=listpops", "_x=1"), 400),
        (format!("{target}&cpanel_jsonapi_func=delpop"), 400),
    ] {
        assert_eq!(running.get_admin(&whm, &target).status, status, "{target}");
    }
    none(&api);
}

#[test]
fn unreachable_upstream_is_answered_502_without_details() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    drop(listener);
    let running = Running::with(|config| config.upstream = Some(format!("http://{address}").parse().unwrap()));
    let alice = running.full("alice", "first");
    let answer = running.get(&alice, "/execute/Email/list_pops");
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (502, &"upstream_unreachable".into())
    );
    assert!(!answer.body.contains(&address.port().to_string()));
}

#[test]
fn hanging_upstream_is_answered_504() {
    let (running, _api) = guarded(|config| config.limits.upstream_time = Duration::from_millis(300));
    let alice = running.full("alice", "first");
    let answer = running.get(&alice, "/execute/Email/slow");
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (504, &"upstream_timeout".into())
    );
}

#[test]
fn catalogue_reload_is_all_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalogue.toml");
    let write = |feature: &str| {
        let text = format!(
            "[[function]]\nmodule = \"Shop\"\nfunction = \"orders\"\nfeature = \"{feature}\"\nwrites = false\n"
        );
        std::fs::write(&file, text).unwrap();
    };
    write("shop");
    let (running, api) = guarded(|config| config.catalogue = Some(file.clone()));
    let shop = running.limited("alice", "shop", &["shop"]);
    let till = running.limited("alice", "till", &["till"]);
    let statuses = || [&shop, &till].map(|token| running.get(token, "/execute/Shop/orders").status);
    let reload = || {
        let state = &running.state;
        running.block_on(async {
            let catalogue = state.catalogue.read(state.service.module())?;
            Ok::<_, tokenlatch_server::ServerError>(state.verifier.set_catalogue(catalogue).await?)
        })
    };
    assert_eq!(statuses(), [418, 403]);
    write("till");
    assert_eq!(statuses(), [418, 403], "not yet");
    reload().unwrap();
    assert_eq!(statuses(), [403, 418]);
    for wrong in [
        "[[function]]\nmodule = \"Shop\"\n",
        "x",
        "[[function]]\nmodule = \"Tokens\"\nfunction = \"list\"\nwrites = false\n",
        "[[function]]\nmodule = \"whm\"\nfunction = \"api_token_list\"\nwrites = false\n",
        "[[function]]\nmodule = \"whm\"\nfunction = \"cpanel\"\nwrites = false\n",
        "[[function]]\nmodule = \"WHM\"\nfunction = \"listaccts\"\nwrites = false\n",
        "[[function]]\nmodule = \"whm\"\nfunction = \"listaccts\"\napis = [\"uapi\"]\nwrites = false\n",
        "[[function]]\nmodule = \"Shop\"\nfunction = \"orders\"\napis = [\"whm\"]\nwrites = false\n",
    ] {
        std::fs::write(&file, wrong).unwrap();
        assert_eq!(reload().unwrap_err().code(), "catalogue_file_invalid");
    }
    write("not a feature");
    assert_eq!(reload().unwrap_err().code(), "feature_invalid");
    std::fs::remove_file(&file).unwrap();
    reload().unwrap_err();
    // Reading a pipe would block for ever.
    let made = std::process::Command::new("mkfifo").arg(&file).status().unwrap();
    assert!(made.success());
    assert_eq!(reload().unwrap_err().code(), "catalogue_file_invalid");
    assert_eq!(statuses(), [403, 418], "the old one stays");
    drop(api);
}

#[test]
fn shipped_catalogue_is_valid() {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/catalogue.toml");
    let running = Running::with(|config| config.catalogue = Some(shipped.into()));
    let shop = running.limited("alice", "shop", &["shop"]);
    assert_eq!(running.get(&shop, "/auth?module=Shop&function=list_orders").status, 200);
    assert_eq!(running.get(&shop, "/auth?module=Shop&function=none").status, 403);
}

/// Time limits that would soon be exceeded on each side, if the other side's time counted.
fn short_of_the_api(config: &mut tokenlatch_server::Config) {
    config.limits.upstream_time = Duration::from_millis(400);
    config.limits.handler_time = Duration::from_millis(600);
    config.limits.body_stall = Duration::from_secs(10);
    config.limits.write_time = Duration::from_secs(10);
}

fn open(running: &Running, head: &str) -> TcpStream {
    let mut stream = TcpStream::connect(running.account).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

#[test]
fn slow_upload_does_not_time_out_the_upstream() {
    let (running, api) = guarded(short_of_the_api);
    let alice = running.full("alice", "first");
    let mut stream = open(
        &running,
        &format!(
            "POST /execute/Fileman/upload_files HTTP/1.1\r\nHost: a\r\nAuthorization: {alice}\r\nConnection: close\r\nContent-Length: 80\r\n\r\n"
        ),
    );
    for _ in 0..8 {
        std::thread::sleep(Duration::from_millis(200));
        stream.write_all(b"0123456789").unwrap();
    }
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 418 "), "{reply}");
    assert_eq!(api.recv().unwrap().body.len(), 80);
}

#[test]
fn quiet_event_streams_go_on() {
    let (running, _api) = guarded(|config| {
        short_of_the_api(config);
        config.limits.upstream_stall = Duration::ZERO;
    });
    let alice = running.full("alice", "first");
    let answer = running.get(&alice, "/execute/Email/events");
    assert_eq!((answer.status, answer.body.as_str()), (418, "onetwothree"));
}

#[test]
fn paused_client_gets_the_rest_of_the_reply() {
    let (running, _api) = guarded(|config| {
        short_of_the_api(config);
        config.limits.upstream_stall = Duration::from_millis(400);
    });
    let alice = running.full("alice", "first");
    let mut stream = open(
        &running,
        &format!("GET /execute/Email/large HTTP/1.1\r\nHost: a\r\nAuthorization: {alice}\r\nConnection: close\r\n\r\n"),
    );
    std::thread::sleep(Duration::from_millis(1500));
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    assert!(reply.len() > LARGE, "{}", reply.len());
}

#[test]
fn upstream_that_stops_reading_times_out() {
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = deaf.local_addr().unwrap();
    let running = Running::with(|config| {
        short_of_the_api(config);
        config.upstream = Some(format!("http://{address}").parse().unwrap());
    });
    let alice = running.full("alice", "first");
    let answer = Request::new("POST", "/execute/Fileman/upload_files")
        .authorization(&alice)
        .body("application/octet-stream", &"x".repeat(8 << 20))
        .send(running.account);
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (504, &"upstream_timeout".into())
    );
}

/// The next reply on a connection: its head, and whether the connection ends after it.
fn next_reply(stream: &mut TcpStream) -> (String, bool) {
    let (mut bytes, mut byte) = (Vec::new(), [0]);
    while !bytes.ends_with(b"\r\n\r\n") {
        assert_eq!(
            stream.read(&mut byte).unwrap_or(0),
            1,
            "closed without a reply: {}",
            String::from_utf8_lossy(&bytes)
        );
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).unwrap().to_ascii_lowercase();
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name).map(str::trim));
    if let Some(length) = field("content-length:") {
        let mut body = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut body).unwrap();
    } else if field("transfer-encoding:").is_some() {
        let mut body = Vec::new();
        while !body.ends_with(b"0\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            body.push(byte[0]);
        }
    }
    let ends = field("connection:") == Some("close");
    (head, ends)
}

#[test]
fn every_reply_keeps_the_connection_or_announces_its_end() {
    let (running, _api) = guarded(|config| {
        config.limits.upstream_time = Duration::from_millis(300);
        config.failures.per_address = 0;
        config.failures.per_user = 0;
        config.logins.per_address = 0;
        config.logins.per_user = 0;
    });
    let alice = format!("Authorization: {}", running.full("alice", "first"));
    let limited = format!("Authorization: {}", running.limited("alice", "second", &["email"]));
    let wrong = "Authorization: cpanel alice:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned();
    let (none, form) = (String::new(), "Content-Type: application/x-www-form-urlencoded");
    let image = "Content-Type: image/png";
    let cases: &[(&str, &str, &[&str])] = &[
        ("POST", "/execute/Tokens/list", &[&alice, form]),
        ("POST", "/execute/Tokens/list", &[&wrong, form]),
        ("POST", "/execute/Tokens/list", &[&none, form]),
        ("POST", "/execute/Tokens/list", &[&limited, form]),
        ("POST", "/execute/Tokens/revoke", &[&alice, image]),
        ("POST", "/execute/Email/list_pops", &[&alice, form]),
        ("POST", "/execute/Ftp/list_ftp", &[&limited, form]),
        ("POST", "/execute/Email/list_pops", &[&alice, "Upgrade: websocket"]),
        ("PUT", "/execute/Tokens/list", &[&alice]),
        ("POST", "/json-api/cpanel", &[&alice, form]),
        ("POST", "/json-api/cpanel", &[&wrong, form]),
        ("POST", "/json-api/cpanel?token=x", &[&alice, form]),
        ("POST", "/auth", &[&alice]),
        ("POST", "/auth", &[&none]),
        ("POST", "/health", &[&none]),
        ("POST", "/login", &[&none, form]),
        ("POST", "/login", &[&none, image]),
        ("POST", "/logout", &[&none, form]),
        ("POST", "/cpsess0123456789/tokens", &[&none, form]),
        ("POST", "/cpsess0123456789/tokens", &[&none, image]),
        ("POST", "/assets/none", &[&none]),
        ("POST", "/a//b", &[&none]),
        ("TRACE", "/", &[&none]),
        ("POST", "/execute/Tokens/list", &[&alice, "Expect: other"]),
        ("POST", "/execute/Tokens/list", &[&alice, "Bad Field: x"]),
        ("GET", "/execute/Tokens/list", &[&alice, form]),
    ];
    let mut seen = std::collections::BTreeMap::new();
    for (method, target, fields) in cases {
        for size in [0_usize, 1, 1000, 16_000, 64 << 10, (64 << 10) + 1, 300_000, 2 << 20] {
            for chunked in [false, true] {
                let what = format!("{method} {target} {fields:?} {size} {chunked}");
                let mut head = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n");
                for field in fields.iter().filter(|field| !field.is_empty()) {
                    head.push_str(&format!("{field}\r\n"));
                }
                let mut body = format!("a={}", "x".repeat(size));
                body.truncate(size);
                if chunked {
                    head.push_str("Transfer-Encoding: chunked\r\n\r\n");
                    body = if size == 0 {
                        "0\r\n\r\n".to_owned()
                    } else {
                        format!("{size:x}\r\n{body}\r\n0\r\n\r\n")
                    };
                } else {
                    head.push_str(&format!("Content-Length: {size}\r\n\r\n"));
                }
                let mut stream = open(&running, &head);
                let mut sending = stream.try_clone().unwrap();
                // The connection may close before everything is sent.
                let sender = std::thread::spawn(move || drop(sending.write_all(body.as_bytes())));
                let (first, ends) = next_reply(&mut stream);
                sender.join().unwrap();
                let kept: &mut (usize, usize) = seen.entry(first[9..12].to_owned()).or_default();
                if ends {
                    kept.1 += 1;
                    let mut rest = Vec::new();
                    // A reset after the reply also counts as a close.
                    let _ = stream.read_to_end(&mut rest);
                    assert!(rest.is_empty(), "{what}: {}", String::from_utf8_lossy(&rest));
                    continue;
                }
                kept.0 += 1;
                stream
                    .write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    .unwrap();
                let (second, _) = next_reply(&mut stream);
                assert!(second.starts_with("http/1.1 200 "), "{what}: {first} {second}");
            }
        }
    }
    for status in [
        "200", "400", "401", "403", "404", "405", "413", "415", "417", "418", "501",
    ] {
        assert!(seen.contains_key(status), "no case has the status {status}: {seen:?}");
    }
    assert!(seen["401"].0 > 10, "small bodies are read to their end: {seen:?}");
}
