//! TLS: protocols, refusals, and certificates that change while the server runs.

use crate::common;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::common::http::{Running, connect, exchange, field, status};
use crate::common::{edges, module};
use rcgen::{CertificateParams, KeyPair};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokenlatch::core::Access;
use tokenlatch::{Follower, FollowerOptions, NewToken, Service, SqliteStore};
use tokenlatch_server::{CERTIFICATE_FILE, Config, EdgeServer, KEY_FILE, Reload, Server, ServerError, Tls};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

pub(crate) type Secured = StreamOwned<ClientConnection, TcpStream>;

/// A handshake in which the server must present a certificate that `trusted` covers.
pub(crate) fn secured(address: SocketAddr, trusted: &Path, protocols: &[&[u8]]) -> Result<Secured, std::io::Error> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(&fs::read(trusted).unwrap()).unwrap())
        .unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let name = ServerName::try_from("localhost").unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = connect(address);
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    Ok(StreamOwned::new(connection, stream))
}

fn get(stream: &mut Secured) -> String {
    stream
        .write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

fn own(folder: &Path) -> Running {
    let folder = folder.to_owned();
    Running::with(
        |config| {
            config.tls = Tls::SelfSigned { folder };
            config.limits.handshake_time = Duration::from_millis(500);
        },
        None,
    )
}

#[test]
fn self_signed_certificate_secures_the_first_start() {
    let folder = tempfile::tempdir().unwrap();
    let server = own(folder.path());
    let certificate = folder.path().join(CERTIFICATE_FILE);
    assert!(folder.path().join(KEY_FILE).exists());
    for port in [server.account, server.admin] {
        let mut stream = secured(port, &certificate, &[b"h2", b"http/1.1"]).unwrap();
        assert_eq!(stream.conn.alpn_protocol(), Some(b"http/1.1".as_slice()));
        let reply = get(&mut stream);
        assert_eq!(status(&reply), 200, "{reply}");
        assert_eq!(field(&reply, "strict-transport-security"), Some("max-age=31536000"));
    }
    assert!(
        secured(server.account, &certificate, &[b"h2"]).is_err(),
        "HTTP/1.1 only"
    );
    // `curl --http1.0` offers no other protocol.
    let old = secured(server.account, &certificate, &[b"http/1.0"]).unwrap();
    assert_eq!(old.conn.alpn_protocol(), Some(b"http/1.0".as_slice()));
}

#[test]
fn plain_http_on_a_tls_port_is_refused_not_redirected() {
    let folder = tempfile::tempdir().unwrap();
    let server = own(folder.path());
    let reply = exchange(server.account, b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(status(&reply), 400, "{reply}");
    assert_eq!(field(&reply, "location"), None);
    let length: usize = field(&reply, "content-length").unwrap().parse().unwrap();
    assert_eq!(reply.split_once("\r\n\r\n").unwrap().1.len(), length);
}

#[test]
fn a_handshake_that_stalls_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let server = own(folder.path());
    for begun in [b"".as_slice(), b"\x16\x03\x01", b"\x00\x01\x02"] {
        let mut stream = connect(server.account);
        stream.write_all(begun).unwrap();
        let started = Instant::now();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(started.elapsed() < Duration::from_secs(4), "{begun:?}");
    }
    let certificate = folder.path().join(CERTIFICATE_FILE);
    assert_eq!(
        status(&get(&mut secured(server.account, &certificate, &[]).unwrap())),
        200
    );
}

/// Writes a new certificate for localhost.
fn write_pair(certificate: &Path, key: &Path) {
    let pair = KeyPair::generate().unwrap();
    let made = CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .self_signed(&pair)
        .unwrap();
    fs::write(certificate, made.pem()).unwrap();
    fs::write(key, pair.serialize_pem()).unwrap();
}

#[test]
fn failed_certificate_reload_keeps_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key, old] = ["cert.pem", "key.pem", "old.pem"].map(|name| folder.path().join(name));
    write_pair(&certificate, &key);
    fs::copy(&certificate, &old).unwrap();
    let server = Running::with(
        |config| {
            config.tls = Tls::Files {
                certificate: certificate.clone(),
                key: key.clone(),
            };
        },
        None,
    );
    assert!(secured(server.account, &old, &[]).is_ok());
    fs::write(&certificate, "no certificate").unwrap();
    let error = server.runtime.block_on(server.reload.run()).unwrap_err();
    assert_eq!(error.code(), "certificate_invalid");
    assert!(
        secured(server.account, &old, &[]).is_ok(),
        "the old one is still in use"
    );
    // The key of another certificate is refused too.
    write_pair(&certificate, &folder.path().join("other.pem"));
    assert!(server.runtime.block_on(server.reload.run()).is_err());
    assert!(secured(server.account, &old, &[]).is_ok());
    write_pair(&certificate, &key);
    server.runtime.block_on(server.reload.run()).unwrap();
    assert!(secured(server.account, &old, &[]).is_err());
    assert!(secured(server.account, &certificate, &[]).is_ok());
}

/// A file that is reloaded, and where its effect is visible.
struct Reloaded {
    what: &'static str,
    account: SocketAddr,
    reload: Reload,
}

/// One list for both: an edge reloads whatever a server reloads.
#[test]
fn server_and_edge_reload_the_same_files() {
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key, old, catalogue] =
        ["cert.pem", "key.pem", "old.pem", "catalogue.toml"].map(|name| folder.path().join(name));
    let write_catalogue = |feature: &str| {
        let text = format!(
            "[[function]]\nmodule = \"Shop\"\nfunction = \"orders\"\nfeature = \"{feature}\"\nwrites = false\n"
        );
        fs::write(&catalogue, text).unwrap();
    };
    let tell = |config: &mut Config| {
        config.catalogue = Some(catalogue.clone());
        config.tls = Tls::Files {
            certificate: certificate.clone(),
            key: key.clone(),
        };
    };
    write_pair(&certificate, &key);
    write_catalogue("shop");
    let server = Running::with(tell, None);
    let run = |reload: &Reload| -> Result<(), ServerError> { server.runtime.block_on(reload.run()) };
    let limited = |feature: &str| {
        let features = vec![feature.to_owned()];
        let wanted = NewToken::new("alice", feature, Access::Limited { features });
        let created = server.runtime.block_on(server.service.create(wanted)).unwrap();
        format!("cpanel alice:{}", created.token.expose())
    };
    let tokens = [limited("shop"), limited("till")];
    let full = NewToken::new("alice", "full", Access::Full);
    let full = server.runtime.block_on(server.service.create(full)).unwrap();
    let full = format!("cpanel alice:{}", full.token.expose());
    let mut config = Config::plain();
    tell(&mut config);
    let functions = tokenlatch_server::CatalogueFile::new(Some(&catalogue))
        .read(&module())
        .unwrap();
    let options = FollowerOptions {
        catalogue: functions,
        ..FollowerOptions::new(vec![edges::key().public_key()])
    };
    let follower = Follower::new(&module(), options).unwrap();
    let origin = edges::Origin::new(&server.service, 60);
    let edge = server
        .runtime
        .block_on(EdgeServer::bind(config, follower.clone(), origin))
        .unwrap();
    let places = [
        Reloaded {
            what: "server",
            account: server.account,
            reload: server.reload.clone(),
        },
        Reloaded {
            what: "edge",
            account: edge.addresses().0,
            reload: edge.reload(),
        },
    ];
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = server
        .runtime
        .spawn(edge.run_until(stopped, std::future::pending::<()>()));
    server.runtime.block_on(edges::until(&follower, &full, "ok"));
    for place in places {
        let what = place.what;
        write_pair(&certificate, &key);
        fs::copy(&certificate, &old).unwrap();
        write_catalogue("shop");
        run(&place.reload).unwrap();
        let statuses = |trusted: &Path| {
            tokens.each_ref().map(|token| {
                let mut stream = secured(place.account, trusted, &[]).unwrap();
                let head = format!(
                    "GET /auth?module=Shop&function=orders HTTP/1.1\r\nHost: localhost\r\nAuthorization: {token}\r\nConnection: close\r\n\r\n"
                );
                stream.write_all(head.as_bytes()).unwrap();
                let mut reply = String::new();
                stream.read_to_string(&mut reply).unwrap();
                status(&reply)
            })
        };
        assert_eq!(statuses(&old), [200, 403], "{what}");
        write_pair(&certificate, &key);
        write_catalogue("till");
        assert_eq!(statuses(&old), [200, 403], "{what}: not before it is told to");
        run(&place.reload).unwrap();
        assert_eq!(statuses(&certificate), [403, 200], "{what}");
        assert!(secured(place.account, &old, &[]).is_err(), "{what}");
        // An unusable file keeps its old content in use, and does not block the others.
        fs::copy(&certificate, &old).unwrap();
        fs::write(&catalogue, "nonsense").unwrap();
        write_pair(&certificate, &key);
        assert_eq!(
            run(&place.reload).unwrap_err().code(),
            "catalogue_file_invalid",
            "{what}"
        );
        assert_eq!(statuses(&certificate), [403, 200], "{what}");
        write_catalogue("not a feature");
        assert_eq!(run(&place.reload).unwrap_err().code(), "feature_invalid", "{what}");
        assert_eq!(statuses(&certificate), [403, 200], "{what}");
        fs::copy(&certificate, &old).unwrap();
        fs::write(&certificate, "nonsense").unwrap();
        write_catalogue("shop");
        assert_eq!(run(&place.reload).unwrap_err().code(), "certificate_invalid", "{what}");
        assert_eq!(statuses(&old), [200, 403], "{what}");
    }
    stop.send(()).unwrap();
    server.runtime.block_on(running).unwrap();
}

#[test]
fn invalid_listener_configurations_are_refused() {
    let place = common::Place::new();
    let code = |change: &dyn Fn(&mut Config)| {
        common::run(async {
            let store = Arc::new(SqliteStore::open(&place.database, true).await.unwrap());
            let mut config = Config::plain();
            change(&mut config);
            let bound = Server::bind(config, Service::new(module(), store)).await;
            bound.map(drop).map_err(|error| error.code())
        })
    };
    let everywhere: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let folder = place.folder.path();
    assert_eq!(code(&|config| config.listen = everywhere), Err("plain_not_loopback"));
    assert_eq!(
        code(&|config| config.admin_listen = Some(everywhere)),
        Err("plain_not_loopback")
    );
    let own = |config: &mut Config| {
        config.tls = Tls::SelfSigned {
            folder: folder.to_owned(),
        }
    };
    assert_eq!(
        code(&|config| {
            own(config);
            config.listen = everywhere;
        }),
        Err("certificate_needed")
    );
    let missing = Tls::Files {
        certificate: folder.join("none"),
        key: folder.join("none"),
    };
    assert_eq!(code(&|config| config.tls = missing.clone()), Err("certificate_invalid"));
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    assert_eq!(
        code(&|config| config.listen = held.local_addr().unwrap()),
        Err("port_in_use")
    );
    assert_eq!(code(&|_| {}), Ok(()));
}

#[test]
fn head_split_over_tls_records_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let server = own(folder.path());
    let mut stream = secured(server.account, &folder.path().join(CERTIFICATE_FILE), &[]).unwrap();
    for byte in b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" {
        stream.write_all(&[*byte]).unwrap();
        stream.flush().unwrap();
    }
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert_eq!(status(&reply), 200);
}
