//! A PostgreSQL server of the tests' own, and databases on it.

mod server;

use std::sync::Once;

use server::Server;

/// A server.
pub struct Postgres {
    url: String,
    server: Option<Server>,
}

impl Postgres {
    /// A server with an empty database. `None`, said aloud, where PostgreSQL is not installed; a failure then under
    /// `TOKENLATCH_REQUIRE_ALL=1`. `TOKENLATCH_TEST_POSTGRES` may name a server that runs already; its databases are
    /// made and not removed.
    pub fn start() -> Option<Postgres> {
        if let Ok(url) = std::env::var("TOKENLATCH_TEST_POSTGRES") {
            return Some(Postgres { url, server: None });
        }
        let Some(server) = Server::start().expect("PostgreSQL starts") else {
            assert!(
                std::env::var("TOKENLATCH_REQUIRE_ALL").as_deref() != Ok("1"),
                "PostgreSQL is missing"
            );
            static SAID: Once = Once::new();
            SAID.call_once(|| eprintln!("SKIPPED: PostgreSQL is missing"));
            return None;
        };
        Some(Postgres {
            url: server.url(),
            server: Some(server),
        })
    }

    /// The address of its first database.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Makes another database, and gives its address.
    pub async fn database(&self, name: &str) -> String {
        let pool = sqlx::PgPool::connect(&self.url).await.expect("the server answers");
        let name = format!("{name}_{:x}", fresh_number());
        let statement = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::query(statement).execute(&pool).await.expect("a database is made");
        pool.close().await;
        let (start, end) = self.url.rsplit_once('/').expect("an address with a database");
        let options = end
            .split_once('?')
            .map(|(_, options)| format!("?{options}"))
            .unwrap_or_default();
        format!("{start}/{name}{options}")
    }

    /// Whether it can be killed: not one that was found running.
    pub fn is_ours(&self) -> bool {
        self.server.is_some()
    }

    /// Ends it at once, as a crash of the machine would.
    pub fn kill(&mut self) {
        self.ours().kill().expect("it is killed");
    }

    /// Starts it again.
    pub fn restart(&mut self) {
        self.ours().run().expect("it starts again");
    }

    fn ours(&mut self) -> &mut Server {
        self.server.as_mut().expect("a server of ours")
    }
}

/// A number that no other database of the tests has.
fn fresh_number() -> u128 {
    static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("a time after 1970");
    (since.as_micros() << 8) | u128::from(count & 0xff)
}
