//! What a request to a provider may hold, and in which words: its dialect of the wire format.
//!
//! One value answers for one model of one provider: the provider's own row, then the rules of its API version and of the
//! model, then what the policy says of the target (`quirks`).

use crate::fields::Fields;
use crate::words::{
    DeveloperRole, Effort, Efforts, ForcedTools, Images, JsonObjectSupport, JsonSchemaSupport,
    MessageName, NamedToolChoice, NoToolChoice, OutputLimit, ReasoningField, ReasoningHistory,
    ReasoningRequest, RequiredToolChoice, ResponseExtras, Sampling, SchemaSubset, SeedField,
    StreamUsage, SystemMessages, TextContent, ToolCallIds, UnknownFields, UsageField, Word,
};

/// A value of a quirk as a document writes it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum QuirkValue<'a> {
    /// A word.
    Word(&'a str),
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Number(u64),
    /// Words.
    List(&'a [&'a str]),
}

/// Why a quirk cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidQuirk<'a> {
    /// No quirk has that name.
    UnknownKey,
    /// Something of another kind was expected.
    ExpectedWord,
    /// `true` or `false` was expected.
    ExpectedBool,
    /// A whole number up to this was expected.
    ExpectedNumber(u64),
    /// A list of words was expected.
    ExpectedList,
    /// The word is none of those that [`DialectPatch::words_of`] gives.
    UnknownWord(&'a str),
}

/// A type that a quirk can have.
trait Quirk: Sized {
    fn read<'a>(value: QuirkValue<'a>) -> Result<Self, InvalidQuirk<'a>>;

    /// The words that it takes; none where it takes none.
    fn visit_words(_visit: &mut dyn FnMut(&'static str)) {}
}

impl<T: Word> Quirk for T {
    fn read<'a>(value: QuirkValue<'a>) -> Result<Self, InvalidQuirk<'a>> {
        let QuirkValue::Word(word) = value else {
            return Err(InvalidQuirk::ExpectedWord);
        };
        T::named(word).ok_or(InvalidQuirk::UnknownWord(word))
    }

    fn visit_words(visit: &mut dyn FnMut(&'static str)) {
        T::ALL.iter().for_each(|value| visit(value.name()));
    }
}

impl Quirk for bool {
    fn read<'a>(value: QuirkValue<'a>) -> Result<Self, InvalidQuirk<'a>> {
        match value {
            QuirkValue::Bool(value) => Ok(value),
            QuirkValue::Word(_) | QuirkValue::Number(_) | QuirkValue::List(_) => {
                Err(InvalidQuirk::ExpectedBool)
            }
        }
    }
}

impl Quirk for u16 {
    fn read<'a>(value: QuirkValue<'a>) -> Result<Self, InvalidQuirk<'a>> {
        match value {
            QuirkValue::Number(number) => {
                Self::try_from(number).map_err(|_| InvalidQuirk::ExpectedNumber(Self::MAX.into()))
            }
            QuirkValue::Word(_) | QuirkValue::Bool(_) | QuirkValue::List(_) => {
                Err(InvalidQuirk::ExpectedNumber(Self::MAX.into()))
            }
        }
    }
}

impl Quirk for Efforts {
    fn read<'a>(value: QuirkValue<'a>) -> Result<Self, InvalidQuirk<'a>> {
        let QuirkValue::List(words) = value else {
            return Err(InvalidQuirk::ExpectedList);
        };
        words.iter().try_fold(Self::NONE, |efforts, word| {
            let effort = Effort::named(word).ok_or(InvalidQuirk::UnknownWord(word))?;
            Ok(efforts.with(effort))
        })
    }

    fn visit_words(visit: &mut dyn FnMut(&'static str)) {
        Effort::ALL.iter().for_each(|effort| visit(effort.name()));
    }
}

impl Quirk for Fields {
    fn read<'a>(value: QuirkValue<'a>) -> Result<Self, InvalidQuirk<'a>> {
        let QuirkValue::List(names) = value else {
            return Err(InvalidQuirk::ExpectedList);
        };
        names.iter().try_fold(Self::NONE, |fields, name| {
            let one = Self::one(name).ok_or(InvalidQuirk::UnknownWord(name))?;
            Ok(fields.and(one))
        })
    }

    fn visit_words(visit: &mut dyn FnMut(&'static str)) {
        Self::known_names().iter().for_each(|name| visit(name));
    }
}

/// Hands every part of a dialect to `$callback`: documentation, name, type and value where nothing is known.
macro_rules! dialect_parts {
    ($callback:ident) => {
        $callback! {
            /// The field that limits the answer.
            output_limit: OutputLimit = OutputLimit::Either;
            /// Whether usage of streams is asked for.
            stream_usage: StreamUsage = StreamUsage::Try;
            /// Where usage of streams stands.
            usage_field: UsageField = UsageField::TopLevel;
            /// What answers hold that OpenAI's clients do not expect.
            response_extras: ResponseExtras = ResponseExtras::None;
            /// The field that makes answers repeatable.
            seed: SeedField = SeedField::Seed;
            /// How a call of any tool is demanded.
            required_tool_choice: RequiredToolChoice = RequiredToolChoice::Required;
            /// How a call of one tool is demanded.
            named_tool_choice: NamedToolChoice = NamedToolChoice::Function;
            /// How calls are forbidden.
            no_tool_choice: NoToolChoice = NoToolChoice::None;
            /// Whether calls can be demanded at all.
            forced_tools: ForcedTools = ForcedTools::Always;
            /// Tools may say `strict`.
            strict_tools: bool = true;
            /// What becomes of the role `developer`.
            developer_role: DeveloperRole = DeveloperRole::Developer;
            /// Where system messages may stand.
            system_messages: SystemMessages = SystemMessages::Anywhere;
            /// A user's message may follow a tool's.
            user_after_tool: bool = true;
            /// The conversation may end with the beginning of an answer.
            prefill: bool = true;
            /// Whose messages may carry `name`.
            message_name: MessageName = MessageName::Anyone;
            /// Which ids tool calls may have.
            tool_call_ids: ToolCallIds = ToolCallIds::Any;
            /// Longest name of a tool, in characters; 0 for no limit.
            max_tool_name: u16 = 0;
            /// Most stop sequences; 0 where they are refused, 65535 for no limit.
            max_stop: u16 = u16::MAX;
            /// Highest `temperature`, in hundredths; 0 for no limit.
            max_temperature_percent: u16 = 0;
            /// Which sampling parameters are taken.
            sampling: Sampling = Sampling::Both;
            /// What becomes of a wish for JSON of a schema.
            json_schema: JsonSchemaSupport = JsonSchemaSupport::Native;
            /// What becomes of a wish for any JSON object.
            json_object: JsonObjectSupport = JsonObjectSupport::Native;
            /// What the schemas of tools and answers may say.
            schema: SchemaSubset = SchemaSubset::Full;
            /// Where messages carry reasoning.
            reasoning_field: ReasoningField = ReasoningField::ReasoningContent;
            /// Whether reasoning is sent back.
            reasoning_history: ReasoningHistory = ReasoningHistory::Accepted;
            /// How a model is told how much to think.
            reasoning_request: ReasoningRequest = ReasoningRequest::ReasoningEffort;
            /// The efforts that a request may name; none where a model has no such setting.
            efforts: Efforts = ANY_EFFORT;
            /// A model can be told not to think.
            thinking_off: bool = true;
            /// A model thinks where the request says nothing of it.
            thinks_unasked: bool = false;
            /// Chat Completions refuses tools while the model thinks: the Responses API serves both.
            tools_need_responses: bool = false;
            /// Only the Responses API serves the model.
            responses_only: bool = false;
            /// How text in `content` is written.
            text_content: TextContent = TextContent::Parts;
            /// Which images are taken.
            images: Images = Images::Any;
            /// Files may be parts of a message.
            files: bool = true;
            /// Prompt-cache markers (`cache_control`, cache points) are taken.
            cache_control: bool = false;
            /// What becomes of fields that the provider does not know.
            unknown_fields: UnknownFields = UnknownFields::Ignored;
        }
    };
}

/// Nothing is known of the model's efforts: all that OpenAI names may be tried.
const ANY_EFFORT: Efforts = Efforts::NONE
    .with(Effort::None)
    .with(Effort::Minimal)
    .with(Effort::Low)
    .with(Effort::Medium)
    .with(Effort::High)
    .with(Effort::XHigh)
    .with(Effort::Max);

/// Quirks that are a field of the request: `true` where it is taken.
const SWITCHES: &[(&str, &str)] = &[
    ("logprobs", "logprobs"),
    ("many_choices", "n"),
    ("parallel_tool_calls", "parallel_tool_calls"),
    ("prompt_cache_key", "prompt_cache_key"),
];

macro_rules! define_dialect {
    ($($(#[$doc:meta])* $part:ident: $type:ty = $default:expr;)+) => {
        /// What a request may hold. See the [module](self).
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct Dialect {
            $($(#[$doc])* pub $part: $type,)+
            /// The fields of Chat Completions that are taken, of those that the catalogue knows.
            pub fields: Fields,
        }

        impl Dialect {
            /// What is sent to a server of which nothing is known but its wire format.
            pub const UNKNOWN: Self = Self { $($part: $default,)+ fields: Fields::ALL };

            /// This dialect where `patch` leaves it as it is.
            #[must_use]
            pub fn with(mut self, patch: &DialectPatch) -> Self {
                $(if let Some(value) = patch.$part { self.$part = value; })+
                self.fields = self.fields.and(patch.accepted_fields).without(patch.dropped_fields);
                self
            }
        }

        /// Parts of a dialect; the others stay as they are.
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct DialectPatch {
            $($(#[$doc])* pub $part: Option<$type>,)+
            /// Fields that are taken.
            pub accepted_fields: Fields,
            /// Fields that are left out, because they are refused or mean something else.
            pub dropped_fields: Fields,
        }

        impl DialectPatch {
            /// Changes nothing.
            pub const NONE: Self =
                Self { $($part: None,)+ accepted_fields: Fields::NONE, dropped_fields: Fields::NONE };
            /// The name of every part that is no field of the request.
            const PARTS: &'static [&'static str] = &[$(stringify!($part),)+];

            /// Sets the part that is called `key`.
            ///
            /// # Errors
            /// There is no such part, or the value is none of its own.
            pub fn set<'a>(&mut self, key: &str, value: QuirkValue<'a>) -> Result<(), InvalidQuirk<'a>> {
                match key {
                    $(stringify!($part) => self.$part = Some(Quirk::read(value)?),)+
                    "accepted_fields" => self.accept(Quirk::read(value)?),
                    "dropped_fields" => self.drop(Quirk::read(value)?),
                    _ => {
                        let (_, field) = SWITCHES.iter().find(|(name, _)| *name == key)
                            .ok_or(InvalidQuirk::UnknownKey)?;
                        let field = Fields::one(field).unwrap_or_default();
                        if Quirk::read(value)? { self.accept(field) } else { self.drop(field) }
                    }
                }
                Ok(())
            }

            /// Shows `visit` the words that the part called `key` takes.
            pub fn words_of(key: &str, visit: &mut dyn FnMut(&'static str)) {
                match key {
                    $(stringify!($part) => <$type as Quirk>::visit_words(visit),)+
                    "accepted_fields" | "dropped_fields" => Fields::visit_words(visit),
                    _ => {}
                }
            }
        }
    };
}
dialect_parts!(define_dialect);

impl DialectPatch {
    /// The name of every part.
    pub fn keys() -> impl Iterator<Item = &'static str> {
        let switches = SWITCHES.iter().map(|(name, _)| *name);
        let lists = ["accepted_fields", "dropped_fields"];
        Self::PARTS.iter().copied().chain(switches).chain(lists)
    }

    fn accept(&mut self, fields: Fields) {
        self.accepted_fields = self.accepted_fields.and(fields);
        self.dropped_fields = self.dropped_fields.without(fields);
    }

    fn drop(&mut self, fields: Fields) {
        self.dropped_fields = self.dropped_fields.and(fields);
        self.accepted_fields = self.accepted_fields.without(fields);
    }
}

impl Dialect {
    /// The effort that comes nearest to `wanted`. A model that cannot be told not to think gets its least one for that.
    /// `None` where nothing is to be said.
    pub fn effort(&self, wanted: Effort) -> Option<Effort> {
        let least = || self.efforts.iter().find(|effort| *effort != Effort::None);
        match self.efforts.nearest(wanted) {
            None if wanted == Effort::None && !self.thinking_off => least(),
            nearest => nearest,
        }
    }

    /// Whether a request may have the top-level field `name`.
    pub fn takes(&self, name: &str) -> bool {
        self.fields
            .contains(name)
            .unwrap_or(self.unknown_fields == UnknownFields::Ignored)
    }
}
