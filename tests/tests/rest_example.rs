//! The commands of `host/server/examples/orders/README.md`, as they stand there, on free ports.

use std::error::Error;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use tokenlatch_tests::service::program;

/// What a reader does between the blocks of commands: waits, and writes that a route is public.
const BETWEEN: [&str; 2] = [
    "for _ in $(seq 300); do curl -sk -o answer.json https://localhost:8443/ && break; sleep 0.1; done",
    r#"sed -i '/^path = "\/v1\/status"$/a public = true' catalogue.toml"#,
];

#[test]
fn commands_of_the_rest_example_work() -> Result<(), Box<dyn Error>> {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/server/examples/orders");
    let text = fs::read_to_string(example.join("README.md"))?;
    let blocks: Vec<&str> = text
        .split("```sh\n")
        .skip(1)
        .filter_map(|block| block.split("```").next())
        .collect();
    let [start, ask, public] = blocks.as_slice() else {
        return Err("the README has three blocks of commands".into());
    };
    let script = [start, BETWEEN[0], ask, BETWEEN[1], public].join("\n");
    let wanted: Vec<&str> = script
        .lines()
        .filter_map(|line| line.split_once("# ")?.1.get(..3))
        .collect();
    assert_eq!(wanted.len(), 5);

    let [api, guard] = [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
    let ports = |text: &str| -> Result<String, Box<dyn Error>> {
        let text = text.replace("3000", &api.local_addr()?.port().to_string());
        let text = text.replace("8443", &guard.local_addr()?.port().to_string());
        Ok(text.replace(" serve ", " serve --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 "))
    };
    let folder = tempfile::tempdir()?;
    let server = ports(&fs::read_to_string(example.join("api.mjs"))?)?;
    fs::write(folder.path().join("api.mjs"), server)?;
    fs::copy(example.join("openapi.yaml"), folder.path().join("openapi.yaml"))?;
    let script = format!("set -m\ntrap 'kill %1 %2' EXIT\n{}", ports(&script)?);
    drop((api, guard));
    let path = std::env::var("PATH")?;
    let tokenlatch = program("tokenlatch")?;
    let programs = tokenlatch.parent().unwrap_or(folder.path());
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder.path())
        .env("PATH", format!("{}:{path}", programs.display()))
        .env("HOME", folder.path())
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8(output.stdout)?;
    let statuses: Vec<&str> = said
        .lines()
        .filter(|line| line.len() == 3 && line.parse::<u16>().is_ok())
        .collect();
    assert_eq!(statuses, wanted, "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("GET /v1/orders by alice: 200"), "{said}");
    assert!(said.contains("GET /v1/status by nobody: 200"), "{said}");
    Ok(())
}
