//! The library: typed calls from many threads, secrets, entropy, zones.

use std::sync::Arc;
use std::thread;

use crate::common::{NOW, Place, module, plain, run};
use tokenlatch::core::{Authorization, Call, IdentifyRequest, Pepper, Reason, ValidateRequest, Zone};
use tokenlatch::{ENTROPY_BYTES, Entropy, EnvironmentError, ServerZone, SetClock};

#[derive(Debug)]
struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, _: &mut [u8; ENTROPY_BYTES]) -> Result<(), EnvironmentError> {
        Err(EnvironmentError::Entropy("it is broken".to_owned()))
    }
}

#[test]
fn no_token_without_entropy() {
    run(async {
        let place = Place::new();
        let service = place.service().await.with_entropy(Arc::new(NoEntropy));
        assert_eq!(
            service.create(plain("one")).await.unwrap_err().code(),
            "entropy_unavailable"
        );
        assert_eq!(service.list("alice", Default::default()).await.unwrap().total, 0);
    });
}

#[test]
fn a_clock_that_stands_at_zero_admits_nothing() {
    run(async {
        let place = Place::new();
        let clock = Arc::new(SetClock::at(NOW));
        let service = place.service().await.with_clock(clock.clone());
        let token = service.create(plain("one")).await.unwrap().token;
        let header = Authorization::from(format!("cpanel alice:{}", token.expose()).as_str());
        assert!(service.verify(&header, &Call::default()).await.unwrap().allowed);
        clock.set(0);
        assert_eq!(
            service.verify(&header, &Call::default()).await.unwrap_err().code(),
            "now_invalid"
        );
        assert_eq!(service.create(plain("two")).await.unwrap_err().code(), "now_invalid");
    });
}

#[test]
fn token_expires_at_the_exact_second() {
    run(async {
        let place = Place::new();
        let clock = Arc::new(SetClock::at(NOW));
        let service = place.service().await.with_clock(clock.clone());
        let mut wish = plain("one");
        wish.expires = Some(tokenlatch::core::ExpiryInput::Seconds(NOW + 60));
        let token = service.create(wish).await.unwrap().token;
        let header = Authorization::from(format!("cpanel alice:{}", token.expose()).as_str());
        for (at, reason) in [(59, Reason::Ok), (60, Reason::TokenExpired), (61, Reason::TokenExpired)] {
            clock.set(NOW + at);
            assert_eq!(
                service.verify(&header, &Call::default()).await.unwrap().reason,
                reason,
                "{at}"
            );
        }
    });
}

#[test]
fn debug_output_contains_no_secret() {
    run(async {
        let place = Place::new();
        let key = "5ec2e7".repeat(8);
        let pepper = Pepper {
            id: "one".to_owned(),
            key: key.as_str().into(),
        };
        let service = place.service().await.with_peppers(vec![pepper]);
        let created = service.create(plain("one")).await.unwrap();
        let token = created.token.expose().to_owned();
        let header = Authorization::from(format!("cpanel alice:{token}").as_str());
        let request = IdentifyRequest {
            authorization: header.clone(),
            peppers: Vec::new(),
        };
        let validate = ValidateRequest {
            token: Some(created.token.clone()),
            ..ValidateRequest::default()
        };
        let refused = service.create(plain("one")).await.unwrap_err();
        let shown = format!(
            "{service:?} {created:?} {header:?} {request:?} {validate:?} {refused:?} {refused} {:?} {:?}",
            module(),
            service.verify(&header, &Call::default()).await.unwrap(),
        );
        assert!(
            !shown.contains(&token) && !shown.contains(&token[..28]) && !shown.contains(&key),
            "{shown}"
        );
        for secret in [token.as_bytes(), key.as_bytes()] {
            assert!(!place.holds(secret));
        }
        service.close().await;
        assert!(!place.holds(token.as_bytes()));
    });
}

#[test]
fn typed_calls_work_from_many_threads() {
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let request = IdentifyRequest {
                        authorization: Authorization::from("cpanel alice:ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"),
                        peppers: Vec::new(),
                    };
                    assert_eq!(module().identify(&request).unwrap().user.as_deref(), Some("alice"));
                }
            });
        }
    });
    assert!(module().idle_instances() >= 1);
}

#[test]
fn zone_table_lists_its_transitions() {
    let Zone::Table { offset, transitions } = ServerZone::named("Europe/Berlin").unwrap().table(NOW) else {
        panic!("a table");
    };
    assert_eq!(offset, 3_600);
    // The last Sundays of March and October 2027, 01:00 UTC.
    assert_eq!(transitions[..2], [(1_806_195_600, 7_200), (1_824_944_400, 3_600)]);
    assert!(transitions.len() <= 1_000);
    for name in chrono_tz::TZ_VARIANTS.iter().step_by(7).map(|zone| zone.name()) {
        let zone = ServerZone::named(name).unwrap().table(NOW);
        let validated = module()
            .validate(&ValidateRequest {
                now: Some(NOW),
                zone,
                expires: Some(tokenlatch::core::ExpiryInput::Text("2040-06-01".to_owned())),
                ..ValidateRequest::default()
            })
            .unwrap();
        assert!(validated.valid, "{name}: {validated:?}");
    }
    assert_eq!(ServerZone::named("Mars/Base").unwrap_err().code(), "zone_unknown");
}
