//! `tokenlatch demo`: shows the whole life of a token on a temporary database.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;
use tokenlatch::core::{Access, Authorization, Call, ExpiryInput, Features, Realm, Reason};
use tokenlatch::{Clock, ModuleError, NewToken, Service, SetClock, SqliteStore, SystemClock};

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{BAD, FAINT, GOOD, Output, STRONG, styled};

#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    module: ModuleInfo<'a>,
    steps: &'a [Step],
}

#[derive(Serialize)]
struct ModuleInfo<'a> {
    sha256: &'a str,
    size: usize,
    version: &'a str,
    abi: u32,
}

/// One step: what was done, the expected result, and the actual one.
#[derive(Serialize)]
struct Step {
    what: String,
    expected: &'static str,
    got: String,
    ok: bool,
}

/// A running demonstration.
struct Demo<'a> {
    output: &'a mut Output,
    clock: Arc<SetClock>,
    service: Service,
    steps: Vec<Step>,
}

/// Runs the demonstration. It fails if a step's result is not the expected one.
pub async fn run(context: &mut Context<'_>) -> Result<ExitCode, Failure> {
    let module = Context::module()?;
    let info = module.info()?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("demo.db");
    let clock = Arc::new(SetClock::at(SystemClock.now()?));
    let service = open(&module, &path, true).await?.with_clock(clock.clone());
    let mut demo = Demo {
        output: &mut *context.output,
        clock,
        service,
        steps: Vec::new(),
    };
    demo.say(format_args!("{} {}", styled(STRONG, "module"), module.sha256()))?;
    demo.say(styled(
        FAINT,
        format_args!(
            "{} bytes, version {}, ABI {}; it decides every step below\n",
            module.size(),
            info.version,
            info.abi
        ),
    ))?;

    demo.life(&module, &path).await?;

    let Demo { service, steps, .. } = demo;
    service.close().await;
    let ok = steps.iter().all(|step| step.ok);
    if context.output.wants_json() {
        context.output.json(&Document {
            ok,
            module: ModuleInfo {
                sha256: module.sha256(),
                size: module.size(),
                version: &info.version,
                abi: info.abi,
            },
            steps: &steps,
        })?;
    } else {
        let good = steps.iter().filter(|step| step.ok).count();
        context.output.line(format_args!(
            "\n{good} of {} steps had the expected result.",
            steps.len()
        ))?;
    }
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn open(module: &tokenlatch::Module, path: &Path, create: bool) -> Result<Service, Failure> {
    let address = path.to_str().ok_or_else(|| ModuleError::Unreadable {
        path: path.to_owned(),
        reason: "its name is not UTF-8".to_owned(),
    })?;
    let store = SqliteStore::open(address, create).await?;
    Ok(Service::new(module.clone(), Arc::new(store)))
}

impl Demo<'_> {
    async fn life(&mut self, module: &tokenlatch::Module, path: &Path) -> Result<(), Failure> {
        let start = self.clock.now()?;
        let expiry = start + 3_600;

        let features = ["apitokens", "popaccts", "filemanager"].map(str::to_owned).to_vec();
        self.service.add_account("alice", Features::List(features)).await?;
        self.service.add_account("bob", Features::All).await?;
        self.done("accounts alice (mail, files) and bob (everything) are added")?;

        let created = self
            .service
            .create(NewToken {
                expires: Some(ExpiryInput::Seconds(expiry)),
                ..NewToken::new("alice", "deploy", Access::Full)
            })
            .await?;
        let token = created.token.expose().to_owned();
        self.done(&format!("alice creates the token deploy, valid for an hour: {token}"))?;
        let kept = created.record.hash.clone();
        self.done(&format!("only {kept} is stored"))?;
        let found = stored_anywhere(path, token.as_bytes())?;
        self.step(
            "the database, its log included, is searched for the token",
            "not found",
            if found { "found" } else { "not found" },
        )?;

        let again = self
            .service
            .create(NewToken::new("alice", "deploy", Access::Full))
            .await;
        let code = again.as_ref().map_or_else(tokenlatch::Error::code, |_| "created");
        self.step("alice asks for a second token named deploy", "name_taken", code)?;

        let good = format!("cpanel alice:{token}");
        let mail = call("Email", "list_pops");
        self.verify("the token lists mailboxes", &good, &mail, Reason::Ok)
            .await?;
        self.verify(
            "bob's name with alice's token",
            &format!("cpanel bob:{token}"),
            &mail,
            Reason::UserMismatch,
        )
        .await?;
        self.verify(
            "a token that was never created",
            "cpanel alice:ABCDEFGHIJKLMNOPQRSTUVWXYZ012345",
            &mail,
            Reason::TokenUnknown,
        )
        .await?;
        self.verify(
            "the token edits DNS, which alice may not",
            &good,
            &call("DNS", "mass_edit_zone"),
            Reason::FeatureNotInAccount,
        )
        .await?;

        self.read_only_and_limited(&mail).await?;

        self.service.set_suspended("alice", true).await?;
        self.verify("alice is suspended", &good, &mail, Reason::AccountSuspended)
            .await?;
        self.service.set_suspended("alice", false).await?;
        self.verify("alice works again", &good, &mail, Reason::Ok).await?;

        self.service
            .rename("alice", Realm::Account, "deploy", "deploy-2")
            .await?;
        self.verify(
            "deploy is renamed to deploy-2; its text still works",
            &good,
            &mail,
            Reason::Ok,
        )
        .await?;

        self.clock.set(expiry - 1);
        self.verify("one second before its expiry", &good, &mail, Reason::Ok)
            .await?;
        self.clock.set(expiry);
        self.verify("at the second of its expiry", &good, &mail, Reason::TokenExpired)
            .await?;
        self.clock.set(start);

        self.service
            .revoke("alice", Realm::Account, &["deploy-2".to_owned()])
            .await?;
        self.verify("deploy-2 is revoked", &good, &mail, Reason::TokenRevoked)
            .await?;
        self.service.close().await;
        self.service = open(module, path, false).await?.with_clock(self.clock.clone());
        self.verify(
            "the database is closed and opened again",
            &good,
            &mail,
            Reason::TokenRevoked,
        )
        .await?;

        let gone = self.service.remove_account("alice").await?;
        self.step(
            "alice's account is removed, and its two other tokens with it",
            "2 revoked",
            &format!("{} revoked", gone.len()),
        )?;
        let zeros = self.service.clone().with_entropy(Arc::new(Zeros));
        let weak = zeros.create(NewToken::new("bob", "zeros", Access::Full)).await;
        let code = weak.as_ref().map_or_else(tokenlatch::Error::code, |_| "created");
        self.step(
            "bob creates a token while randomness gives only zeros",
            "entropy_weak",
            code,
        )
    }

    async fn read_only_and_limited(&mut self, mail: &Call) -> Result<(), Failure> {
        let reader = self
            .service
            .create(NewToken {
                read_only: true,
                addresses: vec!["192.0.2.0/24".to_owned()],
                ..NewToken::new("alice", "reader", Access::Full)
            })
            .await?;
        self.done("alice creates reader: read only, from 192.0.2.0/24 only")?;
        let header = format!("cpanel alice:{}", reader.token.expose());
        let from = |call: &Call, address: &str| Call {
            address: Some(address.to_owned()),
            ..call.clone()
        };
        self.verify(
            "reader lists mailboxes from 192.0.2.7",
            &header,
            &from(mail, "192.0.2.7"),
            Reason::Ok,
        )
        .await?;
        let writes = from(&call("Email", "add_pop"), "192.0.2.7");
        self.verify("reader adds a mailbox", &header, &writes, Reason::ReadOnly)
            .await?;
        self.verify(
            "reader comes from 198.51.100.7",
            &header,
            &from(mail, "198.51.100.7"),
            Reason::AddressRefused,
        )
        .await?;
        self.verify(
            "reader comes from an unknown address",
            &header,
            mail,
            Reason::AddressUnknown,
        )
        .await?;

        let features = vec!["filemanager".to_owned()];
        let limited = self
            .service
            .create(NewToken {
                prefix: Some("demo".to_owned()),
                ..NewToken::new("alice", "files", Access::Limited { features })
            })
            .await?;
        let text = limited.token.expose();
        self.done(&format!(
            "alice creates files, limited to files, with a prefix and a checksum: {text}"
        ))?;
        let header = format!("Bearer {text}");
        self.verify("files lists files", &header, &call("Fileman", "list_files"), Reason::Ok)
            .await?;
        self.verify("files lists mailboxes", &header, mail, Reason::FeatureNotGranted)
            .await?;
        self.verify(
            "files lists domains, which belong to no feature",
            &header,
            &call("DomainInfo", "list_domains"),
            Reason::FunctionWithoutFeature,
        )
        .await
    }

    async fn verify(&mut self, what: &str, header: &str, call: &Call, expected: Reason) -> Result<(), Failure> {
        let verdict = self.service.verify(&Authorization::from(header), call).await?;
        let got = verdict.reason.as_str();
        let shown = format!("{what} → {}", verdict.status);
        self.step(&shown, expected.as_str(), got)
    }

    fn step(&mut self, what: &str, expected: &'static str, got: &str) -> Result<(), Failure> {
        let ok = expected == got;
        let mark = if ok {
            styled(GOOD, "✓")
        } else {
            styled(BAD.bold(), "✗")
        };
        let outcome = match (ok, got) {
            (true, "done") => String::new(),
            (true, got) => format!(" → {}", styled(STRONG, got)),
            (false, got) => styled(BAD, format_args!(" → {got}, expected {expected}")),
        };
        self.steps.push(Step {
            what: what.to_owned(),
            expected,
            got: got.to_owned(),
            ok,
        });
        let number = self.steps.len();
        self.say(format_args!("{number:>3} {mark} {what}{outcome}"))
    }

    fn done(&mut self, what: &str) -> Result<(), Failure> {
        self.step(what, "done", "done")
    }

    fn say(&mut self, text: impl std::fmt::Display) -> Result<(), Failure> {
        if self.output.wants_json() {
            Ok(())
        } else {
            self.output.line(text)
        }
    }
}

fn call(module: &str, function: &str) -> Call {
    Call {
        module: Some(module.to_owned()),
        function: Some(function.to_owned()),
        ..Call::default()
    }
}

/// A source of entropy that returns zeros.
#[derive(Debug)]
struct Zeros;

impl tokenlatch::Entropy for Zeros {
    fn fill(&self, bytes: &mut [u8; tokenlatch::ENTROPY_BYTES]) -> Result<(), tokenlatch::EnvironmentError> {
        bytes.fill(0);
        Ok(())
    }
}

/// Whether these bytes occur in the database or in any file beside it.
fn stored_anywhere(database: &Path, bytes: &[u8]) -> Result<bool, Failure> {
    let Some(folder) = database.parent() else {
        return Ok(false);
    };
    for entry in std::fs::read_dir(folder)? {
        let content = std::fs::read(entry?.path())?;
        if content.windows(bytes.len()).any(|window| window == bytes) {
            return Ok(true);
        }
    }
    Ok(false)
}
