//! A panel, and a service that guards it, with tokens for both ports.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use super::http::{Answer, Client};
use super::panel::Panel;
use super::place::Place;
use super::server::Server;
use crate::fault::Fault;

/// A service that guards a panel, and a full token for each of its ports.
#[derive(Debug)]
pub struct Guarded {
    /// The folder of the service and its database.
    pub place: Place,
    /// The panel behind the service.
    pub panel: Panel,
    /// The service.
    pub server: Server,
    /// The account port's token, of alice.
    pub token: String,
    /// The administrator port's token, of root.
    pub whm: String,
}

impl Guarded {
    /// Starts both, the service with plain HTTP.
    ///
    /// # Errors
    /// One does not start, or a token is not created.
    pub fn start() -> Result<Self, Fault> {
        Guarded::launch(Server::start)
    }

    /// Starts both, the service with its own certificate.
    ///
    /// # Errors
    /// One does not start, or a token is not created.
    pub fn start_tls() -> Result<Self, Fault> {
        let guarded = Guarded::launch(Server::start_tls)?;
        // The ports are bound before the first start writes its files.
        await_file(&guarded.certificate());
        Ok(guarded)
    }

    fn launch(start: impl FnOnce(&Place, &[&str]) -> Result<Server, Fault>) -> Result<Self, Fault> {
        let place = Place::new()?;
        place.accounts(&["alice", "root"])?;
        let token = place.token("alice", "client", &[])?;
        let made = place.must(
            "whmapi1",
            &["--user=root", "--json", "api_token_create", "token_name=client"],
        )?;
        let made = made.json();
        let whm = made["data"]["token"]
            .as_str()
            .ok_or_else(|| Fault::new("the reply holds no token"))?;
        let panel = Panel::start()?;
        let catalogue = concat!(env!("CARGO_MANIFEST_DIR"), "/../host/server/deploy/catalogue.toml");
        let server = start(&place, &["--upstream", &panel.url(), "--catalogue", catalogue])?;
        Ok(Guarded {
            place,
            panel,
            server,
            token,
            whm: whm.to_owned(),
        })
    }

    /// The certificate that the service creates at its first start with TLS.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.place.file("tokenlatch-cert.pem")
    }

    /// Calls the administrator's port as root, and returns the reply as JSON. An empty content type is not sent.
    ///
    /// # Errors
    /// No complete answer came.
    pub fn whm(&self, method: &str, target: &str, content_type: &str, body: &str) -> Result<Value, Fault> {
        let authorization = format!("whm root:{}", self.whm);
        let client = self.server.admin_client();
        Ok(ask(client, &authorization, method, target, content_type, body)?.json())
    }

    /// Calls the account port as alice. An empty content type is not sent.
    ///
    /// # Errors
    /// No complete answer came.
    pub fn account(&self, method: &str, target: &str, content_type: &str, body: &str) -> Result<Answer, Fault> {
        let authorization = format!("cpanel alice:{}", self.token);
        ask(self.server.client(), &authorization, method, target, content_type, body)
    }
}

fn ask(
    mut client: Client,
    authorization: &str,
    method: &str,
    target: &str,
    content_type: &str,
    body: &str,
) -> Result<Answer, Fault> {
    let fields = [("Authorization", authorization), ("Content-Type", content_type)];
    let fields = if content_type.is_empty() {
        &fields[..1]
    } else {
        &fields[..]
    };
    client
        .send(method, target, fields, body)
        .map_err(Fault::during("asking the service"))
}

/// Waits for a file, for 20 seconds at most. If it is still missing, its reader reports that.
pub fn await_file(file: &Path) {
    for _ in 0..1000 {
        if file.exists() {
            break;
        }
        sleep(Duration::from_millis(20));
    }
}
