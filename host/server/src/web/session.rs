//! Login sessions in the store. They are found by a cookie, of which the store holds only a hash.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use time::OffsetDateTime;
use tower_sessions::cookie::SameSite;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{self, Error as Fault};
use tower_sessions::{Session, SessionManagerLayer, SessionStore};

use crate::config::SessionLimits;
use crate::state::State;
use crate::web::reply::Failed;
use crate::web_paths::session_cookie;
use tokenlatch::ENTROPY_BYTES;
use tokenlatch::EnvironmentError;
use tokenlatch::Service;
use tokenlatch::hex;
use tokenlatch::{StoreError, StoredSession};
use tokenlatch_core::Realm;

/// The key of a session record's content.
const VISIT: &str = "visit";

/// Maximum age of the recorded time of the last request, in seconds. Each update is a write.
const NOTED: i64 = 60;

/// How often another id is tried if one is taken. With 2¹²⁸ ids this does not happen.
const TRIES: usize = 3;

/// A logged-in user: the session is valid, and the path has its prefix.
#[derive(Clone)]
pub(crate) struct Visitor {
    /// The account.
    pub(crate) user: String,
    /// The prefix of this session's paths, such as `/cpsess0123456789`.
    pub(crate) prefix: String,
    /// The value that each form must send back in its field `csrf`.
    pub(crate) csrf: String,
    /// The realm of the port.
    pub(crate) realm: Realm,
    /// The session's key in the store.
    pub(crate) key: String,
    /// The latest end of the session, in Unix seconds.
    pub(crate) ends: i64,
}

impl Visitor {
    /// A path of the web interface with the session's prefix.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("{}{rest}", self.prefix)
    }
}

impl fmt::Debug for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Visitor({})", self.user)
    }
}

impl FromRequestParts<Arc<State>> for Visitor {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<State>) -> Result<Visitor, Failed> {
        parts.extensions.get::<Visitor>().cloned().ok_or(Failed::LoggedOut)
    }
}

/// The content of a session.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Visit {
    user: String,
    /// The digits of the prefix.
    number: String,
    csrf: String,
    #[serde(rename = "port")]
    realm: Realm,
    begun: i64,
    seen: i64,
}

impl Visit {
    /// Creates a session's content.
    pub(crate) fn begin(service: &Service, user: &str, realm: Realm) -> Result<Visit, Failed> {
        let now = service.clock().now()?;
        let bytes = random(service)?;
        let (number, csrf) = bytes.split_at(8);
        let number = number.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        Ok(Visit {
            user: user.to_owned(),
            number: format!("{:010}", number % 10_000_000_000),
            csrf: hex(csrf.get(..16).unwrap_or_default()),
            realm,
            begun: now,
            seen: now,
        })
    }

    /// When the session ends if there is no further request, in Unix seconds.
    fn ends(&self, limits: &SessionLimits) -> i64 {
        let idle = self.seen.saturating_add(seconds(limits.idle));
        idle.min(self.last(limits))
    }

    /// The latest end of the session, in Unix seconds.
    fn last(&self, limits: &SessionLimits) -> i64 {
        self.begun.saturating_add(seconds(limits.lifetime))
    }

    /// The user of this session, whose cookie has this id.
    pub(crate) fn visitor(&self, id: Id, limits: &SessionLimits) -> Visitor {
        Visitor {
            user: self.user.clone(),
            prefix: format!("/cpsess{}", self.number),
            csrf: self.csrf.clone(),
            realm: self.realm,
            key: key(id),
            ends: self.last(limits),
        }
    }
}

fn seconds(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

/// The result of looking up a request's cookie.
pub(crate) enum Found {
    /// There is no cookie, or none of this port.
    Nobody,
    /// A session that is no longer valid, with a message for the user.
    Ended(&'static str),
    /// A logged-in user.
    Person(Visitor),
}

/// Message for a user whose session has ended.
pub(crate) const ENDED: &str = "Your session has ended.";
const SUSPENDED: &str = "This account is suspended, so you have been logged out.";
const NO_ADMINISTRATOR: &str = "This account is not an administrator's any more, so you have been logged out.";

/// Looks up the user of a request. The account is read each time, so a user who loses access loses it at once.
pub(crate) async fn find(state: &State, session: &Session, realm: Realm) -> Result<Found, Failed> {
    // Without a cookie, the store is not read.
    let Some(id) = session.id() else {
        return Ok(Found::Nobody);
    };
    let Some(visit) = session.get::<Visit>(VISIT).await.map_err(failed)? else {
        return Ok(Found::Ended(ENDED));
    };
    let limits = &state.config.sessions;
    let now = state.service.clock().now()?;
    if visit.realm != realm {
        return Ok(Found::Nobody);
    }
    if now >= visit.ends(limits) {
        end(session).await?;
        return Ok(Found::Ended(ENDED));
    }
    let store = state.service.store();
    let reason = match store.settings(&visit.user).await? {
        None => Some(ENDED),
        Some(settings) if settings.account.suspended => Some(SUSPENDED),
        Some(settings) if realm == Realm::Admin && !settings.account.administrator => Some(NO_ADMINISTRATOR),
        Some(_) => None,
    };
    if let Some(reason) = reason {
        end(session).await?;
        return Ok(Found::Ended(reason));
    }
    if now - visit.seen >= NOTED {
        let noted = Visit {
            seen: now,
            ..visit.clone()
        };
        // Written directly to the store: the session library would send the cookie again with each update.
        match store.change_session(&row(id, &noted, limits)).await {
            Ok(true) => {}
            Ok(false) => return Ok(Found::Ended(ENDED)),
            // The failure may end the session early, but never late.
            Err(error) => tracing::warn!(code = error.code(), "a session's last request was not noted"),
        }
    }
    Ok(Found::Person(visit.visitor(id, limits)))
}

/// Repeats [`find`] after the client has had time, for example to send a body. Nothing read before is reused.
pub(crate) async fn find_again(state: &State, session: &Session, realm: Realm) -> Result<Found, Failed> {
    let again = Session::new(session.id(), Arc::new(Sessions::of(state)), None);
    let found = find(state, &again, realm).await?;
    if let Found::Ended(_) = found {
        // This session is the one whose reply removes the cookie.
        end(session).await?;
    }
    Ok(found)
}

/// Begins a session with a new id. The session that the cookie named before is deleted.
pub(crate) async fn begin(state: &State, session: &Session, visit: Visit) -> Result<Visitor, Failed> {
    end(session).await?;
    session.insert(VISIT, &visit).await.map_err(failed)?;
    session.save().await.map_err(failed)?;
    let id = session.id().ok_or(Failed::Unavailable)?;
    Ok(visit.visitor(id, &state.config.sessions))
}

/// Ends a session, and removes the cookie.
pub(crate) async fn end(session: &Session) -> Result<(), Failed> {
    if session.id().is_none() {
        return Ok(());
    }
    session.flush().await.map_err(failed)
}

fn failed(error: tower_sessions::session::Error) -> Failed {
    use tower_sessions::session::Error;
    // A fixed code: other messages may quote the session's content.
    let code = match &error {
        Error::Store(Fault::Backend(code)) => code.as_str(),
        Error::Store(_) | Error::SerdeJson(_) => "session_damaged",
    };
    tracing::error!(code, "no session could be had");
    Failed::Unavailable
}

/// The session layer of one port. Cookies ignore ports, so each port's cookie has its own name.
pub(crate) fn layer(state: &State, realm: Realm) -> SessionManagerLayer<Sessions> {
    // Not `Strict`: a link from another site would lead a logged-in user to the login form, and in Chromium not even reloading
    // then sends the cookie. What another site can start this way only reads. A POST of another site comes without the cookie,
    // and without the CSRF value.
    SessionManagerLayer::new(Sessions::of(state))
        .with_name(session_cookie(realm))
        .with_secure(true)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
}

/// Keeps sessions in the store.
#[derive(Clone)]
pub(crate) struct Sessions {
    service: Service,
    limits: SessionLimits,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

impl Sessions {
    fn of(state: &State) -> Sessions {
        Sessions {
            service: state.service.clone(),
            limits: state.config.sessions,
        }
    }

    fn row(&self, record: &Record) -> session_store::Result<StoredSession> {
        let visit = record.data.get(VISIT).cloned();
        let visit: Visit = visit
            .and_then(|visit| serde_json::from_value(visit).ok())
            .ok_or_else(|| Fault::Encode("a session of nobody".to_owned()))?;
        Ok(row(record.id, &visit, &self.limits))
    }
}

fn row(id: Id, visit: &Visit, limits: &SessionLimits) -> StoredSession {
    StoredSession {
        key: key(id),
        user: visit.user.clone(),
        // JSON can represent every value of this type.
        data: serde_json::to_string(visit).unwrap_or_default(),
        ends: visit.ends(limits),
    }
}

#[async_trait]
impl SessionStore for Sessions {
    /// Creates the record under a random id of the service, never under one that a browser sent.
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        for _ in 0..TRIES {
            let bytes = random(&self.service).map_err(|error| Fault::Backend(error.code().to_owned()))?;
            let bytes = bytes.first_chunk().copied().unwrap_or_default();
            record.id = Id(i128::from_le_bytes(bytes));
            if self
                .service
                .store()
                .add_session(&self.row(record)?)
                .await
                .map_err(fault)?
            {
                return Ok(());
            }
        }
        Err(Fault::Backend("session_taken".to_owned()))
    }

    /// Updates a record. A deleted session is not created again.
    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let row = self.row(record)?;
        self.service.store().change_session(&row).await.map_err(fault)?;
        Ok(())
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let Some(row) = self.service.store().session(&key(*id)).await.map_err(fault)? else {
            return Ok(None);
        };
        // A record that cannot be read counts as absent. The user logs in again.
        let visit: Result<Visit, _> = serde_json::from_str(&row.data);
        let Some(visit) = visit.ok().and_then(|visit| serde_json::to_value(visit).ok()) else {
            tracing::warn!(code = "session_damaged", "a session cannot be read, and is ended");
            self.delete(id).await?;
            return Ok(None);
        };
        Ok(Some(Record {
            id: *id,
            data: [(VISIT.to_owned(), visit)].into(),
            // The service's own clock decides when a session ends, not the session library's.
            expiry_date: OffsetDateTime::UNIX_EPOCH,
        }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        self.service.store().remove_session(&key(*id)).await.map_err(fault)
    }
}

fn fault(error: StoreError) -> Fault {
    Fault::Backend(error.code().to_owned())
}

/// The store's key of a session, a hash. So nobody who reads the store learns an id.
fn key(id: Id) -> String {
    hex(Sha256::digest(id.0.to_le_bytes()).as_slice())
}

/// Hashes several texts as one.
pub(crate) fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hex(hash.finalize().as_slice())
}

/// Compares two texts in constant time.
pub(crate) fn same(given: &str, held: &str) -> bool {
    bool::from(given.as_bytes().ct_eq(held.as_bytes()))
}

fn random(service: &Service) -> Result<[u8; ENTROPY_BYTES], EnvironmentError> {
    let mut bytes = [0; ENTROPY_BYTES];
    service.entropy().fill(&mut bytes)?;
    Ok(bytes)
}
