//! Header fields by which a client could claim what only a proxy or Tokenlatch may say. The guard removes them,
//! `/auth` refuses requests with some of them, and the sample files for proxies are tested against this table.
//! RULES.md, 8.

/// What a field could make the API behind the guard believe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Danger {
    /// Another path or method than the one that was checked.
    Override,
    /// Another person than the token's owner.
    Identity,
    /// Another client address, host, scheme or route.
    Origin,
    /// Something that only Tokenlatch says.
    Tokenlatch,
    /// A setting of the program itself: CGI turns `Proxy` into the variable `HTTP_PROXY`.
    Program,
}

use Danger::{Identity, Origin, Override, Program, Tokenlatch};

/// The fields that name the token's owner and access to the API, in lower case.
pub const IDENTITY_FIELDS: &[&str] = &[
    "x-tokenlatch-user",
    "x-tokenlatch-realm",
    "x-tokenlatch-token-id",
    "x-tokenlatch-token-name",
    "x-tokenlatch-access",
    "x-tokenlatch-features",
    "x-tokenlatch-features-omitted",
    "x-tokenlatch-read-only",
    "x-tokenlatch-expires",
];

/// The fields that Tokenlatch believes from a trusted proxy. The proxy must set or remove each of them in every
/// request, because clients can send them too.
pub const PROXY_FIELDS: &[&str] = &[
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-method",
    "x-forwarded-proto",
    "x-forwarded-uri",
    "x-original-method",
    "x-original-uri",
    "x-request-id",
];

/// Fields that common proxies and frameworks send or believe, in lower case, besides [`IDENTITY_FIELDS`]. Clients may
/// not send them to the API. If an API believes another field, its proxy must remove that one.
pub const DANGEROUS_FIELDS: &[(&str, Danger)] = &[
    // Paths: IIS, Symfony, Zend, nginx's and Envoy's samples, Next.js, WSGI servers.
    ("x-original-url", Override),
    ("x-original-uri", Override),
    ("x-original-path", Override),
    ("x-rewrite-url", Override),
    ("x-rewrite-path", Override),
    ("x-override-url", Override),
    ("x-request-uri", Override),
    ("x-request-url", Override),
    ("x-real-uri", Override),
    ("x-real-url", Override),
    ("x-envoy-original-path", Override),
    ("x-envoy-original-url", Override),
    ("x-waws-unencoded-url", Override),
    ("x-forwarded-uri", Override),
    ("x-forwarded-url", Override),
    ("x-forwarded-path", Override),
    ("x-middleware-subrequest", Override),
    ("x-invoke-path", Override),
    ("x-matched-path", Override),
    ("x-script-name", Override),
    // Methods: WordPress, Rails, ASP.NET, Express, Google's and SAP's services.
    ("x-http-method", Override),
    ("x-http-method-override", Override),
    ("x-method-override", Override),
    ("x-original-method", Override),
    ("x-forwarded-method", Override),
    // People, as authenticating proxies name them, and their certificates (RFC 9440).
    ("remote-user", Identity),
    ("remote-email", Identity),
    ("remote-groups", Identity),
    ("remote-name", Identity),
    ("x-remote-user", Identity),
    ("x-remote-groups", Identity),
    ("x-remote-name", Identity),
    ("x-remote-email", Identity),
    ("x-remote-uid", Identity),
    ("x-authentik-username", Identity),
    ("x-authentik-email", Identity),
    ("x-authentik-groups", Identity),
    ("x-authentik-uid", Identity),
    ("x-goog-authenticated-user-email", Identity),
    ("x-goog-authenticated-user-id", Identity),
    ("x-goog-iap-jwt-assertion", Identity),
    ("cf-access-authenticated-user-email", Identity),
    ("cf-access-jwt-assertion", Identity),
    ("x-amzn-oidc-identity", Identity),
    ("x-amzn-oidc-data", Identity),
    ("x-amzn-oidc-accesstoken", Identity),
    ("x-ms-client-principal", Identity),
    ("x-ms-client-principal-id", Identity),
    ("x-ms-client-principal-name", Identity),
    ("tailscale-user-login", Identity),
    ("tailscale-user-name", Identity),
    ("client-cert", Identity),
    ("client-cert-chain", Identity),
    ("ssl-client-cert", Identity),
    ("ssl-client-dn", Identity),
    ("ssl-client-s-dn", Identity),
    ("ssl-client-verify", Identity),
    ("x-ssl-client-cert", Identity),
    ("x-ssl-client-dn", Identity),
    ("x-ssl-client-verify", Identity),
    ("x-user", Identity),
    ("x-webauth-user", Identity),
    ("x-authenticated-user", Identity),
    ("x-forwarded-user", Identity),
    ("x-forwarded-email", Identity),
    ("x-forwarded-groups", Identity),
    ("x-forwarded-preferred-username", Identity),
    ("x-forwarded-access-token", Identity),
    ("x-auth-request-user", Identity),
    ("x-auth-request-email", Identity),
    ("x-auth-request-groups", Identity),
    ("x-auth-request-preferred-username", Identity),
    ("x-auth-request-access-token", Identity),
    // Clients, hosts and schemes.
    ("forwarded", Origin),
    ("x-forwarded", Origin),
    ("x-forwarded-for", Origin),
    ("x-forwarded-by", Origin),
    ("x-forwarded-host", Origin),
    ("x-forwarded-port", Origin),
    ("x-forwarded-prefix", Origin),
    ("x-forwarded-proto", Origin),
    ("x-forwarded-protocol", Origin),
    ("x-forwarded-scheme", Origin),
    ("x-forwarded-server", Origin),
    ("x-forwarded-ssl", Origin),
    ("x-original-host", Origin),
    ("x-host", Origin),
    ("x-real-ip", Origin),
    ("x-client-ip", Origin),
    ("x-cluster-client-ip", Origin),
    ("client-ip", Origin),
    ("true-client-ip", Origin),
    ("cf-connecting-ip", Origin),
    ("x-original-forwarded-for", Origin),
    ("x-envoy-external-address", Origin),
    ("cf-connecting-ipv6", Origin),
    ("fly-client-ip", Origin),
    ("fastly-client-ip", Origin),
    ("front-end-https", Origin),
    ("x-url-scheme", Origin),
    ("proxy", Program),
];

/// Beginnings of names that are dangerous, whatever follows.
const DANGEROUS_PREFIXES: &[(&str, Danger)] = &[
    ("x-tokenlatch-", Tokenlatch),
    ("x-auth-request-", Identity),
    ("remote-", Identity),
    ("x-remote-", Identity),
    ("x-authentik-", Identity),
    ("x-goog-authenticated-user-", Identity),
    ("cf-access-", Identity),
    ("x-amzn-oidc-", Identity),
    ("x-ms-client-principal", Identity),
    ("tailscale-user-", Identity),
    ("ssl-client-", Identity),
    ("x-ssl-client-", Identity),
    ("x-forwarded-", Origin),
];

/// What a field could make the API believe, in any spelling of its name: a program behind CGI or WSGI can't
/// distinguish `X.Tokenlatch.User` and `X_Tokenlatch_User` from `X-Tokenlatch-User`.
#[must_use]
pub fn danger(name: &[u8]) -> Option<Danger> {
    let is = |known: &str| known.bytes().eq(folded(name));
    let begins = |known: &str| known.bytes().eq(folded(name).take(known.len()));
    let whole = DANGEROUS_FIELDS.iter().find(|(known, _)| is(known));
    let listed = whole.or_else(|| DANGEROUS_PREFIXES.iter().find(|(known, _)| begins(known)));
    listed.map(|(_, danger)| *danger)
}

/// Whether every program reads the field's name the same way: letters, digits and hyphens. The API may take others
/// for another field (`Content_Length`), so they are not passed on.
#[must_use]
pub fn is_plain_field(name: &[u8]) -> bool {
    name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

/// Whether `/auth`, which can't remove fields, refuses a request with this one: it changes what is checked, it could
/// be taken for a field of Tokenlatch, or it is an unusual spelling of a dangerous field, which the proxy would not
/// have removed. Fields that a trusted proxy sends to `/auth` are accepted.
#[must_use]
pub fn is_forged(name: &[u8]) -> bool {
    match danger(name) {
        None => false,
        Some(_) if !is_plain_field(name) => true,
        Some(Override | Tokenlatch) => !PROXY_FIELDS.iter().any(|known| known.bytes().eq(folded(name))),
        Some(_) => false,
    }
}

/// A name in the spelling of the tables.
fn folded(name: &[u8]) -> impl Iterator<Item = u8> {
    name.iter().map(|byte| match byte.is_ascii_alphanumeric() {
        true => byte.to_ascii_lowercase(),
        false => b'-',
    })
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    /// Every byte allowed in a field's name besides letters and digits (RFC 9110, section 5.6.2).
    const SEPARATORS: &str = "!#$%&'*+-.^_`|~";

    #[test]
    fn recognises_dangerous_fields_in_every_spelling() {
        let identity = IDENTITY_FIELDS.iter().map(|name| (*name, Tokenlatch));
        for (name, kind) in DANGEROUS_FIELDS.iter().copied().chain(identity) {
            for separator in SEPARATORS.chars() {
                let spelt = name.replacen('-', String::from(separator).as_str(), 1);
                assert_eq!(danger(spelt.as_bytes()), Some(kind), "{spelt}");
                let all = name.replace('-', String::from(separator).as_str());
                assert_eq!(danger(all.to_ascii_uppercase().as_bytes()), Some(kind), "{all}");
            }
        }
        for prefix in ["X-Tokenlatch-", "x.tokenlatch_", "X_TOKENLATCH_"] {
            for end in ["", "anything", "user"] {
                let name = [prefix, end].concat();
                assert_eq!(danger(name.as_bytes()), Some(Tokenlatch), "{name}");
            }
        }
    }

    #[test]
    fn other_fields_are_not_dangerous() {
        for name in [
            "",
            "accept",
            "content-type",
            "host",
            "x-tokenlatch",
            "xtokenlatch-user",
            "x-request-id",
            "proxy-status",
            "user",
            "x-method",
        ] {
            assert_eq!(danger(name.as_bytes()), None, "{name}");
        }
    }

    #[test]
    fn plain_field_names_have_no_separator_but_hyphens() {
        assert!(is_plain_field(b"X-Amz-Date2"));
        for separator in SEPARATORS.chars().filter(|separator| *separator != '-') {
            let name = ["content", "length"].join(String::from(separator).as_str());
            assert!(!is_plain_field(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn dangerous_fields_not_set_by_a_proxy_count_as_forged() {
        for name in PROXY_FIELDS {
            assert!(!is_forged(name.as_bytes()), "{name}");
            let twin = name.replace('-', "_");
            let dangerous = danger(name.as_bytes()).is_some();
            assert_eq!(is_forged(twin.as_bytes()), dangerous, "{twin}");
        }
        for name in [
            "X-Original-URL",
            "X-HTTP-Method-Override",
            "X-Tokenlatch-User",
            "X.Tokenlatch.User",
            "X_Real_IP",
            "Remote.User",
        ] {
            assert!(is_forged(name.as_bytes()), "{name}");
        }
        for name in ["Authorization", "Remote-User", "X-Real-IP"] {
            assert!(!is_forged(name.as_bytes()), "{name}");
        }
    }
}
