//! Requests reasoning in the terms of the model's vendor.
//!
//! Converse has no field for it; vendor-specific fields go into `additionalModelRequestFields`:
//!
//! | vendor | fields |
//! |---|---|
//! | Anthropic from 4.6 | `thinking: {type: adaptive}`, `output_config: {effort}` |
//! | Anthropic 3.7 to 4.5 | `thinking: {type: enabled, budget_tokens}` |
//! | Amazon Nova 2 | `reasoningConfig: {type: enabled, maxReasoningEffort}` |
//! | OpenAI gpt-oss, Moonshot | `reasoning_effort` |
//! | OpenAI | `reasoning: {effort}` |

use catalog::{Dialect, Effort, ReasoningRequest as Word};

use crate::formats::anthropic_messages::{MIN_THINKING_BUDGET, thinking_budget};
use crate::formats::bedrock_converse::AdditionalField;

/// The requested reasoning and what constrains it.
#[derive(Debug, Clone, Copy)]
pub struct ReasoningRequest<'a> {
    /// Of the model.
    pub dialect: &'a Dialect,
    /// The requested effort.
    pub effort: Effort,
    /// The client's own limit.
    pub max_tokens: Option<u64>,
    /// The target's limit if the client gave none; at least 1.
    pub default_max_tokens: u64,
    /// The model must call a tool, which Anthropic refuses together with thinking.
    pub forced_tool: bool,
    /// The model continues after tool results whose thinking was not sent back. Anthropic's models with a budget refuse
    /// to think then.
    pub unsigned_tool_loop: bool,
}

/// The fields to send.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReasoningPlan {
    /// In the vendor's terms.
    pub fields: Vec<AdditionalField<'static>>,
    /// The output limit that leaves room for the thinking budget if the client gave none.
    pub max_tokens: Option<u64>,
    /// The model refuses sampling parameters while it thinks.
    pub refuses_sampling: bool,
}

impl ReasoningPlan {
    /// Plans the fields for a request.
    pub fn new(requested: &ReasoningRequest<'_>) -> Self {
        let effort = requested.dialect.effort(requested.effort);
        match requested.dialect.reasoning_request {
            Word::AdaptiveThinking | Word::ThinkingBudget => Self::anthropic(requested),
            Word::ReasoningConfig => Self::field(effort.map(|effort| {
                let effort = effort.as_str();
                let config = format!(r#"{{"type":"enabled","maxReasoningEffort":"{effort}"}}"#);
                ("reasoningConfig", config)
            })),
            Word::ReasoningEffort => Self::field(
                effort.map(|effort| ("reasoning_effort", format!("\"{}\"", effort.as_str()))),
            ),
            Word::Reasoning => Self::field(effort.map(|effort| {
                let config = format!(r#"{{"effort":"{}"}}"#, effort.as_str());
                ("reasoning", config)
            })),
            // The model cannot be told, or its vendor is not known.
            Word::None | Word::Thinking | Word::EnableThinking | Word::ChatTemplate => {
                Self::default()
            }
        }
    }

    fn field(field: Option<(&'static str, String)>) -> Self {
        let field = field.map(|(name, json)| AdditionalField::new(name, json));
        Self {
            fields: field.into_iter().collect(),
            ..Self::default()
        }
    }

    fn anthropic(requested: &ReasoningRequest<'_>) -> Self {
        let dialect = requested.dialect;
        let mut plan = Self::default();
        if let Some(effort) = dialect.efforts.nearest(requested.effort) {
            let config = format!(r#"{{"effort":"{}"}}"#, effort.as_str());
            plan.fields
                .push(AdditionalField::new("output_config", config));
        }
        if requested.effort == Effort::None || requested.forced_tool {
            return plan;
        }
        let takes_budget = dialect.reasoning_request == Word::ThinkingBudget;
        let thinking = if !takes_budget {
            Some(String::from(r#"{"type":"adaptive"}"#))
        } else if requested.unsigned_tool_loop {
            None
        } else {
            // OpenAI's limit includes reasoning, as Anthropic's does: half of the client's limit is left for the
            // response.
            let most = requested.max_tokens.map_or(u64::MAX, |limit| limit / 2);
            let budget = thinking_budget(requested.effort).min(most);
            (budget >= MIN_THINKING_BUDGET).then(|| {
                if requested.max_tokens.is_none() {
                    plan.max_tokens = Some(requested.default_max_tokens.saturating_add(budget));
                }
                format!(r#"{{"type":"enabled","budget_tokens":{budget}}}"#)
            })
        };
        plan.refuses_sampling = thinking.is_some();
        let field = thinking.map(|json| AdditionalField::new("thinking", json));
        plan.fields.extend(field);
        plan
    }
}

#[cfg(test)]
mod tests;
