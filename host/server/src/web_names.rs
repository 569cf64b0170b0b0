//! The names of the web interface: its paths and its session cookie, which set it apart from the API on the same ports.

use tokenlatch_core::Realm;

/// Start of every path that needs a login.
pub(crate) const PREFIX: &str = "/cpsess";
/// Number of digits after [`PREFIX`].
const DIGITS: usize = 10;

/// The name of the session's cookie on a realm's port. RULES.md, 4.
pub(crate) const fn session_cookie(realm: Realm) -> &'static str {
    match realm {
        Realm::Account => "cpsession",
        Realm::Admin => "whostmgrsession",
    }
}

/// The first page after a login, without the session's prefix.
pub(crate) const fn home(realm: Realm) -> &'static str {
    match realm {
        Realm::Account => "/tokens",
        Realm::Admin => "/accounts",
    }
}

/// Whether a cookie is a session cookie of either port.
pub(crate) fn is_session(cookie: &[u8]) -> bool {
    [Realm::Account, Realm::Admin]
        .iter()
        .any(|realm| session_cookie(*realm).as_bytes() == cookie)
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
