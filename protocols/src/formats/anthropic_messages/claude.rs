//! The features of a Claude model, derived from its name.
//!
//! There is no list of models: names carry family and version, and features came with versions. A name without either
//! belongs to a model newer than this code or to another vendor behind the same protocol; it is treated as the newest,
//! except that it keeps its sampling parameters.

use crate::formats::chat_completions::request_reader::ReasoningEffort;

/// The sampling parameters that a model accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampling {
    /// `temperature` and `top_p` together.
    Both,
    /// One of the two; both are refused (from 4.1).
    One,
    /// None; each is refused (from 4.7).
    Unsupported,
}

/// How thinking is requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thinking {
    /// Not supported (before 3.7).
    Unsupported,
    /// `thinking: {type: enabled, budget_tokens}` (3.7 to 4.5).
    Budget,
    /// `thinking: {type: adaptive}` (from 4.6).
    Adaptive,
}

/// The levels of `output_config.effort`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// No such setting.
    Unsupported,
    /// `low`, `medium`, `high` (Opus 4.5, Sonnet 4.6).
    UpToHigh,
    /// Also `max` (Opus 4.6).
    UpToMax,
    /// Also `xhigh`, between `high` and `max` (from 4.7).
    All,
}

impl Thinking {
    /// The smallest budget that Anthropic accepts.
    pub const MIN_BUDGET: u64 = 1024;

    /// The thinking budget in tokens for models that take one.
    pub fn budget(effort: ReasoningEffort) -> u64 {
        match effort {
            ReasoningEffort::None => 0,
            ReasoningEffort::Minimal | ReasoningEffort::Low => Self::MIN_BUDGET,
            ReasoningEffort::Medium => 4096,
            ReasoningEffort::High => 16_384,
            ReasoningEffort::XHigh | ReasoningEffort::Max => 32_000,
        }
    }
}

impl Effort {
    /// The nearest level of the model; `None` for no effort and for models without levels.
    pub fn word(self, effort: ReasoningEffort) -> Option<&'static str> {
        use ReasoningEffort as R;
        Some(match (self, effort) {
            (Self::Unsupported, _) | (_, R::None) => return None,
            (_, R::Minimal | R::Low) => "low",
            (_, R::Medium) => "medium",
            (_, R::High) | (Self::UpToHigh, R::XHigh | R::Max) => "high",
            (Self::All, R::XHigh) => "xhigh",
            (Self::UpToMax, R::XHigh) | (Self::UpToMax | Self::All, R::Max) => "max",
        })
    }
}

/// Family and version from a model's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claude {
    is_opus: bool,
    /// Major and minor; `None` if the name has no version.
    version: Option<(u8, u8)>,
}

impl Claude {
    /// Parses any spelling of a name: `claude-3-5-sonnet-20241022`, `claude-opus-4-6`, `claude-opus-4.6`,
    /// `claude-sonnet-4-5@20250929`, `us.anthropic.claude-opus-4-1-20250805-v1:0`.
    pub fn from_name(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let Some((_, name)) = name.split_once("claude") else {
            return Self {
                is_opus: false,
                version: None,
            };
        };
        let words = || name.split(['-', '.', '_', '@', ':', '/', ' ']);
        // Dates have eight digits, and Bedrock's revisions start with `v`.
        let number = |word: &str| word.parse::<u8>().ok().filter(|number| *number < 100);
        let mut numbers = words().skip_while(|word| number(word).is_none());
        let version = numbers
            .next()
            .and_then(number)
            .map(|major| (major, numbers.next().and_then(number).unwrap_or(0)));
        Self {
            is_opus: words().any(|word| word == "opus"),
            version,
        }
    }

    /// See [`Sampling`].
    pub fn sampling(self) -> Sampling {
        match self.version {
            None => Sampling::Both,
            Some(version) if version < (4, 1) => Sampling::Both,
            Some(version) if version < (4, 7) => Sampling::One,
            Some(_) => Sampling::Unsupported,
        }
    }

    /// See [`Thinking`].
    pub fn thinking(self) -> Thinking {
        match self.version {
            Some(version) if version < (3, 7) => Thinking::Unsupported,
            Some(version) if version < (4, 6) => Thinking::Budget,
            Some(_) | None => Thinking::Adaptive,
        }
    }

    /// See [`Effort`].
    pub fn effort(self) -> Effort {
        match (self.version, self.is_opus) {
            (Some((4, 5)), true) | (Some((4, 6)), false) => Effort::UpToHigh,
            (Some((4, 6)), true) => Effort::UpToMax,
            (Some(version), _) if version < (4, 6) => Effort::Unsupported,
            (Some(_) | None, _) => Effort::All,
        }
    }

    /// Supports `output_config.format` and strict tools (from 4.5).
    pub fn has_structured_output(self) -> bool {
        self.version.is_none_or(|version| version >= (4, 5))
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn versions_are_read_from_every_spelling() {
        for (name, version, is_opus) in [
            ("claude-3-opus-20240229", Some((3, 0)), true),
            ("claude-3-sonnet", Some((3, 0)), false),
            ("claude-3-5-sonnet-20241022", Some((3, 5)), false),
            ("claude-3.7-sonnet", Some((3, 7)), false),
            ("claude-2.1", Some((2, 1)), false),
            ("claude-instant-1.2", Some((1, 2)), false),
            ("claude-opus-4-20250514", Some((4, 0)), true),
            ("claude-opus-4-1-20250805", Some((4, 1)), true),
            ("claude-sonnet-4-5@20250929", Some((4, 5)), false),
            ("us.anthropic.claude-opus-4-6-v1", Some((4, 6)), true),
            (
                "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
                Some((4, 5)),
                false,
            ),
            ("anthropic/Claude-Opus-4.7", Some((4, 7)), true),
            ("claude-fable-5", Some((5, 0)), false),
            ("claude-opus-latest", None, true),
            ("gpt-4-turbo", None, false),
            ("m", None, false),
        ] {
            assert_eq!(
                Claude::from_name(name),
                Claude { is_opus, version },
                "{name}"
            );
        }
    }

    #[test]
    fn abilities_follow_versions() {
        for (name, sampling, thinking, effort, structured) in [
            (
                "claude-3-opus-20240229",
                Sampling::Both,
                Thinking::Unsupported,
                Effort::Unsupported,
                false,
            ),
            (
                "claude-3-7-sonnet-20250219",
                Sampling::Both,
                Thinking::Budget,
                Effort::Unsupported,
                false,
            ),
            (
                "claude-opus-4-1-20250805",
                Sampling::One,
                Thinking::Budget,
                Effort::Unsupported,
                false,
            ),
            (
                "claude-haiku-4-5-20251001",
                Sampling::One,
                Thinking::Budget,
                Effort::Unsupported,
                true,
            ),
            (
                "claude-opus-4-5-20251101",
                Sampling::One,
                Thinking::Budget,
                Effort::UpToHigh,
                true,
            ),
            (
                "claude-sonnet-4-6",
                Sampling::One,
                Thinking::Adaptive,
                Effort::UpToHigh,
                true,
            ),
            (
                "claude-opus-4-6",
                Sampling::One,
                Thinking::Adaptive,
                Effort::UpToMax,
                true,
            ),
            (
                "claude-opus-4-7",
                Sampling::Unsupported,
                Thinking::Adaptive,
                Effort::All,
                true,
            ),
            (
                "claude-fable-5",
                Sampling::Unsupported,
                Thinking::Adaptive,
                Effort::All,
                true,
            ),
            ("m", Sampling::Both, Thinking::Adaptive, Effort::All, true),
        ] {
            let model = Claude::from_name(name);
            assert_eq!(
                (
                    model.sampling(),
                    model.thinking(),
                    model.effort(),
                    model.has_structured_output()
                ),
                (sampling, thinking, effort, structured),
                "{name}"
            );
        }
    }
}
