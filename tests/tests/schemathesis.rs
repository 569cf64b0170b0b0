//! Runs schemathesis on both ports with the service's own description: no 5xx, and no undocumented reply.
//! `TOKENLATCH_FUZZ_SECONDS=600` takes ten minutes for each port. By default the run is short.

use std::error::Error;
use std::net::SocketAddr;

use tokenlatch_tests::service::{Place, Python, Ran, Server};

type Outcome = Result<(), Box<dyn Error>>;

/// The checks of every reply.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";

fn seconds() -> String {
    std::env::var("TOKENLATCH_FUZZ_SECONDS").unwrap_or_else(|_| "20".to_owned())
}

/// Fuzzes one port, with a full token and meaningful requests.
fn fuzz(python: &Python, place: &Place, port: SocketAddr, authorization: &str) -> Result<Ran, Box<dyn Error>> {
    let header = format!("Authorization: {authorization}");
    let output = python
        .command("st")
        .args([
            "run",
            &format!("http://{port}/openapi.json"),
            "--url",
            &format!("http://{port}"),
        ])
        .args(["--checks", CHECKS, "--max-time", &seconds(), "--header", &header])
        .args(["--continue-on-failure", "--warnings", "off"])
        .args([
            "--request-timeout",
            "30",
            "--suppress-health-check",
            "all",
            "--generation-database",
            "none",
        ])
        .current_dir(place.folder())
        .output()?;
    Ok(Ran::of(&output))
}

#[test]
fn every_reply_is_documented_and_no_server_error() -> Outcome {
    let Some(python) = Python::with("schemathesis")? else {
        return Ok(());
    };
    let place = Place::new()?;
    place.accounts(&["alice"])?;
    let token = place.token("alice", "account", &[])?;
    let made = place
        .must(
            "whmapi1",
            &["--user=alice", "--json", "api_token_create", "token_name=admin"],
        )?
        .json();
    let admin = made["data"]["token"].as_str().ok_or("no token")?;
    place.must("tokenlatch", &["snapshot", "keygen", "snapshot.key"])?;
    let server = Server::start(&place, &["--snapshot-key", "snapshot.key"])?;
    let ports = [
        (server.account, format!("cpanel alice:{token}")),
        (server.admin, format!("whm alice:{admin}")),
    ];
    for (port, authorization) in ports {
        let ran = fuzz(&python, &place, port, &authorization)?;
        println!("{}", ran.stdout);
        assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    }
    let log = server.process.log();
    assert!(!log.contains("panicked"), "{log}");
    let admitted = log.lines().filter(|line| line.contains("reason=\"ok\"")).count();
    assert!(
        admitted > 50,
        "only {admitted} requests were admitted, so little was tried"
    );
    Ok(())
}
