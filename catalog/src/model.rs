//! What is known of models: how much they take, what they can do, what they cost, and how requests to them differ.

use std::fmt;

use crate::dialect::DialectPatch;
use crate::name;
use crate::price::ListPrice;
use crate::provider::Provider;
use crate::tables::MODELS;
use crate::words::Word;

words! {
    /// Something that a model can do.
    pub enum Ability {
        /// Calls tools.
        Tools = "tools",
        /// Takes images.
        Images = "images",
        /// Takes PDF documents.
        Documents = "documents",
        /// Takes audio.
        Audio = "audio",
        /// Takes video.
        Video = "video",
        /// Answers in JSON of a given schema.
        JsonSchema = "json_schema",
        /// Thinks.
        Reasoning = "reasoning",
        /// Reads prompts from a cache.
        PromptCache = "prompt_cache",
        /// Makes embeddings instead of answers.
        Embeddings = "embeddings",
    }
}

/// A set of abilities.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Abilities(u16);

impl Abilities {
    /// The abilities of `bits`, the first of [`Ability`] lowest.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// One bit for each ability.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// This set with `ability`.
    #[must_use]
    pub const fn with(self, ability: Ability) -> Self {
        Self(self.0 | 1 << ability as u16)
    }

    /// Whether `ability` is one of them.
    pub const fn contains(self, ability: Ability) -> bool {
        self.0 & (1 << ability as u16) != 0
    }

    /// The set's abilities, in the order of [`Ability`].
    pub fn iter(self) -> impl Iterator<Item = Ability> {
        Ability::ALL
            .iter()
            .copied()
            .filter(move |ability| self.contains(*ability))
    }
}

impl fmt::Debug for Abilities {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.iter()).finish()
    }
}

/// One model of one provider.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Model {
    /// Its name without date, version and release channel.
    pub name: &'static str,
    /// Name of the provider whose price and limits these are.
    pub provider: &'static str,
    /// Most tokens of a prompt; 0 where it is not known.
    pub context_window: u32,
    /// Most tokens of an answer; 0 where it is not known.
    pub max_output_tokens: u32,
    /// What it can do; empty where it is not known.
    pub abilities: Abilities,
    /// Fewest tokens that a cached prompt must have; 0 where it is not known.
    pub min_cached_tokens: u16,
    /// `None` where no list has it.
    pub price: Option<ListPrice>,
}

/// Which models a rule is about. What a pattern leaves open fits any model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelPattern {
    /// Whole names, a `*` at their end for anything; empty fits any name.
    pub names: &'static [&'static str],
    /// Begins a word of the name, and the version follows; empty fits any name.
    pub family: &'static str,
    /// One of these is a word of the name; empty fits any name.
    pub words: &'static [&'static str],
    /// None of these is a word of the name.
    pub without: &'static [&'static str],
    /// The first version that fits.
    pub from: Option<(u8, u8)>,
    /// The first version that no longer fits.
    pub before: Option<(u8, u8)>,
}

/// How requests to some models differ from those to other models of a provider.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModelRule {
    /// The models.
    pub models: ModelPattern,
    /// The difference.
    pub dialect: DialectPatch,
}

impl ModelPattern {
    /// Whether the rule is about `model`. Names may begin with a region, a publisher or a path; case does not matter.
    pub fn fits(&self, model: &str) -> bool {
        let has_word =
            |word: &&str| name::words(model).any(|found| found.eq_ignore_ascii_case(word));
        let tail = model.rsplit('/').next().unwrap_or(model);
        let forms = [model, without_region(tail), without_place(tail)];
        let named = |pattern: &&str| forms.iter().any(|form| name::matches_model(pattern, form));
        (self.names.is_empty() || self.names.iter().any(named))
            && (self.words.is_empty() || self.words.iter().any(has_word))
            && !self.without.iter().any(has_word)
            && self.fits_family(model)
    }

    fn fits_family(&self, model: &str) -> bool {
        if self.family.is_empty() {
            return true;
        }
        if self.from.is_none() && self.before.is_none() {
            return name::behind_family(model, self.family).next().is_some();
        }
        name::version(model, self.family).is_some_and(|version| {
            self.from.is_none_or(|from| version >= from)
                && self.before.is_none_or(|before| version < before)
        })
    }
}

/// Where a model is served, in front of its name.
const REGIONS: &[&str] = &[
    "us-gov.", "us.", "eu.", "apac.", "jp.", "au.", "in.", "global.",
];

/// Who publishes a model, in front of its name.
const PUBLISHERS: &[&str] = &[
    "models/",
    "anthropic.",
    "amazon.",
    "meta.",
    "mistral.",
    "cohere.",
    "deepseek.",
    "openai.",
    "xai.",
    "moonshotai.",
    "moonshot.",
    "qwen.",
    "ai21.",
    "minimax.",
    "zai.",
    "google.",
    "nvidia.",
    "openai/",
    "anthropic/",
    "google/",
    "mistralai/",
    "deepseek/",
    "x-ai/",
    "xai/",
    "perplexity/",
    "moonshotai/",
    "qwen/",
    "z-ai/",
    "minimax/",
    "cohere/",
];

fn without_region(model: &str) -> &str {
    without(model, REGIONS)
}

/// `model` without what says where it is served, and by whom it is published.
pub(crate) fn without_place(model: &str) -> &str {
    without(without_region(model), PUBLISHERS)
}

fn without<'a>(model: &'a str, places: &[&str]) -> &'a str {
    places.iter().fold(model, |name, place| {
        name::strip_prefix_ignoring_case(name, place).unwrap_or(name)
    })
}

impl Model {
    /// What is known of `model` at `provider`: the provider's own row, else that of whoever made the model. Dates,
    /// versions, regions and publishers in the name do not matter.
    pub fn find(provider: Provider, model: &str) -> Option<&'static Self> {
        let bare = without_place(model);
        candidates(bare).find_map(|rows| {
            let own = rows.iter().find(|row| row.provider == provider.name());
            own.or_else(|| rows.iter().find(|row| is_of_maker(row, provider)))
        })
    }

    /// Every model, by name, then by provider.
    pub fn all() -> &'static [Self] {
        &MODELS
    }
}

/// A row of another provider says something of a model at `provider` unless each of them has its own price for it, as those
/// have who serve open weights.
fn is_of_maker(row: &Model, provider: Provider) -> bool {
    let Some(maker) = Provider::named(row.provider) else {
        return false;
    };
    maker.profile().makes_models && !provider.profile().has_own_prices
}

/// The rows of the longest names that `model` begins with, where only a version follows; then those of shorter names.
fn candidates(model: &str) -> impl Iterator<Item = &'static [Model]> {
    let ends = (1..=model.len()).rev().filter(move |end| {
        model
            .split_at_checked(*end)
            .is_some_and(|(_, rest)| name::is_version_suffix(rest))
    });
    ends.filter_map(move |end| {
        let rows = rows_of(model.get(..end)?);
        (!rows.is_empty()).then_some(rows)
    })
}

fn rows_of(name: &str) -> &'static [Model] {
    let compare = |row: &Model| {
        let (row, name) = (row.name.bytes(), name.bytes());
        row.map(|byte| byte.to_ascii_lowercase())
            .cmp(name.map(|byte| byte.to_ascii_lowercase()))
    };
    let start = MODELS.partition_point(|row| compare(row).is_lt());
    let rest = MODELS.get(start..).unwrap_or_default();
    let length = rest.partition_point(|row| compare(row).is_eq());
    rest.get(..length).unwrap_or_default()
}
