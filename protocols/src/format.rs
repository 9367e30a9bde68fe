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

    /// Answers may be streams.
    pub fn can_stream(self) -> bool {
        match self {
            Self::ChatCompletions
            | Self::Completions
            | Self::Responses
            | Self::AnthropicMessages => true,
            Self::Embeddings | Self::AnthropicCountTokens => false,
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

impl UpstreamFormat {
    /// As it is called in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "OpenAI-compatible",
            Self::AzureOpenAi => "Azure OpenAI",
            Self::Ollama => "Ollama",
            Self::Anthropic => "Anthropic",
            Self::Bedrock => "Bedrock",
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn paths_and_formats_belong_together() {
        use ClientFormat::{
            AnthropicCountTokens, AnthropicMessages, ChatCompletions, Completions, Embeddings,
            Responses,
        };
        for format in [
            ChatCompletions,
            Completions,
            Embeddings,
            Responses,
            AnthropicMessages,
            AnthropicCountTokens,
        ] {
            assert_eq!(ClientFormat::from_path(format.path()), Some(format));
            assert_eq!(
                ClientFormat::from_path(&format!("{}?beta=true", format.path())),
                Some(format)
            );
        }
        for unknown in [
            "",
            "/",
            "/v1/models",
            "/v1/chat/completions/",
            "/V1/embeddings",
            "v1/embeddings",
        ] {
            assert_eq!(ClientFormat::from_path(unknown), None, "{unknown}");
        }
    }
}
