//! The vendors that the gateway knows: one line each.

use serde::{Deserialize, Serialize};

/// Who runs a target. A vendor that is not listed is reached as [`Vendor::OpenAiCompatible`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vendor {
    /// api.openai.com
    OpenAi,
    /// api.anthropic.com
    Anthropic,
    /// *.openai.azure.com and *.cognitiveservices.azure.com
    AzureOpenAi,
    /// bedrock-runtime.*.amazonaws.com
    Bedrock,
    /// generativelanguage.googleapis.com, through its OpenAI-compatible endpoint
    Gemini,
    /// *-aiplatform.googleapis.com, through its OpenAI-compatible endpoint
    Vertex,
    /// A local or remote Ollama
    Ollama,
    /// A vLLM server
    Vllm,
    /// Anything else that speaks OpenAI's protocol
    OpenAiCompatible,
}

/// The protocol that a vendor speaks on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Wire {
    /// OpenAI's own endpoints and everything compatible.
    OpenAi,
    /// OpenAI's bodies behind Azure's paths.
    AzureOpenAi,
    /// Anthropic Messages.
    Anthropic,
    /// Bedrock Converse and InvokeModel.
    Bedrock,
    /// OpenAI's bodies with Ollama's quirks.
    Ollama,
}

/// How a credential is shown to the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthHeader {
    /// Lower-case header name.
    pub name: &'static str,
    /// Before the key, such as `Bearer `.
    pub prefix: &'static str,
}
