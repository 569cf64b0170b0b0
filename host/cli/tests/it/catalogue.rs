//! `tokenlatch catalogue`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::common::{Place, Ran};

const SCHEMA: &str = include_str!("../../../server/deploy/catalogue.schema.json");

/// A place with files.
struct Files {
    place: Place,
    folder: tempfile::TempDir,
}

impl Files {
    fn new() -> Files {
        Files {
            place: Place::new(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.place.run(&[&["catalogue"], arguments].concat())
    }

    /// The catalogue file that a document becomes, and what is said about it.
    fn converted(&self, document: &str, options: &[&str]) -> (PathBuf, String) {
        let document = self.write("openapi.yaml", document);
        let ran = self.run(&[&["from-openapi", text(&document)], options].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let file = self.write("catalogue.toml", &ran.stdout);
        let checked = self.run(&["check", text(&file)]);
        assert_eq!(checked.code, Some(0), "{}\n{}", checked.stderr, ran.stdout);
        (file, ran.stderr)
    }

    /// The routes that a document becomes: method, path, feature and whether it writes.
    fn routes(&self, document: &str, options: &[&str]) -> Vec<String> {
        let (file, _) = self.converted(document, options);
        let file: Value =
            serde_json::to_value(fs::read_to_string(file).unwrap().parse::<toml::Table>().unwrap()).unwrap();
        assert_eq!((&file["builtin"], &file["default"]), (&json!(false), &json!("full")));
        let routes = file["route"].as_array().cloned().unwrap_or_default();
        let line = |route: &Value| {
            let word = |key: &str| route[key].as_str().unwrap_or("-").to_owned();
            let writes = if route["writes"] == true { "w" } else { "r" };
            assert!(route.get("public").is_none());
            format!("{} {} {} {writes}", word("method"), word("path"), word("feature"))
        };
        routes.iter().map(line).collect()
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

const SHOP: &str = "\
openapi: 3.1.0
info: {title: \"Shop\\n[[route]]\", version: '1'}
servers: [{url: 'https://api.example.com/v1'}]
security: [{oauth: ['read:orders']}]
paths:
  /orders/{id}:
    get: {operationId: getOrder, summary: \"One order\\nwrites = false\", tags: [orders]}
    head: {tags: [orders]}
    put: {security: [{oauth: ['write:orders']}], tags: [orders]}
    delete: {security: [{oauth: ['write:orders', admin]}], tags: [orders, admin]}
  /status:
    get: {security: []}
";

#[test]
fn a_document_becomes_routes() {
    let files = Files::new();
    assert_eq!(
        files.routes(SHOP, &[]),
        [
            "GET /v1/orders/{id} read-orders r",
            "PUT /v1/orders/{id} write-orders w",
            "DELETE /v1/orders/{id} - w",
            "GET /v1/status - r"
        ]
    );
    assert_eq!(
        files.routes(SHOP, &["--feature-by", "tag", "--base", "/"]),
        [
            "GET /orders/{id} orders r",
            "PUT /orders/{id} orders w",
            "DELETE /orders/{id} - w",
            "GET /status - r"
        ]
    );
    assert_eq!(
        files.routes(SHOP, &["--feature-by", "path", "--base", "/a/b/"])[3],
        "GET /a/b/status status r"
    );
    let (file, said) = files.converted(SHOP, &[]);
    let written = fs::read_to_string(file).unwrap();
    assert!(
        written.contains("\n# GET /orders/{id}: getOrder: One order writes = false\n# HEAD /orders/{id}\n[[route]]\n")
    );
    assert!(
        written.contains("# For full tokens only: it needs 2 scopes.\n"),
        "{written}"
    );
    assert_eq!(written.matches("`public = true`").count(), 1, "{written}");
    assert!(
        said.contains("the feature for `read:orders` is `read-orders`"),
        "{said}"
    );
    assert!(said.contains("4 routes for 5 operations: 2 with a feature"), "{said}");
}

#[test]
fn what_a_route_cannot_say_is_for_full_tokens_that_may_write() {
    let files = Files::new();
    let paths = |paths: &str| {
        let item = |path: &str| format!("  '{path}': {{get: {{}}}}\n");
        let paths: String = paths.split(' ').map(item).collect();
        files.routes(&format!("openapi: 3.0.3\npaths:\n{paths}"), &["--feature-by", "path"])
    };
    assert_eq!(paths("/a/{b}.json"), ["GET /a/{b_json} - w"]);
    assert_eq!(paths("/a/{x}:{y}"), ["GET /a/{x_y} - w"]);
    assert_eq!(paths("/a/{x}{y}"), ["GET /a/{x_y} - w"]);
    assert_eq!(paths("/a/{x*} /a/{y}/c"), ["GET /a/{*x} - w", "GET /a/{y}/c a r"]);
    assert_eq!(paths("/a?b=c"), ["GET /a - w"]);
    // A wider route of the same shape that agrees is covered, but one with another feature isn't.
    assert_eq!(paths("/a/{b}.json /a/{c}"), ["GET /a/{b_json} a r"]);
    assert_eq!(paths("/{a} /{b}.json"), ["GET /{a} - r"]);
    // Left out: the core refuses these to every token.
    assert_eq!(paths("/a;b /a//b /a/../b /a%2fb /c"), ["GET /c c r"]);
    // Literals as requests have them.
    assert_eq!(paths("/b/%7e%C3%a9 /a/é"), ["GET /b/~%C3%A9 b r", "GET /a/%C3%A9 a r"]);
}

#[test]
fn operations_that_differ_in_their_feature_are_for_full_tokens_only() {
    let files = Files::new();
    let document = |paths: &str| format!("openapi: 3.0.3\npaths:\n{paths}");
    let routes = |paths: &str| files.routes(&document(paths), &["--feature-by", "tag"]);
    assert_eq!(
        routes("  /a/{x}: {get: {tags: [f]}}\n  /a/{y}: {get: {tags: [f]}, put: {tags: [g]}}\n"),
        ["GET /a/{x} f r", "PUT /a/{y} g w"]
    );
    let (_, said) = files.converted(
        &document("  /a/{x}: {get: {tags: [f]}}\n  /a/{y}: {get: {tags: [g]}}\n"),
        &["--feature-by", "tag"],
    );
    assert!(
        said.contains("GET /a/{x}: for full tokens only: GET /a/{x} and GET /a/{y} differ"),
        "{said}"
    );
    // HEAD is judged as GET.
    assert_eq!(routes("  /a: {get: {tags: [f]}, head: {tags: [g]}}\n"), ["GET /a - r"]);
    assert_eq!(routes("  /a: {head: {tags: [f]}}\n"), ["GET /a - w"]);
    assert_eq!(
        routes("  /a: {options: {tags: [f]}, trace: {tags: [f]}}\n"),
        ["OPTIONS /a f w", "TRACE /a f w"]
    );
    // Neither template is the more specific.
    assert_eq!(
        routes("  /a/{x}/c: {get: {tags: [f]}}\n  /a/b/{y}: {get: {tags: [g]}}\n"),
        ["GET /a/{x}/c f r", "GET /a/b/{y} g r", "GET /a/b/c - r"]
    );
    assert_eq!(
        routes("  /a/{x}/c: {get: {tags: [f]}}\n  /a/b/{y}: {get: {tags: [f]}}\n"),
        ["GET /a/{x}/c f r", "GET /a/b/{y} f r"]
    );
    // A rest may also be one segment.
    assert_eq!(
        routes("  /a/{x+}: {get: {tags: [f]}}\n  /a/{y}: {get: {tags: [g]}}\n"),
        ["GET /a/{*x} - w", "GET /a/{y} - r"]
    );
    // Two names for one feature.
    assert_eq!(
        routes("  /a: {get: {tags: ['f g']}}\n  /b: {get: {tags: ['f:g']}}\n"),
        ["GET /a - r", "GET /b - r"]
    );
}

#[test]
fn documents_that_cannot_be_used_are_refused() {
    let files = Files::new();
    for (name, document, fault) in [
        ("a.yaml", "swagger: '2.0'\n", "Swagger 2.0"),
        ("a.yaml", "openapi: 3.2.0\n", "3.0 and 3.1"),
        ("a.json", "{", "line 1"),
        ("a.txt", "", ".yaml"),
        (
            "a.yaml",
            "openapi: 3.0.0\npaths: {/a: {$ref: 'b.yaml'}}\n",
            "outside the document",
        ),
        (
            "a.yaml",
            "openapi: 3.0.0\nservers: [{url: '/{v}'}]\npaths: {}\n",
            "--base",
        ),
    ] {
        let file = files.write(name, document);
        let ran = files.run(&["from-openapi", text(&file), "--json"]);
        let error = &ran.json()["error"];
        assert_eq!(
            (ran.code, &error["code"]),
            (Some(5), &json!("openapi_invalid")),
            "{document}"
        );
        assert!(error["message"].as_str().unwrap().contains(fault), "{error}");
    }
    let many: String = (0..10_001)
        .map(|number| format!("  /a{number}: {{get: {{}}}}\n"))
        .collect();
    let file = files.write("a.yaml", &format!("openapi: 3.0.0\npaths:\n{many}"));
    assert!(files.run(&["from-openapi", text(&file)]).stderr.contains("10000"));
    let large = files.write("a.json", &" ".repeat((32 << 20) + 1));
    assert!(
        files
            .run(&["from-openapi", text(&large)])
            .stderr
            .contains("longer than")
    );
    let ran = files.run(&["from-openapi", text(&large), "--base", "v1"]);
    assert_eq!(ran.code, Some(2));
}

const ROUTES: &str = "\
default = \"deny\"

[[route]]
method = \"GET\"
path = \"/orders/{id}\"
feature = \"orders\"
writes = false

[[route]]
method = \"PUT\"
path = \"/orders/{id}\"
feature = \"orders\"
writes = true

[[route]]
method = \"GET\"
path = \"/health\"
writes = false
public = true
";

#[test]
fn check_counts_or_names_the_line() {
    let files = Files::new();
    let file = files.write("a.toml", ROUTES);
    let counted = files.run(&["check", text(&file), "--json"]).json();
    assert_eq!(
        (&counted["routes"], &counted["functions"], &counted["default"]),
        (&json!(3), &json!(0), &json!("deny"))
    );
    assert_eq!(counted["public"][0]["path"], "/health");
    let told = files.run(&["check", text(&file)]).stdout;
    assert!(
        told.contains("public     GET /health\n") && told.contains("default    deny"),
        "{told}"
    );
    for (from, to, line) in [
        ("/health", "/health{", "line 15: `path`"),
        ("\"PUT\"", "\"put\"", "line 9: `method`"),
        (
            "feature = \"orders\"\nwrites = true",
            "feature = \"a b\"\nwrites = true",
            "line 9: `feature`",
        ),
        ("public = true", "public = 1", "line 19"),
        ("\"PUT\"", "\"GET\"", "name the same requests"),
        ("default = \"deny\"", "default = \"open\"", "line 1"),
    ] {
        let file = files.write("b.toml", &ROUTES.replacen(from, to, 1));
        let ran = files.run(&["check", text(&file)]);
        assert_eq!(ran.code, Some(5), "{to}");
        assert!(ran.stderr.contains(line), "{to}: {}", ran.stderr);
    }
}

#[test]
fn a_request_is_judged_without_a_server() {
    let files = Files::new();
    let file = files.write("a.toml", ROUTES);
    for (request, code, reason, matched, line) in [
        ("GET /orders/7 --features orders --read-only", 0, "ok", "exact", Some(3)),
        ("HEAD /orders/7?x=y --features mail,orders", 0, "ok", "exact", Some(3)),
        (
            "GET /orders/7 --features mail",
            1,
            "feature_not_granted",
            "exact",
            Some(3),
        ),
        ("PUT /orders/7 --features orders", 0, "ok", "exact", Some(9)),
        ("PUT /orders/7 --read-only", 1, "read_only", "exact", Some(9)),
        (
            "GET /HEALTH --features orders",
            1,
            "function_without_feature",
            "near",
            Some(15),
        ),
        ("GET /health --features orders", 0, "public", "exact", Some(15)),
        ("GET /other", 1, "route_unlisted", "unlisted", None),
        ("GET /a/../orders/7", 1, "target_doubtful", "doubtful", None),
    ] {
        let request: Vec<&str> = request.split(' ').collect();
        let ran = files.run(&[&["test", text(&file)], &request[..], &["--json"]].concat());
        let told = ran.json();
        assert_eq!(
            (ran.code, &told["reason"], &told["matched"]),
            (Some(code), &json!(reason), &json!(matched)),
            "{request:?}"
        );
        assert_eq!(told["line"], json!(line), "{request:?}");
    }
    let ran = files.run(&["test", text(&file), "GET", "/orders/7", "--features", "orders"]);
    assert!(ran.stdout.contains("admitted") && ran.stdout.contains("GET /orders/{id} (feature `orders`, reads)"));
    let ran = files.run(&["test", text(&file), "GET", "/", "--features", "a b"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("feature_invalid"));
}

#[test]
fn diff_says_what_becomes_open_to_whom() {
    let files = Files::new();
    let old = files.write("old.toml", ROUTES);
    let diff = |text_of_new: &str| {
        let new = files.write("new.toml", text_of_new);
        let ran = files.run(&["diff", text(&old), text(&new)]);
        (ran.code, ran.stdout.lines().map(str::to_owned).collect::<Vec<_>>())
    };
    assert_eq!(diff(ROUTES), (Some(0), vec![]));
    let (code, lines) = diff(&ROUTES.replace(
        "feature = \"orders\"\nwrites = false",
        "feature = \"sales\"\nwrites = false",
    ));
    assert_eq!(code, Some(1));
    assert_eq!(
        lines,
        [
            "opened: GET /orders/{id} to tokens with `sales` (was: full tokens of accounts with the feature, tokens with `orders`)",
            "closed: GET /orders/{id} to tokens with `orders` (was: full tokens of accounts with the feature, tokens with `orders`)"
        ]
    );
    let (code, lines) = diff(&ROUTES.replace("feature = \"orders\"\nwrites = true", "writes = true"));
    assert_eq!(code, Some(1), "accounts without the feature");
    assert!(
        lines[0].starts_with("opened: PUT /orders/{id} to full tokens of accounts without the feature that may write"),
        "{lines:?}"
    );
    let (code, lines) = diff(&ROUTES.replace("public = true", "public = false"));
    assert_eq!(code, Some(0));
    assert!(lines[0].starts_with("closed: GET /health to everyone"), "{lines:?}");
    let (code, lines) = diff(&ROUTES.replace("\"deny\"", "\"full\""));
    assert_eq!(code, Some(1));
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("opened: other methods of what no route names to full tokens that may write")),
        "{lines:?}"
    );
    let function = "\n[[function]]\nmodule = \"Shop\"\nfunction = \"list\"\nfeature = \"shop\"\nwrites = false\n";
    let (code, lines) = diff(&format!("{ROUTES}{function}"));
    assert_eq!(code, Some(1));
    assert!(
        lines[0].starts_with(
            "opened: Shop::list of UAPI to read-only full tokens of accounts with the feature, tokens with `shop`"
        ),
        "{lines:?}"
    );
}

#[test]
fn diff_sees_what_only_two_routes_together_open() {
    let files = Files::new();
    let route = |path: &str, feature: &str| {
        format!("[[route]]\nmethod = \"GET\"\npath = \"{path}\"\n{feature}writes = false\n")
    };
    let open = route("/a/{x}/c", "feature = \"f\"\n");
    let old = files.write("old.toml", &format!("{}{open}", route("/a/b/{y}", "")));
    let new = files.write("new.toml", &format!("{open}{}", route("/a/b/z", "")));
    let ran = files.run(&["diff", text(&old), text(&new), "--json"]);
    let told = ran.json();
    assert_eq!((ran.code, &told["opened"]), (Some(1), &json!(true)));
    let changes = told["changes"].as_array().unwrap();
    let change = changes.iter().find(|change| change["request"] == "GET /a/b/c").unwrap();
    assert_eq!(change["opened"], json!(["tokens with `f`"]));
}

#[test]
fn the_schema_and_the_reader_agree() {
    let files = Files::new();
    assert_eq!(files.run(&["schema"]).stdout, SCHEMA);
    let schema = jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap();
    let route = |change: Value| {
        let mut route = json!({"method": "GET", "path": "/a/{b}", "feature": "f", "writes": false});
        for (key, value) in change.as_object().unwrap() {
            route[key] = value.clone();
        }
        json!({"route": [route]})
    };
    let function = |change: Value| {
        let mut function = json!({"module": "Shop", "function": "list", "writes": false});
        for (key, value) in change.as_object().unwrap() {
            function[key] = value.clone();
        }
        json!([function])
    };
    let valid = [
        json!({}),
        json!([]),
        json!({"builtin": false, "default": "deny", "function": [], "route": []}),
        json!({"default": "full"}),
        route(json!({})),
        route(json!({"method": "*", "feature": null})),
        route(json!({"method": "M-SEARCH"})),
        route(json!({"path": "/"})),
        route(json!({"path": "/{*rest}"})),
        route(json!({"path": "/a/{b_1}/.c/%C3%A9/[x]!'/{*rest}"})),
        route(json!({"path": "/a/"})),
        route(json!({"public": false})),
        route(json!({"public": true, "feature": null})),
        function(json!({})),
        function(json!({"apis": ["uapi", "api2"], "feature": "a.b-c_d"})),
        function(json!({"module": "whm", "function": "listaccts"})),
        function(json!({"module": "whm", "apis": ["whm"]})),
    ];
    let invalid = [
        json!({"builtins": true}),
        json!({"default": "open"}),
        json!({"route": {}}),
        json!({"route": [{"method": "GET", "path": "/"}]}),
        json!({"function": [{"module": "Shop", "function": "list"}]}),
        json!("x"),
        route(json!({"method": "get"})),
        route(json!({"method": "HEAD"})),
        route(json!({"method": ""})),
        route(json!({"method": "G T"})),
        route(json!({"method": "G".repeat(33)})),
        route(json!({"path": "a"})),
        route(json!({"path": ""})),
        route(json!({"path": "/a//b"})),
        route(json!({"path": "/a/../b"})),
        route(json!({"path": "/."})),
        route(json!({"path": "/{a"})),
        route(json!({"path": "/{a}.json"})),
        route(json!({"path": "/{a-b}"})),
        route(json!({"path": "/{*a}/b"})),
        route(json!({"path": "/a?b"})),
        route(json!({"path": "/a;b"})),
        route(json!({"path": "/é"})),
        route(json!({"path": "/%zz"})),
        route(json!({"path": format!("/{}", "a".repeat(2_048))})),
        route(json!({"feature": ""})),
        route(json!({"feature": "-a"})),
        route(json!({"feature": "a b"})),
        route(json!({"feature": "a".repeat(65)})),
        route(json!({"writes": "no"})),
        route(json!({"apis": []})),
        route(json!({"public": true})),
        route(json!({"public": true, "feature": null, "method": "*"})),
        route(json!({"public": true, "feature": null, "path": "/{*a}"})),
        function(json!({"module": ""})),
        function(json!({"apis": []})),
        function(json!({"apis": ["api1"]})),
        function(json!({"apis": ["whm"]})),
        function(json!({"module": "whm", "apis": ["uapi"]})),
        function(json!({"module": "WHM"})),
        function(json!({"module": "tokens"})),
        function(json!({"module": "whm", "function": "api_token_list"})),
    ];
    for (examples, sound) in [(&valid[..], true), (&invalid[..], false)] {
        for example in examples {
            assert_eq!(schema.is_valid(example), sound, "the schema: {example}");
            let file = files.write("a.json", &example.to_string());
            let ran = files.run(&["check", text(&file)]);
            assert_eq!(
                ran.code,
                Some(if sound { 0 } else { 5 }),
                "the reader: {example}: {}",
                ran.stderr
            );
        }
    }
    // What only the reader sees.
    let twice = json!({"route": [{"method": "GET", "path": "/{a}", "writes": true}, {"method": "GET", "path": "/{b}", "writes": true}]});
    for example in [
        twice,
        route(json!({"path": "/%41"})),
        route(json!({"path": "/{a}/{a}"})),
    ] {
        let file = files.write("a.json", &example.to_string());
        assert_eq!(files.run(&["check", text(&file)]).code, Some(5), "{example}");
    }
    let example = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../server/deploy/catalogue.toml")).unwrap();
    let example: toml::Table = example.parse().unwrap();
    assert!(schema.is_valid(&serde_json::to_value(example).unwrap()));
}
