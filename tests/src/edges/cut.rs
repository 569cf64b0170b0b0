//! Edges that lose their origin, and how they recover.

use std::thread;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use super::{Asker, Crowd, Edge, Edges, PATIENCE};
use crate::fault::Fault;
use crate::service::Client;

/// Pause between two requests to one edge.
const PAUSE: Duration = Duration::from_millis(5);

/// Tolerance, since a table's time and age are whole seconds.
const GRACE: Duration = Duration::from_secs(2);

/// How long an edge is watched to keep refusing.
const WATCHED: Duration = Duration::from_secs(1);

/// A token that was never issued.
const STRANGER: &str = "cpanel user0:ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// The results of one edge.
#[derive(Clone, Debug)]
pub struct Cut {
    /// The edge's name.
    pub name: &'static str,
    /// How long it admitted tokens without its origin.
    pub admitted: Duration,
    /// Requests that it admitted in that time.
    pub admissions: u64,
    /// Requests that it refused afterwards, each with 503.
    pub refusals: u64,
    /// Where its operator finds the reason.
    pub says: &'static str,
    /// Time from the repair of the link to the first admission.
    pub back: Duration,
    /// Whole snapshots that it fetched to recover.
    pub wholes: u64,
    /// Requests for deltas that it sent to recover.
    pub deltas: u64,
}

struct Silence {
    admitted: Duration,
    admissions: u64,
    refusals: u64,
}

impl Edges {
    /// Watches edges without changes for longer than a table may be used. Then cuts their links until all refuse everything,
    /// revokes a token, and restores the links.
    ///
    /// # Errors
    /// An edge refuses a valid token while its link works, or admits one after its table has expired. An edge does not report the
    /// reason, does not recover, or admits the revoked token after it has recovered.
    pub fn cut(&self, crowd: &mut Crowd, good: &str, bar: &ProgressBar) -> Result<Vec<Cut>, Fault> {
        self.part(crowd, good, bar).map_err(|fault| self.explained(fault))
    }

    fn part(&self, crowd: &mut Crowd, good: &str, bar: &ProgressBar) -> Result<Vec<Cut>, Fault> {
        let max_age = Duration::from_secs(self.settings.max_age);
        bar.set_message("nothing changes, and everyone hears so");
        let begun = Instant::now();
        self.each(|asker| {
            while begun.elapsed() < max_age + GRACE {
                asker.expect(good, 200)?;
                thread::sleep(PAUSE);
            }
            Ok(())
        })?;
        bar.inc(1);

        bar.set_message("the link is cut");
        let victim = crowd.victim()?;
        self.each(|asker| asker.expect(&victim.authorization, 200))?;
        for edge in &self.edges {
            edge.relay.cut();
        }
        let cut = Instant::now();
        victim.revoke(&mut Client::new(self.origin.address))?;
        let silences = self.each(|asker| silence(asker, [good, &victim.authorization], cut, max_age))?;
        let says: Vec<&'static str> = self.edges.iter().map(Edge::says_stale).collect::<Result<_, _>>()?;
        bar.inc(1);

        bar.set_message("the link is back");
        let asked = |edge: &Edge| (edge.relay.wholes(), edge.relay.deltas());
        let before: Vec<_> = self.edges.iter().map(asked).collect();
        for edge in &self.edges {
            edge.relay.mend();
        }
        let mended = Instant::now();
        let backs = self.each(|asker| {
            let back = until_back(asker, good, mended)?;
            asker.expect(&victim.authorization, 401)?;
            Ok(back)
        })?;
        bar.inc(1);
        let told = self.edges.iter().zip(silences).zip(says).zip(backs).zip(before);
        Ok(told
            .map(|((((edge, silence), says), back), (wholes, deltas))| Cut {
                name: edge.goal.name,
                admitted: silence.admitted,
                admissions: silence.admissions,
                refusals: silence.refusals,
                says,
                back,
                wholes: edge.relay.wholes() - wholes,
                deltas: edge.relay.deltas() - deltas,
            })
            .collect())
    }

    /// Runs `work` for all edges concurrently.
    fn each<T: Send>(&self, work: impl Fn(&mut Asker<'_>) -> Result<T, Fault> + Sync) -> Result<Vec<T>, Fault> {
        let work = &work;
        thread::scope(|scope| {
            let edges = self.edges.iter();
            let working: Vec<_> = edges
                .map(|edge| scope.spawn(move || work(&mut edge.goal.asker())))
                .collect();
            let broken = |_| Err(Fault::new("a client panicked"));
            working
                .into_iter()
                .map(|one| one.join().unwrap_or_else(broken))
                .collect()
        })
    }
}

/// Presents tokens to an edge without an origin until it refuses, and for a while longer.
fn silence(asker: &mut Asker<'_>, tokens: [&str; 2], cut: Instant, max_age: Duration) -> Result<Silence, Fault> {
    let mut silence = Silence {
        admitted: Duration::ZERO,
        admissions: 0,
        refusals: 0,
    };
    // The edge's table was made before the cut, in whole seconds. When an answer arrives depends on the machine. When a request
    // is sent, by the test's own clock, does not.
    let last = max_age + GRACE;
    let mut refused: Option<Instant> = None;
    while refused.is_none_or(|since| since.elapsed() < WATCHED) {
        let asked = cut.elapsed();
        for authorization in tokens {
            match asker.ask(authorization)? {
                200 if refused.is_some() => return Err(asker.wrong("admits again without its origin")),
                200 if asked > last => return Err(asker.wrong("admits by a table that is too old")),
                200 => {
                    silence.admissions += 1;
                    silence.admitted = cut.elapsed();
                }
                503 => {
                    silence.refusals += 1;
                    refused.get_or_insert_with(Instant::now);
                }
                status => return Err(asker.wrong(&format!("answers {status} without its origin"))),
            }
        }
        thread::sleep(PAUSE);
    }
    // Nothing is decided: unknown and known tokens get the same answer.
    asker.expect(STRANGER, 503)?;
    Ok(silence)
}

fn until_back(asker: &mut Asker<'_>, good: &str, mended: Instant) -> Result<Duration, Fault> {
    loop {
        match asker.ask(good)? {
            200 => return Ok(mended.elapsed()),
            503 if mended.elapsed() < PATIENCE => thread::sleep(PAUSE),
            status => return Err(asker.wrong(&format!("answers {status} with its link mended"))),
        }
    }
}
