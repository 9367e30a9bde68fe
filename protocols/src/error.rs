//! Errors, sorted by whose fault they are: the client's request, or the provider.

mod body;
mod classify;
mod date;
pub mod retry_after;
mod wording;

pub use body::{
    anthropic_body, gateway_error_body, openai_body, provider_error_body, write_stream_error,
};
pub use classify::{classify, classify_in_stream};

/// What kind of failure a provider reported, whatever words and status it used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request is wrong in itself.
    InvalidRequest,
    /// The prompt is longer than the model can take.
    ContextLength,
    /// The provider's content filter refused the prompt.
    ContentPolicy,
    /// The gateway's credential is missing or wrong.
    Authentication,
    /// The gateway's credential lacks the permission, whatever is asked for.
    Permission,
    /// The provider refuses and does not say that the credential is at fault: a firewall, a region that is not served, a
    /// request that is larger than the account's limits. Another provider may serve it.
    Refused,
    /// Nobody serves this endpoint there: a proxy whose backend is gone, a server that lacks it.
    EndpointNotFound,
    /// No such model or deployment, it is retired, or it is not for this account.
    ModelNotFound,
    /// Something else was not found.
    NotFound,
    /// The body is too large for the provider.
    RequestTooLarge,
    /// Too many requests or tokens for now.
    RateLimited,
    /// The account's quota or credit is used up.
    QuotaExhausted,
    /// The provider is overloaded.
    Overloaded,
    /// The provider gave up waiting.
    Timeout,
    /// Any other failure of the provider.
    Server,
}

/// Who has to change something so that the failure does not come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The client. The provider has read its request, so it is alive.
    Client,
    /// The provider, or whoever configured it here.
    Target,
    /// It cannot be told.
    Unknown,
}

/// A failure that a provider reported, in neutral terms.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderError {
    /// The provider's HTTP status; for an error inside a stream the status that it stands for.
    pub status: u16,
    /// What it means.
    pub kind: ErrorKind,
    /// The provider's own words, or a sentence of ours where it gave none.
    pub message: String,
    /// The provider's machine-readable code.
    pub code: Option<String>,
    /// The request field it complains about.
    pub param: Option<String>,
    /// Milliseconds after which the provider wants to be asked again.
    pub retry_after_ms: Option<u64>,
}

/// The client's request cannot be served, or not by this upstream: 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RequestError {
    /// Says what was expected and what was found.
    pub message: String,
    /// Path of the field at fault, such as `messages[2].content`.
    pub param: Option<String>,
    /// OpenAI's error code, such as `unsupported_parameter`.
    pub code: Option<&'static str>,
}

impl ErrorKind {
    /// The status that stands for this kind where the provider gave none, such as inside a stream.
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidRequest | Self::ContextLength | Self::ContentPolicy => 400,
            Self::Authentication => 401,
            Self::Permission | Self::Refused => 403,
            Self::ModelNotFound | Self::NotFound | Self::EndpointNotFound => 404,
            Self::RequestTooLarge => 413,
            Self::RateLimited | Self::QuotaExhausted => 429,
            Self::Server => 500,
            Self::Overloaded => 503,
            Self::Timeout => 504,
        }
    }

    /// Whose fault it is. One client must not be able to take a target from the others, so what a client can provoke is
    /// never the target's.
    pub fn fault(self) -> Fault {
        match self {
            Self::InvalidRequest
            | Self::ContextLength
            | Self::ContentPolicy
            | Self::ModelNotFound
            | Self::NotFound
            | Self::RequestTooLarge => Fault::Client,
            Self::Refused | Self::EndpointNotFound => Fault::Unknown,
            Self::Authentication
            | Self::Permission
            | Self::RateLimited
            | Self::QuotaExhausted
            | Self::Overloaded
            | Self::Timeout
            | Self::Server => Fault::Target,
        }
    }

    /// `error.type` in OpenAI's shape.
    pub fn openai_type(self) -> &'static str {
        match self {
            Self::InvalidRequest
            | Self::ContextLength
            | Self::ContentPolicy
            | Self::ModelNotFound
            | Self::NotFound
            | Self::EndpointNotFound
            | Self::RequestTooLarge => "invalid_request_error",
            Self::Authentication => "authentication_error",
            Self::Permission | Self::Refused => "permission_error",
            Self::RateLimited => "rate_limit_error",
            Self::QuotaExhausted => "insufficient_quota",
            Self::Timeout => "timeout_error",
            Self::Overloaded | Self::Server => "server_error",
        }
    }

    /// `error.code` in OpenAI's shape where the provider gave none.
    pub fn openai_code(self) -> Option<&'static str> {
        match self {
            Self::ContextLength => Some("context_length_exceeded"),
            Self::ContentPolicy => Some("content_policy_violation"),
            Self::Authentication => Some("invalid_api_key"),
            Self::ModelNotFound => Some("model_not_found"),
            Self::RequestTooLarge => Some("request_too_large"),
            Self::RateLimited => Some("rate_limit_exceeded"),
            Self::QuotaExhausted => Some("insufficient_quota"),
            Self::Overloaded => Some("overloaded"),
            Self::Timeout => Some("timeout"),
            Self::InvalidRequest
            | Self::Permission
            | Self::Refused
            | Self::NotFound
            | Self::EndpointNotFound
            | Self::Server => None,
        }
    }

    /// `error.type` in Anthropic's shape: documented types only.
    pub fn anthropic_type(self) -> &'static str {
        match self {
            Self::InvalidRequest | Self::ContextLength | Self::ContentPolicy => {
                "invalid_request_error"
            }
            Self::Authentication => "authentication_error",
            Self::Permission | Self::Refused => "permission_error",
            Self::ModelNotFound | Self::NotFound | Self::EndpointNotFound => "not_found_error",
            Self::RequestTooLarge => "request_too_large",
            Self::RateLimited => "rate_limit_error",
            Self::QuotaExhausted => "billing_error",
            Self::Overloaded => "overloaded_error",
            Self::Timeout => "timeout_error",
            Self::Server => "api_error",
        }
    }
}

impl ProviderError {
    /// An error of `kind` with the status that stands for it.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            status: kind.status(),
            kind,
            message: message.into(),
            code: None,
            param: None,
            retry_after_ms: None,
        }
    }

    /// The answer is not what the provider's protocol promises; `found` says what came instead.
    pub fn invalid_response(found: impl std::fmt::Display) -> Self {
        let message = format!("the provider's answer cannot be read: {found}");
        Self {
            status: 502,
            ..Self::new(ErrorKind::Server, message)
        }
    }

    /// The stream ended before the provider said that it was finished.
    pub fn truncated() -> Self {
        Self {
            status: 502,
            ..Self::new(
                ErrorKind::Server,
                "the provider's stream broke off before its end",
            )
        }
    }

    /// The same error with the provider's code.
    #[must_use]
    pub fn with_code(self, code: impl Into<String>) -> Self {
        Self {
            code: Some(code.into()),
            ..self
        }
    }
}

impl RequestError {
    /// A request that is wrong as a whole.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            param: None,
            code: None,
        }
    }

    /// The body is not JSON; `error` says where.
    pub(crate) fn not_json(error: impl std::fmt::Display) -> Self {
        Self::new(format!("the request body is not JSON: {error}"))
    }

    /// The upstream has no counterpart for `field`; `why` completes a sentence that begins with the field.
    pub fn unsupported(field: impl Into<String>, why: impl std::fmt::Display) -> Self {
        Self::of_field(field.into(), &why, "unsupported_parameter")
    }

    /// `field` has the right type and a value that cannot be served.
    pub fn invalid_value(field: impl Into<String>, why: impl std::fmt::Display) -> Self {
        Self::of_field(field.into(), &why, "invalid_value")
    }

    /// `field` should be `expected` (`a string`) and is `found` (see [`json_kind`]).
    pub fn wrong_type(field: impl Into<String>, expected: &str, found: &str) -> Self {
        let why = format_args!("expected {expected}, found {found}");
        Self::of_field(field.into(), &why, "invalid_type")
    }

    /// `field` is required.
    pub fn missing(field: impl Into<String>) -> Self {
        let why = "required, but missing";
        Self::of_field(field.into(), &why, "missing_required_parameter")
    }

    /// Not generic, and never on the way of a request that can be served: compiled once, out of the way.
    #[cold]
    #[inline(never)]
    fn of_field(field: String, why: &dyn std::fmt::Display, code: &'static str) -> Self {
        Self {
            message: format!("{field}: {why}"),
            param: Some(field),
            code: Some(code),
        }
    }
}

/// What a JSON value is, in words for [`RequestError::wrong_type`].
pub fn json_kind(value: &serde_json::Value) -> &'static str {
    match value {
        serde_json::Value::Null => "null",
        serde_json::Value::Bool(_) => "a boolean",
        serde_json::Value::Number(_) => "a number",
        serde_json::Value::String(_) => "a string",
        serde_json::Value::Array(_) => "an array",
        serde_json::Value::Object(_) => "an object",
    }
}
