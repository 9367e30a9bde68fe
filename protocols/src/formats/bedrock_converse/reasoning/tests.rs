#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use catalog::providers::BEDROCK;

use super::*;

fn dialect(model: &str) -> Dialect {
    BEDROCK.dialect(None, model)
}

fn requested(dialect: &Dialect, effort: Effort) -> ReasoningRequest<'_> {
    ReasoningRequest {
        dialect,
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
    use Effort as R;
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
        let plan = ReasoningPlan::new(&requested(&dialect(model), effort));
        assert_eq!(fields(&plan), expected, "{model}");
    }
}

#[test]
fn a_budget_leaves_room_for_the_answer() {
    let model = "anthropic.claude-3-7-sonnet-20250219-v1:0";
    let dialect = dialect(model);
    let high = requested(&dialect, Effort::High);
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
