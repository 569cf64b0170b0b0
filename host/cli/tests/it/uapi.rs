//! `uapi` and `whmapi1`: the lines of public guides, on the database and through another server.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::common::ports::free_address;
use crate::common::{Place, Ran};
use serde_json::{Value, json};

/// Has the form of a token, but is not one.
const TOKEN: &str = "AAAABBBBCCCCDDDDEEEEFFFFGGGG0001";

fn place() -> Place {
    let place = Place::new();
    for user in ["alice", "bob", "root"] {
        assert_eq!(place.run(&["account", "add", user, "--all-features"]).code, Some(0));
    }
    place
}

/// Runs shell lines with `uapi` and `whmapi1` on the path.
fn shell(place: &Place, lines: &str) -> Ran {
    let programs = Path::new(env!("CARGO_BIN_EXE_uapi")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let ours = place.command(&[]);
    let mut command = std::process::Command::new("sh");
    command.args(["-u", "-c", lines]).env_clear();
    for (name, value) in ours.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command.env("PATH", path).current_dir(place.folder.path());
    Ran::of(command.stdin(std::process::Stdio::null()).output().unwrap())
}

fn uapi(place: &Place, arguments: &[&str]) -> Value {
    let ran = place.run(&[&["uapi", "--user=alice", "--output=json", "Tokens"], arguments].concat());
    let reply = ran.json();
    let status = reply["result"]["status"].as_i64().unwrap_or_else(|| panic!("{ran:?}"));
    // 0 if the function has answered, 1 if there is no such function.
    let called = !ran.stderr.contains("function_unknown");
    assert!(
        (status == 0 || status == 1) && ran.code == Some(i32::from(!called)),
        "{ran:?}"
    );
    assert_eq!(
        (&reply["apiversion"], &reply["module"], &reply["func"]),
        (&json!(3), &json!("Tokens"), &json!(arguments[0]))
    );
    reply["result"].clone()
}

fn whmapi1(place: &Place, arguments: &[&str]) -> Value {
    let ran = place.run(&[&["whmapi1", "--output=json"], arguments].concat());
    let reply = ran.json();
    let result = reply["metadata"]["result"]
        .as_i64()
        .unwrap_or_else(|| panic!("{ran:?}"));
    assert!((result == 0 || result == 1) && ran.code == Some(0), "{ran:?}");
    reply
}

#[test]
fn guide_commands_run_unchanged() {
    let place = place();
    let ran = shell(&place, "uapi --user=alice Tokens create_full_access name=mytoken");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(
        &lines[..5],
        [
            "---",
            "apiversion: 3",
            "func: create_full_access",
            "module: Tokens",
            "result:"
        ]
    );
    assert!(
        lines.contains(&"  errors: ~") && lines.contains(&"  status: 1"),
        "{}",
        lines.len()
    );

    let timed = r#"uapi --user=alice Tokens create_full_access name=timed expires_at=$(date +%s -d "+24 hours")"#;
    assert_eq!(shell(&place, timed).code, Some(0));
    let listed = shell(&place, "uapi --user=alice Tokens list --output=json").json();
    let tokens = listed["result"]["data"].as_array().unwrap();
    assert_eq!(tokens.len(), 2);
    assert_eq!(
        (&tokens[0]["name"], &tokens[0]["expires_at"]),
        (&json!("mytoken"), &Value::Null)
    );
    let life = tokens[1]["expires_at"].as_i64().unwrap() - tokens[1]["create_time"].as_i64().unwrap();
    assert!((86_300..=86_400).contains(&life), "{life}");

    let renamed = shell(
        &place,
        "uapi --output=jsonpretty \\\n  --user=alice \\\n  Tokens \\\n  rename \\\n  name='mytoken' \\\n  new_name='b'",
    );
    assert!(renamed.stdout.starts_with("{\n  \"apiversion\": 3,"), "{renamed:?}");
    let taken = shell(
        &place,
        "uapi --user=alice Tokens create_full_access name=again --output=yaml | awk '/ token:/ {print $2}'",
    );
    assert_eq!(taken.stdout.trim().trim_matches('"').len(), 32);
    assert_eq!(shell(&place, "uapi --user=alice Tokens revoke name=b").code, Some(0));
    assert_eq!(uapi(&place, &["list"])["data"].as_array().unwrap().len(), 2);

    assert_eq!(
        shell(
            &place,
            "whmapi1 --output=jsonpretty api_token_create token_name='example'"
        )
        .code,
        Some(0)
    );
    let listed = shell(&place, "whmapi1 api_token_list --user=root --output=json").json();
    assert_eq!(listed["data"]["tokens"]["example"]["name"], "example");
}

#[test]
fn a_reply_is_printed_whether_the_function_succeeded_or_not() {
    let place = place();
    let failed = uapi(&place, &["create_full_access", "name=a b"]);
    let sentence = r#"The parameter "name" may contain only letters, digits, "-" and "_"."#;
    assert_eq!(failed["errors"], json!([sentence]));
    assert_eq!((&failed["status"], &failed["data"]), (&json!(0), &Value::Null));
    assert_eq!(
        uapi(&place, &["create_full_access"])["errors"],
        json!([r#"The parameter "name" is missing."#])
    );
    let past = uapi(&place, &["create_full_access", "name=a", "expires_at=0"]);
    assert_eq!(
        past["errors"],
        json!([r#"The parameter "expires_at" must lie in the future."#])
    );
    assert_eq!(uapi(&place, &["rename", "name=none", "new_name=b"])["status"], 0);
    assert_eq!(uapi(&place, &["revoke", "name=none"])["data"], 1);
    let xml = place.run(&["uapi", "--user=alice", "--output=xml", "Tokens", "revoke"]);
    assert_eq!(xml.code, Some(0));
    assert!(xml.stdout.contains("<status>0</status>"), "{xml:?}");
}

#[test]
fn accepts_parameters_as_json() {
    let place = place();
    let create = [
        "uapi",
        "--user=alice",
        "--output=json",
        "--input=json",
        "Tokens",
        "create_full_access",
    ];
    let made = place
        .run_with(&create, r#"{"name":"a","readonly":true,"expires_at":4000000000}"#)
        .json();
    assert_eq!(made["result"]["status"], 1, "{made}");
    let made = place
        .run_with(&[&create[..], &["name=b"]].concat(), r#"{"readonly":1}"#)
        .json();
    assert_eq!(made["result"]["status"], 1, "{made}");
    assert_eq!(
        place.run_with(&[&create[..], &["name=c"]].concat(), "").json()["result"]["status"],
        1
    );
    let listed = uapi(&place, &["list", "--input=key-value"])["data"].clone();
    assert_eq!((&listed[0]["readonly"], &listed[1]["readonly"]), (&json!(1), &json!(1)));
    assert_eq!(
        (&listed[0]["expires_at"], &listed[2]["readonly"]),
        (&json!(4_000_000_000_i64), &Value::Null)
    );
    let limited = ["whmapi1", "--output=json", "--input=json", "api_token_create"];
    let made = place
        .run_with(&limited, r#"{"token_name":"x","acl":["list-accts","create-acct"]}"#)
        .json();
    assert_eq!(made["data"]["acls"], json!(["list-accts", "create-acct"]), "{made}");
    let failed = place.run_with(&create, r#"{"name":["a",1.5]}"#);
    assert_eq!((failed.code, &failed.json()["result"]["status"]), (Some(0), &json!(0)));
    for (input, more) in [
        ("[]", ""),
        ("{", ""),
        (r#"{"name":"d","name":"e"}"#, ""),
        (r#"{"name":"d"}"#, "name=e"),
    ] {
        let arguments: Vec<&str> = create
            .iter()
            .copied()
            .chain([more])
            .filter(|word| !word.is_empty())
            .collect();
        let ran = place.run_with(&arguments, input);
        assert_eq!(
            (ran.code, &ran.json()["result"]["status"]),
            (Some(2), &json!(0)),
            "{ran:?}"
        );
    }
    let (address, served) = answering(http("200 OK", "", r#"{"status":1,"data":null}"#));
    let url = format!("http://{address}");
    let arguments = [
        "uapi",
        "--json",
        "--user=alice",
        "--input=json",
        "--url",
        &url,
        "StatsManager",
        "save",
        "x=y",
    ];
    std::fs::write(place.folder.path().join("token"), TOKEN).unwrap();
    let ran = place.run_with(
        &[&arguments[..], &["--token-file", "token"]].concat(),
        r#"{"changes":[{"a":[1.5]}]}"#,
    );
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let asked = served.join().unwrap();
    assert!(
        asked
            .to_ascii_lowercase()
            .contains("content-type: application/json\r\n"),
        "{asked}"
    );
    assert!(asked.ends_with(r#"{"changes":[{"a":[1.5]}],"x":"y"}"#), "{asked}");
}

#[test]
fn account_accesses_only_its_own_tokens() {
    let place = place();
    uapi(&place, &["create_full_access", "name=deploy"]);
    let other = |arguments: &[&str]| {
        let ran = place.run(&[&["uapi", "--user=bob", "--json", "Tokens"], arguments].concat());
        ran.json()["result"].clone()
    };
    assert_eq!(other(&["list"])["data"], json!([]));
    assert_eq!(other(&["rename", "name=deploy", "new_name=x"])["status"], 0);
    other(&["revoke", "name=deploy"]);
    assert_eq!(uapi(&place, &["list"])["data"][0]["name"], "deploy");
    // The administrator's functions have their own tokens.
    let own = whmapi1(&place, &["--user=alice", "api_token_list"]);
    assert_eq!(own["data"]["tokens"], json!({}));
    whmapi1(&place, &["--user=alice", "api_token_revoke", "token_name=deploy"]);
    assert_eq!(uapi(&place, &["list"])["data"][0]["name"], "deploy");
}

#[test]
fn values_are_unescaped_and_files_are_read() {
    let place = place();
    assert_eq!(uapi(&place, &["create_full_access", "name=%61%62"])["status"], 1);
    std::fs::write(place.folder.path().join("name"), "from-file\n").unwrap();
    assert_eq!(uapi(&place, &["create_full_access", "name=@name"])["status"], 1);
    assert_eq!(
        uapi(&place, &["create_full_access", "name=a+b"])["status"],
        0,
        "a + stays a +"
    );
    let listed = uapi(&place, &["list"]);
    let names: Vec<_> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|token| &token["name"])
        .collect();
    assert_eq!(names, ["ab", "from-file"]);
    for spoilt in ["name", "=a", "name=50%", "name=@/nowhere/at/all", "name=@/dev/zero"] {
        let ran = place.run(&["uapi", "--user=alice", "--json", "Tokens", "create_full_access", spoilt]);
        assert_eq!(
            (ran.code, &ran.json()["error"]["code"]),
            (Some(2), &json!("argument_invalid")),
            "{spoilt}"
        );
    }
}

#[test]
fn supports_functions_beyond_the_public_api() {
    let place = place();
    let limited = [
        "create_limited",
        "name=mail",
        "features=popaccts,ftpaccts",
        "readonly=1",
        "addresses=192.0.2.7",
    ];
    assert_eq!(uapi(&place, &limited)["status"], 1);
    assert_eq!(
        uapi(&place, &["create_limited", "name=none"])["errors"],
        json!([r#"The parameter "features" is missing."#])
    );
    let listed = uapi(&place, &["list"]);
    let token = &listed["data"][0];
    assert_eq!(
        (&token["features"], &token["has_full_access"]),
        (&json!(["popaccts", "ftpaccts"]), &json!(0))
    );
    assert_eq!(token["readonly"], 1);
    assert_eq!(
        uapi(&place, &["set_addresses", "name=mail", "addresses=2001:db8::/32"])["status"],
        1
    );
    let warned = uapi(&place, &["list", "colour=red"]);
    assert_eq!(
        warned["warnings"],
        json!([r#"The parameter "colour" is not known and was ignored."#])
    );
}

#[test]
fn admin_update_keeps_omitted_parameters() {
    let place = place();
    let made = whmapi1(
        &place,
        &[
            "api_token_create",
            "token_name=t",
            "acl-0=list-accts",
            "acl-1=kill-acct",
            "whitelist_ip=192.0.2.0/24",
        ],
    );
    let text = made["data"]["token"].as_str().unwrap().to_owned();
    let updated = whmapi1(&place, &["api_token_update", "token_name=t", "new_name=u"]);
    assert_eq!(updated["data"]["acls"], json!(["list-accts", "kill-acct"]));
    assert_eq!(updated["data"]["whitelist_ips"], json!(["192.0.2.0/24"]));
    std::fs::write(place.folder.path().join("token"), &text).unwrap();
    let details = whmapi1(&place, &["api_token_get_details", "token=@token"]);
    assert_eq!(details["data"]["name"], "u");
    assert_eq!(
        whmapi1(&place, &["api_token_revoke", "token_name-0=u"])["metadata"]["reason"],
        "OK"
    );
    assert_eq!(
        whmapi1(&place, &["api_token_get_details", "token=@token"])["data"],
        Value::Null
    );
}

#[test]
fn only_root_must_name_the_user() {
    let place = place();
    let ran = place.run(&["uapi", "--json", "Tokens", "list"]);
    let root = rustix::process::geteuid().is_root();
    if root {
        assert_eq!(
            (ran.code, &ran.json()["error"]["code"]),
            (Some(2), &json!("user_needed"))
        );
    } else {
        assert_eq!(ran.json()["func"], "list", "{ran:?}");
    }
    let mut command = place.command(&["uapi", "--json", "--url", "http://127.0.0.1:1", "Tokens", "list"]);
    let ran = Ran::of(command.env("TOKENLATCH_TOKEN", TOKEN).output().unwrap());
    if root {
        let error = &ran.json()["error"];
        assert_eq!((ran.code, &error["code"]), (Some(2), &json!("user_needed")));
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .contains("a token doesn't contain its account")
        );
    }
}

#[test]
fn server_functions_are_unknown_without_a_server() {
    let place = place();
    for arguments in [
        ["uapi", "--user=alice", "Email", "list_pops"],
        ["uapi", "--user=alice", "Tokens", "steal"],
    ] {
        let ran = place.run(&[&["--json"][..], &arguments].concat());
        assert_eq!(
            (ran.code, &ran.json()["error"]["code"]),
            (Some(1), &json!("function_unknown")),
            "{ran:?}"
        );
    }
    let ran = place.run(&["--json", "whmapi1", "listaccts"]);
    assert_eq!(
        (ran.code, &ran.json()["error"]["code"]),
        (Some(1), &json!("function_unknown"))
    );
}

#[test]
fn failed_call_also_prints_a_reply() {
    let place = place();
    // Some scripts only look for `status: 0` in the output, such as acme.sh's deploy hook.
    let ran = shell(&place, "uapi --user=alice SSL install_ssl domain=a.example key=x");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.stdout
            .starts_with("---\napiversion: 3\nfunc: install_ssl\nmodule: SSL\n"),
        "{ran:?}"
    );
    assert!(ran.stdout.contains("\n  status: 0"), "{ran:?}");
    assert!(ran.stderr.contains("--url"), "{ran:?}");
    let reply = uapi(&place, &["nosuch"]);
    assert!(reply["errors"][0].as_str().unwrap().contains("nosuch"), "{reply}");
    assert_eq!(reply["data"], Value::Null);

    let closed = free_address().unwrap();
    for (command, arguments) in [
        ("uapi", ["--output=json", "Email", "list_pops"].as_slice()),
        ("whmapi1", &["--output=json", "listaccts"]),
    ] {
        let url = format!("http://{closed}");
        let mut asking = place.command(&[&[command, "--user=alice", "--url", &url], arguments].concat());
        let ran = Ran::of(asking.env("TOKENLATCH_TOKEN", TOKEN).output().unwrap());
        let reply = ran.json();
        let failed = match command {
            "uapi" => &reply["result"]["status"],
            _ => &reply["metadata"]["result"],
        };
        assert_eq!((ran.code, failed), (Some(1), &json!(0)), "{ran:?}");
        assert!(!ran.stdout.contains(TOKEN) && !ran.stderr.contains(TOKEN), "{ran:?}");
    }
    for lines in [
        "uapi --user=alice Tokens list x=%zz",
        "uapi --user=alice Tokens list x=@missing",
        "uapi --user=alice --url http://127.0.0.1:1 Tokens list",
    ] {
        let wrong = shell(&place, lines);
        assert_eq!(wrong.code, Some(2), "{wrong:?}");
        assert!(wrong.stdout.contains("\n  status: 0"), "{wrong:?}");
    }
    let (address, server) = answering(http("200 OK", "", "<html>"));
    let url = format!("http://{address}");
    let mut asking = place.command(&["whmapi1", "--output=json", "--url", &url, "listaccts"]);
    let ran = Ran::of(asking.env("TOKENLATCH_TOKEN", TOKEN).output().unwrap());
    server.join().unwrap();
    assert_eq!(
        (ran.code, &ran.json()["metadata"]["result"]),
        (Some(1), &json!(0)),
        "{ran:?}"
    );
}

#[test]
fn environment_variables_select_the_server() {
    let place = place();
    std::fs::write(
        place.folder.path().join("header"),
        format!("Authorization: cpanel alice:{TOKEN}\n"),
    )
    .unwrap();
    let ask = |variables: &[(&str, &str)], more: &[&str]| {
        let mut command =
            place.command(&[&["uapi", "--user=alice", "--output=json"], more, &["Tokens", "list"]].concat());
        command.envs(variables.iter().copied());
        Ran::of(command.output().unwrap())
    };
    let (address, server) = answering(http("200 OK", "", r#"{"status":1}"#));
    let url = format!("http://{address}");
    let ran = ask(&[("TOKENLATCH_URL", &url), ("TOKENLATCH_HEADER_FILE", "header")], &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(server.join().unwrap().contains(&format!("cpanel alice:{TOKEN}")));
    // Without a server, these variables have no effect.
    let alone = [("TOKENLATCH_HEADER_FILE", "header"), ("TOKENLATCH_CACERT", "missing")];
    assert_eq!(ask(&alone, &[]).code, Some(0));
    let secured = [
        ("TOKENLATCH_URL", "https://127.0.0.1:1"),
        ("TOKENLATCH_HEADER_FILE", "header"),
        ("TOKENLATCH_CACERT", "missing"),
    ];
    let ran = ask(&secured, &[]);
    assert!(
        ran.stderr.contains("certificates_invalid") || ran.stderr.contains("missing"),
        "{ran:?}"
    );
    let two = [
        ("TOKENLATCH_URL", url.as_str()),
        ("TOKENLATCH_HEADER_FILE", "header"),
        ("TOKENLATCH_TOKEN", TOKEN),
    ];
    let ran = ask(&two, &[]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("unset one"), "{ran:?}");
    // Options override variables.
    std::fs::write(place.folder.path().join("token"), TOKEN).unwrap();
    let (address, server) = answering(http("200 OK", "", r#"{"status":1}"#));
    let url = format!("http://{address}");
    let ran = ask(
        &[("TOKENLATCH_URL", &url), ("TOKENLATCH_HEADER_FILE", "missing")],
        &["--token-file", "token"],
    );
    assert_eq!(ran.code, Some(0), "{ran:?}");
    server.join().unwrap();
}

#[test]
fn alias_without_the_main_program_reports_it() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("uapi");
    std::fs::copy(env!("CARGO_BIN_EXE_uapi"), &copy).unwrap();
    let begun = Instant::now();
    let ran = loop {
        match std::process::Command::new(&copy).output() {
            // A process that another test is starting holds the file open until it runs its own program.
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                assert!(begun.elapsed() < Duration::from_secs(30), "the copy stays busy");
                thread::sleep(Duration::from_millis(20));
            }
            outcome => break Ran::of(outcome.unwrap()),
        }
    };
    assert_eq!(ran.code, Some(127));
    assert!(
        ran.stderr.contains("install `tokenlatch` into the same folder"),
        "{ran:?}"
    );
}

/// Answers one request with these bytes, and returns the request.
fn answering(bytes: Vec<u8>) -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let served = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let (mut asked, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            asked.push_str(&line);
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        asked.push_str(&String::from_utf8(body).unwrap());
        // The client may stop reading.
        let _ = reader.get_mut().write_all(&bytes);
        asked
    });
    (address, served)
}

fn http(status: &str, more: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{more}\r\n{body}").into_bytes()
}

fn remote(place: &Place, address: SocketAddr, arguments: &[&str]) -> Ran {
    let url = format!("http://{address}");
    let mut command = place.command(&[&["uapi", "--json", "--user=alice", "--url", &url], arguments].concat());
    Ran::of(command.env("TOKENLATCH_TOKEN", TOKEN).output().unwrap())
}

#[test]
fn remote_call_sends_a_form_and_the_token_header() {
    let place = Place::new();
    let flat = r#"{"status":1,"data":[1],"errors":null,"messages":null,"warnings":null,"metadata":{}}"#;
    let (address, served) = answering(http("200 OK", "", flat));
    let ran = remote(&place, address, &["Email", "list_pops", "regex=a%26b c"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(
        ran.stdout.trim(),
        format!(r#"{{"apiversion":3,"func":"list_pops","module":"Email","result":{flat}}}"#)
    );
    let asked = served.join().unwrap();
    assert!(
        asked.starts_with("POST /execute/Email/list_pops HTTP/1.1\r\n"),
        "{asked}"
    );
    assert!(
        asked
            .to_ascii_lowercase()
            .contains(&format!("authorization: cpanel alice:{TOKEN}\r\n").to_ascii_lowercase())
    );
    assert!(
        asked.ends_with("\r\n\r\nregex=a%26b+c") || asked.ends_with("\r\n\r\nregex=a%26b%20c"),
        "{asked}"
    );
    assert!(!place.folder.path().join("t.db").exists(), "no database is made");

    let (address, served) = answering(http("200 OK", "", r#"{"status":0,"data":null,"errors":["No."]}"#));
    let ran = remote(&place, address, &["../a", ".."]);
    assert_eq!((ran.code, &ran.json()["result"]["errors"]), (Some(0), &json!(["No."])));
    assert!(
        served
            .join()
            .unwrap()
            .starts_with("POST /execute/%2E%2E%2Fa/%2E%2E HTTP/1.1\r\n")
    );
}

#[test]
fn remote_call_works_on_the_admin_port() {
    let place = Place::new();
    let reply =
        r#"{"metadata":{"command":"api_token_list","reason":"OK","result":1,"version":1},"data":{"tokens":{}}}"#;
    let (address, served) = answering(http("200 OK", "", reply));
    std::fs::write(
        place.folder.path().join("h"),
        format!("Authorization: whm admin:{TOKEN}\n"),
    )
    .unwrap();
    let url = format!("http://{address}");
    let ran = place.run(&[
        "whmapi1",
        "--json",
        "--url",
        &url,
        "--header-file",
        "h",
        "api_token_list",
    ]);
    assert_eq!((ran.code, ran.stdout.trim()), (Some(0), reply));
    let asked = served.join().unwrap();
    assert!(
        asked.starts_with("POST /json-api/api_token_list?api.version=1 HTTP/1.1\r\n"),
        "{asked}"
    );
    assert!(asked.contains(&format!(": whm admin:{TOKEN}\r\n")));
}

#[test]
fn invalid_server_answers_are_coded_errors() {
    let place = Place::new();
    let elsewhere = "Location: http://127.0.0.1:1/\r\n";
    let long = format!(r#"{{"status":1,"data":"{}"}}"#, "x".repeat(9 << 20));
    let answers = [
        (http("302 Found", elsewhere, ""), "server_answer"),
        (http("307 Temporary Redirect", elsewhere, ""), "server_answer"),
        (http("401 Unauthorized", "", "{}"), "server_refused"),
        (http("403 Forbidden", "", "{}"), "server_refused"),
        (
            http("429 Too Many Requests", "Retry-After: 9\r\n", "{}"),
            "server_refused",
        ),
        (http("404 Not Found", "", "{}"), "server_answer"),
        (http("503 Service Unavailable", "", "{}"), "server_failed"),
        (http("200 OK", "", "<html>"), "server_answer"),
        (http("200 OK", "", "[1]"), "server_answer"),
        (http("200 OK", "", "{}"), "server_answer"),
        (http("200 OK", "", &long), "server_answer"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\xff\xff\xff\xff".to_vec(),
            "server_answer",
        ),
        (b"SSH-2.0-x\r\n".to_vec(), "server_unreachable"),
        (Vec::new(), "server_unreachable"),
    ];
    for (bytes, code) in answers {
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(30)]).into_owned();
        let (address, served) = answering(bytes);
        let ran = remote(&place, address, &["Email", "list_pops"]);
        assert_eq!(
            (ran.code, &ran.json()["error"]["code"]),
            (Some(1), &json!(code)),
            "{start}"
        );
        assert!(!format!("{ran:?}").contains(TOKEN), "{start}");
        served.join().unwrap();
    }
    let ran = remote(&place, "127.0.0.1:1".parse().unwrap(), &["Email", "list_pops"]);
    assert_eq!(
        (ran.code, &ran.json()["error"]["code"]),
        (Some(1), &json!("server_unreachable"))
    );
}

#[test]
fn token_is_read_only_from_environment_or_file() {
    let place = Place::new();
    let write = |text: &str| std::fs::write(place.folder.path().join("f"), text).unwrap();
    let code = |arguments: &[&str]| {
        let fixed = [
            "uapi",
            "--json",
            "--user=alice",
            "--url",
            "http://127.0.0.1:1",
            "Email",
            "list_pops",
        ];
        let ran = place.run(&[&fixed, arguments].concat());
        assert!(!format!("{ran:?}").contains(TOKEN));
        (ran.code, ran.json()["error"]["code"].clone())
    };
    assert_eq!(code(&[]), (Some(2), json!("token_missing")));
    write(&format!("{TOKEN}\n"));
    assert_eq!(code(&["--token-file", "f"]), (Some(1), json!("server_unreachable")));
    assert_eq!(code(&["--header-file", "f"]), (Some(2), json!("token_invalid")));
    for spoilt in [
        format!("{TOKEN}\r\nX: y"),
        "short".to_owned(),
        String::new(),
        "\u{7f}".repeat(32),
        "A".repeat(5000),
    ] {
        write(&spoilt);
        assert_eq!(code(&["--token-file", "f"]), (Some(2), json!("token_invalid")));
    }
    write(&format!("authorization: cpanel bob:{TOKEN}\n"));
    assert_eq!(
        code(&["--header-file", "f"]),
        (Some(2), json!("token_invalid")),
        "of another user"
    );
    write(&format!("Authorization: cpanel alice:{TOKEN}\n"));
    assert_eq!(code(&["--header-file", "f"]), (Some(1), json!("server_unreachable")));
    assert_eq!(code(&["--header-file", "none"]), (Some(2), json!("token_invalid")));
    assert_eq!(code(&["--token-file", "f", "--cacert", "f"]).0, Some(2));
    assert_eq!(
        place
            .run(&["uapi", "--url", "http://127.0.0.1:1", "--token", TOKEN, "Email", "x"])
            .code,
        Some(2)
    );
}

#[test]
fn insecure_and_invalid_urls_are_refused() {
    let place = Place::new();
    for url in [
        "http://host.example",
        "http://127.0.0.1@host.example",
        "ftp://127.0.0.1",
        "https://u:p@127.0.0.1",
        "host",
    ] {
        let mut command = place.command(&["uapi", "--json", "--user=alice", "--url", url, "Email", "list_pops"]);
        let ran = Ran::of(command.env("TOKENLATCH_TOKEN", TOKEN).output().unwrap());
        assert_eq!(
            (ran.code, &ran.json()["error"]["code"]),
            (Some(2), &json!("url_invalid")),
            "{url}"
        );
    }
}
