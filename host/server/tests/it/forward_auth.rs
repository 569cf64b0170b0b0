//! `/auth`, for a proxy in front of an API.

use tokenlatch::core::{Catalogue, Route};

use crate::common::served::{DENIED, Request, Running};

fn trusting() -> Running {
    Running::with(|config| config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()])
}

/// The status for a token, when a proxy asks about a request.
fn proxied(running: &Running, authorization: &str, fields: [&str; 2], method: &str, uri: &str) -> u16 {
    let request = Request::new("GET", "/auth").authorization(authorization);
    let request = request.header(fields[0], uri).header(fields[1], method);
    request.send(running.account).status
}

const NGINX: [&str; 2] = ["X-Original-URI", "X-Original-Method"];
const CADDY: [&str; 2] = ["X-Forwarded-Uri", "X-Forwarded-Method"];

#[test]
fn auth_returns_the_identity_headers() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    let answer = running.get(&alice, "/auth");
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let field = |name: &str| answer.header(&format!("x-tokenlatch-{name}")).map(str::to_owned);
    assert_eq!(field("user").as_deref(), Some("alice"));
    assert_eq!(field("token-id").unwrap().len(), 24);
    assert_eq!(field("token-name").as_deref(), Some("first"));
    assert_eq!(field("access").as_deref(), Some("full"));
    assert_eq!(field("features"), None);
    assert_eq!(field("read-only").as_deref(), Some("0"));
    assert_eq!(field("expires").as_deref(), Some("1831593599"));
    let mail = running.limited("alice", "mail", &["popaccts", "mysql"]);
    let answer = running.get(&mail, "/auth?feature=mysql");
    assert_eq!(answer.header("x-tokenlatch-access"), Some("limited"));
    assert_eq!(answer.header("x-tokenlatch-features"), Some("popaccts,mysql"));
}

#[test]
fn auth_reply_fits_a_proxys_default_buffer() {
    let running = Running::start();
    let user = "u".repeat(64);
    running.block_on(async {
        let all = tokenlatch::core::Features::All;
        running.state.service.add_account(&user, all).await.unwrap();
    });
    running.lift_caps(&user);
    // 64 bytes and a comma each: 47 of them, and one that makes the total 3,072 bytes, are the longest list that is sent.
    let feature = |number: usize, length: usize| format!("{number:03}{}", "x".repeat(length - 3));
    for (count, last, sent) in [
        (47, 64, true),
        (48, 17, true),
        (48, 18, false),
        (90, 64, false),
        (1000, 64, false),
    ] {
        let mut features: Vec<String> = (1..count).map(|number| feature(number, 64)).collect();
        features.push(feature(count % 1000, last));
        let named: Vec<&str> = features.iter().map(String::as_str).collect();
        let name = format!("{:0>50}", format!("{count}-{last}"));
        let token = running.limited(&user, &name, &named);
        let answer = running.get(&token, &format!("/auth?feature={}&writes=0", features[0]));
        assert_eq!(answer.status, 200);
        let list = features.join(",");
        assert_eq!(
            answer.header("x-tokenlatch-features"),
            sent.then_some(list.as_str()),
            "{count}"
        );
        let omitted = count.to_string();
        assert_eq!(
            answer.header("x-tokenlatch-features-omitted"),
            (!sent).then_some(omitted.as_str()),
            "{count}"
        );
        let fields = answer.headers.iter().map(|(name, value)| name.len() + value.len() + 4);
        // Over TLS there is one more.
        let head =
            "HTTP/1.1 200 OK\r\n\r\nStrict-Transport-Security: max-age=31536000\r\n".len() + fields.sum::<usize>();
        assert!(head <= 4096, "{head}");
    }
}

#[test]
fn auth_accepts_every_method_and_ignores_the_body() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let request = Request::new(method, "/auth").authorization(&alice);
        assert_eq!(request.send(running.account).status, 200, "{method}");
        assert_eq!(
            Request::new(method, "/auth").send(running.account).status,
            401,
            "{method}"
        );
    }
    let request = Request::new("POST", "/auth")
        .authorization(&alice)
        .body("text/plain", "anything");
    assert_eq!(request.send(running.account).status, 200);
}

#[test]
fn the_query_names_the_call() {
    let running = Running::start();
    let mail = running.limited("alice", "mail", &["popaccts"]);
    let reader = running.reader("alice", "reader");
    for (target, of_mail, of_reader) in [
        ("/auth", 403, 403),
        ("/auth?module=Email&function=list_pops", 200, 200),
        ("/auth?module=Email&function=add_pop", 200, 403),
        ("/auth?module=Email&function=listpops&api=api2", 200, 200),
        ("/auth?module=Email&function=listpops", 403, 403),
        ("/auth?module=Email&function=listpops&api=api1", 403, 403),
        ("/auth?module=No&function=such", 403, 403),
        ("/auth?feature=popaccts", 200, 403),
        ("/auth?feature=popaccts&writes=0", 200, 200),
        ("/auth?feature=mysql&writes=0", 403, 200),
        ("/auth?writes=0", 403, 200),
        ("/auth?writes=1", 403, 403),
    ] {
        assert_eq!(running.get(&mail, target).status, of_mail, "{target}");
        assert_eq!(running.get(&reader, target).status, of_reader, "{target}");
        assert_eq!(running.get("", target).status, 401, "{target}");
    }
    let refused = running.get(&mail, "/auth?writes=0");
    assert_eq!(refused.body, DENIED);
    assert_eq!(refused.header("x-tokenlatch-user"), None);
}

#[test]
fn invalid_auth_query_is_refused() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    for query in [
        "module=Email",
        "function=add_pop",
        "module=E&function=f&writes=0",
        "module=E&function=f&feature=x",
        "writes=2",
        "api=uapi",
        "api=api9&module=E&function=f",
        "colour=red",
        "feature=a&feature=b",
        "writes=0&writes=0",
        "feature=a%20b",
        "feature=",
    ] {
        assert_eq!(running.get(&alice, &format!("/auth?{query}")).status, 400, "{query}");
    }
}

#[test]
fn a_trusted_proxy_names_the_request() {
    let running = trusting();
    let mail = running.limited("alice", "mail", &["popaccts"]);
    let reader = running.reader("alice", "reader");
    for fields in [NGINX, CADDY] {
        for (method, uri, of_mail, of_reader) in [
            ("GET", "/execute/Email/list_pops?a=b", 200, 200),
            ("GET", "/execute/Email/add_pop", 200, 403),
            ("POST", "/execute/Email/list_pops", 200, 200),
            (
                "GET",
                "/json-api/cpanel?cpanel_jsonapi_apiversion=2&cpanel_jsonapi_module=Email&cpanel_jsonapi_func=listpops",
                403,
                403,
            ),
            (
                "POST",
                "/json-api/cpanel?cpanel_jsonapi_apiversion=2&cpanel_jsonapi_module=Email&cpanel_jsonapi_func=listpops",
                403,
                403,
            ),
            (
                "GET",
                "/json-api/cpanel?cpanel_jsonapi_apiversion=1&cpanel_jsonapi_module=Email&cpanel_jsonapi_func=listpops",
                403,
                403,
            ),
            ("GET", "/orders/1", 403, 200),
            ("HEAD", "/orders/1", 403, 200),
            ("POST", "/orders", 403, 403),
            ("DELETE", "/orders/1", 403, 403),
            ("GET", "/a%20b/.well-known/x", 403, 200),
        ] {
            assert_eq!(proxied(&running, &mail, fields, method, uri), of_mail, "{method} {uri}");
            assert_eq!(
                proxied(&running, &reader, fields, method, uri),
                of_reader,
                "{method} {uri}"
            );
        }
    }
}

#[test]
fn a_trusted_proxy_names_a_route() {
    let running = trusting();
    let route = |method: &str, path: &str, feature: Option<&str>, public| Route {
        method: method.to_owned(),
        path: path.to_owned(),
        feature: feature.map(str::to_owned),
        writes: method != "GET",
        public,
    };
    let catalogue = Catalogue {
        routes: vec![
            route("GET", "/v1/orders/{id}", Some("popaccts"), false),
            route("POST", "/v1/orders", Some("popaccts"), false),
            route("GET", "/status", None, true),
        ],
        ..Catalogue::default()
    };
    running
        .block_on(running.state.verifier.set_catalogue(Some(catalogue)))
        .unwrap();
    let mail = running.limited("alice", "mail", &["popaccts"]);
    let reader = running.reader("alice", "reader");
    let full = running.full("alice", "full");
    for fields in [NGINX, CADDY] {
        for (method, uri, expected) in [
            ("GET", "/v1/orders/7?all", [200, 200, 200]),
            ("HEAD", "/v1/orders/7", [200, 200, 200]),
            ("POST", "/v1/orders", [200, 403, 200]),
            ("GET", "/V1/orders/7", [403, 403, 200]),
            ("GET", "/v1/orders/7/", [403, 403, 200]),
            ("GET", "/other", [403, 403, 200]),
            ("GET", "/v1/%6frders", [403, 403, 403]),
            ("get", "/v1/orders/7", [403, 403, 403]),
            ("GET", "/v1/orders/7?_method=DELETE", [403, 403, 403]),
            ("GET", "/execute/Email/list_pops", [200, 200, 200]),
        ] {
            let found = [&mail, &reader, &full].map(|token| proxied(&running, token, fields, method, uri));
            assert_eq!(found, expected, "{method} {uri}");
        }
        for (authorization, method, uri, status) in [
            (None, "GET", "/status", 200),
            (Some("Bearer nothing"), "HEAD", "/status?x", 200),
            (None, "POST", "/status", 401),
            (None, "GET", "/Status", 401),
            (None, "GET", "/status/", 401),
            (None, "GET", "/status%2f", 401),
        ] {
            let mut request = Request::new("GET", "/auth")
                .header(fields[0], uri)
                .header(fields[1], method);
            if let Some(authorization) = authorization {
                request = request.authorization(authorization);
            }
            let answer = request.send(running.account);
            assert_eq!(answer.status, status, "{method} {uri}");
            assert!(
                answer
                    .headers
                    .iter()
                    .all(|(name, _)| !name.starts_with("x-tokenlatch-"))
            );
        }
        // A field that could change the request at the API makes even a public route one that needs a token.
        let overridden = Request::new("GET", "/auth").header("X-HTTP-Method-Override", "DELETE");
        let overridden = overridden.header(fields[0], "/status").header(fields[1], "GET");
        assert_eq!(overridden.send(running.account).status, 401);
    }
}

#[test]
fn refuses_targets_whose_body_could_name_a_function() {
    let running = trusting();
    let (reader, full) = (running.reader("alice", "reader"), running.full("alice", "full"));
    let whm = running.administrator("w");
    let by_api_2 = "cpanel_jsonapi_apiversion=2&cpanel_jsonapi_module=Email&cpanel_jsonapi_func=listpops";
    for (method, uri) in [
        ("GET", format!("/json-api/cpanel?{by_api_2}")),
        // A GET can have a body too, and `/auth` does not see it.
        ("GET", "/json-api/cpanel".to_owned()),
        ("POST", format!("/json-api/cpanel?{by_api_2}")),
        ("GET", format!("/json-api/cpanel?{by_api_2}&cpanel_jsonapi_user=alice")),
        (
            "GET",
            "/json-api/uapi_cpanel?cpanel.user=alice&cpanel.module=Email".to_owned(),
        ),
        ("GET", "/json-api/UAPI_cpanel".to_owned()),
        ("POST", "/json-api/batch?api.version=1&command=listaccts".to_owned()),
        ("GET", "/json-api/Batch".to_owned()),
    ] {
        for fields in [NGINX, CADDY] {
            for token in [&reader, &full] {
                assert_eq!(proxied(&running, token, fields, method, &uri), 403, "{method} {uri}");
            }
            let request = Request::new("GET", "/auth").authorization(&whm);
            let request = request.header(fields[0], &uri).header(fields[1], method);
            assert_eq!(request.send(running.admin).status, 403, "{method} {uri}");
        }
    }
}

#[test]
fn refuses_targets_that_could_hide_another_function() {
    let running = trusting();
    let (reader, full) = (running.reader("alice", "reader"), running.full("alice", "full"));
    for uri in [
        // Some servers drop the text after `#`, others read it.
        "/json-api/cpanel?cpanel_jsonapi_func=listpops&z=#&cpanel_jsonapi_func=delpop",
        "/execute/Email/list_pops#/../delete_pop",
        "/execute/Email/list_pops?a=b#c",
        "/orders#/../admin",
        "/orders?a=#",
        // Some servers read `;` as `&`, or as the end of a path segment.
        "/execute/Email/list_pops?a=b;api.version=1",
        "/execute/Email/list_pops;x=1",
        "/orders;/admin",
        "/orders?a=1;b=2",
        // Some servers decode the path twice, or not at all.
        "/execute/Email/list%5Fpops",
        "/execute/Email/list_pop%73",
        "/orders/%7Ealice",
        "/orders/%257Ealice",
        "/orders/%252e%252e/admin",
        "/orders/%ff",
        "/orders/%c0%ae",
        "/orders/%",
        "/orders/%3bx",
        "/orders/..%20/admin",
        "/execute./Email/delete_pop",
        "/execute%20/Email/delete_pop",
        // A selecting parameter that is escaped or repeated.
        "/execute/Email/list_pops?api%2Eversion=1",
        "/execute/Email/list_pops?api.version=%31",
        "/execute/Email/list_pops?api_version=1",
        "/execute/Email/list_pops?api.version=1&api.version=0",
        "/execute/Email/list_pops?cpanel_jsonapi_func=%64elpop",
        "/execute/Email/list_pops?cpanel_jsonapi_func=a&cpanel_jsonapi_func=b",
        "/execute/Email/list_pops?cpanel%5Fjsonapi_func=delpop",
        "/execute/Email/list_pops?cpanel.jsonapi.func=delpop",
        "/execute/Email/list_pops?cpanel_jsonapi_func%5B%5D=delpop",
        "/execute/Email/list_pops?cpanel_jsonapi_func%00=delpop",
        "/execute/Email/list_pops?CPANEL_JSONAPI_FUNC=delpop",
        "/execute/Email/list_pops?+cpanel_jsonapi_func=delpop",
        "/execute/Email/list_pops?x%26cpanel_jsonapi_func=delpop",
        "/execute/Email/list_pops?x%3Bcpanel_jsonapi_func%3Ddelpop",
        "/execute/Email/list_pops?x%2526cpanel_jsonapi_func=delpop",
        "/execute/Email/list_pops?x%23cpanel_jsonapi_func=delpop",
        "/execute/Email/list_pops??cpanel_jsonapi_func=delpop",
        "/execute/Email/list_pops?cpanel_xmlapi_func=delpop",
        "/execute/Email/list_pops?xmlin=x",
        "/execute/Email/list_pops?%u0061=1",
        // On some servers the query can select the method.
        "/orders/1?_method=DELETE",
        "/orders/1?%5Fmethod=DELETE",
        "/orders/1?_METHOD=DELETE",
        "/orders/1?x=1&_method[]=DELETE",
        "/orders/1?X-HTTP-Method-Override=DELETE",
        "/orders/1?x_http_method=DELETE",
        "/orders\u{e4}",
        "/orders?a=\u{e4}",
    ] {
        for fields in [NGINX, CADDY] {
            for token in [&reader, &full] {
                assert_eq!(proxied(&running, token, fields, "GET", uri), 403, "{uri}");
            }
        }
    }
    // Other escapes pass: Java sends `%7E`, others send `%2D`, or a raw `"`.
    for uri in [
        "/execute/Email/list_pops?name=%7Ealice%2Dx&b=%5F%3B%23",
        "/execute/Email/list_pops?a[]=1&b%5B0%5D=2&c=100%",
        "/execute/Email/list_pops?regex=\"a\"",
        "/execute/Email/list_pops?next=/x?y=1&api.version=1",
        "/orders?method=DELETE&func=delpop&user=bob&note=_method",
    ] {
        for fields in [NGINX, CADDY] {
            assert_eq!(proxied(&running, &reader, fields, "GET", uri), 200, "{uri}");
        }
    }
}

#[test]
fn refuses_fields_that_could_override_the_request() {
    let running = trusting();
    let reader = running.reader("alice", "reader");
    let ask = |target: &str, name: &str| {
        let request = Request::new("GET", target).authorization(&reader);
        let request = request
            .header("X-Original-URI", "/orders")
            .header("X-Original-Method", "GET");
        request.header(name, "DELETE").send(running.account).status
    };
    for target in ["/auth", "/auth?writes=0"] {
        for (name, danger) in tokenlatch::core::DANGEROUS_FIELDS {
            if tokenlatch::core::PROXY_FIELDS.contains(name) || *name == "proxy" {
                continue;
            }
            let refused = *danger == tokenlatch::core::Danger::Override;
            assert_eq!(ask(target, name) == 403, refused, "{name}");
            if name.contains('-') {
                assert_eq!(ask(target, &name.replace('-', "_")), 403, "{name}");
                assert_eq!(ask(target, &name.replacen('-', ".", 1)), 403, "{name}");
            }
        }
        for name in tokenlatch::core::IDENTITY_FIELDS {
            for separator in ["-", "_", ".", "!"] {
                let twin = name.replacen('-', separator, 1);
                assert_eq!(ask(target, &twin), 403, "{twin}");
            }
        }
        assert_eq!(ask(target, "X_Original_URI"), 403);
        assert_eq!(ask(target, "X-Anything.Else"), 200);
    }
}

#[test]
fn operator_query_refuses_ambiguous_targets() {
    for running in [trusting(), Running::start()] {
        let reader = running.reader("alice", "reader");
        for uri in [
            "/orders/..;/admin",
            "/orders#/admin",
            "/orders?a=#&b",
            "/orders?a;b",
            "/orders/%61dmin",
            "/orders/1?_method=DELETE",
            "http://a/orders",
        ] {
            for name in [NGINX[0], CADDY[0]] {
                assert_eq!(beside(&running, &reader, name, "writes=0", uri), 403, "{name}: {uri}");
            }
        }
    }
}

#[test]
fn refuses_ambiguous_targets() {
    let running = trusting();
    let (reader, full) = (running.reader("alice", "reader"), running.full("alice", "full"));
    for uri in [
        "/x/../execute/Email/add_pop",
        "/x/%2e%2e/execute/Email/add_pop",
        "/x/..;/execute/Email/add_pop",
        "//execute/Email/add_pop",
        "/execute//Email/add_pop",
        "/%65xecute/Email/add_pop",
        "/EXECUTE/Email/add_pop",
        "/execute/Email/add_pop/",
        "/execute%2fEmail/add_pop",
        "/x%5c..%5cexecute/Email/add_pop",
        "/execute",
        "/json-api/cpanel",
        "/json-api/listaccts",
        "/json-api%20/x/%2f",
        "/xml-api/cpanel?cpanel_xmlapi_module=Email&cpanel_xmlapi_func=delpop",
        "/XML-API",
        "/cpsess0123456789/execute/Email/add_pop",
        "http://a/b",
        "orders",
    ] {
        assert_eq!(proxied(&running, &reader, NGINX, "GET", uri), 403, "{uri}");
        assert_eq!(proxied(&running, &reader, CADDY, "GET", uri), 403, "{uri}");
        // A full token may not use another spelling for what its account may not do.
        assert_eq!(proxied(&running, &full, NGINX, "GET", uri), 403, "{uri}");
    }
    // A function that is not named plainly, or whose API is not stated, may be a different one for the API.
    let by_api_2 =
        "/json-api/cpanel?cpanel_jsonapi_apiversion=2&cpanel_jsonapi_module=Email&cpanel_jsonapi_func=listpops";
    for uri in [
        format!("{by_api_2};x=1"),
        format!("{by_api_2}%20"),
        format!("{by_api_2}%0a"),
        format!("{by_api_2}."),
        by_api_2.replace("=listpops", "="),
        by_api_2.replace("=listpops", ""),
        by_api_2.replace("=Email", "=Email;x"),
        by_api_2.replace("_module=Email", "_x=1"),
        by_api_2.replace("cpanel_jsonapi_apiversion=2&", ""),
        format!("{by_api_2}&cpanel_xmlapi_func=delpop"),
        format!("{by_api_2}&xmlin=x"),
    ] {
        for fields in [NGINX, CADDY] {
            assert_eq!(proxied(&running, &full, fields, "GET", &uri), 403, "{uri}");
        }
    }
    // The body may name another function, another user, or API 1, and `/auth` does not see it.
    let post = "/json-api/cpanel?cpanel_jsonapi_apiversion=2&cpanel_jsonapi_module=Email&cpanel_jsonapi_func=listpops";
    assert_eq!(proxied(&running, &full, NGINX, "POST", post), 403);
    assert_eq!(proxied(&running, &full, NGINX, "POST", "/orders"), 200);
    let half = Request::new("GET", "/auth").authorization(&reader);
    assert_eq!(
        half.clone()
            .header("X-Original-URI", "/orders")
            .send(running.account)
            .status,
        403
    );
    assert_eq!(
        half.clone()
            .header("X-Original-Method", "GET")
            .send(running.account)
            .status,
        403
    );
    let twice = half
        .header("X-Original-URI", "/orders")
        .header("X-Original-URI", "/orders");
    assert_eq!(
        twice.header("X-Original-Method", "GET").send(running.account).status,
        403
    );
}

#[test]
fn a_client_behind_the_proxy_cannot_name_another_request() {
    let running = trusting();
    let reader = running.reader("alice", "reader");
    // Caddy sets one pair of fields, and passes the other on as the client sent it.
    let request = Request::new("GET", "/auth").authorization(&reader);
    let request = request
        .header("X-Forwarded-Uri", "/orders")
        .header("X-Forwarded-Method", "POST");
    let request = request
        .header("X-Original-URI", "/orders")
        .header("X-Original-Method", "GET");
    assert_eq!(request.send(running.account).status, 403);
}

#[test]
fn client_query_passed_on_by_the_proxy_is_refused() {
    let reader = |running: &Running| running.reader("alice", "reader");
    for running in [trusting(), Running::start()] {
        let reader = reader(&running);
        for name in [NGINX[0], CADDY[0]] {
            let ask = |uri: &str| {
                let request = Request::new("GET", "/auth?writes=0").authorization(&reader);
                request.header(name, uri).send(running.account).status
            };
            assert_eq!(ask("/orders?writes=0"), 403, "{name}: the client wrote that");
            assert_eq!(ask("/orders?a=b"), 200, "{name}: the proxy wrote that");
            assert_eq!(ask("/orders"), 200, "{name}: the proxy wrote that");
        }
    }
}

/// The status for this query of `/auth` and this original target.
fn beside(running: &Running, authorization: &str, name: &str, query: &str, uri: &str) -> u16 {
    let request = Request::new("GET", &format!("/auth?{query}")).authorization(authorization);
    request.header(name, uri).send(running.account).status
}

#[test]
fn client_query_partly_passed_on_is_refused() {
    for running in [trusting(), Running::start()] {
        let reader = running.reader("alice", "reader");
        for name in [NGINX[0], CADDY[0]] {
            for (query, uri) in [
                // Extended by the proxy, at the start or at the end.
                ("feature=popaccts&writes=0", "/orders?writes=0"),
                ("feature=popaccts&writes=0", "/orders?feature=popaccts"),
                (
                    "module=Email&function=list_pops&api=uapi",
                    "/orders?module=Email&function=list_pops",
                ),
                // Passed on in part.
                ("writes=0", "/orders?writes=0&page=2"),
                ("writes=0", "/orders?page=2&writes=0"),
                ("writes=0", "/orders?writes=0&writes=1"),
                ("writes=0", "/orders?writes=0#end"),
                ("module=Email&function=list_pops", "/orders?function=list_pops"),
                // In another order, or with other parameters of the service.
                (
                    "function=list_pops&module=Email",
                    "/orders?module=Email&function=list_pops",
                ),
                ("writes=0", "/orders?api"),
                // Escaped, and decoded by the proxy.
                ("writes=0", "/orders?%77rites=0"),
                ("writes=0", "/orders?%2577rites=0"),
                ("writes=0", "/orders?Writes=0"),
                ("writes=0", "/orders?+writes=0"),
                ("writes=0", "/orders?page=2;writes=0"),
                ("writes=0", "/orders??writes=0"),
                ("writes=0", "/orders?%26writes=0"),
                ("writes=0", "/orders?writes%3D0"),
                ("writes=0", "?writes=0"),
            ] {
                let status = beside(&running, &reader, name, query, uri);
                assert_eq!(status, 403, "{name}: {query} for {uri}");
            }
        }
    }
}

#[test]
fn operator_query_names_the_call() {
    for running in [trusting(), Running::start()] {
        let reader = running.reader("alice", "reader");
        for (query, status) in [
            ("writes=0", 200),
            ("writes=1", 403),
            ("feature=popaccts&writes=0", 200),
            ("module=Email&function=list_pops", 200),
            ("module=Email&function=add_pop", 403),
        ] {
            for uri in [
                "/orders",
                "/orders?",
                "/orders?page=2&sort=name",
                "/orders?q=writes",
                "/orders?q=module&next=/x?m=function",
                "/orders?q=a%3Db%26c",
                "/orders?modules=1&my_feature=2&apis=3",
                "/execute/Email/add_pop?domain=a.example",
            ] {
                for name in [NGINX[0], CADDY[0]] {
                    assert_eq!(
                        beside(&running, &reader, name, query, uri),
                        status,
                        "{name}: {query} for {uri}"
                    );
                }
            }
        }
    }
}

#[test]
fn auth_query_mixed_with_client_parameters_is_refused() {
    let running = trusting();
    let (alice, reader) = (running.full("alice", "first"), running.reader("alice", "reader"));
    let uri = "/orders?page=2";
    assert_eq!(beside(&running, &alice, NGINX[0], "writes=0&page=2", uri), 400);
    assert_eq!(beside(&running, &reader, NGINX[0], "page=2", uri), 403);
}

#[test]
fn two_targets_cannot_hide_a_passed_on_client_query() {
    let running = trusting();
    let reader = running.reader("alice", "reader");
    for (first, second) in [(NGINX[0], CADDY[0]), (CADDY[0], NGINX[0]), (CADDY[0], CADDY[0])] {
        for (one, two) in [("/orders", "/orders?writes=0&a"), ("/orders?writes=0&a", "/orders")] {
            let request = Request::new("GET", "/auth?writes=0").authorization(&reader);
            let request = request.header(first, one).header(second, two);
            assert_eq!(
                request.send(running.account).status,
                403,
                "{first} {one}, {second} {two}"
            );
        }
    }
}

#[test]
fn untrusted_peer_cannot_name_the_request() {
    let running = Running::start();
    let reader = running.reader("alice", "reader");
    assert_eq!(proxied(&running, &reader, NGINX, "GET", "/orders"), 403);
    assert_eq!(proxied(&running, &reader, CADDY, "GET", "/orders"), 403);
    assert_eq!(running.get(&reader, "/auth?writes=0").status, 200);
    let mut token = tokenlatch::NewToken::new("alice", "near", tokenlatch::core::Access::Full);
    token.addresses = vec!["192.0.2.1".to_owned()];
    let near = format!("cpanel alice:{}", running.token(token));
    let request = Request::new("GET", "/auth")
        .authorization(&near)
        .header("X-Forwarded-For", "192.0.2.1");
    assert_eq!(request.send(running.account).status, 403, "anyone can write that");
}

#[test]
fn address_list_applies_behind_a_trusted_proxy() {
    let running = trusting();
    let mut token = tokenlatch::NewToken::new("alice", "near", tokenlatch::core::Access::Full);
    token.addresses = vec!["192.0.2.0/24".to_owned()];
    let near = format!("cpanel alice:{}", running.token(token));
    let from = |field: &str| {
        let request = Request::new("GET", "/auth").authorization(&near);
        request.header("X-Forwarded-For", field).send(running.account).status
    };
    assert_eq!(from("192.0.2.7"), 200);
    assert_eq!(from("198.51.100.1, 192.0.2.7"), 200);
    assert_eq!(from("192.0.2.7, 198.51.100.1"), 403);
    assert_eq!(from("unknown"), 403, "an unknown address fails closed");
    assert_eq!(running.get(&near, "/auth").status, 403);
}

#[test]
fn admin_port_verifies_only_admin_tokens() {
    let running = trusting();
    let (whm, root) = (running.administrator("w"), running.full("root", "r"));
    assert_eq!(running.get_admin(&whm, "/auth").status, 200);
    assert_eq!(running.get_admin(&root, "/auth").status, 401);
    assert_eq!(running.get(&whm, "/auth").status, 401);
    let named = |uri: &str| {
        let request = Request::new("GET", "/auth").authorization(&whm);
        request
            .header("X-Original-URI", uri)
            .header("X-Original-Method", "GET")
            .send(running.admin)
            .status
    };
    assert_eq!(named("/json-api/api_token_list?api.version=1"), 200);
}

#[test]
fn a_revoked_token_is_refused_on_the_next_request() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    assert_eq!(running.get(&alice, "/auth").status, 200);
    running.get(&alice, "/execute/Tokens/revoke?name=first");
    assert_eq!(running.get(&alice, "/auth").status, 401);
}

#[test]
fn many_distinct_features_do_not_block_later_calls() {
    let running = Running::start();
    let mail = running.limited("alice", "mail", &["popaccts"]);
    running.block_on(async {
        for number in 0..10_100 {
            let call = tokenlatch::core::Call {
                feature: Some(format!("f{number}")),
                ..tokenlatch::core::Call::default()
            };
            let verifier = &running.state.verifier;
            let verdict = verifier.verify(tokenlatch::Presented::Missing, &call, None).await;
            assert_eq!(verdict.unwrap().status, 401);
        }
    });
    assert_eq!(running.get(&mail, "/auth?feature=popaccts").status, 200);
    assert_eq!(running.get(&mail, "/auth?feature=mysql").status, 403);
    assert_eq!(running.get(&mail, "/execute/Tokens/list").status, 403);
}
