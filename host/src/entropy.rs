//! The one place that asks for randomness.

use std::fmt;

use zeroize::Zeroizing;

use crate::error::EnvironmentError;
use crate::hex::hex;

/// How many bytes the module makes a token from.
pub const ENTROPY_BYTES: usize = 64;

/// Gives randomness fit for secrets.
pub trait Entropy: fmt::Debug + Send + Sync {
    /// Fills the whole buffer, or fails: a partly filled one is never used.
    ///
    /// # Errors
    /// [`EnvironmentError::Entropy`]; then no token is made.
    fn fill(&self, bytes: &mut [u8; ENTROPY_BYTES]) -> Result<(), EnvironmentError>;
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8; ENTROPY_BYTES]) -> Result<(), EnvironmentError> {
        getrandom::fill(bytes).map_err(|error| EnvironmentError::Entropy(error.to_string()))
    }
}

/// Fresh entropy as the module takes it: hex digits, wiped when dropped.
pub(crate) fn fresh(source: &dyn Entropy) -> Result<Zeroizing<String>, EnvironmentError> {
    let mut bytes = Zeroizing::new([0; ENTROPY_BYTES]);
    source.fill(&mut bytes)?;
    Ok(Zeroizing::new(hex(bytes.as_slice())))
}
