//! The shipped configurations of proxies in front of a small API. What each does, and for how long, is also shown by the program
//! `proxies`.

use std::error::Error;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokenlatch_core::{DANGEROUS_FIELDS, IDENTITY_FIELDS, PROXY_FIELDS, danger, plain_target};
use tokenlatch_tests::proxies::{self, Stage};
use tokenlatch_tests::service::{Client, Echo, Place, Proxy, ProxyKind, require};

type Outcome = Result<(), Box<dyn Error>>;

/// A test of this name for each proxy.
macro_rules! each_proxy {
    ($check:ident) => {
        mod $check {
            use super::{Outcome, ProxyKind};

            #[test]
            fn nginx() -> Outcome {
                super::$check(ProxyKind::Nginx)
            }

            #[test]
            fn caddy() -> Outcome {
                super::$check(ProxyKind::Caddy)
            }

            #[test]
            fn traefik() -> Outcome {
                super::$check(ProxyKind::Traefik)
            }

            #[test]
            fn envoy() -> Outcome {
                super::$check(ProxyKind::Envoy)
            }

            #[test]
            fn haproxy() -> Outcome {
                super::$check(ProxyKind::Haproxy)
            }
        }
    };
}

/// Every check of the table, with a short silence.
fn does_what_the_table_says(kind: ProxyKind) -> Outcome {
    let Some(stage) = Stage::new(kind, &[])? else {
        return Ok(());
    };
    let outcomes = proxies::headings().zip(proxies::run(&stage, Duration::from_secs(2)));
    let failed = outcomes.filter_map(|(heading, outcome)| Some(format!("{heading}: {}", outcome.err()?)));
    assert_eq!(failed.collect::<Vec<_>>(), Vec::<String>::new());
    Ok(())
}

each_proxy!(does_what_the_table_says);

fn header(token: &str) -> String {
    format!("cpanel alice:{token}")
}

/// Checks the requirements for every proxy.
fn guards_an_api(kind: ProxyKind) -> Outcome {
    let Some(mut stage) = Stage::new(kind, &[])? else {
        return Ok(());
    };
    let token = stage.place.token("alice", "proxied", &[])?;
    let mut client = stage.client();

    // Admitted: the API gets the identity, but not the token.
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

    // The API gets the whole body, and the request to `/auth` has none.
    let form = "x=1&".repeat(2000);
    let posted = client.post("/things", &header(&token), &form)?;
    assert_eq!(
        (posted.status, posted.json()["body"].as_str()),
        (200, Some(form.as_str()))
    );

    let limited = stage.limited().to_owned();
    // The client cannot set the fields that name the request for `/auth`, to have another path judged than the real one.
    let reached = stage.api.reached();
    let lies = [
        ("Authorization", limited.clone()),
        ("X-Original-URI", "/execute/Email/list_pops".to_owned()),
        ("X-Original-Method", "GET".to_owned()),
        ("X-Forwarded-Uri", "/execute/Email/list_pops".to_owned()),
        ("X-Forwarded-Method", "GET".to_owned()),
    ];
    let lies: Vec<(&str, &str)> = lies.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(client.send("POST", "/execute/Email/delete_pop", &lies, "")?.status, 403);
    assert_eq!(
        client.get("/execute/Email/delete_pop", &limited)?.status,
        403,
        "read only"
    );
    let query = "/execute/Email/delete_pop?module=Email&function=list_pops&feature=popaccts&writes=0";
    assert_eq!(
        client.get(query, &limited)?.status,
        403,
        "its query doesn't say what is asked either"
    );
    assert_eq!(stage.api.reached(), reached, "what is refused never reaches the API");
    assert_eq!(client.get("/execute/Email/list_pops", &limited)?.status, 200);
    let seen = client.get("/execute/Email/list_pops", &limited)?.json();
    assert_eq!(seen["headers"]["x-tokenlatch-features"], "popaccts");

    // Refused: the answer is the same for a missing and for a wrong token.
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

    // The API's own failure is passed on.
    let failed = client.get("/fails", &header(&token))?;
    assert_eq!((failed.status, &failed.json()["target"]), (500, &Value::from("/fails")));

    // An address list applies to the client's address, which the proxy sets and the client cannot forge.
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

    // Revoked: refused on the next request of the same connection.
    assert_eq!(client.get("/", &header(&token))?.status, 200);
    stage
        .place
        .must("uapi", &["--user=alice", "Tokens", "revoke", "name=proxied"])?;
    assert_eq!(client.get("/", &header(&token))?.status, 401);

    // Without the service no request is admitted.
    let reached = stage.api.reached();
    stage.server.process.kill()?;
    let closed = client.get("/execute/Email/list_pops", &header(&near))?;
    assert!(matches!(closed.status, 500 | 502 | 503), "{}", closed.status);
    assert_eq!(stage.api.reached(), reached);

    // Caddy's error log contains neither a session's number nor typed text. nginx cannot leave them out.
    if kind == ProxyKind::Caddy {
        client.get("/cpsess0123456789/tokens/name?name=typed", &header(&near))?;
        let log = stage.proxy.process.log();
        assert!(log.contains(r#""/cpsess/tokens/name""#), "{log}");
        assert!(!log.contains("0123456789") && !log.contains("typed"), "{log}");
    }
    Ok(())
}

each_proxy!(guards_an_api);

#[test]
fn nginx_passes_on_throttled_replies() -> Outcome {
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

/// No dangerous field of a client reaches the API, however its name is spelt.
fn no_dangerous_field_passes(kind: ProxyKind) -> Outcome {
    let Some(stage) = Stage::new(kind, &[])? else {
        return Ok(());
    };
    let mut client = stage.client();
    let table = DANGEROUS_FIELDS.iter().map(|(name, _)| *name);
    let names: Vec<&str> = table
        .chain(IDENTITY_FIELDS.iter().copied())
        .chain(["x-request-id"])
        .collect();
    for name in names {
        for spelt in [
            name.to_owned(),
            name.replace('-', "_"),
            name.replace('-', "."),
            name.replacen('-', "_", 1),
            name.replacen('-', ".", 1),
        ] {
            let reached = stage.api.reached();
            let fields = [("Authorization", stage.full()), (spelt.as_str(), "evil.example")];
            let answer = client.send("GET", "/orders", &fields, "")?;
            if answer.status == 200 {
                let seen = answer.json();
                let seen = seen["headers"].as_object().ok_or("no fields")?;
                let evil = seen.iter().filter(|(found, value)| {
                    value.to_string().contains("evil") && (*found == name || danger(found.as_bytes()).is_some())
                });
                assert_eq!(evil.count(), 0, "{spelt} in {seen:?}");
            } else {
                assert_eq!((answer.status, stage.api.reached()), (403, reached), "{spelt}");
            }
        }
    }
    Ok(())
}

each_proxy!(no_dangerous_field_passes);

/// A target that servers read in two ways never reaches the API.
fn forwards_only_unambiguous_targets(kind: ProxyKind) -> Outcome {
    let Some(stage) = Stage::new(kind, &[])? else {
        return Ok(());
    };
    let reader = header(&stage.place.token("alice", "reader", &["readonly=1"])?);
    let mut client = stage.client();
    for target in [
        "/json-api/cpanel?cpanel_jsonapi_apiversion=2&cpanel_jsonapi_module=Email&cpanel_jsonapi_func=listpops&z=#&cpanel_jsonapi_func=delpop",
        "/json-api/cpanel?cpanel_jsonapi_apiversion=2&cpanel_jsonapi_module=Email&cpanel_jsonapi_func=listpops",
        "/execute/Email/list_pops?a=b;c=d",
        "/execute/Email/list%5Fpops",
        "//execute/Email/list_pops",
        "/orders/1?_method=DELETE",
        "/orders/..%2fadmin",
    ] {
        let reached = stage.api.reached();
        let answer = client.send("GET", target, &[("Authorization", reader.as_str())], "")?;
        if kind == ProxyKind::Traefik && answer.status == 200 {
            // Traefik rewrites some to plain ones, for the service and for the API alike.
            let seen = answer.json()["target"].clone();
            assert!(
                seen.as_str()
                    .is_some_and(|seen| plain_target(seen.as_bytes()).is_some()),
                "{seen}"
            );
            continue;
        }
        assert!(matches!(answer.status, 400 | 403), "{target}: {}", answer.status);
        assert_eq!(stage.api.reached(), reached, "{target}");
    }
    let plain = "/execute/Email/list_pops?name=%7Ealice&q=%3B%23";
    assert_eq!(client.get(plain, &reader)?.json()["target"], plain);
    Ok(())
}

each_proxy!(forwards_only_unambiguous_targets);

/// What is too large to be judged, or to be told to the API, is reported as that.
fn limits_are_reported(kind: ProxyKind) -> Outcome {
    let Some(stage) = Stage::new(kind, &[])? else {
        return Ok(());
    };
    let token = stage.full();
    let mut client = stage.client();

    // A target that is too long to be judged is reported as the client's fault, not as a refusal of the token.
    let reached = stage.api.reached();
    let long = client.get(&format!("/things?{}", "x".repeat(30 << 10)), token)?;
    assert!(matches!(long.status, 414 | 431), "{}", long.status);
    assert!(!long.body.contains("Access denied"), "{}", long.body);
    assert_eq!(stage.api.reached(), reached);

    // A list of features that exceeds the proxies' buffers is reported as left out.
    for (count, listed) in [(40_usize, true), (90, false), (110, false)] {
        let features = (0..count).map(|number| format!("{number:0>64}"));
        let list = features.collect::<Vec<_>>().join(",");
        let name = format!("many{count}");
        let file = stage.place.file(&name);
        fs::write(&file, &list)?;
        let argument = format!("features=@{}", file.display());
        let token = header(&stage.place.token("alice", &name, &[argument.as_str()])?);
        let seen = client.get("/execute/Email/list_pops", &token)?;
        assert_eq!(seen.status, 403, "the list has no `popaccts`");
        let features = format!("{list},popaccts");
        fs::write(&file, &features)?;
        let token = header(
            &stage
                .place
                .token("alice", &format!("{name}-and"), &[argument.as_str()])?,
        );
        let answer = client.get("/execute/Email/list_pops", &token)?;
        assert_eq!(answer.status, 200, "{} {}", answer.body, stage.proxy.process.log());
        let seen = &answer.json()["headers"];
        assert_eq!(seen["x-tokenlatch-access"], "limited");
        let field = |name: &str| seen.get(name).and_then(Value::as_str).map(str::to_owned);
        assert_eq!(field("x-tokenlatch-features"), listed.then_some(features), "{count}");
        let omitted = (!listed).then(|| (count + 1).to_string());
        assert_eq!(field("x-tokenlatch-features-omitted"), omitted, "{count}");
    }
    Ok(())
}

each_proxy!(limits_are_reported);

/// The request to `/auth` contains what is judged, and nothing else.
fn sends_only_the_needed_fields_to_auth(kind: ProxyKind) -> Outcome {
    if kind.find()?.is_none() {
        return Ok(());
    }
    let place = Place::new()?;
    let (service, api) = (Echo::start()?, Echo::start()?);
    let Some(proxy) = Proxy::start(kind, &place, service.address(), api.address())? else {
        return Ok(());
    };
    let mut client = Client::new(proxy.address);
    let fields = [
        ("Authorization", "cpanel alice:x"),
        ("Cookie", "a=b"),
        ("X-Forwarded-For", "192.0.2.1"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Original-URI", "/evil"),
        ("X-Request-Id", "evil"),
        ("X-Tokenlatch-User", "evil"),
        ("Accept", "text/html"),
    ];
    assert_eq!(client.send("POST", "/things?a=b", &fields, "body")?.status, 200);
    let asked = service.last();
    // Envoy asks with the client's method.
    let method = if kind == ProxyKind::Envoy { "POST" } else { "GET" };
    assert_eq!(asked["method"], method);
    assert_eq!(
        asked["target"].as_str().map(|target| target.trim_end_matches('?')),
        Some("/auth")
    );
    assert_eq!(asked["body"], "");
    let fields = asked["headers"].as_object().ok_or("no fields")?;
    assert!(!fields.contains_key("cookie"), "{fields:?}");
    assert!(!asked.to_string().contains("evil"), "{fields:?}");
    assert_eq!(judged(&asked), Some("/things?a=b"), "{fields:?}");
    // This service admits without an identity, as it does for a public route: then the API gets none.
    let told = api.last();
    let told = told["headers"].as_object().ok_or("no fields")?;
    let identity = told.keys().filter(|name| name.starts_with("x-tokenlatch-"));
    assert_eq!(identity.collect::<Vec<_>>(), Vec::<&String>::new());
    // Caddy asks with every field that is left. What the others add themselves is not the client's.
    if kind != ProxyKind::Caddy {
        let own = "accept accept-encoding content-length user-agent x-envoy-expected-rq-timeout-ms x-envoy-internal x-forwarded-port \
                   x-forwarded-server x-real-ip";
        let known: Vec<&str> = ["authorization", "host"]
            .into_iter()
            .chain(own.split_whitespace())
            .collect();
        let others = fields.keys().map(String::as_str);
        let others = others.filter(|name| !known.contains(name) && !PROXY_FIELDS.contains(name));
        assert_eq!(others.collect::<Vec<_>>(), Vec::<&str>::new());
        assert!(!asked.to_string().contains("text/html"), "{fields:?}");
    }
    // What is judged is what the API gets, byte for byte.
    for target in proxies::odd_targets(proxy.address) {
        let reached = api.reached();
        let answer = Client::new(proxy.address).get(&target, "cpanel alice:x")?;
        if api.reached() == reached {
            assert_eq!(answer.status, 400, "{target:?}");
        } else {
            assert_eq!(judged(&service.last()), api.last()["target"].as_str(), "{target:?}");
        }
    }
    Ok(())
}

/// The target that a request to `/auth` names.
fn judged(asked: &Value) -> Option<&str> {
    let fields = &asked["headers"];
    let named = |name| fields.get(name).and_then(Value::as_str);
    named("x-original-uri").or(named("x-forwarded-uri"))
}

each_proxy!(sends_only_the_needed_fields_to_auth);

/// The routes of a catalogue for [`judges_by_routes`].
const ROUTES: &str = r#"
default = "deny"

[[route]]
method = "GET"
path = "/v1/orders"
feature = "popaccts"
writes = false

[[route]]
method = "POST"
path = "/v1/orders"
feature = "popaccts"
writes = true

[[route]]
method = "GET"
path = "/v1/orders/{id}"
writes = false

[[route]]
method = "GET"
path = "/v1/status"
writes = false
public = true
"#;

/// The method and the path that a proxy tells are judged by the routes of the catalogue.
fn judges_by_routes(kind: ProxyKind) -> Outcome {
    let place = Place::new()?;
    let catalogue = place.file("catalogue.toml");
    fs::write(&catalogue, ROUTES)?;
    let Some(stage) = Stage::new(kind, &["--catalogue", &catalogue.display().to_string()])? else {
        return Ok(());
    };
    let mut client = stage.client();
    for (method, target, limited, full) in [
        ("GET", "/v1/orders", 200, 200),
        ("GET", "/v1/orders?page=2", 200, 200),
        ("HEAD", "/v1/orders", 200, 200),
        ("POST", "/v1/orders", 403, 200),
        ("PUT", "/v1/orders", 403, 403),
        ("GET", "/v1/orders/7", 403, 200),
        ("GET", "/v1/orders/", 403, 200),
        ("GET", "/V1/orders", 403, 200),
        ("GET", "/v1/other", 403, 403),
    ] {
        for (token, wanted) in [(stage.limited(), limited), (stage.full(), full)] {
            let answer = client.send(method, target, &[("Authorization", token)], "")?;
            assert_eq!(answer.status, wanted, "{method} {target} {}", answer.body);
        }
        assert_eq!(client.send(method, target, &[], "")?.status, 401, "{method} {target}");
    }
    let answer = client.send("GET", "/v1/status", &[("X-Tokenlatch-User", "evil")], "")?;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["headers"].get("x-tokenlatch-user"), None);
    Ok(())
}

each_proxy!(judges_by_routes);

/// A broken service: it closes every connection at once, or never answers. It listens as long as the test's process lives, so no
/// other program can take its port.
fn broken_service(silent: bool) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        let mut held = Vec::new();
        held.extend(listener.incoming().filter(|_| silent));
    });
    Ok(address)
}

/// A fault of the service or of a proxy is never reported as a refusal of the token, and admits nothing.
fn never_reports_a_fault_as_a_refusal(kind: ProxyKind) -> Outcome {
    if kind.find()?.is_none() {
        return Ok(());
    }
    // Traefik waits 30 s for a silent service.
    let faults = if kind == ProxyKind::Traefik {
        &[false][..]
    } else {
        &[false, true]
    };
    for silent in faults {
        let place = Place::new()?;
        let api = Echo::start()?;
        let Some(proxy) = Proxy::start(kind, &place, broken_service(*silent)?, api.address())? else {
            return Ok(());
        };
        let begun = Instant::now();
        let answer = Client::new(proxy.address).get("/things", "cpanel alice:x")?;
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        let known: &[u16] = if kind == ProxyKind::Traefik {
            &[500]
        } else {
            &[502, 503, 504]
        };
        assert!(known.contains(&answer.status), "{}", answer.status);
        assert!(!answer.body.contains("denied"), "{}", answer.body);
        if kind == ProxyKind::Nginx {
            let said = &answer.json()["cpanelresult"]["error"];
            assert_eq!(said, "The token cannot be checked now; try again later");
        }
        assert_eq!(api.reached(), 0);
    }
    Ok(())
}

each_proxy!(never_reports_a_fault_as_a_refusal);

/// The lines of a block of a file, from its opening line to the one with the same indentation.
fn block<'t>(text: &'t str, opening: &str) -> Result<Vec<&'t str>, String> {
    let mut lines = text.lines().skip_while(|line| line.trim() != opening);
    let first = lines.next().ok_or_else(|| format!("no block {opening}"))?;
    let depth = |line: &str| line.len() - line.trim_start().len();
    let inner = lines.take_while(|line| line.trim().is_empty() || depth(line) > depth(first));
    Ok(inner.map(str::trim).filter(|line| !line.is_empty()).collect())
}

/// The fields that a block of a sample file sets or removes, in lower case. A name may end in `*`.
fn settled(kind: &str, lines: &[&str]) -> Vec<String> {
    fn field<'t>(kind: &str, line: &'t str) -> Option<&'t str> {
        match kind {
            "nginx.conf" => line.strip_prefix("proxy_set_header ")?.split(' ').next(),
            "Caddyfile" => line
                .strip_prefix("# ")
                .unwrap_or(line)
                .trim()
                .strip_prefix("request_header -"),
            _ => line.strip_suffix(": \"\""),
        }
    }
    let fields = lines.iter().filter_map(|line| field(kind, line));
    fields.map(str::to_ascii_lowercase).collect()
}

/// Whether one of the fields is this name, or is a prefix of it that ends in `*`.
fn is_settled(settled: &[String], name: &str) -> bool {
    settled.iter().any(|field| match field.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => field == name,
    })
}

#[test]
fn only_a_wildcard_covers_longer_field_names() {
    let settled = ["x-user".to_owned(), "x-original-*".to_owned()];
    assert!(is_settled(&settled, "x-user") && is_settled(&settled, "x-original-uri"));
    assert!(!is_settled(&settled, "x-user-name") && !is_settled(&settled, "x-original"));
}

#[test]
fn shipped_files_cover_every_dangerous_field() -> Outcome {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/server/deploy");
    // Traefik and Caddy replace these themselves.
    let by_traefik = [
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-proto",
        "x-forwarded-server",
        "x-real-ip",
    ];
    let by_caddy = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];
    let before_api = DANGEROUS_FIELDS.iter().map(|(name, _)| *name);
    let before_api: Vec<&str> = before_api.chain(IDENTITY_FIELDS.iter().copied()).collect();
    for (file, opening, wanted, own) in [
        ("nginx.conf", "location / {", before_api.as_slice(), [].as_slice()),
        ("nginx.conf", "location = /tokenlatch {", PROXY_FIELDS, &[]),
        ("Caddyfile", "route {", &before_api, &[]),
        ("traefik.yml", "tokenlatch-clean:", &before_api, &by_traefik),
        ("traefik.yml", "tokenlatch-words:", PROXY_FIELDS, &by_traefik),
    ] {
        let text = fs::read_to_string(deploy.join(file))?;
        let settled = settled(file, &block(&text, opening)?);
        for name in wanted.iter().filter(|name| !own.contains(name)) {
            assert!(is_settled(&settled, name), "{file}: {opening} leaves {name}");
        }
    }
    // The service's web interface, under its own name.
    let nginx = fs::read_to_string(deploy.join("nginx.conf"))?;
    let page = nginx.split_once("server_name tokens.example.com;").ok_or("no page")?.1;
    let nginx_page = settled("nginx.conf", &block(page, "location / {")?);
    let caddy = fs::read_to_string(deploy.join("Caddyfile"))?;
    let page: Vec<&str> = caddy
        .split_once("# tokens.example.com {")
        .ok_or("no page")?
        .1
        .lines()
        .collect();
    let caddy_page = settled("Caddyfile", &page);
    for name in PROXY_FIELDS {
        assert!(is_settled(&nginx_page, name), "nginx.conf: the page leaves {name}");
        assert!(
            by_caddy.contains(name) || is_settled(&caddy_page, name),
            "Caddyfile: the page leaves {name}"
        );
    }
    // Traefik can only remove fields by name, but drops names with other characters than hyphens.
    let traefik = fs::read_to_string(deploy.join("traefik-static.yml"))?;
    assert!(
        traefik
            .lines()
            .any(|line| line.trim() == "aliasHeadersStrategy: delete")
    );
    // nginx drops field names with other characters by default.
    for line in ["underscores_in_headers off;", "ignore_invalid_headers on;"] {
        assert!(nginx.lines().any(|found| found.trim() == line), "{line}");
    }
    Ok(())
}

#[test]
fn nginx_forwards_no_forged_field_with_page_and_upstream() -> Outcome {
    let name = "tokens.example.com";
    let api = Echo::start()?;
    let upstream = format!("http://{}", api.address());
    let Some(stage) = Stage::new(ProxyKind::Nginx, &["--host", name, "--upstream", &upstream])? else {
        return Ok(());
    };
    let authorization = stage.full();
    let address = stage.proxy.address;
    let head = format!(
        "GET /execute/Email/list_pops HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\nAuthorization: {authorization}\r\n\
         X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: evil\r\n\
         X-Forwarded-Uri: /evil\r\nX-Forwarded-Method: evil\r\nX-Original-URI: /evil\r\nX-Original-Method: evil\r\n\
         X-Request-Id: evilevilevilevil\r\nX-Tokenlatch-User: evil\r\n\r\n"
    );
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.write_all(head.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let seen = api.last();
    assert!(!seen.to_string().contains("evil"), "{seen}");
    let fields = &seen["headers"];
    assert_eq!(fields["x-tokenlatch-user"], "alice");
    assert_eq!(fields["x-forwarded-for"], "127.0.0.1");
    assert_eq!(fields["x-forwarded-host"], name);
    assert_eq!(fields["x-forwarded-proto"], "http");
    Ok(())
}

/// Sends a request to the web interface under a host name, and returns the whole answer.
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
fn nginx_serves_the_web_interface_under_its_own_host() -> Outcome {
    let name = "tokens.example.com";
    let Some(stage) = Stage::new(ProxyKind::Nginx, &["--host", name])? else {
        return Ok(());
    };
    let set = "printf 'correct horse battery' | tokenlatch account password alice";
    assert_eq!(stage.place.shell(set)?.code, Some(0));
    let address = stage.proxy.address;
    let host = format!("{name}:{}", address.port());
    // This nginx uses plain HTTP, so a browser would not keep the login. A script does.
    let person = by_name(address, &host, "POST /login", "user=alice&pass=correct+horse+battery")?;
    assert!(
        person.starts_with("HTTP/1.1 403 ") && person.contains("is not encrypted"),
        "{}",
        person.len()
    );
    let form = "user=alice&pass=correct+horse+battery&login_only=1";
    let login = by_name(address, &host, "POST /login", form)?;
    assert!(
        login.starts_with("HTTP/1.1 200 ") && login.contains("cpsession="),
        "{}",
        login.len()
    );
    // A form must come from the host name that the browser sees.
    let mut other = TcpStream::connect(stage.server.account)?;
    write!(
        other,
        "GET /login HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    other.read_to_string(&mut answer)?;
    assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
    // The log of a request contains neither the session's number nor typed text.
    by_name(address, &host, "GET /cpsess0123456789/tokens/name?name=typed", "")?;
    let log = fs::read_to_string(stage.place.file(&format!("nginx-{}.page", address.port())))?;
    assert!(log.contains("GET /cpsess/tokens/name HTTP/1.1"), "{log}");
    assert!(!log.contains("0123456789") && !log.contains("typed"), "{log}");
    // Under any other name the API answers, which needs a token.
    assert!(by_name(address, "api.example.com", "POST /login", form)?.starts_with("HTTP/1.1 401 "));
    assert_eq!(stage.api.reached(), 0);
    Ok(())
}

#[test]
fn the_shipped_files_are_accepted_by_their_programs() -> Outcome {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/server/deploy");
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
        // The unit contains the program's installation path.
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
