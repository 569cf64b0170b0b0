//! Certificates and keys in PEM files.

use std::path::Path;
use std::sync::Arc;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};

use crate::bounded_file;
use crate::error::ServerError;

/// Maximum size of a certificate file, in bytes. Real ones are far smaller.
const MAX_BYTES: u64 = 1 << 20;

/// The cryptography provider. It is passed explicitly instead of relying on the process default.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

pub(crate) fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, ServerError> {
    let bytes = read_file(path)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|_| fault(path, "it is not PEM".to_owned()))?;
    if chain.is_empty() {
        return Err(fault(path, "it contains no certificate".to_owned()));
    }
    Ok(chain)
}

/// Reads a private key. Errors contain none of the file's content.
pub(crate) fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, ServerError> {
    let bytes = zeroize::Zeroizing::new(read_file(path)?);
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| fault(path, "it contains no private key in PEM".to_owned()))
}

fn read_file(path: &Path) -> Result<Vec<u8>, ServerError> {
    bounded_file::read(path, MAX_BYTES).map_err(|reason| fault(path, reason))
}

pub(crate) fn fault(path: &Path, reason: String) -> ServerError {
    ServerError::Certificate {
        path: path.to_owned(),
        reason,
    }
}
