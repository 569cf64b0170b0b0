//! How soon a revocation is in force everywhere.

use std::thread;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use super::{Client, Crowd, Edges, Goal, PATIENCE, some_of};
use crate::fault::Fault;

/// Between two questions to one edge.
const PAUSE: Duration = Duration::from_millis(1);

/// From the acknowledgement of a revocation to the first refusal, at one edge.
#[derive(Clone, Debug)]
pub struct Lag {
    /// The edge.
    pub name: &'static str,
    /// Of each round.
    pub times: Vec<Duration>,
    /// Whole snapshots that it fetched meanwhile.
    pub wholes: u64,
}

impl Edges {
    /// Revokes one token after the other, and presents each to every edge until that refuses it.
    ///
    /// # Errors
    /// When an edge never refuses, answers neither 200 nor 401, or admits a token again; when the origin itself admits it.
    pub fn lag(&self, crowd: &mut Crowd, rounds: usize, bar: &ProgressBar) -> Result<Vec<Lag>, Fault> {
        let mut origin = self.origin.client();
        let mut clients: Vec<Client> = self.edges.iter().map(|edge| edge.goal.client()).collect();
        let wholes: Vec<u64> = self.edges.iter().map(|edge| edge.relay.wholes()).collect();
        let mut times = vec![Vec::with_capacity(rounds); self.edges.len()];
        let idle = Duration::from_millis(self.settings.poll.map_or(500, |seconds| seconds * 1000));
        for _ in 0..rounds {
            thread::sleep(some_of(idle));
            let victim = crowd.next()?;
            for (edge, client) in self.edges.iter().zip(&mut clients) {
                expect(&edge.goal, client, &victim.authorization, 200)?;
            }
            victim.revoke(&mut origin)?;
            let acknowledged = Instant::now();
            let found: Vec<Result<Duration, Fault>> = thread::scope(|scope| {
                let edges = self.edges.iter().zip(&mut clients);
                let asking: Vec<_> = edges
                    .map(|(edge, client)| {
                        scope.spawn(|| until_refused(&edge.goal, client, &victim.authorization, acknowledged))
                    })
                    .collect();
                let broken = |_| Err(Fault::new("a client broke off"));
                asking
                    .into_iter()
                    .map(|one| one.join().unwrap_or_else(broken))
                    .collect()
            });
            for (times, time) in times.iter_mut().zip(found) {
                times.push(time?);
            }
            expect(&self.origin, &mut origin, &victim.authorization, 401)?;
            for (edge, client) in self.edges.iter().zip(&mut clients) {
                expect(&edge.goal, client, &victim.authorization, 401)?;
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

pub(super) fn expect(goal: &Goal, client: &mut Client, authorization: &str, wanted: u16) -> Result<(), Fault> {
    match goal.ask(client, authorization)? {
        status if status == wanted => Ok(()),
        status => Err(Fault::new(format!(
            "{} answers {status} instead of {wanted}",
            goal.name
        ))),
    }
}

/// Until the refusal is there, not only on its way.
fn until_refused(goal: &Goal, client: &mut Client, authorization: &str, since: Instant) -> Result<Duration, Fault> {
    loop {
        match goal.ask(client, authorization)? {
            401 => return Ok(since.elapsed()),
            200 if since.elapsed() < PATIENCE => thread::sleep(PAUSE),
            status => {
                let time = since.elapsed();
                return Err(Fault::new(format!(
                    "{} answers {status} {time:?} after a revocation",
                    goal.name
                )));
            }
        }
    }
}
