//! OpenAPI documents of public APIs, as their packages have them, become catalogues. `host/cli/README.md` has the figures of
//! larger ones.

use std::error::Error;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tokenlatch_tests::service::{Npm, program};

type Outcome = Result<(), Box<dyn Error>>;

fn catalogue(arguments: &[&str]) -> Result<Output, Box<dyn Error>> {
    let mut command = Command::new(program("tokenlatch")?);
    Ok(command.arg("catalogue").args(arguments).stdin(Stdio::null()).output()?)
}

fn text(path: &Path) -> Result<&str, Box<dyn Error>> {
    path.to_str().ok_or_else(|| "a path isn't UTF-8".into())
}

#[test]
fn a_public_document_becomes_a_catalogue() -> Outcome {
    let Some(npm) = Npm::with("documents")? else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let (document, file) = (
        npm.file("@figma/rest-api-spec/openapi/openapi.yaml"),
        folder.path().join("a.toml"),
    );
    for (by, featured) in [("security", 28), ("tag", 54), ("path", 54)] {
        let made = catalogue(&["from-openapi", text(&document)?, "--feature-by", by])?;
        let said = String::from_utf8(made.stderr)?;
        assert!(made.status.success(), "{said}");
        let counts = format!(
            "54 routes for 54 operations: {featured} with a feature, 0 wider than their operation, 0 conflicts"
        );
        assert!(said.contains(&counts), "{said}");
        std::fs::write(&file, made.stdout)?;
        let checked = catalogue(&["check", text(&file)?, "--json"])?;
        let checked: Value = serde_json::from_slice(&checked.stdout)?;
        assert_eq!(
            (&checked["routes"], &checked["public"]),
            (&54.into(), &Value::Array(Vec::new()))
        );
    }
    let made = catalogue(&["from-openapi", text(&document)?])?;
    std::fs::write(&file, made.stdout)?;
    for (request, code) in [
        ("POST /v1/files/x/comments --features file_comments-write", 0),
        (
            "POST /v1/files/x/comments --features file_comments-write --read-only",
            1,
        ),
        ("POST /v1/files/x/comments --features webhooks-read", 1),
        // It needs two scopes.
        ("GET /v1/files/x/comments --features file_comments-write", 1),
        ("GET /v1/files/x/comments --read-only", 0),
    ] {
        let request: Vec<&str> = request.split(' ').collect();
        let judged = catalogue(&[&["test", text(&file)?], &request[..]].concat())?;
        assert_eq!(
            judged.status.code(),
            Some(code),
            "{request:?}: {}",
            String::from_utf8_lossy(&judged.stdout)
        );
    }
    Ok(())
}
