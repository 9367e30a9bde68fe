//! Selects the translator for a pair of formats: one line each.

use std::rc::Rc;

use super::in_dialect::InDialect;
use crate::error::RequestError;
use crate::format::{ClientFormat, UpstreamFormat};
use crate::passthrough::anthropic::AnthropicPassThrough;
use crate::passthrough::openai::OpenAiPassThrough;
use crate::translate::anthropic_messages_to_bedrock_converse::AnthropicMessagesToBedrockConverse;
use crate::translate::anthropic_messages_to_chat_completions::AnthropicMessagesToChatCompletions;
use crate::translate::chat_completions_to_anthropic_messages::ChatCompletionsToAnthropicMessages;
use crate::translate::chat_completions_to_bedrock_converse::ChatCompletionsToBedrockConverse;
use crate::translate::composed::ComposedTranslator;
use crate::translate::embeddings_to_bedrock_titan::EmbeddingsToBedrockTitan;
use crate::translate::responses_to_chat_completions::ResponsesToChatCompletions;
use crate::translator::{Attempt, Translator};

/// # Errors
/// The upstream does not serve this endpoint.
pub(super) fn translator(attempt: &Rc<Attempt>) -> Result<Box<dyn Translator>, RequestError> {
    use ClientFormat::{
        AnthropicCountTokens, AnthropicMessages, ChatCompletions, Completions, Embeddings,
        Responses,
    };
    use UpstreamFormat::{Anthropic, Bedrock, OpenAi};

    let own = Rc::clone(attempt);
    match (attempt.client, attempt.upstream()) {
        (ChatCompletions, OpenAi) => {
            let as_is = OpenAiPassThrough::new(Rc::clone(attempt))?;
            Ok(Box::new(InDialect::new(own, as_is)))
        }
        (Completions | Embeddings, OpenAi) => Ok(Box::new(OpenAiPassThrough::new(own)?)),
        (Responses, OpenAi) if attempt.native_responses => {
            Ok(Box::new(OpenAiPassThrough::new(own)?))
        }
        (AnthropicMessages | AnthropicCountTokens, Anthropic) => {
            Ok(Box::new(AnthropicPassThrough::new(own)?))
        }
        (ChatCompletions, Anthropic) => Ok(Box::new(ChatCompletionsToAnthropicMessages::new(own))),
        (ChatCompletions, Bedrock) => Ok(Box::new(ChatCompletionsToBedrockConverse::new(own))),
        (AnthropicMessages, OpenAi) => {
            let translator = AnthropicMessagesToChatCompletions::new(Rc::clone(attempt));
            Ok(Box::new(InDialect::new(own, translator)))
        }
        (AnthropicMessages, Bedrock) => Ok(Box::new(AnthropicMessagesToBedrockConverse::new(own))),
        (Embeddings, Bedrock) => Ok(Box::new(EmbeddingsToBedrockTitan::new(own))),
        (Responses, OpenAi) => {
            let translator = ResponsesToChatCompletions::new(Rc::clone(attempt));
            Ok(Box::new(InDialect::new(own, translator)))
        }
        (Responses, Anthropic) => Ok(Box::new(ComposedTranslator::new(
            own,
            |own| Box::new(ResponsesToChatCompletions::new(own)),
            |own| Box::new(ChatCompletionsToAnthropicMessages::new(own)),
        ))),
        (Responses, Bedrock) => Ok(Box::new(ComposedTranslator::new(
            own,
            |own| Box::new(ResponsesToChatCompletions::new(own)),
            |own| Box::new(ChatCompletionsToBedrockConverse::new(own)),
        ))),
        (AnthropicCountTokens, OpenAi | Bedrock)
        | (Completions, Anthropic | Bedrock)
        | (Embeddings, Anthropic) => Err(not_served(attempt)),
    }
}

fn not_served(attempt: &Attempt) -> RequestError {
    RequestError {
        code: Some("unsupported_endpoint"),
        ..RequestError::new(format!(
            "{} is not served by {} upstreams",
            attempt.client.path(),
            attempt.upstream().title()
        ))
    }
}
