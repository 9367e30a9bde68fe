//! The catalogue's word for what a provider speaks in the words of `protocols`.

use catalog::{Images, PathLayout, Provider};
use protocols::UpstreamFormat;

/// One format for each provider.
pub fn upstream_format(provider: Provider) -> UpstreamFormat {
    let profile = provider.profile();
    match (profile.format, profile.layout) {
        (catalog::UpstreamFormat::Anthropic, _) => UpstreamFormat::Anthropic,
        (catalog::UpstreamFormat::Bedrock, _) => UpstreamFormat::Bedrock,
        (catalog::UpstreamFormat::OpenAi, PathLayout::Deployments) => UpstreamFormat::AzureOpenAi,
        (catalog::UpstreamFormat::OpenAi, PathLayout::Plain | PathLayout::ModelInPath) => {
            if profile.dialect.images == Images::DataUrl {
                UpstreamFormat::Ollama
            } else {
                UpstreamFormat::OpenAi
            }
        }
    }
}
