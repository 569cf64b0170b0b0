//! Opens the store at an address.

use std::sync::Arc;

use super::composed::Store;
use super::database_url::is_postgres;
use super::error::StoreError;
use super::postgres::PostgresStore;
use super::sqlite::SqliteStore;

/// Opens a store: a path or `sqlite:PATH` for a file, `postgres://…` for a server. `create` creates it if it is missing.
///
/// # Errors
/// See [`SqliteStore::open`] and [`PostgresStore::open`].
pub async fn open_store(address: &str, create: bool) -> Result<Arc<dyn Store>, StoreError> {
    if is_postgres(address) {
        return Ok(Arc::new(PostgresStore::open(address, create).await?));
    }
    Ok(Arc::new(SqliteStore::open(address, create).await?))
}
