//! A user's session at the web interface, without a browser.

use std::io;

use super::http::{Answer, Client};
use crate::fault::Fault;

/// A connection with a login session.
#[derive(Debug)]
pub struct Visit {
    client: Client,
    cookie: String,
    /// The prefix of the session's paths.
    prefix: String,
}

impl Visit {
    /// Logs in. Name and password must need no escaping.
    ///
    /// # Errors
    /// The login is refused.
    pub fn log_in(mut client: Client, user: &str, password: &str) -> Result<Self, Fault> {
        let form_type = ("Content-Type", "application/x-www-form-urlencoded");
        let form = format!("user={user}&pass={password}&login_only=1");
        let answer = client
            .send("POST", "/login", &[form_type], &form)
            .map_err(Fault::during("logging in"))?;
        let refused = || Fault::new(format!("the login of {user} is refused with {}", answer.status));
        let cookie = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next());
        let (cookie, said) = (cookie.ok_or_else(refused)?.to_owned(), answer.json());
        let prefix = said["security_token"].as_str().ok_or_else(refused)?.to_owned();
        Ok(Visit { client, cookie, prefix })
    }

    /// Requests a path of the session, such as `/tokens`.
    ///
    /// # Errors
    /// No complete answer came.
    pub fn get(&mut self, path: &str) -> io::Result<Answer> {
        let target = format!("{}{path}", self.prefix);
        self.client.send("GET", &target, &[("Cookie", &self.cookie)], "")
    }
}
