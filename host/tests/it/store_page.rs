//! Pages of tokens: the store's order is the module's, and a page costs the same for any number of tokens.
#![cfg(unix)]

use std::sync::Arc;
use std::time::Instant;

use crate::common::database::Database;
use crate::common::{NOW, plain};
use tokenlatch::core::{Access, Caps, Policy, Realm, Record, SortKey};
use tokenlatch::{
    ArchivedAccount, ArchivedToken, ListOptions, ListedToken, NewToken, Newer, Plan, RestoreChoice, Revived, Service,
    SetClock, StoredToken,
};

crate::common::over_both!(
    page_equals_the_modules_list,
    a_page_beyond_the_last_is_the_last,
    page_refuses_the_same_options_as_list,
    page_contains_only_tokens_of_its_port,
    tokens_are_looked_up_renamed_and_revoked_by_their_ids,
    the_terms_of_expiry_are_the_policys_and_keep_nothing,
    a_name_is_checked_without_a_token,
    measures_a_page_of_many_tokens_against_few,
    live_token_counts_stay_correct,
);

/// Pseudo-random numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// Adds tokens of alice with many equal names, times and ports. Some of them are revoked.
async fn fill(service: &Service, count: usize) {
    let model = service.create(plain("model")).await.unwrap().record;
    let mut numbers = Numbers(7);
    let letters = b"aAbB_-0z";
    for number in 0..count {
        let length = numbers.below(4);
        let mut name: String = (0..length)
            .map(|_| char::from(letters[usize::try_from(numbers.below(8)).unwrap()]))
            .collect();
        name.push_str(&format!("{number}"));
        let record = Record {
            id: format!("{:x}-{number}", numbers.below(1 << 20)),
            name,
            hash: format!("sha256:{number:064x}"),
            created: NOW + i64::try_from(numbers.below(4)).unwrap(),
            expires: match numbers.below(5) {
                0 | 1 => None,
                more => Some(NOW + 1_000 * i64::try_from(more).unwrap()),
            },
            realm: if numbers.below(3) == 0 {
                Realm::Admin
            } else {
                Realm::Account
            },
            revoked: (numbers.below(8) == 0).then_some(NOW + 10),
            ..model.clone()
        };
        service.store().add_token(&record, None, Caps::default()).await.unwrap();
    }
}

async fn page_equals_the_modules_list(database: Database) {
    let service = database.service().await.with_clock(Arc::new(SetClock::at(NOW + 20)));
    fill(&service, 60).await;
    let searches = [
        None,
        Some(""),
        Some("a"),
        Some("A"),
        Some("aB"),
        Some("_"),
        Some("%"),
        Some("\\"),
        Some("'"),
        Some("\""),
        Some("-"),
        Some("model"),
        Some("é"),
        Some("\0"),
        Some("a%"),
        Some("1"),
        Some("nothing-has-this"),
    ];
    for search in searches {
        for sort in [
            None,
            Some(SortKey::Name),
            Some(SortKey::Created),
            Some(SortKey::Expires),
        ] {
            for descending in [false, true] {
                for page_size in [None, Some(7)] {
                    let options = ListOptions {
                        page_size,
                        sort,
                        descending,
                        search: search.map(str::to_owned),
                        ..ListOptions::default()
                    };
                    // The first page, the last ones and one between them.
                    let pages = service.list("alice", options.clone()).await.unwrap().pages;
                    for page in [1, pages.midpoint(1), (pages - 1).max(1), pages] {
                        let options = ListOptions {
                            page: Some(page),
                            ..options.clone()
                        };
                        let whole = service.list("alice", options.clone()).await.unwrap();
                        let paged = service.page("alice", None, options.clone()).await.unwrap();
                        let tokens: Vec<_> = paged.tokens.into_iter().map(|listed| listed.token).collect();
                        assert_eq!(tokens, whole.tokens, "{options:?}");
                        assert_eq!(
                            (paged.page, paged.page_size, paged.pages, paged.total),
                            (whole.page, whole.page_size, whole.pages, whole.total),
                            "{options:?}"
                        );
                    }
                }
            }
        }
    }
}

async fn a_page_beyond_the_last_is_the_last(database: Database) {
    let service = database.service().await;
    let beyond = ListOptions {
        page: Some(99),
        page_size: Some(2),
        ..ListOptions::default()
    };
    let none = service.page("alice", None, beyond.clone()).await.unwrap();
    assert_eq!((none.page, none.pages, none.total, none.tokens.len()), (1, 1, 0, 0));
    for name in ["a", "b", "c"] {
        service.create(plain(name)).await.unwrap();
    }
    let last = service.page("alice", Realm::Account, beyond).await.unwrap();
    assert_eq!((last.page, last.pages, last.total), (2, 2, 3));
    assert_eq!(names(&last.tokens), ["c"]);
    let furthest = ListOptions {
        page: Some(1 << 50),
        ..ListOptions::default()
    };
    assert_eq!(service.page("alice", None, furthest).await.unwrap().page, 1);
}

async fn page_refuses_the_same_options_as_list(database: Database) {
    let service = database.service().await;
    for options in [
        ListOptions {
            page: Some(0),
            ..ListOptions::default()
        },
        ListOptions {
            page: Some(-1),
            ..ListOptions::default()
        },
        ListOptions {
            page_size: Some(0),
            ..ListOptions::default()
        },
        ListOptions {
            page_size: Some(1_001),
            ..ListOptions::default()
        },
        ListOptions {
            search: Some("x".repeat(51)),
            ..ListOptions::default()
        },
        ListOptions {
            warn_days: Some(-1),
            ..ListOptions::default()
        },
    ] {
        let listed = service.list("alice", options.clone()).await.unwrap_err();
        let paged = service.page("alice", None, options).await.unwrap_err();
        assert_eq!((paged.code(), paged.to_string()), (listed.code(), listed.to_string()));
    }
    let unknown = service.page("nobody", None, ListOptions::default()).await.unwrap_err();
    assert_eq!(unknown.code(), "account_unknown");
}

async fn page_contains_only_tokens_of_its_port(database: Database) {
    let service = database.service().await;
    fill(&service, 40).await;
    for realm in [Realm::Account, Realm::Admin] {
        let records = service.records("alice", realm).await.unwrap();
        for sort in [SortKey::Name, SortKey::Created, SortKey::Expires] {
            let options = ListOptions {
                page_size: Some(100),
                sort: Some(sort),
                ..ListOptions::default()
            };
            let page = service.page("alice", realm, options).await.unwrap();
            assert_eq!(page.total, i64::try_from(records.len()).unwrap());
            assert!(page.tokens.iter().all(|listed| listed.token.realm == realm));
        }
        let ids: Vec<String> = service
            .records("alice", None)
            .await
            .unwrap()
            .into_iter()
            .map(|record| record.id)
            .collect();
        let mut listed = service.listed("alice", realm, &ids).await.unwrap();
        listed.retain(|listed| listed.token.realm != realm);
        assert!(listed.is_empty());
    }
    let bobs = service.page("bob", None, ListOptions::default()).await.unwrap();
    assert_eq!(bobs.total, 0);
}

async fn tokens_are_looked_up_renamed_and_revoked_by_their_ids(database: Database) {
    let service = database.service().await;
    let mut ids = Vec::new();
    for name in ["one", "two", "three"] {
        ids.push(service.create(plain(name)).await.unwrap().record.id);
    }
    let admins = NewToken {
        realm: Realm::Admin,
        ..plain("admins")
    };
    let admins = service.create(admins).await.unwrap().record.id;
    let asked = [
        ids[2].clone(),
        "nothing".to_owned(),
        ids[0].clone(),
        ids[2].clone(),
        admins.clone(),
    ];
    let listed = service.listed("alice", Realm::Account, &asked).await.unwrap();
    assert_eq!(names(&listed), ["three", "one"]);
    assert!(service.listed("bob", None, &asked).await.unwrap().is_empty());

    let renamed = service
        .rename_by_id("alice", Realm::Account, &ids[0], "uno")
        .await
        .unwrap();
    assert_eq!((renamed.id.as_str(), renamed.name.as_str()), (ids[0].as_str(), "uno"));
    let rename = async |user: &str, realm: Realm, id: &str, name: &str| {
        service
            .rename_by_id(user, realm, id, name)
            .await
            .unwrap_err()
            .code()
            .to_owned()
    };
    assert_eq!(rename("alice", Realm::Account, &ids[0], "two").await, "name_taken");
    assert_eq!(rename("alice", Realm::Account, &ids[0], "").await, "name_empty");
    assert_eq!(rename("alice", Realm::Account, &admins, "x").await, "token_unknown");
    assert_eq!(
        rename("alice", Realm::Account, "uno", "x").await,
        "token_unknown",
        "a name is no id"
    );
    assert_eq!(rename("bob", Realm::Account, &ids[0], "x").await, "token_unknown");
    service
        .rename_by_id("alice", None, &ids[0], "uno")
        .await
        .expect("its own name is free to it");

    let wanted = [ids[0].clone(), ids[0].clone(), admins.clone(), "two".to_owned()];
    let revocation = service.revoke_by_ids("alice", Realm::Account, &wanted).await.unwrap();
    assert_eq!(revocation.revoked, ["uno"]);
    assert_eq!(revocation.unknown, [admins, "two".to_owned()]);
    let again = service.revoke_by_ids("alice", Realm::Account, &ids[..1]).await.unwrap();
    assert_eq!((again.revoked.len(), again.unknown), (0, ids[..1].to_vec()));
    assert_eq!(rename("alice", Realm::Account, &ids[0], "x").await, "token_unknown");
}

async fn the_terms_of_expiry_are_the_policys_and_keep_nothing(database: Database) {
    let service = database.service().await;
    let made = service
        .create(NewToken::new("alice", "made", Access::Full))
        .await
        .unwrap();
    let terms = service.expiry_terms("alice").await.unwrap();
    assert_eq!(Some(terms.default), made.record.expires, "as in a new token");
    assert!(terms.never_refused.is_none());
    let policy = Policy {
        max_lifetime: Some(60),
        ..Policy::default()
    };
    service.set_policy("alice", policy).await.unwrap();
    let revision = service.store().revision().await.unwrap();
    let terms = service.expiry_terms("alice").await.unwrap();
    let now = service.clock().now().unwrap();
    assert!((now..=now + 60).contains(&terms.default));
    assert_eq!(terms.never_refused.unwrap().code.as_str(), "expiry_required");
    assert_eq!(service.store().revision().await.unwrap(), revision);
    assert_eq!(service.store().tokens("alice").await.unwrap().len(), 1);
    service.set_suspended("alice", true).await.unwrap();
    assert_eq!(
        service.expiry_terms("alice").await.unwrap_err().code(),
        "account_suspended"
    );
    let features = tokenlatch::core::Features::List(vec!["popaccts".to_owned()]);
    service.set_features("bob", features).await.unwrap();
    assert_eq!(service.expiry_terms("bob").await.unwrap_err().code(), "tokens_disabled");
    assert_eq!(
        service.expiry_terms("nobody").await.unwrap_err().code(),
        "account_unknown"
    );
}

async fn a_name_is_checked_without_a_token(database: Database) {
    let service = database.service().await;
    let code = async |user: &str, name: &str| match service.check_name(user, name).await {
        Ok(()) => "",
        Err(error) => error.code(),
    };
    assert_eq!(code("alice", "made").await, "");
    let made = NewToken::new("alice", "made", Access::Full);
    service.create(made).await.unwrap();
    assert_eq!(code("alice", "made").await, "name_taken");
    assert_eq!(code("bob", "made").await, "");
    assert_eq!(code("alice", "a b").await, "name_character");
    assert_eq!(code("nobody", "made").await, "account_unknown");
    let policy = Policy {
        caps: Caps {
            tokens: Some(1),
            ..Caps::default()
        },
        ..Policy::default()
    };
    service.set_policy("alice", policy).await.unwrap();
    assert_eq!(code("alice", "other").await, "tokens_too_many");
    service.set_suspended("bob", true).await.unwrap();
    assert_eq!(code("bob", "made").await, "account_suspended");
    assert_eq!(service.store().tokens("alice").await.unwrap().len(), 1);
}

/// The minimum times of several calls, in seconds. The calls take turns, since other load only adds to a time.
async fn least_times(service: &Service, asked: [(&str, &ListOptions); 2]) -> [f64; 2] {
    let mut least = [f64::MAX; 2];
    for _ in 0..15 {
        for (least, (user, options)) in least.iter_mut().zip(asked) {
            let begun = Instant::now();
            let page = service.page(user, None, options.clone()).await.unwrap();
            *least = least.min(begun.elapsed().as_secs_f64());
            assert_eq!(page.tokens.len(), 20);
        }
    }
    least
}

/// Other tests check that nothing is sorted. This one measures the whole call (`--nocapture` shows the result).
async fn measures_a_page_of_many_tokens_against_few(database: Database) {
    let service = database.service().await;
    for (user, count) in [("alice", 10_000), ("bob", 20)] {
        let model = service
            .create(NewToken::new(user, "model", Access::Full))
            .await
            .unwrap()
            .record;
        let archive = service.store().archive().await.unwrap();
        let of_user = |found: &&ArchivedAccount| found.account.account.user == user;
        let key = archive.accounts.iter().find(of_user).unwrap().account.key.clone();
        let tokens = (1..count).map(|number| ArchivedToken {
            account: key.clone(),
            token: StoredToken {
                record: Record {
                    id: format!("{user}-{number}"),
                    name: format!("{:x}", number * 7_919 % 10_007),
                    hash: format!("sha256:{:063x}{:x}", number, user.len()),
                    created: NOW + number % 100,
                    expires: (number % 3 > 0).then_some(NOW + 1_000 + number % 1_000),
                    ..model.clone()
                },
                revision: 1,
            },
        });
        let plan = Plan {
            since: archive.revision,
            pruned: 0,
            changes: Vec::new(),
            accounts: Vec::new(),
            tokens: tokens.collect(),
        };
        service.store().apply(&plan).await.unwrap();
    }
    for sort in [SortKey::Name, SortKey::Created, SortKey::Expires] {
        for descending in [false, true] {
            let options = ListOptions {
                sort: Some(sort),
                descending,
                ..ListOptions::default()
            };
            for page in [1, 500] {
                let far = ListOptions {
                    page: Some(page),
                    ..options.clone()
                };
                let [few, many] = least_times(&service, [("bob", &options), ("alice", &far)]).await;
                // Printed, but not checked: the machine may be busy.
                println!("{sort:?} descending={descending} page {page}: ratio {:.2}", many / few);
            }
        }
    }
}

async fn live_token_counts_stay_correct(database: Database) {
    let service = database.service().await;
    fill(&service, 40).await;
    let live = service.records("alice", None).await.unwrap();
    let names: Vec<String> = live.iter().map(|record| record.name.clone()).take(7).collect();
    service.revoke("alice", None, &names).await.unwrap();
    let count = service.account("alice").await.unwrap().live_tokens;
    assert_eq!(count, live.len() as u64 - 7);
    service.rename_account("alice", "carol").await.unwrap();
    assert_eq!(service.account("carol").await.unwrap().live_tokens, count);
    assert_eq!(service.check().await.unwrap(), Vec::<String>::new());
    let backup = service.backup().await.unwrap();
    let elsewhere = database.another().await;
    let other = elsewhere.open().await;
    let choice = RestoreChoice {
        revived: Some(Revived::Keep),
        newer: Newer::Keep,
    };
    other.restore(&backup, choice).await.unwrap();
    assert_eq!(other.account("carol").await.unwrap().live_tokens, count);
    assert_eq!(other.check().await.unwrap(), Vec::<String>::new());
    service.remove_account("carol").await.unwrap();
    assert_eq!(service.check().await.unwrap(), Vec::<String>::new());
    database
        .sql(
            "UPDATE token_counts SET live = live + 1 WHERE realm = 'account'",
            "UPDATE tokenlatch.token_counts SET live = live + 1 WHERE realm = 'account'",
        )
        .await
        .unwrap();
    let found = service.check().await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
}

fn names(tokens: &[ListedToken]) -> Vec<&str> {
    tokens.iter().map(|listed| listed.token.name.as_str()).collect()
}
