//! Which targets know a model name that is no group: its vendor's, and those who serve it under the same name.

use policy::{Target, Vendor};

use crate::resolve::Fit;

/// How well `target` fits the name `model`, which it does not name itself. `owner` is [`Vendor::of_model`], which is
/// worth finding once for all targets.
pub(crate) fn fit(target: &Target, model: &str, owner: Option<Vendor>) -> Fit {
    // Where users name models themselves and this one has, it serves that and nothing else.
    let serves_another = serves_any_name(target.vendor) && target.model.is_some();
    match owner.filter(|_| !serves_another) {
        Some(owner) if owner == target.vendor => Fit::Vendor,
        Some(owner) if same_names(target.vendor).contains(&owner) => Fit::SameName,
        Some(_) | None if target.model_mapping.contains_key(model) => Fit::Mapped,
        Some(_) | None => Fit::Fallback,
    }
}

/// Vendors whose models `vendor` serves under their own names.
fn same_names(vendor: Vendor) -> &'static [Vendor] {
    match vendor {
        // Deployments are usually named after their model.
        Vendor::AzureOpenAi => &[Vendor::OpenAi],
        Vendor::Vertex => &[Vendor::Gemini],
        Vendor::Ollama | Vendor::Vllm | Vendor::OpenAiCompatible => {
            &[Vendor::Mistral, Vendor::DeepSeek]
        }
        Vendor::OpenAi
        | Vendor::Anthropic
        | Vendor::Bedrock
        | Vendor::Gemini
        | Vendor::Mistral
        | Vendor::Groq
        | Vendor::DeepSeek
        | Vendor::Together
        | Vendor::Fireworks
        | Vendor::OpenRouter
        | Vendor::Xai
        | Vendor::Cohere
        | Vendor::Perplexity
        | Vendor::Cerebras => &[],
    }
}

/// Whether any name may be right, because users name models or deployments themselves or the catalogue is open.
pub(crate) fn serves_any_name(vendor: Vendor) -> bool {
    match vendor {
        Vendor::AzureOpenAi
        | Vendor::Ollama
        | Vendor::Vllm
        | Vendor::Groq
        | Vendor::Together
        | Vendor::Fireworks
        | Vendor::OpenRouter
        | Vendor::Cerebras
        | Vendor::OpenAiCompatible => true,
        Vendor::OpenAi
        | Vendor::Anthropic
        | Vendor::Bedrock
        | Vendor::Gemini
        | Vendor::Vertex
        | Vendor::Mistral
        | Vendor::DeepSeek
        | Vendor::Xai
        | Vendor::Cohere
        | Vendor::Perplexity => false,
    }
}
