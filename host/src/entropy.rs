//! The system's randomness. Nothing else asks for it.

use std::fmt;

use zeroize::Zeroizing;

use crate::error::EnvironmentError;
use crate::hex::hex;

/// The number of random bytes that the module needs for a token.
pub const ENTROPY_BYTES: usize = 64;

/// A source of randomness that is fit for secrets.
pub trait Entropy: fmt::Debug + Send + Sync {
    /// Fills the whole buffer or fails. A partly filled buffer is never used.
    ///
    /// # Errors
    /// [`EnvironmentError::Entropy`]; no token is made then.
    fn fill(&self, bytes: &mut [u8; ENTROPY_BYTES]) -> Result<(), EnvironmentError>;
}

/// The operating system's random number generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8; ENTROPY_BYTES]) -> Result<(), EnvironmentError> {
        getrandom::fill(bytes).map_err(|error| EnvironmentError::Entropy(error.to_string()))
    }
}

/// Returns fresh entropy as hex digits, the form that the module expects. It is wiped on drop.
pub(crate) fn fresh(source: &dyn Entropy) -> Result<Zeroizing<String>, EnvironmentError> {
    let mut bytes = Zeroizing::new([0; ENTROPY_BYTES]);
    source.fill(&mut bytes)?;
    Ok(Zeroizing::new(hex(bytes.as_slice())))
}
