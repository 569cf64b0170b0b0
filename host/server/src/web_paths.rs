//! The paths and cookies of the web interface: what sets it apart from the API on the same ports.

use serde::{Deserialize, Serialize};

/// Start of every path that needs a login.
pub(crate) const PREFIX: &str = "/cpsess";
/// Number of digits after [`PREFIX`].
const DIGITS: usize = 10;

/// The port of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Port {
    /// The account port.
    Account,
    /// The administrator's port.
    Admin,
}

impl Port {
    /// The name of the session's cookie. RULES.md, 4.
    pub(crate) const fn cookie(self) -> &'static str {
        match self {
            Port::Account => "cpsession",
            Port::Admin => "whostmgrsession",
        }
    }

    /// The first page, without the session's prefix.
    pub(crate) const fn home(self) -> &'static str {
        match self {
            Port::Account => "/tokens",
            Port::Admin => "/accounts",
        }
    }
}

/// Whether a cookie is a session cookie of either port.
pub(crate) fn is_session(cookie: &[u8]) -> bool {
    [Port::Account, Port::Admin]
        .iter()
        .any(|port| port.cookie().as_bytes() == cookie)
}

/// Whether a path belongs to the web interface. Other paths belong to the API.
pub(crate) fn belongs(path: &str) -> bool {
    matches!(path, "/" | "/login" | "/logout" | "/favicon.ico")
        || path.starts_with("/assets/")
        || inside(path).is_some()
}

/// Splits a path into the digits of the session's prefix and the rest.
pub(crate) fn inside(path: &str) -> Option<(&str, &str)> {
    let (digits, rest) = path.strip_prefix(PREFIX)?.split_at_checked(DIGITS)?;
    let sound = digits.bytes().all(|byte| byte.is_ascii_digit()) && (rest.is_empty() || rest.starts_with('/'));
    sound.then_some((digits, rest))
}
