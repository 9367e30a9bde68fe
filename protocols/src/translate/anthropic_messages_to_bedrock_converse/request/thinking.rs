//! Requests thinking: as received for Claude, in the vendor's terms for other models.

use catalog::{Dialect, Effort, ReasoningRequest as Word};

use crate::formats::anthropic_messages::request_reader::ThinkingConfig;
use crate::formats::bedrock_converse::{AdditionalField, ReasoningPlan, ReasoningRequest};

/// The fields for `thinking` and `output_config.effort`.
pub(super) fn fields<'a>(
    dialect: &Dialect,
    thinking: Option<&ThinkingConfig<'a>>,
    effort: Option<Effort>,
) -> Vec<AdditionalField<'a>> {
    match dialect.reasoning_request {
        // A model whose id names no vendor most likely understands the client's fields.
        Word::AdaptiveThinking | Word::ThinkingBudget | Word::None => {
            let thinking =
                thinking.map(|thinking| AdditionalField::new("thinking", thinking.raw.get()));
            let effort = effort.map(|effort| {
                let config = format!(r#"{{"effort":"{}"}}"#, effort.as_str());
                AdditionalField::new("output_config", config)
            });
            thinking.into_iter().chain(effort).collect()
        }
        Word::ReasoningConfig
        | Word::ReasoningEffort
        | Word::Reasoning
        | Word::Thinking
        | Word::EnableThinking
        | Word::ChatTemplate => {
            let requested = requested_effort(thinking, effort).map(|effort| ReasoningRequest {
                dialect,
                effort,
                max_tokens: None,
                default_max_tokens: 1,
                forced_tool: false,
                unsigned_tool_loop: false,
            });
            requested
                .map(|requested| ReasoningPlan::new(&requested).fields)
                .unwrap_or_default()
        }
    }
}

/// The effort that the client asks for; `None` if it leaves that to the model.
fn requested_effort(
    thinking: Option<&ThinkingConfig<'_>>,
    effort: Option<Effort>,
) -> Option<Effort> {
    match thinking {
        Some(thinking) if thinking.kind == "disabled" => Some(Effort::None),
        Some(thinking) => effort.or(Some(match thinking.budget_tokens {
            Some(..=2048) => Effort::Low,
            Some(..=8192) => Effort::Medium,
            Some(_) => Effort::High,
            // Anthropic defines adaptive thinking without an effort as `high`.
            None => Effort::High,
        })),
        None => effort,
    }
}

#[cfg(test)]
mod tests;
