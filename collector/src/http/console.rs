//! The console: three files that `console/` builds, embedded so that neither users nor cargo need Node.

use std::sync::OnceLock;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::records;

static PAGE: Asset = Asset::new(
    "text/html; charset=utf-8",
    include_str!("../../../console/dist/index.html"),
);
static SCRIPT: Asset = Asset::new(
    "text/javascript; charset=utf-8",
    include_str!("../../../console/dist/console.js"),
);
static STYLE: Asset = Asset::new(
    "text/css; charset=utf-8",
    include_str!("../../../console/dist/console.css"),
);

/// A file of the console.
struct Asset {
    kind: &'static str,
    content: &'static str,
    /// Made of the content, once.
    tag: OnceLock<String>,
}

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
    PAGE.answer(&headers)
}

/// `GET /{page}`, `/console.js`, `/console.css`.
pub(super) async fn top(Path(name): Path<String>, headers: HeaderMap) -> Response {
    match name.as_str() {
        "console.js" => SCRIPT.answer(&headers),
        "console.css" => STYLE.answer(&headers),
        page if PAGES.contains(&page) => root(headers).await,
        _ => super::answer::no_such_path().await.into_response(),
    }
}

/// `GET /{page}/{rest}`: one gateway, one request.
pub(super) async fn below(Path((page, _)): Path<(String, String)>, headers: HeaderMap) -> Response {
    top(Path(page), headers).await
}

impl Asset {
    const fn new(kind: &'static str, content: &'static str) -> Self {
        Self {
            kind,
            content,
            tag: OnceLock::new(),
        }
    }

    fn answer(&'static self, headers: &HeaderMap) -> Response {
        let tag = self
            .tag
            .get_or_init(|| format!("\"{}\"", records::sha256_hex(self.content.as_bytes())));
        let fixed = [
            (header::CONTENT_TYPE, self.kind),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            // Asked for again each time, and mostly answered with 304.
            (header::CACHE_CONTROL, "no-cache"),
            (header::ETAG, tag),
        ];
        if headers
            .get(header::IF_NONE_MATCH)
            .is_some_and(|known| known.as_bytes() == tag.as_bytes())
        {
            return (StatusCode::NOT_MODIFIED, fixed).into_response();
        }
        (fixed, self.content).into_response()
    }
}
