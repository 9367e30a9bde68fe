//! Enumerations whose values have a name in the catalogue's files, in policies and in documents.

use std::fmt;

/// A value that is written as one word.
pub trait Word: Copy + PartialEq + fmt::Debug + 'static {
    /// The type's name, for generated code.
    const TYPE: &'static str;
    /// Every value, in the order of its definition.
    const ALL: &'static [Self];

    /// As it is written.
    fn name(self) -> &'static str;

    /// The value of that name.
    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.name() == name)
    }
}

/// Defines an enumeration of words.
macro_rules! words {
    ($($(#[$doc:meta])* pub enum $type:ident { $($(#[$value_doc:meta])* $value:ident = $name:literal,)+ })+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub enum $type { $($(#[$value_doc])* $value,)+ }

            impl $type {
                /// As it is written.
                pub const fn as_str(self) -> &'static str {
                    match self { $(Self::$value => $name,)+ }
                }
            }

            impl $crate::words::Word for $type {
                const TYPE: &'static str = stringify!($type);
                const ALL: &'static [Self] = &[$(Self::$value,)+];

                fn name(self) -> &'static str {
                    self.as_str()
                }
            }
        )+
    };
}

words! {
    /// The field of a Chat Completions request that limits the answer.
    pub enum OutputLimit {
        /// Only `max_tokens`; the newer name is refused or lost.
        MaxTokens = "max_tokens",
        /// Only `max_completion_tokens`; the older name is refused.
        MaxCompletionTokens = "max_completion_tokens",
        /// Either of the two, never both.
        Either = "either",
    }

    /// What answers hold that OpenAI's clients do not expect.
    pub enum ResponseExtras {
        /// Nothing.
        None = "none",
        /// Verdicts of a content filter, in chunks and choices of their own.
        ContentFilter = "content_filter",
        /// `reasoning` for `reasoning_content`, and the role in every delta of a stream.
        Reasoning = "reasoning",
        /// `content` as a list of parts, of which some are reasoning.
        ContentParts = "content_parts",
    }

    /// Whether `stream_options.include_usage` is taken, and needed.
    pub enum StreamUsage {
        /// Taken, and without it a stream brings no usage.
        Ask = "ask",
        /// Taken, but usage comes without it too.
        Optional = "optional",
        /// Usage comes without it, and the field is refused or not known to be taken.
        Unasked = "unasked",
        /// Nothing is known: it may be asked for, and a refusal that names the field is to be believed.
        Try = "try",
    }

    /// Where a stream's usage stands.
    pub enum UsageField {
        /// `usage` of a chunk.
        TopLevel = "usage",
        /// `x_groq.usage` of the last chunk.
        XGroq = "x_groq.usage",
        /// `choices[0].usage` of the last chunk with content.
        FirstChoice = "choices[0].usage",
        /// In the events of the upstream's own format.
        Format = "format",
    }

    /// The field that makes answers repeatable.
    pub enum SeedField {
        /// `seed`
        Seed = "seed",
        /// `random_seed`
        RandomSeed = "random_seed",
        /// There is none.
        None = "none",
    }

    /// How `tool_choice: "required"` is said.
    pub enum RequiredToolChoice {
        /// `"required"`
        Required = "required",
        /// `"any"`
        Any = "any",
        /// It cannot be said: `"auto"` comes nearest.
        Auto = "auto",
        /// It cannot be said, and the field is left out.
        Omit = "omit",
    }

    /// How the choice of one function by name is said.
    pub enum NamedToolChoice {
        /// `{"type": "function", "function": {"name": …}}`
        Function = "function",
        /// It cannot be said: `"required"` comes nearest.
        Required = "required",
        /// It cannot be said: `"auto"` comes nearest.
        Auto = "auto",
        /// It cannot be said, and the field is left out.
        Omit = "omit",
    }

    /// How `tool_choice: "none"` is said.
    pub enum NoToolChoice {
        /// `"none"`
        None = "none",
        /// By leaving out the tools.
        OmitTools = "omit_tools",
    }

    /// Whether a model can be made to call a tool.
    pub enum ForcedTools {
        /// Always.
        Always = "always",
        /// Not while it thinks.
        NotThinking = "not_thinking",
        /// Never: forced choices are refused.
        Never = "never",
    }

    /// What becomes of the role `developer`.
    pub enum DeveloperRole {
        /// It is known.
        Developer = "developer",
        /// It is unknown: `system` takes its place.
        System = "system",
    }

    /// Where system messages may stand.
    pub enum SystemMessages {
        /// Anywhere, as many as there are.
        Anywhere = "anywhere",
        /// One, in front of all others.
        First = "first",
        /// Outside of the conversation, in a field of their own.
        TopLevel = "top_level",
        /// As before, and from the second message on inside the conversation as well.
        TopLevelOrLater = "top_level_or_later",
    }

    /// Whose messages may carry `name`.
    pub enum MessageName {
        /// All.
        Anyone = "anyone",
        /// All but those of tools.
        NotTools = "not_tools",
        /// Those of users only.
        Users = "users",
        /// Those of tools only.
        Tools = "tools",
        /// None.
        Nobody = "nobody",
    }

    /// Which ids tool calls may have.
    pub enum ToolCallIds {
        /// Any text.
        Any = "any",
        /// Letters, digits, `_` and `-`.
        Safe = "safe",
        /// Letters, digits, `_`, `.`, `:` and `-`, at most 64 of them.
        Safe64 = "safe_64",
        /// Exactly nine letters and digits.
        Alphanumeric9 = "alphanumeric_9",
    }

    /// What becomes of a wish for JSON of a schema.
    pub enum JsonSchemaSupport {
        /// It is served.
        Native = "native",
        /// It is served, but not beside tools.
        WithoutTools = "without_tools",
        /// `json_object` and the schema as text come nearest.
        JsonObject = "json_object",
        /// A tool that the model has to call comes nearest.
        Tool = "tool",
        /// Only words come near it.
        Prompt = "prompt",
    }

    /// What becomes of a wish for any JSON object.
    pub enum JsonObjectSupport {
        /// It is served.
        Native = "native",
        /// A schema that takes any object comes nearest.
        JsonSchema = "json_schema",
        /// Only words come near it.
        Prompt = "prompt",
    }

    /// Where a message carries the reasoning that led to it.
    pub enum ReasoningField {
        /// Nowhere.
        None = "none",
        /// `reasoning_content`
        ReasoningContent = "reasoning_content",
        /// `reasoning`
        Reasoning = "reasoning",
        /// `reasoning_details`, a list.
        ReasoningDetails = "reasoning_details",
        /// Parts of type `thinking` inside `content`.
        ThinkingParts = "thinking_parts",
        /// `extra_content.google.thought_signature` of each tool call.
        ThoughtSignature = "thought_signature",
        /// Signed blocks of the upstream's own format.
        SignedBlocks = "signed_blocks",
    }

    /// What becomes of reasoning in a conversation that goes on.
    pub enum ReasoningHistory {
        /// It has to be sent back with messages that call tools.
        Required = "required",
        /// It may be sent back.
        Accepted = "accepted",
        /// It must not be sent back.
        Refused = "refused",
    }

    /// How a model is told how much to think.
    pub enum ReasoningRequest {
        /// Not at all.
        None = "none",
        /// `reasoning_effort`
        ReasoningEffort = "reasoning_effort",
        /// `thinking: {"type": "enabled" or "disabled"}`, with `reasoning_effort` where there are efforts.
        Thinking = "thinking",
        /// `thinking: {"type": "adaptive" or "disabled"}`, with `output_config.effort` where there are efforts.
        AdaptiveThinking = "adaptive_thinking",
        /// `thinking: {"type": "enabled", "budget_tokens": …}`
        ThinkingBudget = "thinking_budget",
        /// `enable_thinking: true or false`
        EnableThinking = "enable_thinking",
        /// `reasoning: {"effort": …}`
        Reasoning = "reasoning",
        /// `reasoningConfig: {"type": "enabled", "maxReasoningEffort": …}`
        ReasoningConfig = "reasoning_config",
        /// `chat_template_kwargs: {"enable_thinking": true or false}`
        ChatTemplate = "chat_template_kwargs",
    }

    /// What becomes of fields that a provider does not know.
    pub enum UnknownFields {
        /// The request is refused.
        Refused = "refused",
        /// Nothing.
        Ignored = "ignored",
    }

    /// How text in `content` is written.
    pub enum TextContent {
        /// As a string or as parts.
        Parts = "parts",
        /// As a string, where there is nothing but text.
        String = "string",
    }

    /// Which images are taken.
    pub enum Images {
        /// By address and as data.
        Any = "any",
        /// As data only: the provider fetches nothing.
        DataUrl = "data_url",
        /// None.
        None = "none",
    }

    /// What schemas may say.
    pub enum SchemaSubset {
        /// Anything.
        Full = "full",
        /// Objects have `properties`; no combinators at the top.
        OpenAi = "openai",
        /// Structured output: closed objects, no limits of numbers, texts and arrays.
        Anthropic = "anthropic",
        /// No `$ref`, `additionalProperties`, `const`, `oneOf`.
        Google = "google",
    }

    /// Which sampling parameters are taken.
    pub enum Sampling {
        /// `temperature` and `top_p` together.
        Both = "both",
        /// One of the two: both together are refused.
        One = "one",
        /// Both together, but none while the model thinks.
        NotThinking = "not_thinking",
        /// None: each is refused.
        None = "none",
    }

    /// How much a model is to think.
    pub enum Effort {
        /// Not at all.
        None = "none",
        /// Hardly.
        Minimal = "minimal",
        /// A little.
        Low = "low",
        /// Some.
        Medium = "medium",
        /// Much.
        High = "high",
        /// More.
        XHigh = "xhigh",
        /// As much as it can.
        Max = "max",
    }
}

/// A set of efforts.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Efforts(u8);

impl Efforts {
    /// No effort: the model has no such setting.
    pub const NONE: Self = Self(0);

    /// The efforts of `bits`, the first of [`Effort`] lowest.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// One bit for each effort.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// This set with `effort`.
    #[must_use]
    pub const fn with(self, effort: Effort) -> Self {
        Self(self.0 | 1 << effort as u8)
    }

    /// Whether `effort` is one of them.
    pub const fn contains(self, effort: Effort) -> bool {
        self.0 & (1 << effort as u8) != 0
    }

    /// The set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The set's efforts, the least first.
    pub fn iter(self) -> impl Iterator<Item = Effort> {
        Effort::ALL
            .iter()
            .copied()
            .filter(move |effort| self.contains(*effort))
    }

    /// The effort of this set that is meant by `wanted`: itself, else the next higher one, else the highest. `None` where
    /// nothing is wanted and that cannot be said, or where the set is empty.
    pub fn nearest(self, wanted: Effort) -> Option<Effort> {
        if wanted == Effort::None {
            return self.contains(wanted).then_some(wanted);
        }
        let thinks = || self.iter().filter(|effort| *effort != Effort::None);
        thinks()
            .find(|effort| *effort >= wanted)
            .or_else(|| thinks().last())
    }
}

impl fmt::Debug for Efforts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.iter()).finish()
    }
}
