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

use crate::formats::anthropic_messages::{Claude, Thinking};
use crate::formats::bedrock_converse::{AdditionalField, Vendor};
use crate::formats::chat_completions::request_reader::ReasoningEffort;

/// The requested reasoning and what constrains it.
#[derive(Debug, Clone, Copy)]
pub struct ReasoningRequest<'a> {
    /// The model's id.
    pub model: &'a str,
    /// The requested effort.
    pub effort: ReasoningEffort,
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
        match Vendor::of(requested.model) {
            Vendor::Anthropic => Self::anthropic(requested),
            Vendor::Nova2 => Self::field(nova_effort(requested.effort).map(|effort| {
                let config = format!(r#"{{"type":"enabled","maxReasoningEffort":"{effort}"}}"#);
                ("reasoningConfig", config)
            })),
            Vendor::GptOss | Vendor::Moonshot => Self::field(Some((
                "reasoning_effort",
                format!("\"{}\"", up_to_high(requested.effort)),
            ))),
            Vendor::OpenAi => Self::field(Some((
                "reasoning",
                format!(r#"{{"effort":"{}"}}"#, openai_effort(requested.effort)),
            ))),
            Vendor::Other => Self::default(),
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
        let model = Claude::from_name(requested.model);
        let mut plan = Self::default();
        if let Some(effort) = model.effort().word(requested.effort) {
            let config = format!(r#"{{"effort":"{effort}"}}"#);
            plan.fields
                .push(AdditionalField::new("output_config", config));
        }
        if requested.effort == ReasoningEffort::None || requested.forced_tool {
            return plan;
        }
        let thinking = match model.thinking() {
            Thinking::Unsupported => None,
            Thinking::Adaptive => Some(String::from(r#"{"type":"adaptive"}"#)),
            Thinking::Budget if requested.unsigned_tool_loop => None,
            Thinking::Budget => {
                // OpenAI's limit includes reasoning, as Anthropic's does: half of the client's limit is left for the
                // response.
                let most = requested.max_tokens.map_or(u64::MAX, |limit| limit / 2);
                let budget = Thinking::budget(requested.effort).min(most);
                (budget >= Thinking::MIN_BUDGET).then(|| {
                    if requested.max_tokens.is_none() {
                        plan.max_tokens = Some(requested.default_max_tokens.saturating_add(budget));
                    }
                    format!(r#"{{"type":"enabled","budget_tokens":{budget}}}"#)
                })
            }
        };
        plan.refuses_sampling = thinking.is_some();
        let field = thinking.map(|json| AdditionalField::new("thinking", json));
        plan.fields.extend(field);
        plan
    }
}

fn nova_effort(effort: ReasoningEffort) -> Option<&'static str> {
    match effort {
        ReasoningEffort::None => None,
        ReasoningEffort::Minimal
        | ReasoningEffort::Low
        | ReasoningEffort::Medium
        | ReasoningEffort::High
        | ReasoningEffort::XHigh
        | ReasoningEffort::Max => Some(up_to_high(effort)),
    }
}

/// For models that always reason and have three levels.
fn up_to_high(effort: ReasoningEffort) -> &'static str {
    match effort {
        ReasoningEffort::None | ReasoningEffort::Minimal | ReasoningEffort::Low => "low",
        ReasoningEffort::Medium => "medium",
        ReasoningEffort::High | ReasoningEffort::XHigh | ReasoningEffort::Max => "high",
    }
}

/// Some of OpenAI's models on Bedrock refuse `minimal`; none refuses `low`.
fn openai_effort(effort: ReasoningEffort) -> &'static str {
    match effort {
        ReasoningEffort::None => "none",
        ReasoningEffort::Minimal | ReasoningEffort::Low => "low",
        ReasoningEffort::Medium => "medium",
        ReasoningEffort::High => "high",
        ReasoningEffort::XHigh => "xhigh",
        ReasoningEffort::Max => "max",
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn requested(model: &str, effort: ReasoningEffort) -> ReasoningRequest<'_> {
        ReasoningRequest {
            model,
            effort,
            max_tokens: None,
            default_max_tokens: 4096,
            forced_tool: false,
            unsigned_tool_loop: false,
        }
    }

    fn fields(plan: &ReasoningPlan) -> Vec<String> {
        let field = |field: &AdditionalField<'_>| format!("{}={}", field.name, field.json);
        plan.fields.iter().map(field).collect()
    }

    #[test]
    fn every_vendor_is_asked_in_its_own_words() {
        use ReasoningEffort as R;
        for (model, effort, expected) in [
            (
                "us.anthropic.claude-opus-4-6-v1",
                R::XHigh,
                vec![
                    r#"output_config={"effort":"max"}"#,
                    r#"thinking={"type":"adaptive"}"#,
                ],
            ),
            (
                "anthropic.claude-3-7-sonnet-20250219-v1:0",
                R::Medium,
                vec![r#"thinking={"type":"enabled","budget_tokens":4096}"#],
            ),
            (
                "anthropic.claude-opus-4-5-20251101-v1:0",
                R::Low,
                vec![
                    r#"output_config={"effort":"low"}"#,
                    r#"thinking={"type":"enabled","budget_tokens":1024}"#,
                ],
            ),
            ("anthropic.claude-3-haiku-20240307-v1:0", R::High, vec![]),
            ("anthropic.claude-opus-4-6-v1", R::None, vec![]),
            (
                "us.amazon.nova-2-lite-v1:0",
                R::XHigh,
                vec![r#"reasoningConfig={"type":"enabled","maxReasoningEffort":"high"}"#],
            ),
            ("us.amazon.nova-2-lite-v1:0", R::None, vec![]),
            (
                "openai.gpt-oss-20b-1:0",
                R::None,
                vec![r#"reasoning_effort="low""#],
            ),
            (
                "openai.gpt-5.6-v1",
                R::Minimal,
                vec![r#"reasoning={"effort":"low"}"#],
            ),
            (
                "moonshot.kimi-k2-thinking",
                R::Medium,
                vec![r#"reasoning_effort="medium""#],
            ),
            ("meta.llama3-1-8b-instruct-v1:0", R::High, vec![]),
        ] {
            let plan = ReasoningPlan::new(&requested(model, effort));
            assert_eq!(fields(&plan), expected, "{model}");
        }
    }

    #[test]
    fn a_budget_leaves_room_for_the_answer() {
        let model = "anthropic.claude-3-7-sonnet-20250219-v1:0";
        let high = requested(model, ReasoningEffort::High);
        for (max_tokens, budget, limit) in [
            (None, Some(16_384), Some(4096 + 16_384)),
            (Some(40_000), Some(16_384), None),
            (Some(4000), Some(2000), None),
            (Some(2047), None, None),
        ] {
            let plan = ReasoningPlan::new(&ReasoningRequest { max_tokens, ..high });
            let expected: Vec<_> = budget
                .map(|budget| format!(r#"thinking={{"type":"enabled","budget_tokens":{budget}}}"#))
                .into_iter()
                .collect();
            assert_eq!(fields(&plan), expected, "{max_tokens:?}");
            assert_eq!(plan.max_tokens, limit);
            assert_eq!(plan.refuses_sampling, budget.is_some());
        }
        for refused in [
            ReasoningRequest {
                forced_tool: true,
                ..high
            },
            ReasoningRequest {
                unsigned_tool_loop: true,
                ..high
            },
        ] {
            assert_eq!(ReasoningPlan::new(&refused), ReasoningPlan::default());
        }
    }
}
