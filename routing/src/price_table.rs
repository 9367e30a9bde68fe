//! Built-in list prices of well-known models, for policies that give none.
//!
//! Prices in a policy always win. The table is a help for estimates, not an invoice: it knows neither discounts nor
//! surcharges for long prompts, batches or regions. Models are matched by their name without provider prefix, region,
//! date and version (`us.anthropic.claude-sonnet-4-5-20250929-v1:0` is `claude-sonnet-4-5`).

use policy::Price;

/// Day on which the table was last compared with a public collection of list prices. Models that were no longer sold
/// then keep the last price they had.
pub const PRICES_AS_OF: &str = "2026-11-21";

/// US dollars per million tokens.
struct Row {
    model: &'static str,
    input: f64,
    output: f64,
    /// Input that was read from the provider's cache; `None` is billed as input.
    cached: Option<f64>,
    /// Input that was written to the provider's cache, for its shortest life; `None` is billed as input.
    written: Option<f64>,
}

const fn row(model: &'static str, input: f64, cached: f64, output: f64) -> Row {
    Row {
        model,
        input,
        output,
        cached: Some(cached),
        written: None,
    }
}

const fn written(model: &'static str, input: f64, cached: f64, written: f64, output: f64) -> Row {
    Row {
        written: Some(written),
        ..row(model, input, cached, output)
    }
}

const fn plain(model: &'static str, input: f64, output: f64) -> Row {
    Row {
        model,
        input,
        output,
        cached: None,
        written: None,
    }
}

/// By vendor, then by name.
#[rustfmt::skip]
static TABLE: &[Row] = &[
    // Amazon
    row("nova-2-lite", 0.30, 0.075, 2.50),
    row("nova-lite", 0.06, 0.015, 0.24),
    row("nova-micro", 0.035, 0.00875, 0.14),
    row("nova-premier", 2.50, 0.625, 12.50),
    row("nova-pro", 0.80, 0.20, 3.20),
    // Anthropic
    written("claude-3-5-haiku", 0.80, 0.08, 1.00, 4.00),
    written("claude-3-5-sonnet", 3.00, 0.30, 3.75, 15.00),
    written("claude-3-7-sonnet", 3.00, 0.30, 3.75, 15.00),
    written("claude-3-haiku", 0.25, 0.03, 0.30, 1.25),
    written("claude-3-opus", 15.00, 1.50, 18.75, 75.00),
    written("claude-haiku-4-5", 1.00, 0.10, 1.25, 5.00),
    written("claude-haiku-5-5", 0.10, 0.01, 0.125, 0.50),
    written("claude-opus-4", 15.00, 1.50, 18.75, 75.00),
    written("claude-opus-4-1", 15.00, 1.50, 18.75, 75.00),
    written("claude-opus-4-5", 5.00, 0.50, 6.25, 25.00),
    written("claude-opus-4-6", 5.00, 0.50, 6.25, 25.00),
    written("claude-opus-4-7", 5.00, 0.50, 6.25, 25.00),
    written("claude-opus-4-8", 5.00, 0.50, 6.25, 25.00),
    written("claude-opus-5", 5.00, 0.50, 6.25, 25.00),
    written("claude-opus-5-5", 4.00, 0.20, 5.00, 20.00),
    written("claude-sonnet-4", 3.00, 0.30, 3.75, 15.00),
    written("claude-sonnet-4-5", 3.00, 0.30, 3.75, 15.00),
    written("claude-sonnet-4-6", 3.00, 0.30, 3.75, 15.00),
    written("claude-sonnet-5", 2.00, 0.20, 2.50, 10.00),
    written("claude-sonnet-5-5", 2.00, 0.10, 2.50, 10.00),
    // Cohere
    plain("command-a", 2.50, 10.00),
    plain("command-r", 0.15, 0.60),
    plain("command-r-plus", 2.50, 10.00),
    plain("command-r7b", 0.0375, 0.15),
    // DeepSeek
    row("deepseek-chat", 0.28, 0.028, 0.42),
    row("deepseek-reasoner", 0.28, 0.028, 0.42),
    row("deepseek-v4-flash", 0.30, 0.006, 1.20),
    row("deepseek-v4-pro", 1.32, 0.044, 3.96),
    // Google
    row("gemini-2.0-flash", 0.10, 0.025, 0.40),
    row("gemini-2.0-flash-lite", 0.075, 0.01875, 0.30),
    row("gemini-2.5-flash", 0.30, 0.03, 2.50),
    row("gemini-2.5-flash-lite", 0.10, 0.01, 0.40),
    row("gemini-2.5-pro", 1.25, 0.125, 10.00),
    row("gemini-3-flash", 0.50, 0.05, 3.00),
    row("gemini-3.1-flash-lite", 0.25, 0.025, 1.50),
    row("gemini-3.1-pro", 2.00, 0.20, 12.00),
    row("gemini-3.5-flash", 1.50, 0.15, 9.00),
    row("gemini-3.5-flash-lite", 0.30, 0.03, 2.50),
    // Meta, at Bedrock
    plain("llama3-1-405b", 2.40, 2.40),
    plain("llama3-1-70b", 0.72, 0.72),
    plain("llama3-1-8b", 0.22, 0.22),
    plain("llama3-3-70b", 0.72, 0.72),
    plain("llama4-maverick-17b", 0.24, 0.97),
    plain("llama4-scout-17b", 0.17, 0.66),
    // Mistral
    row("codestral", 0.30, 0.03, 0.90),
    row("devstral-medium", 0.40, 0.04, 2.00),
    row("devstral-small", 0.10, 0.01, 0.30),
    row("magistral-medium", 1.50, 0.15, 7.50),
    row("magistral-small", 0.15, 0.015, 0.60),
    row("ministral-3b", 0.10, 0.01, 0.10),
    row("ministral-8b", 0.15, 0.015, 0.15),
    row("mistral-large", 0.50, 0.05, 1.50),
    row("mistral-medium", 1.50, 0.15, 7.50),
    row("mistral-small", 0.15, 0.015, 0.60),
    // OpenAI
    plain("gpt-3.5-turbo", 0.50, 1.50),
    plain("gpt-4", 30.00, 60.00),
    plain("gpt-4-1106", 10.00, 30.00),
    plain("gpt-4-turbo", 10.00, 30.00),
    row("gpt-4.1", 2.00, 0.50, 8.00),
    row("gpt-4.1-mini", 0.40, 0.10, 1.60),
    row("gpt-4.1-nano", 0.10, 0.025, 0.40),
    row("gpt-4o", 2.50, 1.25, 10.00),
    plain("gpt-4o-2024-05-13", 5.00, 15.00),
    row("gpt-4o-mini", 0.15, 0.075, 0.60),
    row("gpt-5", 1.25, 0.125, 10.00),
    row("gpt-5-chat", 1.25, 0.125, 10.00),
    row("gpt-5-codex", 1.25, 0.125, 10.00),
    row("gpt-5-mini", 0.25, 0.025, 2.00),
    row("gpt-5-nano", 0.05, 0.005, 0.40),
    plain("gpt-5-pro", 15.00, 120.00),
    row("gpt-5.1", 1.25, 0.125, 10.00),
    row("gpt-5.1-chat", 1.25, 0.125, 10.00),
    row("gpt-5.1-codex", 1.25, 0.125, 10.00),
    row("gpt-5.1-codex-mini", 0.25, 0.025, 2.00),
    row("gpt-5.2", 1.75, 0.175, 14.00),
    row("gpt-5.2-chat", 1.75, 0.175, 14.00),
    row("gpt-5.2-codex", 1.75, 0.175, 14.00),
    plain("gpt-5.2-pro", 21.00, 168.00),
    row("gpt-5.3-chat", 1.75, 0.175, 14.00),
    row("gpt-5.3-codex", 1.75, 0.175, 14.00),
    row("gpt-5.4", 2.50, 0.25, 15.00),
    row("gpt-5.4-mini", 0.75, 0.075, 4.50),
    row("gpt-5.4-nano", 0.20, 0.02, 1.25),
    plain("gpt-5.4-pro", 30.00, 180.00),
    row("gpt-5.5", 5.00, 0.50, 30.00),
    plain("gpt-5.5-pro", 30.00, 180.00),
    row("o1", 15.00, 7.50, 60.00),
    row("o1-mini", 1.10, 0.55, 4.40),
    plain("o1-pro", 150.00, 600.00),
    row("o3", 2.00, 0.50, 8.00),
    row("o3-mini", 1.10, 0.55, 4.40),
    plain("o3-pro", 20.00, 80.00),
    row("o4-mini", 1.10, 0.275, 4.40),
    plain("text-embedding-3-large", 0.13, 0.0),
    plain("text-embedding-3-small", 0.02, 0.0),
    plain("text-embedding-ada-002", 0.10, 0.0),
    // Perplexity
    plain("sonar", 1.00, 1.00),
    plain("sonar-pro", 3.00, 15.00),
    plain("sonar-reasoning-pro", 2.00, 8.00),
    // xAI
    row("grok-3", 3.00, 0.75, 15.00),
    row("grok-3-mini", 0.30, 0.075, 0.50),
    row("grok-4", 3.00, 0.75, 15.00),
    row("grok-4.3", 1.25, 0.20, 2.50),
    row("grok-4.5", 2.00, 0.30, 6.00),
    row("grok-code-fast-1", 1.00, 0.20, 2.00),
];

/// Name prefixes that say where a model is served, not which it is.
const PLACES: &[&str] = &[
    "models/",
    "us.",
    "eu.",
    "apac.",
    "global.",
    "anthropic.",
    "amazon.",
    "meta.",
    "mistral.",
    "cohere.",
    "deepseek.",
    "openai/",
    "anthropic/",
    "google/",
    "mistralai/",
    "deepseek/",
    "x-ai/",
    "perplexity/",
];

/// The list price of `model`; `None` for a model that is not in the table.
pub fn lookup(model: &str) -> Option<Price> {
    let model = PLACES.iter().fold(model, |name, place| {
        name.strip_prefix(place).unwrap_or(name)
    });
    let found = TABLE
        .iter()
        .filter(|row| model.strip_prefix(row.model).is_some_and(is_version_suffix))
        .max_by_key(|row| row.model.len())?;
    Some(Price {
        input_per_1k: found.input / 1_000.0,
        output_per_1k: found.output / 1_000.0,
        cached_input_per_1k: found.cached.map(|cached| cached / 1_000.0),
        cache_write_per_1k: found.written.map(|written| written / 1_000.0),
    })
}

/// Nothing, a date, a version or a release channel: what does not change which model it is.
fn is_version_suffix(suffix: &str) -> bool {
    if suffix.is_empty() || suffix.starts_with(['@', ':']) {
        return true;
    }
    suffix.strip_prefix('-').is_some_and(|word| {
        let digits = word.bytes().take_while(u8::is_ascii_digit).count();
        let is_version = word
            .strip_prefix('v')
            .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
        digits >= 4
            || is_version
            || ["latest", "preview", "instruct"]
                .iter()
                .any(|channel| word.starts_with(channel))
    })
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn per_million(model: &str) -> Option<(f64, f64)> {
        let round = |per_1k: f64| (per_1k * 1e9).round() / 1e6;
        lookup(model).map(|price| (round(price.input_per_1k), round(price.output_per_1k)))
    }

    #[test]
    fn names_are_found_with_and_without_place_date_and_version() {
        for (model, expected) in [
            ("gpt-4o", Some((2.5, 10.0))),
            ("gpt-4o-2024-08-06", Some((2.5, 10.0))),
            ("gpt-4o-2024-05-13", Some((5.0, 15.0))),
            ("gpt-4o-mini-2024-07-18", Some((0.15, 0.6))),
            ("claude-sonnet-4-20250514", Some((3.0, 15.0))),
            ("claude-opus-4-5-20251101", Some((5.0, 25.0))),
            ("claude-opus-4-1@20250805", Some((15.0, 75.0))),
            (
                "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
                Some((3.0, 15.0)),
            ),
            ("amazon.nova-pro-v1:0", Some((0.8, 3.2))),
            ("mistral-large-latest", Some((0.5, 1.5))),
            ("meta.llama3-3-70b-instruct-v1:0", Some((0.72, 0.72))),
            ("models/gemini-2.5-flash", Some((0.3, 2.5))),
            ("gemini-3.1-pro-preview", Some((2.0, 12.0))),
        ] {
            assert_eq!(per_million(model), expected, "{model}");
        }
    }

    #[test]
    fn what_is_written_to_a_cache_is_dearer_at_anthropic_wherever_its_models_run() {
        for (model, expected) in [
            ("claude-sonnet-4-20250514", Some(3.75)),
            ("us.anthropic.claude-opus-4-5-20251101-v1:0", Some(6.25)),
            // Rounded by Anthropic.
            ("claude-3-haiku", Some(0.30)),
            ("gpt-4o", None),
        ] {
            let written = lookup(model).and_then(|price| price.cache_write_per_1k);
            let per_million = written.map(|per_1k| (per_1k * 1e9).round() / 1e6);
            assert_eq!(per_million, expected, "{model}");
        }
    }

    #[test]
    fn a_variant_that_is_not_listed_has_no_price_rather_than_its_siblings() {
        for model in [
            "gpt-4o-audio",
            "gpt-4o-mini-tts",
            "gpt-5.9",
            "claude-opus-9",
            "o3-deep-research",
            "llama3.1",
            "production-llm",
            "",
        ] {
            assert_eq!(per_million(model), None, "{model}");
        }
    }

    #[test]
    fn no_model_is_listed_twice() {
        let mut names: Vec<&str> = TABLE.iter().map(|row| row.model).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
    }
}
