//! Billed tokens.

use serde_json::Value;

use crate::scanner::{JsonError, Kind, Scanner};

/// Token counts in OpenAI's sense: `prompt` includes tokens read from or written to a cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// All input tokens, including cached ones.
    pub prompt: u64,
    /// Output tokens, including reasoning.
    pub completion: u64,
    /// Input tokens read from the provider's cache; included in `prompt`.
    pub cached: u64,
    /// Input tokens written to the provider's cache; included in `prompt`.
    pub cache_written: u64,
    /// Output tokens spent on reasoning; included in `completion`.
    pub reasoning: u64,
}

impl Usage {
    /// `prompt + completion`, saturating.
    pub fn total(&self) -> u64 {
        self.prompt.saturating_add(self.completion)
    }

    /// Reads OpenAI's `usage` object, with the names of Chat Completions or Responses. `None` if neither input nor
    /// output is counted, or if it is not an object.
    pub fn from_openai(usage: &[u8]) -> Option<Self> {
        let mut chat = OpenAiCounts::default();
        let mut responses = OpenAiCounts::default();
        let mut total = None;
        // DeepSeek's own name for cached tokens.
        let mut cache_hit = None;
        let read = Scanner::new(usage).and_then(|mut scanner| {
            scanner.object(|scanner, key| match &*key.decode() {
                "prompt_tokens" => number(scanner, &mut chat.input),
                "completion_tokens" => number(scanner, &mut chat.output),
                "prompt_tokens_details" | "completion_tokens_details" => chat.details(scanner),
                "input_tokens" => number(scanner, &mut responses.input),
                "output_tokens" => number(scanner, &mut responses.output),
                "input_tokens_details" | "output_tokens_details" => responses.details(scanner),
                "total_tokens" => number(scanner, &mut total),
                "prompt_cache_hit_tokens" => number(scanner, &mut cache_hit),
                _ => scanner.value().map(|_| ()),
            })
        });
        read.ok()?;
        let input = chat.input.or(responses.input);
        let output = chat.output.or(responses.output);
        if input.is_none() && output.is_none() {
            return None;
        }
        let prompt = input.unwrap_or(0);
        // Gemini omits the output if it was all reasoning.
        let rest = || total.map(|total| total.saturating_sub(prompt));
        let cached = chat.cached.or(responses.cached).or(cache_hit);
        Some(Self {
            prompt,
            completion: output.or_else(rest).unwrap_or(0),
            cached: cached.unwrap_or(0),
            cache_written: chat.cache_written.or(responses.cache_written).unwrap_or(0),
            reasoning: chat.reasoning.or(responses.reasoning).unwrap_or(0),
        })
    }
}

/// The counters under one API's names.
#[derive(Default)]
struct OpenAiCounts {
    input: Option<u64>,
    output: Option<u64>,
    cached: Option<u64>,
    cache_written: Option<u64>,
    reasoning: Option<u64>,
}

impl OpenAiCounts {
    fn details(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        if scanner.kind()? != Kind::Object {
            return scanner.value().map(|_| ());
        }
        scanner.object(|scanner, key| match &*key.decode() {
            "cached_tokens" => number(scanner, &mut self.cached),
            "cache_write_tokens" => number(scanner, &mut self.cache_written),
            "reasoning_tokens" => number(scanner, &mut self.reasoning),
            _ => scanner.value().map(|_| ()),
        })?;
        Ok(())
    }
}

/// Reads a token count; some servers write it as `12.0`. Anything else counts as absent.
fn number(scanner: &mut Scanner<'_>, count: &mut Option<u64>) -> Result<(), JsonError> {
    let raw = scanner.raw()?;
    *count = raw.parse().ok().or_else(|| {
        let number: f64 = raw.parse().ok()?;
        // Float casts saturate.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        (number >= 0.0).then_some(number as u64)
    });
    Ok(())
}

/// Counts of an Anthropic stream: cumulative, each `usage` object corrects the previous ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AnthropicUsage {
    input: Option<u64>,
    output: Option<u64>,
    cache_read: u64,
    cache_creation: u64,
}

impl AnthropicUsage {
    /// Merges `usage`; absent counters keep their value.
    pub fn update(&mut self, usage: &Value) {
        self.input = count(usage, "input_tokens").or(self.input);
        self.output = count(usage, "output_tokens").or(self.output);
        self.cache_read = count(usage, "cache_read_input_tokens").unwrap_or(self.cache_read);
        self.cache_creation =
            count(usage, "cache_creation_input_tokens").unwrap_or(self.cache_creation);
    }

    /// The counts in OpenAI's sense. `None` until something was counted.
    pub fn usage(&self) -> Option<Usage> {
        if self.input.is_none() && self.output.is_none() {
            return None;
        }
        let uncached = self.input.unwrap_or(0);
        Some(Usage {
            prompt: uncached
                .saturating_add(self.cache_read)
                .saturating_add(self.cache_creation),
            completion: self.output.unwrap_or(0),
            cached: self.cache_read,
            cache_written: self.cache_creation,
            reasoning: 0,
        })
    }
}

/// A token count; some servers write it as `12.0`.
fn count(object: &Value, name: &str) -> Option<u64> {
    let value = object.get(name)?;
    // Float casts saturate.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    value.as_u64().or_else(|| {
        value
            .as_f64()
            .filter(|number| *number >= 0.0)
            .map(|number| number as u64)
    })
}

#[cfg(test)]
mod tests;
