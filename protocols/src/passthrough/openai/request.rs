//! The edits to a request for an upstream that speaks the client's own protocol.

use catalog::{Dialect, Images, OutputLimit};

use super::reasoning_items;
use crate::body_edit::{BodyEdit, BodyPrefix, Splice};
use crate::error::RequestError;
use crate::format::ClientFormat;
use crate::passthrough::model_edit;
use crate::scanner::{JsonError, Kind, Literal, Scanner};
use crate::translator::Attempt;

/// The edits for this attempt's upstream.
///
/// # Errors
/// The request asks for something that this upstream cannot do.
pub(super) fn edit(
    attempt: &Attempt,
    dialect: &Dialect,
    body: &[u8],
) -> Result<BodyEdit, RequestError> {
    let mut edits = match attempt.client {
        ClientFormat::ChatCompletions if differs(dialect) => dialect_edits(dialect, body)?,
        ClientFormat::Responses => {
            reasoning_items::removals(body).map_err(RequestError::not_json)?
        }
        ClientFormat::ChatCompletions
        | ClientFormat::Completions
        | ClientFormat::Embeddings
        | ClientFormat::AnthropicMessages
        | ClientFormat::AnthropicCountTokens => Vec::new(),
    };
    let prefix = BodyPrefix::of(body, &attempt.model_span);
    edits.extend(model_edit(attempt, prefix.model)?);
    edits.extend(usage_edit(attempt, prefix));
    Ok(BodyEdit::of(edits))
}

/// [`edit`] from a prefix of the body. `None` if it is not enough.
pub(super) fn edit_from_prefix(
    attempt: &Attempt,
    dialect: &Dialect,
    prefix: BodyPrefix<'_>,
) -> Option<Result<BodyEdit, RequestError>> {
    if !needs_only_prefix(attempt, dialect) {
        return None;
    }
    let usage = usage_edit(attempt, prefix);
    if attempt.injects_usage_request() && usage.is_none() {
        return None;
    }
    let model = model_edit(attempt, prefix.model);
    Some(model.map(|model| BodyEdit::of(model.into_iter().chain(usage).collect())))
}

/// Only the model's name changes, and usage may be requested.
pub(super) fn needs_only_prefix(attempt: &Attempt, dialect: &Dialect) -> bool {
    match attempt.client {
        ClientFormat::ChatCompletions => !differs(dialect),
        ClientFormat::Responses => false,
        ClientFormat::Completions
        | ClientFormat::Embeddings
        | ClientFormat::AnthropicMessages
        | ClientFormat::AnthropicCountTokens => true,
    }
}

/// Whether the dialect names or limits any field of a request otherwise than OpenAI.
fn differs(dialect: &Dialect) -> bool {
    dialect.output_limit == OutputLimit::MaxTokens || dialect.images == Images::DataUrl
}

/// Requests usage for the client. Inserted as the first member, because the positions of others are unknown.
fn usage_edit(attempt: &Attempt, prefix: BodyPrefix<'_>) -> Option<Splice> {
    if !attempt.injects_usage_request() {
        return None;
    }
    let brace = prefix.start.iter().position(|byte| *byte == b'{')?;
    let inside = brace.checked_add(1)?;
    let member = br#""stream_options":{"include_usage":true},"#;
    Some((inside..inside, member.to_vec()))
}

/// Why an upstream cannot serve a request.
enum Refusal {
    NotJson(JsonError),
    /// Index of the message and of its part.
    RemoteImage(usize, usize),
}

impl From<JsonError> for Refusal {
    fn from(error: JsonError) -> Self {
        Self::NotJson(error)
    }
}

/// Adapts the fields that the dialect names or limits otherwise.
fn dialect_edits(dialect: &Dialect, body: &[u8]) -> Result<Vec<Splice>, RequestError> {
    let mut new_limit = None;
    let mut old_limit = None;
    let read = Scanner::new(body)
        .map_err(Refusal::from)
        .and_then(|mut scanner| {
            scanner.object(|scanner, key| {
                if key.is("messages") && dialect.images == Images::DataUrl {
                    return messages(scanner);
                }
                let value = scanner.value()?;
                if key.is("max_completion_tokens") && body.get(value.clone()) != Some(b"null") {
                    new_limit = Some((key.span(), value));
                } else if key.is("max_tokens") {
                    old_limit = Some(value);
                }
                Ok(())
            })
        });
    match read {
        Ok(_) => {}
        Err(Refusal::NotJson(error)) => {
            return Err(RequestError::not_json(error));
        }
        Err(Refusal::RemoteImage(message, part)) => {
            let field = format!("messages[{message}].content[{part}].image_url.url");
            return Err(RequestError::unsupported(
                field,
                "expected a data: URL, because this upstream fetches no images",
            ));
        }
    }
    if dialect.output_limit != OutputLimit::MaxTokens {
        return Ok(Vec::new());
    }
    Ok(match (new_limit, old_limit) {
        (Some((key, _)), None) => vec![(key, b"\"max_tokens\"".to_vec())],
        // The newer name takes precedence; the upstream ignores it where it is.
        (Some((_, value)), Some(old)) => vec![(old, body.get(value).unwrap_or_default().to_vec())],
        (None, _) => Vec::new(),
    })
}

fn messages(scanner: &mut Scanner<'_>) -> Result<(), Refusal> {
    elements(scanner, |scanner, message| {
        members(scanner, "content", |scanner| {
            elements(scanner, |scanner, part| {
                members(scanner, "image_url", |scanner| {
                    let mut url = None;
                    if scanner.kind()? == Kind::String {
                        url = Some(scanner.string()?);
                    } else {
                        members(scanner, "url", |scanner| {
                            if scanner.kind()? == Kind::String {
                                url = Some(scanner.string()?);
                            } else {
                                scanner.value()?;
                            }
                            Ok(())
                        })?;
                    }
                    if url.is_some_and(|url| !is_data_url(&url)) {
                        return Err(Refusal::RemoteImage(message, part));
                    }
                    Ok(())
                })
            })
        })
    })
}

fn is_data_url(url: &Literal<'_>) -> bool {
    url.starts_with_ignoring_case("data:")
}

/// Calls `read` for each element of an array; skips other values.
fn elements<'a>(
    scanner: &mut Scanner<'a>,
    read: impl FnMut(&mut Scanner<'a>, usize) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    if scanner.kind()? == Kind::Array {
        scanner.array(read)?
    } else {
        scanner.value()?
    };
    Ok(())
}

/// Calls `read` for each member with this name; skips other values.
fn members<'a>(
    scanner: &mut Scanner<'a>,
    name: &str,
    mut read: impl FnMut(&mut Scanner<'a>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    if scanner.kind()? != Kind::Object {
        scanner.value()?;
        return Ok(());
    }
    scanner.object(|scanner, key| {
        if key.is(name) {
            return read(scanner);
        }
        scanner.value()?;
        Ok(())
    })?;
    Ok(())
}
