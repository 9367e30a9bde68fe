//! The console: three files that `console/` builds, embedded so that neither users nor cargo need Node.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

const PAGE: &str = include_str!("../../../console/dist/index.html");
const SCRIPT: &str = include_str!("../../../console/dist/console.js");
const STYLE: &str = include_str!("../../../console/dist/console.css");

/// Nothing from elsewhere, no inline script, no frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Paths of its pages: each is the same document, which reads the address. With or without something behind it.
const PAGES: [&str; 10] = [
    "gateways",
    "health",
    "costs",
    "experiments",
    "requests",
    "keys",
    "budgets",
    "webhooks",
    "policy",
    "playground",
];

/// `GET /`.
pub(super) async fn root(headers: HeaderMap) -> Response {
    file(&headers, "text/html; charset=utf-8", PAGE)
}

/// `GET /{page}`, `/console.js`, `/console.css`.
pub(super) async fn top(Path(name): Path<String>, headers: HeaderMap) -> Response {
    match name.as_str() {
        "console.js" => file(&headers, "text/javascript; charset=utf-8", SCRIPT),
        "console.css" => file(&headers, "text/css; charset=utf-8", STYLE),
        page if PAGES.contains(&page) => root(headers).await,
        _ => super::answer::no_such_path().await.into_response(),
    }
}

/// `GET /{page}/{rest}`: one gateway, one request.
pub(super) async fn below(Path((page, _)): Path<(String, String)>, headers: HeaderMap) -> Response {
    top(Path(page), headers).await
}

fn file(headers: &HeaderMap, kind: &'static str, content: &'static str) -> Response {
    let tag = format!("\"{:016x}\"", fnv(content.as_bytes()));
    let fixed = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        // Asked for again each time, and mostly answered with 304.
        (header::CACHE_CONTROL, "no-cache"),
    ];
    if headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes())
    {
        return (StatusCode::NOT_MODIFIED, fixed, [(header::ETAG, tag)]).into_response();
    }
    (fixed, [(header::ETAG, tag)], content).into_response()
}

/// FNV-1a: tells versions of a file apart, and is no secret.
const fn fnv(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        at += 1;
    }
    hash
}
