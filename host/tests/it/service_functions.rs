//! The functions of the compatible interfaces, called on the service itself.

use crate::common::{Place, plain, run};
use tokenlatch::core::{Access, Features, Record, Shape, Value};
use tokenlatch::{AskingToken, FunctionCall, FunctionFailure, Service};

/// Calls a function as alice, and returns the body of the reply.
async fn ask(
    service: &Service,
    shape: Shape,
    token: Option<AskingToken<'_>>,
    function: &str,
    values: &[(&str, &str)],
) -> Result<String, FunctionFailure> {
    let call = FunctionCall {
        shape,
        function,
        user: "alice",
        token,
    };
    let values = values
        .iter()
        .map(|(key, value)| ((*key).to_owned(), Value::String((*value).to_owned())));
    Ok(service.function(&call, values.collect()).await?.body)
}

fn asking(record: &Record) -> Option<AskingToken<'_>> {
    Some(AskingToken {
        id: &record.id,
        name: Some(&record.name),
    })
}

const FULL: &[(&str, &str)] = &[("name", "new")];
const MAIL: &[(&str, &str)] = &[("name", "new"), ("features", "popaccts")];

#[test]
fn calling_token_limits_what_it_creates() {
    run(async {
        let place = Place::new();
        let service = place.service().await;
        let mut wish = plain("limited");
        wish.access = Access::Limited {
            features: vec!["apitokens".to_owned(), "popaccts".to_owned()],
        };
        let limited = service.create(wish).await.unwrap().record;
        let refused = ask(&service, Shape::Uapi, asking(&limited), "create_full_access", FULL).await;
        assert!(refused.unwrap().starts_with(r#"{"status":0,"data":null,"errors":["#));
        let made = ask(&service, Shape::Uapi, asking(&limited), "create_limited", MAIL).await;
        assert!(made.unwrap().starts_with(r#"{"status":1,"#));
        let in_person = ask(&service, Shape::Uapi, None, "create_full_access", &[("name", "mine")]).await;
        assert!(in_person.unwrap().starts_with(r#"{"status":1,"#));
    });
}

#[test]
fn caller_survives_a_rename_but_not_a_revocation() {
    run(async {
        let place = Place::new();
        let service = place.service().await;
        let record = service.create(plain("before")).await.unwrap().record;
        service.rename("alice", None, "before", "after").await.unwrap();
        // Another token now has the name in the verdict.
        service.create(plain("before")).await.unwrap();
        let made = ask(&service, Shape::Uapi, asking(&record), "create_limited", MAIL).await;
        assert!(made.unwrap().starts_with(r#"{"status":1,"#));
        service.revoke("alice", None, &["after".to_owned()]).await.unwrap();
        let gone = ask(&service, Shape::Uapi, asking(&record), "create_full_access", FULL).await;
        assert!(matches!(gone, Err(FunctionFailure::Gone)));
        let names: Vec<String> = service
            .records("alice", None)
            .await
            .unwrap()
            .into_iter()
            .map(|record| record.name)
            .collect();
        assert_eq!(names, ["before", "new"], "nothing was made");
    });
}

#[test]
fn each_api_has_only_its_own_functions() {
    run(async {
        let place = Place::new();
        let service = place.service().await;
        for (shape, function) in [
            (Shape::Uapi, "api_token_list"),
            (Shape::Api2, "api_token_list"),
            (Shape::UapiCommand, "LIST"),
            (Shape::Uapi, ""),
            (Shape::Whm, "list"),
            (Shape::Denied, "list"),
        ] {
            let unknown = ask(&service, shape, None, function, &[]).await;
            assert!(matches!(unknown, Err(FunctionFailure::Unknown)), "{function}");
        }
        for (shape, function) in [
            (Shape::Api2, "list"),
            (Shape::UapiCommand, "list"),
            (Shape::Whm, "api_token_list"),
        ] {
            assert!(ask(&service, shape, None, function, &[]).await.is_ok(), "{function}");
        }
    });
}

#[test]
fn refusal_is_a_reply_but_store_failure_is_an_error() {
    run(async {
        let place = Place::new();
        let service = place.service().await;
        let values = [("name", "none"), ("new_name", "other"), ("colour", "red")];
        let refused = ask(&service, Shape::Uapi, None, "rename", &values).await.unwrap();
        assert!(
            refused.starts_with(r#"{"status":0,"data":null,"errors":["#),
            "{refused}"
        );
        assert!(
            refused.contains(r#""warnings":["The parameter \"colour\""#),
            "{refused}"
        );
        service.set_features("alice", Features::List(Vec::new())).await.unwrap();
        let refused = ask(&service, Shape::Uapi, None, "create_full_access", FULL)
            .await
            .unwrap();
        assert!(refused.starts_with(r#"{"status":0,"#), "{refused}");
        service.close().await;
        let broken = ask(&service, Shape::Uapi, None, "list", &[]).await;
        assert!(matches!(broken, Err(FunctionFailure::Failed(_))));
    });
}
