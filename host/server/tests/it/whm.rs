//! The administrator's token functions: WHM API 1.

use crate::common::NOW;
use crate::common::served::{Answer, DENIED, Request, Running};
use serde_json::{Value, json};
use tokenlatch::NewToken;
use tokenlatch::core::{Access, ExpiryInput, Realm};

fn call(running: &Running, whm: &str, function: &str, parameters: &str) -> Answer {
    running.get_admin(whm, &format!("/json-api/{function}?api.version=1{parameters}"))
}

fn listed(running: &Running, whm: &str, name: &str) -> Value {
    call(running, whm, "api_token_list", "").json()["data"]["tokens"][name].clone()
}

fn failed(answer: &Answer) -> String {
    assert_eq!(
        (answer.status, &answer.json()["metadata"]["result"]),
        (200, &json!(0)),
        "{answer:?}"
    );
    answer.json()["metadata"]["reason"].as_str().unwrap().to_owned()
}

#[test]
fn creates_lists_and_revokes() {
    let running = Running::start();
    let whm = running.administrator("first");
    let created = call(
        &running,
        &whm,
        "api_token_create",
        "&token_name=x&expires_at=1900000000&acl-0=apitokens&acl-1=popaccts&whitelist_ip=127.0.0.1,::1",
    );
    let token = created.json()["data"]["token"].as_str().unwrap().to_owned();
    assert_eq!(
        created.body,
        format!(
            concat!(
                r#"{{"data":{{"acls":["apitokens","popaccts"],"create_time":{NOW},"expires_at":1900000000,"name":"x","token":"{token}","#,
                r#""whitelist_ips":["127.0.0.1","::1"]}},"metadata":{{"command":"api_token_create","reason":"OK","result":1,"version":1}}}}"#
            ),
            NOW = NOW,
            token = token,
        )
    );
    let own = format!("whm root:{token}");
    assert_eq!(
        listed(&running, &own, "x"),
        json!({"acls": {"apitokens": 1, "popaccts": 1}, "create_time": NOW, "expires_at": 1_900_000_000, "name": "x", "whitelist_ips": ["127.0.0.1", "::1"]})
    );
    let plain = call(&running, &whm, "api_token_create", "&token_name=y").json();
    assert_eq!(
        (
            &plain["data"]["acls"],
            &plain["data"]["expires_at"],
            &plain["data"]["whitelist_ips"]
        ),
        (&json!(["all"]), &Value::Null, &Value::Null)
    );
    assert_eq!(
        call(&running, &whm, "api_token_revoke", "&token_name-0=x&token_name-1=y").body,
        r#"{"metadata":{"command":"api_token_revoke","reason":"OK","result":1,"version":1}}"#
    );
    assert_eq!(call(&running, &own, "api_token_list", "").status, 401);
    assert_eq!(listed(&running, &whm, "y"), Value::Null);
}

#[test]
fn update_keeps_omitted_parameters() {
    let running = Running::start();
    // A token that expires must not create one that never does.
    let mut first = NewToken::new("root", "first", Access::Full);
    (first.realm, first.expires) = (Realm::Admin, Some(ExpiryInput::Text("never".to_owned())));
    let whm = format!("whm root:{}", running.token(first));
    call(
        &running,
        &whm,
        "api_token_create",
        "&token_name=x&expires_at=1900000000&acl=apitokens&whitelist_ip=192.0.2.1",
    );
    let token = |acls: &[&str], expires: Value, name: &str, addresses: Value| json!({"acls": acls, "create_time": NOW, "expires_at": expires, "name": name, "whitelist_ips": addresses});
    let update = |parameters: &str| call(&running, &whm, "api_token_update", parameters).json()["data"].clone();
    assert_eq!(
        update("&token_name=x&new_name=z"),
        token(&["apitokens"], json!(1_900_000_000), "z", json!(["192.0.2.1"]))
    );
    assert_eq!(
        update("&token_name=z&whitelist_ip=any"),
        token(&["apitokens"], json!(1_900_000_000), "z", Value::Null)
    );
    assert_eq!(
        update("&token_name=z&expires_at=0"),
        token(&["apitokens"], Value::Null, "z", Value::Null)
    );
    assert_eq!(
        update("&token_name=z&acl=all"),
        token(&["all"], Value::Null, "z", Value::Null)
    );
    assert_eq!(
        update("&token_name=z&expires_at=1900000001"),
        token(&["all"], json!(1_900_000_001), "z", Value::Null)
    );
}

#[test]
fn details_require_the_token_in_the_body() {
    let running = Running::start();
    let whm = running.administrator("first");
    let text = whm.strip_prefix("whm root:").unwrap();
    let target = "/json-api/api_token_get_details?api.version=1";
    let post = |form: &str| {
        Request::new("POST", target)
            .authorization(&whm)
            .form(form)
            .send(running.admin)
    };
    assert_eq!(post(&format!("token={text}")).json()["data"]["name"], "first");
    let unknown = post(&format!("token={}", "A".repeat(32)));
    assert_eq!(
        unknown.body,
        r#"{"metadata":{"command":"api_token_get_details","reason":"OK","result":1,"version":1}}"#
    );
    let alice = running.full("alice", "alices");
    let foreign = post(&format!("token={}", alice.strip_prefix("cpanel alice:").unwrap()));
    assert_eq!(foreign.body, unknown.body, "another user's token is unknown");
    let in_url = running.get_admin(&whm, &format!("{target}&token={text}"));
    assert_eq!((in_url.status, in_url.body.as_str()), (400, DENIED));
    assert_eq!(
        failed(&running.get_admin(&whm, target)),
        r#"The parameter "token" is missing."#
    );
}

#[test]
fn only_version_1_is_supported() {
    let running = Running::start();
    let whm = running.administrator("first");
    for query in ["", "?api.version=0", "?api.version=2", "?api.version=1&api.version=1"] {
        let answer = running.get_admin(&whm, &format!("/json-api/api_token_list{query}"));
        assert_eq!(failed(&answer), r#"The parameter "api.version" must be 1."#);
        assert_eq!(answer.json().as_object().unwrap().len(), 1);
    }
    let json = Request::new("POST", "/json-api/api_token_list")
        .authorization(&whm)
        .json(r#"{"api.version":1}"#);
    assert_eq!(json.send(running.admin).json()["metadata"]["result"], 1);
}

#[test]
fn failures_name_the_parameter() {
    let running = Running::start();
    let whm = running.administrator("first");
    let reason = |function: &str, parameters: &str| failed(&call(&running, &whm, function, parameters));
    assert_eq!(
        reason("api_token_create", ""),
        r#"The parameter "token_name" is missing."#
    );
    assert!(reason("api_token_create", "&token_name=first").contains("token_name"));
    assert!(reason("api_token_create", "&token_name=x&expires_at=5").contains("expires_at"));
    assert!(reason("api_token_create", "&token_name=x&whitelist_ip=300.1.1.1").contains("whitelist_ip"));
    assert!(reason("api_token_update", "&token_name=none").contains("token_name"));
}

#[test]
fn whm_functions_exist_only_on_the_admin_port() {
    let running = Running::start();
    let whm = running.administrator("first");
    let root = running.full("root", "account");
    assert_eq!(running.get(&root, "/json-api/api_token_list?api.version=1").status, 404);
    assert_eq!(running.get_admin(&whm, "/execute/Tokens/list").status, 404);
    let tokens = "cpanel_jsonapi_apiversion=2&cpanel_jsonapi_module=Tokens&cpanel_jsonapi_func=list";
    let by_api_2 = running.get_admin(&whm, &format!("/json-api/cpanel?{tokens}"));
    assert_eq!(
        (by_api_2.status, &by_api_2.json()["code"]),
        (404, &json!("function_elsewhere"))
    );
    let refused = running.get_admin(&whm, "/execute/Tokens/list").json();
    assert_eq!((&refused["status"], &refused["code"]), (&json!(0), &json!("not_found")));
    let refused = running.get_admin(&whm, "/json-api/listaccts?api.version=1").json();
    assert_eq!(
        refused["metadata"],
        json!({"command": "listaccts", "reason": "Unknown function.", "result": 0, "version": 1})
    );
    assert_eq!(refused["code"], "function_unknown");
    assert_eq!(running.get_admin(&whm, "/json-api/listaccts?api.version=1").status, 404);
    assert_eq!(running.get_admin("", "/json-api/listaccts?api.version=1").status, 401);
    assert_eq!(listed(&running, &whm, "account"), Value::Null);
    failed(&call(
        &running,
        &whm,
        "api_token_update",
        "&token_name=account&new_name=x",
    ));
    call(&running, &whm, "api_token_revoke", "&token_name=account");
    assert_eq!(running.get(&root, "/execute/Tokens/list").status, 200);
}

#[test]
fn limited_admin_token_cannot_create_a_wider_one() {
    let running = Running::start();
    let whm = running.administrator("first");
    let created = call(&running, &whm, "api_token_create", "&token_name=x&acl=apitokens").json();
    let own = format!("whm root:{}", created["data"]["token"].as_str().unwrap());
    failed(&call(&running, &own, "api_token_create", "&token_name=y"));
    failed(&call(&running, &own, "api_token_update", "&token_name=x&acl=all"));
    failed(&call(&running, &own, "api_token_create", "&token_name=y&acl=popaccts"));
    let none = call(&running, &whm, "api_token_create", "&token_name=n&acl=popaccts").json();
    let none = format!("whm root:{}", none["data"]["token"].as_str().unwrap());
    assert_eq!(call(&running, &none, "api_token_list", "").status, 403);
}

#[test]
fn limited_admin_token_manages_only_tokens_within_its_rights() {
    let running = Running::start();
    let owner = running.administrator("owner");
    let own = running.limited_administrator("own", &["apitokens", "popaccts"]);
    running.limited_administrator("small", &["popaccts"]);
    let tokens = call(&running, &own, "api_token_list", "").json()["data"]["tokens"].clone();
    let names: Vec<&String> = tokens.as_object().unwrap().keys().collect();
    assert_eq!(names, ["own", "small"]);
    for change in [
        "&new_name=x",
        "&new_name=own",
        "&acl=popaccts",
        "&expires_at=0",
        "&whitelist_ip=127.0.0.1",
    ] {
        let answer = call(
            &running,
            &own,
            "api_token_update",
            &format!("&token_name=owner{change}"),
        );
        let unknown = call(&running, &own, "api_token_update", &format!("&token_name=none{change}"));
        assert_eq!(answer.body.replace("owner", "none"), unknown.body, "{change}");
    }
    let details = |text: &str| {
        let details = Request::new("POST", "/json-api/api_token_get_details?api.version=1");
        details
            .authorization(&own)
            .form(&format!("token={text}"))
            .send(running.admin)
    };
    let unknown = details(&"A".repeat(32));
    assert_eq!(details(owner.strip_prefix("whm root:").unwrap()).body, unknown.body);
    assert_eq!(
        details(own.strip_prefix("whm root:").unwrap()).json()["data"]["name"],
        "own"
    );
    let both = "&token_name-0=owner&token_name-1=small";
    assert_eq!(call(&running, &own, "api_token_revoke", both).status, 200);
    assert!(listed(&running, &owner, "owner").is_object() && listed(&running, &owner, "small").is_null());
}

#[test]
fn token_cannot_extend_or_widen_any_token() {
    let running = Running::start();
    let owner = running.administrator("owner");
    let later = NOW + 60;
    let made = call(
        &running,
        &owner,
        "api_token_create",
        &format!("&token_name=dying&expires_at={later}"),
    );
    let dying = format!("whm root:{}", made.json()["data"]["token"].as_str().unwrap());
    let update = |authorization: &str, change: &str| call(&running, authorization, "api_token_update", change);
    for name in ["dying", "owner"] {
        for end in [0, later + 1] {
            failed(&update(&dying, &format!("&token_name={name}&expires_at={end}")));
        }
    }
    assert_eq!(listed(&running, &owner, "dying")["expires_at"], later);
    let sooner = update(&dying, &format!("&token_name=dying&expires_at={}", later - 1)).json();
    assert_eq!(sooner["data"]["expires_at"], later - 1);
    failed(&update(&dying, &format!("&token_name=dying&expires_at={later}")));
    let own = running.limited_administrator("own", &["apitokens", "popaccts"]);
    failed(&update(&own, "&token_name=own&acl-0=apitokens&acl-1=mysql"));
    let narrowed = update(&own, "&token_name=own&acl=apitokens&whitelist_ip=127.0.0.1").json();
    assert_eq!(narrowed["data"]["acls"], json!(["apitokens"]));
    failed(&update(&own, "&token_name=own&acl-0=apitokens&acl-1=popaccts"));
    failed(&update(&own, "&token_name=own&whitelist_ip=any"));
    failed(&update(&own, "&token_name=own&whitelist_ip=127.0.0.0/8"));
}

#[test]
fn only_get_and_post_are_allowed() {
    let running = Running::start();
    let whm = running.administrator("first");
    for method in ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let request = Request::new(method, "/json-api/api_token_create?api.version=1&token_name=x");
        let answer = request.authorization(&whm).send(running.admin);
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some("GET, POST")),
            "{method}"
        );
    }
    assert_eq!(listed(&running, &whm, "x"), Value::Null);
}
