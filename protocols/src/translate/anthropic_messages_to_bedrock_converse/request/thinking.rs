//! Requests thinking: as received for Claude, in the vendor's terms for other models.

use crate::formats::anthropic_messages::request_reader::ThinkingConfig;
use crate::formats::bedrock_converse::{AdditionalField, ReasoningPlan, ReasoningRequest, Vendor};
use crate::formats::chat_completions::request_reader::ReasoningEffort;

/// The fields for `thinking` and `output_config.effort`.
pub(super) fn fields<'a>(
    model: &str,
    thinking: Option<&ThinkingConfig<'a>>,
    effort: Option<ReasoningEffort>,
) -> Vec<AdditionalField<'a>> {
    match Vendor::of(model) {
        // A model whose id names no vendor most likely understands the client's fields.
        Vendor::Anthropic | Vendor::Other => {
            let thinking =
                thinking.map(|thinking| AdditionalField::new("thinking", thinking.raw.get()));
            let effort = effort.map(|effort| {
                let config = format!(r#"{{"effort":"{}"}}"#, effort.as_str());
                AdditionalField::new("output_config", config)
            });
            thinking.into_iter().chain(effort).collect()
        }
        Vendor::Nova2 | Vendor::GptOss | Vendor::OpenAi | Vendor::Moonshot => {
            let requested = requested_effort(thinking, effort).map(|effort| ReasoningRequest {
                model,
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
    effort: Option<ReasoningEffort>,
) -> Option<ReasoningEffort> {
    match thinking {
        Some(thinking) if thinking.kind == "disabled" => Some(ReasoningEffort::None),
        Some(thinking) => effort.or(Some(match thinking.budget_tokens {
            Some(..=2048) => ReasoningEffort::Low,
            Some(..=8192) => ReasoningEffort::Medium,
            Some(_) => ReasoningEffort::High,
            // Anthropic defines adaptive thinking without an effort as `high`.
            None => ReasoningEffort::High,
        })),
        None => effort,
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use serde_json::value::RawValue;

    use super::*;
    use crate::json::Object;

    fn fields_for(model: &str, thinking: &str, effort: Option<ReasoningEffort>) -> Vec<String> {
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
        fields(model, Some(&requested), effort)
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
                Some(ReasoningEffort::High),
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
                Some(ReasoningEffort::Low),
                vec![r#"reasoningConfig={"type":"enabled","maxReasoningEffort":"low"}"#.to_owned()],
            ),
            (
                "us.amazon.nova-2-lite-v1:0",
                r#"{"type":"disabled"}"#,
                Some(ReasoningEffort::Low),
                vec![],
            ),
        ] {
            assert_eq!(fields_for(model, thinking, effort), expected, "{model}");
        }
    }
}
