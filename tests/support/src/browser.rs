//! A user at the web interface, without a browser: it keeps cookies, and sends forms with their values.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use zeroize::Zeroizing;

use crate::served::{Answer, Request, Running};
use crate::{Place, run};

/// The password of every user in these tests.
pub const PASSWORD: &str = "correct horse battery";

/// The cookies of one user, at one port.
#[derive(Clone)]
pub struct Browser {
    pub port: SocketAddr,
    pub cookies: BTreeMap<String, String>,
    /// The prefix of the session's paths, once logged in.
    pub prefix: String,
}

impl Browser {
    pub fn new(port: SocketAddr) -> Browser {
        Browser {
            port,
            cookies: BTreeMap::new(),
            prefix: String::new(),
        }
    }

    /// A user who is logged in at the account port.
    pub fn logged_in(running: &Running, user: &str) -> Browser {
        let mut browser = Browser::new(running.account);
        browser.log_in(user);
        browser
    }

    /// A user who is logged in at the administrator's port.
    pub fn administrator(running: &Running, user: &str) -> Browser {
        let mut browser = Browser::new(running.admin);
        browser.log_in(user);
        browser
    }

    /// Logs in, which must succeed.
    pub fn log_in(&mut self, user: &str) {
        let answer = self.try_log_in(user, PASSWORD);
        assert_eq!(answer.status, 303, "{answer:?}");
    }

    /// Sends the login form.
    pub fn try_log_in(&mut self, user: &str, password: &str) -> Answer {
        let answer = self.post("/login", &[("user", user), ("pass", password)]);
        if let Some(path) = answer.header("location").filter(|path| path.starts_with("/cpsess")) {
            self.prefix = path[..17].to_owned();
        }
        answer
    }

    /// A path of the session.
    pub fn path(&self, rest: &str) -> String {
        format!("{}{rest}", self.prefix)
    }

    pub fn get(&mut self, path: &str) -> Answer {
        self.send(Request::new("GET", path))
    }

    /// GET of a path below the session's prefix.
    pub fn see(&mut self, rest: &str) -> Answer {
        self.get(&self.path(rest))
    }

    pub fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(Request::new("POST", path).form(&encoded(fields)))
    }

    /// POST of a form to a path below the session's prefix, with its CSRF value.
    pub fn submit(&mut self, rest: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.csrf();
        let fields = [&[("csrf", csrf.as_str())], fields].concat();
        self.post(&self.path(rest), &fields)
    }

    /// The CSRF value of the session, from the logout form.
    pub fn csrf(&mut self) -> String {
        let page = self.get("/");
        let page = self.get(page.header("location").expect("a way on"));
        value_of(&page.body, "csrf").unwrap_or_else(|| panic!("no CSRF value in {page:?}"))
    }

    /// Sends a request with the cookies, and keeps those that the reply sets.
    pub fn send(&mut self, request: Request) -> Answer {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = match cookies.as_slice() {
            [] => request,
            cookies => request.header("Cookie", &cookies.join("; ")),
        };
        let answer = request.send(self.port);
        for cookie in set_cookies(&answer) {
            let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
            let (name, value) = pair.split_once('=').expect("a name and a value");
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }
}

/// The cookies that an answer sets.
pub fn set_cookies(answer: &Answer) -> Vec<&str> {
    let fields = answer.headers.iter().filter(|(name, _)| name == "set-cookie");
    fields.map(|(_, value)| value.as_str()).collect()
}

/// A URL-encoded form.
pub fn encoded(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

/// The value of the first field with this name in a page, as written there (HTML escapes are kept).
pub fn value_of(page: &str, name: &str) -> Option<String> {
    let (_, rest) = page.split_once(&format!("name=\"{name}\""))?;
    let (_, rest) = rest.split_once('>').map(|(tag, _)| tag)?.split_once("value=\"")?;
    rest.split('"').next().map(str::to_owned)
}

impl Place {
    /// The number of sessions in the store.
    pub fn sessions(&self) -> i64 {
        run(async {
            let database = format!("sqlite:{}", self.database);
            let pool = sqlx::SqlitePool::connect(&database).await.expect("the file opens");
            let count = sqlx::query_scalar("SELECT count(*) FROM page_sessions");
            count.fetch_one(&pool).await.expect("a count")
        })
    }
}

impl Place {
    /// Overwrites the data of every session.
    pub fn damage_sessions(&self, data: &str) {
        run(async {
            let database = format!("sqlite:{}", self.database);
            let pool = sqlx::SqlitePool::connect(&database).await.expect("the file opens");
            let change = sqlx::query("UPDATE page_sessions SET data = ?").bind(data);
            change.execute(&pool).await.expect("a change");
            pool.close().await;
        });
    }
}

impl Running {
    /// A server with [`PASSWORD`] set for alice, bob and root, who is an administrator.
    pub fn with_passwords() -> Running {
        let running = Running::start();
        running.give_passwords();
        running
    }

    /// Sets [`PASSWORD`] for every user, and makes root an administrator.
    pub fn give_passwords(&self) {
        let service = &self.state.service;
        self.block_on(async {
            for user in ["alice", "bob", "root"] {
                let password = Zeroizing::new(PASSWORD.to_owned());
                service.set_password(user, password).await.expect("a password");
            }
        });
    }
}
