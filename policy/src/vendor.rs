//! The vendors that the gateway knows: one row each.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

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

/// What is known of a vendor beyond the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Whose profile this is.
    pub vendor: Vendor,
    /// Canonical name: in configurations, events and logs.
    pub name: &'static str,
    /// Further names accepted in configurations.
    pub aliases: &'static [&'static str],
    /// Hosts that belong to the vendor; one `*` stands for any characters.
    pub hosts: &'static [&'static str],
    /// Where its API is when the target gives no base URL. Its path also completes a base URL that has none.
    pub base_url: Option<&'static str>,
    /// What it speaks.
    pub wire: Wire,
    /// How it wants the key.
    pub auth: AuthHeader,
    /// `false`: a server at a loopback or private address may go without a key.
    pub needs_key: bool,
    /// First words of the model names that are this vendor's own.
    pub model_families: &'static [&'static str],
    /// A GET below the base URL that costs nothing and fails for a bad key; `None` where the vendor has none.
    pub probe: Option<&'static str>,
    /// Headers that the probe needs beside the credential.
    pub probe_headers: &'static [(&'static str, &'static str)],
}

const BEARER: AuthHeader = AuthHeader {
    name: "authorization",
    prefix: "Bearer ",
};
const X_API_KEY: AuthHeader = AuthHeader {
    name: "x-api-key",
    prefix: "",
};
const API_KEY: AuthHeader = AuthHeader {
    name: "api-key",
    prefix: "",
};
const ANTHROPIC_VERSION: &[(&str, &str)] = &[("anthropic-version", "2023-06-01")];

/// Makes the enum, its list and its profiles from one row for each vendor.
macro_rules! vendors {
    ($($(#[$doc:meta])* $vendor:ident {
        $name:literal $aliases:tt, hosts: $hosts:tt, base: $base:expr, $wire:ident, $auth:ident, needs_key: $key:literal,
        models: $models:tt, probe: $probe:expr $(, headers: $headers:ident)?
    })*) => {
        /// Who runs a target. A vendor that is not listed is reached as [`Vendor::OpenAiCompatible`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Vendor { $($(#[$doc])* $vendor),* }

        impl Vendor {
            /// Every vendor, in the order of the table.
            pub const ALL: &'static [Vendor] = &[$(Vendor::$vendor),*];

            /// What is known of it.
            pub fn profile(self) -> &'static Profile {
                match self {
                    $(Self::$vendor => {
                        static PROFILE: Profile = Profile {
                            vendor: Vendor::$vendor, name: $name, aliases: &$aliases, hosts: &$hosts, base_url: $base, wire: Wire::$wire, auth: $auth,
                            needs_key: $key, model_families: &$models, probe: $probe, probe_headers: vendors!(@headers $($headers)?),
                        };
                        &PROFILE
                    })*
                }
            }
        }
    };
    (@headers) => { &[] };
    (@headers $headers:ident) => { $headers };
}

vendors! {
    /// api.openai.com
    OpenAi { "openai" ["open-ai"], hosts: ["api.openai.com", "*.api.openai.com"], base: Some("https://api.openai.com/v1"), OpenAi, BEARER, needs_key: true,
        models: ["gpt", "o1", "o3", "o4", "chatgpt", "codex", "text-embedding", "ft:gpt", "davinci", "babbage"], probe: Some("/models") }
    /// api.anthropic.com
    Anthropic { "anthropic" ["claude"], hosts: ["api.anthropic.com"], base: Some("https://api.anthropic.com/v1"), Anthropic, X_API_KEY, needs_key: true,
        models: ["claude"], probe: Some("/models"), headers: ANTHROPIC_VERSION }
    /// *.openai.azure.com and its newer names. Base URL paths: [`crate::azure::AzurePath`]
    AzureOpenAi { "azure-openai" ["azure"], hosts: ["*.openai.azure.com", "*.cognitiveservices.azure.com", "*.services.ai.azure.com"], base: None, AzureOpenAi, API_KEY, needs_key: true,
        models: [], probe: Some("/models") }
    /// bedrock-runtime.*.amazonaws.com. Its runtime endpoint lists nothing for free, so health comes from traffic.
    Bedrock { "bedrock" ["aws-bedrock", "amazon-bedrock", "aws"], hosts: ["bedrock-runtime.*.amazonaws.com", "bedrock-runtime-fips.*.amazonaws.com", "bedrock-runtime.*.amazonaws.com.cn"],
        base: Some("https://bedrock-runtime.us-east-1.amazonaws.com"), Bedrock, BEARER, needs_key: true,
        models: ["anthropic.", "amazon.", "meta.", "cohere.", "mistral.", "ai21.", "deepseek.", "us.", "eu.", "apac.", "global."], probe: None }
    /// generativelanguage.googleapis.com, through its OpenAI-compatible endpoint
    Gemini { "gemini" ["google", "google-gemini", "google-ai-studio"], hosts: ["generativelanguage.googleapis.com"], base: Some("https://generativelanguage.googleapis.com/v1beta/openai"), OpenAi, BEARER, needs_key: true,
        models: ["gemini"], probe: Some("/models") }
    /// *-aiplatform.googleapis.com, through its OpenAI-compatible endpoint. The base URL names project and location.
    Vertex { "vertex" ["vertex-ai", "google-vertex"], hosts: ["*-aiplatform.googleapis.com", "aiplatform.googleapis.com"], base: None, OpenAi, BEARER, needs_key: true,
        models: [], probe: None }
    /// A local or remote Ollama
    Ollama { "ollama" ["local-ollama"], hosts: [], base: Some("http://localhost:11434/v1"), Ollama, BEARER, needs_key: false,
        models: [], probe: Some("/models") }
    /// A vLLM server
    Vllm { "vllm" [], hosts: [], base: Some("http://localhost:8000/v1"), OpenAi, BEARER, needs_key: false,
        models: [], probe: Some("/models") }
    /// api.mistral.ai
    Mistral { "mistral" ["mistralai", "mistral-ai"], hosts: ["api.mistral.ai"], base: Some("https://api.mistral.ai/v1"), OpenAi, BEARER, needs_key: true,
        models: ["mistral", "ministral", "magistral", "codestral", "devstral", "pixtral", "open-mistral", "open-mixtral"], probe: Some("/models") }
    /// api.groq.com
    Groq { "groq" [], hosts: ["api.groq.com"], base: Some("https://api.groq.com/openai/v1"), OpenAi, BEARER, needs_key: true,
        models: [], probe: Some("/models") }
    /// api.deepseek.com
    DeepSeek { "deepseek" ["deep-seek"], hosts: ["api.deepseek.com"], base: Some("https://api.deepseek.com/v1"), OpenAi, BEARER, needs_key: true,
        models: ["deepseek"], probe: Some("/models") }
    /// api.together.xyz
    Together { "together" ["together-ai", "togetherai"], hosts: ["api.together.xyz", "api.together.ai"], base: Some("https://api.together.xyz/v1"), OpenAi, BEARER, needs_key: true,
        models: [], probe: Some("/models") }
    /// api.fireworks.ai
    Fireworks { "fireworks" ["fireworks-ai"], hosts: ["api.fireworks.ai"], base: Some("https://api.fireworks.ai/inference/v1"), OpenAi, BEARER, needs_key: true,
        models: [], probe: Some("/models") }
    /// openrouter.ai. Its model list is public, so the probe asks about the key instead.
    OpenRouter { "openrouter" ["open-router"], hosts: ["openrouter.ai"], base: Some("https://openrouter.ai/api/v1"), OpenAi, BEARER, needs_key: true,
        models: [], probe: Some("/key") }
    /// api.x.ai
    Xai { "xai" ["x-ai", "grok"], hosts: ["api.x.ai"], base: Some("https://api.x.ai/v1"), OpenAi, BEARER, needs_key: true,
        models: ["grok"], probe: Some("/models") }
    /// api.cohere.ai, through its compatibility endpoint, which lists no models
    Cohere { "cohere" [], hosts: ["api.cohere.ai", "api.cohere.com"], base: Some("https://api.cohere.ai/compatibility/v1"), OpenAi, BEARER, needs_key: true,
        models: ["command"], probe: None }
    /// api.perplexity.ai, which lists no models
    Perplexity { "perplexity" ["pplx"], hosts: ["api.perplexity.ai"], base: Some("https://api.perplexity.ai"), OpenAi, BEARER, needs_key: true,
        models: ["sonar"], probe: None }
    /// api.cerebras.ai
    Cerebras { "cerebras" [], hosts: ["api.cerebras.ai"], base: Some("https://api.cerebras.ai/v1"), OpenAi, BEARER, needs_key: true,
        models: [], probe: Some("/models") }
    /// Anything else that speaks OpenAI's protocol
    OpenAiCompatible { "openai-compatible" ["compatible", "custom", "generic"], hosts: [], base: None, OpenAi, BEARER, needs_key: false,
        models: [], probe: Some("/models") }
}

impl Vendor {
    /// Counts tokens at the end of a stream for requests with `stream_options.include_usage`. `false` where it counts
    /// unasked, refuses what it does not know, or is not known to do either.
    pub fn counts_streams_when_asked(self) -> bool {
        match self {
            Self::OpenAi
            | Self::AzureOpenAi
            | Self::Gemini
            | Self::Vertex
            | Self::Ollama
            | Self::Vllm
            | Self::Groq
            | Self::DeepSeek
            | Self::Together => true,
            Self::Anthropic
            | Self::Bedrock
            | Self::Mistral
            | Self::Fireworks
            | Self::OpenRouter
            | Self::Xai
            | Self::Cohere
            | Self::Perplexity
            | Self::Cerebras
            | Self::OpenAiCompatible => false,
        }
    }

    /// The vendor called `name` in a configuration: canonical name or alias, `_` for `-` and any case allowed.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase().replace('_', "-");
        Self::ALL.iter().copied().find(|vendor| {
            let profile = vendor.profile();
            profile.name == name || profile.aliases.contains(&name.as_str())
        })
    }

    /// The vendor that runs `host`.
    pub fn of_host(host: &str) -> Option<Self> {
        let host = host.to_ascii_lowercase();
        Self::ALL.iter().copied().find(|vendor| {
            vendor
                .profile()
                .hosts
                .iter()
                .any(|pattern| glob(pattern, &host))
        })
    }

    /// The vendor whose name stands in `id` as a word or as words in a row, as in `local-ollama` or `azure-openai-eu`.
    /// Longer names win, then earlier ones.
    pub fn of_id(id: &str) -> Option<Self> {
        let words: Vec<&str> = id.split(['-', '_', '.']).collect();
        (1..=words.len().min(3))
            .rev()
            .flat_map(|length| words.windows(length).map(|words| words.join("-")))
            .find_map(|name| Self::named(&name).filter(|vendor| *vendor != Self::OpenAiCompatible))
    }

    /// The vendor whose own model has the name `model`, as `gpt-4o` is OpenAI's.
    pub fn of_model(model: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|vendor| {
            vendor
                .profile()
                .model_families
                .iter()
                .any(|family| in_family(family, model))
        })
    }

    /// Canonical name, as it stands in events and logs.
    pub fn name(self) -> &'static str {
        self.profile().name
    }

    /// What it speaks.
    pub fn wire(self) -> Wire {
        self.profile().wire
    }
}

/// `pattern` holds at most one `*`.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text
            .strip_prefix(head)
            .is_some_and(|rest| rest.len() > tail.len() && rest.ends_with(tail)),
    }
}

/// A family is followed by `-`, `:`, `@` or nothing, unless it ends with a dot of its own.
fn in_family(family: &str, model: &str) -> bool {
    model.strip_prefix(family).is_some_and(|rest| {
        family.ends_with('.') || rest.is_empty() || rest.starts_with(['-', ':', '@'])
    })
}

impl Serialize for Vendor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Vendor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name)
            .ok_or_else(|| serde::de::Error::custom(format!("unknown vendor `{name}`")))
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn names_aliases_and_hosts_are_unambiguous() {
        let mut names: Vec<&str> = Vendor::ALL
            .iter()
            .flat_map(|v| {
                v.profile()
                    .aliases
                    .iter()
                    .copied()
                    .chain([v.profile().name])
            })
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        for vendor in Vendor::ALL {
            assert_eq!(vendor.profile().vendor, *vendor);
            assert_eq!(Vendor::named(vendor.name()), Some(*vendor));
            assert!(
                vendor
                    .profile()
                    .hosts
                    .iter()
                    .all(|host| host.matches('*').count() <= 1)
            );
        }
    }

    #[test]
    fn hosts_lead_to_vendors() {
        for (host, vendor) in [
            ("api.openai.com", Some(Vendor::OpenAi)),
            ("eu.api.openai.com", Some(Vendor::OpenAi)),
            ("API.ANTHROPIC.COM", Some(Vendor::Anthropic)),
            ("my-instance.openai.azure.com", Some(Vendor::AzureOpenAi)),
            (".openai.azure.com", None),
            (
                "bedrock-runtime.us-east-1.amazonaws.com",
                Some(Vendor::Bedrock),
            ),
            (
                "europe-west4-aiplatform.googleapis.com",
                Some(Vendor::Vertex),
            ),
            ("api.openai.com.evil.example", None),
            ("evilapi.openai.com", None),
            ("localhost", None),
        ] {
            assert_eq!(Vendor::of_host(host), vendor, "{host}");
        }
    }

    #[test]
    fn model_names_lead_to_vendors() {
        for (model, vendor) in [
            ("gpt-4o-mini", Some(Vendor::OpenAi)),
            ("o1", Some(Vendor::OpenAi)),
            ("o3-mini", Some(Vendor::OpenAi)),
            ("o1x", None),
            ("claude-sonnet-4-20250514", Some(Vendor::Anthropic)),
            (
                "anthropic.claude-3-haiku-20240307-v1:0",
                Some(Vendor::Bedrock),
            ),
            ("mistral.mistral-7b-instruct-v0:2", Some(Vendor::Bedrock)),
            ("mistral-large-latest", Some(Vendor::Mistral)),
            ("gemini-2.0-flash", Some(Vendor::Gemini)),
            ("gpt4all", None),
            ("production-llm", None),
            ("", None),
        ] {
            assert_eq!(Vendor::of_model(model), vendor, "{model}");
        }
    }
}
