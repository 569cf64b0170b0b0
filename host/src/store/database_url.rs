//! The URL of a database, or its path: whether it names a server, and what of it may be shown.

/// Whether an address names a PostgreSQL server.
pub(super) fn is_postgres(address: &str) -> bool {
    ["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| address.starts_with(scheme))
}

/// Returns the address up to its scheme. The rest may contain a password.
pub(super) fn redacted(address: &str) -> String {
    match address.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://…"),
        None => address.to_owned(),
    }
}
