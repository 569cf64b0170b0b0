//! Writes the first inputs of the targets, from the vectors and by hand, into a folder:
//! `cargo run --manifest-path tests/fuzz/Cargo.toml --example seeds -- FOLDER`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde_json::{Value, json};
use tokenlatch_fuzz::origin::{NOW, hash, secret};
use tokenlatch_fuzz::wire::Parts;

fn main() -> io::Result<()> {
    let folder = std::env::args().nth(1).expect("give the folder to write to");
    let folder = Path::new(&folder);
    let vectors = vectors()?;
    let mut requests = BTreeSet::new();
    let mut found = Found::default();
    for vector in &vectors {
        for text in ["request", "raw"].iter().filter_map(|key| vector.get(key)) {
            let text = text.as_str().map_or_else(|| text.to_string(), str::to_owned);
            if text.len() < 4096 {
                requests.insert(text.into_bytes());
            }
        }
        found.look(vector);
    }
    let raw = vectors.iter().filter_map(|vector| vector["raw"].as_str());
    let raw: BTreeSet<Vec<u8>> = raw
        .filter(|text| text.len() < 512)
        .map(|text| text.as_bytes().to_vec())
        .collect();
    let one_line = |texts: &BTreeSet<String>| -> BTreeSet<Vec<u8>> {
        texts
            .iter()
            .filter(|text| text.len() < 600)
            .map(|text| text.clone().into_bytes())
            .collect()
    };
    put(folder, "dispatcher", &requests)?;
    put(folder, "json", &raw.into_iter().chain(texts(&NUMBERS)).collect())?;
    put(folder, "record", &one_line(&found.records))?;
    put(
        folder,
        "credential",
        &one_line(&found.headers).into_iter().chain(headers()).collect(),
    )?;
    put(folder, "snapshot_body", &found.bodies)?;
    put(folder, "path", &texts(&PATHS).collect())?;
    put(folder, "http_head", &texts(&HEADS).collect())?;
    let pieces = |text: Vec<u8>| [vec![255], text].concat();
    put(
        folder,
        "http_wire",
        &texts(&HEADS).chain(texts(&CONNECTIONS)).map(pieces).collect(),
    )?;
    let catalogue = fs::read(root().join("host/server/deploy/catalogue.toml"))?;
    put(folder, "catalogue", &texts(&CATALOGUES).chain([catalogue]).collect())?;
    put(folder, "routes", &vectors.iter().filter_map(routed).collect())?;
    put(folder, "archive", &archives())?;
    let lines = headers().collect::<Vec<_>>().join(b"\n".as_slice());
    let lines = [
        [vec![3, 0], lines.clone()].concat(),
        [vec![200, 15, 0xef, 0xbb, 0xbf], lines].concat(),
    ];
    put(folder, "header_lines", &lines.into())?;
    Ok(())
}

/// The request and the routes of a vector, one a line.
fn routed(vector: &Value) -> Option<Vec<u8>> {
    let text = |value: &Value, key: &str| value[key].as_str().map(str::to_owned);
    let line = |value: &Value| Some(format!("{} {}", text(value, "method")?, text(value, "path")?));
    let request = &vector["request"];
    let asked = line(&request["call"]).unwrap_or_else(|| "GET /".into());
    let routes = request["catalogue"]["routes"].as_array()?.iter().filter_map(|route| {
        let sign = match (&route["public"], &route["feature"]) {
            (Value::Bool(true), _) => "!",
            (_, Value::Null) => "-",
            _ => "",
        };
        Some(sign.to_owned() + &line(route)?)
    });
    let lines: Vec<String> = std::iter::once(asked).chain(routes).collect();
    Some(lines.join("\n").into_bytes()).filter(|text| text.len() < 2_500)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Writes one file for each input, named by its digest.
fn put(folder: &Path, target: &str, inputs: &BTreeSet<Vec<u8>>) -> io::Result<()> {
    use sha2::{Digest, Sha256};
    let folder = folder.join(target);
    fs::create_dir_all(&folder)?;
    for input in inputs {
        let digest = Sha256::digest(input);
        let name: String = digest.iter().take(10).map(|byte| format!("{byte:02x}")).collect();
        fs::write(folder.join(name), input)?;
    }
    println!("{target}: {} inputs", inputs.len());
    Ok(())
}

fn vectors() -> io::Result<Vec<Value>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(root().join("tests/vectors"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let file: Value = serde_json::from_slice(&fs::read(path)?)?;
            all.extend(file["vectors"].as_array().cloned().unwrap_or_default());
        }
    }
    Ok(all)
}

/// What is somewhere in the vectors.
#[derive(Default)]
struct Found {
    records: BTreeSet<String>,
    headers: BTreeSet<String>,
    bodies: BTreeSet<Vec<u8>>,
}

impl Found {
    fn look(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.look(item)),
            Value::Object(entries) => {
                if entries.contains_key("v") && entries.contains_key("hash") {
                    self.records.insert(value.to_string());
                }
                if let Some(header) = entries.get("authorization").and_then(Value::as_str) {
                    self.headers.insert(header.to_owned());
                }
                if let Some(message) = entries.get("message").and_then(Value::as_str)
                    && let Some(parts) = unhex(message).and_then(|message| Parts::of_message(&message))
                {
                    let written = parts.write();
                    if written.len() < 2048 {
                        self.bodies.insert([vec![u8::from(parts.names)], written].concat());
                    }
                }
                entries.values().for_each(|item| self.look(item));
            }
            _ => {}
        }
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    digits.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}

fn texts(texts: &'static [&'static str]) -> impl Iterator<Item = Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec())
}

/// Headers of the tokens that `credential` and `header_lines` know.
fn headers() -> impl Iterator<Item = Vec<u8>> {
    let of = |(token, user): (u8, &str)| {
        let secret = secret(token);
        [
            format!("cpanel {user}:{secret}"),
            format!("whm {user}:{secret}"),
            format!("Bearer  {secret}\n192.0.2.7"),
        ]
    };
    let tokens = [
        (0, "alice"),
        (1, "bob"),
        (2, "alice"),
        (3, "bob"),
        (4, "carol.c@example"),
        (5, "dave"),
    ];
    tokens.into_iter().flat_map(of).map(String::into_bytes)
}

fn archives() -> BTreeSet<Vec<u8>> {
    let record = json!({"v": 1, "id": "id", "user": "alice", "name": "ci", "hash": hash(0, None), "created": NOW,
        "expires": null, "access": "full", "readOnly": false, "addresses": [], "later": {"x": [1]}});
    let account = json!({"account": {"key": "k", "user": "alice", "suspended": false, "features": "all", "created": NOW,
        "maxLifetime": 60, "expiryRequired": true, "caps": {"tokens": 5}, "password": "$argon2id$x", "administrator": true}});
    let removed = json!({"account": {"key": "l", "user": "bob", "suspended": true, "features": ["mail"], "created": 1,
        "removed": 2}});
    let token = json!({"token": {"account": "k", "record": record}});
    let head = |kind: &str, accounts: usize, tokens: usize| {
        json!({"kind": format!("tokenlatch-{kind}"), "format": 1, "made": NOW, "epoch": 1, "revision": 2, "pruned": 3,
            "accounts": accounts, "tokens": tokens})
    };
    let lines = |lines: &[&Value]| {
        lines
            .iter()
            .map(|line| format!("{line}\n"))
            .collect::<String>()
            .into_bytes()
    };
    BTreeSet::from([
        lines(&[&head("export", 0, 0)]),
        lines(&[&head("backup", 2, 1), &account, &removed, &token]),
        lines(&[&head("export", 1, 2), &token, &account, &token]),
    ])
}

const NUMBERS: [&str; 9] = [
    r#"[0,-0,1,-1,1.0,1e0,18e8,1800000000.0,0.5,1e-1]"#,
    r#"[9007199254740991,9007199254740992,-9007199254740991,9.007199254740991e15,90071992547409910e-1]"#,
    r#"[1e400,1e-400,0e99999999999999999999,1E+2,100000000000000000000e-18]"#,
    r#"["\u0041\ud83d\ude00\n\"\\\/","\ud83d"]"#,
    r#"{"a":{"a":[{"a":null}]},"b":true}"#,
    r#"{"a":1,"\u0061":2}"#,
    "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
    "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]",
    " { \"a\" : [ 1 , \"b\" ] }\r\n\t",
];

const PATHS: [&str; 16] = [
    "/",
    "/execute/Email/list_pops",
    "//execute/Email/list_pops/",
    "/cpsess0123456789/execute/Email/list_pops?a=b",
    "/json-api/cpanel?cpanel_jsonapi_module=Email",
    "/json-api/listaccts?api.version=1",
    "/a%20b/%C3%A4",
    "/a/../b",
    "/%2e%2e/a",
    "/a;b/..;c",
    "/a%2fb",
    "/.../x",
    "/EXECUTE./x",
    "/%65xecute/Email/list_pops",
    "/xml-api/x",
    "/a?_method=DELETE",
];

const HEADS: [&str; 9] = [
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /execute/Tokens/list?a=b HTTP/1.1\r\nHost: a.example:2083\r\nContent-Length: 3\r\nX: \t y \r\n\r\nabc",
    "GET http://a/x HTTP/1.1\r\nhost: [::1]:80\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
    "GET /\" HTTP/1.1\nHost: a\r\nA : b\r\n folded\r\n\r\n",
];

const CONNECTIONS: [&str; 4] = [
    "GET /a HTTP/1.1\r\nHost: a\r\n\r\n\r\nPOST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiGET /c HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /a HTTP/1.1\r\nHost: a\r\n\r\nBAD\r\n\r\nGET /c HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nA;x=y\r\n0123456789\r\n0\r\nT: 1\r\n\r\nGET /c HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\ncut off",
];

const CATALOGUES: [&str; 7] = [
    r#"[{"module":"Shop","function":"orders","apis":["uapi","api2"],"feature":"shop","writes":false}]"#,
    r#"{"builtin":false,"function":[{"module":"whm","function":"listaccts","feature":null,"writes":false}]}"#,
    "builtin = false\n[[function]]\nmodule = \"Email\"\nfunction = \"list_pops\"\nfeature = \"mine\"\nwrites = true\n",
    "[[function]]\nmodule = \"WHM\"\nfunction = 'api_token_x'\napis = [\"whm\"]\nwrites = true\n",
    "[[function]]\nmodule = \"Batch\"\nfunction = \"strict\"\nwrites = false\n",
    "default = \"deny\"\n[[route]]\nmethod = \"GET\"\npath = \"/a/{b}/{*c}\"\nfeature = \"shop\"\nwrites = false\n",
    r#"{"default":"full","route":[{"method":"*","path":"/%C3%A9","feature":null,"writes":true,"public":false}]}"#,
];
