//! The token functions by API 2, and the refusal of API 1.

use crate::common::NOW;
use crate::common::served::{DENIED, Request, Running};

const LIST: &str = "/json-api/cpanel?cpanel_jsonapi_apiversion=2&cpanel_jsonapi_module=Tokens&cpanel_jsonapi_func=list";
const API_1: &str = r#"{"cpanelresult":{"apiversion":"2","error":"Token authentication allows access to UAPI or API 2 calls only","data":{"reason":"Token authentication allows access to UAPI or API 2 calls only","result":"0"},"type":"text"}}"#;

fn call(function: &str, parameters: &str) -> String {
    format!(
        "/json-api/cpanel?cpanel_jsonapi_apiversion=2&cpanel_jsonapi_module=Tokens&cpanel_jsonapi_func={function}{parameters}"
    )
}

#[test]
fn every_function_works_by_query() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    let created = running.get(&alice, &call("create_full_access", "&name=x&cpanel_jsonapi_user=alice"));
    let token = created.json()["cpanelresult"]["data"][0]["token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        created.body,
        format!(
            r#"{{"cpanelresult":{{"apiversion":2,"module":"Tokens","func":"create_full_access","data":[{{"create_time":{NOW},"token":"{token}"}}],"event":{{"result":1}}}}}}"#
        )
    );
    let own = format!("cpanel alice:{token}");
    assert_eq!(
        running.get(&own, &call("rename", "&name=x&new_name=y")).body,
        r#"{"cpanelresult":{"apiversion":2,"module":"Tokens","func":"rename","data":[],"event":{"result":1}}}"#
    );
    let list = running.get(&own, LIST).json();
    assert_eq!(list["cpanelresult"]["data"][1]["name"], "y");
    assert_eq!(
        running.get(&alice, &call("revoke", "&name=y")).body,
        r#"{"cpanelresult":{"apiversion":2,"module":"Tokens","func":"revoke","data":[1],"event":{"result":1}}}"#
    );
    assert_eq!(running.get(&own, LIST).status, 401);
    let failed = running.get(&alice, &call("rename", "&name=y"));
    let sentence = r#"The parameter "new_name" is missing."#;
    assert_eq!(failed.json()["cpanelresult"]["error"], sentence);
    assert_eq!(
        failed.json()["cpanelresult"]["event"],
        serde_json::json!({"result": 0, "reason": sentence})
    );
}

#[test]
fn body_may_name_the_function() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    let form = LIST.split_once('?').unwrap().1;
    let post = || Request::new("POST", "/json-api/cpanel").authorization(&alice);
    let json = r#"{"cpanel_jsonapi_apiversion":2,"cpanel_jsonapi_module":"Tokens","cpanel_jsonapi_func":"list"}"#;
    let expected = running.get(&alice, LIST).body;
    assert_eq!(post().form(form).send(running.account).body, expected);
    assert_eq!(post().json(json).send(running.account).body, expected);
    assert_eq!(
        post().json(&json.replace("\"2\"", "2")).send(running.account).body,
        expected
    );
    // Some programs send JSON with the content type of a form.
    assert_eq!(post().form(json).send(running.account).body, expected);
    assert_eq!(running.post("", "/json-api/cpanel", form).status, 401);
}

#[test]
fn api_1_is_refused() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    for target in [
        "/json-api/cpanel?cpanel_jsonapi_apiversion=1&cpanel_jsonapi_module=Email&cpanel_jsonapi_func=listpops",
        "/json-api/cpanel?cpanel_jsonapi_apiversion=&cpanel_jsonapi_module=Tokens&cpanel_jsonapi_func=list",
        "/json-api/cpanel?cpanel_jsonapi_apiversion=4&cpanel_jsonapi_module=Tokens&cpanel_jsonapi_func=list",
        "/json-api/cpanel?cpanel_jsonapi_apiversion=1",
    ] {
        let answer = running.get(&alice, target);
        assert_eq!((answer.status, answer.body.as_str()), (403, API_1), "{target}");
        assert_eq!(running.get("", target).status, 401);
    }
}

#[test]
fn version_defaults_to_api_2() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    let target = "/json-api/cpanel?cpanel_jsonapi_module=Tokens&cpanel_jsonapi_func=list";
    assert_eq!(running.get(&alice, target).body, running.get(&alice, LIST).body);
    assert_eq!(running.get("", target).status, 401);
    assert_eq!(
        running.get(&alice, "/json-api/cpanel").status,
        400,
        "but a function must be named"
    );
}

#[test]
fn version_3_is_uapi_in_an_envelope() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    let answer = running.get(&alice, &LIST.replace("version=2", "version=3")).json();
    assert_eq!(
        (&answer["apiversion"], &answer["func"], &answer["module"]),
        (&3.into(), &"list".into(), &"Tokens".into())
    );
    assert_eq!(answer["result"], running.get(&alice, "/execute/Tokens/list").json());
}

#[test]
fn user_parameter_never_replaces_the_tokens_owner() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    running.full("bob", "bobs");
    let expected = running.get(&alice, LIST).body;
    assert!(expected.contains("first") && !expected.contains("bobs"));
    // `user` is a placeholder in the documentation's examples, and public programs send it unchanged.
    for user in ["user", "bob", "nobody", "", "%2F..", "alice"] {
        let named = format!("cpanel_jsonapi_user={user}");
        assert_eq!(running.get(&alice, &format!("{LIST}&{named}")).body, expected, "{user}");
        assert_eq!(running.post(&alice, LIST, &named).body, expected, "{user}");
        assert_eq!(running.get("", &format!("{LIST}&{named}")).body, DENIED);
    }
    let made = call("create_full_access", "&name=x&cpanel_jsonapi_user=bob");
    assert_eq!(running.get(&alice, &made).json()["cpanelresult"]["event"]["result"], 1);
    assert!(running.get(&alice, LIST).body.contains("\"x\""));
}

#[test]
fn ambiguous_selectors_are_refused() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    for more in [
        "&cpanel_jsonapi_func=revoke",
        "&CPANEL_JSONAPI_FUNC=revoke",
        "&cpanel.jsonapi.func=revoke",
        "&cpanel_jsonapi_func[]=revoke",
        "&cpanel_jsonapi_user=alice&cpanel_jsonapi_user=alice",
    ] {
        assert_eq!(running.get(&alice, &format!("{LIST}{more}")).status, 400, "{more}");
    }
    assert_eq!(running.post(&alice, LIST, "cpanel_jsonapi_func=revoke").status, 400);
    let incomplete = running.get(&alice, "/json-api/cpanel?cpanel_jsonapi_apiversion=2");
    assert_eq!(
        (incomplete.status, &incomplete.json()["code"]),
        (400, &"function_missing".into())
    );
}

#[test]
fn refusals_use_the_envelope_of_their_api() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    let missing = "The parameters cpanel_jsonapi_module and cpanel_jsonapi_func name the function.";
    let answer = running.get(&alice, "/json-api/cpanel");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(
        (answer.status, answer.json()),
        (
            400,
            serde_json::json!({
                "cpanelresult": {"apiversion": 2, "data": [], "error": missing, "event": {"result": 0, "reason": missing}},
                "detail": missing, "code": "function_missing"
            })
        )
    );
    let nested = running.get(&alice, "/json-api/cpanel?cpanel_jsonapi_apiversion=3");
    assert_eq!(nested.json()["result"]["errors"], serde_json::json!([missing]));
    let none = running.get(&alice, &call("none", ""));
    assert_eq!((none.status, &none.json()["code"]), (404, &"function_unknown".into()));
    assert_eq!(none.json()["cpanelresult"]["error"], "Unknown function.");
    let put = Request::new("PUT", LIST).authorization(&alice).send(running.account);
    assert_eq!((put.status, put.header("allow")), (405, Some("GET, HEAD, POST")));
    assert_eq!(put.json()["cpanelresult"]["event"]["result"], 0);
    let whm = running.get(&alice, "/json-api/listaccts?api.version=1");
    assert_eq!(
        (whm.status, &whm.json()["metadata"]),
        (
            404,
            &serde_json::json!({"command": "listaccts", "reason": "Not found.", "result": 0, "version": 1})
        )
    );
}

#[test]
fn session_prefix_of_an_api_path_is_ignored() {
    let running = Running::start();
    let alice = running.full("alice", "first");
    for prefix in ["/cpsess0123456789", "/cpsess123456789"] {
        for target in [
            LIST,
            "/execute/Tokens/list",
            "/execute/Tokens/none",
            "/execute",
            "/json-api/none",
        ] {
            let (with, without) = (
                running.get(&alice, &format!("{prefix}{target}")),
                running.get(&alice, target),
            );
            assert_eq!(with.stable(), without.stable(), "{prefix}{target}");
            let refused = running.get("", &format!("{prefix}{target}"));
            assert_eq!(refused.stable(), running.get("", target).stable(), "{prefix}{target}");
        }
    }
    let list = format!("/cpsess0123456789{}", "/json-api/api_token_list?api.version=1");
    assert_eq!(
        running.get_admin(&running.administrator("whm"), &list).json()["metadata"]["result"],
        1
    );
    assert_eq!(
        running.get(&alice, "/cpsess0123456789/tokens").header("content-type"),
        Some("text/html; charset=utf-8")
    );
}

#[test]
fn limited_and_read_only_tokens_are_restricted() {
    let running = Running::start();
    let (reader, mail) = (
        running.reader("alice", "r"),
        running.limited("alice", "m", &["popaccts"]),
    );
    assert_eq!(running.get(&reader, LIST).status, 200);
    assert_eq!(running.get(&reader, &call("revoke", "&name=m")).status, 403);
    assert_eq!(running.get(&mail, LIST).status, 403);
    assert_eq!(
        running.get(&reader, &call("none", "")).status,
        403,
        "unknown functions count as writing"
    );
}
