//! CORS preflights: a browser asks whether a page may send a request (Fetch, 4.8). It never sends a token with them.

use alloc::string::String;
use alloc::vec::Vec;

use super::dangerous_fields::{Danger, danger};
use super::route::{Named, Route, Routes};
use super::target::call_of;
use crate::base::error::Error;
use crate::token::access::Realm;

/// The fields of a request with a body or with a credential. Browsers send none of them with a preflight.
const EXCLUDED: &[&str] = &["authorization", "proxy-authorization", "cookie", "transfer-encoding"];

/// The paths on which preflights pass without a token.
#[derive(Clone, Debug)]
pub struct Preflights(Routes);

impl Preflights {
    /// Reads the paths. They are written as the path of a route: OPERATIONS.md, Routes.
    ///
    /// # Errors
    /// `catalogue_invalid` for a path that no public route can have, at its index, and for one that is given twice.
    pub fn new(paths: Vec<String>) -> Result<Self, Error> {
        let route = |path| Route {
            method: "OPTIONS".into(),
            path,
            public: true,
            ..Route::default()
        };
        Routes::new(paths.into_iter().map(route).collect()).map(Preflights)
    }

    /// Whether a request is a preflight for one of the paths: `OPTIONS` with one `Origin` and one
    /// `Access-Control-Request-Method`, without a body, a credential and a field that names another method or path.
    /// The names of the fields are in lower case.
    pub fn admits<'f>(
        &self,
        method: &str,
        target: &[u8],
        fields: impl IntoIterator<Item = (&'f str, &'f [u8])>,
    ) -> bool {
        let (mut origins, mut methods) = (0_u32, 0_u32);
        for (name, value) in fields {
            match name {
                "origin" => origins = origins.saturating_add(1),
                "access-control-request-method" => methods = methods.saturating_add(1),
                "content-length" if value != b"0" => return false,
                _ if EXCLUDED.contains(&name) || danger(name.as_bytes()) == Some(Danger::Override) => return false,
                _ => {}
            }
        }
        let plain = call_of(method, target, Realm::Account).is_some_and(|call| call.path.is_some());
        let listed = || matches!(self.0.find(method.as_bytes(), target), Named::Route { near: false, .. });
        (method, origins, methods) == ("OPTIONS", 1, 1) && plain && listed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: (&str, &[u8]) = ("origin", b"https://shop.example");
    const METHOD: (&str, &[u8]) = ("access-control-request-method", b"DELETE");

    fn listed() -> Result<Preflights, Error> {
        let paths = ["/v1/orders", "/v1/orders/{id}", "/files/{*path}"];
        Preflights::new(paths.map(String::from).into())
    }

    #[test]
    fn preflights_pass_on_listed_paths_only() -> Result<(), Error> {
        let listed = listed()?;
        let admits = |target: &str| listed.admits("OPTIONS", target.as_bytes(), [ORIGIN, METHOD]);
        for target in [
            "/v1/orders",
            "/v1/orders?x=1",
            "/v1/orders/7",
            "/files/a/b",
            "/v1/orders/%C3%A9",
        ] {
            assert!(admits(target), "{target}");
        }
        for target in [
            "/",
            "*",
            "/v1",
            "/V1/orders",
            "/v1/orders/",
            "/v1/orders/7/lines",
            "/v1/orders/7;x",
            "/v1/orders/%37",
            "/v1/orders/../x",
            "/v1//orders",
            "/v1/orders?_method=DELETE",
            "/files/",
        ] {
            assert!(!admits(target), "{target}");
        }
        let none = Preflights::new(Vec::new())?;
        assert!(!none.admits("OPTIONS", b"/v1/orders", [ORIGIN, METHOD]));
        Ok(())
    }

    #[test]
    fn only_what_a_browser_sends_is_a_preflight() -> Result<(), Error> {
        let listed = listed()?;
        let admits =
            |method: &str, fields: &[(&str, &[u8])]| listed.admits(method, b"/v1/orders", fields.iter().copied());
        let more: &[(&str, &[u8])] = &[
            ORIGIN,
            METHOD,
            ("access-control-request-headers", b"x-a"),
            ("content-length", b"0"),
            ("x-forwarded-for", b"192.0.2.1"),
        ];
        assert!(admits("OPTIONS", more));
        for method in ["GET", "DELETE", "options", "OPTION"] {
            assert!(!admits(method, &[ORIGIN, METHOD]), "{method}");
        }
        for fields in [
            &[ORIGIN][..],
            &[METHOD],
            &[ORIGIN, ORIGIN, METHOD],
            &[ORIGIN, METHOD, METHOD],
        ] {
            assert!(!admits("OPTIONS", fields), "{fields:?}");
        }
        for field in [
            ("authorization", &b"x"[..]),
            ("proxy-authorization", b"x"),
            ("cookie", b"a=b"),
            ("content-length", b"1"),
            ("content-length", b"00"),
            ("transfer-encoding", b"chunked"),
            ("x-http-method-override", b"DELETE"),
            ("x-original-url", b"/admin"),
        ] {
            assert!(!admits("OPTIONS", &[ORIGIN, METHOD, field]), "{field:?}");
        }
        Ok(())
    }

    #[test]
    fn paths_are_those_of_public_routes() {
        for paths in [&["/{*rest}"][..], &["v1"], &[""], &["/a//b"], &["/a", "/a"]] {
            let paths = paths.iter().map(|path| String::from(*path)).collect();
            assert!(Preflights::new(paths).is_err());
        }
    }
}
