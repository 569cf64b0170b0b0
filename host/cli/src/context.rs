//! The resources of a command. Each is opened on first use.

use std::path::Path;
use std::sync::Arc;

use tokenlatch::{CodeCache, Module, Options, ServerZone, Service, Store, StoreError, open_store, read_peppers};

use crate::failure::Failure;
use crate::known_databases::Known;
use crate::output::Output;
use crate::{Create, Global};

/// The global options, the output, and the service once it is open.
pub struct Context<'a> {
    global: &'a Global,
    /// The command's output.
    pub output: &'a mut Output,
    service: Option<Service>,
    known: Option<Known>,
    went_back: Option<i64>,
}

impl<'a> Context<'a> {
    /// Creates a context. Opens nothing.
    pub fn new(global: &'a Global, output: &'a mut Output) -> Context<'a> {
        Context {
            global,
            output,
            service: None,
            known: None,
            went_back: None,
        }
    }

    /// Loads the embedded module, from the code cache in the user's cache directory if possible.
    pub fn module() -> Result<Module, Failure> {
        Ok(Module::embedded_with(Options::new().cache(CodeCache::User))?)
    }

    /// The database's address, as given.
    pub fn database(&self) -> &str {
        &self.global.database
    }

    /// The pepper file, if given.
    pub fn pepper_file(&self) -> Option<&'a Path> {
        self.global.pepper_file.as_deref()
    }

    /// Returns the time zone for expiry dates and for printed times.
    pub fn zone(&self) -> Result<ServerZone, Failure> {
        Ok(match &self.global.time_zone {
            Some(name) => ServerZone::named(name)?,
            None => ServerZone::of_system()?,
        })
    }

    /// Opens the service on an existing database.
    pub async fn open(&mut self) -> Result<Service, Failure> {
        self.open_with(false).await
    }

    /// Opens the service, and creates the database if it is missing.
    pub async fn open_or_create(&mut self) -> Result<Service, Failure> {
        self.open_with(true).await
    }

    async fn open_with(&mut self, create: bool) -> Result<Service, Failure> {
        let zone = self.zone()?;
        let peppers = match &self.global.pepper_file {
            Some(path) => read_peppers(path)?,
            None => Vec::new(),
        };
        let module = Context::module()?;
        let store = match create {
            true => self.open_or_create_store().await?,
            false => open_store(&self.global.database, false).await?,
        };
        let service = Service::new(module, store).with_peppers(peppers).with_zone(zone);
        self.service = Some(service.clone());
        Ok(service)
    }

    /// Opens the known database, or creates a new one if there was none.
    async fn open_or_create_store(&mut self) -> Result<Arc<dyn Store>, Failure> {
        let (database, when) = (&self.global.database, self.global.create);
        let mut known = Known::beside(database)?;
        let store = match open_store(database, false).await {
            Err(StoreError::Missing(_)) if when != Create::Never => {
                if when != Create::Always {
                    known.check_missing()?;
                }
                let store = open_store(database, true).await?;
                known.record(store.as_ref(), false).await?;
                store
            }
            store => {
                let store = store?;
                self.went_back = match when {
                    Create::Always => None,
                    _ => known.check(store.as_ref()).await?,
                };
                store
            }
        };
        self.known = Some(known);
        Ok(store)
    }

    /// Records the database's state in the file beside it. With `least`, an older state counts as data loss from now on.
    pub async fn record(&mut self, least: bool) -> Result<(), Failure> {
        if let (Some(known), Some(service)) = (&mut self.known, &self.service) {
            known.record(service.store().as_ref(), least).await?;
        }
        Ok(())
    }

    /// The revision that was recorded before, if the database is older than that.
    pub fn went_back(&self) -> Option<i64> {
        self.went_back
    }

    /// Closes the database if it was opened.
    pub async fn close(&self) {
        if let Some(service) = &self.service {
            service.close().await;
        }
    }
}
