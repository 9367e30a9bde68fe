//! Scans what routing needs to know of a client's request, in one pass over its bytes.

mod member;
mod message;
mod mismatch;
pub(crate) mod names;
mod traits;

use std::borrow::Cow;
use std::ops::Range;

use catalog::Dialect;

use crate::body::Body;
use crate::error::RequestError;
use crate::format::{ClientFormat, UpstreamFormat};
use crate::scanner::{Kind, Scanner};
use member::Collected;
use mismatch::Mismatch;
use names::Names;
pub use traits::RequestTraits;
pub(crate) use traits::is_plain_name;

/// The result of one pass over a request body.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestInfo<'a> {
    /// The requested model, unescaped. Not empty.
    pub model: Cow<'a, str>,
    /// Range of the `model` value in the original body, including quotes.
    pub model_span: Range<usize>,
    /// `stream: true`
    pub stream: bool,
    /// `stream_options.include_usage: true`
    pub include_usage: bool,
    /// `stream_options` is present, whatever its content.
    pub has_stream_options: bool,
    /// The client's output limit per choice, by the fields of its own protocol. Chat Completions has two, and servers
    /// differ in which one they read: the larger counts. 0 for endpoints without text output.
    pub max_output_tokens: Option<u32>,
    /// Number of outputs generated and billed: `n` or `best_of`, at least 1.
    pub choices: u32,
    /// The first of `metadata.conversation_id`, `metadata.session_id`, `prompt_cache_key`, `conversation`. Not empty.
    pub conversation_id: Option<Cow<'a, str>>,
    /// Range from the first message to the end of the first user message, which is the same in all turns of a
    /// conversation; the whole input if there are no messages. Empty without either.
    pub conversation_start_span: Range<usize>,
    /// Range of a system prompt outside the messages (`system`, `instructions`). Empty if absent.
    pub system_span: Range<usize>,
    /// Text of the last user message that has text, its parts joined by line ends. `None` if part of it was elided.
    pub last_user_message: Option<Cow<'a, str>>,
    /// Bytes of text in prompt, tools and schemas, without images. Token ids count as four bytes.
    pub text_bytes: usize,
    /// What the request requires of a target.
    pub required: RequiredCapabilities,
    /// What some provider wants otherwise; [`RequestTraits::ANYTHING`] of other requests than those of Chat Completions.
    pub traits: RequestTraits,
}

/// Capabilities that not every upstream format has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequiredCapabilities {
    /// Tools or functions.
    pub tools: bool,
    /// Number of images in messages.
    pub images: u32,
    /// Audio input or output.
    pub audio: bool,
    /// `n` above 1.
    pub several_choices: bool,
    /// `logprobs`
    pub logprobs: bool,
}

impl RequiredCapabilities {
    /// Whether an upstream of this format and dialect has all of them. If not, other targets are preferred; if there is
    /// none, the translator refuses and names the field. `logprobs` are documented as ignorable.
    pub fn are_met_by(self, upstream: UpstreamFormat, dialect: &Dialect) -> bool {
        match upstream {
            UpstreamFormat::OpenAi => {
                (!self.audio || dialect.takes("audio"))
                    && (!self.several_choices || dialect.takes("n"))
            }
            UpstreamFormat::Anthropic | UpstreamFormat::Bedrock => {
                !self.audio && !self.several_choices
            }
        }
    }
}

/// Scans `body` once. Spans index its kept text, which differs from the original only if something was elided. Accepts
/// one JSON object in UTF-8 with at most 128 levels. In it, in its messages and in their parts, no known member may
/// occur twice or under a name that differs only in case, because parsers differ in which of the two they take.
///
/// # Errors
/// The body is not JSON, not an object, has no model, or a field of the wrong type: the error names the field and what
/// was found. For an elided body, the original may be valid, or have its error at another byte.
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
