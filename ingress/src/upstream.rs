//! Maps a provider of the catalogue to the wire format of `protocols`.

use catalog::{Images, PathLayout, Provider};
use protocols::UpstreamFormat;

/// The wire format of each provider.
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
