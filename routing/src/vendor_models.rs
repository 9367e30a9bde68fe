//! Which targets know a model name that is no group: its vendor's, and those who serve it under the same name.

use policy::Vendor;

/// How well `vendor` knows the name `model`: 0 for its own model, 1 where another vendor's model has the same name.
/// `None`: the name means nothing there, as far as is known.
pub(crate) fn rank(vendor: Vendor, model: &str) -> Option<u8> {
    let owner = Vendor::of_model(model)?;
    if owner == vendor {
        Some(0)
    } else {
        same_names(vendor).contains(&owner).then_some(1)
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
