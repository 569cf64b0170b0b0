//! `validate` finds what `create` refuses.
#![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

use tokenlatch_core::{
    Access, Account, Caps, CreateRequest, ErrorCode, ExpiryInput, Features, Pepper, SecretString, ValidateRequest,
    Zone, create, validate,
};

const NOW: i64 = 1_800_000_000;

fn request() -> CreateRequest {
    let no_entropy = SecretString::new(String::new());
    CreateRequest::new(NOW, no_entropy, "alice".to_owned(), "ci".to_owned(), Access::Full)
}

fn limited(feature: &str) -> Access {
    Access::Limited {
        features: vec![feature.to_owned()],
    }
}

/// The values of a request to create a token, as a request to validate them.
fn values(request: &CreateRequest) -> ValidateRequest {
    ValidateRequest {
        name: Some(request.name.clone()),
        taken: request.taken.clone(),
        user: Some(request.user.clone()),
        token: None,
        zone: request.zone.clone(),
        policy: Some(request.policy),
        expires: request.expires.clone(),
        addresses: Some(request.addresses.clone()),
        prefix: request.prefix.clone(),
        access: Some(request.access.clone()),
        account: request.account.clone(),
        peppers: request.pepper.iter().cloned().collect(),
        catalogue: None,
        records: Vec::new(),
        now: Some(request.now),
    }
}

type Spoil = fn(&mut CreateRequest);

#[test]
fn finds_what_create_refuses_with_the_same_code_and_field() {
    let account = |suspended, features| Account {
        user: "alice".to_owned(),
        suspended,
        administrator: false,
        features,
    };
    let account_of = |account: Account| CreateRequest {
        account: Some(account),
        ..request()
    };
    let mut others = vec![
        (account_of(account(true, Features::All)), ErrorCode::AccountSuspended),
        (
            account_of(account(false, Features::default())),
            ErrorCode::TokensDisabled,
        ),
        (
            account_of(account(false, Features::List(vec!["-".to_owned()]))),
            ErrorCode::FeatureInvalid,
        ),
        (
            CreateRequest {
                access: limited("mail"),
                ..account_of(account(false, Features::List(vec!["apitokens".to_owned()])))
            },
            ErrorCode::FeatureNotInAccount,
        ),
        (
            account_of(Account {
                user: "bob".to_owned(),
                ..account(false, Features::All)
            }),
            ErrorCode::AccountMismatch,
        ),
    ];
    let spoiled: [(Spoil, ErrorCode); 16] = [
        (|request| request.now = 0, ErrorCode::NowInvalid),
        (|request| request.user = "a b".to_owned(), ErrorCode::UserCharacter),
        (|request| request.name = "a/b".to_owned(), ErrorCode::NameCharacter),
        (|request| request.taken = vec!["ci".to_owned()], ErrorCode::NameTaken),
        (|request| request.access = limited("-"), ErrorCode::FeatureInvalid),
        (
            |request| request.addresses = vec!["here".to_owned()],
            ErrorCode::AddressInvalid,
        ),
        (
            |request| request.prefix = Some("t_l".to_owned()),
            ErrorCode::PrefixInvalid,
        ),
        (
            |request| request.pepper = Some(Pepper::default()),
            ErrorCode::PepperInvalid,
        ),
        (
            |request| request.zone = Zone::Fixed("east".to_owned()),
            ErrorCode::ZoneInvalid,
        ),
        (|request| request.policy.max_lifetime = Some(0), ErrorCode::ValueInvalid),
        (|request| request.policy.caps.tokens = Some(0), ErrorCode::ValueInvalid),
        (
            |request| {
                request.policy.caps.addresses = Some(1);
                request.addresses = vec!["::1".to_owned(), "::2".to_owned()];
            },
            ErrorCode::AddressesTooMany,
        ),
        (
            |request| {
                request.policy.caps = Caps {
                    record_bytes: Some(514),
                    ..Caps::default()
                };
                request.access = limited("mail");
            },
            ErrorCode::RecordTooLarge,
        ),
        (
            |request| request.expires = Some(ExpiryInput::Text("soon".to_owned())),
            ErrorCode::ExpiryInvalid,
        ),
        (
            |request| {
                request.policy.expiry_required = true;
                request.expires = Some(ExpiryInput::Text("never".to_owned()));
            },
            ErrorCode::ExpiryRequired,
        ),
        (
            |request| {
                request.policy.max_lifetime = Some(60);
                request.expires = Some(ExpiryInput::Seconds(NOW + 3_600));
            },
            ErrorCode::ExpiryTooLate,
        ),
    ];
    for (spoil, code) in spoiled {
        let mut request = request();
        spoil(&mut request);
        others.push((request, code));
    }
    for (request, code) in others {
        let refused = create(&request).unwrap_err();
        assert_eq!(refused.code, code);
        let found = match validate(values(&request)) {
            Err(error) => error,
            Ok(validated) => {
                assert_eq!((validated.valid, validated.problems.len()), (false, 1), "{validated:?}");
                validated.accepted().unwrap_err()
            }
        };
        assert_eq!(found.code, refused.code);
        // Only the key of a pepper's path differs: `pepper` in one operation, `peppers[0]` in the other.
        let field = refused
            .field
            .clone()
            .map(|field| field.replace("pepper.", "peppers[0]."));
        assert_eq!(found.field, field);
    }
    // Nothing is wrong with the values of a good request; only entropy is missing.
    assert_eq!(create(&request()).unwrap_err().code, ErrorCode::EntropyLength);
    let good = validate(values(&request())).unwrap().accepted().unwrap();
    assert!(good.expires.is_some());
}
