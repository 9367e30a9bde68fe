//! What routing needs to know of one request.

use policy::TargetId;

use crate::affinity::ConversationId;

/// One client request, as far as it matters for routing.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// As the client wrote it: a group, an alias or a model name.
    pub model: &'a str,
    /// See [`crate::affinity::conversation_id`]; `None` turns session affinity off for this request.
    pub conversation: Option<ConversationId>,
    /// Estimated tokens of prompt, tools and images.
    pub prompt_tokens: u32,
    /// The client's own limit for one answer.
    pub max_output_tokens: Option<u32>,
    /// How many answers are written, and billed; at least 1.
    pub choices: u32,
    /// For semantic routing with the built-in embedding.
    pub last_user_message: Option<&'a str>,
    /// For semantic routing by callout: the embedding of the last user message. `None` also when the callout failed or
    /// timed out; then the group's first member serves.
    pub query_embedding: Option<&'a [f32]>,
    /// Whether the target's wire format can say what this request asks for.
    pub can_serve: &'a dyn Fn(TargetId) -> bool,
    /// Whether the gateway key may use this group (or this model, where it names no group); `None` allows all.
    pub allows: Option<&'a dyn Fn(&str) -> bool>,
}

impl<'a> Request<'a> {
    /// A request for `model` that any target can serve, without limits, text or conversation.
    pub fn for_model(model: &'a str) -> Self {
        Self {
            model,
            conversation: None,
            prompt_tokens: 0,
            max_output_tokens: None,
            choices: 1,
            last_user_message: None,
            query_embedding: None,
            can_serve: &|_| true,
            allows: None,
        }
    }
}
