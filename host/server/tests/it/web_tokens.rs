//! The page "Manage API Tokens": the table, selecting, revoking, renaming.

use crate::common::NOW;
use crate::common::browser::{Browser, set_cookies, value_of};
use crate::common::served::{Answer, Request, Running};
use tokenlatch::NewToken;
use tokenlatch::core::{Access, ExpiryInput, Features, Realm, Record};

const DAY: i64 = 86_400;

fn make(running: &Running, token: NewToken) -> Record {
    running
        .block_on(running.state.service.create(token))
        .expect("a token")
        .record
}

fn plain(running: &Running, user: &str, name: &str) -> String {
    make(running, NewToken::new(user, name, Access::Full)).id
}

fn ending(running: &Running, name: &str, expires: ExpiryInput) -> String {
    let mut token = NewToken::new("alice", name, Access::Full);
    token.expires = Some(expires);
    make(running, token).id
}

/// The names in the table, in order.
fn names(page: &Answer) -> Vec<&str> {
    let rows = page.body.split("<span class=\"name\">").skip(1);
    rows.filter_map(|row| row.split('<').next()).collect()
}

/// The row of a token.
fn row<'a>(page: &'a Answer, name: &str) -> &'a str {
    let rows = page.body.split("<tr role=\"row\"").skip(2);
    rows.into_iter()
        .find(|row| row.contains(&format!("<span class=\"name\">{name}</span>")))
        .unwrap_or_else(|| panic!("no row {name} in {page:?}"))
}

fn live(running: &Running, user: &str) -> Vec<String> {
    let mut names: Vec<String> = running
        .block_on(running.state.service.records(user, None))
        .expect("records")
        .into_iter()
        .map(|record| record.name)
        .collect();
    names.sort();
    names
}

#[test]
fn empty_list_shows_the_first_command() {
    let running = Running::with_passwords();
    let mut alice = Browser::logged_in(&running, "alice");
    let page = alice.see("/tokens");
    assert!(page.body.contains("You have no API tokens yet"));
    assert!(
        page.body.contains(
            "printf &#39;Authorization: cpanel alice:%s\\n&#39; &#34;$TOKEN&#34; | curl -H @- http://localhost/execute/Tokens/list</pre>"
        ),
        "{page:?}"
    );
    assert!(page.body.contains(">+ Create</a>"));
    assert!(!page.body.contains("<table"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
}

#[test]
fn a_row_says_what_its_token_is() {
    let running = Running::with_passwords();
    let features = vec!["backup".to_owned(), "mysql".to_owned()];
    let mut token = NewToken::new("alice", "deploy", Access::Limited { features });
    token.read_only = true;
    token.addresses = vec!["192.0.2.0/24".to_owned()];
    let record = make(&running, token);
    let mut alice = Browser::logged_in(&running, "alice");
    let page = alice.see("/tokens");
    let row = row(&page, "deploy");
    assert!(row.contains(&format!("<span class=\"mono\">…{}</span>", record.hint)));
    assert!(row.contains("2 features, read only, from 1 address only"), "{row}");
    assert!(row.contains("<time datetime=\"2027-01-15T08:00:00Z\">2027-01-15 08:00:00 UTC</time>"));
    assert!(row.contains("2028-01-15 23:59:59 UTC"));
    assert!(row.contains("Not yet"));
    assert!(row.contains(&format!(
        "/tokens/{}\">Manage<span class=\"aside\"> deploy</span></a>",
        record.id
    )));
    assert!(page.body.contains("1 API token</caption>"));
    assert!(!page.body.contains(&record.hash));
}

#[test]
fn expiring_and_expired_tokens_are_marked() {
    let running = Running::with_passwords();
    plain(&running, "alice", "plain");
    ending(&running, "never", ExpiryInput::Text("never".to_owned()));
    ending(&running, "soon", ExpiryInput::Seconds(NOW + 3 * DAY));
    let gone = ending(&running, "gone", ExpiryInput::Seconds(NOW + 60));
    running.clock.set(NOW + 120);
    let mut alice = Browser::logged_in(&running, "alice");
    let page = alice.see("/tokens");
    let soon = row(&page, "soon");
    assert!(
        soon.starts_with(" class=\"expiring\"") && soon.contains("</svg>Expires soon"),
        "{soon}"
    );
    let ended = row(&page, "gone");
    assert!(
        ended.starts_with(" class=\"expired\"") && ended.contains("</svg>Expired"),
        "{ended}"
    );
    let never = row(&page, "never");
    assert!(
        never.starts_with('>') && never.contains("</svg>Never expires"),
        "{never}"
    );
    assert!(row(&page, "plain").starts_with('>'));
    assert!(
        alice
            .see(&format!("/tokens/{gone}"))
            .body
            .contains("<strong>Expired.</strong>")
    );
}

#[test]
fn table_links_keep_search_and_sort_order() {
    let running = Running::with_passwords();
    for name in ["beta", "alpha", "gamma"] {
        plain(&running, "alice", name);
        running.clock.set(running.state.service.clock().now().unwrap() + 1);
    }
    let mut alice = Browser::logged_in(&running, "alice");
    assert_eq!(names(&alice.see("/tokens")), ["alpha", "beta", "gamma"]);
    assert_eq!(names(&alice.see("/tokens?order=desc")), ["gamma", "beta", "alpha"]);
    assert_eq!(names(&alice.see("/tokens?sort=created")), ["beta", "alpha", "gamma"]);
    let page = alice.see("/tokens?search=PHA&sort=created&size=50");
    assert_eq!(names(&page), ["alpha"]);
    assert!(page.body.contains("1 API token with “PHA” in the name</caption>"));
    assert!(
        page.body.contains("tokens?search=PHA&#38;size=50\">Token Name"),
        "{page:?}"
    );
    assert!(
        page.body
            .contains("tokens?search=PHA&#38;sort=created&#38;order=desc&#38;size=50\">Created")
    );
    assert!(page.body.contains("aria-sort=\"ascending\"><a"));
    assert_eq!(page.body.matches("aria-sort").count(), 1);
    assert!(page.body.contains(">Clear search</a>"));
    // Invalid options are treated as absent.
    assert_eq!(names(&alice.see("/tokens?sort=secret&order=up&page=x&size=7")).len(), 3);
}

#[test]
fn empty_and_too_long_searches_show_a_message() {
    let running = Running::with_passwords();
    plain(&running, "alice", "alpha");
    let mut alice = Browser::logged_in(&running, "alice");
    let page = alice.see("/tokens?search=%3Cb%3E");
    assert_eq!(page.status, 200);
    assert!(
        page.body
            .contains("No API token has “<bdi>&#60;b&#62;</bdi>” in its name."),
        "{page:?}"
    );
    assert!(page.body.contains(">Clear search</a>"));
    let page = alice.see(&format!("/tokens?search={}", "a".repeat(51)));
    assert_eq!(page.status, 422);
    assert!(page.body.contains("A search has at most 50 characters."));
}

#[test]
fn page_size_is_set_and_remembered() {
    let running = Running::with_passwords();
    for number in 10..35 {
        plain(&running, "alice", &format!("t{number}"));
    }
    let mut alice = Browser::logged_in(&running, "alice");
    let page = alice.see("/tokens");
    assert_eq!(names(&page).len(), 20);
    assert!(page.body.contains("25 API tokens</caption>"));
    assert!(page.body.contains("<span aria-current=\"page\">Page 1 of 2</span>"));
    assert!(set_cookies(&page).is_empty());
    let page = alice.see("/tokens?size=10");
    assert_eq!(
        set_cookies(&page),
        ["tokens_per_page=10; Path=/; Max-Age=31536000; HttpOnly; Secure; SameSite=Strict"]
    );
    let page = alice.see("/tokens?page=2");
    assert_eq!(names(&page).first(), Some(&"t20"));
    assert!(page.body.contains("Page 2 of 3"));
    for link in [">First<", ">Previous<", ">Next<", ">Last<"] {
        assert!(page.body.contains(link), "{link}");
    }
    // A page number beyond the last shows the last page.
    assert!(
        alice
            .see("/tokens?page=9223372036854775807")
            .body
            .contains("Page 3 of 3")
    );
    let page = alice.see("/tokens?page=9");
    assert_eq!(names(&page).len(), 5);
    assert!(page.body.contains("Page 3 of 3") && !page.body.contains(">Next<"));
    // A size that is not offered is ignored.
    let page = alice.see("/tokens?size=100000");
    assert_eq!(names(&page).len(), 20);
    assert!(set_cookies(&page).is_empty());
}

#[test]
fn revoking_asks_first_and_revokes_only_selected_tokens() {
    let running = Running::with_passwords();
    let ids: Vec<String> = ["a", "b", "c"].map(|name| plain(&running, "alice", name)).into();
    let mut alice = Browser::logged_in(&running, "alice");
    let asked = alice.submit(
        "/tokens/revoke/confirm",
        &[("id", &ids[0]), ("id", &ids[2]), ("search", "x")],
    );
    assert_eq!(asked.status, 200);
    assert!(asked.body.contains("<h1>Revoke Selected API Tokens</h1>"));
    assert!(asked.body.contains("<strong>a</strong>") && asked.body.contains("<strong>c</strong>"));
    assert!(!asked.body.contains("<strong>b</strong>"));
    assert!(asked.body.contains("tokens?search=x\">Cancel</a>"));
    assert_eq!(live(&running, "alice").len(), 3);
    let done = alice.submit("/tokens/revoke", &[("id", &ids[0]), ("id", &ids[2])]);
    assert_eq!(done.status, 303);
    let place = done.header("location").unwrap().to_owned();
    assert_eq!(place, alice.path("/tokens?done=revoked&count=2"));
    assert!(alice.get(&place).body.contains("role=\"status\""));
    assert!(alice.get(&place).body.contains("2 API tokens were revoked."));
    assert_eq!(live(&running, "alice"), ["b"]);
    // Tokens that another tab has already revoked are reported.
    let done = alice.submit("/tokens/revoke", &[("id", &ids[0]), ("id", &ids[1])]);
    let place = done.header("location").unwrap().to_owned();
    assert!(
        alice
            .get(&place)
            .body
            .contains("1 API token was revoked, 1 API token was revoked already.")
    );
}

#[test]
fn revoking_needs_a_selection_and_all_means_shown() {
    let running = Running::with_passwords();
    let ids: Vec<String> = ["a", "b", "c"].map(|name| plain(&running, "alice", name)).into();
    let mut alice = Browser::logged_in(&running, "alice");
    let none = alice.submit("/tokens/revoke/confirm", &[("shown", &ids[0])]);
    assert_eq!(none.status, 422);
    assert!(none.body.contains("role=\"alert\"") && none.body.contains("Select at least one token."));
    assert_eq!(names(&none), ["a", "b", "c"]);
    let all = alice.submit(
        "/tokens/revoke/confirm",
        &[("all", "1"), ("shown", &ids[0]), ("shown", &ids[1])],
    );
    assert!(all.body.contains("these 2 API tokens"), "{all:?}");
    assert!(all.body.contains(&ids[0]) && all.body.contains(&ids[1]) && !all.body.contains(&ids[2]));
    // Tokens that are gone are counted. If all are gone, a message says so.
    alice.submit("/tokens/revoke", &[("id", &ids[0])]);
    let one = alice.submit("/tokens/revoke/confirm", &[("id", &ids[0]), ("id", &ids[1])]);
    assert!(one.body.contains("One other is revoked already."), "{one:?}");
    let gone = alice.submit("/tokens/revoke/confirm", &[("id", &ids[0])]);
    assert_eq!(gone.status, 422);
    assert!(gone.body.contains("Nothing was revoked."));
}

#[test]
fn managing_shows_renames_and_revokes_one_token() {
    let running = Running::with_passwords();
    let id = plain(&running, "alice", "old");
    let mut alice = Browser::logged_in(&running, "alice");
    let page = alice.see(&format!("/tokens/{id}"));
    assert!(page.body.contains("<h1>Manage old</h1>"));
    assert_eq!(value_of(&page.body, "new_name").as_deref(), Some("old"));
    assert!(!page.body.contains("name=\"expiry\""));
    let rename = format!("/tokens/{id}/rename");
    let done = alice.submit(&rename, &[("new_name", "new-name")]);
    assert_eq!(done.status, 303);
    let place = done.header("location").unwrap().to_owned();
    assert_eq!(place, alice.path(&format!("/tokens/{id}?done=renamed")));
    let page = alice.get(&place);
    assert!(page.body.contains("<h1>Manage new-name</h1>") && page.body.contains("was renamed."));
    let asked = alice.submit("/tokens/revoke/confirm", &[("id", &id), ("one", "1")]);
    assert!(asked.body.contains(">Yes, Revoke the Token</button>"));
    assert!(asked.body.contains(&format!("/tokens/{id}\">Cancel</a>")));
    assert_eq!(alice.submit("/tokens/revoke", &[("id", &id)]).status, 303);
    assert!(live(&running, "alice").is_empty());
    assert_eq!(alice.see(&format!("/tokens/{id}")).status, 404);
}

#[test]
fn invalid_new_name_is_refused_at_its_field() {
    let running = Running::with_passwords();
    let id = plain(&running, "alice", "one");
    plain(&running, "alice", "two");
    let mut alice = Browser::logged_in(&running, "alice");
    let rename = format!("/tokens/{id}/rename");
    for (name, message) in [
        ("", "A token needs a name of 1 to 50 characters."),
        ("two", "The user has a token of that name"),
        ("a b", "A name may contain only letters, digits"),
        (&"x".repeat(51), "A name may have at most 50 characters."),
        ("<i>", "A name may contain only letters, digits"),
    ] {
        let page = alice.submit(&rename, &[("new_name", name)]);
        assert_eq!(page.status, 422, "{name}: {page:?}");
        assert!(page.body.contains(message), "{name}: {page:?}");
        assert!(page.body.contains("<h1>Manage one</h1>"));
        assert!(
            page.body
                .contains("aria-describedby=\"name-hint name-live name-fault\" aria-invalid=\"true\"")
        );
        assert!(!page.body.contains("<i>"));
    }
    assert_eq!(live(&running, "alice"), ["one", "two"]);
}

#[test]
fn token_revoked_in_one_tab_is_gone_in_the_other() {
    let running = Running::with_passwords();
    let id = plain(&running, "alice", "deploy");
    let mut alice = Browser::logged_in(&running, "alice");
    assert_eq!(alice.see(&format!("/tokens/{id}")).status, 200);
    alice.submit("/tokens/revoke", &[("id", &id)]);
    let namesake = plain(&running, "alice", "deploy");
    // The old tab's forms name the old token.
    let renamed = alice.submit(&format!("/tokens/{id}/rename"), &[("new_name", "other")]);
    assert_eq!(renamed.status, 404, "{renamed:?}");
    assert_eq!(alice.submit("/tokens/revoke", &[("id", &id)]).status, 303);
    assert_eq!(live(&running, "alice"), ["deploy"]);
    assert_eq!(alice.see(&format!("/tokens/{namesake}")).status, 200);
}

#[test]
fn users_access_only_their_own_account_tokens() {
    let running = Running::with_passwords();
    let bobs = plain(&running, "bob", "bobs");
    let mut token = NewToken::new("alice", "for-whm", Access::Full);
    token.realm = Realm::Admin;
    let whm = make(&running, token).id;
    let mut alice = Browser::logged_in(&running, "alice");
    assert!(alice.see("/tokens").body.contains("You have no API tokens yet"));
    for id in [&bobs, &whm, "..", "%2e%2e", "nothing"] {
        assert_eq!(alice.see(&format!("/tokens/{id}")).status / 100, 4, "{id}");
        let rename = format!("/tokens/{id}/rename");
        assert_eq!(alice.submit(&rename, &[("new_name", "mine")]).status / 100, 4, "{id}");
        assert_eq!(
            alice.submit("/tokens/revoke/confirm", &[("id", id)]).status,
            422,
            "{id}"
        );
        let revoked = alice.submit("/tokens/revoke", &[("id", id)]);
        assert!(
            revoked.header("location").unwrap().ends_with("count=0&gone=1"),
            "{revoked:?}"
        );
    }
    assert_eq!(live(&running, "bob"), ["bobs"]);
    assert_eq!(live(&running, "alice"), ["for-whm"]);
}

#[test]
fn page_without_the_feature_explains_and_has_no_form() {
    let running = Running::with_passwords();
    let id = plain(&running, "alice", "deploy");
    let mut alice = Browser::logged_in(&running, "alice");
    let csrf = alice.csrf();
    let features = Features::List(vec!["popaccts".to_owned()]);
    running
        .block_on(running.state.service.set_features("alice", features))
        .unwrap();
    for path in ["/tokens", "/tokens/new", &format!("/tokens/{id}")] {
        let page = alice.see(path);
        assert_eq!(page.status, 403, "{path}: {page:?}");
        assert!(
            page.body
                .contains("The administrator has disabled API tokens for this account"),
            "{page:?}"
        );
        assert_eq!(page.body.matches("<form").count(), 1, "only the one to log out by");
    }
    for path in [
        "/tokens",
        "/tokens/revoke",
        "/tokens/revoke/confirm",
        &format!("/tokens/{id}/rename"),
    ] {
        let path = alice.path(path);
        let fields = [("csrf", csrf.as_str()), ("id", &id), ("new_name", "x"), ("name", "x")];
        assert_eq!(alice.post(&path, &fields).status, 403, "{path}");
    }
    assert_eq!(live(&running, "alice"), ["deploy"]);
}

#[test]
fn get_of_a_form_address_redirects_to_a_page() {
    let running = Running::with_passwords();
    let id = plain(&running, "alice", "deploy");
    let mut alice = Browser::logged_in(&running, "alice");
    for path in ["/tokens/revoke", "/tokens/revoke/confirm", "/tokens/saved"] {
        let answer = alice.see(path);
        assert_eq!(answer.status, 303, "{path}");
        assert_eq!(answer.header("location"), Some(alice.path("/tokens").as_str()));
    }
    let answer = alice.see(&format!("/tokens/{id}/rename"));
    assert_eq!(
        answer.header("location"),
        Some(alice.path(&format!("/tokens/{id}")).as_str())
    );
}

#[test]
fn markup_in_query_parameters_is_escaped() {
    let running = Running::with_passwords();
    let mut alice = Browser::logged_in(&running, "alice");
    plain(&running, "alice", "deploy");
    let markup = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E";
    for path in [
        format!("/tokens?search={markup}"),
        format!("/tokens?done=revoked&count={markup}"),
        format!("/tokens?sort={markup}&order={markup}&size={markup}"),
        format!("/tokens/new?name={markup}"),
        format!("/tokens/{markup}"),
    ] {
        let page = alice.see(&path);
        assert!(
            !page.body.contains("<script>") && !page.body.contains("alert(1)<"),
            "{path}: {page:?}"
        );
    }
    // Names can also come from the API, where the same rules apply.
    let header = running.full("alice", "api");
    let target = format!("/execute/Tokens/create_full_access?name={markup}");
    assert_eq!(
        Request::new("GET", &target)
            .authorization(&header)
            .send(running.account)
            .json()["status"],
        0
    );
}
