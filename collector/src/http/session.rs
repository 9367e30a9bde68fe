//! The console's session: a cookie that says who is signed in, so that no script of a page ever holds a token.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::answer::Refusal;
use super::{Shared, auth};
use crate::login::{Person, Role};
use crate::tokens;

const COOKIE: &str = "kt_session";
/// How long a session with the API token is good, in seconds: a working week.
const TOKEN_SECONDS: u64 = 7 * 24 * 3600;
/// How long one of a person is good: whoever has left, or lost a role, is out after a working day.
const PERSON_SECONDS: u64 = 12 * 3600;
/// A page of another site cannot send this header without being allowed to.
pub(super) const CSRF_HEADER: &str = "x-keeptrusts-console";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    token: String,
}

/// What a cookie says, in JSON and base64url, before its signature.
#[derive(Serialize, Deserialize)]
struct Session {
    /// Unix time in seconds.
    expires: u64,
    #[serde(flatten)]
    person: Person,
}

/// `POST /v1/session`: the API token for a cookie.
pub(super) async fn sign_in(
    State(shared): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let Ok(SignIn { token }) = serde_json::from_slice(&body) else {
        let message = "expected {\"token\": \"…\"}";
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "invalid_value",
            message,
        ));
    };
    if !auth::same(token.as_bytes(), shared.tokens.api.as_bytes()) {
        let message = "this is not the collector's API token";
        return Err(Refusal::new(
            StatusCode::UNAUTHORIZED,
            "invalid_token",
            message,
        ));
    }
    let cookie = begin(&shared, &headers, auth::WITH_TOKEN);
    Ok(([(header::SET_COOKIE, cookie)], StatusCode::NO_CONTENT).into_response())
}

/// The cookie of somebody who has shown who they are.
pub(super) fn begin(shared: &Shared, headers: &HeaderMap, person: Person) -> String {
    let seconds = match person.name {
        None => TOKEN_SECONDS,
        Some(_) => PERSON_SECONDS,
    };
    let session = Session {
        expires: shared.api.now_ms() / 1_000 + seconds,
        person,
    };
    let said = URL_SAFE_NO_PAD.encode(json!(session).to_string());
    let value = format!("{said}.{}", signature(&shared.tokens.api, &said));
    let secure = secure(headers);
    format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

/// `GET /v1/session`: who is signed in. Only people come here.
pub(super) async fn show(Extension(person): Extension<Person>) -> Json<Value> {
    Json(json!(person))
}

/// `DELETE /v1/session`.
pub(super) async fn sign_out(headers: HeaderMap) -> Response {
    let secure = secure(&headers);
    let cookie = format!("{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict{secure}");
    ([(header::SET_COOKIE, cookie)], StatusCode::NO_CONTENT).into_response()
}

/// Why a cookie does not let its bearer in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoSession {
    /// There is none, it is over, or it was not made here.
    Absent,
    /// It is good, but the request may have been made by another site.
    Forged,
}

/// Who is signed in; a request that changes something needs the mark that no other site can send.
pub(super) fn check(
    shared: &Shared,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Person, NoSession> {
    let value = cookie_of(headers, COOKIE).ok_or(NoSession::Absent)?;
    let (said, presented) = value.split_once('.').ok_or(NoSession::Absent)?;
    if !auth::same(
        presented.as_bytes(),
        signature(&shared.tokens.api, said).as_bytes(),
    ) {
        return Err(NoSession::Absent);
    }
    let said = URL_SAFE_NO_PAD.decode(said).ok();
    let session: Option<Session> = said.and_then(|json| serde_json::from_slice(&json).ok());
    let session = session.ok_or(NoSession::Absent)?;
    if session.expires <= shared.api.now_ms() / 1_000 {
        return Err(NoSession::Absent);
    }
    if !method.is_safe() && !headers.contains_key(CSRF_HEADER) {
        return Err(NoSession::Forged);
    }
    // Without settings, people of a provider are not let in any more.
    if session.person.name.is_some() && shared.login.is_none() {
        return Err(NoSession::Absent);
    }
    Ok(session.person)
}

/// The value of a cookie.
pub(super) fn cookie_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// A session needs no store: whoever has the token could have made it, and a new token ends all of them.
fn signature(token: &str, said: &str) -> String {
    URL_SAFE_NO_PAD.encode(tokens::mac(token.as_bytes(), &format!("session {said}")))
}

/// `; Secure` where the browser came by TLS. The collector itself speaks HTTP; a proxy in front may speak TLS.
pub(super) fn secure(headers: &HeaderMap) -> &'static str {
    match headers.get("x-forwarded-proto") {
        Some(scheme) if scheme.as_bytes() == b"https" => "; Secure",
        _ => "",
    }
}

/// What a request needs; whatever is not named here is for those who may do everything.
pub(super) fn needed_role(method: &Method, path: &str) -> Role {
    if method.is_safe() {
        return Role::Viewer;
    }
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts[..] {
        ["v1", "session"] | ["v1", "gateways", _, "explain"] => Role::Viewer,
        ["v1", "thresholds" | "playground"]
        | ["v1", "events", _, "feedback"]
        | ["v1", "webhooks", _, "test"] => Role::Operator,
        _ => Role::Admin,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_is_for_admins() {
        for (method, path, expected) in [
            (Method::GET, "/v1/tokens", Role::Viewer),
            (Method::DELETE, "/v1/session", Role::Viewer),
            (Method::POST, "/v1/gateways/eu/explain", Role::Viewer),
            (Method::PUT, "/v1/thresholds", Role::Operator),
            (Method::POST, "/v1/events/evt_1/feedback", Role::Operator),
            (Method::POST, "/v1/webhooks/w/test", Role::Operator),
            (Method::POST, "/v1/playground", Role::Operator),
            (Method::POST, "/v1/webhooks", Role::Admin),
            (Method::POST, "/v1/tokens", Role::Admin),
            (Method::DELETE, "/v1/budgets/b", Role::Admin),
            (Method::POST, "/v1/later", Role::Admin),
        ] {
            assert_eq!(needed_role(&method, path), expected, "{method} {path}");
        }
    }
}
