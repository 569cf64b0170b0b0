//! What a command works with, opened when it is first needed.

use std::path::Path;

use tokenlatch::{CodeCache, Module, Options, ServerZone, Service, open_store, read_peppers};

use super::Global;
use super::failure::Failure;
use super::output::Output;

/// The options that hold everywhere, the output, and the service once it is open.
pub struct Context<'a> {
    global: &'a Global,
    /// Where the command prints.
    pub output: &'a mut Output,
    service: Option<Service>,
}

impl<'a> Context<'a> {
    /// Nothing is opened yet.
    pub fn new(global: &'a Global, output: &'a mut Output) -> Context<'a> {
        Context {
            global,
            output,
            service: None,
        }
    }

    /// The embedded module, compiled ahead where the user's cache directory allows it.
    pub fn module() -> Result<Module, Failure> {
        Ok(Module::embedded_with(Options::new().cache(CodeCache::User))?)
    }

    /// The database's address, as it was given.
    pub fn database(&self) -> &str {
        &self.global.database
    }

    /// The file of peppers, if one was named.
    pub fn pepper_file(&self) -> Option<&'a Path> {
        self.global.pepper_file.as_deref()
    }

    /// The zone for dates and for showing times.
    pub fn zone(&self) -> Result<ServerZone, Failure> {
        Ok(match &self.global.time_zone {
            Some(name) => ServerZone::named(name)?,
            None => ServerZone::of_system()?,
        })
    }

    /// The service over a database that is there.
    pub async fn open(&mut self) -> Result<Service, Failure> {
        self.open_with(false).await
    }

    /// The service over the database, which is made when it is missing.
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
        let store = open_store(&self.global.database, create).await?;
        let service = Service::new(module, store).with_peppers(peppers).with_zone(zone);
        self.service = Some(service.clone());
        Ok(service)
    }

    /// Lets go of the database, if it was opened.
    pub async fn close(&self) {
        if let Some(service) = &self.service {
            service.close().await;
        }
    }
}
