//! The pairs of formats that are tested over files. A new pair is one row in [`PAIRS`].

use catalog::{DialectPatch, Provider, providers};
use protocols::request_info::RequestTraits;
use protocols::translate::anthropic_messages_to_bedrock_converse::AnthropicMessagesToBedrockConverse;
use protocols::translate::anthropic_messages_to_chat_completions::AnthropicMessagesToChatCompletions;
use protocols::translate::chat_completions_to_anthropic_messages::ChatCompletionsToAnthropicMessages;
use protocols::translate::chat_completions_to_bedrock_converse::ChatCompletionsToBedrockConverse;
use protocols::translate::composed::ComposedTranslator;
use protocols::translate::responses_to_chat_completions::ResponsesToChatCompletions;
use protocols::{Attempt, ClientFormat, Translator};
use serde_json::Value;

/// One pair.
pub struct Pair {
    /// Folder below `tests/golden`.
    pub name: &'static str,
    pub client: ClientFormat,
    pub provider: Provider,
    /// What the conformance data calls the two, client first; `None` if it has no cases.
    pub conformance: Option<(&'static str, &'static str)>,
    pub make: fn(Attempt) -> Box<dyn Translator>,
}

pub const PAIRS: &[Pair] = &[
    Pair {
        name: "chat_completions_to_anthropic_messages",
        client: ClientFormat::ChatCompletions,
        provider: providers::ANTHROPIC,
        conformance: Some(("openai", "anthropic")),
        make: |attempt| Box::new(ChatCompletionsToAnthropicMessages::new(attempt)),
    },
    Pair {
        name: "chat_completions_to_bedrock_converse",
        client: ClientFormat::ChatCompletions,
        provider: providers::BEDROCK,
        conformance: Some(("openai", "bedrock")),
        make: |attempt| Box::new(ChatCompletionsToBedrockConverse::new(attempt)),
    },
    Pair {
        name: "anthropic_messages_to_bedrock_converse",
        client: ClientFormat::AnthropicMessages,
        provider: providers::BEDROCK,
        conformance: Some(("anthropic", "bedrock")),
        make: |attempt| Box::new(AnthropicMessagesToBedrockConverse::new(attempt)),
    },
    Pair {
        name: "anthropic_messages_to_chat_completions",
        client: ClientFormat::AnthropicMessages,
        provider: Provider::COMPATIBLE,
        conformance: Some(("anthropic", "openai")),
        make: |attempt| Box::new(AnthropicMessagesToChatCompletions::new(attempt)),
    },
    Pair {
        name: "anthropic_messages_to_chat_completions_azure",
        client: ClientFormat::AnthropicMessages,
        provider: providers::AZURE_OPENAI,
        conformance: Some(("anthropic", "azure")),
        make: |attempt| Box::new(AnthropicMessagesToChatCompletions::new(attempt)),
    },
    Pair {
        name: "anthropic_messages_to_chat_completions_ollama",
        client: ClientFormat::AnthropicMessages,
        provider: providers::OLLAMA,
        conformance: Some(("anthropic", "ollama")),
        make: |attempt| Box::new(AnthropicMessagesToChatCompletions::new(attempt)),
    },
    Pair {
        name: "responses_to_chat_completions",
        client: ClientFormat::Responses,
        provider: Provider::COMPATIBLE,
        conformance: None,
        make: |attempt| Box::new(ResponsesToChatCompletions::new(attempt)),
    },
    Pair {
        name: "responses_to_chat_completions_ollama",
        client: ClientFormat::Responses,
        provider: providers::OLLAMA,
        conformance: None,
        make: |attempt| Box::new(ResponsesToChatCompletions::new(attempt)),
    },
    Pair {
        name: "responses_to_anthropic_messages",
        client: ClientFormat::Responses,
        provider: providers::ANTHROPIC,
        conformance: None,
        make: |attempt| {
            Box::new(ComposedTranslator::new(
                attempt,
                |attempt| Box::new(ResponsesToChatCompletions::new(attempt)),
                |attempt| Box::new(ChatCompletionsToAnthropicMessages::new(attempt)),
            ))
        },
    },
    Pair {
        name: "responses_to_bedrock_converse",
        client: ClientFormat::Responses,
        provider: providers::BEDROCK,
        conformance: None,
        make: |attempt| {
            Box::new(ComposedTranslator::new(
                attempt,
                |attempt| Box::new(ResponsesToChatCompletions::new(attempt)),
                |attempt| Box::new(ChatCompletionsToBedrockConverse::new(attempt)),
            ))
        },
    },
];

impl Pair {
    /// The attempt for a client's request, as the filter would make it. `settings` are fields of an `attempt.json`.
    pub fn attempt(&self, request: &Value, settings: &Value) -> Attempt {
        let text = |name: &str| Some(settings.get(name)?.as_str()?.to_owned());
        let flag = |name: &str| settings.get(name).and_then(Value::as_bool);
        let asked = |value: Option<&Value>| value.and_then(Value::as_bool).unwrap_or(false);
        let include_usage = request
            .get("stream_options")
            .and_then(|options| options.get("include_usage"));
        let model = text("model")
            .or_else(|| Some(request.get("model")?.as_str()?.to_owned()))
            .unwrap_or_else(|| String::from("m"));
        Attempt {
            client: self.client,
            provider: self.provider,
            quirks: DialectPatch::NONE,
            base_path: text("base_path").unwrap_or_default(),
            api_version: text("api_version"),
            model,
            stream: flag("stream").unwrap_or_else(|| asked(request.get("stream"))),
            include_usage: flag("include_usage").unwrap_or_else(|| asked(include_usage)),
            ask_for_usage: false,
            model_span: 0..0,
            traits: RequestTraits::ANYTHING,
            default_max_tokens: settings
                .get("default_max_tokens")
                .and_then(Value::as_u64)
                .map_or(4096, |limit| u32::try_from(limit).unwrap()),
            request_id: String::from("req1"),
            created: 1_700_000_000,
            anthropic_version: text("anthropic_version"),
            anthropic_beta: text("anthropic_beta"),
            native_responses: flag("native_responses").unwrap_or(false),
            metadata: settings.get("metadata").map(Value::to_string),
            fail_over_on_context_length: false,
            fail_over_on_content_policy: false,
        }
    }
}
