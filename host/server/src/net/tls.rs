//! TLS by rustls: versions 1.2 and 1.3. Certificates can be reloaded while the server runs.

use std::sync::{Arc, PoisonError, RwLock};

use rustls_pki_types::{CertificateDer, ServerName};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use webpki::EndEntityCert;

use crate::config::{Config, Tls};
use crate::error::ServerError;
use crate::net::certificate_files::{self, CertificateFiles};
use crate::net::pem::{fault, provider, read_chain, read_key};

/// The certificates of a server. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Certificates {
    source: Tls,
    current: Arc<RwLock<Current>>,
}

/// The certificate in use.
#[derive(Clone, Debug)]
struct Current {
    config: Arc<ServerConfig>,
    /// The server's own certificate, the first of its chain.
    own: CertificateDer<'static>,
}

impl Certificates {
    /// Reads the certificates, or creates a self-signed one. `None` for plain HTTP.
    pub(crate) fn open(config: &Config) -> Result<Option<Certificates>, ServerError> {
        if matches!(config.tls, Tls::Plain) {
            return Ok(None);
        }
        let current = read(&pair(&config.tls)?)?;
        Ok(Some(Certificates {
            source: config.tls.clone(),
            current: Arc::new(RwLock::new(current)),
        }))
    }

    /// The acceptor for the next handshake.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.current().config)
    }

    /// Whether the certificate is valid for a name or an address.
    pub(crate) fn names(&self, name: &ServerName<'_>) -> bool {
        let own = self.current().own;
        EndEntityCert::try_from(&own).is_ok_and(|own| own.verify_is_valid_for_subject_name(name).is_ok())
    }

    fn current(&self) -> Current {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reloads the files. On an error the old certificate stays in use.
    pub(crate) fn reload(&self) -> Result<(), ServerError> {
        let new = read(&pair(&self.source)?)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// Renews a self-signed certificate that expires soon.
    pub(crate) fn renew(&self) -> Result<(), ServerError> {
        match self.source {
            Tls::SelfSigned { .. } => self.reload(),
            _ => Ok(()),
        }
    }
}

fn pair(source: &Tls) -> Result<CertificateFiles, ServerError> {
    match source {
        Tls::Files { certificate, key } => Ok(CertificateFiles {
            certificate: certificate.clone(),
            key: key.clone(),
        }),
        Tls::SelfSigned { folder } => certificate_files::own(folder),
        // Not reached for plain HTTP.
        Tls::Plain => Ok(CertificateFiles::default()),
    }
}

fn read(pair: &CertificateFiles) -> Result<Current, ServerError> {
    let chain = read_chain(&pair.certificate)?;
    let Some(own) = chain.first().cloned() else {
        return Err(fault(&pair.certificate, "it contains no certificate".to_owned()));
    };
    let key = read_key(&pair.key)?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| fault(&pair.certificate, error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec(), b"http/1.0".to_vec()];
    Ok(Current {
        config: Arc::new(config),
        own,
    })
}
