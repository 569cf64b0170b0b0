//! Secrets appear only in the one reply that shows them: not in logs at trace level, errors, databases or backups, nor in the
//! memory of the program that collects the logs.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tokenlatch_tests::require_all;
use tokenlatch_tests::service::{Client, Place, Postgres, Server, require};

type Outcome = Result<(), Box<dyn Error>>;

/// Known secrets, which must appear nowhere else.
#[derive(Default)]
struct Secrets(Vec<String>);

impl Secrets {
    fn add(&mut self, secret: &str) {
        assert_eq!(secret.len(), 32);
        self.0.push(secret.to_owned());
    }

    /// Fails if the text contains any secret. The message does not contain it.
    fn absent_from(&self, what: &str, text: &str) {
        let text = text.to_ascii_uppercase();
        for (number, secret) in self.0.iter().enumerate() {
            assert!(!text.contains(secret.as_str()), "secret {number} is in {what}");
        }
    }

    /// Searches every file below a path, ignoring case, and returns the number of files.
    fn absent_from_files(&self, path: &Path) -> Result<usize, Box<dyn Error>> {
        let wanted = tempfile::NamedTempFile::new()?;
        fs::write(&wanted, self.0.join("\n"))?;
        // `grep` takes a moment, an unoptimised test would take a minute.
        let output = Command::new("grep")
            .args([
                "--recursive",
                "--text",
                "--fixed-strings",
                "--ignore-case",
                "--files-with-matches",
                "--file",
            ])
            .arg(wanted.path())
            .arg(path)
            .env("LC_ALL", "C")
            .output()?;
        let found = String::from_utf8_lossy(&output.stdout);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "a secret is in {found} {said}");
        files(path)
    }
}

fn files(path: &Path) -> Result<usize, Box<dyn Error>> {
    if path.is_file() {
        return Ok(1);
    }
    let mut count = 0;
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        count += if path.is_dir() || path.is_file() {
            files(&path)?
        } else {
            0
        };
    }
    Ok(count)
}

#[test]
fn secret_search_finds_a_leak() -> Outcome {
    let folder = tempfile::tempdir()?;
    let secrets = Secrets(vec!["A".repeat(32), "B1".repeat(16)]);
    fs::write(folder.path().join("clean"), "A".repeat(31))?;
    assert_eq!(secrets.absent_from_files(folder.path())?, 1);
    fs::write(folder.path().join("leak"), format!("\0\u{ff}x{}", "b1".repeat(16)))?;
    let search = std::panic::catch_unwind(|| secrets.absent_from_files(folder.path()).is_ok());
    assert!(search.is_err());
    assert!(std::panic::catch_unwind(|| secrets.absent_from("a text", &"a".repeat(40))).is_err());
    Ok(())
}

/// Creates tokens and uses them in every way, valid and invalid. Only the replies to creations may contain a secret.
fn use_tokens(place: &Place, server: &Server, secrets: &mut Secrets) -> Outcome {
    let token = place.token("alice", "first", &[])?;
    secrets.add(&token);
    let header = format!("cpanel alice:{token}");
    let mut client = server.client();
    let mut answers = Vec::new();

    let made = client
        .post("/execute/Tokens/create_full_access", &header, "name=second")?
        .json();
    let second = made["data"]["token"].as_str().ok_or("no token")?.to_owned();
    secrets.add(&second);
    let made = place
        .must(
            "whmapi1",
            &["--user=alice", "--json", "api_token_create", "token_name=admin"],
        )?
        .json();
    let admin = made["data"]["token"].as_str().ok_or("no token")?.to_owned();
    secrets.add(&admin);

    let theirs = format!("cpanel alice:{second}");
    let whm = format!("whm alice:{admin}");
    for target in [
        "/execute/Tokens/list",
        "/auth?module=Email&function=list_pops",
        "/execute/Email/list_pops",
    ] {
        answers.push(client.get(target, &theirs)?);
        // The wrong scheme, user and form, each with a valid secret in it.
        for wrong in [
            format!("whm alice:{second}"),
            format!("cpanel bob:{second}"),
            format!("Bearer {second}x"),
        ] {
            answers.push(client.get(target, &wrong)?);
        }
        answers.push(client.get(target, &format!("Basic {second}"))?);
        answers.push(client.get(target, &second)?);
    }
    // In places where no secret belongs: the query, the path, a name, another field, a body of another kind.
    for target in [
        format!("/execute/Tokens/list?token={second}"),
        format!("/execute/Tokens/list?Authorization=cpanel%20alice:{second}"),
        format!("/execute/{second}/list"),
        format!("/{second}"),
        format!("/execute/Tokens/rename?name={second}&new_name=x"),
        format!("/execute/Tokens/list?{second}"),
        format!("//{second}"),
    ] {
        let answer = Client::new(server.account).get(&target, &theirs)?;
        // A path or a key may be returned to its sender.
        drop(answer);
    }
    let odd = [
        ("Authorization", theirs.as_str()),
        ("X-Request-Id", second.as_str()),
        ("Cookie", second.as_str()),
    ];
    answers.push(Client::new(server.account).send("POST", "/execute/Tokens/list", &odd, &format!("{{{second}"))?);
    let json = [("Authorization", theirs.as_str()), ("Content-Type", "application/json")];
    answers.push(Client::new(server.account).send("POST", "/execute/Tokens/list", &json, &format!("{{\"{second}"))?);
    let form = format!("token={second}");
    let mut admin_client = server.admin_client();
    answers.push(admin_client.post(
        "/json-api/api_token_get_details?api.version=1",
        &whm,
        &format!("token={admin}"),
    )?);
    answers.push(admin_client.post("/json-api/api_token_get_details?api.version=1", &whm, &form)?);
    answers.push(admin_client.get("/json-api/api_token_list?api.version=1", &whm)?);
    answers.push(client.post("/execute/Tokens/rename", &header, "name=second&new_name=third")?);
    answers.push(client.post("/execute/Tokens/revoke", &header, "name=third")?);
    answers.push(client.get("/execute/Tokens/list", &theirs)?);
    answers.push(admin_client.get("/metrics", "none")?);
    for answer in answers {
        let fields: Vec<String> = answer
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        secrets.absent_from("an answer's fields", &fields.join("\n"));
        secrets.absent_from("an answer", &answer.body);
    }
    Ok(())
}

/// A program that reads the service's log from a pipe, as a log collector does.
struct Collector {
    child: Child,
    pipe: PathBuf,
    /// One end is kept open, so that the pipe does not end with the first service.
    _held: fs::File,
}

impl Collector {
    fn start(place: &Place) -> Result<Collector, Box<dyn Error>> {
        let pipe = place.file("log.pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status()?.success());
        let held = fs::File::options().read(true).write(true).open(&pipe)?;
        let kept = fs::File::create(place.file("collected.log"))?;
        let child = Command::new("cat")
            .arg(&pipe)
            .stdin(Stdio::null())
            .stdout(kept)
            .spawn()?;
        Ok(Collector {
            child,
            pipe,
            _held: held,
        })
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.pipe);
    }
}

fn leaks_nothing(place: &Place) -> Result<Secrets, Box<dyn Error>> {
    place.accounts(&["alice", "bob"])?;
    let collector = Collector::start(place)?;
    let mut secrets = Secrets::default();
    for format in ["text", "json"] {
        let options = [
            "--log-level",
            "trace",
            "--log-format",
            format,
            "--upstream",
            "http://127.0.0.1:1",
        ];
        let mut server = Server::start_logging_to(place, &options, &collector.pipe)?;
        if format == "json" {
            // The first round has created its tokens, and their names are free again.
            for name in ["first", "third"] {
                place.must("uapi", &["--user=alice", "Tokens", "revoke", &format!("name={name}")])?;
            }
            place.must("whmapi1", &["--user=alice", "api_token_revoke", "token_name=admin"])?;
        }
        use_tokens(place, &server, &mut secrets)?;
        if let Some(gcore) = require("gcore")? {
            let core = place.file("core");
            let dumped = Command::new(gcore)
                .arg("-o")
                .arg(&core)
                .arg(collector.child.id().to_string())
                .output()?;
            let said = String::from_utf8_lossy(&dumped.stderr);
            if said.contains("not permitted") && !require_all() {
                eprintln!("SKIPPED: this machine lets no process read another's memory");
            } else {
                assert!(dumped.status.success(), "{said}");
                let core = place.file(&format!("core.{}", collector.child.id()));
                assert!(fs::metadata(&core)?.len() > 10_000);
                secrets.absent_from_files(&core)?;
                fs::remove_file(core)?;
            }
        }
        assert!(server.process.stop()?.success());
        let log = fs::read_to_string(place.file("collected.log"))?;
        assert!(!log.contains("TRACE"), "a library spoke below INFO");
        assert!(
            log.matches("tokenlatch::request").count() >= 5,
            "the requests were logged"
        );
    }
    let backup = place.file("backup.jsonl").display().to_string();
    place.must("tokenlatch", &["db", "backup", &backup])?;
    let count = secrets.absent_from_files(place.folder())?;
    assert!(count >= 2, "{count} files");
    Ok(secrets)
}

#[test]
fn no_secret_leaks_on_sqlite() -> Outcome {
    leaks_nothing(&Place::new()?).map(drop)
}

#[test]
fn no_secret_leaks_on_postgresql() -> Outcome {
    let Some(postgres) = Postgres::start()? else {
        return Ok(());
    };
    let secrets = leaks_nothing(&Place::over(&postgres.url())?)?;
    secrets.absent_from("a dump", &String::from_utf8_lossy(&postgres.dump()?));
    let count = secrets.absent_from_files(&postgres.data())?;
    assert!(count > 100, "tables and the log of writes");
    Ok(())
}
