//! The conversation of a request: identified by a header, else by the body, else by how it starts.

use std::ops::Range;

use protocols::request_info::RequestInfo;
use protocols::{Body, RequestError, check_name};
use routing::affinity::{ConversationId, conversation_id};

/// Headers that name a conversation; the first one present counts.
const HEADERS: [&str; 2] = ["x-conversation-id", "x-session-id"];

/// A conversation, and how it was identified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conversation {
    /// A hash: equal in all its turns.
    pub id: ConversationId,
    /// Where the id was found.
    pub source: ConversationSource,
}

/// Where a conversation's id was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConversationSource {
    /// This header.
    Header(&'static str),
    /// A field of the body, see [`RequestInfo::conversation_id`].
    Body,
    /// No id: identified by key, system prompt and first user message.
    ConversationStart,
}

impl Conversation {
    /// # Errors
    /// A header gives an invalid name for the conversation.
    pub(crate) fn of<'a>(
        header: impl Fn(&str) -> Option<&'a str>,
        info: &RequestInfo<'_>,
        body: Body<'_>,
    ) -> Result<Self, RequestError> {
        let named = HEADERS
            .into_iter()
            .find_map(|name| Some((header(name)?, ConversationSource::Header(name))))
            .or_else(|| Some((info.conversation_id.as_deref()?, ConversationSource::Body)));
        if let Some((id, source)) = named {
            check_name(id).map_err(|why| RequestError::invalid_value(source.name(), why))?;
            return Ok(Self {
                id: conversation_id(&[id.as_bytes()]),
                source,
            });
        }
        let key = header("authorization")
            .or_else(|| header("x-api-key"))
            .unwrap_or_default();
        let conversation_start = Fingerprint::of(body, &info.conversation_start_span);
        let system = Fingerprint::of(body, &info.system_span);
        let parts = [
            key.as_bytes(),
            &system.length,
            system.head,
            system.tail,
            &conversation_start.length,
            conversation_start.head,
            conversation_start.tail,
        ];
        Ok(Self {
            id: conversation_id(&parts),
            source: ConversationSource::ConversationStart,
        })
    }
}

/// Bytes at each end of a text that identify it.
pub(crate) const END_BYTES: usize = 2048;

/// Identifies a text by its length and both ends: the middle of a document of megabytes does not make it another
/// conversation.
struct Fingerprint<'a> {
    length: [u8; 8],
    head: &'a [u8],
    tail: &'a [u8],
}

impl<'a> Fingerprint<'a> {
    fn of(body: Body<'a>, span: &Range<usize>) -> Self {
        let text = body.text().get(span.clone()).unwrap_or_default();
        let (head, rest) = text.split_at_checked(END_BYTES).unwrap_or((text, &[]));
        let middle = rest.len().saturating_sub(END_BYTES);
        Self {
            length: (body.length(span) as u64).to_le_bytes(),
            head,
            tail: rest.get(middle..).unwrap_or_default(),
        }
    }
}

impl ConversationSource {
    /// Stable name for `kt policy explain`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Header(name) => name,
            Self::Body => "body",
            Self::ConversationStart => "opening",
        }
    }
}
