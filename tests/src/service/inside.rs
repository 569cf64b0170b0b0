//! Work on a database by the library itself, at any time, for which there is no command.

use std::sync::Arc;

use tokenlatch::{CodeCache, Error, Module, Options, Service, SetClock, open_store};

use super::place::Place;
use crate::fault::Fault;

impl Place {
    /// Runs `work` on the service at a time in Unix seconds, for example to create a token that has expired by now.
    ///
    /// # Errors
    /// The database cannot be opened, or the work fails.
    pub fn inside<T>(&self, now: i64, work: impl AsyncFnOnce(&Service) -> Result<T, Error>) -> Result<T, Fault> {
        let runtime = tokio::runtime::Runtime::new().map_err(Fault::during("a runtime"))?;
        runtime.block_on(async {
            let module =
                Module::embedded_with(Options::new().cache(CodeCache::User)).map_err(Fault::during("the module"))?;
            let store = open_store(self.database(), true)
                .await
                .map_err(Fault::during("the store"))?;
            let service = Service::new(module, store).with_clock(Arc::new(SetClock::at(now)));
            let done = work(&service).await.map_err(Fault::during("the work in the database"));
            service.close().await;
            done
        })
    }
}
