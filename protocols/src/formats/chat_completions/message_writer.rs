//! Writes messages of a Chat Completions request in the form that every server accepts.

use catalog::{Dialect, ReasoningField, ReasoningHistory};

use crate::formats::chat_completions::signed_reasoning::{LOST_REASONING, LOST_THOUGHT_SIGNATURE};
use crate::json::{Text, Writer};

/// An outgoing message. Texts are pieces to be concatenated.
#[derive(Debug, Clone)]
pub enum OutgoingMessage<'a> {
    /// `system`: lines.
    System(Vec<Vec<Text<'a>>>),
    /// `user`
    User(Vec<OutgoingPart<'a>>),
    /// `assistant`
    Assistant {
        /// Text blocks. They may be split anywhere: they are not lines.
        text: Vec<Text<'a>>,
        /// What led to it.
        reasoning: OutgoingReasoning<'a>,
        /// Tool calls.
        calls: Vec<OutgoingCall<'a>>,
    },
    /// `tool`: lines; tool messages hold text only.
    Tool {
        /// The id of the call.
        call_id: Text<'a>,
        /// The result.
        content: Vec<Vec<Text<'a>>>,
    },
}

/// A part of a user message.
#[derive(Debug, Clone)]
pub enum OutgoingPart<'a> {
    /// A line of text.
    Text(Vec<Text<'a>>),
    /// An image.
    Image {
        /// `https:` or `data:`
        url: Vec<Text<'a>>,
        /// How closely the model should look at it.
        detail: Option<Text<'a>>,
    },
    /// A file.
    File {
        /// Its name.
        name: Option<Text<'a>>,
        /// `data:`
        data: Vec<Text<'a>>,
    },
}

/// A tool call by the model. Name and arguments are pieces to be concatenated.
#[derive(Debug, Clone)]
pub struct OutgoingCall<'a> {
    /// Identifies the call; its result refers to it.
    pub id: Text<'a>,
    /// The function's name.
    pub name: Vec<Text<'a>>,
    /// JSON text of an object.
    pub arguments: Vec<Text<'a>>,
    /// Gemini's, in `extra_content`.
    pub thought_signature: Option<Text<'a>>,
}

/// The reasoning that led to a message, for upstreams that take it back. Texts are pieces to be concatenated.
#[derive(Debug, Clone)]
pub struct OutgoingReasoning<'a> {
    /// The reasoning.
    pub text: Vec<Text<'a>>,
    /// For a further stage of this gateway; see [`signed_reasoning`](super::signed_reasoning).
    pub signature: Vec<Text<'a>>,
    /// Where the upstream expects it.
    pub field: ReasoningField,
}

impl Default for OutgoingReasoning<'_> {
    fn default() -> Self {
        Self {
            text: Vec::new(),
            signature: Vec::new(),
            field: ReasoningField::ReasoningContent,
        }
    }
}

impl<'a> OutgoingReasoning<'a> {
    /// What a provider of this dialect wants back beside `calls`, of all that is known. `signature` is one of this
    /// gateway's own, for the stage that goes on to the Responses API. Also gives the calls the thought
    /// signatures that it demands, and takes them from calls for others.
    pub fn for_dialect(
        dialect: &Dialect,
        text: Vec<Text<'a>>,
        signature: Option<Text<'a>>,
        calls: &mut [OutgoingCall<'a>],
    ) -> Self {
        let is_required = dialect.reasoning_history == ReasoningHistory::Required;
        if dialect.reasoning_field == ReasoningField::ThoughtSignature {
            if let Some(first) = calls.first_mut()
                && is_required
            {
                let lost = Text::Plain(LOST_THOUGHT_SIGNATURE);
                first.thought_signature.get_or_insert(lost);
            }
            return Self::default();
        }
        for call in &mut *calls {
            call.thought_signature = None;
        }
        // The attempt may go over Responses; where it does not, the dialect leaves out what Chat Completions does not take.
        if dialect.tools_need_responses || dialect.responses_only {
            return Self {
                text,
                signature: signature.into_iter().collect(),
                field: ReasoningField::ReasoningContent,
            };
        }
        if !is_required || calls.is_empty() {
            return Self::default();
        }
        Self {
            text: if text.is_empty() {
                vec![Text::Plain(LOST_REASONING)]
            } else {
                text
            },
            signature: Vec::new(),
            field: dialect.reasoning_field,
        }
    }

    fn write(&self, w: &mut Writer<'_>) {
        if !self.text.is_empty() {
            let text = self.text.iter().copied();
            match self.field {
                ReasoningField::Reasoning => w.field("reasoning").joined(text),
                ReasoningField::ReasoningDetails => w.field("reasoning_details").array(|w| {
                    w.object(|w| {
                        w.field("type").string("reasoning.text");
                        w.field("text").joined(text);
                    });
                }),
                ReasoningField::None
                | ReasoningField::ReasoningContent
                | ReasoningField::ThinkingParts
                | ReasoningField::ThoughtSignature
                | ReasoningField::SignedBlocks => w.field("reasoning_content").joined(text),
            }
        }
        if !self.signature.is_empty() {
            w.field("reasoning_signature")
                .joined(self.signature.iter().copied());
        }
    }
}

impl OutgoingMessage<'_> {
    /// Writes the message.
    pub fn write(&self, w: &mut Writer<'_>) {
        w.object(|w| match self {
            Self::System(lines) => {
                w.field("role").string("system");
                write_lines(w.field("content"), lines.iter().map(Vec::as_slice));
            }
            Self::User(parts) => {
                w.field("role").string("user");
                write_parts(w.field("content"), parts);
            }
            Self::Assistant {
                text,
                reasoning,
                calls,
            } => {
                w.field("role").string("assistant");
                write_assistant_text(w, text);
                reasoning.write(w);
                if !calls.is_empty() {
                    w.field("tool_calls")
                        .array(|w| calls.iter().for_each(|call| call.write(w)));
                }
            }
            Self::Tool { call_id, content } => {
                w.field("role").string("tool");
                w.field("tool_call_id").text(*call_id);
                write_lines(w.field("content"), content.iter().map(Vec::as_slice));
            }
        });
    }
}

impl OutgoingPart<'_> {
    fn write(&self, w: &mut Writer<'_>) {
        w.object(|w| match self {
            Self::Text(pieces) => {
                w.field("type").string("text");
                w.field("text").joined(pieces.iter().copied());
            }
            Self::Image { url, detail } => {
                w.field("type").string("image_url");
                w.field("image_url").object(|w| {
                    w.field("url").joined(url.iter().copied());
                    if let Some(detail) = detail {
                        w.field("detail").text(*detail);
                    }
                });
            }
            Self::File { name, data } => {
                w.field("type").string("file");
                w.field("file").object(|w| {
                    if let Some(name) = name {
                        w.field("filename").text(*name);
                    }
                    w.field("file_data").joined(data.iter().copied());
                });
            }
        });
    }
}

impl OutgoingCall<'_> {
    fn write(&self, w: &mut Writer<'_>) {
        w.object(|w| {
            w.field("id").text(self.id);
            w.field("type").string("function");
            if let Some(signature) = self.thought_signature {
                w.field("extra_content").object(|w| {
                    w.field("google")
                        .object(|w| w.field("thought_signature").text(signature));
                });
            }
            w.field("function").object(|w| {
                w.field("name").joined(self.name.iter().copied());
                w.field("arguments").joined(self.arguments.iter().copied());
            });
        });
    }
}

/// Text alone is written as one string, because not every server accepts an array.
fn write_parts(w: &mut Writer<'_>, parts: &[OutgoingPart<'_>]) {
    let mut lines = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            OutgoingPart::Text(pieces) => lines.push(pieces.as_slice()),
            OutgoingPart::Image { .. } | OutgoingPart::File { .. } => {
                w.array(|w| parts.iter().for_each(|part| part.write(w)));
                return;
            }
        }
    }
    write_lines(w, lines.into_iter());
}

fn write_lines<'l, 't: 'l>(w: &mut Writer<'_>, lines: impl Iterator<Item = &'l [Text<'t>]>) {
    w.joined(lines.enumerate().flat_map(|(index, line)| {
        let separator = (index > 0).then_some(Text::Plain("\n"));
        separator.into_iter().chain(line.iter().copied())
    }));
}

fn write_assistant_text(w: &mut Writer<'_>, text: &[Text<'_>]) {
    match text {
        [] => {}
        [text] => w.field("content").text(*text),
        texts => w.field("content").array(|w| {
            for text in texts {
                w.object(|w| {
                    w.field("type").string("text");
                    w.field("text").text(*text);
                });
            }
        }),
    }
}

#[cfg(test)]
mod tests;
