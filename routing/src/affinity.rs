//! Session affinity: all turns of a conversation go to one member, without shared state.

use crate::hash;

/// Hash of what identifies a conversation; stable over turns, workers, restarts and machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConversationId(pub u64);

/// The conversation that `parts` identify: one explicit id, or gateway key, system prompt and first user message.
pub fn conversation_id(parts: &[&[u8]]) -> ConversationId {
    ConversationId(hash::of_parts(parts))
}
