//! What the catalogue says of models.

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
use catalog::{Ability, Model, ModelStatus, Provider, nearest_model, successor};

fn per_million(provider: Provider, model: &str) -> Option<(f64, f64)> {
    let price = Model::find(provider, model)?.price?;
    Some((f64::from(price.input) / 1e6, f64::from(price.output) / 1e6))
}

#[test]
fn prices_are_found_with_and_without_place_date_and_version() {
    for (provider, model, expected) in [
        (OPENAI, "gpt-4o", Some((2.5, 10.0))),
        (OPENAI, "gpt-4o-2024-08-06", Some((2.5, 10.0))),
        (OPENAI, "gpt-4o-2024-05-13", Some((5.0, 15.0))),
        (OPENAI, "gpt-4o-mini-2024-07-18", Some((0.15, 0.6))),
        (AZURE_OPENAI, "gpt-4o", Some((2.5, 10.0))),
        (ANTHROPIC, "claude-sonnet-4-20250514", Some((3.0, 15.0))),
        (ANTHROPIC, "claude-opus-4-5-20251101", Some((5.0, 25.0))),
        (VERTEX, "claude-opus-4-1@20250805", Some((15.0, 75.0))),
        (
            BEDROCK,
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            Some((3.0, 15.0)),
        ),
        (BEDROCK, "amazon.nova-pro-v1:0", Some((0.8, 3.2))),
        (
            BEDROCK,
            "meta.llama3-3-70b-instruct-v1:0",
            Some((0.72, 0.72)),
        ),
        (BEDROCK, "openai.gpt-oss-120b-1:0", Some((0.15, 0.6))),
        (BEDROCK, "moonshotai.kimi-k3", Some((3.3, 16.5))),
        (MOONSHOT, "kimi-k3", Some((3.0, 15.0))),
        (MISTRAL, "mistral-large-latest", Some((0.5, 1.5))),
        (MISTRAL, "mistral-large-4", Some((0.7, 2.1))),
        (GEMINI, "models/gemini-2.5-flash", Some((0.3, 2.5))),
        (GEMINI, "gemini-3.1-pro-preview", Some((2.0, 12.0))),
        (OPENROUTER, "anthropic/claude-sonnet-4-6", Some((3.0, 15.0))),
        (GROQ, "openai/gpt-oss-120b", Some((0.15, 0.6))),
        (CEREBRAS, "gpt-oss-120b", Some((0.35, 0.75))),
        (MINIMAX, "minimax-m3", Some((0.3, 1.2))),
    ] {
        assert_eq!(
            per_million(provider, model),
            expected,
            "{provider:?} {model}"
        );
    }
}

#[test]
fn a_variant_that_is_not_listed_has_no_price_rather_than_its_siblings() {
    for (provider, model) in [
        (OPENAI, "gpt-4o-audio"),
        (OPENAI, "gpt-4o-mini-tts"),
        (OPENAI, "gpt-5.9"),
        (ANTHROPIC, "claude-opus-9"),
        (OPENAI, "o3-deep-research"),
        (BEDROCK, "llama3.1"),
        (OPENAI, "production-llm"),
        (OPENAI, ""),
        // Who sells open weights has prices of its own.
        (TOGETHER, "deepseek-v4-pro"),
    ] {
        assert_eq!(per_million(provider, model), None, "{model}");
    }
}

#[test]
fn what_is_written_to_a_cache_and_what_is_long_has_prices_of_its_own() {
    for (provider, model, cache_write) in [
        (ANTHROPIC, "claude-sonnet-4-20250514", Some(3_750_000)),
        (
            BEDROCK,
            "us.anthropic.claude-opus-4-5-20251101-v1:0",
            Some(6_250_000),
        ),
        // Rounded by Anthropic.
        (ANTHROPIC, "claude-3-haiku", Some(300_000)),
        (OPENAI, "gpt-4o", None),
        (OPENAI, "gpt-6-astra", Some(12_500_000)),
    ] {
        let price = Model::find(provider, model).and_then(|model| model.price);
        assert_eq!(
            price.and_then(|price| price.cache_write),
            cache_write,
            "{model}"
        );
    }
    let long = Model::find(OPENAI, "gpt-6-astra")
        .unwrap()
        .price
        .unwrap()
        .tiers;
    assert_eq!(long.len(), 1);
    assert_eq!(
        (long[0].above_prompt_tokens, long[0].input),
        (272_000, 20_000_000)
    );
    let plus = Model::find(DASHSCOPE, "qwen3-coder-plus")
        .unwrap()
        .price
        .unwrap()
        .tiers;
    let limits: Vec<u32> = plus.iter().map(|tier| tier.above_prompt_tokens).collect();
    assert_eq!(limits, [32_000, 128_000, 256_000]);
}

#[test]
fn every_price_has_a_day_and_every_model_a_provider_of_its_own() {
    let mut seen = std::collections::BTreeSet::new();
    for model in Model::all() {
        assert!(Provider::named(model.provider).is_some(), "{model:?}");
        assert!(
            seen.insert((model.name.to_ascii_lowercase(), model.provider)),
            "{model:?}"
        );
        if let Some(price) = model.price {
            assert!(price.as_of.starts_with("20"), "{model:?}");
        }
        let found =
            Provider::named(model.provider).and_then(|provider| Model::find(provider, model.name));
        assert_eq!(found.map(|found| found.name), Some(model.name));
    }
    assert!(
        Model::all().is_sorted_by_key(|model| (model.name.to_ascii_lowercase(), model.provider))
    );
}

#[test]
fn abilities_and_limits_are_those_of_the_model() {
    let model = Model::find(ANTHROPIC, "claude-haiku-4-5").unwrap();
    assert_eq!(
        (model.context_window, model.max_output_tokens),
        (200_000, 64_000)
    );
    for ability in [
        Ability::Tools,
        Ability::Images,
        Ability::Documents,
        Ability::Reasoning,
        Ability::PromptCache,
    ] {
        assert!(model.abilities.contains(ability), "{ability:?}");
    }
    assert!(
        !model.abilities.contains(Ability::Audio) && !model.abilities.contains(Ability::Embeddings)
    );
    let embedding = Model::find(OPENAI, "text-embedding-3-small").unwrap();
    assert_eq!(
        embedding.abilities.iter().collect::<Vec<_>>(),
        [Ability::Embeddings]
    );
}

#[test]
fn the_end_of_a_model_is_known_by_its_day() {
    let date = |status| match status {
        ModelStatus::Ending(end) => Some(("ending", end.date)),
        ModelStatus::Retired(end) => Some(("retired", end.date)),
        ModelStatus::Unlisted => Some(("unlisted", "")),
        ModelStatus::Served => None,
    };
    for (provider, model, today, expected) in [
        (
            OPENAI,
            "gpt-4o",
            "2026-11-30",
            Some(("ending", "2027-01-14")),
        ),
        (
            OPENAI,
            "gpt-4o",
            "2027-01-14",
            Some(("retired", "2027-01-14")),
        ),
        (
            OPENAI,
            "gpt-4",
            "2026-11-30",
            Some(("retired", "2026-10-23")),
        ),
        (
            OPENAI,
            "gpt-4.5-preview",
            "2026-11-30",
            Some(("retired", "")),
        ),
        (OPENAI, "gpt-5.6-sol", "2026-11-30", None),
        (OPENAI, "gpt-5.6-sol-2026-07-09", "2026-11-30", None),
        (OPENAI, "ft:gpt-4o-2024-08-06:acme::1", "2026-11-30", None),
        (OPENAI, "gpt-4o-mni", "2026-11-30", Some(("unlisted", ""))),
        (AZURE_OPENAI, "any-deployment", "2026-11-30", None),
        (
            ANTHROPIC,
            "claude-sonnet-4-20250514",
            "2026-11-30",
            Some(("retired", "")),
        ),
        (ANTHROPIC, "claude-sonnet-5-5", "2026-11-30", None),
        (
            BEDROCK,
            "us.meta.llama3-1-405b-instruct-v1:0",
            "2026-11-30",
            Some(("retired", "2026-07-07")),
        ),
        (PERPLEXITY, "sonar", "2026-11-30", None),
        (OLLAMA, "llama3.1", "2026-11-30", None),
    ] {
        assert_eq!(
            date(ModelStatus::find(provider, model, today)),
            expected,
            "{model} {today}"
        );
    }
}

#[test]
fn names_that_lead_nowhere_have_neighbours_and_successors() {
    for (provider, model, nearest, next) in [
        (OPENAI, "gpt-4o-mni", Some("gpt-4o-mini"), None),
        (OPENAI, "gpt-4", Some("gpt-4o"), Some("gpt-5.5")),
        (
            ANTHROPIC,
            "claude-sonnet-4-20250514",
            Some("claude-sonnet-4-6"),
            Some("claude-sonnet-5-5"),
        ),
        (
            ANTHROPIC,
            "claude-3-5-haiku-latest",
            Some("claude-haiku-5-5"),
            Some("claude-haiku-5-5"),
        ),
        (
            GEMINI,
            "gemini-2.0-flash",
            Some("gemini-2.5-flash"),
            Some("gemini-3.8-flash"),
        ),
        (OLLAMA, "llama3.1", None, None),
        (OPENAI, "xyz", None, None),
    ] {
        let found = (
            nearest_model(provider, model, "2026-11-30"),
            successor(provider, model, "2026-11-30"),
        );
        assert_eq!(found, (nearest, next), "{model}");
    }
}
