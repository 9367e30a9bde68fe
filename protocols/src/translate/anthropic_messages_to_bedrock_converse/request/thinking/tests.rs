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
    fields(
        &BEDROCK.dialect(None, model),
        Some(&requested),
        effort,
        Some(3000),
        false,
    )
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
        (
            "arn:aws:bedrock:us-east-1:1:application-inference-profile/x",
            budget,
            None,
            vec![format!("thinking={budget}")],
        ),
        (
            "us.amazon.nova-pro-v1:0",
            budget,
            Some(Effort::High),
            vec![],
        ),
        (
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            r#"{"type":"adaptive"}"#,
            Some(Effort::High),
            vec![r#"thinking={"type":"enabled","budget_tokens":1500}"#.to_owned()],
        ),
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
