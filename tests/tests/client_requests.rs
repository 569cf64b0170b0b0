//! The requests of public clients that cannot be installed here, as they send them.

use std::error::Error;

use serde_json::{Value, json};
use tokenlatch_tests::Fault;
use tokenlatch_tests::service::{Guarded, Place, Server, free_address, require};

type Outcome = Result<(), Box<dyn Error>>;

const OCTETS: &str = "application/octet-stream";

/// The tokens of root, by their names.
fn whm_tokens(stage: &Guarded) -> Result<Value, Fault> {
    let listed = stage.whm("GET", "/json-api/api_token_list?api.version=1", "", "")?;
    Ok(listed["data"]["tokens"].clone())
}

// As sent by cPanel::PublicAPI (HTTP::Tiny), by Go and Python with a string body, and by `fetch` with a string.
#[test]
fn form_is_read_despite_its_content_type() -> Outcome {
    let stage = Guarded::start()?;
    for (number, content_type) in [OCTETS, "", "text/plain;charset=UTF-8"].into_iter().enumerate() {
        let form = format!("api.version=1&token_name=untold{number}&acl=list-accts");
        let made = stage.whm("POST", "/json-api/api_token_create", content_type, &form)?;
        assert_eq!(made["metadata"]["result"], 1, "`{content_type}`: {made}");
        assert_eq!(made["data"]["acls"], json!(["list-accts"]), "`{content_type}`");

        let form = format!("name=untold{number}&expires_at=4000000000");
        let made = stage.account("POST", "/execute/Tokens/create_full_access", content_type, &form)?;
        assert_eq!(made.json()["status"], 1, "`{content_type}`: {}", made.body);
        let chosen = "cpanel_jsonapi_apiversion=2&cpanel_jsonapi_module=Tokens&cpanel_jsonapi_func=revoke";
        let form = format!("{chosen}&name=untold{number}");
        let revoked = stage.account("POST", "/json-api/cpanel", content_type, &form)?.json();
        assert_eq!(
            revoked["cpanelresult"]["event"]["result"], 1,
            "`{content_type}`: {revoked}"
        );

        // A body that was read as a form is forwarded as one, so that the panel reads the same.
        let form = chosen
            .replace("Tokens", "ZoneEdit")
            .replace("revoke", "fetchzone_records");
        let passed = stage.account("POST", "/json-api/cpanel", content_type, &form)?;
        assert_eq!(passed.status, 200, "`{content_type}`: {}", passed.body);
        let asked = stage.panel.asked().pop().ok_or("nothing reached the panel")?;
        assert_eq!(asked.header("content-type"), Some("application/x-www-form-urlencoded"));
        assert_eq!(asked.body, form);
    }
    Ok(())
}

// As sent by PHP's `http_build_query` and so by Guzzle, by Faraday and `qs`, and in public examples: cPanel's own of
// `api_token_create` writes `whitelist-ip-3`.
#[test]
fn list_spelling_of_every_library_limits_the_token() -> Outcome {
    let stage = Guarded::start()?;
    let two = json!(["create-acct", "list-accts"]);
    let one = json!(["list-accts"]);
    let (all, any) = (json!(["all"]), Value::Null);
    let home = json!(["127.0.0.1"]);
    let cases = [
        ("acl%5B0%5D=list-accts&acl%5B1%5D=create-acct", &two, &any),
        ("acl[0]=list-accts&acl[1]=create-acct", &two, &any),
        ("acl%5B%5D=list-accts&acl%5B%5D=create-acct", &two, &any),
        ("acl[]=list-accts", &one, &any),
        ("acl-1=list-accts&acl-2=create-acct", &two, &any),
        ("acl=list-accts&acl=create-acct", &two, &any),
        ("whitelist_ip%5B0%5D=127.0.0.1", &all, &home),
        ("whitelist_ip[]=127.0.0.1", &all, &home),
        ("whitelist_ip-0=127.0.0.1", &all, &home),
        ("whitelist-ip-3=127.0.0.1", &all, &home),
        ("acl[0]=list-accts&whitelist_ip[0]=127.0.0.1", &one, &home),
    ];
    for (number, (list, acls, addresses)) in cases.into_iter().enumerate() {
        let form = format!("api.version=1&token_name=limited{number}&{list}");
        let made = if number % 2 == 0 {
            stage.whm("GET", &format!("/json-api/api_token_create?{form}"), "", "")?
        } else {
            let urlencoded = "application/x-www-form-urlencoded";
            stage.whm("POST", "/json-api/api_token_create", urlencoded, &form)?
        };
        assert_eq!(made["metadata"]["result"], 1, "{list}: {made}");
        let mut given: Vec<&str> = made["data"]["acls"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(Value::as_str)
            .collect();
        given.sort_unstable();
        assert_eq!(
            (&json!(given), &made["data"]["whitelist_ips"]),
            (acls, addresses),
            "{list}"
        );
    }
    let arguments = ["--user=root", "--json", "api_token_create", "token_name=command"];
    let made = stage
        .place
        .must("whmapi1", &[&arguments[..], &["acl[]=list-accts"]].concat())?;
    assert_eq!(made.json()["data"]["acls"], one, "and at the command line");
    Ok(())
}

#[test]
fn unreadable_limit_is_refused_and_named() -> Outcome {
    let stage = Guarded::start()?;
    let before = whm_tokens(&stage)?;
    for (unread, parameter) in [
        ("acls=list-accts", "acl"),
        ("acl_0=list-accts", "acl"),
        ("acl.0=list-accts", "acl"),
        ("ACL=list-accts", "acl"),
        ("acl[x]=list-accts", "acl"),
        ("whitelist_ip_0=127.0.0.1", "whitelist_ip"),
        ("whitelist_ips=127.0.0.1", "whitelist_ip"),
        ("whitelist_ip=", "whitelist_ip"),
        ("whitelist_ip[]=", "whitelist_ip"),
    ] {
        let target = format!("/json-api/api_token_create?api.version=1&token_name=open&{unread}");
        let refused = stage.whm("GET", &target, "", "")?;
        assert_eq!(refused["metadata"]["result"], 0, "{unread}: {refused}");
        let reason = refused["metadata"]["reason"].as_str().unwrap_or_default();
        assert!(reason.contains(parameter), "{unread}: {reason}");
        let arguments = ["--user=root", "--json", "api_token_create", "token_name=open", unread];
        let ran = stage.place.run("whmapi1", &arguments)?;
        assert_eq!(
            (ran.code, &ran.json()["metadata"]["result"]),
            (Some(0), &json!(0)),
            "{unread}"
        );
    }
    // An update that cannot be read changes nothing.
    let update = "/json-api/api_token_update?api.version=1&token_name=client&acl_0=list-accts&new_name=renamed";
    assert_eq!(stage.whm("GET", update, "", "")?["metadata"]["result"], 0);
    assert_eq!(whm_tokens(&stage)?, before);
    Ok(())
}

// As sent by certbot-cpanel, by gufy/cpanel-php, and by a Go client that adds `cpanel_jsonapi_funcversion`.
#[test]
fn clients_may_omit_the_api_2_version() -> Outcome {
    let stage = Guarded::start()?;
    let ours = "/json-api/cpanel?cpanel_jsonapi_module=Tokens&cpanel_jsonapi_func=list";
    let theirs =
        "/json-api/cpanel?cpanel_jsonapi_module=ZoneEdit&cpanel_jsonapi_func=fetchzone_records&domain=example.com";
    for more in ["", "&cpanel_jsonapi_version=2", "&cpanel_jsonapi_funcversion=2"] {
        let listed = stage.account("GET", &format!("{ours}{more}"), "", "")?.json();
        assert_eq!(listed["cpanelresult"]["apiversion"], 2, "`{more}`: {listed}");
        assert_eq!(listed["cpanelresult"]["data"][0]["name"], "client", "`{more}`");
        let passed = stage.account("GET", &format!("{theirs}{more}"), "", "")?;
        assert_eq!(passed.status, 200, "`{more}`: {}", passed.body);
        let asked = stage.panel.asked().pop().ok_or("nothing reached the panel")?;
        let version = asked.target.matches("cpanel_jsonapi_apiversion=2").count();
        assert_eq!(version, 1, "the panel is told what was decided on: {}", asked.target);
    }
    let first = stage.account("GET", &format!("{theirs}&cpanel_jsonapi_apiversion=1"), "", "")?;
    assert_eq!(first.status, 403, "API 1 still takes no token");
    assert!(stage.panel.asked().is_empty());
    Ok(())
}

const API_2: &str = "/json-api/cpanel?cpanel_jsonapi_apiversion=2&cpanel_jsonapi_module=";

/// Sends the requests of a client, in its order, with a token of alice that has only the features that the client needs. All of
/// them must reach the panel. Other functions are refused to the token.
fn limited_to(features: &str, requests: &[&str]) -> Outcome {
    let mut stage = Guarded::start()?;
    stage.token = stage
        .place
        .token("alice", "limited", &[&format!("features={features}")])?;
    for request in requests {
        let target = request.replace("API_2=", API_2);
        let answer = stage.account("GET", &target, "", "")?;
        assert_eq!(answer.status, 200, "{target}: {}", answer.body);
        let asked = stage.panel.asked().pop().ok_or("nothing reached the panel")?;
        assert_eq!(
            asked.target,
            target.replace("cpanel_jsonapi_user=user", "cpanel_jsonapi_user=alice")
        );
    }
    for other in [
        "/execute/Email/list_pops",
        "/execute/Tokens/list",
        "/execute/DomainInfo/domains_data",
    ] {
        assert_eq!(stage.account("GET", other, "", "")?.status, 403, "{other}");
    }
    assert!(stage.panel.asked().is_empty());
    Ok(())
}

#[test]
fn acme_shs_dns_hook_needs_two_features() -> Outcome {
    let requests = [
        "API_2=CustInfo&cpanel_jsonapi_func=displaycontactinfo",
        "API_2=ZoneEdit&cpanel_jsonapi_func=fetchzones",
        "API_2=ZoneEdit&cpanel_jsonapi_func=add_zone_record&domain=example.com&name=_acme-challenge&type=TXT&txtdata=x&ttl=1",
        "API_2=ZoneEdit&cpanel_jsonapi_func=fetchzone_records&domain=example.com",
        "API_2=ZoneEdit&cpanel_jsonapi_func=remove_zone_record&domain=example.com&line=5",
    ];
    limited_to("zoneedit,updatecontact", &requests)
}

#[test]
fn certbot_dns_cpanel_edits_zones_and_installs_certificates() -> Outcome {
    let requests = [
        "/json-api/cpanel?cpanel_jsonapi_user=alice&cpanel_jsonapi_apiversion=2&cpanel_jsonapi_module=ZoneEdit&cpanel_jsonapi_func=fetchzones",
        "/json-api/cpanel?cpanel_jsonapi_user=alice&cpanel_jsonapi_apiversion=2&cpanel_jsonapi_module=ZoneEdit&cpanel_jsonapi_func=add_zone_record&domain=example.com&name=_acme-challenge&type=TXT&txtdata=x&ttl=60",
        "/json-api/cpanel?cpanel_jsonapi_user=alice&cpanel_jsonapi_apiversion=2&cpanel_jsonapi_module=ZoneEdit&cpanel_jsonapi_func=remove_zone_record&domain=example.com&line=5",
        "/json-api/cpanel?cpanel_jsonapi_user=alice&cpanel_jsonapi_apiversion=2&cpanel_jsonapi_module=SSL&cpanel_jsonapi_func=installssl&domain=example.com&crt=x&key=y&cabundle=z",
    ];
    limited_to("zoneedit,sslinstall", &requests)
}

// As sent by programs that copied the documentation's example unchanged.
#[test]
fn other_dns_programs_read_and_edit_zones_by_any_user() -> Outcome {
    let requests = [
        "/json-api/cpanel?cpanel_jsonapi_user=user&cpanel_jsonapi_apiversion=2&cpanel_jsonapi_module=ZoneEdit&cpanel_jsonapi_func=fetchzone&domain=example.com",
        "/json-api/cpanel?cpanel_jsonapi_user=user&cpanel_jsonapi_apiversion=2&cpanel_jsonapi_module=ZoneEdit&cpanel_jsonapi_func=edit_zone_record&domain=example.com&line=5",
        "/json-api/cpanel?cpanel_jsonapi_user=user&cpanel_jsonapi_apiversion=2&cpanel_jsonapi_module=SubDomain&cpanel_jsonapi_func=listsubdomains",
        "API_2=SubDomain&cpanel_jsonapi_func=delsubdomain&domain=a.example.com",
        "/execute/Email/list_forwarders",
    ];
    limited_to("zoneedit,subdomains,forwarders", &requests)
}

#[test]
fn lego_edits_zones_by_uapi_and_whm() -> Outcome {
    let requests = [
        "/execute/DNS/parse_zone?zone=example.com",
        "/execute/DNS/mass_edit_zone?zone=example.com&serial=1&add=%7B%7D",
    ];
    limited_to("zoneedit", &requests)?;
    let mut stage = Guarded::start()?;
    let made = stage.whm(
        "GET",
        "/json-api/api_token_create?api.version=1&token_name=dns&acl=edit-dns",
        "",
        "",
    )?;
    made["data"]["token"]
        .as_str()
        .ok_or("no token")?
        .clone_into(&mut stage.whm);
    for target in [
        "/json-api/parse_dns_zone?api.version=1&zone=example.com",
        "/json-api/mass_edit_dns_zone?api.version=1&zone=example.com&serial=1",
    ] {
        assert_eq!(stage.whm("GET", target, "", "")?["metadata"]["result"], 1, "{target}");
        assert_eq!(
            stage.panel.asked().pop().ok_or("nothing reached the panel")?.target,
            target
        );
    }
    let refused = stage.whm("GET", "/json-api/listaccts?api.version=1", "", "")?;
    assert_eq!(refused["cpanelresult"]["error"], "Access denied");
    assert!(stage.panel.asked().is_empty());
    Ok(())
}

// Raycast's extension and others only check `if (!reply.status)`.
#[test]
fn uapi_refusals_never_look_like_success() -> Outcome {
    let mut stage = Guarded::start()?;
    let long = format!("/execute/Email/list_pops?x={}", "a".repeat(20_000));
    let mut refusals = Vec::new();
    for (method, target, status) in [
        ("GET", "/execute/Tokens/nosuch", 404),
        ("PUT", "/execute/Tokens/list", 405),
        ("GET", "/execute/Email/list_pops?a=50%off", 400),
        ("GET", &long, 414),
        ("GET", "/json-api/cpanel?cpanel_jsonapi_apiversion=3", 400),
    ] {
        refusals.push((stage.account(method, target, "", "")?, status));
    }
    let xml = stage.account("POST", "/execute/Tokens/revoke", "application/xml", "<name/>")?;
    refusals.push((xml, 415));
    stage.server = Server::start(&stage.place, &["--upstream", &format!("http://{}", free_address()?)])?;
    refusals.push((stage.account("GET", "/execute/Email/list_pops", "", "")?, 502));
    for (refusal, status) in refusals {
        assert_eq!(refusal.status, status, "{}", refusal.body);
        let reply = refusal.json();
        assert!(reply.is_object(), "{}", refusal.body);
        // Values that are false in JavaScript, in PHP and in Python.
        let falsy = [Value::Null, json!(0), json!(""), json!(false)];
        assert!(falsy.contains(&reply["status"]), "{}", refusal.body);
    }
    Ok(())
}

// WebFacing's plugin for WordPress checks its token this way.
#[test]
fn head_requires_the_permission_of_its_function() -> Outcome {
    if require("curl")?.is_none() {
        return Ok(());
    }
    let stage = Guarded::start()?;
    std::fs::write(stage.place.file("token"), &stage.token)?;
    let status = |path: &str| -> Result<String, Fault> {
        let host = stage.server.account;
        let curl = "curl --silent --show-error --head --output head --write-out '%{http_code}'";
        let header = r#"-H "Authorization: cpanel alice:$(cat token)""#;
        let ran = stage
            .place
            .shell(&format!("{curl} {header} 'http://{host}/execute/{path}'"))?;
        Ok(ran.stdout)
    };
    assert_eq!(status("Email/list_pops?display=1")?, "200");
    let asked = stage.panel.asked().pop().ok_or("nothing reached the panel")?;
    assert_eq!(
        (asked.method.as_str(), asked.target.as_str()),
        ("HEAD", "/execute/Email/list_pops?display=1")
    );
    assert_eq!(status("Tokens/create_full_access?name=head")?, "405", "ours take none");
    let reader = stage
        .place
        .token("alice", "reader", &["features=popaccts", "readonly=1"])?;
    std::fs::write(stage.place.file("token"), &reader)?;
    assert_eq!(status("Email/list_pops")?, "200");
    assert_eq!(stage.panel.asked().len(), 1);
    assert_eq!(
        status("Email/add_pop?email=a")?,
        "403",
        "a HEAD is judged by its function"
    );
    assert!(stage.panel.asked().is_empty());
    Ok(())
}

// `curl --http1.0` and PHP's CURL_HTTP_VERSION_1_0 offer no other protocol in the handshake.
#[test]
fn http_1_0_is_served_over_tls() -> Outcome {
    if require("curl")?.is_none() {
        return Ok(());
    }
    let stage = Guarded::start_tls()?;
    std::fs::write(stage.place.file("token"), &stage.token)?;
    let host = stage.server.account;
    let ran = stage.place.shell(&format!(
        r#"curl --http1.0 --silent --show-error --insecure -w ' %{{http_code}}' -H "Authorization: cpanel alice:$(cat token)" "https://{host}/execute/Tokens/list""#,
    ))?;
    assert!(ran.stdout.starts_with(r#"{"status":1,"#), "{}", ran.stderr);
    assert!(ran.stdout.ends_with(" 200"), "{}", ran.stdout);
    Ok(())
}

// With the shipped catalogue and a token limited to what the hook needs. The hook lists the domains first.
#[test]
fn acme_sh_deploy_hook_works_with_a_limited_token() -> Outcome {
    let stage = Guarded::start()?;
    let limited = stage.place.token("alice", "deploy", &["features=sslinstall"])?;
    let hook = |stage: &Guarded, line: &str| {
        let url = format!("http://{}", stage.server.account);
        stage.place.shell(&format!(
            "TOKENLATCH_URL={url} TOKENLATCH_TOKEN={limited} uapi --user=alice {line}; echo $?"
        ))
    };
    let install = "SSL install_ssl domain=example.com cert=-----BEGIN%20X----- key=k";
    let installed = hook(&stage, install)?;
    assert!(
        installed.stdout.contains("status: 1") && installed.stdout.ends_with("\n0\n"),
        "{installed:?}"
    );
    assert!(hook(&stage, "DomainInfo domains_data")?.stdout.contains("status: 0"));
    assert_eq!(
        stage.panel.asked().len(),
        1,
        "only what the token may call is asked of the API"
    );
    for (line, target) in [
        ("DomainInfo list_domains", "/execute/DomainInfo/list_domains"),
        (install, "/execute/SSL/install_ssl"),
    ] {
        let ran = hook(&stage, line)?;
        assert!(
            ran.stdout.contains("status: 1") && ran.stdout.ends_with("\n0\n"),
            "{line}: {ran:?}"
        );
        let asked = stage.panel.asked().pop().ok_or("nothing reached the panel")?;
        assert_eq!(asked.target.split('?').next(), Some(target), "{line}");
    }
    // If the panel refuses, the exit code is still 0, and the reason is in the reply.
    let taken = hook(&stage, "SSL install_ssl domain=taken.example.com")?;
    assert!(
        taken.stdout.contains("It is taken.") && taken.stdout.ends_with("\n0\n"),
        "{taken:?}"
    );
    Ok(())
}

// acme.sh's deploy hook assumes that the certificate is installed unless it finds `status: 0` on standard output.
#[test]
fn unknown_uapi_function_fails_as_acme_sh_expects() -> Outcome {
    let place = Place::new()?;
    place.accounts(&["alice"])?;
    let ran = place.shell(
        "uapi --user=alice SSL install_ssl domain=example.com cert=-----BEGIN%20X----- key=secret-key > reply || echo failed; \
         grep 'status: 0' reply",
    )?;
    assert!(ran.stdout.starts_with("failed\n"), "{ran:?}");
    assert_eq!(ran.stdout.lines().last().map(str::trim), Some("status: 0"), "{ran:?}");
    let reply = std::fs::read_to_string(place.file("reply"))?;
    for line in ["module: SSL", "func: install_ssl", "apiversion: 3"] {
        assert!(reply.lines().any(|read| read == line), "{reply}");
    }
    assert!(!reply.contains("secret-key"));
    let as_json = place.run(
        "uapi",
        &[
            "--user=alice",
            "--output=json",
            "SSL",
            "install_ssl",
            "domain=example.com",
        ],
    )?;
    let result = &as_json.json()["result"];
    assert_eq!(
        (&result["status"], &result["data"]),
        (&json!(0), &Value::Null),
        "{as_json:?}"
    );
    assert_eq!(result["errors"].as_array().map(Vec::len), Some(1), "{as_json:?}");
    Ok(())
}
