//! What routing needs to know of a client's request, found in one pass over its bytes.

mod member;
mod message;
mod mismatch;
pub(crate) mod names;

use std::borrow::Cow;
use std::ops::Range;

use crate::body::Body;
use crate::error::RequestError;
use crate::format::{ClientFormat, UpstreamFormat};
use crate::scanner::{Kind, Scanner};
use member::Collected;
use mismatch::Mismatch;
use names::Names;

/// What one pass over a request body found.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestInfo<'a> {
    /// The requested model, unescaped. Not empty.
    pub model: Cow<'a, str>,
    /// Bytes of the `model` value in the whole body, quotes included.
    pub model_span: Range<usize>,
    /// `stream: true`
    pub stream: bool,
    /// `stream_options.include_usage: true`
    pub include_usage: bool,
    /// There are `stream_options`, whatever they say.
    pub has_stream_options: bool,
    /// The client's limit for one choice, by the fields of its own protocol. Chat Completions has two, and each server reads
    /// another one of them: the larger counts. 0 at endpoints whose answers have no text.
    pub max_output_tokens: Option<u32>,
    /// How many answers are written, and billed: `n` or `best_of`, at least 1.
    pub choices: u32,
    /// First found of `metadata.conversation_id`, `metadata.session_id`, `prompt_cache_key`, `conversation`. Not empty.
    pub conversation_id: Option<Cow<'a, str>>,
    /// Bytes from the first message to the end of the first user message, the same through all turns of one
    /// conversation; of the whole input where there are no messages. Empty without either.
    pub conversation_start_span: Range<usize>,
    /// Bytes of a system prompt that stands apart from the messages (`system`, `instructions`). Empty without one.
    pub system_span: Range<usize>,
    /// Text of the last user message that has text; several text parts are joined by a line end. `None` where some of it
    /// was left out.
    pub last_user_message: Option<Cow<'a, str>>,
    /// Bytes of text in prompt, tools and schemas; images are counted apart. Token ids count as four bytes.
    pub text_bytes: usize,
    /// What the request asks of whoever serves it.
    pub required: RequiredCapabilities,
}

/// Abilities that not every upstream format has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequiredCapabilities {
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

impl RequiredCapabilities {
    /// Whether an upstream of this format has all that is needed. Where it has not, another target is preferred; where
    /// there is no other, the translator refuses and names the field. `logprobs` are documented as ignorable.
    pub fn are_met_by(self, upstream: UpstreamFormat) -> bool {
        match upstream {
            UpstreamFormat::OpenAi | UpstreamFormat::AzureOpenAi => true,
            UpstreamFormat::Ollama | UpstreamFormat::Anthropic | UpstreamFormat::Bedrock => {
                !self.audio && !self.several_choices
            }
        }
    }
}

/// Scans `body` once. Spans are of its text, which only differs from the body that came where something was left out. What it
/// accepts is one JSON object in UTF-8, nested at most 128 deep. In it, in its messages and in their parts, no known member
/// is given twice, and none under a name that differs from its own in case: readers differ in which of the two they take.
///
/// # Errors
/// Not JSON, not an object, no model, a field of the wrong type: each names the field and what was found. Where something
/// was left out, the whole body may have no error, or one at another byte.
pub fn scan<'a>(
    format: ClientFormat,
    body: impl Into<Body<'a>>,
) -> Result<RequestInfo<'a>, RequestError> {
    read(format, body.into()).map_err(RequestError::from)
}

fn read(format: ClientFormat, body: Body<'_>) -> Result<RequestInfo<'_>, Mismatch> {
    let mut scanner = Scanner::over(body)?;
    let kind = scanner.kind()?;
    if kind != Kind::Object {
        return Err(Mismatch::wrong_type("an object", kind));
    }
    let mut collected = Collected::default();
    let mut names = Names::of(names::BODY);
    scanner.object(|scanner, key| {
        let name = key.decode();
        names.take(&name)?;
        collected.member(format, scanner, &name)
    })?;
    scanner.end()?;
    collected.finish(format, body)
}

#[cfg(test)]
mod tests;
