//! Values of attributes that the conventions list.

use std::borrow::Cow;

use catalog::Provider;

/// `gen_ai.operation.name` of an endpoint's path.
pub fn operation_name(endpoint: Option<&str>) -> &'static str {
    match endpoint {
        Some("/v1/completions") => "text_completion",
        Some("/v1/embeddings") => "embeddings",
        // A name of our own, as the conventions allow: nothing is generated.
        Some("/v1/messages/count_tokens") => "count_tokens",
        Some(_) | None => "chat",
    }
}

/// `gen_ai.provider.name` of a vendor as events name it.
pub fn provider_name(vendor: &str) -> Cow<'_, str> {
    let known = Provider::all().find(|provider| provider.name() == vendor);
    known.map_or(Cow::Borrowed(vendor), |provider| {
        Cow::Borrowed(provider.profile().otel_name)
    })
}
