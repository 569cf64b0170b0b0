//! Client addresses and request ids, and from whom they are accepted.

use crate::common::http::{Running, field};
use axum::routing::any;
use axum::{Extension, Router};
use tokenlatch_server::Client;

fn server(trusted: &[&str]) -> Running {
    let told = |Extension(client): Extension<Client>| async move {
        let address = client
            .address
            .map_or("unknown".to_owned(), |address| address.to_string());
        format!("[{address}] {} {}", client.trusted_proxy, client.request_id)
    };
    let trusted: Vec<_> = trusted.iter().map(|net| net.parse().unwrap()).collect();
    Running::with(
        |config| config.trusted_proxies = trusted,
        Some(Router::new().fallback(any(told))),
    )
}

fn ask(server: &Running, fields: &str) -> String {
    server.send(format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}\r\n").as_bytes())
}

#[test]
fn trusted_proxy_supplies_the_client_address() {
    let server = server(&["127.0.0.0/8", "10.0.0.0/8", "2001:db8:1::/48"]);
    for (fields, address) in [
        ("", "127.0.0.1"),
        ("X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1"),
        ("X-Forwarded-For: 6.6.6.6, 192.0.2.1\r\n", "192.0.2.1"),
        ("X-Forwarded-For: 192.0.2.1, 10.0.0.1,10.0.0.2\r\n", "192.0.2.1"),
        (
            "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 10.0.0.1\r\n",
            "192.0.2.1",
        ),
        ("X-Forwarded-For: 10.0.0.1\r\n", "10.0.0.1"),
        ("X-Forwarded-For: ::ffff:192.0.2.1\r\n", "192.0.2.1"),
        ("X-Forwarded-For: 2001:db8::1, [2001:db8:1::1]:443\r\n", "2001:db8::1"),
        ("X-Forwarded-For: 192.0.2.1:5000\r\n", "192.0.2.1"),
        ("X-Forwarded-For: [2001:db8::1]\r\n", "2001:db8::1"),
        // Entries to the left of the client's own address are ignored.
        ("X-Forwarded-For: rubbish, 192.0.2.1\r\n", "192.0.2.1"),
        ("X-Forwarded-For: rubbish\r\n", "unknown"),
        ("X-Forwarded-For: \r\n", "unknown"),
        ("X-Forwarded-For: 192.0.2.1,\r\n", "unknown"),
        ("X-Forwarded-For: 192.0.2.1, unknown\r\n", "unknown"),
        ("X-Forwarded-For: 192.0.2.1, rubbish, 10.0.0.1\r\n", "unknown"),
        ("X-Forwarded-For: fe80::1%eth0\r\n", "unknown"),
    ] {
        let reply = ask(&server, fields);
        assert!(reply.contains(&format!("[{address}] true")), "{fields:?}: {reply}");
    }
}

#[test]
fn untrusted_peers_cannot_set_the_client_address() {
    let server = server(&["10.0.0.0/8"]);
    let reply = ask(&server, "X-Forwarded-For: 192.0.2.1\r\nX-Request-Id: mine\r\n");
    assert!(reply.contains("[127.0.0.1] false"), "{reply}");
    assert_ne!(field(&reply, "x-request-id"), Some("mine"));
}

#[test]
fn request_ids_are_made_or_taken_from_a_trusted_proxy() {
    let server = server(&["127.0.0.1/32"]);
    let id = |fields: &str| field(&ask(&server, fields), "x-request-id").unwrap().to_owned();
    assert_eq!(id("X-Request-Id: a.B_9-z\r\n"), "a.B_9-z");
    assert!(
        ask(&server, "X-Request-Id: a.B_9-z\r\n").ends_with("a.B_9-z"),
        "the handler knows it too"
    );
    let long = "x".repeat(65);
    for other in [
        "",
        "X-Request-Id: a b\r\n",
        "X-Request-Id: <i>\r\n",
        "X-Request-Id:\r\n",
    ] {
        assert!(id(other).len() >= 18, "{other:?}");
    }
    assert_ne!(id(&format!("X-Request-Id: {long}\r\n")), long);
    assert!(id("X-Request-Id: one\r\nX-Request-Id: one\r\n").len() >= 18);
    assert_ne!(id(""), id(""));
}
