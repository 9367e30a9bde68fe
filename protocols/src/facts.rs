//! What routing needs to know of a client's request, found in one pass over its bytes.

use std::borrow::Cow;
use std::ops::Range;

use crate::error::RequestError;
use crate::format::ClientFormat;

/// What one pass over a request body found.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestFacts<'a> {
    /// The requested model, unescaped.
    pub model: Cow<'a, str>,
    /// Bytes of the `model` value, quotes included.
    pub model_span: Range<usize>,
    /// `stream: true`
    pub stream: bool,
    /// `stream_options.include_usage: true`
    pub include_usage: bool,
    /// `max_completion_tokens`, `max_tokens` or `max_output_tokens`, the first that is given.
    pub max_output_tokens: Option<u32>,
    /// First found of `metadata.conversation_id`, `metadata.session_id`, `prompt_cache_key`, `conversation`.
    pub conversation_id: Option<Cow<'a, str>>,
    /// Bytes of the system prompt and first user message, the same through all turns of one conversation.
    pub opening_span: Range<usize>,
    /// Text of the last user message.
    pub last_user_message: Option<Cow<'a, str>>,
    /// Bytes of text in prompt, tools and schemas; images are counted apart.
    pub text_bytes: usize,
    /// What the request asks of whoever serves it.
    pub needs: Needs,
}

/// Abilities that not every upstream format has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    /// Tools or functions.
    pub tools: bool,
    /// Images in messages; how many.
    pub images: u32,
    /// Audio in or out.
    pub audio: bool,
    /// `n` above 1.
    pub several_choices: bool,
    /// `logprobs`
    pub logprobs: bool,
}

/// Scans `body` once.
///
/// # Errors
/// Not JSON, not an object, no model, a field of the wrong type: each names the field and what was found.
pub fn scan(_format: ClientFormat, _body: &[u8]) -> Result<RequestFacts<'_>, RequestError> {
    Err(RequestError {
        message: String::from("not built"),
        param: None,
        code: None,
    })
}
