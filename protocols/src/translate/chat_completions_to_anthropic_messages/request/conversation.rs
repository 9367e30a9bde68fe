//! The conversation: one system prompt, and turns that alternate between user and assistant.

use crate::error::RequestError;
use crate::formats::chat_completions::request_reader::{Message, Part, PartKind};
use crate::formats::chat_completions::signed_reasoning::signed_blocks;
use crate::json::{Text, Writer};
use crate::translate::chat_completions_to_anthropic_messages::request::blocks::{
    Block, ToolResult, content_blocks, tool_id,
};

/// A conversation in Anthropic's terms.
pub(super) struct Conversation<'a> {
    /// Text blocks of all system messages in order, each with its separator from the previous one.
    system: Vec<(&'static str, Block<'a>)>,
    turns: Vec<Turn<'a>>,
}

/// Consecutive content of one author. Never empty.
struct Turn<'a> {
    role: Role,
    /// Results of the previous assistant turn; Anthropic requires all of them in this turn, first.
    results: Vec<ToolResult<'a>>,
    blocks: Vec<Block<'a>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    User,
    Assistant,
}

impl<'a> Conversation<'a> {
    /// Sorts messages into a system prompt and turns.
    ///
    /// # Errors
    /// A part is unknown to Anthropic, or there is no content at all.
    pub(super) fn build(messages: Vec<Message<'a>>) -> Result<Self, RequestError> {
        let mut conversation = Self {
            system: Vec::new(),
            turns: Vec::new(),
        };
        let mut speaking = Turn::new(Role::User);
        for (index, message) in messages.into_iter().enumerate() {
            let path = format_args!("messages[{index}].content");
            match message {
                Message::System(parts) => conversation.add_system(parts),
                Message::User(parts) => {
                    conversation.switch_role(&mut speaking, Role::User);
                    speaking.blocks.extend(content_blocks(parts, path)?);
                }
                Message::Assistant(message) => {
                    conversation.switch_role(&mut speaking, Role::Assistant);
                    let text = content_blocks(message.content, path)?;
                    let reasoning = message.signed_reasoning;
                    let mut signed = reasoning
                        .map(|(text, signature)| signed_blocks(text, signature))
                        .unwrap_or_default()
                        .into_iter()
                        .peekable();
                    // Each block of reasoning in its place: see the module of `signed_blocks`.
                    let mut add_signed = |blocks: &mut Vec<Block<'a>>, until: usize| {
                        while let Some((_, block)) = signed.next_if(|(place, _)| *place <= until) {
                            blocks.push(Block::Signed(block));
                        }
                    };
                    let blocks = &mut speaking.blocks;
                    add_signed(blocks, 0);
                    blocks.extend(text);
                    for (index, call) in message.tool_calls.into_iter().enumerate() {
                        add_signed(blocks, index.saturating_add(1));
                        blocks.push(Block::ToolUse(call));
                    }
                    add_signed(blocks, usize::MAX);
                }
                Message::Tool(message) => {
                    conversation.switch_role(&mut speaking, Role::User);
                    speaking.results.push(ToolResult {
                        tool_use_id: tool_id(message.call_id),
                        content: content_blocks(message.content, path)?,
                        cache_control: message.cache_control,
                    });
                }
            }
        }
        conversation.close(speaking);
        conversation.trim_last_assistant_turn();
        if conversation.turns.is_empty() {
            conversation.use_system_as_user_turn()?;
        }
        Ok(conversation)
    }

    /// Parts of one message are concatenated; messages are separated by a line end.
    fn add_system(&mut self, parts: Vec<Part<'a>>) {
        let mut separator = if self.system.is_empty() { "" } else { "\n" };
        for part in parts {
            if let PartKind::Text(text) = part.kind
                && !text.is_blank()
            {
                let block = Block::Text {
                    text,
                    cache_control: part.cache_control,
                };
                self.system.push((separator, block));
                separator = "";
            }
        }
    }

    /// Switches the current author to `role`.
    fn switch_role(&mut self, speaking: &mut Turn<'a>, role: Role) {
        if speaking.role != role {
            self.close(std::mem::replace(speaking, Turn::new(role)));
        }
    }

    /// Adds a turn. An empty one is dropped, and its neighbours, which have the same author, are merged.
    fn close(&mut self, turn: Turn<'a>) {
        if turn.results.is_empty() && turn.blocks.is_empty() {
            return;
        }
        match self.turns.last_mut() {
            Some(last) if last.role == turn.role => {
                last.results.extend(turn.results);
                last.blocks.extend(turn.blocks);
            }
            Some(_) | None => self.turns.push(turn),
        }
    }

    /// Trims a final assistant turn, because Anthropic refuses trailing white space.
    fn trim_last_assistant_turn(&mut self) {
        if let Some(turn) = self.turns.last_mut()
            && turn.role == Role::Assistant
            && let Some(Block::Text { text, .. }) = turn.blocks.last_mut()
        {
            *text = text.trim_end();
        }
    }

    /// Turns the system prompt into a user turn: Anthropic requires one, while OpenAI accepts a system prompt alone.
    fn use_system_as_user_turn(&mut self) -> Result<(), RequestError> {
        if self.system.is_empty() {
            return Err(RequestError::invalid_value(
                "messages",
                "expected at least one message that says something, found only empty ones",
            ));
        }
        let blocks = self.system.drain(..).map(|(_, block)| block).collect();
        self.turns.push(Turn {
            role: Role::User,
            results: Vec::new(),
            blocks,
        });
        Ok(())
    }

    /// The model continues after tool results whose thinking was not sent back. Models with a thinking budget refuse to
    /// think then.
    pub(super) fn is_unsigned_tool_loop(&self) -> bool {
        let mut last = self.turns.iter().rev();
        let answers_call = last.next().is_some_and(|turn| !turn.results.is_empty());
        let signed = last
            .next()
            .is_some_and(|turn| matches!(turn.blocks.first(), Some(Block::Signed(_))));
        answers_call && !signed
    }

    /// Writes the fields `system` and `messages`.
    pub(super) fn write(&self, w: &mut Writer<'_>) {
        if self.system.iter().any(|(_, block)| block.is_cached()) {
            // Cache marks belong to blocks, so the blocks stay separate.
            w.field("system")
                .array(|w| self.system.iter().for_each(|(_, block)| block.write(w)));
        } else if !self.system.is_empty() {
            let texts = self.system.iter().flat_map(|(separator, block)| {
                [Text::Plain(separator), block.as_text().unwrap_or_default()]
            });
            w.field("system").joined(texts);
        }
        w.field("messages").array(|w| {
            for turn in &self.turns {
                turn.write(w);
            }
        });
    }
}

impl Turn<'_> {
    fn new(role: Role) -> Self {
        Self {
            role,
            results: Vec::new(),
            blocks: Vec::new(),
        }
    }

    fn write(&self, w: &mut Writer<'_>) {
        w.object(|w| {
            w.field("role").string(match self.role {
                Role::User => "user",
                Role::Assistant => "assistant",
            });
            w.field("content").array(|w| {
                self.results.iter().for_each(|result| result.write(w));
                self.blocks.iter().for_each(|block| block.write(w));
            });
        });
    }
}
