//! Whose model it is, told from its id: Converse passes some fields on in the vendor's own words.

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
    /// A vendor without such fields, or an id that does not name the vendor.
    Other,
}

impl Vendor {
    /// Reads a model id (`anthropic.claude-…`), one with a region before it (`us.anthropic.…`) or an ARN that ends with
    /// either. The id of an application inference profile names no vendor.
    pub fn of(model: &str) -> Self {
        let model = model.to_ascii_lowercase();
        let id = model.rsplit('/').next().unwrap_or_default();
        // `us.amazon.nova-2-lite-v1:0`: the vendor is the word before the model's own name.
        let vendor = |word: &str| id.starts_with(word) || id.contains(&format!(".{word}"));
        if vendor("anthropic.") || id.contains("claude") {
            Self::Anthropic
        } else if vendor("amazon.nova-2") {
            Self::Nova2
        } else if vendor("openai.gpt-oss") {
            Self::GptOss
        } else if vendor("openai.") {
            Self::OpenAi
        } else if vendor("moonshot.") || vendor("moonshotai.") {
            Self::Moonshot
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
