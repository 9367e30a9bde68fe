//! The edits to a request for an upstream that speaks the client's own protocol.

use super::reasoning_items;
use crate::body_edit::{BodyEdit, BodyPrefix, Splice};
use crate::error::RequestError;
use crate::format::ClientFormat;
use crate::passthrough::model_edit;
use crate::translator::Attempt;

/// The edits for this attempt's upstream.
///
/// # Errors
/// The request asks for something that this upstream cannot do.
pub(super) fn edit(attempt: &Attempt, body: &[u8]) -> Result<BodyEdit, RequestError> {
    let mut edits = match attempt.client {
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
    prefix: BodyPrefix<'_>,
) -> Option<Result<BodyEdit, RequestError>> {
    if !needs_only_prefix(attempt) {
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
pub(super) fn needs_only_prefix(attempt: &Attempt) -> bool {
    match attempt.client {
        ClientFormat::Responses => false,
        ClientFormat::ChatCompletions
        | ClientFormat::Completions
        | ClientFormat::Embeddings
        | ClientFormat::AnthropicMessages
        | ClientFormat::AnthropicCountTokens => true,
    }
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
