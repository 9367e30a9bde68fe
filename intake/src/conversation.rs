//! Which conversation a request belongs to: first a header, then the body, else how it began.

use protocols::facts::RequestFacts;
use routing::affinity::{ConversationId, conversation_id};

/// Headers that name a conversation, the first that is there.
const HEADERS: [&str; 2] = ["x-conversation-id", "x-session-id"];

/// A conversation, and how it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conversation {
    /// Hashed: the same through all its turns.
    pub id: ConversationId,
    /// Where it was found.
    pub source: ConversationSource,
}

/// Where a conversation's id was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConversationSource {
    /// This header.
    Header(&'static str),
    /// A field of the body, see [`RequestFacts::conversation_id`].
    Body,
    /// Nowhere: key, system prompt and first user message stand for it.
    Opening,
}

impl Conversation {
    pub(crate) fn of<'a>(
        header: impl Fn(&str) -> Option<&'a str>,
        facts: &RequestFacts<'_>,
        body: &[u8],
    ) -> Self {
        let named = HEADERS
            .into_iter()
            .find_map(|name| Some((header(name)?, ConversationSource::Header(name))))
            .or_else(|| Some((facts.conversation_id.as_deref()?, ConversationSource::Body)));
        if let Some((id, source)) = named {
            return Self {
                id: conversation_id(&[id.as_bytes()]),
                source,
            };
        }
        let key = header("authorization")
            .or_else(|| header("x-api-key"))
            .unwrap_or_default();
        let opening = body.get(facts.opening_span.clone()).unwrap_or_default();
        let system = body.get(facts.system_span.clone()).unwrap_or_default();
        Self {
            id: conversation_id(&[key.as_bytes(), system, opening]),
            source: ConversationSource::Opening,
        }
    }
}

impl ConversationSource {
    /// Stable name for `kt policy explain`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Header(name) => name,
            Self::Body => "body",
            Self::Opening => "opening",
        }
    }
}
