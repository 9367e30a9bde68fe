//! Models that are gone, or will be.

use std::cmp::Reverse;

use crate::model::{self, Model};
use crate::name;
use crate::provider::Provider;
use crate::tables::RETIREMENTS;

words! {
    /// How far the end of a model has come.
    pub enum RetirementState {
        /// The provider no longer serves it.
        Retired = "retired",
        /// The provider has said when it ends.
        Announced = "announced",
        /// The provider advises against it, without a day for its end.
        Deprecated = "deprecated",
    }
}

/// The end of one model at one provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retirement {
    /// Name of the provider.
    pub provider: &'static str,
    /// The model's name, whole.
    pub model: &'static str,
    /// How far it has come.
    pub state: RetirementState,
    /// The day, `2026-10-23`; empty where it is not known.
    pub date: &'static str,
}

/// What the catalogue knows of a name that a policy sends to a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelStatus {
    /// It is served, or nothing speaks against it.
    Served,
    /// It is served until a day that is to come.
    Ending(&'static Retirement),
    /// It is no longer served.
    Retired(&'static Retirement),
    /// The provider's list has no such name.
    Unlisted,
}

impl Retirement {
    /// What is known of the end of `model` at `provider`.
    pub fn find(provider: Provider, model: &str) -> Option<&'static Self> {
        let found = |name: &str| {
            RETIREMENTS
                .binary_search_by(|row| (row.provider, row.model).cmp(&(provider.name(), name)))
                .ok()
                .and_then(|at| RETIREMENTS.get(at))
        };
        let region = name::words(model).next().unwrap_or_default();
        let behind_region = model
            .get(region.len()..)
            .and_then(|rest| rest.strip_prefix('.'));
        found(model).or_else(|| behind_region.and_then(found))
    }

    /// Every one, by provider, then by model.
    pub fn all() -> &'static [Self] {
        &RETIREMENTS
    }
}

impl ModelStatus {
    /// What is known of `model` at `provider` on the day `today`, `2026-11-30`.
    pub fn find(provider: Provider, model: &str, today: &str) -> Self {
        match Retirement::find(provider, model) {
            Some(end) if end.state == RetirementState::Retired && end.date <= today => {
                Self::Retired(end)
            }
            Some(end) if !end.date.is_empty() && end.date <= today => Self::Retired(end),
            Some(end) if !end.date.is_empty() => Self::Ending(end),
            Some(_) => Self::Served,
            None if is_listed(provider, model) => Self::Served,
            None => Self::Unlisted,
        }
    }
}

/// Whether nothing speaks against `model` at `provider`.
fn is_listed(provider: Provider, model: &str) -> bool {
    let profile = provider.profile();
    !profile.lists_models
        || model.contains(['/', ':'])
        || rows_of(provider).any(|row| {
            name::strip_prefix_ignoring_case(model, row.name).is_some_and(name::is_version_suffix)
        })
}

fn rows_of(provider: Provider) -> impl Iterator<Item = &'static Model> {
    let all = Model::all().iter();
    all.filter(move |row| row.provider == provider.name())
}

/// The name of `provider`'s that is most like `model` and served on `today`.
pub fn nearest_model(provider: Provider, model: &str, today: &str) -> Option<&'static str> {
    let bare = model::without_place(model);
    let shared_letters = |row: &Model| {
        let pairs = row.name.bytes().zip(bare.bytes());
        pairs.take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count()
    };
    let shared_words = |row: &Model| {
        name::plain_words(bare)
            .filter(|word| has_word(row.name, word))
            .count()
    };
    served(provider, today)
        .filter(|row| row.name != bare && shared_words(row) > 0)
        .max_by_key(|row| {
            (
                shared_words(row),
                shared_letters(row),
                Reverse(row.name.len()),
            )
        })
        .map(|row| row.name)
}

/// The newest model of `provider` that is served on `today` and has the name of `model` but for its version.
pub fn successor(provider: Provider, model: &str, today: &str) -> Option<&'static str> {
    let bare = model::without_place(model);
    // A channel says which version it is, like a number.
    let is_channel = |word: &str| word == "latest" || word == "preview";
    let all_in = |of: &str, other: &str| {
        name::plain_words(of).all(|word| is_channel(word) || has_word(other, word))
    };
    served(provider, today)
        .filter(|row| row.name != bare && all_in(row.name, bare) && all_in(bare, row.name))
        .max_by_key(|row| name::numbers(row.name))
        .map(|row| row.name)
}

/// Models of which some version is served: where all versions whose end is known are gone, the model is.
fn served(provider: Provider, today: &str) -> impl Iterator<Item = &'static Model> {
    rows_of(provider).filter(move |row| {
        let mut ends = RETIREMENTS.iter().filter(|end| {
            end.provider == provider.name()
                && name::strip_prefix_ignoring_case(end.model, row.name)
                    .is_some_and(name::is_version_suffix)
        });
        let is_gone = |end: &Retirement| {
            let status = ModelStatus::find(provider, end.model, today);
            matches!(status, ModelStatus::Retired(_))
        };
        let first = ends.next();
        !(first.is_some_and(is_gone) && ends.all(is_gone))
    })
}

fn has_word(name: &str, word: &str) -> bool {
    name::words(name).any(|other| other.eq_ignore_ascii_case(word))
}
