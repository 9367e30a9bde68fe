//! What clients' protocols call each kind of error.

use super::ErrorKind;

/// `error.type` in OpenAI's shape.
pub(super) fn openai_type(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest
        | ErrorKind::UnsupportedField
        | ErrorKind::ContextLength
        | ErrorKind::ContentPolicy
        | ErrorKind::ModelNotFound
        | ErrorKind::NotFound
        | ErrorKind::EndpointNotFound
        | ErrorKind::RequestTooLarge => "invalid_request_error",
        ErrorKind::Authentication => "authentication_error",
        ErrorKind::Permission | ErrorKind::Refused => "permission_error",
        ErrorKind::RateLimited => "rate_limit_error",
        ErrorKind::QuotaExhausted => "insufficient_quota",
        ErrorKind::Timeout => "timeout_error",
        ErrorKind::Overloaded | ErrorKind::Server => "server_error",
    }
}

/// `error.code` in OpenAI's shape if the provider gave none.
pub fn openai_code(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::ContextLength => Some("context_length_exceeded"),
        ErrorKind::ContentPolicy => Some("content_policy_violation"),
        ErrorKind::Authentication => Some("invalid_api_key"),
        ErrorKind::ModelNotFound => Some("model_not_found"),
        ErrorKind::RequestTooLarge => Some("request_too_large"),
        ErrorKind::RateLimited => Some("rate_limit_exceeded"),
        ErrorKind::QuotaExhausted => Some("insufficient_quota"),
        ErrorKind::Overloaded => Some("overloaded"),
        ErrorKind::Timeout => Some("timeout"),
        ErrorKind::InvalidRequest
        | ErrorKind::UnsupportedField
        | ErrorKind::Permission
        | ErrorKind::Refused
        | ErrorKind::NotFound
        | ErrorKind::EndpointNotFound
        | ErrorKind::Server => None,
    }
}

/// `error.type` in Anthropic's shape. Only documented types.
pub(super) fn anthropic_type(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest
        | ErrorKind::UnsupportedField
        | ErrorKind::ContextLength
        | ErrorKind::ContentPolicy => "invalid_request_error",
        ErrorKind::Authentication => "authentication_error",
        ErrorKind::Permission | ErrorKind::Refused => "permission_error",
        ErrorKind::ModelNotFound | ErrorKind::NotFound | ErrorKind::EndpointNotFound => {
            "not_found_error"
        }
        ErrorKind::RequestTooLarge => "request_too_large",
        ErrorKind::RateLimited => "rate_limit_error",
        ErrorKind::QuotaExhausted => "billing_error",
        ErrorKind::Overloaded => "overloaded_error",
        ErrorKind::Timeout => "timeout_error",
        ErrorKind::Server => "api_error",
    }
}
