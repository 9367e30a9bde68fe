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
use crate::login::{Person, Role};

pub(super) async fn gateways_only(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Response {
    if let Err(refused) = check(&shared.tokens.ingest, "ingest", &request) {
        return *refused;
    }
    admit(request, next).await
}

pub(super) async fn people_only(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Response {
    if !request.headers().contains_key(header::AUTHORIZATION) {
        match session::check(&shared, request.method(), request.headers()) {
            Ok(person) => return admit_person(person, request, next).await,
            Err(NoSession::Absent) => {}
            Err(NoSession::Forged) => {
                let message = format!(
                    "a request that changes something needs the header {CSRF_HEADER} beside the session's cookie"
                );
                return Refusal::new(StatusCode::FORBIDDEN, "forbidden", message).into_response();
            }
        }
    }
    if let Err(refused) = check(&shared.tokens.api, "API", &request) {
        return *refused;
    }
    admit_person(WITH_TOKEN, request, next).await
}

/// Whoever has the API token.
pub(super) const WITH_TOKEN: Person = Person {
    role: Role::Admin,
    name: None,
};

/// Lets in whoever may do this, and says in the log who changes what.
async fn admit_person(person: Person, mut request: Request, next: Next) -> Response {
    let (method, path) = (request.method(), request.uri().path());
    let needed = session::needed_role(method, path);
    if person.role < needed {
        let message = format!(
            "this needs the role {}; yours is {}",
            needed.name(),
            person.role.name()
        );
        return Refusal::new(StatusCode::FORBIDDEN, "forbidden", message).into_response();
    }
    if let Some(name) = person.name.as_deref().filter(|_| !method.is_safe()) {
        log::info!(target: "keeptrusts::collector", "{name}: {method} {path}");
    }
    request.extensions_mut().insert(person);
    admit(request, next).await
}

fn check(token: &str, which: &str, request: &Request) -> Result<(), Box<Response>> {
    if bearer(request.headers()).is_some_and(|presented| same(presented, token.as_bytes())) {
        return Ok(());
    }
    let message = format!("expected the collector's {which} token as `Authorization: Bearer …`");
    let refusal = Refusal::new(StatusCode::UNAUTHORIZED, "invalid_token", message);
    let refused = ([(header::WWW_AUTHENTICATE, "Bearer")], refusal).into_response();
    Err(Box::new(refused))
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
