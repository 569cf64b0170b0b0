//! The catalogue file: functions that the operator adds to the built-in catalogue.

use std::path::Path;
use std::sync::Arc;

use tokenlatch_core::Catalogue;

pub use super::catalogue_rows::JoinedCatalogue;
pub(crate) use super::catalogue_rows::WHM;
pub use super::catalogue_rows::is_ours;
use super::catalogue_rows::{Written, join, parse};
use crate::bounded_file;
use crate::error::ServerError;
use tokenlatch::Module;

/// Maximum size of a catalogue file, in bytes.
pub const MAX_FILE: u64 = 4 * 1024 * 1024;

/// The path of a catalogue file. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct CatalogueFile {
    path: Option<Arc<Path>>,
}

impl CatalogueFile {
    /// The catalogue of a file, or the built-in catalogue if there is no file. Nothing is read yet.
    #[must_use]
    pub fn new(path: Option<&Path>) -> CatalogueFile {
        CatalogueFile {
            path: path.map(Arc::from),
        }
    }

    /// Whether there is no file.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        self.path.is_none()
    }

    /// Reads the file and merges it with the built-in functions. `None` if there is no file. The module has not checked the
    /// result yet.
    ///
    /// # Errors
    /// [`ServerError::Catalogue`]; failures of the module.
    pub fn read(&self, module: &Module) -> Result<Option<Catalogue>, ServerError> {
        Ok(self.join(module)?.map(|joined| joined.catalogue))
    }

    /// As [`CatalogueFile::read`], with what is needed to say where a fault is.
    ///
    /// # Errors
    /// As [`CatalogueFile::read`].
    pub fn join(&self, module: &Module) -> Result<Option<JoinedCatalogue>, ServerError> {
        let Some(path) = self.path.as_deref() else {
            return Ok(None);
        };
        let written = read(path).map_err(|reason| ServerError::Catalogue {
            path: path.to_owned(),
            reason,
        })?;
        Ok(Some(join(module.functions()?.functions, written)))
    }
}

fn read(path: &Path) -> Result<Written, String> {
    let bytes = bounded_file::read(path, MAX_FILE)?;
    let text = String::from_utf8(bytes).map_err(|error| error.to_string())?;
    let extension = path.extension().and_then(|extension| extension.to_str());
    parse(extension.unwrap_or_default(), &text)
}
