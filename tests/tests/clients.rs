//! Unmodified public clients against the running service: a Python package, and the lines of the guides.

use std::error::Error;

use serde_json::Value;
use tokenlatch_tests::service::{Place, Python, Ran, Server, require};

type Outcome = Result<(), Box<dyn Error>>;

#[test]
fn the_python_client_lives_a_tokens_life_over_uapi_and_api_2() -> Outcome {
    let Some(python) = Python::with("clients")? else {
        return Ok(());
    };
    let place = Place::new()?;
    place.accounts(&["alice"])?;
    let token = place.token("alice", "python", &[])?;
    let server = Server::start_tls(&place, &[])?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/cpanel_client.py");
    let port = server.account.port().to_string();
    let output = python
        .command("python")
        .args([script, "alice", &port])
        .env("TOKEN", &token)
        .output()?;
    let ran = Ran::of(&output);
    assert_eq!(ran.stdout.trim(), "done", "{}", ran.stderr);
    assert!(!server.process.log().contains(&token));
    Ok(())
}

#[test]
fn the_guides_curl_lines_work_as_they_stand() -> Outcome {
    if require("curl")?.is_none() {
        return Ok(());
    }
    let place = Place::new()?;
    place.accounts(&["alice"])?;
    let token = place.token("alice", "guide", &[])?;
    let server = Server::start_tls(&place, &[])?;
    std::fs::write(place.file("token"), &token)?;
    let lines = |more: &str| -> Result<Ran, Box<dyn Error>> {
        let host = server.account;
        let set = format!("HOST={host}; APITOKEN=$(cat token); CURL='curl --silent --show-error --insecure'\n");
        Ok(place.shell(&format!("{set}{more}"))?)
    };
    // As guides and public scripts write them: the header by hand, the query in the URL, the answer by grep.
    let made = lines(
        r#"$CURL -H"Authorization: cpanel alice:$APITOKEN" "https://$HOST/execute/Tokens/create_full_access?name=curl&expires_at=$(date +%s -d "+24 hours")" | tee made | grep -o '"status":1'"#,
    )?;
    assert_eq!(made.stdout.trim(), r#""status":1"#, "{}", made.stderr);
    let made: Value = serde_json::from_str(&std::fs::read_to_string(place.file("made"))?)?;
    assert_eq!(made["data"]["token"].as_str().map(str::len), Some(32));

    let listed = lines(r#"$CURL -H "Authorization: cpanel alice:$APITOKEN" "https://$HOST/execute/Tokens/list""#)?;
    assert!(
        listed.stdout.starts_with(r#"{"status":1,"data":[{"name":"curl","#),
        "{}",
        listed.stdout
    );
    let posted = lines(
        r#"$CURL -X POST -H "Authorization: cpanel alice:$APITOKEN" -d 'name=curl' --data-urlencode 'new_name=by-form' "https://$HOST/execute/Tokens/rename""#,
    )?;
    assert_eq!(
        posted.stdout,
        r#"{"status":1,"data":null,"errors":null,"messages":null,"warnings":null,"metadata":{}}"#
    );
    let json = lines(
        r#"$CURL -H "Authorization: cpanel alice:$APITOKEN" -H 'Content-Type: application/json' -d '{"name":"by-form"}' "https://$HOST/execute/Tokens/revoke""#,
    )?;
    assert!(json.stdout.starts_with(r#"{"status":1,"data":1,"#), "{}", json.stdout);
    let api2 = lines(
        r#"$CURL -H "Authorization: cpanel alice:$APITOKEN" "https://$HOST/json-api/cpanel?cpanel_jsonapi_apiversion=2&cpanel_jsonapi_module=Tokens&cpanel_jsonapi_func=list""#,
    )?;
    assert!(
        api2.stdout.starts_with(r#"{"cpanelresult":{"apiversion":2,"#),
        "{}",
        api2.stdout
    );
    let refused = lines(
        r#"$CURL -w ' %{http_code}' -H "Authorization: cpanel alice:$(printf 'A%.0s' $(seq 32))" "https://$HOST/execute/Tokens/list""#,
    )?;
    assert!(
        refused.stdout.contains(r#""error":"Access denied""#) && refused.stdout.ends_with(" 401"),
        "{}",
        refused.stdout
    );
    Ok(())
}

#[test]
fn the_guides_uapi_lines_work_beside_the_running_service() -> Outcome {
    let place = Place::new()?;
    place.accounts(&["alice"])?;
    let server = Server::start(&place, &[])?;
    let made = place.shell(
        r#"uapi --user=alice Tokens create_full_access name=mytoken expires_at=$(date +%s -d "+24 hours") | sed -n 's/^ *token: "*\([A-Z0-9]*\)"*$/\1/p'"#,
    )?;
    let token = made.stdout.trim();
    assert_eq!(token.len(), 32, "{}", made.stderr);
    assert_eq!(
        server.auth("alice", token)?.status,
        200,
        "at once, for the service sees what the command did"
    );
    let listed = place.shell("uapi --user=alice Tokens list --output=json | grep -c '\"name\":\"mytoken\"'")?;
    assert_eq!(listed.stdout.trim(), "1");
    place.shell("uapi --user=alice Tokens revoke name=mytoken")?;
    assert_eq!(server.auth("alice", token)?.status, 401, "and what it revoked");
    Ok(())
}

#[test]
fn the_uapi_command_speaks_to_a_server_over_tls() -> Outcome {
    let place = Place::new()?;
    let server = Server::start_tls(&place, &[])?;
    let header = place.file("tokenlatch-admin.header");
    // The ports are bound before the first start writes its files.
    for _ in 0..1000 {
        if header.exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let url = format!("https://{}", server.account);
    let fixed = ["--json", "--url", &url, "--header-file", "tokenlatch-account.header"];
    let trusted = [
        &fixed[..],
        &[
            "--cacert",
            "tokenlatch-cert.pem",
            "Tokens",
            "create_full_access",
            "name=far",
        ],
    ]
    .concat();
    let made = place.must("uapi", &trusted)?.json();
    assert_eq!(made["result"]["data"]["token"].as_str().map(str::len), Some(32));
    let again = place.run("uapi", &trusted)?;
    assert_eq!(
        (again.code, &again.json()["result"]["status"]),
        (Some(1), &Value::from(0))
    );
    let distrusted = place.run("uapi", &[&fixed[..], &["Tokens", "list"]].concat())?;
    assert_eq!(distrusted.json()["error"]["code"], "server_unreachable");

    let url = format!("https://localhost:{}", server.admin.port());
    let header = [
        "--header-file",
        "tokenlatch-admin.header",
        "--cacert",
        "tokenlatch-cert.pem",
    ];
    let listed = place.must(
        "whmapi1",
        &[&["--json", "--url", &url], &header[..], &["api_token_list"]].concat(),
    )?;
    assert_eq!(listed.json()["metadata"]["result"], 1);
    Ok(())
}
