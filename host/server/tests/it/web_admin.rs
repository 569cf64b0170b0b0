//! The administrator's pages: accounts, features, suspension, revoking tokens.

use crate::common::browser::{Browser, PASSWORD, encoded, value_of};
use crate::common::served::{Answer, Request, Running};
use tokenlatch::core::{Access, Features, Realm};
use tokenlatch::{NewToken, StoreError};

/// A user who is logged in, with the session's CSRF value.
#[derive(Clone)]
struct Person {
    browser: Browser,
    csrf: String,
}

impl Person {
    fn at(mut browser: Browser) -> Person {
        let csrf = browser.csrf();
        Person { browser, csrf }
    }

    fn get(&self, path: &str) -> Answer {
        self.browser.clone().see(path)
    }

    /// Sends a form with the session's own CSRF value.
    fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_with(path, &[&[("csrf", self.csrf.as_str())], fields].concat())
    }

    fn post_with(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.browser.clone().post(&self.browser.path(path), fields)
    }

    /// Submits the feature form of an account's page with these values.
    fn replace(&self, user: &str, fields: &[(&str, &str)]) -> Answer {
        let path = format!("/accounts/{user}");
        let was = value_of(&self.get(&path).body, "was").unwrap();
        self.post(
            &format!("{path}/features"),
            &[&[("was", was.as_str())], fields].concat(),
        )
    }

    /// The page that the form's redirect leads to.
    fn follow(&self, answer: &Answer) -> Answer {
        assert_eq!(answer.status, 303, "{answer:?}");
        self.browser.clone().get(answer.header("location").unwrap())
    }
}

/// A server whose account root is an administrator, and root's login session.
fn start() -> (Running, Person) {
    let running = Running::with_passwords();
    let root = Person::at(Browser::administrator(&running, "root"));
    (running, root)
}

fn try_login(port: std::net::SocketAddr, user: &str) -> Answer {
    Browser::new(port).try_log_in(user, PASSWORD)
}

/// The ids of a user's valid tokens with these names.
fn ids(running: &Running, user: &str, names: &[&str]) -> Vec<String> {
    let records = running.block_on(running.state.service.records(user, None)).unwrap();
    let id = |name: &&str| records.iter().find(|record| record.name == *name).unwrap().id.clone();
    names.iter().map(id).collect()
}

/// The status of a guarded call with a token of the account port.
fn call(running: &Running, authorization: &str, feature: &str) -> u16 {
    running
        .get(authorization, &format!("/auth?feature={feature}&writes=0"))
        .status
}

#[test]
fn admin_pages_require_an_administrator() {
    let (running, root) = start();
    assert_eq!(root.get("/accounts").status, 200);
    // A right password, and yet the answer for a wrong one.
    let refused = try_login(running.admin, "alice");
    assert_eq!(refused.status, 401);
    assert!(refused.body.contains("The login is invalid."), "{}", refused.body);
    // A session of the account port is not valid here, whatever its cookie is called.
    let alice = Person::at(Browser::logged_in(&running, "alice"));
    let id = alice.browser.cookies.values().next().unwrap();
    for (name, prefix) in [
        ("cpsession", &alice.browser.prefix),
        ("whostmgrsession", &alice.browser.prefix),
        ("whostmgrsession", &root.browser.prefix),
    ] {
        let mut stranger = alice.clone();
        stranger.browser.port = running.admin;
        stranger.browser.cookies = [(name.to_owned(), id.clone())].into();
        stranger.browser.prefix.clone_from(prefix);
        assert_eq!(stranger.get("/accounts").status, 401);
        assert_eq!(stranger.post("/accounts/bob/suspend", &[]).status, 401);
    }
    // The account port does not have the administrator's pages either.
    assert_eq!(alice.get("/accounts").status, 404);
    // A user who is no longer an administrator loses access at once.
    running
        .block_on(running.state.service.set_administrator("root", false))
        .unwrap();
    assert_eq!(root.get("/accounts").status, 401);
    assert_eq!(root.post("/accounts/bob/suspend", &[]).status, 401);
    assert!(
        !running
            .block_on(running.state.service.account("bob"))
            .unwrap()
            .account
            .suspended
    );
}

#[test]
fn the_accounts_and_an_account_are_shown() {
    let (running, root) = start();
    running.full("alice", "deploy");
    let page = root.get("/accounts");
    for text in [
        "<h1>Accounts</h1>",
        ">Account<",
        ">Features<",
        ">Tokens<",
        ">Created<",
        ">State<",
        "Administrator",
        "Every feature",
    ] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    assert!(
        page.body
            .contains(&format!(r#"href="{}/accounts/alice""#, root.browser.prefix))
    );
    let account = root.get("/accounts/alice");
    for text in [
        "<h1>Account alice</h1>",
        "Every feature",
        "Only these features",
        "Suspend",
        "Select deploy",
        ">Revoke<",
    ] {
        assert!(account.body.contains(text), "{text}: {}", account.body);
    }
    let own = root.get("/accounts/root");
    assert!(
        own.body.contains("your own account") && !own.body.contains("/suspend"),
        "{}",
        own.body
    );
    assert_eq!(root.get("/accounts/nobody").status, 404);
}

#[test]
fn changed_features_are_in_force_at_once() {
    let (running, root) = start();
    let token = running.full("alice", "deploy");
    assert_eq!(call(&running, &token, "popaccts"), 200);
    let done = root.replace(
        "alice",
        &[("features", "list"), ("list", "apitokens\r\nsslmanager, dns")],
    );
    assert_eq!(call(&running, &token, "popaccts"), 403);
    assert_eq!(call(&running, &token, "dns"), 200);
    let page = root.follow(&done);
    assert!(page.body.contains("The features were replaced."), "{}", page.body);
    assert!(
        page.body.contains("apitokens\nsslmanager\ndns</textarea>"),
        "{}",
        page.body
    );
    let stored = running.block_on(running.state.service.account("alice")).unwrap();
    let list = ["apitokens", "sslmanager", "dns"].map(String::from).to_vec();
    assert_eq!(stored.account.features, Features::List(list));
    root.replace("alice", &[("features", "all"), ("list", "")]);
    assert_eq!(call(&running, &token, "popaccts"), 200);
}

#[test]
fn invalid_features_change_nothing_and_stay_in_the_form() {
    let (running, root) = start();
    for (fields, message) in [
        (
            &[("features", "list"), ("list", "dns\n-x")][..],
            "“-x”: A feature is 1 to 64 characters",
        ),
        (
            &[("features", "list"), ("list", "dns dns")],
            "“dns”: The feature is listed twice",
        ),
        (
            &[("features", "every"), ("list", "dns")],
            "Choose what the account may do.",
        ),
        (&[("list", "dns")], "Choose what the account may do."),
        (
            &[("features", "list"), ("list", "<script>alert(1)</script>")],
            "A feature is 1 to 64 characters",
        ),
    ] {
        let answer = root.replace("alice", fields);
        assert_eq!(answer.status, 422, "{fields:?}");
        assert!(answer.body.contains(message), "{message}: {}", answer.body);
        assert!(!answer.body.contains("<script>alert"), "{}", answer.body);
        let first = fields.last().unwrap().1.split(['\n', ' ', '<']).next().unwrap();
        assert!(answer.body.contains(first), "what was typed is still there");
    }
    let stored = running.block_on(running.state.service.account("alice")).unwrap();
    assert_eq!(stored.account.features, Features::All);
}

#[test]
fn outdated_features_form_needs_a_second_submission() {
    let (running, root) = start();
    let send = |was: &str| {
        let fields = [("features", "list"), ("list", "dns"), ("was", was)];
        root.post("/accounts/alice/features", &fields)
    };
    let account = || {
        running
            .block_on(running.state.service.account("alice"))
            .unwrap()
            .account
    };
    let was = value_of(&root.get("/accounts/alice").body, "was").unwrap();
    let others = [("features", "list"), ("list", "apitokens\nmail")];
    assert_eq!(root.replace("alice", &others).status, 303);
    // Another fault in the form does not hide the conflict from the next submission.
    for fields in [
        &[("features", "list"), ("list", "-"), ("was", was.as_str())][..],
        &[("list", "dns"), ("was", &was)],
    ] {
        let wrong = root.post("/accounts/alice/features", fields);
        assert_eq!(wrong.status, 422);
        assert_eq!(value_of(&wrong.body, "was").unwrap(), was);
    }
    let unsaid = root.post("/accounts/alice/features", &[("features", "list"), ("list", "dns")]);
    assert!(
        unsaid.status == 422 && unsaid.body.contains("The form lacks the previous features"),
        "{}",
        unsaid.body
    );
    let late = send(&was);
    assert!(
        late.status == 422 && late.body.contains("The features were changed in the meantime"),
        "{}",
        late.body
    );
    assert!(late.body.contains(">dns</textarea>"), "{}", late.body);
    assert_eq!(
        account().features,
        Features::List(vec!["apitokens".to_owned(), "mail".to_owned()])
    );
    assert_eq!(send(&value_of(&late.body, "was").unwrap()).status, 303);
    assert_eq!(account().features, Features::List(vec!["dns".to_owned()]));
}

#[test]
fn suspended_account_is_refused_until_resumed() {
    let (running, root) = start();
    let token = running.full("alice", "deploy");
    let alice = Person::at(Browser::logged_in(&running, "alice"));
    assert_eq!(alice.get("/tokens").status, 200);
    let asked = root.get("/accounts/alice/suspend");
    assert!(
        asked.status == 200 && asked.body.contains("1 API token"),
        "{}",
        asked.body
    );
    assert_eq!(call(&running, &token, "dns"), 200, "asking has changed nothing");

    let done = root.post("/accounts/alice/suspend", &[]);
    assert_eq!(call(&running, &token, "dns"), 403);
    assert_eq!(alice.get("/tokens").status, 401);
    assert_eq!(try_login(running.account, "alice").status, 403);
    let page = root.follow(&done);
    assert!(
        page.body.contains("The account is suspended.") && page.body.contains("Let it work again"),
        "{}",
        page.body
    );
    assert!(
        root.get("/accounts").body.contains(">Suspended<"),
        "a word in the table says it"
    );

    let page = root.follow(&root.post("/accounts/alice/resume", &[]));
    assert!(page.body.contains("The account is resumed"), "{}", page.body);
    assert_eq!(call(&running, &token, "dns"), 200);
    assert_eq!(alice.get("/tokens").status, 401, "the old session stays ended");
    assert_eq!(Browser::logged_in(&running, "alice").see("/tokens").status, 200);
}

#[test]
fn administrator_cannot_suspend_their_own_account() {
    let (running, root) = start();
    for answer in [
        root.get("/accounts/root/suspend"),
        root.post("/accounts/root/suspend", &[]),
    ] {
        assert_eq!(answer.status, 409);
        assert!(
            answer.body.contains("You cannot suspend your own account"),
            "{}",
            answer.body
        );
    }
    assert!(
        !running
            .block_on(running.state.service.account("root"))
            .unwrap()
            .account
            .suspended
    );
}

#[test]
fn revoking_tokens_of_both_ports_asks_first() {
    let (running, root) = start();
    let tokens: Vec<String> = ["a", "b", "c", "d"]
        .iter()
        .map(|name| running.full("alice", name))
        .collect();
    let mut wanted = NewToken::new("alice", "whm", Access::Full);
    wanted.realm = Realm::Admin;
    let whm = format!("whm alice:{}", running.token(wanted));
    assert_eq!(running.get_admin(&whm, "/auth").status, 200);
    let page = root.get("/accounts/alice");
    assert!(page.body.contains("administrator’s port"), "{}", page.body);

    // None selected.
    let none = root.post("/accounts/alice/revoke/confirm", &[]);
    assert!(
        none.status == 422 && none.body.contains("Select at least one token."),
        "{}",
        none.body
    );

    // One selected.
    let one = ids(&running, "alice", &["a"]);
    let asked = root.post("/accounts/alice/revoke/confirm", &[("id", &one[0])]);
    assert!(
        asked.status == 200 && asked.body.contains("<strong>a</strong>") && !asked.body.contains("<strong>b</strong>")
    );
    assert_eq!(call(&running, &tokens[0], "dns"), 200, "asking has changed nothing");
    let done = root.follow(&root.post("/accounts/alice/revoke", &[("id", &one[0])]));
    assert!(done.body.contains("1 API token was revoked."), "{}", done.body);
    assert_eq!(call(&running, &tokens[0], "dns"), 401);
    assert_eq!(call(&running, &tokens[1], "dns"), 200);

    // Several, of both ports, and one that is already revoked.
    let many = ids(&running, "alice", &["b", "c", "whm"]);
    let fields: Vec<(&str, &str)> = many.iter().chain(&one).map(|id| ("id", id.as_str())).collect();
    let asked = root.post("/accounts/alice/revoke/confirm", &fields);
    assert!(asked.body.contains("<strong>whm</strong>"), "{}", asked.body);
    assert!(asked.body.contains("One other is revoked already."), "{}", asked.body);
    let done = root.follow(&root.post("/accounts/alice/revoke", &fields));
    assert!(done.body.contains("3 API tokens were revoked"), "{}", done.body);
    assert_eq!(running.get_admin(&whm, "/auth").status, 401);
    assert_eq!(
        [&tokens[1], &tokens[2], &tokens[3]].map(|token| call(&running, token, "dns")),
        [401, 401, 200]
    );

    // The box in the heading selects every token shown.
    let rest = ids(&running, "alice", &["d"]);
    let asked = root.post("/accounts/alice/revoke/confirm", &[("all", "1"), ("shown", &rest[0])]);
    assert!(asked.body.contains("<strong>d</strong>"), "{}", asked.body);
}

#[test]
fn a_token_of_another_account_is_not_revoked_by_its_id() {
    let (running, root) = start();
    let bobs = running.full("bob", "his");
    let id = ids(&running, "bob", &["his"]);
    let answer = root.post("/accounts/alice/revoke/confirm", &[("id", &id[0])]);
    assert!(
        answer.status == 422 && answer.body.contains("Nothing was revoked."),
        "{}",
        answer.body
    );
    root.post("/accounts/alice/revoke", &[("id", &id[0])]);
    assert_eq!(call(&running, &bobs, "dns"), 200);
}

#[test]
fn removed_account_is_reported_to_its_forms() {
    let (running, root) = start();
    running.full("bob", "his");
    let id = ids(&running, "bob", &["his"]);
    running.block_on(running.state.service.remove_account("bob")).unwrap();
    for (path, fields) in [
        ("features", &[("features", "all")][..]),
        ("suspend", &[]),
        ("resume", &[]),
        ("revoke/confirm", &[("id", id[0].as_str())]),
        ("revoke", &[("id", id[0].as_str())]),
    ] {
        let answer = root.post(&format!("/accounts/bob/{path}"), fields);
        assert_eq!(answer.status, 409, "{path}: {answer:?}");
        assert!(
            answer.body.contains("This account was removed or renamed"),
            "{path}: {}",
            answer.body
        );
    }
    assert_eq!(root.get("/accounts/bob").status, 404);
}

#[test]
fn markup_in_names_is_escaped() {
    let (running, root) = start();
    // The module does not allow such names, but an older database might contain them.
    for name in ["<b>x", "\"><script>alert(1)</script>", "'&amp;"] {
        let page = root.get(&format!("/accounts?{}", encoded(&[("search", name)])));
        assert!(page.status == 200 && !page.body.contains(name), "{}", page.body);
        let page = root.get(&format!("/accounts/alice?{}", encoded(&[("search", name)])));
        assert!(!page.body.contains(name), "{}", page.body);
        let step: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let page = root.get(&format!("/accounts/{}", step.replace('+', "%20")));
        assert!(page.status == 404 || page.status == 400, "{page:?}");
        assert!(!page.body.contains(name), "{}", page.body);
        let refused = running.block_on(running.state.service.add_account(name, Features::All));
        assert!(refused.is_err());
    }
}

#[test]
fn user_named_with_dots_has_a_page() {
    let (running, root) = start();
    for user in ["..", ".", ".hidden", "a.b@c"] {
        running
            .block_on(running.state.service.add_account(user, Features::All))
            .unwrap();
        let step = if user.starts_with('.') {
            format!("~{user}")
        } else {
            user.to_owned()
        };
        let link = format!("{}/accounts/{step}", root.browser.prefix);
        assert!(
            root.get("/accounts").body.contains(&format!("href=\"{link}\"")),
            "{user}"
        );
        let page = root.get(&format!("/accounts/{step}"));
        assert!(
            page.status == 200 && page.body.contains(&format!("<h1>Account {user}</h1>")),
            "{user}: {page:?}"
        );
        let done = root.follow(&root.post(&format!("/accounts/{step}/suspend"), &[]));
        assert!(done.body.contains("The account is suspended."), "{user}");
    }
}

#[test]
fn five_hundred_accounts_are_searched_and_paged() {
    let (running, root) = start();
    running.block_on(async {
        for number in 0..500 {
            let user = format!("user{number:03}");
            let added = running
                .state
                .service
                .add_account(&user, Features::List(Vec::new()))
                .await;
            assert!(added.is_ok());
        }
    });
    let rows = |page: &Answer| page.body.matches("<th scope=\"row\"").count();
    let first = root.get("/accounts");
    assert_eq!(rows(&first), 50);
    assert!(
        first.body.contains("503 accounts") && first.body.contains("Page 1 of 11"),
        "{}",
        first.body
    );
    assert!(first.body.contains(&format!("{}/accounts?page=2", root.browser.prefix)));
    let last = root.get("/accounts?page=11");
    assert!(rows(&last) == 3 && last.body.contains("user499"), "{}", last.body);
    assert_eq!(
        rows(&root.get("/accounts?page=99")),
        3,
        "a page beyond the last is the last"
    );
    assert_eq!(rows(&root.get("/accounts?page=-1")), 50);
    let found = root.get("/accounts?search=USER12");
    assert_eq!(rows(&found), 10);
    assert!(
        found.body.contains("user129") && !found.body.contains(">alice<"),
        "{}",
        found.body
    );
    let none = root.get("/accounts?search=nobody");
    assert!(
        none.body.contains("No account has “<bdi>nobody</bdi>” in its name."),
        "{}",
        none.body
    );
}

#[test]
fn the_tokens_of_an_account_are_searched_sorted_and_paged() {
    let (running, root) = start();
    for number in 0..25 {
        running.full("bob", &format!("token-{number:02}"));
    }
    let rows = |page: &Answer| page.body.matches("<th scope=\"row\"").count();
    let page = root.get("/accounts/bob");
    assert!(
        rows(&page) == 20 && page.body.contains("25 API tokens"),
        "{}",
        page.body
    );
    assert!(
        page.body
            .contains(&format!("{}/accounts/bob?page=2", root.browser.prefix)),
        "{}",
        page.body
    );
    assert_eq!(rows(&root.get("/accounts/bob?page=2")), 5);
    assert_eq!(rows(&root.get("/accounts/bob?size=50")), 25);
    let turned = root.get("/accounts/bob?sort=name&order=desc&size=10");
    assert!(
        turned.body.contains("token-24") && !turned.body.contains("token-14"),
        "{}",
        turned.body
    );
    assert_eq!(rows(&root.get("/accounts/bob?search=TOKEN-1")), 10);
    // The search is kept after a change.
    let id = ids(&running, "bob", &["token-10"]);
    let done = root.post(
        "/accounts/bob/revoke",
        &[("id", &id[0]), ("search", "token-1"), ("sort", "created")],
    );
    let page = root.follow(&done);
    assert!(
        rows(&page) == 9 && page.body.contains("1 API token was revoked."),
        "{}",
        page.body
    );
}

#[test]
fn foreign_sessions_and_invalid_forms_do_nothing() {
    let (running, root) = start();
    running.block_on(async {
        let service = &running.state.service;
        service.add_account("carol", Features::All).await.unwrap();
        service.set_password("carol", PASSWORD.to_owned().into()).await.unwrap();
        service.set_administrator("carol", true).await.unwrap();
    });
    let carol = Person::at(Browser::administrator(&running, "carol"));
    let fields = [("csrf", carol.csrf.as_str())];
    for path in ["suspend", "resume", "features", "revoke", "revoke/confirm"] {
        let path = format!("/accounts/alice/{path}");
        // Without a CSRF value, with an invalid one, and with another session's path.
        for fields in [&[][..], &[("csrf", "")], &fields] {
            assert_eq!(root.post_with(&path, fields).status, 403, "{path}");
        }
        let mut mixed = root.clone();
        mixed.browser.prefix.clone_from(&carol.browser.prefix);
        assert_eq!(mixed.post(&path, &[]).status, 401, "{path}");
        let other_site = Request::new("POST", &root.browser.path(&path))
            .header("Origin", "https://evil.example")
            .form(&encoded(&[("csrf", root.csrf.as_str())]));
        let other_site = root.browser.clone().send(other_site);
        assert_eq!(other_site.status, 403, "{path}");
    }
    let alice = running.block_on(running.state.service.account("alice")).unwrap();
    assert!(!alice.account.suspended);
    // Carol suspends root, who is logged out. Root's forms no longer have an effect.
    carol.post("/accounts/root/suspend", &[]);
    let answer = root.post("/accounts/alice/suspend", &[]);
    assert!(
        answer.status == 401 && answer.body.contains("Nothing was changed."),
        "{answer:?}"
    );
    assert!(
        !running
            .block_on(running.state.service.account("alice"))
            .unwrap()
            .account
            .suspended
    );
    let gone = running.block_on(running.state.service.account("nobody")).unwrap_err();
    assert!(matches!(gone, tokenlatch::Error::Store(StoreError::AccountUnknown(_))));
}

#[test]
fn get_of_a_form_address_redirects_to_the_account() {
    let (_running, root) = start();
    for path in ["features", "resume", "revoke", "revoke/confirm"] {
        let answer = root.get(&format!("/accounts/alice/{path}"));
        assert_eq!(
            answer.header("location").unwrap(),
            format!("{}/accounts/alice", root.browser.prefix)
        );
    }
}

#[test]
fn redirect_keeps_the_path_segment_encoded() {
    let running = Running::with_passwords();
    let mut root = Browser::administrator(&running, "root");
    for (step, back) in [
        ("bob", "bob"),
        ("a%20b:%3C", "a%20b%3A%3C"),
        ("%c3%a9%3Fx%23", "%C3%A9%3Fx%23"),
        ("%7E.x", "~.x"),
    ] {
        let answer = root.see(&format!("/accounts/{step}/resume"));
        let place = root.path(&format!("/accounts/{back}"));
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, Some(place.as_str())),
            "{step}"
        );
    }
}
