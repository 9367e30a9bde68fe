//! Errors, sorted by who is at fault: the client's request or the provider.

mod body;
mod classify;
mod date;
pub mod retry_after;
mod wire_names;

pub use body::{
    anthropic_body, gateway_error_body, openai_body, provider_error_body, write_stream_error,
};
pub use classify::{classify, classify_in_stream};
pub use wire_names::openai_code;

pub use catalog::{ErrorKind, Fault};

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
    /// `error.details` of Anthropic's errors, as JSON: clients mend their request by it. Only for clients that speak the
    /// provider's own protocol.
    pub details: Option<String>,
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
            details: None,
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

    /// See [`ProviderError::truncated`].
    pub fn is_truncation(&self) -> bool {
        *self == Self::truncated()
    }

    /// Nothing came for so many milliseconds in mid-stream; `what` was waited for.
    pub fn silent(waited_ms: u64, what: &str) -> Self {
        Self {
            status: 504,
            ..Self::new(
                ErrorKind::Timeout,
                format!("the provider sent no {what} for {waited_ms} ms"),
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
