//! The vendor of a model, derived from its id: Converse passes some fields on in the vendor's own terms.

/// The vendor of a model, as far as its own request fields are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    /// Anthropic.
    Anthropic,
    /// Amazon Nova from version 2 on.
    Nova2,
    /// OpenAI's open-weight models.
    GptOss,
    /// OpenAI's other models.
    OpenAi,
    /// Moonshot AI.
    Moonshot,
    /// A vendor without such fields, or an id that names no vendor.
    Other,
}

/// Vendors without any model that supports cache points.
const WITHOUT_CACHE_POINTS: [&str; 17] = [
    "ai21.",
    "cohere.",
    "deepseek.",
    "google.",
    "luma.",
    "meta.",
    "minimax.",
    "mistral.",
    "moonshot.",
    "moonshotai.",
    "nvidia.",
    "openai.",
    "qwen.",
    "stability.",
    "twelvelabs.",
    "writer.",
    "zai.",
];

impl Vendor {
    /// The model may support cache points, judging by its id.
    pub fn takes_cache_points(model: &str) -> bool {
        let id = Id::new(model);
        !WITHOUT_CACHE_POINTS.iter().any(|vendor| id.is_of(vendor))
    }

    /// Parses a model id (`anthropic.claude-…`), one with a region prefix (`us.anthropic.…`), or an ARN that ends
    /// with either. The id of an application inference profile names no vendor.
    pub fn of(model: &str) -> Self {
        let id = Id::new(model);
        if id.is_of("anthropic.") || id.0.contains("claude") {
            Self::Anthropic
        } else if id.is_of("amazon.nova-2") {
            Self::Nova2
        } else if id.is_of("openai.gpt-oss") {
            Self::GptOss
        } else if id.is_of("openai.") {
            Self::OpenAi
        } else if id.is_of("moonshot.") || id.is_of("moonshotai.") {
            Self::Moonshot
        } else {
            Self::Other
        }
    }
}

/// The last part of a model id or ARN, in lower case.
struct Id(String);

impl Id {
    fn new(model: &str) -> Self {
        let id = model.rsplit('/').next().unwrap_or_default();
        Self(id.to_ascii_lowercase())
    }

    /// `us.amazon.nova-2-lite-v1:0`: the vendor comes first or after a region.
    fn is_of(&self, vendor: &str) -> bool {
        let behind_region = self.0.split_once('.').map(|(_, rest)| rest);
        self.0.starts_with(vendor) || behind_region.is_some_and(|rest| rest.starts_with(vendor))
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn cache_points_go_to_models_that_may_have_a_cache() {
        for (model, takes) in [
            ("us.anthropic.claude-sonnet-4-6", true),
            ("amazon.nova-lite-v1:0", true),
            ("m", true),
            ("vendor-of-tomorrow.model-1", true),
            ("us.meta.llama3-1-8b-instruct-v1:0", false),
            ("mistral.mistral-large-2402-v1:0", false),
            ("us.mistral.x", false),
        ] {
            assert_eq!(Vendor::takes_cache_points(model), takes, "{model}");
        }
    }

    #[test]
    fn vendors_are_told_from_ids_profiles_and_arns() {
        for (model, vendor) in [
            ("anthropic.claude-3-haiku-20240307-v1:0", Vendor::Anthropic),
            ("us.anthropic.claude-opus-4-6-v1", Vendor::Anthropic),
            ("global.anthropic.claude-sonnet-4-6", Vendor::Anthropic),
            ("claude-opus-4-6", Vendor::Anthropic),
            (
                "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-v2",
                Vendor::Anthropic,
            ),
            ("us.amazon.nova-2-lite-v1:0", Vendor::Nova2),
            ("amazon.nova-lite-v1:0", Vendor::Other),
            ("openai.gpt-oss-120b-1:0", Vendor::GptOss),
            ("openai.gpt-5.6-v1:0", Vendor::OpenAi),
            ("moonshot.kimi-k2-thinking", Vendor::Moonshot),
            ("moonshotai.kimi-k2.5", Vendor::Moonshot),
            ("meta.llama3-1-8b-instruct-v1:0", Vendor::Other),
            (
                "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/ab12",
                Vendor::Other,
            ),
            ("gpt-4o", Vendor::Other),
            ("", Vendor::Other),
        ] {
            assert_eq!(Vendor::of(model), vendor, "{model}");
        }
    }
}
