//! The endpoint a client calls and the protocol an upstream speaks.

/// The shape that the client sent and is owed.
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

/// The protocol that the upstream speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UpstreamFormat {
    /// OpenAI's own endpoints and everything compatible with them.
    OpenAi,
    /// OpenAI's bodies behind Azure's paths.
    AzureOpenAi,
    /// OpenAI's bodies with Ollama's quirks.
    Ollama,
    /// Anthropic Messages.
    Anthropic,
    /// Bedrock Converse, ConverseStream and InvokeModel.
    Bedrock,
}

impl ClientFormat {
    /// The format of a request path; the query is ignored. `None` is an unknown endpoint.
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

    /// Errors go to this client in Anthropic's shape instead of OpenAI's.
    pub fn speaks_anthropic(self) -> bool {
        match self {
            Self::AnthropicMessages | Self::AnthropicCountTokens => true,
            Self::ChatCompletions | Self::Completions | Self::Embeddings | Self::Responses => false,
        }
    }
}
