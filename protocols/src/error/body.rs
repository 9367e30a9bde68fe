//! Error bodies and error events in the shapes that clients expect.

use serde::Serialize;
use serde_json::value::RawValue;

use super::wire_names::{anthropic_type, openai_code, openai_type};
use crate::error::{ErrorKind, ProviderError};
use crate::format::ClientFormat;
use crate::sse;

#[derive(Serialize)]
struct OpenAiEnvelope<'a> {
    error: OpenAiError<'a>,
}

#[derive(Serialize)]
struct OpenAiError<'a> {
    message: &'a str,
    r#type: &'a str,
    code: Option<&'a str>,
    param: Option<&'a str>,
}

#[derive(Serialize)]
struct AnthropicEnvelope<'a> {
    r#type: &'static str,
    error: AnthropicError<'a>,
}

#[derive(Serialize)]
struct AnthropicError<'a> {
    r#type: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a RawValue>,
}

/// What Anthropic's SDKs recognize: they send the whole conversation then, without `thread`.
///
/// Source: anthropic-sdk-python 2.14.0, `ThreadUnsupportedRequestErrorDetails`.
const NO_THREADS: &str =
    r#"{"error_code":"thread_unsupported_request","unsupported":["the provider of this request"]}"#;

/// The `error` event of a Responses stream.
#[derive(Serialize)]
struct ResponsesError<'a> {
    r#type: &'static str,
    code: Option<&'a str>,
    message: &'a str,
    param: Option<&'a str>,
    sequence_number: u64,
}

impl<'a> From<&'a ProviderError> for OpenAiEnvelope<'a> {
    fn from(error: &'a ProviderError) -> Self {
        Self {
            error: OpenAiError {
                message: &error.message,
                r#type: openai_type(error.kind),
                code: code(error),
                param: error.param.as_deref(),
            },
        }
    }
}

impl<'a> From<&'a ProviderError> for AnthropicEnvelope<'a> {
    fn from(error: &'a ProviderError) -> Self {
        Self {
            r#type: "error",
            error: AnthropicError {
                r#type: anthropic_type_of(error),
                message: &error.message,
                details: error.details.as_deref().and_then(raw),
            },
        }
    }
}

fn code(error: &ProviderError) -> Option<&str> {
    error.code.as_deref().or(openai_code(error.kind))
}

/// `billing_error` belongs to 402; with a 429 Anthropic's clients expect the type of a 429.
fn anthropic_type_of(error: &ProviderError) -> &'static str {
    match (error.kind, error.status) {
        (ErrorKind::QuotaExhausted, 429) => anthropic_type(ErrorKind::RateLimited),
        (kind, _) => anthropic_type(kind),
    }
}

fn raw(json: &str) -> Option<&RawValue> {
    serde_json::from_str(json).ok()
}

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// `{"error": {"message", "type", "code", "param"}}`
pub fn openai_body(error: &ProviderError) -> Vec<u8> {
    json(&OpenAiEnvelope::from(error))
}

/// `{"type": "error", "error": {"type", "message"}}`
pub fn anthropic_body(error: &ProviderError) -> Vec<u8> {
    json(&AnthropicEnvelope::from(error))
}

/// A provider's error in the shape of `client`.
pub fn provider_error_body(client: ClientFormat, error: &ProviderError) -> Vec<u8> {
    if client.speaks_anthropic() {
        anthropic_body(error)
    } else {
        openai_body(error)
    }
}

/// Appends the event that reports an error inside a stream to `client`. It is the last event: no `[DONE]` follows.
pub fn write_stream_error(out: &mut Vec<u8>, client: ClientFormat, error: &ProviderError) {
    match client {
        ClientFormat::ChatCompletions | ClientFormat::Completions | ClientFormat::Embeddings => {
            sse::write_json(out, None, &OpenAiEnvelope::from(error));
        }
        ClientFormat::Responses => {
            let event = ResponsesError {
                r#type: "error",
                code: code(error),
                message: &error.message,
                param: error.param.as_deref(),
                sequence_number: 0,
            };
            sse::write_json(out, Some("error"), &event);
        }
        ClientFormat::AnthropicMessages | ClientFormat::AnthropicCountTokens => {
            sse::write_json(out, Some("error"), &AnthropicEnvelope::from(error));
        }
    }
}

/// An error of the gateway itself in the shape of `client`. `kind`, `code` and `param` are OpenAI's `type`, `code` and
/// `param`; an Anthropic client gets the documented type for `status`.
pub fn gateway_error_body(
    client: ClientFormat,
    status: u16,
    kind: &str,
    code: Option<&str>,
    message: &str,
    param: Option<&str>,
) -> Vec<u8> {
    if client.speaks_anthropic() {
        json(&AnthropicEnvelope {
            r#type: "error",
            error: AnthropicError {
                r#type: anthropic_type_of_status(status),
                message,
                details: (param == Some("thread"))
                    .then_some(NO_THREADS)
                    .and_then(raw),
            },
        })
    } else {
        json(&OpenAiEnvelope {
            error: OpenAiError {
                message,
                r#type: kind,
                code,
                param,
            },
        })
    }
}

/// Anthropic's documented type for a status.
fn anthropic_type_of_status(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        408 | 504 => "timeout_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    }
}

#[cfg(test)]
mod tests;
