//! The console's session: a cookie that stands for the API token, so that no script of a page ever holds it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use serde_json::json;
use sha2::Sha256;

use super::answer::Refusal;
use super::{Shared, auth};

const COOKIE: &str = "kt_session";
/// How long a session is good, in seconds: a working week.
const SESSION_SECONDS: u64 = 7 * 24 * 3600;
/// A page of another site cannot send this header without being allowed to.
pub(super) const CSRF_HEADER: &str = "x-keeptrusts-console";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    token: String,
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
    let expires = shared.api.now_ms() / 1_000 + SESSION_SECONDS;
    let value = format!("{expires}.{}", signature(&shared.tokens.api, expires));
    let cookie = cookie(&value, SESSION_SECONDS, came_by_tls(&headers));
    Ok(([(header::SET_COOKIE, cookie)], StatusCode::NO_CONTENT).into_response())
}

/// `GET /v1/session`: who is signed in. Only people come here.
pub(super) async fn show() -> Json<serde_json::Value> {
    Json(json!({"role": "admin"}))
}

/// `DELETE /v1/session`.
pub(super) async fn sign_out(headers: HeaderMap) -> Response {
    let cookie = cookie("", 0, came_by_tls(&headers));
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

/// Whether the request carries a good session, and the mark without which it may change nothing.
pub(super) fn check(
    shared: &Shared,
    method: &Method,
    headers: &HeaderMap,
) -> Result<(), NoSession> {
    let value = cookies(headers).ok_or(NoSession::Absent)?;
    let (expires, presented) = value.split_once('.').ok_or(NoSession::Absent)?;
    let expires: u64 = expires.parse().map_err(|_| NoSession::Absent)?;
    let expected = signature(&shared.tokens.api, expires);
    if !auth::same(presented.as_bytes(), expected.as_bytes())
        || expires <= shared.api.now_ms() / 1_000
    {
        return Err(NoSession::Absent);
    }
    if !method.is_safe() && !headers.contains_key(CSRF_HEADER) {
        return Err(NoSession::Forged);
    }
    Ok(())
}

fn cookies(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// A session needs no store: whoever has the token could have made it, and a new token ends all of them.
fn signature(token: &str, expires: u64) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(token.as_bytes()) else {
        // HMAC takes keys of any length.
        return String::new();
    };
    mac.update(format!("session {expires}").as_bytes());
    events::key_hash_hex(&mac.finalize().into_bytes())
}

fn cookie(value: &str, seconds: u64, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

/// The collector itself speaks HTTP; a proxy in front may speak TLS.
fn came_by_tls(headers: &HeaderMap) -> bool {
    headers
        .get("x-forwarded-proto")
        .is_some_and(|scheme| scheme.as_bytes() == b"https")
}
