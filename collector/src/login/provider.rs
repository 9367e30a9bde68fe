//! The OpenID provider: discovery, the way there, and what it says of who came back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use super::id_token::{self, BadToken, Expected, KeySet};
use super::{LoginSettings, Person, is_private};
use crate::tokens;

/// For each question to the provider.
const TIMEOUT: Duration = Duration::from_secs(10);
/// People who are signing in at the same time: each holds a thread while the provider is asked.
pub(crate) const MAX_AT_ONCE: usize = 4;
/// Larger answers are none of a provider.
const MAX_ANSWER_BYTES: u64 = 1 << 20;
/// How long what the provider says of itself is good.
const METADATA_GOOD_FOR: Duration = Duration::from_secs(3_600);

/// Why somebody is not signed in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginError {
    #[error("the OpenID provider cannot be asked: {url}: {reason}")]
    Unreachable { url: String, reason: String },
    #[error("the OpenID provider's answer is not as expected: {0}")]
    Unexpected(String),
    #[error("the OpenID provider's token is refused: {0}")]
    Token(#[from] BadToken),
    #[error("{0} has no role here; ask whoever runs this console")]
    NoRole(String),
}

/// An OpenID provider.
pub(crate) struct Provider {
    settings: LoginSettings,
    /// What is derived from it, nobody else can make.
    secret: Vec<u8>,
    agent: ureq::Agent,
    known: Mutex<Option<(Instant, Arc<Known>)>>,
    /// Anybody may begin to sign in: that must not take all threads.
    pub(crate) places: Arc<Semaphore>,
}

/// What the provider says of itself.
struct Known {
    metadata: Metadata,
    keys: KeySet,
}

/// OpenID Connect Discovery 1.0 section 3.
#[derive(Debug, Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

// === impl Provider ===

impl Provider {
    pub(crate) fn new(settings: LoginSettings, secret: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            .build()
            .into();
        Self {
            settings,
            secret: secret.as_bytes().to_vec(),
            agent,
            known: Mutex::default(),
            places: Arc::new(Semaphore::new(MAX_AT_ONCE)),
        }
    }

    /// Where to send a browser that begins with `state`, a text that nobody can guess. Blocks.
    pub(crate) fn authorization_url(&self, state: &str) -> Result<String, LoginError> {
        let known = self.known(false)?;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier(state)));
        let redirect = self.settings.redirect_uri();
        let nonce = self.nonce(state);
        let query = form(&[
            ("response_type", "code"),
            ("client_id", &self.settings.client_id),
            ("redirect_uri", &redirect),
            ("scope", "openid profile email"),
            ("state", state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let endpoint = &known.metadata.authorization_endpoint;
        let mark = if endpoint.contains('?') { '&' } else { '?' };
        Ok(format!("{endpoint}{mark}{query}"))
    }

    /// Who comes back with a code to the `state` that they left with. Blocks.
    pub(crate) fn person(
        &self,
        state: &str,
        code: &str,
        now_seconds: u64,
    ) -> Result<Person, LoginError> {
        let known = self.known(false)?;
        let token = self.exchange(&known.metadata, state, code)?;
        let nonce = self.nonce(state);
        let expected = Expected {
            issuer: &known.metadata.issuer,
            client_id: &self.settings.client_id,
            nonce: &nonce,
            now_seconds,
        };
        let claims = match id_token::verify(&token, &known.keys, expected) {
            // The provider may have new keys.
            Err(BadToken::UnknownKey(_)) => {
                id_token::verify(&token, &self.known(true)?.keys, expected)?
            }
            verified => verified?,
        };
        let named = ["email", "preferred_username", "name", "sub"];
        let name = named
            .iter()
            .find_map(|claim| claims.get(claim).and_then(Value::as_str))
            .unwrap_or_default();
        let name: String = name.chars().filter(|c| !c.is_control()).take(200).collect();
        match self.settings.role(&claims) {
            Some(role) => Ok(Person {
                role,
                name: Some(name),
            }),
            None => Err(LoginError::NoRole(name)),
        }
    }

    fn exchange(&self, metadata: &Metadata, state: &str, code: &str) -> Result<String, LoginError> {
        let url = &metadata.token_endpoint;
        let redirect = self.settings.redirect_uri();
        let verifier = self.verifier(state);
        let client = &self.settings.client_id;
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect.as_str()),
            ("code_verifier", verifier.as_str()),
        ];
        let mut request = self
            .agent
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded");
        // RFC 6749 section 2.3.1: Basic is what every server must support.
        let by_post = (metadata.token_endpoint_auth_methods_supported.as_ref())
            .is_some_and(|all| !all.iter().any(|one| one == "client_secret_basic"));
        match &self.settings.client_secret {
            Some(secret) if !by_post => {
                let pair = format!("{}:{}", percent(client), percent(secret));
                request =
                    request.header("authorization", format!("Basic {}", STANDARD.encode(pair)));
            }
            Some(secret) => {
                fields.extend([("client_id", client.as_str()), ("client_secret", secret)])
            }
            None => fields.push(("client_id", client)),
        }
        let answer = request.send(form(&fields));
        let Tokens { id_token } = read(url, answer)?;
        Ok(id_token)
    }

    /// What the provider says of itself, an hour old at most; asked anew with `anew`.
    fn known(&self, anew: bool) -> Result<Arc<Known>, LoginError> {
        let mut kept = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, known)) = &*kept
            && !anew
            && at.elapsed() < METADATA_GOOD_FOR
        {
            return Ok(Arc::clone(known));
        }
        let issuer = self.settings.issuer.trim_end_matches('/');
        let url = format!("{issuer}/.well-known/openid-configuration");
        let metadata: Metadata = read(&url, self.agent.get(&url).call())?;
        if metadata.issuer.trim_end_matches('/') != issuer {
            let message = format!("{url} names another issuer, {:?}", metadata.issuer);
            return Err(LoginError::Unexpected(message));
        }
        let endpoints = [
            &metadata.authorization_endpoint,
            &metadata.token_endpoint,
            &metadata.jwks_uri,
        ];
        if let Some(open) = endpoints.into_iter().find(|url| !is_private(url)) {
            return Err(LoginError::Unexpected(format!("{open} is not https")));
        }
        let keys = read(
            &metadata.jwks_uri,
            self.agent.get(&metadata.jwks_uri).call(),
        )?;
        let known = Arc::new(Known { metadata, keys });
        *kept = Some((Instant::now(), Arc::clone(&known)));
        Ok(known)
    }

    /// RFC 7636: 43 characters that only this collector can make of the state.
    fn verifier(&self, state: &str) -> String {
        self.derived("verifier", state)
    }

    fn nonce(&self, state: &str) -> String {
        self.derived("nonce", state)
    }

    fn derived(&self, purpose: &str, state: &str) -> String {
        let derived = tokens::mac(&self.secret, &format!("login {purpose} {state}"));
        URL_SAFE_NO_PAD.encode(derived)
    }
}

fn read<T: DeserializeOwned>(
    url: &str,
    answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<T, LoginError> {
    let unreachable = |error: ureq::Error| LoginError::Unreachable {
        url: url.to_owned(),
        reason: error.to_string(),
    };
    let mut answer = answer.map_err(unreachable)?;
    let status = answer.status();
    let text = answer
        .body_mut()
        .with_config()
        .limit(MAX_ANSWER_BYTES)
        .read_to_string()
        .map_err(unreachable)?;
    if !status.is_success() {
        // RFC 6749 section 5.2: what was wrong, in a word.
        let error = serde_json::from_str::<Value>(&text).ok();
        let word = error
            .as_ref()
            .and_then(|error| error.get("error")?.as_str());
        let word = word.unwrap_or("no reason given");
        return Err(LoginError::Unexpected(format!("{url}: {status}, {word}")));
    }
    serde_json::from_str(&text).map_err(|error| LoginError::Unexpected(format!("{url}: {error}")))
}

/// `application/x-www-form-urlencoded`, which is good as a query as well.
fn form(pairs: &[(&str, &str)]) -> String {
    let pairs = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", percent(name), percent(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// RFC 3986: all but unreserved characters in percent.
fn percent(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
