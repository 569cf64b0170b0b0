//! Clients that present good tokens without a pause.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Goal;
use crate::fault::Fault;

/// Faults that are told.
const TOLD: usize = 5;

/// Clients at work.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
    begun: Instant,
}

#[derive(Debug)]
struct Shared {
    good: Vec<String>,
    done: AtomicBool,
    /// Answers of each goal.
    answers: Vec<AtomicU64>,
    faults: Mutex<Vec<String>>,
}

/// What the clients did.
#[derive(Clone, Debug)]
pub struct Carried {
    /// Good answers of each goal, in their order.
    pub answers: Vec<u64>,
    /// How long it took.
    pub time: Duration,
}

impl Load {
    /// So many clients for each goal.
    #[must_use]
    pub fn start(goals: &[Goal], good: Vec<String>, clients: usize) -> Load {
        let shared = Arc::new(Shared {
            good,
            done: AtomicBool::new(false),
            answers: goals.iter().map(|_| AtomicU64::new(0)).collect(),
            faults: Mutex::default(),
        });
        let mut all = Vec::new();
        for (place, goal) in goals.iter().enumerate() {
            for client in 0..clients {
                let (shared, goal) = (Arc::clone(&shared), goal.clone());
                all.push(thread::spawn(move || shared.present(place, &goal, client)));
            }
        }
        Load {
            shared,
            clients: all,
            begun: Instant::now(),
        }
    }

    /// Lets every client finish.
    ///
    /// # Errors
    /// When a good token wasn't admitted, or a request failed.
    pub fn end(mut self) -> Result<Carried, Fault> {
        self.shared.done.store(true, Ordering::SeqCst);
        let time = self.begun.elapsed();
        for client in self.clients.drain(..) {
            client.join().map_err(|_| Fault::new("a client broke off"))?;
        }
        let faults = self.shared.faults.lock().unwrap_or_else(PoisonError::into_inner);
        if !faults.is_empty() {
            return Err(Fault::new(format!(
                "good tokens weren't admitted: {}",
                faults.join("; ")
            )));
        }
        let counts = self.shared.answers.iter().map(|count| count.load(Ordering::SeqCst));
        Ok(Carried {
            answers: counts.collect(),
            time,
        })
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.shared.done.store(true, Ordering::SeqCst);
    }
}

impl Shared {
    fn present(&self, place: usize, goal: &Goal, client: usize) {
        let mut asker = goal.asker();
        // Each begins elsewhere, and none goes through them in their order.
        let mut at = client * 7919;
        while !self.done.load(Ordering::SeqCst) {
            at = (at + 104_729) % self.good.len().max(1);
            let authorization = self.good.get(at).map_or("", String::as_str);
            let begun = Instant::now();
            let fault = match asker.ask(authorization) {
                Ok(200) => {
                    if let Some(count) = self.answers.get(place) {
                        count.fetch_add(1, Ordering::SeqCst);
                    }
                    continue;
                }
                Ok(status) => asker.wrong(&format!("answers {status}")).to_string(),
                Err(fault) => format!("{fault}, after {:?}", begun.elapsed()),
            };
            let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
            if faults.len() == TOLD {
                return;
            }
            faults.push(fault);
        }
    }
}
