//! Errors, sorted by who is at fault: the client's request or the provider.

mod body;
mod classify;
mod date;
pub mod retry_after;
mod wording;

pub use body::{
    anthropic_body, gateway_error_body, openai_body, provider_error_body, write_stream_error,
};
pub use classify::{classify, classify_in_stream};

/// The kind of failure, whatever words and status the provider used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request itself is invalid.
    InvalidRequest,
    /// The prompt exceeds the model's context window.
    ContextLength,
    /// The provider's content filter refused the prompt.
    ContentPolicy,
    /// The gateway's credential is missing or wrong.
    Authentication,
    /// The gateway's credential lacks the permission for any request.
    Permission,
    /// The provider refuses without blaming the credential: a firewall, an unsupported region, a request that exceeds
    /// the account's limits. Another provider may accept it.
    Refused,
    /// The provider does not serve this endpoint: a proxy without a backend, or a server that lacks it.
    EndpointNotFound,
    /// The model or deployment does not exist, is retired, or is not available to this account.
    ModelNotFound,
    /// Something else was not found.
    NotFound,
    /// The body exceeds the provider's size limit.
    RequestTooLarge,
    /// Too many requests or tokens; retry later.
    RateLimited,
    /// The account's quota or credit is exhausted.
    QuotaExhausted,
    /// The provider is overloaded.
    Overloaded,
    /// The provider timed out.
    Timeout,
    /// Any other failure of the provider.
    Server,
}

/// Who must act so that the failure does not recur.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The client. The provider has read the request, so it is alive.
    Client,
    /// The provider, or whoever configured it in the gateway.
    Target,
    /// Unknown.
    Unknown,
}

/// A failure reported by a provider, in neutral terms.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderError {
    /// The provider's HTTP status; for an error inside a stream, the status it stands for.
    pub status: u16,
    /// What it means.
    pub kind: ErrorKind,
    /// The provider's message, or one of the gateway's if it gave none.
    pub message: String,
    /// The provider's machine-readable code.
    pub code: Option<String>,
    /// The request field that the provider names.
    pub param: Option<String>,
    /// Milliseconds that the provider asks to wait.
    pub retry_after_ms: Option<u64>,
}

/// The client's request cannot be served, or not by this upstream. Answered with 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RequestError {
    /// What was expected and what was found.
    pub message: String,
    /// Path of the offending field, such as `messages[2].content`.
    pub param: Option<String>,
    /// OpenAI's error code, such as `unsupported_parameter`.
    pub code: Option<&'static str>,
}

impl ErrorKind {
    /// The status of this kind if the provider gave none, for example inside a stream.
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

    /// Whose fault it is. A client must not be able to take a target out of service for others, so a failure that a
    /// client can provoke is never the target's.
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

    /// `error.code` in OpenAI's shape if the provider gave none.
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

    /// `error.type` in Anthropic's shape. Only documented types.
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
    /// An error of `kind` with its default status.
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

    /// The response violates the provider's protocol; `found` says what was received instead.
    pub fn invalid_response(found: impl std::fmt::Display) -> Self {
        let message = format!("the provider's answer cannot be read: {found}");
        Self {
            status: 502,
            ..Self::new(ErrorKind::Server, message)
        }
    }

    /// The stream ended before the provider marked it as finished.
    pub fn truncated() -> Self {
        Self {
            status: 502,
            ..Self::new(
                ErrorKind::Server,
                "the provider's stream broke off before its end",
            )
        }
    }

    /// Sets the provider's code.
    #[must_use]
    pub fn with_code(self, code: impl Into<String>) -> Self {
        Self {
            code: Some(code.into()),
            ..self
        }
    }
}

impl RequestError {
    /// The request as a whole is invalid.
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

    /// The upstream has no equivalent of `field`; `why` completes a sentence that starts with the field.
    pub fn unsupported(field: impl Into<String>, why: impl std::fmt::Display) -> Self {
        Self::of_field(field.into(), &why, "unsupported_parameter")
    }

    /// `field` has the right type but a value that cannot be served.
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

    /// Not generic and off the hot path, so it is compiled once.
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

/// The type of a JSON value, for [`RequestError::wrong_type`].
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
