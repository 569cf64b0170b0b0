//! Clients that present valid tokens continuously.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Goal;
use crate::fault::Fault;

/// Maximum number of reported faults.
const TOLD: usize = 5;

/// Running clients.
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
    /// Number of answers of each server.
    answers: Vec<AtomicU64>,
    faults: Mutex<Vec<String>>,
}

/// The clients' results.
#[derive(Clone, Debug)]
pub struct Carried {
    /// Number of successful answers of each server, in the order of the servers.
    pub answers: Vec<u64>,
    /// Duration of the load.
    pub time: Duration,
}

impl Load {
    /// Starts `clients` clients for each server.
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

    /// Stops all clients and waits for them.
    ///
    /// # Errors
    /// A valid token was not admitted, or a request failed.
    pub fn end(mut self) -> Result<Carried, Fault> {
        self.shared.done.store(true, Ordering::SeqCst);
        let time = self.begun.elapsed();
        for client in self.clients.drain(..) {
            client.join().map_err(|_| Fault::new("a client panicked"))?;
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
        // Each client starts at a different token, and none takes them in order.
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
