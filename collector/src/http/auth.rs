//! Who may deliver, and who may ask.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};

use super::Shared;
use super::answer::Refusal;
use super::session::{self, CSRF_HEADER, NoSession};
use crate::connections::Connection;

pub(super) async fn gateways_only(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Response {
    check(&shared.tokens.ingest, "ingest", request, next).await
}

pub(super) async fn people_only(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Response {
    if !request.headers().contains_key(header::AUTHORIZATION) {
        match session::check(&shared, request.method(), request.headers()) {
            Ok(()) => return admit(request, next).await,
            Err(NoSession::Absent) => {}
            Err(NoSession::Forged) => {
                let message = format!(
                    "a request that changes something needs the header {CSRF_HEADER} beside the session's cookie"
                );
                return Refusal::new(StatusCode::FORBIDDEN, "forbidden", message).into_response();
            }
        }
    }
    check(&shared.tokens.api, "API", request, next).await
}

async fn check(token: &str, which: &str, request: Request, next: Next) -> Response {
    if bearer(request.headers()).is_some_and(|presented| same(presented, token.as_bytes())) {
        return admit(request, next).await;
    }
    let message = format!("expected the collector's {which} token as `Authorization: Bearer …`");
    let refusal = Refusal::new(StatusCode::UNAUTHORIZED, "invalid_token", message);
    ([(header::WWW_AUTHENTICATE, "Bearer")], refusal).into_response()
}

/// Whoever has shown a good token keeps its connection when others must go.
async fn admit(request: Request, next: Next) -> Response {
    if let Some(connection) = request.extensions().get::<Arc<Connection>>() {
        connection.trust();
    }
    next.run(request).await
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked(7)?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| token.trim_ascii())
}

/// The time it takes tells nothing: what is compared are hashes, and all of them.
pub(super) fn same(presented: &[u8], token: &[u8]) -> bool {
    let (a, b) = (Sha256::digest(presented), Sha256::digest(token));
    a.iter().zip(b.iter()).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_follows_the_scheme_in_any_case() {
        for (header, expected) in [
            ("Bearer abc", Some(&b"abc"[..])),
            ("bearer  abc ", Some(b"abc")),
            ("Basic abc", None),
            ("Bearer", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, header.parse().unwrap());
            assert_eq!(bearer(&headers), expected, "{header}");
        }
        assert_eq!(bearer(&HeaderMap::new()), None);
        assert!(same(b"abc", b"abc"));
        assert!(!same(b"", b"abc") && !same(b"abd", b"abc") && !same(b"abcd", b"abc"));
    }
}
