//! The policy's word for a wire protocol in the words of `protocols`.

use policy::Wire;
use protocols::UpstreamFormat;

/// One format for each wire.
pub fn upstream_format(wire: Wire) -> UpstreamFormat {
    match wire {
        Wire::OpenAi => UpstreamFormat::OpenAi,
        Wire::AzureOpenAi => UpstreamFormat::AzureOpenAi,
        Wire::Anthropic => UpstreamFormat::Anthropic,
        Wire::Bedrock => UpstreamFormat::Bedrock,
        Wire::Ollama => UpstreamFormat::Ollama,
    }
}
