//! Signing in with an OpenID provider: `GET /login` sends the browser there, and it comes back to `GET /login/callback`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::Refusal;
use super::{Shared, auth, session};
use crate::login::{LoginError, MAX_AT_ONCE, Provider};
use crate::tokens;

const LOG: &str = "keeptrusts::collector";
/// Binds the way there to the browser that goes it.
const COOKIE: &str = "kt_login";
/// How long somebody may take to sign in, in seconds.
const LOGIN_SECONDS: u64 = 600;
/// Longer addresses are not gone back to.
const MAX_ADDRESS_BYTES: usize = 1_000;

/// `GET /v1/login`: how one may sign in. Anybody may know.
pub(super) async fn ways(State(shared): State<Shared>) -> Json<Value> {
    Json(json!({"token": true, "oidc": shared.login.is_some()}))
}

#[derive(Deserialize)]
pub(super) struct Begin {
    /// The console's address to go to when it is done.
    #[serde(default)]
    to: String,
}

/// `GET /login`.
pub(super) async fn begin(
    State(shared): State<Shared>,
    Query(asked): Query<Begin>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let provider = provider(&shared)?;
    let state = tokens::secret().map_err(|error| {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Refusal::new(status, "internal", error.to_string())
    })?;
    let left = state.clone();
    let url = asking(provider, move |provider| provider.authorization_url(&left)).await?;
    let expires = shared.api.now_ms() / 1_000 + LOGIN_SECONDS;
    let to = URL_SAFE_NO_PAD.encode(own_address(&asked.to));
    let said = format!("{state}.{expires}.{to}");
    let value = format!("{said}.{}", signature(&shared, &said));
    // Lax: the way back begins at the provider's site.
    let cookie = format!(
        "{COOKIE}={value}; Path=/login; Max-Age={LOGIN_SECONDS}; HttpOnly; SameSite=Lax{}",
        session::secure(&headers)
    );
    see_other(&url, &[cookie])
}

/// RFC 6749 section 4.1.2.
#[derive(Deserialize)]
pub(super) struct Callback {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
}

/// `GET /login/callback`.
pub(super) async fn callback(
    State(shared): State<Shared>,
    Query(answer): Query<Callback>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let provider = provider(&shared)?;
    let now_seconds = shared.api.now_ms() / 1_000;
    let begun = begun(&shared, &headers, now_seconds);
    let (state, to) = match (begun, &answer.state) {
        (Some((state, to)), Some(back)) if auth::same(back.as_bytes(), state.as_bytes()) => {
            (state, to)
        }
        _ => {
            let message =
                "this login was not begun in this browser, or ten minutes ago: sign in again";
            return Err(Refusal::new(StatusCode::FORBIDDEN, "login_failed", message));
        }
    };
    let Some(code) = answer.code else {
        let word: String = (answer.error.iter().flat_map(|word| word.chars()))
            .filter(|c| c.is_ascii_graphic())
            .take(100)
            .collect();
        let message = format!("the OpenID provider let nobody in: {word:?}");
        return Err(Refusal::new(StatusCode::FORBIDDEN, "login_failed", message));
    };
    let person = asking(provider, move |provider| {
        provider.person(&state, &code, now_seconds)
    })
    .await?;
    log::info!(
        target: LOG,
        "{} has signed in as {}",
        person.name.as_deref().unwrap_or_default(),
        person.role.name()
    );
    let gone = format!(
        "{COOKIE}=; Path=/login; Max-Age=0; HttpOnly; SameSite=Lax{}",
        session::secure(&headers)
    );
    see_other(&to, &[session::begin(&shared, &headers, person), gone])
}

fn provider(shared: &Shared) -> Result<Arc<Provider>, Refusal> {
    shared.login.clone().ok_or_else(|| {
        let message = "this collector knows no OpenID provider; see --oidc-issuer";
        Refusal::new(StatusCode::NOT_FOUND, "not_found", message)
    })
}

/// Asks the provider, where blocking is allowed.
async fn asking<T: Send + 'static>(
    provider: Arc<Provider>,
    work: impl FnOnce(&Provider) -> Result<T, LoginError> + Send + 'static,
) -> Result<T, Refusal> {
    let Ok(place) = Arc::clone(&provider.places).try_acquire_owned() else {
        let message = format!("{MAX_AT_ONCE} people are signing in already: try again");
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return Err(Refusal::new(status, "too_many_requests", message));
    };
    let outcome = tokio::task::spawn_blocking(move || {
        let _place = place;
        work(&provider)
    })
    .await;
    let failed = |status: StatusCode, message: String| {
        log::warn!(target: LOG, "Somebody cannot sign in: {message}");
        Refusal::new(status, "login_failed", message)
    };
    match outcome {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error @ (LoginError::NoRole(_) | LoginError::Token(_)))) => {
            Err(failed(StatusCode::FORBIDDEN, error.to_string()))
        }
        Ok(Err(error)) => Err(failed(StatusCode::BAD_GATEWAY, error.to_string())),
        Err(error) => Err(failed(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
    }
}

/// State and address of a login that this browser began.
fn begun(shared: &Shared, headers: &HeaderMap, now_seconds: u64) -> Option<(String, String)> {
    let (said, presented) = session::cookie_of(headers, COOKIE)?.rsplit_once('.')?;
    if !auth::same(presented.as_bytes(), signature(shared, said).as_bytes()) {
        return None;
    }
    let mut parts = said.split('.');
    let (state, expires, to) = (parts.next()?, parts.next()?, parts.next()?);
    let is_over = expires.parse::<u64>().ok()? <= now_seconds;
    let to = String::from_utf8(URL_SAFE_NO_PAD.decode(to).ok()?).ok()?;
    (!is_over).then(|| (state.to_owned(), to))
}

fn signature(shared: &Shared, said: &str) -> String {
    URL_SAFE_NO_PAD.encode(tokens::mac(
        shared.tokens.api.as_bytes(),
        &format!("login {said}"),
    ))
}

/// Only addresses of the console itself: `//elsewhere` is another site's.
fn own_address(to: &str) -> &str {
    let is_own = to.starts_with('/')
        && !to.starts_with("//")
        && to.len() <= MAX_ADDRESS_BYTES
        && to
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_own { to } else { "/" }
}

fn see_other(to: &str, cookies: &[String]) -> Result<Response, Refusal> {
    let value = |text: &str| {
        HeaderValue::from_str(text).map_err(|error| {
            let status = StatusCode::BAD_GATEWAY;
            Refusal::new(status, "login_failed", error.to_string())
        })
    };
    let mut answer = StatusCode::SEE_OTHER.into_response();
    let headers = answer.headers_mut();
    headers.insert(header::LOCATION, value(to)?);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    for cookie in cookies {
        headers.append(header::SET_COOKIE, value(cookie)?);
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_ends_in_the_console() {
        for (to, expected) in [
            ("/requests?q=a", "/requests?q=a"),
            ("", "/"),
            ("//elsewhere", "/"),
            ("/\\elsewhere", "/"),
            ("https://elsewhere", "/"),
            ("/a b", "/"),
        ] {
            assert_eq!(own_address(to), expected, "{to}");
        }
        assert_eq!(own_address(&"/a".repeat(600)), "/");
    }
}
