//! A self-signed certificate for loopback names, in two files beside the database.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, SanType, date_time_ymd};
use rustls_pki_types::{ServerName, UnixTime};
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use zeroize::Zeroizing;

use crate::error::ServerError;
use crate::net::pem::{fault, provider, read_chain, read_key};
use tokenlatch::write_atomically;

/// File name of the certificate.
pub const CERTIFICATE_FILE: &str = "tokenlatch-cert.pem";
/// File name of its key.
pub const KEY_FILE: &str = "tokenlatch-key.pem";

const DAY: Duration = Duration::from_secs(86_400);
/// Lifetime of a certificate: the maximum that browsers accept.
const LIFE: Duration = Duration::from_secs(397 * 86_400);
/// How long before its end the certificate is renewed.
const RENEWAL: Duration = Duration::from_secs(30 * 86_400);

/// The two files of a certificate.
#[derive(Clone, Debug, Default)]
pub(crate) struct CertificateFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// The certificate in this folder. It is created if there is none, or if it expires soon.
pub(crate) fn own(folder: &Path) -> Result<CertificateFiles, ServerError> {
    let pair = CertificateFiles {
        certificate: folder.join(CERTIFICATE_FILE),
        key: folder.join(KEY_FILE),
    };
    match (pair.certificate.exists(), pair.key.exists()) {
        (true, true) => {
            if !lasts(&pair, now()? + RENEWAL)? {
                make(&pair, now()?)?;
                tracing::info!(
                    "the certificate in `{}` expires soon: renewed",
                    pair.certificate.display()
                );
            }
        }
        (false, false) => make(&pair, now()?)?,
        // Somebody removed the key. A new key must not replace one that is in use elsewhere.
        (true, false) => {
            return Err(fault(&pair.key, "it is missing, but its certificate exists".to_owned()));
        }
        (false, true) => {
            return Err(fault(&pair.certificate, "it is missing, but its key exists".to_owned()));
        }
    }
    Ok(pair)
}

/// Whether the certificate is valid for `localhost` at a time. `false` only if it has expired or is not valid yet. Any other
/// fault is an error.
fn lasts(pair: &CertificateFiles, at: Duration) -> Result<bool, ServerError> {
    use tokio_rustls::rustls::{CertificateError, Error};
    read_key(&pair.key)?;
    let chain = read_chain(&pair.certificate)?;
    let unusable = |error: &dyn std::fmt::Display| fault(&pair.certificate, error.to_string());
    let Some(own) = chain.first() else {
        return Ok(false);
    };
    let mut roots = RootCertStore::empty();
    roots.add(own.clone()).map_err(|error| unusable(&error))?;
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider())
        .build()
        .map_err(|error| unusable(&error))?;
    let name = ServerName::try_from("localhost").map_err(|error| unusable(&error))?;
    match verifier.verify_server_cert(own, &[], &name, &[], UnixTime::since_unix_epoch(at)) {
        Ok(_) => Ok(true),
        Err(Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        )) => Ok(false),
        Err(error) => Err(unusable(&error)),
    }
}

fn make(pair: &CertificateFiles, now: Duration) -> Result<(), ServerError> {
    let unmade = |error: rcgen::Error| fault(&pair.certificate, error.to_string());
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "Tokenlatch on this machine");
    params.subject_alt_names = vec![
        SanType::DnsName("localhost".try_into().map_err(unmade)?),
        SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)),
    ];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // One day back, for clients whose clock is slow.
    params.not_before = date_time_ymd(1970, 1, 1) + now.saturating_sub(DAY);
    params.not_after = date_time_ymd(1970, 1, 1) + (now + LIFE);
    let key = KeyPair::generate().map_err(unmade)?;
    let certificate = params.self_signed(&key).map_err(unmade)?;
    let key = Zeroizing::new(key.serialize_pem());
    write(&pair.key, key.as_bytes(), 0o600)?;
    write(&pair.certificate, certificate.pem().as_bytes(), 0o644)
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), ServerError> {
    write_atomically(path, bytes, mode).map_err(|error| fault(path, error.to_string()))
}

fn now() -> Result<Duration, ServerError> {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_err(|_| tokenlatch::Error::from(tokenlatch::EnvironmentError::Clock).into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use std::fs;

    use super::*;

    #[test]
    fn a_certificate_is_made_once_and_renewed_before_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let pair = own(folder.path()).unwrap();
        let first = fs::read(&pair.certificate).unwrap();
        assert_eq!(
            fs::read(own(folder.path()).unwrap().certificate).unwrap(),
            first,
            "kept"
        );
        let now = now().unwrap();
        assert!(lasts(&pair, now).unwrap());
        assert!(!lasts(&pair, now + LIFE + DAY).unwrap());
        make(&pair, now - LIFE + DAY * 20).unwrap();
        let ending = fs::read(&pair.certificate).unwrap();
        assert_ne!(
            fs::read(own(folder.path()).unwrap().certificate).unwrap(),
            ending,
            "renewed"
        );
        assert!(lasts(&pair, now + RENEWAL).unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_the_key() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().unwrap();
        let pair = own(folder.path()).unwrap();
        assert_eq!(fs::metadata(pair.key).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(pair.certificate).unwrap().mode() & 0o077, 0o044);
    }

    #[test]
    fn incomplete_or_invalid_key_pairs_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let pair = own(folder.path()).unwrap();
        fs::write(
            &pair.certificate,
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        )
        .unwrap();
        assert_eq!(own(folder.path()).unwrap_err().code(), "certificate_invalid");
        fs::remove_file(&pair.certificate).unwrap();
        assert_eq!(own(folder.path()).unwrap_err().code(), "certificate_invalid");
    }
}
