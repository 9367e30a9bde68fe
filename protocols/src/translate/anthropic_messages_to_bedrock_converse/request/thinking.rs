//! Requests thinking: as received for Claude, in the vendor's terms for other models.

use catalog::{Dialect, Effort, ReasoningRequest as Word};

use crate::formats::anthropic_messages::request_reader::ThinkingConfig;
use crate::formats::anthropic_messages::{MIN_THINKING_BUDGET, thinking_budget};
use crate::formats::bedrock_converse::{AdditionalField, ReasoningPlan, ReasoningRequest};

/// The fields for `thinking` and `output_config.effort`.
pub(super) fn fields<'a>(
    dialect: &Dialect,
    thinking: Option<&ThinkingConfig<'a>>,
    effort: Option<Effort>,
    max_tokens: Option<u64>,
    unsigned_tool_loop: bool,
) -> Vec<AdditionalField<'a>> {
    match dialect.reasoning_request {
        Word::None if !dialect.takes("thinking") => Vec::new(),
        // The id of a profile does not say whose model it is: most likely it understands the client's fields.
        Word::AdaptiveThinking | Word::ThinkingBudget | Word::None => {
            let thinking = thinking.and_then(|thinking| match dialect.reasoning_request {
                Word::ThinkingBudget if thinking.kind == "adaptive" && unsigned_tool_loop => None,
                Word::ThinkingBudget if thinking.kind == "adaptive" => {
                    budget(effort.unwrap_or(Effort::High), max_tokens)
                }
                _ => Some(AdditionalField::new("thinking", thinking.raw.get())),
            });
            let effort = match dialect.reasoning_request {
                Word::None => effort,
                _ => effort.and_then(|effort| dialect.efforts.nearest(effort)),
            };
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

/// A budget in place of adaptive thinking, which models before Claude 4.6 refuse. It leaves half of the limit for the
/// answer.
fn budget(effort: Effort, max_tokens: Option<u64>) -> Option<AdditionalField<'static>> {
    let most = max_tokens.map_or(u64::MAX, |limit| limit / 2);
    let tokens = thinking_budget(effort).min(most);
    let json = format!(r#"{{"type":"enabled","budget_tokens":{tokens}}}"#);
    (tokens >= MIN_THINKING_BUDGET).then(|| AdditionalField::new("thinking", json))
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
