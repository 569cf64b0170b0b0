//! The paths that name functions: `/execute/Module/function` and `/json-api/function`.

/// The most characters in the name of a module or a function.
const MAX_FUNCTION_NAME: usize = 128;

/// The most digits in a `/cpsess…` prefix.
const MAX_SESSION_DIGITS: usize = 20;

/// The module of the administrator's functions, which have no modules of their own.
pub const WHM_MODULE: &str = "whm";

/// Whether every server reads this name of a module or function the same way: no escapes and no separators.
#[must_use]
pub fn is_function_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=MAX_FUNCTION_NAME).contains(&name.len()) && name.bytes().all(plain)
}

/// Splits `/execute/Module/function` into module and function.
#[must_use]
pub fn uapi_path(path: &str) -> Option<(&str, &str)> {
    let (module, function) = path.strip_prefix("/execute/")?.split_once('/')?;
    (is_function_name(module) && is_function_name(function)).then_some((module, function))
}

/// The function in `/json-api/function`.
#[must_use]
pub fn json_api_path(path: &str) -> Option<&str> {
    path.strip_prefix("/json-api/").filter(|name| is_function_name(name))
}

/// Whether a path belongs to the API, whether or not it names a function.
#[must_use]
pub fn is_api_path(path: &str) -> bool {
    ["/execute", "/json-api"].iter().any(|root| {
        path.strip_prefix(root)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// Normalises the path of a function. One extra slash before or after it is removed, as base URLs that end in a slash
/// produce it, and so is a `/cpsess…` prefix, as in the original's examples. Other paths are returned unchanged.
#[must_use]
pub fn canonical_path(path: &str) -> &str {
    let single = path.strip_prefix('/').filter(|rest| rest.starts_with('/'));
    let bare = without_session(single.unwrap_or(path));
    let folded = bare.unwrap_or(single.unwrap_or(path));
    let folded = folded.strip_suffix('/').unwrap_or(folded);
    match uapi_path(folded).is_some() || json_api_path(folded).is_some() {
        true => folded,
        false => bare.filter(|_| single.is_none()).unwrap_or(path),
    }
}

/// Removes the `/cpsess…` prefix from a path of the API; `None` if there is none.
fn without_session(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/cpsess")?;
    let (digits, _) = rest.split_once('/')?;
    let sound = (1..=MAX_SESSION_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    rest.get(digits.len()..).filter(|path| sound && is_api_path(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_functions_are_read() {
        assert_eq!(uapi_path("/execute/Tokens/list"), Some(("Tokens", "list")));
        assert_eq!(json_api_path("/json-api/api_token_list"), Some("api_token_list"));
        for path in [
            "/execute/Tokens",
            "/execute/Tokens/list/",
            "/execute/To.kens/list",
            "/Execute/Tokens/list",
            "",
        ] {
            assert_eq!(uapi_path(path), None, "{path}");
        }
        for path in ["/json-api/", "/json-api/a/b", "/json-api/a%20", "/json-api/\u{e4}"] {
            assert_eq!(json_api_path(path), None, "{path}");
        }
        assert!(!is_function_name(&"x".repeat(129)));
    }

    #[test]
    fn removes_one_extra_slash_around_function_paths() {
        for (path, canonical) in [
            ("/execute/Tokens/list", "/execute/Tokens/list"),
            ("//execute/Tokens/list", "/execute/Tokens/list"),
            ("/execute/Tokens/list/", "/execute/Tokens/list"),
            ("//execute/Tokens/list/", "/execute/Tokens/list"),
            ("/json-api/cpanel/", "/json-api/cpanel"),
            ("//json-api/cpanel", "/json-api/cpanel"),
        ] {
            assert_eq!(canonical_path(path), canonical, "{path}");
        }
        for path in [
            "",
            "/",
            "//",
            "///execute/Tokens/list",
            "/execute/Tokens/list//",
            "/execute//Tokens/list",
            "/execute/Tokens//list",
            "/execute/Tokens/",
            "//evil.example/execute/Tokens/list",
            "//login",
            "/auth/",
            "/\\execute/Tokens/list",
            "//execute/Tokens/%6cist",
        ] {
            assert_eq!(canonical_path(path), path, "{path}");
        }
    }
}
