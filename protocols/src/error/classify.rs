//! Classifies a provider's error response. This module reads its shape; the catalogue knows what its words mean; if those
//! are inconclusive, the status decides.
//!
//! One reader serves all providers, because any server may stand behind "OpenAI-compatible":
//!
//! | who | body |
//! |---|---|
//! | OpenAI, Azure, Ollama `/v1` | `{"error": {"message", "type", "code", "param"}}`, Azure with `inner_error` or `innererror` |
//! | Anthropic | `{"type": "error", "error": {"type", "message"}}` |
//! | Bedrock | `{"message"}`, class in header `x-amzn-errortype` or in `__type` |
//! | Google | `{"error": {"code": 429, "message", "status": "RESOURCE_EXHAUSTED", "details"}}`, also inside an array |
//! | vLLM and others | `{"object": "error", "message", "type", "code": 400}`, `{"detail": …}`, `{"error": "text"}`, numeric `code` |
//! | Databricks | `{"error_code": "REQUEST_LIMIT_EXCEEDED", "message"}` |
//! | Cloudflare | `{"success": false, "errors": [{"code", "message"}]}` |
//! | proxies in between | HTML, plain text, nothing |

use catalog::{ERROR_RULES, ErrorText, Provider};
use serde_json::Value;

use super::{ErrorKind, ProviderError, retry_after};

use crate::headers::{self, HeaderSlice};
use crate::json;

/// Longest error message kept, in bytes.
const MAX_MESSAGE_BYTES: usize = 4096;

/// What an error body contains, whatever its shape.
#[derive(Debug, Default)]
struct Found<'a> {
    message: Option<String>,
    code: Option<String>,
    param: Option<&'a str>,
    /// The object that holds code and message.
    object: Option<&'a Value>,
    /// Every string that may name the kind, most specific first.
    names: Vec<&'a str>,
    retry_delay_ms: Option<u64>,
}

/// Classifies an error response of `provider`. `headers` have lower-case names.
pub fn classify(
    provider: Provider,
    status: u16,
    headers: &HeaderSlice<'_>,
    body: &[u8],
) -> ProviderError {
    let json = json::parse::<Value>(body).ok();
    let mut found = json.as_ref().map(found_in).unwrap_or_default();
    if let Some(class) = headers::text(headers, "x-amzn-errortype") {
        found.names.insert(0, aws_class(class));
        found
            .code
            .get_or_insert_with(|| aws_class(class).to_owned());
    }
    if json.is_none() {
        found.message = text_of(body);
    }
    let by_words = found.with_text(Some(status), |error| provider.kind_of_error(error));
    let kind = by_words.unwrap_or_else(|| {
        let message = found.message.as_deref().unwrap_or_default();
        kind_of_status(status, message, json.is_some())
    });
    let retry_after_ms = retry_after::explicit_ms(headers, None)
        .or(found.retry_delay_ms)
        .or_else(|| match kind {
            ErrorKind::RateLimited | ErrorKind::QuotaExhausted => {
                retry_after::limit_reset_ms(headers, None)
            }
            _ => None,
        });
    ProviderError {
        // A status that is no error must not reach the client as one.
        status: if (400..600).contains(&status) {
            status
        } else {
            502
        },
        kind,
        message: found
            .message
            .unwrap_or_else(|| format!("the provider answered {status} without a message")),
        code: found.code,
        param: found.param.map(str::to_owned),
        retry_after_ms,
        details: None,
    }
}

/// Classifies an error inside a stream, or in a body with a success status. `name` is the event's or frame's own name
/// for it; empty if it has none.
pub fn classify_in_stream(name: &str, data: &[u8]) -> ProviderError {
    let json = json::parse::<Value>(data).ok();
    let mut found = json.as_ref().map(found_in).unwrap_or_default();
    found.names.push(name);
    if json.is_none() {
        found.message = text_of(data);
    }
    let status = found
        .code
        .as_deref()
        .and_then(|code| code.parse().ok())
        .filter(|code| (400..600).contains(code));
    let kind = found
        .with_text(status, |error| ERROR_RULES.kind_of(error))
        .or_else(|| {
            let message = found.message.as_deref().unwrap_or_default();
            Some(kind_of_status(status?, message, json.is_some()))
        })
        .or_else(|| found.with_text(None, |error| ERROR_RULES.vague_kind_of(error)))
        .unwrap_or(ErrorKind::Server);
    ProviderError {
        status: status.unwrap_or_else(|| kind.status()),
        kind,
        message: found
            .message
            .unwrap_or_else(|| String::from("the provider reported an error without a message")),
        code: found.code,
        param: found.param.map(str::to_owned),
        retry_after_ms: found.retry_delay_ms,
        details: None,
    }
}

impl Found<'_> {
    /// What `read` makes of its words.
    fn with_text<T>(&self, status: Option<u16>, read: impl FnOnce(&ErrorText<'_>) -> T) -> T {
        let message = self.message.as_deref().unwrap_or_default();
        let message = message.trim().to_ascii_lowercase();
        // A numeric code is not text from the body.
        let names: Vec<&str> = (self.names.iter().copied())
            .chain(self.code.as_deref())
            .collect();
        let has_member = |pointer: &str| {
            self.object
                .is_some_and(|object| object.pointer(pointer).is_some())
        };
        read(&ErrorText {
            names: &names,
            message: &message,
            has_member: &has_member,
            status,
        })
    }
}

/// What a status means if no words decide. `is_json`: the body came from an API, not from a proxy in between.
fn kind_of_status(status: u16, message: &str, is_json: bool) -> ErrorKind {
    match status {
        401 => ErrorKind::Authentication,
        402 => ErrorKind::QuotaExhausted,
        // A firewall, a region, a contract; the body does not mention the key.
        403 | 451 => ErrorKind::Refused,
        404 | 410 if names_a_model(message) => ErrorKind::ModelNotFound,
        404 | 410 if is_json && !message.is_empty() => ErrorKind::NotFound,
        // The gateway chooses method and path, so these are never the client's fault.
        404 | 405 | 410 | 421 => ErrorKind::EndpointNotFound,
        408 | 504 => ErrorKind::Timeout,
        413 => ErrorKind::RequestTooLarge,
        // Bedrock's ModelErrorException without its name.
        424 => ErrorKind::Server,
        429 => ErrorKind::RateLimited,
        503 | 529 => ErrorKind::Overloaded,
        400..=499 => ErrorKind::InvalidRequest,
        _ => ErrorKind::Server,
    }
}

fn names_a_model(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("model") || message.contains("deployment")
}

fn found_in(body: &Value) -> Found<'_> {
    let body = body
        .as_array()
        .and_then(|list| list.first())
        .unwrap_or(body);
    let error = match body.get("error") {
        Some(Value::String(message)) => {
            return Found {
                message: message_of(message),
                code: body.get("code").and_then(code_of),
                object: Some(body),
                ..Found::default()
            };
        }
        Some(error @ Value::Object(_)) => error,
        // `response.failed` of the Responses API, and Cloudflare's list.
        _ => (body
            .get("response")
            .and_then(|response| response.get("error")))
        .or_else(|| body.get("errors")?.as_array()?.first())
        .unwrap_or(body),
    };
    let text = |name: &str| error.get(name).and_then(Value::as_str);
    let inner = ["inner_error", "innererror"]
        .iter()
        .find_map(|name| error.get(name)?.get("code")?.as_str());
    let details = error
        .get("details")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let detail = |name: &str| details.iter().find_map(|detail| detail.get(name)?.as_str());
    let class = body.get("__type").and_then(Value::as_str).map(aws_class);
    let names = [
        text("code"),
        text("error_code"),
        inner,
        class,
        detail("reason"),
        text("type"),
        text("status"),
    ];
    Found {
        message: text("message")
            .or_else(|| {
                body.get("message")
                    .or_else(|| body.get("Message"))?
                    .as_str()
            })
            .and_then(message_of)
            .or_else(|| {
                detail_message(
                    body.get("detail")
                        .or_else(|| error.get("message")?.get("detail"))?,
                )
            }),
        code: error.get("code").and_then(code_of),
        param: text("param"),
        object: Some(error),
        names: names.into_iter().flatten().collect(),
        retry_delay_ms: detail("retryDelay").and_then(retry_after::duration_ms),
    }
}

fn code_of(code: &Value) -> Option<String> {
    match code {
        Value::String(code) => Some(code.clone()),
        Value::Number(code) => Some(code.to_string()),
        _ => None,
    }
}

/// `{"detail": "text"}`, and FastAPI's list of `{"loc": ["body", "model"], "msg": "field required"}`.
fn detail_message(detail: &Value) -> Option<String> {
    match detail {
        Value::String(message) => message_of(message),
        Value::Array(list) => {
            let first = list.first()?;
            let place: Vec<String> = first
                .get("loc")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .map(|part| {
                    part.as_str()
                        .map_or_else(|| part.to_string(), str::to_owned)
                })
                .collect();
            let message = first.get("msg").and_then(Value::as_str)?;
            message_of(&if place.is_empty() {
                message.to_owned()
            } else {
                format!("{}: {message}", place.join("."))
            })
        }
        Value::Object(_) => detail
            .get("message")
            .and_then(Value::as_str)
            .and_then(message_of),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// `ValidationException:http://internal.amazon.com/…` and `com.amazon.coral#ValidationException` name the same class.
fn aws_class(text: &str) -> &str {
    let text = text.split(':').next().unwrap_or(text);
    text.rsplit('#').next().unwrap_or(text).trim()
}

/// The message of a body that is not JSON: its text, or the title of its HTML page.
fn text_of(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body.get(..MAX_MESSAGE_BYTES).unwrap_or(body));
    let text = text.trim();
    if !text.starts_with('<') {
        return message_of(text);
    }
    // ASCII lower-casing preserves byte positions.
    let lower = text.to_ascii_lowercase();
    let start = lower.find("<title>")?.checked_add("<title>".len())?;
    let end = lower.get(start..)?.find("</title>")?.checked_add(start)?;
    message_of(text.get(start..end)?.trim())
}

/// `None` for an empty message; long messages are truncated at a character.
fn message_of(text: &str) -> Option<String> {
    let mut end = text.len().min(MAX_MESSAGE_BYTES);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let text = text.get(..end)?;
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
