//! The endpoint that a client calls and the protocol that an upstream speaks.

pub use catalog::UpstreamFormat;

/// The format that the client sent and expects back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientFormat {
    /// `POST /v1/chat/completions`
    ChatCompletions,
    /// `POST /v1/completions`
    Completions,
    /// `POST /v1/embeddings`
    Embeddings,
    /// `POST /v1/responses`
    Responses,
    /// `POST /v1/messages`
    AnthropicMessages,
    /// `POST /v1/messages/count_tokens`
    AnthropicCountTokens,
}

impl ClientFormat {
    /// The format of a request path, ignoring the query. `None` for an unknown endpoint.
    pub fn from_path(path: &str) -> Option<Self> {
        match path.split('?').next()? {
            "/v1/chat/completions" => Some(Self::ChatCompletions),
            "/v1/completions" => Some(Self::Completions),
            "/v1/embeddings" => Some(Self::Embeddings),
            "/v1/responses" => Some(Self::Responses),
            "/v1/messages" => Some(Self::AnthropicMessages),
            "/v1/messages/count_tokens" => Some(Self::AnthropicCountTokens),
            _ => None,
        }
    }

    /// The path that clients call.
    pub fn path(self) -> &'static str {
        match self {
            Self::ChatCompletions => "/v1/chat/completions",
            Self::Completions => "/v1/completions",
            Self::Embeddings => "/v1/embeddings",
            Self::Responses => "/v1/responses",
            Self::AnthropicMessages => "/v1/messages",
            Self::AnthropicCountTokens => "/v1/messages/count_tokens",
        }
    }

    /// The endpoint supports streaming.
    pub fn can_stream(self) -> bool {
        match self {
            Self::ChatCompletions
            | Self::Completions
            | Self::Responses
            | Self::AnthropicMessages => true,
            Self::Embeddings | Self::AnthropicCountTokens => false,
        }
    }

    /// Its complete responses are a list of choices, of which there is one at least.
    pub fn has_choices(self) -> bool {
        match self {
            Self::ChatCompletions | Self::Completions => true,
            Self::Responses
            | Self::AnthropicMessages
            | Self::Embeddings
            | Self::AnthropicCountTokens => false,
        }
    }

    /// This client expects errors in Anthropic's shape instead of OpenAI's.
    pub fn speaks_anthropic(self) -> bool {
        match self {
            Self::AnthropicMessages | Self::AnthropicCountTokens => true,
            Self::ChatCompletions | Self::Completions | Self::Embeddings | Self::Responses => false,
        }
    }
}

#[cfg(test)]
mod tests;
