//! `tokenlatch serve`: the first start, its output, later starts, signals, and a log without secrets.
#![cfg(unix)]

use crate::common;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::Place;
use crate::common::http::{exchange, status};
use crate::common::serving::Serving;
use serde_json::Value;

const PASSWORD_FILE: &str = "tokenlatch-admin.password";
const BEGUN_FILE: &str = "tokenlatch-first.begun";

/// The password that the first start created.
fn password(place: &Place) -> String {
    let line = fs::read_to_string(place.folder.path().join(PASSWORD_FILE)).unwrap();
    let password = line.strip_suffix('\n').unwrap();
    let groups: Vec<&str> = password.split('-').collect();
    assert!(
        groups.len() == 4 && groups.iter().all(|group| group.len() == 6),
        "four groups of six"
    );
    password.to_owned()
}

fn has_curl() -> bool {
    let found = Command::new("curl").arg("--version").output().is_ok();
    if !found {
        assert!(std::env::var_os("TOKENLATCH_REQUIRE_ALL").is_none(), "curl is missing");
        eprintln!("SKIPPED: curl is missing, so the printed lines are not run");
    }
    found
}

/// The example lines in the output, from the first comment to the last line before the end.
fn lines_to_try(printed: &str) -> String {
    let start = printed.find("# create").unwrap();
    let end = printed.rfind("\nNext:").unwrap();
    printed[start..end].to_owned()
}

/// Runs lines in a folder that is unrelated to the server's.
fn run_lines(lines: &str) -> String {
    let elsewhere = tempfile::tempdir().unwrap();
    let ran = Command::new("sh")
        .args(["-eu", "-c", lines])
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap())
        .current_dir(elsewhere.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.success() && stderr.is_empty(), "{stderr}");
    String::from_utf8(ran.stdout).unwrap()
}

fn check_lines(printed: &str) {
    let out = run_lines(&lines_to_try(printed));
    let lines: Vec<&str> = out.lines().collect();
    let [listed, admitted, renamed, revoked, refused, admin] = lines.as_slice() else {
        panic!("{out}");
    };
    assert!(
        listed.contains(r#""name":"hello""#) && listed.contains(r#""name":"first-start""#),
        "{listed}"
    );
    assert_eq!(*admitted, "200");
    assert!(renamed.starts_with(r#"{"status":1,"#), "{renamed}");
    assert!(revoked.starts_with(r#"{"status":1,"data":1,"#), "{revoked}");
    assert_eq!(*refused, "401");
    assert!(
        admin.contains(r#""reason":"OK""#) && admin.contains("first-start-admin"),
        "{admin}"
    );
}

#[test]
fn printed_curl_commands_work() {
    if !has_curl() {
        return;
    }
    for arguments in [&[][..], &["--http"]] {
        let folder = tempfile::Builder::new().prefix("it's a $HOME ").tempdir().unwrap();
        let place = Place {
            database: folder.path().join("t.db").to_str().unwrap().to_owned(),
            folder,
        };
        let serving = Serving::start(&place, arguments);
        check_lines(&serving.printed);
        // A second time: the lines leave nothing behind that would block them.
        check_lines(&serving.printed);
        let (code, log) = serving.stop();
        assert_eq!(code, Some(0), "{log}");
    }
}

#[test]
fn only_the_first_start_writes_secrets_to_files() {
    let place = Place::new();
    let serving = Serving::start(&place, &[]);
    let file = |name: &str| place.folder.path().join(name);
    let password = password(&place);
    assert_eq!(fs::metadata(file(PASSWORD_FILE)).unwrap().mode() & 0o777, 0o600);
    assert!(serving.printed.contains(PASSWORD_FILE) && !serving.printed.contains(&password));
    assert!(
        serving.printed.contains("tokenlatch account password admin"),
        "{}",
        serving.printed
    );
    for part in password.split('-') {
        assert!(!place.holds_in_database(part.as_bytes()));
    }
    let mut secrets = vec![password];
    for (name, scheme) in [
        ("tokenlatch-account.header", "cpanel"),
        ("tokenlatch-admin.header", "whm"),
    ] {
        let line = fs::read_to_string(file(name)).unwrap();
        let token = line
            .trim_end()
            .strip_prefix(&format!("Authorization: {scheme} admin:"))
            .unwrap();
        assert_eq!(token.len(), 32);
        assert!(!serving.printed.contains(token));
        assert_eq!(fs::metadata(file(name)).unwrap().mode() & 0o777, 0o600);
        secrets.push(token.to_owned());
    }
    assert_eq!(fs::metadata(file("t.db")).unwrap().mode() & 0o777, 0o600);
    let (code, log) = serving.stop();
    assert_eq!(code, Some(0));
    assert!(log.contains("serving") && log.contains("stopped"), "{log}");
    let again = Serving::start(&place, &[]);
    assert!(!again.printed.contains("First start"), "{}", again.printed);
    assert!(again.printed.contains("tokenlatch account list"), "{}", again.printed);
    let (_, later) = again.stop();
    for secret in secrets {
        assert!(!log.contains(&secret) && !later.contains(&secret));
    }
    let tokens = place.run(&["--json", "token", "list", "--user", "admin"]).json();
    assert_eq!(tokens["total"], 2, "{tokens}");
}

#[test]
fn first_account_logs_in_as_administrator() {
    let place = Place::new();
    let serving = Serving::start(&place, &["--json", "--http"]);
    let form = format!("user=admin&pass={}", password(&place));
    let login = format!(
        "POST /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    for (port, page) in [("account", "/tokens\r\n"), ("admin", "/accounts\r\n")] {
        let reply = exchange(serving.address(port), login.as_bytes());
        assert!(
            status(&reply) == 303 && reply.contains(page),
            "{port}: {}",
            status(&reply)
        );
    }
    let (code, log) = serving.stop();
    assert_eq!(code, Some(0), "{log}");
    common::run(async {
        let service = tokenlatch::Service::new(common::module(), place.store().await);
        let given = |text: &str| text.to_owned().into();
        assert!(service.is_administrator("admin").await.unwrap());
        assert!(service.check_password("admin", given(&password(&place))).await.unwrap());
        assert!(!service.check_password("admin", given("")).await.unwrap());
    });
}

#[test]
fn interrupted_first_start_is_repeated() {
    for file in ["tokenlatch-account.header", "tokenlatch-admin.header", PASSWORD_FILE] {
        let place = Place::new();
        // A directory, which cannot be replaced, blocks the file's path.
        let in_the_way = place.folder.path().join(file);
        fs::create_dir(&in_the_way).unwrap();
        let ports = [
            "--json",
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--admin-listen",
            "127.0.0.1:0",
        ];
        let ran = place.run(&ports);
        assert_eq!(ran.code, Some(5), "{file}: {ran:?}");
        assert_eq!(ran.json()["error"]["code"], "system_failed");
        let accounts = place.run(&["--json", "account", "list"]).json();
        assert_eq!(accounts["accounts"][0]["hasPassword"], false, "{accounts}");

        fs::remove_dir(&in_the_way).unwrap();
        let serving = Serving::start(&place, &["--json", "--http"]);
        assert_eq!(serving.json()["first"]["user"], "admin", "{file}");
        let header = fs::read_to_string(place.folder.path().join("tokenlatch-account.header")).unwrap();
        let list = format!(
            "GET /execute/Tokens/list HTTP/1.1\r\nHost: a\r\n{}\r\nConnection: close\r\n\r\n",
            header.trim_end()
        );
        let listed = exchange(serving.address("account"), list.as_bytes());
        assert!(status(&listed) == 200 && listed.contains("first-start"), "{listed}");
        assert_eq!(password(&place).len(), 27);
        serving.stop();
        let tokens = place.run(&["--json", "token", "list", "--user", "admin"]).json();
        assert_eq!(tokens["total"], 2, "{tokens}");
        assert!(!place.folder.path().join(BEGUN_FILE).exists());
        let again = Serving::start(&place, &["--json"]);
        assert_eq!(again.json()["first"], Value::Null);
        again.stop();
    }
}

#[test]
fn marker_of_another_database_resets_no_password() {
    let place = Place::new();
    assert_eq!(place.run(&["account", "add", "admin", "--all-features"]).code, Some(0));
    let note = "The first start on the database 1 has begun.\n";
    fs::write(place.folder.path().join(BEGUN_FILE), note).unwrap();
    let serving = Serving::start(&place, &["--json"]);
    assert_eq!(serving.json()["first"], Value::Null);
    serving.stop();
    assert!(!place.folder.path().join(PASSWORD_FILE).exists());
}

#[test]
fn json_output_of_serve_is_one_document() {
    let place = Place::new();
    let guard = ["--guard-listen", "127.0.0.1:0", "--upstream", "http://127.0.0.1:1"];
    let serving = Serving::start(&place, &[&["--json", "--http"], &guard[..]].concat());
    let document = serving.json();
    assert_eq!(document["first"]["user"], "admin");
    assert!(
        document["first"]["passwordFile"]
            .as_str()
            .unwrap()
            .ends_with(PASSWORD_FILE)
    );
    assert_eq!(document["steps"].as_array().unwrap().len(), 7);
    assert_eq!(document["serving"]["certificate"], Value::Null);
    for port in ["account", "admin"] {
        let reply = exchange(
            serving.address(port),
            b"GET /ready HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        );
        assert_eq!(status(&reply), 200, "{reply}");
    }
    let guarded = exchange(
        serving.address("guard"),
        b"GET /ready HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    assert_eq!(status(&guarded), 401, "{guarded}");
    let metrics = exchange(
        serving.address("admin"),
        b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    for figure in [
        "tokenlatch_requests_total{",
        "tokenlatch_table_records 2",
        "tokenlatch_request_seconds_bucket{",
    ] {
        assert!(metrics.contains(figure), "{figure}: {metrics}");
    }
    serving.stop();
}

#[test]
fn failed_starts_explain_the_error_and_leave_no_files() {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = held.local_addr().unwrap().to_string();
    let cases: &[(&[&str], i32, &str)] = &[
        (&["--listen", &taken], 5, "port_in_use"),
        (&["--listen", "127.0.0.1:0", "--admin-listen", &taken], 5, "port_in_use"),
        (&["--http", "--listen", "0.0.0.0:0"], 2, "plain_not_loopback"),
        (&["--listen", "0.0.0.0:0"], 2, "certificate_needed"),
        (&["--listen", "[::]:0"], 2, "certificate_needed"),
        (
            &["--upstream", "http://127.0.0.1:1", "--guard-listen", "[::]:0"],
            2,
            "certificate_needed",
        ),
        (
            &[
                "--upstream",
                "http://127.0.0.1:1",
                "--guard-listen",
                "127.0.0.1:0",
                "--preflight-pass",
                "/{*rest}",
            ],
            2,
            "preflight_invalid",
        ),
        (&["--credentials", "bearer,header:Cookie"], 2, "credentials_invalid"),
        (
            &["--credentials", "bearer", "--credentials", "bearer"],
            2,
            "credentials_invalid",
        ),
        (
            &[
                "--listen",
                "127.0.0.1:0",
                "--tls-cert",
                "none.pem",
                "--tls-key",
                "none.pem",
            ],
            5,
            "certificate_invalid",
        ),
        (
            &["--listen", "127.0.0.1:0", "--log-level", "tokenlatch=what"],
            2,
            "log_level_invalid",
        ),
    ];
    for (arguments, code, name) in cases {
        let place = Place::new();
        let ran = place.run(&[&["--json", "serve"], *arguments].concat());
        assert_eq!(ran.code, Some(*code), "{arguments:?}: {ran:?}");
        assert_eq!(ran.json()["error"]["code"], *name, "{ran:?}");
        for file in [
            "tokenlatch-account.header",
            "tokenlatch-admin.header",
            PASSWORD_FILE,
            BEGUN_FILE,
        ] {
            assert!(!place.folder.path().join(file).exists(), "{arguments:?} made {file}");
        }
        if *code == 2 {
            assert!(!place.folder.path().join("t.db").exists(), "{arguments:?}");
        }
    }
    for arguments in [
        &["--tls-cert", "a.pem"][..],
        &["--http", "--tls-cert", "a", "--tls-key", "b"],
        &["--listen", "nowhere"],
        &["--trusted-proxy", "10.0.0.0/99"],
        &["--log-format", "xml"],
    ] {
        let place = Place::new();
        assert_eq!(
            place.run(&[&["serve"], arguments].concat()).code,
            Some(2),
            "{arguments:?}"
        );
    }
    // After a start that failed because of its port, the next start is still the first.
    let place = Place::new();
    assert_eq!(place.run(&["serve", "--listen", &taken]).code, Some(5));
    let serving = Serving::start(&place, &["--http"]);
    assert!(serving.printed.contains("First start"), "{}", serving.printed);
    serving.stop();
}

#[test]
fn every_option_has_an_environment_variable() {
    let place = Place::new();
    let mut command = place.command(&["serve", "--json"]);
    for (name, value) in [
        ("LISTEN", "127.0.0.1:0"),
        ("ADMIN_LISTEN", "none"),
        ("HTTP", "true"),
        ("TRUSTED_PROXY", "127.0.0.1,10.0.0.0/8"),
        ("FAILURES_PER_MINUTE", "5"),
        ("LOG_FORMAT", "json"),
        ("LOG", "info"),
        ("MAX_CONNECTIONS", "10"),
        ("MAX_CONNECTIONS_PER_ADDRESS", "5"),
    ] {
        command.env(format!("TOKENLATCH_{name}"), value);
    }
    let serving = Serving::spawn(command);
    let document = serving.json();
    assert_eq!(document["serving"]["admin"], Value::Null);
    let request = b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-For: 192.0.2.9\r\n\r\n";
    assert_eq!(status(&exchange(serving.address("account"), request)), 200);
    let (_, log) = serving.stop();
    let line = log.lines().find(|line| line.contains("/health")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["client"], "192.0.2.9", "{line}");
    assert_eq!(line["status"], 200);
    for option in [
        "UPSTREAM",
        "CATALOGUE",
        "TLS_CERT",
        "TLS_KEY",
        "DATABASE",
        "CREATE",
        "TIME_ZONE",
    ] {
        let help = place.run(&["serve", "--help"]).stdout;
        assert!(help.contains(&format!("TOKENLATCH_{option}")), "{option}: {help}");
    }
}

#[test]
fn second_signal_stops_at_once_and_sighup_reloads() {
    let place = Place::new();
    let catalogue = concat!(env!("CARGO_MANIFEST_DIR"), "/../server/deploy/catalogue.toml");
    let serving = Serving::start(&place, &["--json", "--http", "--catalogue", catalogue]);
    serving.signal("-HUP");
    let address = serving.address("account");
    let health = b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert_eq!(status(&exchange(address, health)), 200);
    // A request that never ends by itself, since its body never arrives.
    let mut stuck = common::http::connect(address);
    let head = "POST /execute/Tokens/create_full_access HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n";
    let header = fs::read_to_string(place.folder.path().join("tokenlatch-account.header")).unwrap();
    let head = head.replace("\r\n\r\n", &format!("\r\n{}\r\n\r\n", header.trim_end()));
    std::io::Write::write_all(&mut stuck, head.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    serving.signal("-TERM");
    std::thread::sleep(Duration::from_millis(500));
    let started = Instant::now();
    let (code, log) = serving.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert!(log.contains("reloaded the catalogue"), "{log}");
}

#[test]
fn trace_log_has_every_request_and_no_secret() {
    for format in ["text", "json"] {
        let place = Place::new();
        let arguments = ["--json", "--http", "--log-level", "trace", "--log-format", format];
        // Nothing answers there.
        let guard = ["--guard-listen", "127.0.0.1:0", "--upstream", "https://127.0.0.1:1"];
        let serving = Serving::start(&place, &[&arguments[..], &guard].concat());
        let account = serving.address("account");
        let admin = serving.address("admin");
        let secret_of = |file: &str| {
            let line = fs::read_to_string(place.folder.path().join(file)).unwrap();
            line.trim_end().rsplit_once(':').unwrap().1.to_owned()
        };
        let good = secret_of("tokenlatch-account.header");
        let root = secret_of("tokenlatch-admin.header");
        let bad = "Z9Y8X7W6V5U4T3S2R1Q0PONMLKJIHGFE".to_owned();
        let mut secrets = vec![good.clone(), root.clone(), bad.clone(), password(&place)];
        let mut requests = 0;
        for secret in [&good, &bad] {
            for request in [
                format!(
                    "GET /execute/Tokens/list HTTP/1.1\r\nHost: a\r\nAuthorization: cpanel admin:{secret}\r\nConnection: close\r\n\r\n"
                ),
                format!(
                    "GET /auth?token={secret} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\nConnection: close\r\n\r\n"
                ),
                format!("GET /{secret} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
                format!(
                    "GET / HTTP/1.1\r\nHost: {secret}\r\nX-{secret}: {secret}\r\nCookie: a={secret}\r\nConnection: close\r\n\r\n"
                ),
                format!(
                    "GET /execute/Tokens/list HTTP/1.1\r\nHost: a\r\nAuthorization: cpanel admin:{secret}\x01\r\n\r\n"
                ),
                format!(
                    "POST /execute/Tokens/rename HTTP/1.1\r\nHost: a\r\nAuthorization: cpanel admin:{good}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\nname={secret}&new_name={secret}",
                    15 + 2 * secret.len()
                ),
                format!(
                    "POST /execute/Tokens/revoke HTTP/1.1\r\nHost: a\r\nAuthorization: cpanel admin:{good}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{{\"name\":\"{secret}\"}}\r\n0\r\n\r\n",
                    11 + secret.len()
                ),
            ] {
                let reply = exchange(account, request.as_bytes());
                assert!(status(&reply) < 500, "{reply}");
                requests += 1;
            }
            let details = format!(
                "POST /json-api/api_token_get_details?api.version=1 HTTP/1.1\r\nHost: a\r\nAuthorization: whm admin:{root}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\ntoken={secret}",
                6 + secret.len()
            );
            assert!(status(&exchange(admin, details.as_bytes())) < 500);
            let upgrade = format!(
                "GET /socket?x={secret} HTTP/1.1\r\nHost: a\r\nAuthorization: cpanel admin:{secret}\r\nCookie: a={secret}\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n"
            );
            let reply = exchange(serving.address("guard"), upgrade.as_bytes());
            assert!(matches!(status(&reply), 401 | 502), "{reply}");
            requests += 2;
        }
        let create = format!(
            "GET /execute/Tokens/create_full_access?name=new HTTP/1.1\r\nHost: a\r\nAuthorization: cpanel admin:{good}\r\nConnection: close\r\n\r\n"
        );
        let created = exchange(account, create.as_bytes());
        let new = created.split(r#""token":""#).nth(1).unwrap().get(..32).unwrap();
        requests += 1;
        secrets.push(new.to_owned());
        let (_, log) = serving.stop();
        assert!(!log.contains("TRACE"), "a library spoke below INFO");
        assert_eq!(log.matches("tokenlatch::request").count(), requests, "{format}");
        // The path of a request is logged, with secrets removed.
        assert_eq!(log.matches("/[secret]").count(), 2, "{format}");
        for secret in secrets {
            // As text, and as a list of bytes.
            let bytes = format!("{:?}", secret.as_bytes());
            for form in [
                secret.as_str(),
                &secret[..24],
                &secret[8..],
                &secret.to_lowercase(),
                bytes.trim_matches(['[', ']']),
            ] {
                assert!(!log.contains(form), "{format}: the log holds {form}");
            }
            assert!(!place.holds_in_database(secret.as_bytes()));
        }
    }
}

#[test]
fn empty_postgresql_database_triggers_a_first_start() {
    let Some(postgres) = common::postgres::Postgres::start() else {
        return;
    };
    let place = Place::new();
    let mut command = place.command(&[
        "serve",
        "--http",
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
    ]);
    command.env("TOKENLATCH_DATABASE", postgres.url());
    let serving = Serving::spawn(command);
    assert!(serving.printed.contains("First start"), "{}", serving.printed);
    assert!(!serving.printed.contains(postgres.url()), "{}", serving.printed);
    if has_curl() {
        check_lines(&serving.printed);
    }
    let (code, log) = serving.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(place.folder.path().join("tokenlatch-account.header").exists());
}

const SERVE: [&str; 7] = [
    "--json",
    "serve",
    "--http",
    "--listen",
    "127.0.0.1:0",
    "--admin-listen",
    "127.0.0.1:0",
];

/// Runs a command that must fail, and returns its code.
fn refused(place: &Place, arguments: &[&str]) -> String {
    let ran = place.run(arguments);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    ran.json()["error"]["code"].as_str().unwrap().to_owned()
}

/// Moves the database's files into a folder beside them, or back.
fn move_files(place: &Place, away: bool) {
    let (here, there) = (place.folder.path().to_owned(), place.folder.path().join("away"));
    fs::create_dir_all(&there).unwrap();
    let (from, to) = if away { (&here, &there) } else { (&there, &here) };
    for name in ["t.db", "t.db-wal", "t.db-shm"] {
        let _ = fs::remove_file(to.join(name));
        // Without a server only the first of them exists.
        let _ = fs::rename(from.join(name), to.join(name));
    }
}

fn ready(serving: &Serving) -> (u16, Value) {
    let reply = exchange(
        serving.address("admin"),
        b"GET /ready HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    let (_, body) = reply.split_once("\r\n\r\n").unwrap();
    (status(&reply), serde_json::from_str(body).unwrap())
}

#[test]
fn missing_database_is_not_silently_recreated() {
    let place = Place::new();
    assert_eq!(
        refused(&place, &[&SERVE[..], &["--create=never"]].concat()),
        "store_missing"
    );
    Serving::start(&place, &["--json", "--http"]).stop();
    move_files(&place, true);
    let add = ["--json", "account", "add", "bob", "--all-features"];
    for arguments in [&SERVE[..], &add[..]] {
        assert_eq!(refused(&place, arguments), "store_gone");
        // An older version left only the files of its first start.
        let known = place.folder.path().join("tokenlatch-database.id");
        let text = fs::read(&known).unwrap();
        fs::remove_file(&known).unwrap();
        assert_eq!(refused(&place, arguments), "store_gone");
        fs::write(&known, text).unwrap();
        fs::write(place.folder.path().join("t.db"), "").unwrap();
        assert_eq!(refused(&place, arguments), "store_gone", "an empty file is none");
        fs::remove_file(place.folder.path().join("t.db")).unwrap();
        assert_eq!(
            refused(&place, &[arguments, &["--create=never"]].concat()),
            "store_missing"
        );
    }
    // Another database in its place.
    let other = Place::new();
    assert_eq!(other.run(&add).code, Some(0));
    fs::copy(&other.database, &place.database).unwrap();
    for arguments in [&SERVE[..], &["--json", "account", "add", "eve", "--all-features"]] {
        assert_eq!(refused(&place, arguments), "store_differs");
    }
    // With the option, a new database is created beside it, and both are known from then on.
    fs::remove_file(&place.database).unwrap();
    assert_eq!(place.run(&[&add[..], &["--create=always"]].concat()).code, Some(0));
    assert_eq!(
        place.run(&["--json", "account", "add", "carol", "--all-features"]).code,
        Some(0)
    );
    move_files(&place, false);
    let serving = Serving::start(&place, &["--json", "--http"]);
    assert_eq!(serving.json()["first"], Value::Null);
    assert_eq!(ready(&serving).1["status"], "ready");
    serving.stop();
}

#[test]
fn first_start_survives_wal_loss_and_older_database_is_refused() {
    let place = Place::new();
    assert_eq!(place.run(&["account", "add", "early", "--all-features"]).code, Some(0));
    let older = fs::read(&place.database).unwrap();
    fs::remove_file(&place.database).unwrap();
    fs::remove_file(place.folder.path().join("tokenlatch-database.id")).unwrap();
    let mut serving = Serving::start(&place, &["--json", "--http"]);
    serving.signal("-KILL");
    serving.child.wait().unwrap();
    for end in ["-wal", "-shm"] {
        fs::remove_file(format!("{}{end}", place.database)).unwrap();
    }
    let again = Serving::start(&place, &["--json", "--http"]);
    assert_eq!(again.json()["first"], Value::Null);
    again.stop();
    let tokens = place.run(&["--json", "token", "list", "--user", "admin"]).json();
    assert_eq!(tokens["total"], 2, "{tokens}");

    // The file records the database and its content at the end of that start. A database without that content is refused.
    let known = place.folder.path().join("tokenlatch-database.id");
    let text = fs::read_to_string(&known).unwrap();
    let words: Vec<&str> = text.split_whitespace().collect();
    let least: i64 = words[1].parse().unwrap();
    assert!(least > 1, "{text}");
    fs::write(
        &known,
        format!("{} {} {} {}\n", words[0], least + 100, least + 100, words[3]),
    )
    .unwrap();
    assert_eq!(refused(&place, &SERVE), "store_younger");
    // Without the file, the existing database is accepted.
    fs::remove_file(&known).unwrap();
    Serving::start(&place, &["--json", "--http"]).stop();
    fs::write(&place.database, older).unwrap();
    assert_eq!(refused(&place, &SERVE), "store_differs");
}

#[test]
fn removed_or_rolled_back_database_file_is_reported() {
    let place = Place::new();
    let serving = Serving::start(&place, &["--json", "--http"]);
    assert_eq!(ready(&serving), (200, serde_json::json!({"status": "ready"})));
    let header = fs::read_to_string(place.folder.path().join("tokenlatch-account.header")).unwrap();
    let create = |serving: &Serving| {
        let request = format!(
            "GET /execute/Tokens/create_full_access?name=one HTTP/1.1\r\nHost: a\r\n{}\r\nConnection: close\r\n\r\n",
            header.trim_end()
        );
        status(&exchange(serving.address("account"), request.as_bytes()))
    };
    move_files(&place, true);
    assert_eq!(create(&serving), 503);
    let (code, document) = ready(&serving);
    assert_eq!(
        (code, &document["reason"], &document["database"]),
        (503, &"store_replaced".into(), &"sqlite".into())
    );
    move_files(&place, false);
    assert_eq!(ready(&serving).0, 200);
    let (_, log) = serving.stop();
    assert!(log.contains("removed or replaced while it was in use"), "{log}");

    // An older state, restored while no server ran.
    let older = fs::read(&place.database).unwrap();
    let serving = Serving::start(&place, &["--json", "--http"]);
    assert_eq!(create(&serving), 200);
    serving.stop();
    fs::write(&place.database, older).unwrap();
    let serving = Serving::start(&place, &["--json", "--http"]);
    let (code, document) = ready(&serving);
    assert_eq!(
        (code, &document["warnings"][0]["code"]),
        (200, &"store_went_back".into()),
        "{document}"
    );
    let metrics = exchange(
        serving.address("admin"),
        b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    assert!(metrics.contains("tokenlatch_store_went_back_total 1"), "{metrics}");
    let (_, log) = serving.stop();
    assert!(log.contains("store_went_back") && log.contains("WARN"), "{log}");
    let serving = Serving::start(&place, &["--json", "--http"]);
    assert_eq!(ready(&serving), (200, serde_json::json!({"status": "ready"})));
    serving.stop();
}
