//! Sessions of the web interface as a hostile client sees them: forged cookies, chosen ids, and requests side by side.

use std::collections::BTreeSet;
use std::sync::Barrier;

use crate::common::NOW;
use crate::common::browser::{Browser, PASSWORD, set_cookies};
use crate::common::served::{Answer, Request, Running};
use tokenlatch::{Clock, StoredSession};

/// 22 characters that decode to 128 bits, as an id does.
const MADE_UP: &str = "AAECAwQFBgcICQoLDA0ODw";

/// The key of [`MADE_UP`] in the store: the SHA-256 hash of its 16 bytes.
const MADE_UP_KEY: &str = "be45cb2605bf36bebde684841a28f0fd43c69850a3dce5fedba69928ee3a8991";

const REMOVAL: &str =
    "cpsession=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT";

/// A request to the account port with exactly these `Cookie` header fields.
fn ask(running: &Running, path: &str, cookies: &[&str]) -> Answer {
    let mut request = Request::new("GET", path);
    for cookie in cookies {
        request = request.header("Cookie", cookie);
    }
    request.send(running.account)
}

/// A login at the account port with exactly this `Cookie` header field.
fn log_in_with(running: &Running, cookie: &str) -> Answer {
    Request::new("POST", "/login")
        .header("Cookie", cookie)
        .form(&format!("user=alice&pass={}", PASSWORD.replace(' ', "+")))
        .send(running.account)
}

/// The id in the only cookie that an answer sets.
fn id_of(answer: &Answer) -> String {
    let [cookie] = set_cookies(answer)[..] else {
        panic!("{answer:?}");
    };
    let (_, rest) = cookie.split_once("cpsession=").unwrap();
    rest.split(';').next().unwrap().to_owned()
}

/// Runs a request several times at the same moment.
fn side_by_side(times: usize, request: impl Fn() -> Answer + Sync) -> Vec<Answer> {
    let together = Barrier::new(times);
    std::thread::scope(|scope| {
        let one = || {
            together.wait();
            request()
        };
        let threads: Vec<_> = (0..times).map(|_| scope.spawn(one)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn of_two_session_cookies_neither_is_taken() {
    let running = Running::with_passwords();
    let (alice, bob) = (
        Browser::logged_in(&running, "alice"),
        Browser::logged_in(&running, "bob"),
    );
    let own = format!("cpsession={}", alice.cookies["cpsession"]);
    let other = format!("cpsession={}", bob.cookies["cpsession"]);
    let list = alice.path("/tokens");
    assert_eq!(ask(&running, &list, &[&own]).status, 200);
    for cookies in [
        &[format!("{own}; {other}")] as &[String],
        &[format!("{other}; {own}")],
        &[format!("{own};{own}")],
        &[own.clone(), other.clone()],
        &[own.clone(), own.clone()],
        &[format!("{own}; cpsession=")],
        &[format!("a=\"x; {other}\"; {own}")],
    ] {
        let cookies: Vec<&str> = cookies.iter().map(String::as_str).collect();
        let answer = ask(&running, &list, &cookies);
        assert_eq!(answer.status, 401, "{cookies:?}");
        assert_eq!(set_cookies(&answer), [""; 0], "neither session is touched");
    }
    assert_eq!(running.place.sessions(), 2);
}

#[test]
fn an_id_of_another_form_reaches_no_session() {
    let running = Running::with_passwords();
    let alice = Browser::logged_in(&running, "alice");
    let id = &alice.cookies["cpsession"];
    let list = alice.path("/tokens");
    let (start, last) = id.split_at(21);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let place = alphabet.find(last).unwrap();
    // The last character has four bits too many. They are zero.
    let same_bits = &alphabet[place + 1..][..1];
    for near in [
        String::new(),
        start.to_owned(),
        format!("{id}A"),
        format!("{id}="),
        format!("{id}=="),
        format!("\"{id}\""),
        format!("{id}, x"),
        format!("{id}\t{id}"),
        format!("{start}+"),
        format!("{start}/"),
        format!("{start}%41"),
        format!("{start}{same_bits}"),
        format!("{start}\u{e9}"),
        "A".repeat(16 << 10),
    ] {
        assert_eq!(
            ask(&running, &list, &[&format!("cpsession={near}")]).status,
            401,
            "{near}"
        );
    }
    for (name, status) in [
        ("cpsession", 200),
        ("CPSESSION", 401),
        ("cpsession ", 401),
        ("\"cpsession\"", 401),
    ] {
        assert_eq!(
            ask(&running, &list, &[&format!("{name}={id}")]).status,
            status,
            "{name}"
        );
    }
    assert_eq!(running.place.sessions(), 1, "nothing was ended");
}

#[test]
fn cookies_of_other_programs_do_no_harm() {
    let running = Running::with_passwords();
    let alice = Browser::logged_in(&running, "alice");
    let own = format!("cpsession={}", alice.cookies["cpsession"]);
    let list = alice.path("/tokens");
    let long = format!("a={}", "x".repeat(16 << 10));
    let many: Vec<String> = (0..1_000).map(|number| format!("c{number}={number}")).collect();
    for others in [
        "a=b; c",
        "a=\"x",
        "; ;; =",
        "=cps",
        "name=caf\u{e9}",
        &long,
        &many.join("; "),
    ] {
        assert_eq!(
            ask(&running, &list, &[&format!("{others}; {own}")]).status,
            200,
            "{others}"
        );
        assert_eq!(
            ask(&running, &list, &[&format!("{own}; {others}")]).status,
            200,
            "{others}"
        );
        assert_eq!(ask(&running, &list, &[others, &own]).status, 200, "{others}");
    }
    // More than a head may have.
    let huge = format!("a={}", "x".repeat(100 << 10));
    assert_eq!(ask(&running, &list, &[&huge, &own]).status, 431);
    assert_eq!(ask(&running, "/login", &[&huge]).status, 431);
    assert_eq!(ask(&running, &list, &[&own]).status, 200);
}

#[test]
fn an_id_that_a_client_chose_is_never_taken_over() {
    let running = Running::with_passwords();
    let chosen = format!("cpsession={MADE_UP}");
    let first = id_of(&log_in_with(&running, &chosen));
    let second = id_of(&log_in_with(&running, &chosen));
    assert!(first != MADE_UP && second != MADE_UP && first != second);
    let store = running.state.service.store();
    let found = running.block_on(store.session(MADE_UP_KEY)).unwrap();
    assert_eq!(found, None);
    assert_eq!(running.place.sessions(), 2);
    // A failed login doesn't either, and takes nobody's session away.
    let good = format!("cpsession={first}");
    let failed = Request::new("POST", "/login")
        .header("Cookie", &good)
        .form("user=alice&pass=wrong+password")
        .send(running.account);
    assert_eq!((failed.status, set_cookies(&failed).len()), (401, 0));
    assert_eq!(running.place.sessions(), 2);
}

#[test]
fn unknown_session_cookie_is_removed() {
    let running = Running::with_passwords();
    let alice = Browser::logged_in(&running, "alice");
    let list = alice.path("/tokens");
    for id in [MADE_UP, "AAAAAAAAAAAAAAAAAAAAAA", "_____________________w"] {
        let cookie = format!("cpsession={id}");
        for (path, status) in [("/", 303), ("/login", 200), (&list, 401)] {
            let answer = ask(&running, path, &[&cookie]);
            assert_eq!(answer.status, status, "{path}");
            assert_eq!(set_cookies(&answer), [REMOVAL], "{path}");
        }
    }
    assert_eq!(running.place.sessions(), 1);
}

#[test]
fn logins_side_by_side_each_get_a_session_and_end_the_one_before() {
    let running = Running::with_passwords();
    let alice = Browser::logged_in(&running, "alice");
    let before = format!("cpsession={}", alice.cookies["cpsession"]);
    let answers = side_by_side(2, || log_in_with(&running, &before));
    let mut ids = BTreeSet::new();
    for answer in &answers {
        assert_eq!(answer.status, 303, "{answer:?}");
        let id = id_of(answer);
        let list = answer.header("location").unwrap();
        assert_eq!(ask(&running, list, &[&format!("cpsession={id}")]).status, 200);
        ids.insert(id);
    }
    assert_eq!((ids.len(), running.place.sessions()), (2, 2));
    assert_eq!(ask(&running, &alice.path("/tokens"), &[&before]).status, 401);
}

#[test]
fn requests_side_by_side_extend_a_session_and_set_no_cookie() {
    let running = Running::with_passwords();
    let alice = Browser::logged_in(&running, "alice");
    let (own, list) = (
        format!("cpsession={}", alice.cookies["cpsession"]),
        alice.path("/tokens"),
    );
    for round in 1..4 {
        running.clock.set(NOW + round * 25 * 60);
        for answer in side_by_side(6, || ask(&running, &list, &[&own])) {
            assert_eq!((answer.status, set_cookies(&answer).len()), (200, 0), "{answer:?}");
        }
    }
}

#[test]
fn a_logout_beside_requests_leaves_the_session_ended() {
    let running = Running::with_passwords();
    for _ in 0..5 {
        let mut alice = Browser::logged_in(&running, "alice");
        let (own, list) = (
            format!("cpsession={}", alice.cookies["cpsession"]),
            alice.path("/tokens"),
        );
        let csrf = alice.csrf();
        // Each request would note its time.
        running.clock.set(running.clock.now().unwrap() + 120);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| assert!(matches!(ask(&running, &list, &[&own]).status, 200 | 401)));
            }
            assert_eq!(alice.post("/logout", &[("csrf", &csrf)]).status, 303);
        });
        assert_eq!(ask(&running, &list, &[&own]).status, 401);
        assert_eq!(running.place.sessions(), 0);
    }
}

#[test]
fn a_logout_ends_exactly_that_session() {
    let running = Running::with_passwords();
    let mut here = Browser::logged_in(&running, "alice");
    let mut elsewhere = Browser::logged_in(&running, "alice");
    let mut bob = Browser::logged_in(&running, "bob");
    let mut root = Browser::administrator(&running, "root");
    let mut copy = here.clone();
    let csrf = here.csrf();
    let answer = here.post("/logout", &[("csrf", &csrf)]);
    assert_eq!(answer.header("location"), Some("/login?out=1"));
    assert_eq!(set_cookies(&answer), [REMOVAL]);
    assert_eq!(copy.see("/tokens").status, 401);
    assert_eq!(elsewhere.see("/tokens").status, 200);
    assert_eq!(bob.see("/tokens").status, 200);
    assert_eq!(root.see("/accounts").status, 200);
    assert_eq!(running.place.sessions(), 3);
    // A second logout by the copy has nothing to end.
    let answer = copy.post("/logout", &[("csrf", &csrf)]);
    assert_eq!(answer.header("location"), Some("/login?out=1"));
    assert_eq!(running.place.sessions(), 3);
}

#[test]
fn a_session_of_an_earlier_version_goes_on() {
    let running = Running::with_passwords();
    let session = StoredSession {
        key: MADE_UP_KEY.to_owned(),
        user: "alice".to_owned(),
        data: format!(
            r#"{{"user":"alice","number":"0123456789","csrf":"{}","port":"account","begun":{NOW},"seen":{NOW}}}"#,
            "0f".repeat(16)
        ),
        ends: NOW + 1800,
    };
    assert!(
        running
            .block_on(running.state.service.store().add_session(&session))
            .unwrap()
    );
    let answer = ask(&running, "/cpsess0123456789/tokens", &[&format!("cpsession={MADE_UP}")]);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.body.contains("Signed in as <b>alice</b>") && answer.body.contains(&"0f".repeat(16)));
}

/// Makes the store refuse a change of sessions, such as `INSERT`, until the trigger is dropped.
fn refuse(running: &Running, change: &str) {
    execute(
        running,
        &format!("CREATE TRIGGER refused BEFORE {change} ON page_sessions BEGIN SELECT RAISE(ABORT, 'refused'); END"),
    );
}

fn execute(running: &Running, statement: &str) {
    running.block_on(async {
        let pool = sqlx::SqlitePool::connect(&format!("sqlite:{}", running.place.database))
            .await
            .unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
            .execute(&pool)
            .await
            .unwrap();
        pool.close().await;
    });
}

#[test]
fn a_change_that_the_store_refuses_leaves_the_session_as_it_was() {
    let running = Running::with_passwords();
    let mut alice = Browser::logged_in(&running, "alice");
    let (csrf, cookies) = (alice.csrf(), alice.cookies.clone());
    for change in ["INSERT", "DELETE"] {
        refuse(&running, change);
        let answer = alice.clone().try_log_in("alice", PASSWORD);
        assert_eq!(
            (answer.status, set_cookies(&answer).len()),
            (503, 0),
            "{change}: {answer:?}"
        );
        if change == "DELETE" {
            let answer = alice.post("/logout", &[("csrf", &csrf)]);
            assert_eq!((answer.status, set_cookies(&answer).len()), (503, 0), "{answer:?}");
        }
        assert_eq!(
            (alice.see("/tokens").status, &alice.cookies),
            (200, &cookies),
            "{change}"
        );
        execute(&running, "DROP TRIGGER refused");
    }
    // A time that cannot be noted shuts nobody out.
    refuse(&running, "UPDATE");
    running.clock.set(NOW + 120);
    assert_eq!(alice.see("/tokens").status, 200);
    execute(&running, "DROP TRIGGER refused");
    assert_eq!(alice.post("/logout", &[("csrf", &csrf)]).status, 303);
    assert_eq!(alice.see("/tokens").status, 401);
}
