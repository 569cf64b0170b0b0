//! Unmodified public clients against the running service, and the lines of the guides.

use std::error::Error;
use std::net::SocketAddr;
use std::process::Command;

use serde_json::Value;
use tokenlatch_tests::Fault;
use tokenlatch_tests::service::{Guarded, Npm, Place, Python, Ran, Server, Tunnel, await_file, require};

type Outcome = Result<(), Box<dyn Error>>;

const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tools");

fn script(name: &str) -> String {
    format!("{TOOLS}/{name}")
}

fn port(address: SocketAddr) -> String {
    address.port().to_string()
}

fn certificate(stage: &Guarded) -> String {
    stage.certificate().display().to_string()
}

/// A Python script for a client that knows only cPanel's ports. A proxy leads it to the test's ports.
fn led(stage: &Guarded, python: &Python, name: &str) -> Result<Command, Fault> {
    let mut command = python.command("python");
    let proxy = Tunnel::start(&stage.server)?.url();
    command.arg(script(name)).env("HTTPS_PROXY", proxy);
    Ok(command)
}

/// Runs a client's script, which must succeed. Neither the panel's requests nor the log may contain the token.
fn plays(stage: &Guarded, script: &mut Command, token: &str) -> Outcome {
    script
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .env_remove("https_proxy")
        .env("TOKEN", token)
        .env("REQUESTS_CA_BUNDLE", certificate(stage))
        .env("NODE_EXTRA_CA_CERTS", certificate(stage));
    let ran = Ran::of(&script.output()?);
    assert_eq!(ran.stdout.trim(), "done", "{}", ran.stderr);
    for asked in stage.panel.asked() {
        assert!(asked.header("x-tokenlatch-user").is_some(), "{asked:?}");
        assert_eq!(asked.header("authorization"), None);
        let whole = format!("{asked:?}");
        assert!(
            !whole.contains(&stage.token) && !whole.contains(&stage.whm),
            "{}",
            asked.target
        );
    }
    let log = stage.server.process.log();
    assert!(!log.contains(&stage.token) && !log.contains(&stage.whm));
    Ok(())
}

#[test]
fn cpanel_api_runs_the_token_lifecycle_by_uapi_and_api_2() -> Outcome {
    let Some(python) = Python::with("clients")? else {
        return Ok(());
    };
    let stage = Guarded::start_tls()?;
    let mut command = python.command("python");
    command.args([&script("cpanel_client.py"), "alice", &port(stage.server.account)]);
    plays(&stage, &mut command, &stage.token)
}

#[test]
fn aiocpanel_distinguishes_a_bad_token_from_a_failure() -> Outcome {
    let Some(python) = Python::with("clients")? else {
        return Ok(());
    };
    let stage = Guarded::start_tls()?;
    let mut command = python.command("python");
    command.args([
        &script("aiocpanel_client.py"),
        "alice",
        &port(stage.server.account),
        &certificate(&stage),
    ]);
    plays(&stage, &mut command, &stage.token)
}

#[test]
fn pycpanel_manages_tokens_and_calls_what_whm_has() -> Outcome {
    let Some(python) = Python::with("clients")? else {
        return Ok(());
    };
    let stage = Guarded::start_tls()?;
    let mut command = led(&stage, &python, "pycpanel_client.py")?;
    plays(&stage, command.args(["root", &certificate(&stage)]), &stage.whm)
}

#[test]
fn certbot_cpanel_edits_a_zone_by_implicit_api_2() -> Outcome {
    let Some(python) = Python::with("clients")? else {
        return Ok(());
    };
    let stage = Guarded::start_tls()?;
    let limited = stage.place.token("alice", "zone", &["features=zoneedit"])?;
    let mut command = led(&stage, &python, "certbot_client.py")?;
    plays(&stage, command.arg("alice"), &limited)
}

#[test]
fn cpanel_lib_limits_a_token_by_a_list_in_brackets() -> Outcome {
    let Some(npm) = Npm::with("clients")? else {
        return Ok(());
    };
    let stage = Guarded::start_tls()?;
    let mut command = npm.command("cpanel-lib.mjs");
    plays(&stage, command.args(["root", &port(stage.server.admin)]), &stage.whm)
}

#[test]
fn cpanel_rest_api_manages_tokens_and_calls_uapi_through_whm() -> Outcome {
    let Some(npm) = Npm::with("clients")? else {
        return Ok(());
    };
    let stage = Guarded::start_tls()?;
    let mut command = npm.command("cpanel-rest-api.mjs");
    plays(&stage, command.args(["root", &port(stage.server.admin)]), &stage.whm)
}

#[test]
fn cpanel_uapi_runs_the_token_lifecycle() -> Outcome {
    let Some(npm) = Npm::with("clients")? else {
        return Ok(());
    };
    let stage = Guarded::start_tls()?;
    let compiled = stage.place.file("cpanel-uapi.cjs").display().to_string();
    let mut command = npm.command("cpanel-uapi.mjs");
    plays(
        &stage,
        command.args(["alice", &port(stage.server.account), &compiled]),
        &stage.token,
    )
}

#[test]
fn guide_curl_commands_work_unchanged() -> Outcome {
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
    // As in guides and public scripts: the header by hand, the query in the URL, and `grep` for the answer.
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
fn guide_uapi_commands_work_while_the_server_runs() -> Outcome {
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
    // The ports are bound before the first start writes its files.
    await_file(&place.file("tokenlatch-admin.header"));
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
        (Some(0), &Value::from(0))
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
