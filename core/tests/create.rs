//! The order of the checks of `create`.
#![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

use tokenlatch_core::{
    Access, Account, CreateRequest, ErrorCode, ExpiryInput, Features, Pepper, Record, SecretString, Zone, create,
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

/// A token that may do little.
fn creator() -> Record {
    let wanted = CreateRequest {
        entropy: SecretString::new((0..64).map(|byte| format!("{byte:02x}")).collect()),
        access: limited("mail"),
        ..request()
    };
    create(&wanted).unwrap().record
}

type Spoil = fn(&mut CreateRequest);

/// Hosts check whether a user may create tokens, and whether a policy is valid, by a request without entropy.
#[test]
fn want_of_entropy_is_found_out_last_of_all() {
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
                creator: Some(creator()),
                ..request()
            },
            ErrorCode::AccessExceedsCreator,
        ),
    ];
    let spoiled: [(Spoil, ErrorCode); 13] = [
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
        assert_eq!(create(&request).unwrap_err().code, code);
    }
    assert_eq!(create(&request()).unwrap_err().code, ErrorCode::EntropyLength);
}
