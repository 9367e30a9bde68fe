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
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use serde_json::value::RawValue;

    use catalog::providers::BEDROCK;

    use super::*;
    use crate::json::Object;

    fn fields_for(model: &str, thinking: &str, effort: Option<Effort>) -> Vec<String> {
        let raw = RawValue::from_string(thinking.to_owned()).unwrap();
        let object: Object<'_> = serde_json::from_str(raw.get()).unwrap();
        let text = |name| serde_json::from_str::<String>(object.get(name).unwrap().get()).unwrap();
        let requested = ThinkingConfig {
            kind: text("type").into(),
            budget_tokens: object
                .get("budget_tokens")
                .map(|raw| raw.get().parse().unwrap()),
            raw: &raw,
        };
        fields(&BEDROCK.dialect(None, model), Some(&requested), effort)
            .into_iter()
            .map(|field| format!("{}={}", field.name, field.json))
            .collect()
    }

    #[test]
    fn claude_gets_the_clients_own_words_and_other_vendors_theirs() {
        let budget = r#"{"type":"enabled","budget_tokens":5000}"#;
        for (model, thinking, effort, expected) in [
            (
                "us.anthropic.claude-opus-4-6-v1",
                budget,
                Some(Effort::High),
                vec![
                    format!("thinking={budget}"),
                    r#"output_config={"effort":"high"}"#.to_owned(),
                ],
            ),
            ("m", budget, None, vec![format!("thinking={budget}")]),
            (
                "openai.gpt-oss-120b-1:0",
                budget,
                None,
                vec![r#"reasoning_effort="medium""#.to_owned()],
            ),
            (
                "us.amazon.nova-2-lite-v1:0",
                r#"{"type":"adaptive"}"#,
                Some(Effort::Low),
                vec![r#"reasoningConfig={"type":"enabled","maxReasoningEffort":"low"}"#.to_owned()],
            ),
            (
                "us.amazon.nova-2-lite-v1:0",
                r#"{"type":"disabled"}"#,
                Some(Effort::Low),
                vec![],
            ),
        ] {
            assert_eq!(fields_for(model, thinking, effort), expected, "{model}");
        }
    }
}
