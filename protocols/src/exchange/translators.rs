//! Selects the translator for a pair of formats: one line each.

use std::rc::Rc;

use catalog::{Dialect, ReasoningField, ReasoningHistory};

use super::in_dialect::InDialect;
use crate::error::RequestError;
use crate::format::{ClientFormat, UpstreamFormat};
use crate::passthrough::anthropic::AnthropicPassThrough;
use crate::passthrough::openai::OpenAiPassThrough;
use crate::translate::anthropic_messages_to_bedrock_converse::AnthropicMessagesToBedrockConverse;
use crate::translate::anthropic_messages_to_chat_completions::AnthropicMessagesToChatCompletions;
use crate::translate::chat_completions_to_anthropic_messages::ChatCompletionsToAnthropicMessages;
use crate::translate::chat_completions_to_bedrock_converse::ChatCompletionsToBedrockConverse;
use crate::translate::chat_completions_to_responses::ChatCompletionsToResponses;
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
    let dialect = attempt.dialect();
    if attempt.goes_over_responses(&dialect) {
        return over_responses(own, dialect);
    }
    match (attempt.client, attempt.upstream()) {
        (ChatCompletions, OpenAi) => {
            let as_is = OpenAiPassThrough::new(Rc::clone(attempt))?;
            Ok(Box::new(InDialect::new(own, dialect, as_is)))
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
            Ok(Box::new(InDialect::new(own, dialect, translator)))
        }
        (AnthropicMessages, Bedrock) => Ok(Box::new(AnthropicMessagesToBedrockConverse::new(own))),
        (Embeddings, Bedrock) => Ok(Box::new(EmbeddingsToBedrockTitan::new(own))),
        (Responses, OpenAi) => {
            let translator = ResponsesToChatCompletions::new(Rc::clone(attempt));
            Ok(Box::new(InDialect::new(own, dialect, translator)))
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

/// Chat Completions in the provider's dialect, then Responses. Encrypted reasoning stays in the messages between both.
fn over_responses(own: Rc<Attempt>, dialect: Dialect) -> Result<Box<dyn Translator>, RequestError> {
    let dialect = Dialect {
        reasoning_field: ReasoningField::SignedBlocks,
        reasoning_history: ReasoningHistory::Accepted,
        ..dialect
    };
    let client: Box<dyn Translator> = if own.client == ClientFormat::ChatCompletions {
        let as_is = OpenAiPassThrough::new(Rc::clone(&own))?;
        Box::new(InDialect::new(Rc::clone(&own), dialect, as_is))
    } else {
        let translator = AnthropicMessagesToChatCompletions::new(Rc::clone(&own));
        Box::new(InDialect::new(Rc::clone(&own), dialect, translator))
    };
    Ok(Box::new(ComposedTranslator::new(
        own,
        |_| client,
        |own| Box::new(ChatCompletionsToResponses::new(own)),
    )))
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
