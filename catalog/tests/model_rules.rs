//! How requests to some models differ.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use catalog::providers::*;
use catalog::{
    Effort, Efforts, ForcedTools, JsonSchemaSupport, OutputLimit, ReasoningRequest,
    RequiredToolChoice, Sampling, SystemMessages,
};

fn efforts(efforts: &[Effort]) -> Efforts {
    efforts
        .iter()
        .fold(Efforts::NONE, |set, effort| set.with(*effort))
}

#[test]
fn claude_models_differ_by_version() {
    use Effort::{High, Low, Max, Medium, XHigh};
    let none = efforts(&[]);
    let to_high = efforts(&[Low, Medium, High]);
    let to_max = efforts(&[Low, Medium, High, Max]);
    let all = efforts(&[Low, Medium, High, XHigh, Max]);
    for (name, sampling, thinking, levels, structured) in [
        (
            "claude-3-opus-20240229",
            Sampling::Both,
            ReasoningRequest::None,
            none,
            false,
        ),
        (
            "claude-2.1",
            Sampling::Both,
            ReasoningRequest::None,
            none,
            false,
        ),
        (
            "claude-3-7-sonnet-20250219",
            Sampling::Both,
            ReasoningRequest::ThinkingBudget,
            none,
            false,
        ),
        (
            "claude-3.7-sonnet",
            Sampling::Both,
            ReasoningRequest::ThinkingBudget,
            none,
            false,
        ),
        (
            "claude-opus-4-20250514",
            Sampling::Both,
            ReasoningRequest::ThinkingBudget,
            none,
            false,
        ),
        (
            "claude-opus-4-1-20250805",
            Sampling::One,
            ReasoningRequest::ThinkingBudget,
            none,
            false,
        ),
        (
            "claude-haiku-4-5-20251001",
            Sampling::One,
            ReasoningRequest::ThinkingBudget,
            none,
            true,
        ),
        (
            "claude-sonnet-4-5@20250929",
            Sampling::One,
            ReasoningRequest::ThinkingBudget,
            none,
            true,
        ),
        (
            "claude-opus-4-5-20251101",
            Sampling::One,
            ReasoningRequest::ThinkingBudget,
            to_high,
            true,
        ),
        (
            "claude-sonnet-4-6",
            Sampling::One,
            ReasoningRequest::AdaptiveThinking,
            to_high,
            true,
        ),
        (
            "claude-opus-4-6",
            Sampling::One,
            ReasoningRequest::AdaptiveThinking,
            to_max,
            true,
        ),
        (
            "claude-opus-4-7",
            Sampling::None,
            ReasoningRequest::AdaptiveThinking,
            all,
            true,
        ),
        (
            "anthropic/Claude-Opus-4.7",
            Sampling::None,
            ReasoningRequest::AdaptiveThinking,
            all,
            true,
        ),
        (
            "claude-fable-5",
            Sampling::None,
            ReasoningRequest::AdaptiveThinking,
            all,
            true,
        ),
        // Newer than the catalogue, or another vendor's behind the same format.
        (
            "claude-opus-latest",
            Sampling::Both,
            ReasoningRequest::AdaptiveThinking,
            all,
            true,
        ),
        (
            "m",
            Sampling::Both,
            ReasoningRequest::AdaptiveThinking,
            all,
            true,
        ),
    ] {
        for (provider, name) in [
            (ANTHROPIC, name.to_owned()),
            (BEDROCK, format!("us.anthropic.{name}-v1:0")),
        ] {
            let is_foreign = name.ends_with(".m-v1:0") || name.contains('/');
            if provider == BEDROCK && is_foreign {
                continue;
            }
            let dialect = provider.dialect(None, &name);
            let found = (dialect.sampling, dialect.reasoning_request, dialect.efforts);
            assert_eq!(found, (sampling, thinking, levels), "{name}");
            assert_eq!(
                dialect.json_schema == JsonSchemaSupport::Native,
                structured,
                "{name}"
            );
            assert_eq!(dialect.strict_tools, structured, "{name}");
        }
    }
}

#[test]
fn newer_claude_models_think_always_and_cannot_be_forced() {
    for (name, thinking_off, forced, prefill, system) in [
        (
            "claude-sonnet-4-5",
            true,
            ForcedTools::NotThinking,
            true,
            SystemMessages::TopLevel,
        ),
        (
            "claude-opus-4-8",
            true,
            ForcedTools::NotThinking,
            false,
            SystemMessages::TopLevelOrLater,
        ),
        (
            "claude-opus-5-5",
            false,
            ForcedTools::Never,
            false,
            SystemMessages::TopLevelOrLater,
        ),
        (
            "claude-sonnet-5-5",
            false,
            ForcedTools::Never,
            false,
            SystemMessages::TopLevel,
        ),
        (
            "claude-haiku-5-5",
            true,
            ForcedTools::NotThinking,
            false,
            SystemMessages::TopLevel,
        ),
        (
            "claude-fable-5",
            false,
            ForcedTools::NotThinking,
            false,
            SystemMessages::TopLevelOrLater,
        ),
        (
            "claude-mythos-5-1",
            false,
            ForcedTools::Never,
            false,
            SystemMessages::TopLevelOrLater,
        ),
    ] {
        let dialect = ANTHROPIC.dialect(None, name);
        assert_eq!(
            (
                dialect.thinking_off,
                dialect.forced_tools,
                dialect.prefill,
                dialect.system_messages
            ),
            (thinking_off, forced, prefill, system),
            "{name}"
        );
    }
}

#[test]
fn openai_models_differ_by_version() {
    for (name, limit, tools_need_responses, effort_of_minimal, stop) in [
        ("gpt-4o", OutputLimit::Either, false, None, true),
        ("gpt-4.1-mini", OutputLimit::Either, false, None, true),
        (
            "gpt-5-mini",
            OutputLimit::MaxCompletionTokens,
            false,
            Some(Effort::Minimal),
            false,
        ),
        (
            "gpt-5.1-2025-11-13",
            OutputLimit::MaxCompletionTokens,
            false,
            Some(Effort::Low),
            false,
        ),
        (
            "gpt-5.4",
            OutputLimit::MaxCompletionTokens,
            true,
            Some(Effort::Low),
            false,
        ),
        (
            "gpt-6.1-sol",
            OutputLimit::MaxCompletionTokens,
            true,
            Some(Effort::Low),
            false,
        ),
        (
            "o4-mini",
            OutputLimit::MaxCompletionTokens,
            false,
            Some(Effort::Low),
            false,
        ),
        (
            "o1",
            OutputLimit::MaxCompletionTokens,
            false,
            Some(Effort::Low),
            true,
        ),
        // Newer than the catalogue.
        (
            "gpt-7",
            OutputLimit::MaxCompletionTokens,
            true,
            Some(Effort::Low),
            false,
        ),
    ] {
        let dialect = OPENAI.dialect(None, name);
        assert_eq!(dialect.output_limit, limit, "{name}");
        assert_eq!(dialect.tools_need_responses, tools_need_responses, "{name}");
        assert_eq!(
            dialect.efforts.nearest(Effort::Minimal),
            effort_of_minimal,
            "{name}"
        );
        assert_eq!(dialect.takes("stop"), stop, "{name}");
        assert_eq!(
            dialect.takes("reasoning_effort"),
            effort_of_minimal.is_some(),
            "{name}"
        );
    }
    assert!(OPENAI.dialect(None, "gpt-5.5-pro").responses_only);
    assert!(!OPENAI.dialect(None, "gpt-6.1-sol").thinking_off);
    assert!(
        !OPENAI
            .dialect(None, "gpt-5.4")
            .takes("prompt_cache_options")
    );
    assert!(
        OPENAI
            .dialect(None, "gpt-5.6-sol")
            .takes("prompt_cache_options")
    );
    // Open weights are no version of GPT.
    assert_eq!(
        GROQ.dialect(None, "openai/gpt-oss-20b").output_limit,
        OutputLimit::Either
    );
}

#[test]
fn models_at_bedrock_are_asked_in_their_vendors_words() {
    for (model, request, cache_points) in [
        (
            "anthropic.claude-3-haiku-20240307-v1:0",
            ReasoningRequest::None,
            true,
        ),
        (
            "us.anthropic.claude-opus-4-6-v1",
            ReasoningRequest::AdaptiveThinking,
            true,
        ),
        ("claude-opus-4-6", ReasoningRequest::AdaptiveThinking, true),
        (
            "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-4-6-v1",
            ReasoningRequest::AdaptiveThinking,
            true,
        ),
        (
            "us.amazon.nova-2-lite-v1:0",
            ReasoningRequest::ReasoningConfig,
            true,
        ),
        ("amazon.nova-lite-v1:0", ReasoningRequest::None, true),
        (
            "openai.gpt-oss-120b-1:0",
            ReasoningRequest::ReasoningEffort,
            false,
        ),
        ("openai.gpt-5.6-v1:0", ReasoningRequest::Reasoning, false),
        (
            "moonshot.kimi-k2-thinking",
            ReasoningRequest::ReasoningEffort,
            false,
        ),
        (
            "moonshotai.kimi-k2.5",
            ReasoningRequest::ReasoningEffort,
            false,
        ),
        (
            "us.meta.llama3-1-8b-instruct-v1:0",
            ReasoningRequest::None,
            false,
        ),
        ("us.mistral.x", ReasoningRequest::None, false),
        (
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/ab12",
            ReasoningRequest::None,
            true,
        ),
        ("m", ReasoningRequest::None, true),
        ("", ReasoningRequest::None, true),
    ] {
        let dialect = BEDROCK.dialect(None, model);
        assert_eq!(dialect.reasoning_request, request, "{model}");
        assert_eq!(dialect.cache_control, cache_points, "{model}");
    }
}

#[test]
fn kimi_takes_what_its_version_takes() {
    for (model, required, request, effort) in [
        (
            "kimi-k2.6",
            RequiredToolChoice::Auto,
            ReasoningRequest::Thinking,
            None,
        ),
        (
            "kimi-k3",
            RequiredToolChoice::Required,
            ReasoningRequest::ReasoningEffort,
            Some(Effort::High),
        ),
        (
            "kimi-k3.1-pro",
            RequiredToolChoice::Required,
            ReasoningRequest::ReasoningEffort,
            Some(Effort::High),
        ),
    ] {
        let dialect = MOONSHOT.dialect(None, model);
        assert_eq!(
            (dialect.required_tool_choice, dialect.reasoning_request),
            (required, request),
            "{model}"
        );
        assert_eq!(dialect.efforts.nearest(Effort::Medium), effort, "{model}");
        assert!(
            !dialect.takes("temperature") && !dialect.takes("n"),
            "{model}"
        );
    }
}

#[test]
fn the_nearest_effort_is_the_next_higher_one() {
    let levels = efforts(&[Effort::Low, Effort::High]);
    for (wanted, nearest) in [
        (Effort::None, None),
        (Effort::Minimal, Some(Effort::Low)),
        (Effort::Low, Some(Effort::Low)),
        (Effort::Medium, Some(Effort::High)),
        (Effort::Max, Some(Effort::High)),
    ] {
        assert_eq!(levels.nearest(wanted), nearest, "{wanted:?}");
    }
    assert_eq!(Efforts::NONE.nearest(Effort::High), None);
    assert_eq!(
        levels.with(Effort::None).nearest(Effort::None),
        Some(Effort::None)
    );
}
