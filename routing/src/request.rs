//! What routing needs to know of a request.

use policy::TargetId;

use crate::affinity::ConversationId;

/// One client request.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// As requested: a group, an alias or a model name.
    pub model: &'a str,
    /// See [`crate::affinity::conversation_id`]; `None` disables session affinity for this request.
    pub conversation: Option<ConversationId>,
    /// Estimated tokens of prompt, tools and images.
    pub prompt_tokens: u32,
    /// The client's output limit per choice.
    pub max_output_tokens: Option<u32>,
    /// Number of choices generated and billed; at least 1.
    pub choices: u32,
    /// For semantic routing with the built-in embedding.
    pub last_user_message: Option<&'a str>,
    /// For semantic routing by a provider's embeddings: the embedding of the last user message. `None` also if the
    /// callout failed or timed out; the group's first member then serves.
    pub query_embedding: Option<&'a [f32]>,
    /// Whether the target's wire format can express this request.
    pub can_serve: &'a dyn Fn(TargetId) -> bool,
    /// Whether the gateway key may use this group (or this model, if it names no group); `None` allows all.
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
