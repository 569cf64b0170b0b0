//! The token functions by UAPI, over HTTP.

use crate::common::served::{Answer, DENIED, Request, Running, UNAVAILABLE};
use crate::common::{NOW, module_with, set_caps};
use serde_json::json;
use tokenlatch::core::{Access, Caps};
use tokenlatch::{Limits, NewToken};

const CREATE: &str = "/execute/Tokens/create_full_access";
const LIST: &str = "/execute/Tokens/list";
const DONE: &str = r#"{"status":1,"data":null,"errors":null,"messages":null,"warnings":null,"metadata":{}}"#;

fn created(answer: &Answer) -> String {
    let token = answer.new_token();
    assert_eq!(
        answer.body,
        format!(
            r#"{{"status":1,"data":{{"create_time":{NOW},"token":"{token}"}},"errors":null,"messages":null,"warnings":null,"metadata":{{}}}}"#
        )
    );
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(
        token.len() == 32
            && token
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    );
    token
}

fn names(running: &Running, authorization: &str) -> Vec<String> {
    let list = running.get(authorization, LIST).json();
    let tokens = list["data"].as_array().expect("tokens").iter();
    tokens
        .map(|token| token["name"].as_str().expect("a name").to_owned())
        .collect()
}

#[test]
fn creates_by_query_form_multipart_and_json() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    let post = |target: &str| Request::new("POST", target).authorization(&alice);
    created(&running.get(&alice, &format!("{CREATE}?name=q")));
    created(&post(CREATE).form("name=f&readonly=1").send(running.account));
    created(
        &post(CREATE)
            .multipart(&[("name", "m"), ("expires_at", "1900000000")])
            .send(running.account),
    );
    created(
        &post(CREATE)
            .json(r#"{"name":"j","expires_at":1900000000,"readonly":true}"#)
            .send(running.account),
    );
    created(
        &post(&format!("{CREATE}?name=b"))
            .form("readonly=0")
            .send(running.account),
    );
    assert_eq!(
        running.get(&alice, LIST).body,
        format!(
            concat!(
                r#"{{"status":1,"data":["#,
                r#"{{"name":"b","create_time":{now},"expires_at":null,"features":[],"has_full_access":1}},"#,
                r#"{{"name":"f","create_time":{now},"expires_at":null,"features":[],"has_full_access":1,"readonly":1}},"#,
                r#"{{"name":"first","create_time":{now},"expires_at":{year},"features":[],"has_full_access":1}},"#,
                r#"{{"name":"j","create_time":{now},"expires_at":1900000000,"features":[],"has_full_access":1,"readonly":1}},"#,
                r#"{{"name":"m","create_time":{now},"expires_at":1900000000,"features":[],"has_full_access":1}},"#,
                r#"{{"name":"q","create_time":{now},"expires_at":null,"features":[],"has_full_access":1}}"#,
                r#"],"errors":null,"messages":null,"warnings":null,"metadata":{{"transformed":1}}}}"#
            ),
            now = NOW,
            year = 1_831_593_599,
        )
    );
}

#[test]
fn renames_and_revokes() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    let other = running.full("alice", "old");
    assert_eq!(
        running.get(&alice, "/execute/Tokens/rename?name=old&new_name=new").body,
        DONE
    );
    assert_eq!(
        names(&running, &other),
        ["first", "new"],
        "a renamed token goes on working"
    );
    let revoked = r#"{"status":1,"data":1,"errors":null,"messages":null,"warnings":null,"metadata":{}}"#;
    assert_eq!(running.post(&alice, "/execute/Tokens/revoke", "name=new").body, revoked);
    assert_eq!(running.get(&other, LIST).status, 401, "refused on the next request");
    assert_eq!(
        running.post(&alice, "/execute/Tokens/revoke", "name=new").body,
        revoked,
        "also when there is none"
    );
    assert_eq!(names(&running, &alice), ["first"]);
}

#[test]
fn a_failed_function_says_so_in_one_sentence() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    let cases = [
        (
            format!("{CREATE}?name=a%20b"),
            r#"The parameter "name" may contain only letters, digits, "-" and "_"."#,
        ),
        (
            format!("{CREATE}?name=a+b"),
            r#"The parameter "name" may contain only letters, digits, "-" and "_"."#,
        ),
        (CREATE.to_owned(), r#"The parameter "name" is missing."#),
        (
            format!("{CREATE}?name=first"),
            r#"You already have a token named by the parameter "name"."#,
        ),
        (
            format!("{CREATE}?name=x&expires_at=0"),
            r#"The parameter "expires_at" must lie in the future."#,
        ),
        (
            "/execute/Tokens/rename?name=first".to_owned(),
            r#"The parameter "new_name" is missing."#,
        ),
    ];
    for (target, sentence) in cases {
        let answer = running.get(&alice, &target);
        assert_eq!(answer.error(), sentence, "{target}");
        assert_eq!(
            answer.body,
            format!(
                r#"{{"status":0,"data":null,"errors":[{}],"messages":null,"warnings":null,"metadata":{{}}}}"#,
                serde_json::Value::from(sentence)
            )
        );
    }
    assert!(
        running
            .get(&alice, "/execute/Tokens/rename?name=none&new_name=x")
            .error()
            .contains("\"name\"")
    );
    assert_eq!(names(&running, &alice), ["first"], "nothing was created");
}

#[test]
fn an_unknown_parameter_is_warned_of() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    let answer = running.get(&alice, &format!("{CREATE}?name=x&colour=red&api.version=1"));
    assert_eq!(
        answer.json()["warnings"][0],
        r#"The parameter "colour" is not known and was ignored."#
    );
    assert_eq!(answer.json()["status"], 1);
}

#[test]
fn every_refused_token_gets_the_same_reply() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    let token = alice.strip_prefix("cpanel alice:").unwrap();
    let mut short = tokenlatch::NewToken::new("alice", "short", tokenlatch::core::Access::Full);
    short.expires = Some(tokenlatch::core::ExpiryInput::Seconds(NOW + 10));
    let expired = format!("cpanel alice:{}", running.token(short));
    let revoked = running.full("alice", "revoked");
    running.get(&alice, "/execute/Tokens/revoke?name=revoked");
    running.clock.set(NOW + 10);
    let get = || Request::new("GET", LIST);
    let requests = [
        get(),
        get().header("Authorization", "cpanel"),
        get().header("Authorization", &format!("cpanel alice:{}", "A".repeat(32))),
        get().header("Authorization", &format!("cpanel nobody:{}", "A".repeat(32))),
        get().header("Authorization", &expired),
        get().header("Authorization", &revoked),
        get().header("Authorization", &format!("cpanel bob:{token}")),
        get().header("Authorization", &format!("whm alice:{token}")),
        get().header("Authorization", &alice).header("Authorization", &alice),
        get().header("Authorization", &format!("Basic {token}")),
    ];
    let first = requests[0].send(running.account).stable();
    assert_eq!((first.status, first.body.as_str()), (401, DENIED));
    assert_eq!(first.header("www-authenticate"), Some("Bearer realm=\"tokenlatch\""));
    for request in &requests {
        assert_eq!(request.send(running.account).stable(), first);
    }
    assert_eq!(running.get(&alice, LIST).status, 200);
    assert_eq!(running.get(&alice.replace("cpanel ", "CPANEL   "), LIST).status, 200);
    assert_eq!(running.get(&format!("Bearer {token}"), LIST).status, 200);
}

#[test]
fn valid_token_without_permission_is_forbidden() {
    let running = Running::start();
    let first = running.full("alice", "first");
    let reader = running.reader("alice", "reader");
    let mail = running.limited("alice", "mail", &["popaccts"]);
    let forbidden = |answer: Answer| assert_eq!((answer.status, answer.body.as_str()), (403, DENIED));
    assert_eq!(names(&running, &reader), ["reader"], "the others may write");
    for function in [
        "create_full_access?name=x",
        "rename?name=first&new_name=x",
        "revoke?name=first",
    ] {
        forbidden(running.get(&reader, &format!("/execute/Tokens/{function}")));
        forbidden(running.get(&mail, &format!("/execute/Tokens/{function}")));
    }
    forbidden(running.get(&mail, LIST));
    assert_eq!(names(&running, &first), ["first", "mail", "reader"]);
}

#[test]
fn limited_token_cannot_create_a_wider_one() {
    let running = Running::start();
    let own = running.limited("alice", "own", &["apitokens", "popaccts"]);
    let refused = running.get(&own, &format!("{CREATE}?name=x")).error();
    assert!(!refused.contains("popaccts"), "{refused}");
    let limited = "/execute/Tokens/create_limited";
    assert!(
        !running
            .get(&own, &format!("{limited}?name=x&features=mysql"))
            .error()
            .is_empty()
    );
    let token = running
        .get(&own, &format!("{limited}?name=y&features=popaccts"))
        .new_token();
    assert_eq!(running.get(&format!("cpanel alice:{token}"), LIST).status, 403);
    assert_eq!(names(&running, &own), ["own", "y"]);
}

/// A token gets the same answer for tokens with more rights than it has as for tokens that do not exist.
#[test]
fn token_manages_only_tokens_within_its_rights() {
    const CREATE_LIMITED: &str = "/execute/Tokens/create_limited";
    let running = Running::start();
    let owner = running.full("alice", "owner");
    let with = |form: &str| {
        let made = running.post(&owner, CREATE_LIMITED, form).new_token();
        format!("cpanel alice:{made}")
    };
    let limited = with("name=limited&features=apitokens,popaccts");
    let bound = with("name=bound&features=apitokens,popaccts&addresses=127.0.0.0/8");
    let reader = with("name=reader&features=apitokens,popaccts&readonly=1");
    with("name=mysql&features=apitokens,mysql");
    with("name=small&features=popaccts&addresses=127.0.0.1&readonly=1");
    let every = ["bound", "limited", "mysql", "owner", "reader", "small"];
    for (authorization, own) in [
        (&owner, &every[..]),
        (&limited, &["bound", "limited", "reader", "small"]),
        (&bound, &["bound", "small"]),
        (&reader, &["reader", "small"]),
    ] {
        assert_eq!(names(&running, authorization), own);
        for name in every.iter().filter(|name| !own.contains(name)) {
            for call in [
                "rename?new_name=x&name=",
                "rename?new_name=owner&name=",
                "get_addresses?name=",
                "set_addresses?addresses=127.0.0.1&name=",
                "revoke?name=",
            ] {
                let answer = running.get(authorization, &format!("/execute/Tokens/{call}{name}"));
                let unknown = running.get(authorization, &format!("/execute/Tokens/{call}none"));
                assert_eq!(answer.status, unknown.status);
                assert_eq!(answer.body.replace(name, "none"), unknown.body, "{call}{name}");
            }
        }
    }
    assert_eq!(names(&running, &owner), every, "none of it was revoked or renamed");
    // A name that is taken gives the same message, no matter which token has it.
    let taken = |name: &str| {
        let answer = running.get(&limited, &format!("{CREATE_LIMITED}?features=popaccts&name={name}"));
        answer.error().replace(name, "NAME")
    };
    assert_eq!(taken("owner"), taken("small"));
    let renamed = running.get(&limited, "/execute/Tokens/rename?name=small&new_name=owner");
    let other = running.get(&limited, "/execute/Tokens/rename?name=small&new_name=reader");
    assert_eq!(renamed.error().replace("owner", "reader"), other.error());
    // Tokens within its own rights can be managed.
    let own = "/execute/Tokens/rename?name=small&new_name=smaller";
    assert_eq!(running.get(&limited, own).body, DONE);
    let narrower = "/execute/Tokens/set_addresses?name=limited&addresses=127.0.0.1";
    assert_eq!(running.get(&limited, narrower).body, DONE, "it may narrow itself");
    let wider = "/execute/Tokens/set_addresses?name=limited&addresses=any";
    assert!(!running.get(&limited, wider).error().is_empty(), "and not widen itself");
    assert_eq!(running.get(&limited, "/execute/Tokens/revoke?name=smaller").status, 200);
    assert_eq!(
        names(&running, &limited),
        ["limited"],
        "it is bound now, and reader is not"
    );
}

#[test]
fn functions_support_features_and_addresses() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    let limited = "/execute/Tokens/create_limited";
    let post = |body: &str| {
        Request::new("POST", limited)
            .authorization(&alice)
            .json(body)
            .send(running.account)
    };
    let token = post(r#"{"name":"a","features":["apitokens"],"addresses":["127.0.0.1"]}"#).new_token();
    let own = format!("cpanel alice:{token}");
    assert_eq!(running.get(&own, LIST).status, 200);
    let elsewhere = "/execute/Tokens/set_addresses?name=a&addresses=192.0.2.0/24";
    assert_eq!(running.get(&alice, elsewhere).body, DONE);
    assert_eq!(running.get(&own, LIST).status, 403);
    let bound = |name: &str| running.get(&alice, &format!("/execute/Tokens/get_addresses?name={name}"));
    assert_eq!(bound("a").json()["data"], json!(["192.0.2.0/24"]));
    assert_eq!(bound("first").json()["data"], json!([]));
    assert!(bound("none").error().contains("name"));
    let open = |addresses: &str| {
        running.get(
            &alice,
            &format!("/execute/Tokens/set_addresses?name=a&addresses={addresses}"),
        )
    };
    assert!(open("").error().contains("addresses"), "nothing opens no token");
    assert_eq!(running.get(&own, LIST).status, 403);
    assert_eq!(open("any").body, DONE);
    let list = running.get(&own, LIST).json();
    assert_eq!(list["data"][0]["features"], serde_json::json!(["apitokens"]));
    assert_eq!(list["data"][0]["has_full_access"], 0);
    assert!(post(r#"{"name":"b"}"#).error().contains("features"));
}

#[test]
fn tokens_of_another_user_cannot_be_changed() {
    let running = Running::start();
    let (alice, bob) = (running.full("alice", "shared"), running.full("bob", "bobs"));
    running.get(&bob, "/execute/Tokens/revoke?name=shared");
    running
        .get(&bob, "/execute/Tokens/rename?name=shared&new_name=mine")
        .error();
    running
        .get(&bob, "/execute/Tokens/set_addresses?name=shared&addresses=192.0.2.1")
        .error();
    running.get(&bob, &format!("{CREATE}?name=shared")).new_token();
    assert_eq!(names(&running, &bob), ["bobs", "shared"]);
    assert_eq!(names(&running, &alice), ["shared"]);
}

#[test]
fn account_port_cannot_access_admin_tokens() {
    let running = Running::start();
    let whm = running.administrator("whm");
    let root = running.full("root", "account");
    assert_eq!(names(&running, &root), ["account"]);
    running.get(&root, "/execute/Tokens/revoke?name=whm");
    running.get(&root, "/execute/Tokens/rename?name=whm&new_name=x").error();
    assert_eq!(
        running.get_admin(&whm, "/json-api/api_token_list?api.version=1").status,
        200
    );
    assert_eq!(running.get(&whm, LIST).status, 401);
    assert_eq!(
        running
            .get_admin(&root, "/json-api/api_token_list?api.version=1")
            .status,
        401
    );
}

#[test]
fn a_suspended_account_can_do_nothing() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    running
        .block_on(running.state.service.set_suspended("alice", true))
        .unwrap();
    let answer = running.get(&alice, LIST);
    assert_eq!((answer.status, answer.body.as_str()), (403, DENIED));
    running
        .block_on(running.state.service.set_suspended("alice", false))
        .unwrap();
    assert_eq!(running.get(&alice, LIST).status, 200);
}

#[test]
fn only_get_and_post_call_functions() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    for method in ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let request = Request::new(method, &format!("{CREATE}?name={method}"));
        let answer = request.authorization(&alice).send(running.account);
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some("GET, POST")),
            "{method}"
        );
    }
    assert_eq!(names(&running, &alice), ["first"]);
}

#[test]
fn unknown_paths_and_functions_are_404() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    for target in [
        "/nothing",
        "/execute",
        "/execute/Tokens",
        "/execute/Tokens/list/x",
        "/execute/Tokens/",
        "/execute/Tok%65ns/list",
        // The web interface's own paths start with a session's number.
        "/tokens",
        "/login/",
    ] {
        assert_eq!(running.get(&alice, target).status, 404, "{target}");
    }
    for target in [
        "/execute/Tokens/none",
        "/execute/tokens/list",
        "/execute/Email/list_pops",
        "/execute/No/such",
    ] {
        let answer = running.get(&alice, target);
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (404, &json!("function_unknown")),
            "{target}"
        );
        assert_eq!(answer.json()["errors"], json!(["Unknown function."]), "{target}");
        assert_eq!(running.get("", target).status, 401, "{target}");
    }
    for target in ["/execute", "/execute/Tokens", "/execute/Tok%65ns/list"] {
        assert_eq!(
            running.get(&alice, target).json()["errors"],
            json!(["Not found."]),
            "{target}"
        );
    }
    let dotted = running.get(&alice, "/execute/Tokens/..");
    assert_eq!((dotted.status, &dotted.json()["status"]), (400, &json!(0)));
    assert_eq!(dotted.json()["code"], "path_invalid");
}

#[test]
fn secret_in_the_url_is_refused_and_not_repeated() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    let secret = alice.strip_prefix("cpanel alice:").unwrap();
    for query in [
        format!("token={secret}"),
        format!("Authorization=cpanel+alice:{secret}"),
        format!("x=1&TOKEN={secret}"),
    ] {
        for target in [LIST, "/auth", "/json-api/cpanel", "/execute/Email/list_pops"] {
            let answer = running.get(&alice, &format!("{target}?{query}"));
            assert_eq!((answer.status, answer.body.as_str()), (400, DENIED), "{target}");
        }
    }
}

#[test]
fn body_without_a_content_type_is_read_as_a_form() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    let post = || Request::new("POST", CREATE).authorization(&alice);
    // The content type that Perl's HTTP::Tiny sends by default, and none, as some programs do.
    for (at, request) in [
        post().body("application/octet-stream", "name=x-0"),
        post().untold("name=x-1"),
        post().body("text/plain;charset=UTF-8", "name=x-2"),
    ]
    .iter()
    .enumerate()
    {
        let answer = request.send(running.account);
        assert_eq!(
            (answer.status, &answer.json()["status"]),
            (200, &json!(1)),
            "{answer:?}"
        );
        assert!(running.get(&alice, LIST).body.contains(&format!("x-{at}")));
    }
    // Read as a form, these would be one odd key, and create a token without the requested limits.
    for text in [
        r#"{"comment":"x","name":"y","readonly":1}"#,
        r#" {"name":"y"}"#,
        "[]",
        "<name>y</name>",
        "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\ny\r\n--b--\r\n",
        "name: y\n",
    ] {
        for request in [post().untold(text), post().body("text/plain", text)] {
            assert_eq!(request.send(running.account).status, 415, "{text}");
        }
    }
    let wrong = post().untold("name=%zz").send(running.account);
    assert_eq!(
        (wrong.status, &wrong.json()["code"]),
        (400, &json!("parameter_encoding"))
    );
}

#[test]
fn a_body_that_cannot_be_read_is_refused_and_changes_nothing() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    let post = || Request::new("POST", CREATE).authorization(&alice);
    let bad = [
        (post().json(r#"{"name":"x","name":"y"}"#), 400),
        (post().json(r#"{"name":{"a":1}}"#), 400),
        (post().json(r#"{"name":["x",1]}"#), 400),
        (post().json(r#"["name"]"#), 400),
        (post().json(r#"{"name":"x""#), 400),
        (post().json(r#"{"name":"\ud800"}"#), 400),
        (post().json(r#"{"name":"x","expires_at":1.5}"#), 400),
        (post().form("name=%zz"), 400),
        (post().form("name=%ff"), 400),
        (post().form("name=%f"), 400),
        (post().body("text/xml", "name=x"), 415),
        (
            post().body("application/x-www-form-urlencoded; charset=utf-16", "name=x"),
            415,
        ),
        (post().header("Content-Encoding", "gzip").form("name=x"), 415),
        (post().body("multipart/form-data", "name=x"), 400),
        (
            post().body(
                "multipart/form-data; boundary=b",
                "--b\r\nContent-Disposition: form-data; name=\"name\"; filename=\"x\"\r\n\r\nx\r\n--b--\r\n",
            ),
            415,
        ),
        (post().form(&format!("name=x&{}", "a=1&".repeat(5000))), 400),
        (post().form(&format!("name=x&a={}", "a".repeat(1 << 20))), 413),
        (Request::new("GET", CREATE).authorization(&alice).form("name=x"), 400),
    ];
    for (at, (request, status)) in bad.iter().enumerate() {
        let answer = request.send(running.account);
        assert_eq!(answer.status, *status, "case {at}: {answer:?}");
        // In the envelope that clients of UAPI read, with the problem's code.
        assert_eq!(answer.header("content-type"), Some("application/json"), "case {at}");
        let (reply, refused) = (answer.json(), json!({"status": 0, "data": null, "metadata": {}}));
        for (key, value) in refused.as_object().unwrap() {
            assert_eq!(&reply[key], value, "case {at}: {key}");
        }
        assert_eq!(reply["errors"], json!([reply["detail"]]), "case {at}");
        assert!(reply["detail"].is_string() && reply["code"].is_string(), "case {at}");
    }
    assert!(
        running
            .post(&alice, &format!("{CREATE}?name=x"), "name=y")
            .error()
            .contains("\"name\"")
    );
    assert_eq!(names(&running, &alice), ["first"]);
}

#[test]
fn hostile_names_get_an_error_sentence() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    for name in [
        "",
        " ",
        "\u{430}",
        "\u{130}",
        "a\u{200b}",
        "\u{202e}a",
        "e\u{301}",
        "\0",
        "a\r\nb",
        "\u{7f}",
        "../x",
        "<b>",
        "\"",
        "'",
    ] {
        let json = serde_json::json!({ "name": name }).to_string();
        let answer = Request::new("POST", CREATE)
            .authorization(&alice)
            .json(&json)
            .send(running.account);
        assert!(answer.error().starts_with("The parameter \"name\""), "{name:?}");
    }
    for name in ["__proto__", "constructor"] {
        running.get(&alice, &format!("{CREATE}?name={name}")).new_token();
    }
    let fifty = "a".repeat(50);
    running.get(&alice, &format!("{CREATE}?name={fifty}")).new_token();
    assert!(
        running
            .get(&alice, &format!("{CREATE}?name={fifty}a"))
            .error()
            .contains("50")
    );
}

#[test]
fn address_over_the_failure_limit_gets_retry_after() {
    let running = Running::with(|config| config.failures.per_address = 3);
    let alice = running.full("alice", "first");
    let wrong = format!("cpanel alice:{}", "A".repeat(32));
    for _ in 0..3 {
        assert_eq!(running.get(&wrong, LIST).status, 401);
    }
    for authorization in [&wrong, &alice] {
        let answer = running.get(authorization, LIST);
        assert_eq!((answer.status, answer.body.as_str()), (429, DENIED));
        let wait: u32 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=20).contains(&wait), "{wait}");
    }
}

#[test]
fn blocked_address_is_served_again_after_retry_after() {
    let running = Running::with(|config| config.failures.per_address = 60);
    let alice = running.full("alice", "first");
    let mut waits = (0..200).filter_map(|_| running.get("", LIST).header("retry-after").map(str::to_owned));
    assert_eq!(waits.next().as_deref(), Some("1"));
    assert_eq!(running.get(&alice, LIST).status, 429);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(running.get(&alice, LIST).status, 200);
}

#[test]
fn failures_do_not_lock_a_user_out() {
    let running = Running::with(|config| {
        config.failures.per_address = 0;
        config.failures.per_user = 2;
    });
    let alice = running.full("alice", "first");
    for user in ["alice", "nobody"] {
        let wrong = format!("cpanel {user}:{}", "A".repeat(32));
        let statuses: Vec<u16> = (0..3).map(|_| running.get(&wrong, LIST).status).collect();
        assert_eq!(
            statuses,
            [401, 401, 429],
            "{user}: whether there is such a user is not told"
        );
    }
    assert_eq!(running.get(&alice, LIST).status, 200);
}

#[test]
fn a_store_that_is_lost_admits_nothing_and_tells_nothing() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    assert_eq!(running.get(&alice, LIST).status, 200);
    running.block_on(running.state.service.close());
    for authorization in [alice.as_str(), "cpanel alice:x", ""] {
        for target in [LIST, "/auth", "/execute/Tokens/create_full_access?name=x"] {
            let answer = running.get(authorization, target);
            assert_eq!((answer.status, answer.body.as_str()), (503, UNAVAILABLE), "{target}");
            assert_eq!(answer.header("retry-after"), Some("1"));
        }
    }
}

#[test]
fn secret_is_in_no_later_reply_or_file() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    let secret = running.get(&alice, &format!("{CREATE}?name=x")).new_token();
    let own = format!("cpanel alice:{secret}");
    for target in [
        LIST.to_owned(),
        format!("{CREATE}?name={secret}{secret}"),
        format!("/execute/Tokens/rename?name={secret}&new_name=y"),
        format!("/execute/{secret}/{secret}"),
        format!("{LIST}?x=%{secret}"),
    ] {
        let answer = running.get(&own, &target);
        assert!(!answer.body.contains(&secret), "{target}: {answer:?}");
    }
    assert!(!running.place.holds(secret.as_bytes()));
}

#[test]
fn token_revoked_before_its_body_arrives_is_refused() {
    use std::io::{Read, Write};
    let running = Running::start();
    let (leaked, owner) = (running.full("alice", "leaked"), running.full("alice", "owner"));
    let form = "name=owner&new_name=stolen";
    let mut slow = std::net::TcpStream::connect(running.account).unwrap();
    let head = format!(
        "POST /execute/Tokens/rename HTTP/1.1\r\nHost: localhost\r\nAuthorization: {leaked}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        form.len()
    );
    slow.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    let revoked = running.post(&owner, "/execute/Tokens/revoke", "name=leaked");
    assert_eq!(revoked.json()["status"], 1);
    slow.write_all(form.as_bytes()).unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert_eq!(names(&running, &owner), ["owner"]);
}

#[test]
fn token_over_a_cap_gets_an_error_sentence() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    let set = |caps| running.block_on(set_caps(&running.state.service, "alice", caps));
    set(Caps {
        tokens: Some(2),
        features: Some(2),
        record_bytes: Some(530),
        ..Caps::default()
    });
    let limited = "/execute/Tokens/create_limited?name=l&features=";
    for (target, sentence) in [
        (
            format!("{limited}a,b,c"),
            r#"The parameter \"features\" lists more features than the administrator allows."#,
        ),
        (
            format!("{limited}a,b&addresses=2001:db8::1,2001:db8::2"),
            "The token would be larger than the administrator allows; give it fewer features or addresses.",
        ),
    ] {
        let answer = running.get(&alice, &target);
        assert_eq!(answer.status, 200);
        assert!(answer.body.contains(sentence), "{}", answer.body);
    }
    running.get(&alice, &format!("{limited}a,b")).new_token();
    let answer = running.get(&alice, &format!("{CREATE}?name=third"));
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (
            200,
            r#"{"status":0,"data":null,"errors":["You have as many tokens as the administrator allows; revoke one first."],"messages":null,"warnings":null,"metadata":{}}"#
        )
    );
    set(Caps {
        tokens_per_hour: Some(1),
        ..Caps::default()
    });
    let answer = running.get(&alice, &format!("{CREATE}?name=third"));
    assert!(answer.body.contains("within an hour"), "{}", answer.body);
    assert_eq!(names(&running, &alice), ["first", "l"]);
}

#[test]
fn revoked_tokens_take_little_space() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    let features: Vec<String> = (0..110).map(|number| format!("{number:064}")).collect();
    let features = features.join(",");
    for number in 0..40 {
        let form = format!("name=a{number}&features={features}");
        let make = Request::new("POST", "/execute/Tokens/create_limited").authorization(&alice);
        make.form(&form).send(running.account).new_token();
        running.get(&alice, &format!("/execute/Tokens/revoke?name=a{number}"));
    }
    let changes = running.block_on(running.state.service.store().changes(None)).unwrap();
    assert_eq!(changes.records.len(), 41);
    for record in &changes.records {
        assert!(serde_json::to_string(record).unwrap().len() < 400, "{record:?}");
    }
}

#[test]
fn server_with_left_out_tokens_is_not_ready() {
    let mut limits = Limits::default();
    limits.table_memory = 4 << 20;
    let running = Running::by(module_with(limits), |_| {});
    let ready = || Request::new("GET", "/ready").send(running.account);
    assert_eq!(ready().status, 200);
    for number in 0..300 {
        let features = (0..110).map(|feature| format!("{number:030}{feature:034}")).collect();
        running.token(NewToken::new(
            "alice",
            &format!("t{number}"),
            Access::Limited { features },
        ));
    }
    // The first answer may be that the table has just become full.
    let answer = [ready(), ready()].into_iter().next_back().unwrap();
    assert_eq!(answer.status, 503);
    let told = answer.json();
    assert_eq!(told["reason"], "tokens_left_out");
    assert_eq!(told["tokens"], running.state.verifier.left_out());
    assert_eq!(Request::new("GET", "/health").send(running.account).status, 200);
}
