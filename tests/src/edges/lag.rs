//! Measures how soon a revocation is in force everywhere.

use std::thread;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use super::{Asker, Crowd, Edges, PATIENCE, some_of};
use crate::fault::Fault;
use crate::service::Client;

/// Pause between two requests to one edge.
const PAUSE: Duration = Duration::from_millis(1);

/// The times from the acknowledgement of a revocation to the first refusal, at one edge.
#[derive(Clone, Debug)]
pub struct Lag {
    /// The edge's name.
    pub name: &'static str,
    /// The time of each round.
    pub times: Vec<Duration>,
    /// Whole snapshots that it fetched meanwhile.
    pub wholes: u64,
}

impl Edges {
    /// Revokes tokens one by one, and presents each to every edge until the edge refuses it.
    ///
    /// # Errors
    /// An edge never refuses, answers neither 200 nor 401, or admits a token again; or the origin admits it.
    pub fn lag(&self, crowd: &mut Crowd, rounds: usize, bar: &ProgressBar) -> Result<Vec<Lag>, Fault> {
        self.revoke_all(crowd, rounds, bar)
            .map_err(|fault| self.explained(fault))
    }

    fn revoke_all(&self, crowd: &mut Crowd, rounds: usize, bar: &ProgressBar) -> Result<Vec<Lag>, Fault> {
        let (mut origin, mut api) = (self.origin.asker(), Client::new(self.origin.address));
        let mut askers: Vec<Asker<'_>> = self.edges.iter().map(|edge| edge.goal.asker()).collect();
        let wholes: Vec<u64> = self.edges.iter().map(|edge| edge.relay.wholes()).collect();
        let mut times = vec![Vec::with_capacity(rounds); self.edges.len()];
        let idle = Duration::from_millis(self.settings.poll.map_or(500, |seconds| seconds * 1000));
        for _ in 0..rounds {
            thread::sleep(some_of(idle));
            let victim = crowd.victim()?;
            let authorization = victim.authorization.as_str();
            for asker in &mut askers {
                asker.expect(authorization, 200)?;
            }
            victim.revoke(&mut api)?;
            let acknowledged = Instant::now();
            let found: Vec<Result<Duration, Fault>> = thread::scope(|scope| {
                let asking: Vec<_> = askers
                    .iter_mut()
                    .map(|asker| scope.spawn(|| until_refused(asker, authorization, acknowledged)))
                    .collect();
                let broken = |_| Err(Fault::new("a client panicked"));
                asking
                    .into_iter()
                    .map(|one| one.join().unwrap_or_else(broken))
                    .collect()
            });
            for (times, time) in times.iter_mut().zip(found) {
                times.push(time?);
            }
            origin.expect(authorization, 401)?;
            for asker in &mut askers {
                asker.expect(authorization, 401)?;
            }
            bar.inc(1);
        }
        let told = self.edges.iter().zip(times).zip(wholes);
        Ok(told
            .map(|((edge, times), wholes)| Lag {
                name: edge.goal.name,
                times,
                wholes: edge.relay.wholes() - wholes,
            })
            .collect())
    }
}

/// Presents a token until it is refused, and returns the time until the refusal has arrived.
fn until_refused(asker: &mut Asker<'_>, authorization: &str, since: Instant) -> Result<Duration, Fault> {
    loop {
        match asker.ask(authorization)? {
            401 => return Ok(since.elapsed()),
            200 if since.elapsed() < PATIENCE => thread::sleep(PAUSE),
            status => {
                let time = since.elapsed();
                return Err(asker.wrong(&format!("answers {status} {time:?} after a revocation")));
            }
        }
    }
}
