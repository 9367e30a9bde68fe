//! What a provider's error answer means: its shape is read here, its words by [`super::wording`], and where those say nothing
//! its status decides.
//!
//! One reader serves all providers, because what stands behind "OpenAI-compatible" may be anything:
//!
//! | who | body |
//! |---|---|
//! | OpenAI, Azure, Ollama `/v1` | `{"error": {"message", "type", "code", "param"}}`, Azure with `inner_error` or `innererror` |
//! | Anthropic | `{"type": "error", "error": {"type", "message"}}` |
//! | Bedrock | `{"message"}`, class in header `x-amzn-errortype` or in `__type` |
//! | Google | `{"error": {"code": 429, "message", "status": "RESOURCE_EXHAUSTED", "details"}}`, also inside an array |
//! | vLLM and others | `{"object": "error", "message", "type", "code": 400}`, `{"detail": …}`, `{"error": "text"}`, numeric `code` |
//! | Cloudflare | `{"success": false, "errors": [{"code", "message"}]}` |
//! | proxies on the way | HTML, plain text, nothing |

use serde_json::Value;

use super::wording::{Rank, Spoken, kind_of};
use super::{ErrorKind, ProviderError, retry_after};

use crate::headers::{self, HeaderSlice};
use crate::json;

/// Longest message that is kept, in bytes.
const MAX_MESSAGE_BYTES: usize = 4096;

/// What was found in an error body, in any of its shapes.
#[derive(Debug, Default)]
struct Found<'a> {
    message: Option<String>,
    code: Option<String>,
    param: Option<&'a str>,
    /// Where code and message stand.
    object: Option<&'a Value>,
    /// All that may name the kind, the most telling first.
    names: Vec<&'a str>,
    retry_delay_ms: Option<u64>,
}

/// Reads a provider's error answer. `headers` have lower-case names.
pub fn classify(status: u16, headers: &HeaderSlice<'_>, body: &[u8]) -> ProviderError {
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
    let kind = found.kind(Some(status)).unwrap_or_else(|| {
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
        // What is no error status cannot be one for the client.
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
    }
}

/// Reads an error that came in a stream, or in a body with a status of success. `name` is the stream event's or frame's
/// own name for it, empty where there is none.
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
        .kind(status)
        .or_else(|| {
            let message = found.message.as_deref().unwrap_or_default();
            Some(kind_of_status(status?, message, json.is_some()))
        })
        .or_else(|| found.vague_kind())
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
    }
}

impl Found<'_> {
    /// By its words.
    fn kind(&self, status: Option<u16>) -> Option<ErrorKind> {
        let ranks = [Rank::Contradiction, Rank::Name, Rank::Sentence];
        self.kind_by(&ranks, status)
    }

    /// By a name that fits many failures.
    fn vague_kind(&self) -> Option<ErrorKind> {
        self.kind_by(&[Rank::VagueName], None)
    }

    fn kind_by(&self, ranks: &[Rank], status: Option<u16>) -> Option<ErrorKind> {
        let message = self.message.as_deref().unwrap_or_default();
        let message = message.trim().to_ascii_lowercase();
        // A numeric code is no text of the body.
        let names: Vec<&str> = (self.names.iter().copied())
            .chain(self.code.as_deref())
            .collect();
        let spoken = Spoken {
            names: &names,
            message: &message,
            object: self.object,
            status,
        };
        ranks.iter().find_map(|rank| kind_of(&spoken, *rank))
    }
}

/// What a status means where no word does. `is_json`: the body came from an API, and not from a proxy on the way.
fn kind_of_status(status: u16, message: &str, is_json: bool) -> ErrorKind {
    match status {
        401 => ErrorKind::Authentication,
        402 => ErrorKind::QuotaExhausted,
        // A firewall, a region, a contract: not a word of the key.
        403 | 451 => ErrorKind::Refused,
        404 | 410 if names_a_model(message) => ErrorKind::ModelNotFound,
        404 | 410 if is_json && !message.is_empty() => ErrorKind::NotFound,
        // Method and path are the gateway's, so that they are never the client's fault.
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
        // `response.failed` of OpenAI's Responses API, and Cloudflare's list.
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

/// `ValidationException:http://internal.amazon.com/…` and `com.amazon.coral#ValidationException` name one class.
fn aws_class(text: &str) -> &str {
    let text = text.split(':').next().unwrap_or(text);
    text.rsplit('#').next().unwrap_or(text).trim()
}

/// The message in a body that is not JSON: its text, or the title of its HTML page.
fn text_of(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body.get(..MAX_MESSAGE_BYTES).unwrap_or(body));
    let text = text.trim();
    if !text.starts_with('<') {
        return message_of(text);
    }
    // ASCII lower case keeps byte positions.
    let lower = text.to_ascii_lowercase();
    let start = lower.find("<title>")?.checked_add("<title>".len())?;
    let end = lower.get(start..)?.find("</title>")?.checked_add(start)?;
    message_of(text.get(start..end)?.trim())
}

/// `None` for an empty message; long ones are cut at a character.
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
