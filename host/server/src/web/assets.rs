//! Static files of the web interface. Each name contains the content's hash, so a browser may cache the file for ever and never
//! uses an old one.

use std::sync::LazyLock;

use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::web::reply::Failed;
use tokenlatch::hex;

/// A static file.
pub(crate) struct Asset {
    /// Its path.
    pub(crate) path: String,
    kind: &'static str,
    content: &'static [u8],
}

impl Asset {
    fn new(end: &'static str, kind: &'static str, content: &'static [u8]) -> Asset {
        let hash = hex(Sha256::digest(content).as_slice());
        let hash = hash.get(..16).unwrap_or_default();
        Asset {
            path: format!("/assets/page.{hash}.{end}"),
            kind,
            content,
        }
    }
}

/// The style sheet.
pub(crate) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_bytes!("../../assets/page.css");
    Asset::new("css", "text/css; charset=utf-8", content)
});

/// The script, an enhancement of the pages.
pub(crate) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_bytes!("../../assets/page.js");
    Asset::new("js", "text/javascript; charset=utf-8", content)
});

/// The icon.
pub(crate) static ICON: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_bytes!("../../assets/icon.svg");
    Asset::new("svg", "image/svg+xml", content)
});

/// The reply for a static file, if the path is one's.
pub(crate) fn reply(method: &Method, path: &str) -> Option<Response> {
    let own_name = path == "/favicon.ico";
    if !own_name && !path.starts_with("/assets/") {
        return None;
    }
    let assets = [&*STYLE, &*SCRIPT, &*ICON];
    let asset = match assets.into_iter().find(|asset| asset.path == path) {
        Some(asset) => asset,
        None if own_name => &*ICON,
        None => return Some(Failed::NotFound.into_response()),
    };
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut reply = Failed::Method.into_response();
        reply.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Some(reply);
    }
    let mut reply = Response::new(asset.content.into());
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    let kept = if own_name {
        "public, max-age=86400"
    } else {
        "public, max-age=31536000, immutable"
    };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(kept));
    Some(reply)
}
