//! Measures the table of "Manage API Tokens" of an account with many tokens and of one with few.

use std::time::{Duration, Instant};

use tokenlatch_tests::Fault;
use tokenlatch_tests::service::{Place, Server, Stock, Visit};

use crate::Options;
use crate::report::{Timed, print_times};

const PASSWORD: &str = "correct-horse-battery";
/// Tokens of the account with few.
const FEW: usize = 10;
/// Default number of tokens of the account with many.
const MANY: usize = 10_000;
/// Requests for each view. The first ones are the warm-up.
const REQUESTS: usize = 300;
const WARM: usize = 20;
/// Maximum ratio of the time with many tokens to that with few.
const LIMIT: f64 = 3.0;

/// Measures, and prints the results.
///
/// # Errors
/// A program does not start, or the table takes too long.
pub fn measure(options: &Options) -> Result<(), Fault> {
    let many = options.tokens.unwrap_or(MANY);
    let place = Place::new()?;
    eprintln!("making {many} tokens");
    Stock::of(&[("few", FEW), ("many", many)])?.fill(place.database())?;
    for user in ["few", "many"] {
        place.must_with("tokenlatch", &["account", "password", user, "--stdin"], PASSWORD)?;
    }
    let server = Server::start(&place, &[])?;
    let mut few = Visit::log_in(server.client(), "few", PASSWORD)?;
    let mut lots = Visit::log_in(server.client(), "many", PASSWORD)?;
    let last = format!("/tokens?size=10&page={}", many.div_ceil(10));
    // The flag says whether the limit applies: a hundred rows are ten times the work, and a search reads every name.
    let views = [
        ("as it opens", "/tokens", true),
        ("ten on a page", "/tokens?size=10", true),
        ("a hundred on a page", "/tokens?size=100", false),
        ("the last page", last.as_str(), true),
        (
            "by expiry, the latest first",
            "/tokens?size=10&sort=expires&order=desc",
            true,
        ),
        ("a search", "/tokens?size=10&search=7", false),
    ];
    let mut times: Vec<(Vec<Duration>, Vec<Duration>)> = vec![Default::default(); views.len()];
    // In turns, so that other load on the machine affects all alike.
    for round in 0..WARM + REQUESTS {
        for ((_, path, _), (with_few, with_many)) in views.iter().zip(&mut times) {
            let (short, long) = (timed(&mut few, "/tokens?size=10")?, timed(&mut lots, path)?);
            if round >= WARM {
                with_few.push(short);
                with_many.push(long);
            }
        }
    }
    let rows: Vec<Timed> = views
        .iter()
        .zip(times)
        .map(|((name, ..), (with_few, with_many))| Timed::of(name, with_few, with_many))
        .collect();
    print_times(
        &rows,
        &format!("{FEW} tokens, ms"),
        &format!("{many} tokens, ms"),
        options.json,
    )?;
    let judged = views.iter().zip(&rows).filter(|((.., judged), _)| *judged);
    match judged.map(|(_, row)| row.ratio).reduce(f64::max) {
        Some(worst) if worst <= LIMIT => Ok(()),
        _ => Err(Fault::new(format!(
            "with {many} tokens the table takes more than {LIMIT} times as long"
        ))),
    }
}

fn timed(visit: &mut Visit, path: &str) -> Result<Duration, Fault> {
    let begun = Instant::now();
    let answer = visit.get(path).map_err(Fault::during(path))?;
    let took = begun.elapsed();
    match answer.status {
        200 => Ok(took),
        status => Err(Fault::new(format!("{path} answers {status}"))),
    }
}
