//! The members of a request body that matter for routing.

use std::borrow::Cow;
use std::ops::Range;

use super::message::Messages;
use super::mismatch::Mismatch;
use super::{RequestInfo, RequestTraits, RequiredCapabilities};
use crate::body::Body;
use crate::format::ClientFormat;
use crate::name::{InvalidName, MAX_NAME_BYTES, check_name};
use crate::scanner::{Kind, Literal, Scanner};

/// Everything found so far.
#[derive(Debug, Default)]
pub(super) struct Collected<'a> {
    /// One bit per [`Field`] that has been found.
    seen: u32,
    model: Option<Literal<'a>>,
    stream: bool,
    include_usage: bool,
    max_completion_tokens: Option<u32>,
    max_tokens: Option<u32>,
    max_output_tokens: Option<u32>,
    metadata_conversation_id: Option<Literal<'a>>,
    metadata_session_id: Option<Literal<'a>>,
    prompt_cache_key: Option<Literal<'a>>,
    conversation: Option<Literal<'a>>,
    system_span: Range<usize>,
    messages: Messages<'a>,
    tools: bool,
    audio: bool,
    n: Option<u32>,
    best_of: Option<u32>,
    logprobs: bool,
    traits: Traits,
}

/// Of a request that has not been read to its end.
#[derive(Debug)]
struct Traits(RequestTraits);

impl Default for Traits {
    fn default() -> Self {
        Self(RequestTraits::PLAIN)
    }
}

/// A member that is read, under its endpoint's name for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Model,
    Stream,
    StreamOptions,
    MaxCompletionTokens,
    MaxTokens,
    MaxOutputTokens,
    Metadata,
    PromptCacheKey,
    Conversation,
    /// A system prompt outside the messages.
    System,
    Messages,
    /// A text, a list of texts, or token ids.
    Input,
    Tools,
    Functions,
    /// The schema of the output; part of the prompt.
    Schema,
    /// Anthropic's former name for a part of `output_config`; both may be present.
    OutputFormat,
    N,
    BestOf,
    Logprobs,
    TopLogprobs,
    Modalities,
    Audio,
}

impl Field {
    fn named(format: ClientFormat, name: &str) -> Option<Self> {
        use ClientFormat::{
            AnthropicCountTokens, AnthropicMessages, ChatCompletions, Completions, Embeddings,
            Responses,
        };
        let field = match (name, format) {
            ("model", _) => Self::Model,
            ("stream", _) => Self::Stream,
            ("stream_options", _) => Self::StreamOptions,
            // Only if the client's own protocol has them: servers ignore unknown fields, so the limit of another
            // protocol limits nothing.
            ("max_completion_tokens", ChatCompletions) => Self::MaxCompletionTokens,
            ("max_tokens", ChatCompletions | Completions | AnthropicMessages) => Self::MaxTokens,
            ("max_output_tokens", Responses) => Self::MaxOutputTokens,
            ("metadata", _) => Self::Metadata,
            ("prompt_cache_key", _) => Self::PromptCacheKey,
            ("conversation", _) => Self::Conversation,
            ("system", AnthropicMessages | AnthropicCountTokens) | ("instructions", Responses) => {
                Self::System
            }
            ("messages", ChatCompletions | AnthropicMessages | AnthropicCountTokens)
            | ("input", Responses) => Self::Messages,
            ("input", Embeddings) | ("prompt", Completions) => Self::Input,
            ("tools", _) => Self::Tools,
            ("functions", ChatCompletions) => Self::Functions,
            ("response_format", ChatCompletions)
            | ("text", Responses)
            | ("output_config", AnthropicMessages | AnthropicCountTokens) => Self::Schema,
            ("output_format", AnthropicMessages | AnthropicCountTokens) => Self::OutputFormat,
            ("n", ChatCompletions | Completions) => Self::N,
            ("best_of", ChatCompletions | Completions) => Self::BestOf,
            ("logprobs", ChatCompletions | Completions) => Self::Logprobs,
            ("top_logprobs", ChatCompletions | Responses) => Self::TopLogprobs,
            ("modalities", ChatCompletions | Responses) => Self::Modalities,
            ("audio", ChatCompletions) => Self::Audio,
            _ => return None,
        };
        Some(field)
    }
}

impl<'a> Collected<'a> {
    /// Reads the value of member `name`, which occurs once.
    pub(super) fn member(
        &mut self,
        format: ClientFormat,
        scanner: &mut Scanner<'a>,
        name: &str,
    ) -> Result<(), Mismatch> {
        self.traits.0.take_field(name);
        let Some(field) = Field::named(format, name) else {
            scanner.value()?;
            return Ok(());
        };
        self.seen |= 1 << field as u32;
        self.field(field, format, scanner)
            .map_err(|mismatch| mismatch.under(name))
    }

    fn field(
        &mut self,
        field: Field,
        format: ClientFormat,
        scanner: &mut Scanner<'a>,
    ) -> Result<(), Mismatch> {
        match field {
            Field::Model => self.model = Some(required_string(scanner)?),
            Field::Stream => self.stream = boolean(scanner)?.unwrap_or(false),
            Field::StreamOptions => optional_object(scanner, |scanner, key| {
                if key.is("include_usage") {
                    self.include_usage = boolean(scanner)
                        .map_err(|mismatch| mismatch.under("include_usage"))?
                        .unwrap_or(false);
                } else {
                    scanner.value()?;
                }
                Ok(())
            })?,
            Field::MaxCompletionTokens => self.max_completion_tokens = whole_number(scanner)?,
            Field::MaxTokens => self.max_tokens = whole_number(scanner)?,
            Field::MaxOutputTokens => self.max_output_tokens = whole_number(scanner)?,
            Field::Metadata => optional_object(scanner, |scanner, key| {
                let place = if key.is("conversation_id") {
                    &mut self.metadata_conversation_id
                } else if key.is("session_id") {
                    &mut self.metadata_session_id
                } else {
                    scanner.value()?;
                    return Ok(());
                };
                *place = string_or_anything(scanner)?;
                Ok(())
            })?,
            Field::PromptCacheKey => self.prompt_cache_key = string(scanner)?,
            Field::Conversation => self.conversation = text_or_id(scanner)?,
            Field::System => {
                self.system_span = if scanner.kind()? == Kind::Null {
                    scanner.value()?;
                    0..0
                } else {
                    self.messages.text_apart(scanner)?
                }
            }
            Field::Messages
                if format == ClientFormat::Responses && scanner.kind()? == Kind::String =>
            {
                self.messages.input(scanner)?;
            }
            Field::Messages => self.messages.list(scanner)?,
            Field::Input => self.messages.input(scanner)?,
            Field::Tools => self.tools |= self.described(format, scanner)?,
            Field::Functions => self.tools |= self.described(format, scanner)?,
            Field::Schema | Field::OutputFormat => {
                let span = scanner.value()?;
                self.messages.add_text(scanner.length(&span));
            }
            Field::N => self.n = whole_number(scanner)?,
            Field::BestOf => self.best_of = whole_number(scanner)?,
            // A boolean in Chat Completions, a number in Completions.
            Field::Logprobs => self.logprobs |= !matches!(scanner.raw()?, "null" | "false"),
            Field::TopLogprobs => {
                self.logprobs |= whole_number(scanner)?.is_some_and(|count| count > 0)
            }
            Field::Modalities => optional_array(scanner, |scanner| {
                self.audio |= string(scanner)?.is_some_and(|modality| modality.is("audio"));
                Ok(())
            })?,
            Field::Audio => self.audio |= scanner.raw()? != "null",
        }
        Ok(())
    }

    /// Reads a list of tools. Returns `true` if there are any.
    fn described(
        &mut self,
        format: ClientFormat,
        scanner: &mut Scanner<'a>,
    ) -> Result<bool, Mismatch> {
        let mut any = false;
        let mut bytes = 0_usize;
        optional_array(scanner, |scanner| {
            any = true;
            let span = match format {
                ClientFormat::ChatCompletions => self.traits.0.take_tool(scanner)?,
                _ => scanner.value()?,
            };
            bytes = bytes.saturating_add(scanner.length(&span));
            Ok(())
        })?;
        self.messages.add_text(bytes);
        Ok(any)
    }

    /// Builds the result after the last member.
    pub(super) fn finish(
        self,
        format: ClientFormat,
        body: Body<'_>,
    ) -> Result<RequestInfo<'a>, Mismatch> {
        let model = self.model.ok_or_else(|| Mismatch::missing("model"))?;
        if model.is_empty() {
            return Err(
                Mismatch::value("expected a model name, found an empty string").under("model"),
            );
        }
        let required = match format {
            ClientFormat::ChatCompletions
            | ClientFormat::AnthropicMessages
            | ClientFormat::AnthropicCountTokens => Some(("messages", Field::Messages)),
            ClientFormat::Embeddings => Some(("input", Field::Input)),
            // Both may refer to a stored prompt.
            ClientFormat::Completions | ClientFormat::Responses => None,
        };
        if let Some((name, field)) = required
            && self.seen & (1 << field as u32) == 0
        {
            return Err(Mismatch::missing(name));
        }
        let ids = [
            ("metadata.conversation_id", self.metadata_conversation_id),
            ("metadata.session_id", self.metadata_session_id),
            ("prompt_cache_key", self.prompt_cache_key),
            ("conversation", self.conversation),
        ];
        let given = |(field, id): (&'static str, Option<_>)| {
            let id: Literal<'_> = id?;
            (!id.is_empty()).then_some((field, id))
        };
        let conversation_id = match ids.into_iter().find_map(given) {
            Some((field, id)) => Some(name(field, &id)?),
            None => None,
        };
        let messages = self.messages.finish();
        Ok(RequestInfo {
            model: name("model", &model)?,
            model_span: body.elisions.original_span(&model.span()),
            stream: self.stream,
            include_usage: self.include_usage,
            has_stream_options: self.seen & (1 << Field::StreamOptions as u32) != 0,
            max_output_tokens: match format {
                ClientFormat::Embeddings | ClientFormat::AnthropicCountTokens => Some(0),
                ClientFormat::ChatCompletions
                | ClientFormat::Completions
                | ClientFormat::Responses
                | ClientFormat::AnthropicMessages => {
                    let limits = [
                        self.max_completion_tokens,
                        self.max_tokens,
                        self.max_output_tokens,
                    ];
                    limits.into_iter().flatten().max()
                }
            },
            choices: self.n.max(self.best_of).unwrap_or(1).max(1),
            conversation_id,
            conversation_start_span: messages.conversation_start_span,
            system_span: self.system_span,
            last_user_message: messages.last_user_message,
            text_bytes: messages.text_bytes,
            required: RequiredCapabilities {
                tools: self.tools,
                images: messages.images,
                audio: self.audio || messages.audio,
                several_choices: self.n.is_some_and(|n| n > 1),
                logprobs: self.logprobs,
            },
            traits: match format {
                ClientFormat::ChatCompletions => RequestTraits {
                    has_plain_messages: messages.are_plain,
                    has_calls: messages.have_calls,
                    ..self.traits.0
                },
                ClientFormat::Completions
                | ClientFormat::Embeddings
                | ClientFormat::Responses
                | ClientFormat::AnthropicMessages
                | ClientFormat::AnthropicCountTokens => RequestTraits::ANYTHING,
            },
        })
    }
}

/// The totals of a request's messages.
#[derive(Debug)]
pub(super) struct MessageInfo<'a> {
    pub(super) conversation_start_span: Range<usize>,
    pub(super) last_user_message: Option<Cow<'a, str>>,
    pub(super) text_bytes: usize,
    pub(super) images: u32,
    pub(super) audio: bool,
    /// See [`RequestTraits::has_plain_messages`].
    pub(super) are_plain: bool,
    /// See [`RequestTraits::has_calls`].
    pub(super) have_calls: bool,
}

/// The text of `field`, checked to be safe in events, headers and paths.
fn name<'a>(field: &'static str, literal: &Literal<'a>) -> Result<Cow<'a, str>, Mismatch> {
    let bytes = literal.decoded_len();
    let checked = if bytes > MAX_NAME_BYTES || !literal.is_whole() {
        Err(InvalidName::TooLong(bytes))
    } else {
        let text = literal.decode();
        check_name(&text).map(|()| text)
    };
    checked.map_err(|why| Mismatch::value(why.to_string()).under(field))
}

/// A string; anything else is an error.
pub(super) fn required_string<'a>(scanner: &mut Scanner<'a>) -> Result<Literal<'a>, Mismatch> {
    match scanner.kind()? {
        Kind::String => Ok(scanner.string()?),
        other => Err(Mismatch::wrong_type("a string", other)),
    }
}

/// A string or null.
pub(super) fn string<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Literal<'a>>, Mismatch> {
    match scanner.kind()? {
        Kind::Null => {
            scanner.value()?;
            Ok(None)
        }
        _ => required_string(scanner).map(Some),
    }
}

/// A string, if it is one; `metadata` belongs to the client and may hold anything.
fn string_or_anything<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Literal<'a>>, Mismatch> {
    if scanner.kind()? == Kind::String {
        return Ok(Some(scanner.string()?));
    }
    scanner.value()?;
    Ok(None)
}

/// `"conv_1"` or `{"id": "conv_1"}`.
fn text_or_id<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Literal<'a>>, Mismatch> {
    if scanner.kind()? != Kind::Object {
        return string(scanner);
    }
    let mut id = None;
    scanner.object(|scanner, key| {
        if key.is("id") {
            id = string(scanner).map_err(|mismatch| mismatch.under("id"))?;
        } else {
            scanner.value()?;
        }
        Ok::<(), Mismatch>(())
    })?;
    Ok(id)
}

fn boolean(scanner: &mut Scanner<'_>) -> Result<Option<bool>, Mismatch> {
    match scanner.kind()? {
        Kind::Boolean | Kind::Null => Ok(match scanner.raw()? {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }),
        other => Err(Mismatch::wrong_type("a boolean", other)),
    }
}

/// A non-negative whole number, or null. Values above `u32` are clamped.
fn whole_number(scanner: &mut Scanner<'_>) -> Result<Option<u32>, Mismatch> {
    match scanner.kind()? {
        Kind::Null => {
            scanner.value()?;
            return Ok(None);
        }
        Kind::Number => {}
        other => return Err(Mismatch::wrong_type("a number", other)),
    }
    let text = scanner.raw()?;
    let number: f64 = text.parse().unwrap_or(f64::NAN);
    if number >= 0.0 && number.fract() == 0.0 {
        // Float casts saturate.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Ok(Some(number as u32))
    } else {
        Err(Mismatch::value(format!(
            "expected a whole number that is not negative, found {text}"
        )))
    }
}

fn optional_object<'a>(
    scanner: &mut Scanner<'a>,
    member: impl FnMut(&mut Scanner<'a>, Literal<'a>) -> Result<(), Mismatch>,
) -> Result<(), Mismatch> {
    match scanner.kind()? {
        Kind::Null => scanner.value().map(|_| ()).map_err(Mismatch::from),
        Kind::Object => scanner.object(member).map(|_| ()),
        other => Err(Mismatch::wrong_type("an object", other)),
    }
}

/// Adds the index to the mismatches of elements.
pub(super) fn optional_array<'a>(
    scanner: &mut Scanner<'a>,
    mut element: impl FnMut(&mut Scanner<'a>) -> Result<(), Mismatch>,
) -> Result<(), Mismatch> {
    match scanner.kind()? {
        Kind::Null => scanner.value().map(|_| ()).map_err(Mismatch::from),
        Kind::Array => scanner
            .array(|scanner, index| element(scanner).map_err(|mismatch| mismatch.at(index)))
            .map(|_| ()),
        other => Err(Mismatch::wrong_type("an array", other)),
    }
}
