//! The page "Manage API Tokens" in Chromium, as a user sees it: `tests/browser`, run by `node --test`. `TOKENLATCH_SCENE` selects
//! scenes by a part of their name.

use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tokenlatch::core::{Access, ExpiryInput, Features};
use tokenlatch::{Clock, NewToken, Service, SystemClock, Usage};
use tokenlatch_build::{Options, build};
use tokenlatch_tests::runtimes::install_tools;
use tokenlatch_tests::service::{Place, Ran, Server, Stock, Visit, program};
use tokenlatch_tests::{Fault, require_all};

type Outcome = Result<(), Box<dyn Error>>;
/// The id of a token.
type Made = Result<String, tokenlatch::Error>;

const PASSWORD: &str = "correct-horse-battery";
const PEOPLE: &[&str] = &[
    "ann", "ben", "cat", "dan", "eve", "gus", "kim", "mia", "tom", "zoe", "root",
];
/// A name of the maximum length.
const LONG: &str = "the-longest-name-a-token-may-have-with-50-letters_";
/// Text that would run in a browser if it were taken for markup.
const MARKUP: &str = "<img/src=x/onerror=alert(1)>";
const DAY: i64 = 86_400;

/// Creates a token that was created some days ago and expires in some days.
async fn token(service: &Service, name: &str, days: Option<i64>, change: impl FnOnce(&mut NewToken)) -> Made {
    let now = service.clock().now()?;
    let mut token = NewToken::new("gus", name, Access::Full);
    let never = ExpiryInput::Text("never".to_owned());
    token.expires = Some(days.map_or(never, |days| ExpiryInput::Seconds(now + days * DAY)));
    change(&mut token);
    Ok(service.create(token).await?.record.id)
}

/// The accounts of the test. `gus` has a token of each kind.
fn fill(place: &Place) -> Result<(), Fault> {
    place.people(PEOPLE, PASSWORD)?;
    place.must("tokenlatch", &["account", "administrator", "root", "on"])?;
    let now = SystemClock.now().map_err(Fault::during("the clock"))?;
    place.inside(now - 362 * DAY, async |service| {
        token(service, "ends-soon", Some(365), |_| ()).await?;
        token(service, "ended", Some(300), |_| ()).await?;
        token(service, LONG, None, |_| ()).await
    })?;
    place.inside(now, async |service| {
        let id = token(service, "laptop", Some(365), |_| ()).await?;
        let last_used = now - DAY;
        service.store().add_usage(&[Usage { id, last_used, uses: 7 }]).await?;
        token(service, "reader", Some(90), |token| {
            token.access = Access::Limited {
                features: vec!["popaccts".to_owned(), "apitokens".to_owned()],
            };
            token.read_only = true;
            token.addresses = vec!["192.0.2.0/24".to_owned(), "2001:db8::7".to_owned()];
        })
        .await?;
        let list = |features: &[&str]| Features::List(features.iter().map(|&feature| feature.to_owned()).collect());
        service.add_account("lee", list(&["apitokens", "popaccts"])).await?;
        // Without the feature `apitokens`, tokens cannot be used.
        service.add_account("off", list(&["popaccts"])).await
    })?;
    for user in ["lee", "off"] {
        place.must_with("tokenlatch", &["account", "password", user, "--stdin"], PASSWORD)?;
    }
    Ok(())
}

#[test]
fn browser_runs_the_whole_web_interface() -> Outcome {
    let built = build(&Options::default()).map_err(Fault::during("building the module"))?;
    let tools = match install_tools(&built) {
        Ok(tools) => tools,
        Err(fault) if fault.is_missing() && !require_all() => {
            eprintln!("SKIPPED the page in a browser: {fault}");
            return Ok(());
        }
        Err(fault) => return Err(fault.into()),
    };
    let place = Place::new()?;
    Stock::of(&[("many", 120)])?.fill(place.database())?;
    place.must_with("tokenlatch", &["account", "password", "many", "--stdin"], PASSWORD)?;
    fill(&place)?;
    let zone = ("TOKENLATCH_TIME_ZONE", "Europe/Berlin");
    let server = Server::start_tls_with(&place, &["--failures-per-minute", "0"], &[zone])?;
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    let told = json!({
        "account": server.account.to_string(),
        "admin": server.admin.to_string(),
        "certificate": place.file("tokenlatch-cert.pem"),
        "program": program("tokenlatch")?,
        "folder": place.folder(),
        "database": place.database(),
        "password": PASSWORD,
        "long": LONG,
        "markup": MARKUP,
        "pictures": pictures,
    });
    let begun = Instant::now();
    let output = Command::new("node")
        .args(["--test", "--test-reporter=spec", "page.test.mjs"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("browser"))
        .env("TOKENLATCH_TOOLS", &tools)
        .env("TOKENLATCH_PAGE", told.to_string())
        .stdin(Stdio::null())
        .output()
        .map_err(Fault::during("node"))?;
    let ran = Ran::of(&output);
    println!(
        "{}\nscreenshots: {}\n{:.0?}",
        ran.stdout,
        pictures.display(),
        begun.elapsed()
    );
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let log = server.process.log();
    assert!(!log.contains("panicked"), "{log}");
    for secret in [PASSWORD, "cpsession="] {
        assert!(!log.contains(secret), "the log holds {secret}…");
    }
    let mut prefixes = log.split("/cpsess").skip(1);
    assert!(
        !prefixes.any(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit())),
        "the log holds a session's number"
    );
    Ok(())
}

/// Only prints: a slow machine is not a failure. `load --page` measures the same.
#[test]
fn the_table_is_measured_with_few_tokens_and_with_many() -> Outcome {
    let place = Place::new()?;
    Stock::of(&[("few", 10), ("many", 2000)])?.fill(place.database())?;
    for user in ["few", "many"] {
        place.must_with("tokenlatch", &["account", "password", user, "--stdin"], PASSWORD)?;
    }
    let server = Server::start(&place, &[])?;
    let mut times = [Vec::new(), Vec::new()];
    let log_in = |user| Visit::log_in(server.client(), user, PASSWORD);
    let mut visits = [log_in("few")?, log_in("many")?];
    for _ in 0..40 {
        for (visit, times) in visits.iter_mut().zip(&mut times) {
            let begun = Instant::now();
            let answer = visit.get("/tokens?size=10")?;
            times.push(begun.elapsed());
            assert_eq!(answer.status, 200);
            assert!(answer.body.contains("t1"), "{}", answer.body);
        }
    }
    let [few, many] = times.map(middle);
    let ratio = many.as_secs_f64() / few.as_secs_f64();
    println!("10 tokens: {few:.1?}, 2000 tokens: {many:.1?}, ratio {ratio:.2}");
    Ok(())
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
