//! System prompt and turns.
//!
//! Converse requires that user and assistant alternate, that all tool results are in the user turn after the calls,
//! that no text is blank, and that document names differ. [`Conversation`] enforces these rules.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::formats::bedrock_converse::document_names::DocumentNames;
use crate::json;
use crate::json::{Text, Writer};

/// Text for a turn of documents alone, which Converse refuses.
const BESIDE_DOCUMENTS: &str = ".";

/// The author of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The user, and results of the user's tools.
    User,
    /// The model.
    Assistant,
}

/// A content block.
#[derive(Debug, Clone)]
pub enum Block<'a> {
    /// Text; blank text is dropped.
    Text(Text<'a>),
    /// An image.
    Image {
        /// See [`crate::formats::bedrock_converse::image_format`].
        format: &'static str,
        /// Base64.
        bytes: Text<'a>,
    },
    /// A document.
    Document {
        /// See [`crate::formats::bedrock_converse::document_format`]; absent for text in pieces.
        format: Option<&'static str>,
        /// The client's name for it; the request uses a unique name close to it.
        name: Option<Text<'a>>,
        /// Its content.
        source: DocumentSource<'a>,
        /// Context for the model.
        context: Option<Text<'a>>,
        /// The response should cite it.
        citations: bool,
    },
    /// Content that the client found elsewhere.
    SearchResult {
        /// Where it was found.
        source: Text<'a>,
        /// Its title.
        title: Text<'a>,
        /// Its text.
        texts: Vec<Text<'a>>,
        /// The response should cite it.
        citations: bool,
    },
    /// The model's own reasoning, replayed.
    Reasoning {
        /// The reasoning.
        text: Text<'a>,
        /// Proves that the model produced it.
        signature: Text<'a>,
    },
    /// Reasoning that only the provider can decrypt, in base64.
    Redacted(Text<'a>),
    /// A tool call by the model.
    ToolUse {
        /// From [`crate::formats::bedrock_converse::tool_use_id`].
        id: Cow<'a, str>,
        /// From [`crate::formats::bedrock_converse::ToolNames`].
        name: Cow<'a, str>,
        /// A JSON object.
        input: Cow<'a, str>,
    },
}

/// The content of a document.
#[derive(Debug, Clone)]
pub enum DocumentSource<'a> {
    /// Base64.
    Bytes(Text<'a>),
    /// Text.
    Text(Text<'a>),
    /// Text in pieces that can be cited individually.
    Pieces(Vec<Text<'a>>),
}

/// The result of a tool call.
#[derive(Debug, Clone)]
pub struct ToolResult<'a> {
    /// From [`crate::formats::bedrock_converse::tool_use_id`].
    pub call_id: Cow<'a, str>,
    /// The result; blank text is dropped.
    pub content: Vec<Block<'a>>,
    /// The call failed.
    pub is_error: bool,
}

/// Ends a prefix of the prompt that the model should cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CachePoint {
    /// Cached for an hour instead of five minutes.
    pub for_an_hour: bool,
}

/// A conversation that keeps Converse's rules.
#[derive(Debug, Default)]
pub struct Conversation<'a> {
    system: Vec<Entry<'a>>,
    turns: Vec<Turn<'a>>,
    documents: DocumentNames,
}

/// Consecutive content of one author. Never empty.
#[derive(Debug)]
struct Turn<'a> {
    role: Role,
    /// Results of the calls in the previous turn; written first.
    results: Vec<Entry<'a>>,
    blocks: Vec<Entry<'a>>,
}

/// An element of a list of content blocks.
#[derive(Debug)]
enum Entry<'a> {
    Block(Named<'a>),
    Result {
        call_id: Cow<'a, str>,
        content: Vec<Named<'a>>,
        is_error: bool,
    },
    CachePoint(CachePoint),
}

/// A block; for a document, with its unique name.
#[derive(Debug)]
struct Named<'a> {
    block: Block<'a>,
    name: Option<String>,
}

impl CachePoint {
    /// Reads Anthropic's `cache_control` or OpenAI's `prompt_cache_breakpoint`, which spell `ttl` differently.
    pub fn read(cache_control: &RawValue) -> Self {
        #[derive(Default, Deserialize)]
        #[serde(bound(deserialize = "'de: 'a"))]
        struct CacheControl<'a> {
            #[serde(default, deserialize_with = "Text::lenient")]
            ttl: Option<Text<'a>>,
        }

        let read: CacheControl<'_> = json::parse_text(cache_control.get()).unwrap_or_default();
        Self {
            for_an_hour: ["1h", "12h"].map(Text::Plain).map(Some).contains(&read.ttl),
        }
    }

    pub(super) fn write(self, w: &mut Writer<'_>) {
        w.object(|w| {
            w.field("cachePoint").object(|w| {
                w.field("type").string("default");
                if self.for_an_hour {
                    w.field("ttl").string("1h");
                }
            });
        });
    }
}

impl<'a> Conversation<'a> {
    /// Appends a block to the system prompt.
    pub fn add_system(&mut self, text: Text<'a>, cache: Option<CachePoint>) {
        if !text.is_blank() {
            self.system.push(Entry::Block(Named {
                block: Block::Text(text),
                name: None,
            }));
        }
        add_cache_point(&mut self.system, cache);
    }

    /// Appends a block by `role`.
    pub fn add(&mut self, role: Role, block: Block<'a>, cache: Option<CachePoint>) {
        if let Some(named) = self.named(block) {
            self.speak(role, |turn| turn.blocks.push(Entry::Block(named)));
        }
        if let Some(turn) = self.turns.last_mut().filter(|turn| turn.role == role) {
            turn.add_cache_point(cache);
        }
    }

    /// Appends a tool result: after earlier results, before what the user says in the same turn.
    pub fn add_result(&mut self, result: ToolResult<'a>, cache: Option<CachePoint>) {
        let content = result.content.into_iter();
        let content = content.filter_map(|block| self.named(block)).collect();
        self.speak(Role::User, |turn| {
            turn.results.push(Entry::Result {
                call_id: result.call_id,
                content,
                is_error: result.is_error,
            });
            add_cache_point(&mut turn.results, cache);
        });
    }

    /// Puts a cache point at the end of the last turn.
    pub fn add_last_cache_point(&mut self, point: CachePoint) {
        if let Some(turn) = self.turns.last_mut() {
            turn.add_cache_point(Some(point));
        }
    }

    /// There are no turns.
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Turns the system prompt into a user turn: Converse requires one, while OpenAI accepts a system prompt alone.
    pub fn use_system_as_user_turn(&mut self) {
        if !self.system.is_empty() {
            self.turns.push(Turn {
                role: Role::User,
                results: Vec::new(),
                blocks: std::mem::take(&mut self.system),
            });
        }
    }

    /// Trims white space from the end of a final assistant turn, which models refuse to continue.
    pub fn trim_last_assistant_turn(&mut self) {
        if let Some(turn) = self.turns.last_mut()
            && turn.role == Role::Assistant
            && let Some(Entry::Block(Named {
                block: Block::Text(text),
                ..
            })) = turn.blocks.last_mut()
        {
            *text = text.trim_end();
        }
    }

    /// There are tool calls or tool results.
    pub fn has_tool_blocks(&self) -> bool {
        let is_call = |entry: &Entry<'_>| match entry {
            Entry::Block(named) => matches!(named.block, Block::ToolUse { .. }),
            Entry::Result { .. } => true,
            Entry::CachePoint(_) => false,
        };
        self.turns
            .iter()
            .any(|turn| !turn.results.is_empty() || turn.blocks.iter().any(is_call))
    }

    /// The model continues after tool results whose reasoning was not sent back.
    pub fn is_unsigned_tool_loop(&self) -> bool {
        let mut last = self.turns.iter().rev();
        let answers_call = last.next().is_some_and(|turn| !turn.results.is_empty());
        let signed = last.next().is_some_and(|turn| {
            matches!(
                turn.blocks.first(),
                Some(Entry::Block(Named {
                    block: Block::Reasoning { .. } | Block::Redacted(_),
                    ..
                }))
            )
        });
        answers_call && !signed
    }

    /// Adds content by `role`, in a new turn if the last one is by the other author.
    fn speak(&mut self, role: Role, add: impl FnOnce(&mut Turn<'a>)) {
        if let Some(turn) = self.turns.last_mut()
            && turn.role == role
        {
            return add(turn);
        }
        let mut turn = Turn {
            role,
            results: Vec::new(),
            blocks: Vec::new(),
        };
        add(&mut turn);
        self.turns.push(turn);
    }

    /// `None` for blank text, which is dropped.
    fn named(&mut self, block: Block<'a>) -> Option<Named<'a>> {
        let name = match &block {
            Block::Text(text) if text.is_blank() => return None,
            Block::Document { name, .. } => Some(self.documents.next(*name)),
            Block::Text(_)
            | Block::Image { .. }
            | Block::SearchResult { .. }
            | Block::Reasoning { .. }
            | Block::Redacted(_)
            | Block::ToolUse { .. } => None,
        };
        Some(Named { block, name })
    }

    /// Removes all cache points.
    pub(super) fn remove_cache_points(&mut self) {
        let lists = self
            .turns
            .iter_mut()
            .flat_map(|turn| [&mut turn.results, &mut turn.blocks]);
        for entries in lists.chain([&mut self.system]) {
            entries.retain(|entry| !matches!(entry, Entry::CachePoint(_)));
        }
    }

    pub(super) fn write(&self, w: &mut Writer<'_>) {
        if !self.system.is_empty() {
            w.field("system").array(|w| write_entries(w, &self.system));
        }
        w.field("messages").array(|w| {
            for turn in &self.turns {
                w.object(|w| {
                    w.field("role").string(match turn.role {
                        Role::User => "user",
                        Role::Assistant => "assistant",
                    });
                    w.field("content").array(|w| {
                        write_entries(w, &turn.results);
                        write_entries(w, &turn.blocks);
                        if turn.lacks_text() {
                            w.object(|w| w.field("text").string(BESIDE_DOCUMENTS));
                        }
                    });
                });
            }
        });
    }
}

impl Turn<'_> {
    /// There is a document, and no text beside it.
    fn lacks_text(&self) -> bool {
        let is = |found: fn(&Block<'_>) -> bool| {
            let mut blocks = self.blocks.iter();
            blocks.any(|entry| matches!(entry, Entry::Block(named) if found(&named.block)))
        };
        is(|block| matches!(block, Block::Document { .. }))
            && !is(|block| matches!(block, Block::Text(_)))
    }

    fn add_cache_point(&mut self, point: Option<CachePoint>) {
        let last = if self.blocks.is_empty() {
            &mut self.results
        } else {
            &mut self.blocks
        };
        add_cache_point(last, point);
    }
}

/// A cache point needs content before it, and is redundant after another one.
fn add_cache_point(entries: &mut Vec<Entry<'_>>, point: Option<CachePoint>) {
    match (entries.last(), point) {
        (Some(Entry::Block(_) | Entry::Result { .. }), Some(point)) => {
            entries.push(Entry::CachePoint(point));
        }
        (Some(Entry::CachePoint(_)) | None, _) | (_, None) => {}
    }
}

fn write_entries(w: &mut Writer<'_>, entries: &[Entry<'_>]) {
    for entry in entries {
        match entry {
            Entry::Block(named) => named.write(w),
            Entry::CachePoint(point) => point.write(w),
            Entry::Result {
                call_id,
                content,
                is_error,
            } => w.object(|w| {
                w.field("toolResult").object(|w| {
                    w.field("toolUseId").string(call_id);
                    w.field("content")
                        .array(|w| content.iter().for_each(|block| block.write(w)));
                    if *is_error {
                        w.field("status").string("error");
                    }
                });
            }),
        }
    }
}

impl Named<'_> {
    fn write(&self, w: &mut Writer<'_>) {
        w.object(|w| match &self.block {
            Block::Text(text) => w.field("text").text(*text),
            Block::Image { format, bytes } => w.field("image").object(|w| {
                w.field("format").string(format);
                w.field("source").object(|w| w.field("bytes").text(*bytes));
            }),
            Block::Document {
                format,
                source,
                context,
                citations,
                name: _,
            } => w.field("document").object(|w| {
                if let Some(format) = format {
                    w.field("format").string(format);
                }
                w.field("name")
                    .string(self.name.as_deref().unwrap_or_default());
                w.field("source").object(|w| source.write(w));
                if let Some(context) = context.filter(|context| !context.is_blank()) {
                    w.field("context").text(context);
                }
                write_citations(w, *citations);
            }),
            Block::SearchResult {
                source,
                title,
                texts,
                citations,
            } => w.field("searchResult").object(|w| {
                w.field("source").text(*source);
                w.field("title").text(*title);
                w.field("content").array(|w| write_texts(w, texts));
                write_citations(w, *citations);
            }),
            Block::Reasoning { text, signature } => w.field("reasoningContent").object(|w| {
                w.field("reasoningText").object(|w| {
                    w.field("text").text(*text);
                    w.field("signature").text(*signature);
                });
            }),
            Block::Redacted(data) => w
                .field("reasoningContent")
                .object(|w| w.field("redactedContent").text(*data)),
            Block::ToolUse { id, name, input } => w.field("toolUse").object(|w| {
                w.field("toolUseId").string(id);
                w.field("name").string(name);
                w.field("input").verbatim(input);
            }),
        });
    }
}

impl DocumentSource<'_> {
    fn write(&self, w: &mut Writer<'_>) {
        match self {
            Self::Bytes(base64) => w.field("bytes").text(*base64),
            Self::Text(text) => w.field("text").text(*text),
            Self::Pieces(texts) => w.field("content").array(|w| write_texts(w, texts)),
        }
    }
}

fn write_texts(w: &mut Writer<'_>, texts: &[Text<'_>]) {
    for text in texts {
        w.object(|w| w.field("text").text(*text));
    }
}

fn write_citations(w: &mut Writer<'_>, citations: bool) {
    if citations {
        w.field("citations")
            .object(|w| w.field("enabled").bool(true));
    }
}
