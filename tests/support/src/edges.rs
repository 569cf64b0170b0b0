//! Shared by the tests of snapshots: a key, and an origin in this process whose link can be cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokenlatch::core::{Api, Call, SecretString, SigningKey};
use tokenlatch::{
    Delta, Fetch, Fetched, Follower, FollowerStatus, Presented, Publisher, PublisherOptions, Service, Source,
    SourceError, UsageReport, Version,
};

/// The private key of the tests.
pub const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

pub fn key() -> Arc<SigningKey> {
    key_of(SEED)
}

pub fn key_of(seed: &str) -> Arc<SigningKey> {
    Arc::new(SigningKey::from_secret_hex(&SecretString::from(seed)).expect("a key"))
}

pub fn publisher(service: &Service, max_age: u32) -> Publisher {
    let options = PublisherOptions { max_age, names: true };
    Publisher::new(service.clone(), key(), options)
}

/// An origin in this process.
#[derive(Debug)]
pub struct Origin {
    pub publisher: std::sync::Mutex<Publisher>,
    pub service: Service,
    pub cut: AtomicBool,
    /// Requests for deltas that were answered with one.
    pub deltas: AtomicU64,
    pub wholes: AtomicU64,
    /// Whether the answer to the next report is lost after it was accepted.
    pub loses: AtomicBool,
}

impl Origin {
    pub fn new(service: &Service, max_age: u32) -> Arc<Origin> {
        Origin::by(service, publisher(service, max_age))
    }

    pub fn by(service: &Service, publisher: Publisher) -> Arc<Origin> {
        Arc::new(Origin {
            publisher: std::sync::Mutex::new(publisher),
            service: service.clone(),
            cut: AtomicBool::new(false),
            deltas: AtomicU64::new(0),
            wholes: AtomicU64::new(0),
            loses: AtomicBool::new(false),
        })
    }

    pub fn publisher(&self) -> Publisher {
        self.publisher.lock().expect("no panic").clone()
    }

    fn check(&self) -> Result<(), SourceError> {
        match self.cut.load(Ordering::SeqCst) {
            true => Err(SourceError::new("origin_unreachable", "the link is cut")),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Source for Origin {
    async fn fetch(&self, what: Fetch) -> Result<Fetched, SourceError> {
        self.check()?;
        let publisher = self.publisher();
        let failed = |error: tokenlatch::Error| SourceError::new("origin_failed", error.to_string());
        let message = match what {
            Fetch::Snapshot => {
                self.wholes.fetch_add(1, Ordering::SeqCst);
                publisher.snapshot().await.map_err(failed)?
            }
            Fetch::Deltas { epoch, version, wait } => {
                let since = Version {
                    epoch: epoch.cast_signed(),
                    version: version.cast_signed(),
                };
                match publisher.delta(since, wait).await.map_err(failed)? {
                    Delta::Gap => return Ok(Fetched::Gap),
                    Delta::Message(message) => {
                        self.deltas.fetch_add(1, Ordering::SeqCst);
                        message
                    }
                }
            }
        };
        self.check()?;
        let (pieces, coming) = tokio::sync::mpsc::channel(4);
        let bytes = message.bytes();
        tokio::spawn(async move {
            for piece in bytes.chunks(100) {
                if pieces.send(Ok(piece.to_vec())).await.is_err() {
                    return;
                }
            }
        });
        Ok(Fetched::Pieces(coming))
    }

    async fn report(&self, report: &UsageReport) -> Result<(), SourceError> {
        self.check()?;
        let failed = |error: tokenlatch::Error| SourceError::new("origin_failed", error.to_string());
        report.add_to(&self.service).await.map_err(failed)?;
        match self.loses.swap(false, Ordering::SeqCst) {
            true => Err(SourceError::new("origin_unreachable", "the answer is lost")),
            false => Ok(()),
        }
    }
}

/// A call that every full token may make.
pub fn call() -> Call {
    Call {
        api: Some(Api::Uapi),
        module: Some("Tokens".to_owned()),
        function: Some("list".to_owned()),
        ..Call::default()
    }
}

/// The reason of the verdict on a header.
pub fn reason(follower: &Follower, header: &str) -> &'static str {
    follower
        .verify(Presented::One(header.as_bytes()), &call(), None)
        .expect("a verdict")
        .reason
        .as_str()
}

/// Waits until a condition holds, for 30 seconds at most.
pub async fn eventually(follower: &Follower, what: &str, mut holds: impl FnMut(&FollowerStatus) -> bool) {
    let begun = Instant::now();
    while !holds(&follower.status()) {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "{what}: {:?}",
            follower.status()
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until the verdict on a header has this reason, and returns the time that it took.
pub async fn until(follower: &Follower, header: &str, wanted: &str) -> Duration {
    let begun = Instant::now();
    loop {
        let told = reason(follower, header);
        if told == wanted {
            return begun.elapsed();
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "it is told {told}, and not {wanted}: {:?}",
            follower.status()
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
