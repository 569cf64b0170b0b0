//! Creating a token at the web interface: the form, and the token, which is shown only once.

use crate::common::NOW;
use crate::common::browser::{Browser, value_of};
use crate::common::served::{Answer, Running};
use tokenlatch::core::{Access, Features, Policy, Record};

const DAY: i64 = 86_400;

/// The form's `once` value.
fn once(browser: &mut Browser) -> String {
    let form = browser.see("/tokens/new");
    assert_eq!(form.status, 200, "{form:?}");
    value_of(&form.body, "once").expect("a field `once`")
}

/// Fills the form in and submits it. Fields that are not given keep their initial values.
fn create(browser: &mut Browser, fields: &[(&str, &str)]) -> Answer {
    let once = once(browser);
    send(browser, &once, fields)
}

fn send(browser: &mut Browser, once: &str, fields: &[(&str, &str)]) -> Answer {
    let mut all = vec![
        ("once", once),
        ("expiry", "date"),
        ("date", "2028-01-15"),
        ("access", "full"),
        ("addresses", ""),
    ];
    all.retain(|(name, _)| !fields.iter().any(|(given, _)| given == name));
    all.extend_from_slice(fields);
    browser.submit("/tokens", &all)
}

/// The text of the new token.
fn shown(page: &Answer) -> String {
    assert_eq!(page.status, 200, "{page:?}");
    let (_, rest) = page
        .body
        .split_once("<output id=\"token\">")
        .unwrap_or_else(|| panic!("no token: {page:?}"));
    rest.split('<').next().unwrap().to_owned()
}

fn record(running: &Running, name: &str) -> Record {
    let records = running
        .block_on(running.state.service.records("alice", None))
        .expect("records");
    let found = records.into_iter().find(|record| record.name == name);
    found.unwrap_or_else(|| panic!("no token {name}"))
}

fn number(running: &Running) -> usize {
    running
        .block_on(running.state.service.records("alice", None))
        .expect("records")
        .len()
}

#[test]
fn form_defaults_to_one_year_and_creates_a_working_token() {
    let running = Running::with_passwords();
    let mut alice = Browser::logged_in(&running, "alice");
    let form = alice.see("/tokens/new");
    assert_eq!(value_of(&form.body, "date").as_deref(), Some("2028-01-15"));
    assert!(form.body.contains("min=\"2027-01-15\""));
    assert!(form.body.contains("value=\"date\" checked") && form.body.contains("value=\"full\" checked"));
    assert!(!form.body.contains("value=\"longest\""));
    let page = create(&mut alice, &[("name", "deploy")]);
    let token = shown(&page);
    assert_eq!(token.len(), 32);
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert!(page.body.contains("You cannot see this API token again."));
    assert!(
        page.body
            .contains("Create another token after I click Yes, I saved my token")
    );
    assert!(page.body.contains("cpanel alice:%s"));
    // Once in the page, and in no header field.
    assert_eq!(page.body.matches(&token).count(), 1);
    assert!(!page.headers.iter().any(|(_, value)| value.contains(&token)));
    assert_eq!(record(&running, "deploy").expires, Some(1_831_593_599));
    let answer = running.get(&format!("cpanel alice:{token}"), "/execute/Tokens/list");
    assert_eq!(answer.json()["data"][0]["name"], "deploy");
    // No other page contains it.
    for path in [
        "/tokens",
        &format!("/tokens/{}", record(&running, "deploy").id),
        "/tokens/new",
    ] {
        assert!(!alice.see(path).body.contains(&token), "{path}");
    }
    assert!(!running.place.holds(token.as_bytes()));
}

#[test]
fn every_form_option_is_applied() {
    let running = Running::with_passwords();
    let mut alice = Browser::logged_in(&running, "alice");
    shown(&create(&mut alice, &[("name", "for-ever"), ("expiry", "never")]));
    assert_eq!(record(&running, "for-ever").expires, None);
    let page = create(
        &mut alice,
        &[
            ("name", "narrow"),
            ("date", "2027-02-01"),
            ("access", "limited"),
            ("feature", "backup"),
            ("feature", "mysql"),
            ("others", "shop, backup my.own"),
            ("readonly", "1"),
            ("addresses", "192.0.2.1\r\n2001:db8::/32, 198.51.100.0/24"),
        ],
    );
    shown(&page);
    let narrow = record(&running, "narrow");
    assert_eq!(narrow.expires, Some(1_801_526_399));
    let features = ["backup", "mysql", "shop", "my.own"].map(str::to_owned).to_vec();
    assert_eq!(narrow.access, Access::Limited { features });
    assert!(narrow.read_only);
    assert_eq!(narrow.addresses, ["192.0.2.1", "2001:db8::/32", "198.51.100.0/24"]);
    // Selected features are ignored while full access is selected.
    shown(&create(&mut alice, &[("name", "full"), ("feature", "backup")]));
    assert_eq!(record(&running, "full").access, Access::Full);
}

#[test]
fn form_offers_only_the_accounts_features() {
    let running = Running::with_passwords();
    let mut alice = Browser::logged_in(&running, "alice");
    let form = alice.see("/tokens/new");
    assert!(form.body.contains("name=\"feature\" value=\"mysql\"") && form.body.contains("Other features"));
    let features = Features::List(vec!["apitokens".to_owned(), "shop".to_owned()]);
    running
        .block_on(running.state.service.set_features("alice", features))
        .unwrap();
    let form = alice.see("/tokens/new");
    assert!(form.body.contains("name=\"feature\" value=\"shop\""));
    assert!(!form.body.contains("value=\"mysql\"") && !form.body.contains("Other features"));
    let page = create(
        &mut alice,
        &[("name", "x"), ("access", "limited"), ("feature", "mysql")],
    );
    assert_eq!(page.status, 422);
    assert!(
        page.body
            .contains("id=\"access-fault\">A token can&#39;t have a feature"),
        "{page:?}"
    );
}

#[test]
fn errors_are_shown_at_their_field_and_input_is_kept() {
    let running = Running::with_passwords();
    let mut alice = Browser::logged_in(&running, "alice");
    for (field, value, id, message) in [
        ("name", "", "name", "A token needs a name of 1 to 50 characters."),
        (
            "name",
            &"n".repeat(51),
            "name",
            "A name may have at most 50 characters.",
        ),
        ("name", "<b>x</b>", "name", "A name may contain only letters, digits"),
        ("date", "2027-01-14", "date", "The expiry must be in the future."),
        ("date", "", "date", "Choose the day on which it expires."),
        ("date", "soon", "date", "The expiry must be"),
        ("date", "never", "date", "The expiry must be"),
        ("date", "2027-02-30", "date", "The expiry must be"),
        ("expiry", "", "date", "Choose whether the API token expires."),
        ("access", "", "access", "Choose what the API token may do."),
        (
            "access",
            "limited",
            "access",
            "Choose at least one feature, or full access.",
        ),
        (
            "addresses",
            "192.0.2.1 <i>",
            "addresses",
            "“\u{2068}&#60;i&#62;\u{2069}”: an address is",
        ),
    ] {
        let mut fields = vec![("name", "kept"), ("readonly", "1")];
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        let page = create(&mut alice, &fields);
        assert_eq!(page.status, 422, "{field}={value}: {page:?}");
        assert!(
            // The date field is hidden while another choice, or none, is selected.
            page.body.contains(&format!(
                "<a href=\"#{}\">{message}",
                if field == "expiry" { "expiry" } else { id }
            )),
            "{field}={value}: {page:?}"
        );
        assert!(
            page.body.contains(&format!("id=\"{id}-fault\">{message}")),
            "{field}={value}: {page:?}"
        );
        assert!(page.body.contains("aria-invalid=\"true\""));
        assert!(
            page.body
                .contains("name=\"readonly\" value=\"1\" aria-describedby=\"readonly-hint\" checked")
        );
        assert!(!page.body.contains("<b>x") && !page.body.contains("<i>"));
        assert_eq!(number(&running), 0);
    }
}

#[test]
fn all_errors_are_shown_at_once_and_resubmission_works() {
    let running = Running::with_passwords();
    let mut alice = Browser::logged_in(&running, "alice");
    let fields = [
        ("name", "a b"),
        ("date", "x"),
        ("addresses", "y"),
        ("access", "limited"),
        ("feature", "backup"),
    ];
    let page = create(&mut alice, &fields);
    assert_eq!(page.status, 422);
    assert_eq!(page.body.matches("class=\"fault\"").count(), 3, "{page:?}");
    assert!(page.body.contains("value=\"backup\" checked") && page.body.contains("value=\"limited\" checked"));
    let again = value_of(&page.body, "once").unwrap();
    // The form's own faults are shown together with the module's.
    let page = send(
        &mut alice,
        &again,
        &[("name", "a b"), ("access", "limited"), ("addresses", "y")],
    );
    assert_eq!(page.body.matches("class=\"fault\"").count(), 3, "{page:?}");
    let again = value_of(&page.body, "once").unwrap();
    shown(&send(&mut alice, &again, &[("name", "a-b")]));
    assert_eq!(number(&running), 1);
}

#[test]
fn a_name_is_taken_until_its_token_is_revoked() {
    let running = Running::with_passwords();
    let mut alice = Browser::logged_in(&running, "alice");
    shown(&create(&mut alice, &[("name", "deploy")]));
    let page = create(&mut alice, &[("name", "deploy")]);
    assert_eq!(page.status, 422);
    assert!(
        page.body
            .contains("id=\"name-fault\">The user has a token of that name")
    );
    let id = record(&running, "deploy").id;
    alice.submit("/tokens/revoke", &[("id", &id)]);
    shown(&create(&mut alice, &[("name", "deploy")]));
}

#[test]
fn resubmitted_form_creates_and_shows_nothing() {
    let running = Running::with_passwords();
    let mut alice = Browser::logged_in(&running, "alice");
    let form = once(&mut alice);
    let token = shown(&send(&mut alice, &form, &[("name", "deploy")]));
    for name in ["deploy", "another"] {
        let again = send(&mut alice, &form, &[("name", name)]);
        assert_eq!(again.status, 409, "{again:?}");
        assert!(again.body.contains("<h1>This form was already sent</h1>"));
        assert!(!again.body.contains(&token));
    }
    assert_eq!(number(&running), 1);
    for spoilt in ["", &"a".repeat(500)] {
        let refused = send(&mut alice, spoilt, &[("name", "other")]);
        assert_eq!(refused.status, 403, "{refused:?}");
    }
    assert_eq!(number(&running), 1);
}

#[test]
fn only_one_of_concurrent_submissions_creates_a_token() {
    let running = Running::with_passwords();
    let mut alice = Browser::logged_in(&running, "alice");
    for round in 0..5 {
        let form = once(&mut alice);
        let name = format!("round-{round}");
        let answers: Vec<Answer> = std::thread::scope(|scope| {
            let senders: Vec<_> = (0..4)
                .map(|number| {
                    let (mut tab, form, name) = (alice.clone(), &form, format!("{name}-{number}"));
                    scope.spawn(move || send(&mut tab, form, &[("name", &name)]))
                })
                .collect();
            senders.into_iter().map(|sender| sender.join().unwrap()).collect()
        });
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409, 409, 409]);
        let tokens = answers.iter().filter(|answer| answer.body.contains("id=\"token\""));
        assert_eq!(tokens.count(), 1);
        assert_eq!(number(&running), round + 1);
    }
}

#[test]
fn saved_button_leads_to_the_list_or_the_next_form() {
    let running = Running::with_passwords();
    let mut alice = Browser::logged_in(&running, "alice");
    let to = |answer: &Answer| answer.header("location").unwrap().to_owned();
    let list = alice.submit("/tokens/saved", &[]);
    assert_eq!((list.status, to(&list)), (303, alice.path("/tokens")));
    let next = alice.submit("/tokens/saved", &[("another", "1")]);
    assert_eq!(to(&next), alice.path("/tokens/new"));
}

#[test]
fn form_shows_the_policy_in_advance() {
    let running = Running::with_passwords();
    let mut alice = Browser::logged_in(&running, "alice");
    let set = |policy| {
        running
            .block_on(running.state.service.set_policy("alice", policy))
            .unwrap();
    };
    // An existing token of that name does not affect the check.
    shown(&create(&mut alice, &[("name", "never")]));
    set(Policy {
        max_lifetime: None,
        expiry_required: true,
        ..Policy::default()
    });
    let form = alice.see("/tokens/new");
    assert!(
        form.body
            .contains("value=\"never\" disabled aria-describedby=\"never-hint\""),
        "{form:?}"
    );
    assert!(
        form.body
            .contains("id=\"never-hint\">The administrator demands an expiry.")
    );
    assert_eq!(create(&mut alice, &[("name", "x"), ("expiry", "never")]).status, 422);
    set(Policy {
        max_lifetime: Some(30 * DAY),
        expiry_required: false,
        ..Policy::default()
    });
    let form = alice.see("/tokens/new");
    assert!(form.body.contains("value=\"longest\" checked"), "{form:?}");
    assert!(form.body.contains("2027-02-14 08:00:00 UTC"));
    assert_eq!(value_of(&form.body, "date").as_deref(), Some("2027-02-13"));
    let late = create(&mut alice, &[("name", "x"), ("date", "2027-02-14")]);
    assert_eq!(late.status, 422);
    assert!(
        late.body
            .contains("id=\"date-fault\">The expiry is later than the administrator"),
        "{late:?}"
    );
    shown(&create(&mut alice, &[("name", "last-day"), ("date", "2027-02-13")]));
    shown(&create(&mut alice, &[("name", "longest"), ("expiry", "longest")]));
    assert_eq!(record(&running, "longest").expires, Some(NOW + 30 * DAY));
}

#[test]
fn module_validates_the_name_while_it_is_typed() {
    let running = Running::with_passwords();
    let mut alice = Browser::logged_in(&running, "alice");
    shown(&create(&mut alice, &[("name", "taken")]));
    for (name, ok, left, message) in [
        ("free", true, 46, "This name can be used."),
        ("taken", false, 45, "The user has a token of that name"),
        ("a%20b", false, 47, "A name may contain only"),
        ("", false, 50, "A token needs a name"),
        (&"x".repeat(51), false, -1, "A name may have at most 50 characters."),
    ] {
        let answer = alice.see(&format!("/tokens/name?name={name}"));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let json = answer.json();
        assert_eq!(
            (&json["ok"], &json["left"]),
            (&ok.into(), &left.into()),
            "{name}: {json}"
        );
        assert!(json["message"].as_str().unwrap().starts_with(message), "{json}");
    }
    assert_eq!(number(&running), 1);
}

#[test]
fn store_failure_reports_an_unknown_outcome() {
    let running = Running::with_passwords();
    let mut alice = Browser::logged_in(&running, "alice");
    let once = once(&mut alice);
    running.block_on(async {
        let pool = sqlx::SqlitePool::connect(&format!("sqlite:{}", running.place.database))
            .await
            .unwrap();
        let failing = "CREATE TRIGGER failing BEFORE INSERT ON tokens BEGIN SELECT RAISE(ABORT, 'broken'); END";
        sqlx::raw_sql(failing).execute(&pool).await.unwrap();
        pool.close().await;
    });
    let page = send(&mut alice, &once, &[("name", "lost")]);
    assert_eq!(page.status, 503, "{page:?}");
    assert!(page.body.contains("It is unknown whether the API token was created"));
    assert!(page.body.contains(">Manage API Tokens</a>"));
    assert!(!page.body.contains("id=\"token\""));
    let again = send(&mut alice, &once, &[("name", "lost")]);
    assert_eq!(again.status, 409, "{again:?}");
    assert!(again.body.contains("if it did"));
}

#[test]
fn option_forbidden_by_the_policy_is_not_kept() {
    let running = Running::with_passwords();
    let mut alice = Browser::logged_in(&running, "alice");
    let once = once(&mut alice);
    let policy = |max_lifetime| {
        let policy = Policy {
            max_lifetime,
            expiry_required: true,
            ..Policy::default()
        };
        running
            .block_on(running.state.service.set_policy("alice", policy))
            .unwrap();
    };
    policy(None);
    let page = send(&mut alice, &once, &[("name", "for-ever"), ("expiry", "never")]);
    assert_eq!(page.status, 422, "{page:?}");
    assert!(page.body.contains("value=\"date\" checked") && !page.body.contains("value=\"never\" checked"));
    assert!(page.body.contains("href=\"#date\""));
    // Only hours are allowed, so no whole day can be chosen.
    policy(Some(3_600));
    let form = alice.see("/tokens/new");
    assert!(form.body.contains("value=\"longest\" checked"), "{form:?}");
    assert!(form.body.contains("value=\"date\" disabled"), "{form:?}");
    let page = create(&mut alice, &[("name", "hours"), ("date", "2027-01-15")]);
    assert_eq!(page.status, 422, "{page:?}");
    assert!(page.body.contains("href=\"#expiry\"") && page.body.contains("id=\"expiry\" tabindex=\"-1\""));
    assert!(page.body.contains("id=\"date-fault\""));
    assert_eq!(number(&running), 0);
}
