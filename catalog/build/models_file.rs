//! The form of `models.toml`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::Problem;
use crate::dialect::DialectPatch;
use crate::provider_file::patch;
use crate::source::{Grade, ShortNames, check};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelsFile {
    pub(crate) prices_as_of: String,
    /// Short names of sources that many rows share, and what they stand for.
    sources: ShortNames,
    pub(crate) model: Vec<ModelRow>,
    #[serde(default)]
    pub(crate) listed: Vec<ListedRow>,
    pub(crate) rule: Vec<RuleRow>,
    pub(crate) retired: Vec<RetiredRow>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelRow {
    pub(crate) provider: String,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) context_window: u32,
    #[serde(default)]
    pub(crate) max_output_tokens: u32,
    #[serde(default)]
    pub(crate) min_cached_tokens: u16,
    #[serde(default)]
    pub(crate) abilities: Vec<String>,
    pub(crate) price: Option<PriceRow>,
    grade: Grade,
    source: Vec<String>,
    note: Option<String>,
}

/// US dollars per million tokens.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceRow {
    pub(crate) input: f64,
    pub(crate) output: f64,
    pub(crate) cached: Option<f64>,
    pub(crate) cache_write: Option<f64>,
    #[serde(default)]
    pub(crate) above: Vec<TierRow>,
    pub(crate) as_of: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TierRow {
    pub(crate) prompt_tokens: u32,
    pub(crate) input: f64,
    pub(crate) output: f64,
    pub(crate) cached: Option<f64>,
}

/// Models that a provider serves and of which no more is known.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListedRow {
    pub(crate) provider: String,
    pub(crate) models: Vec<String>,
    grade: Grade,
    source: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleRow {
    /// Names of the providers; `*` is all.
    pub(crate) at: Vec<String>,
    #[serde(default)]
    pub(crate) names: Vec<String>,
    #[serde(default)]
    pub(crate) family: String,
    #[serde(default)]
    pub(crate) words: Vec<String>,
    #[serde(default)]
    pub(crate) without: Vec<String>,
    pub(crate) from: Option<String>,
    pub(crate) before: Option<String>,
    request: BTreeMap<String, toml::Value>,
    grade: Grade,
    source: Vec<String>,
    note: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetiredRow {
    pub(crate) provider: String,
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) date: String,
    pub(crate) models: Vec<String>,
    grade: Grade,
    source: Vec<String>,
}

impl ModelsFile {
    /// The file itself, if all that it says has a meaning and a source. `providers` are those that there are.
    pub(crate) fn checked(self, providers: &BTreeSet<&str>) -> Result<Self, Problem> {
        let known = |provider: &str, what: &str| {
            let found = providers.contains(provider);
            found
                .then_some(())
                .ok_or_else(|| format!("models.toml: {what}: no provider `{provider}`"))
        };
        let mut names = BTreeSet::new();
        for row in &self.model {
            let what = format!("models.toml: {} of {}", row.name, row.provider);
            known(&row.provider, &what)?;
            check(
                row.grade,
                &row.source,
                row.note.as_deref(),
                &what,
                &self.sources,
            )?;
            if !names.insert((row.name.to_ascii_lowercase(), &row.provider)) {
                return Err(format!("{what}: listed twice"));
            }
            if let Some(price) = &row.price {
                if !is_date(&price.as_of) {
                    return Err(format!("{what}: `{}` is no date", price.as_of));
                }
                let limits: Vec<u32> = price.above.iter().map(|tier| tier.prompt_tokens).collect();
                if !limits.is_sorted() {
                    return Err(format!("{what}: the shortest tier comes first"));
                }
            }
        }
        for row in &self.listed {
            let what = format!("models.toml: listed of {}", row.provider);
            known(&row.provider, &what)?;
            check(row.grade, &row.source, None, &what, &self.sources)?;
            for name in &row.models {
                if !names.insert((name.to_ascii_lowercase(), &row.provider)) {
                    return Err(format!("{what}: {name} is listed twice"));
                }
            }
        }
        for row in &self.rule {
            let what = format!(
                "models.toml: rule for {}{}",
                row.family,
                row.names.join(", ")
            );
            for provider in row.at.iter().filter(|provider| *provider != "*") {
                known(provider, &what)?;
            }
            check(
                row.grade,
                &row.source,
                row.note.as_deref(),
                &what,
                &self.sources,
            )?;
            if row.names.is_empty() && row.family.is_empty() {
                return Err(format!("{what}: fits every model"));
            }
            row.patch()
                .map_err(|problem| format!("{what}: {problem}"))?;
            row.versions()
                .map_err(|problem| format!("{what}: {problem}"))?;
        }
        for row in &self.retired {
            let what = format!("models.toml: retired at {}", row.provider);
            known(&row.provider, &what)?;
            check(row.grade, &row.source, None, &what, &self.sources)?;
            if !(row.date.is_empty() || is_date(&row.date)) {
                return Err(format!("{what}: `{}` is no date", row.date));
            }
            if !["retired", "announced", "deprecated"].contains(&row.state.as_str()) {
                return Err(format!("{what}: unknown state `{}`", row.state));
            }
        }
        if !is_date(&self.prices_as_of) {
            return Err("models.toml: prices_as_of is no date".to_owned());
        }
        Ok(self)
    }
}

impl RuleRow {
    pub(crate) fn patch(&self) -> Result<DialectPatch, Problem> {
        patch(
            self.request
                .iter()
                .map(|(key, value)| (key.as_str(), value)),
        )
    }

    /// [`RuleRow::from`] and [`RuleRow::before`] as numbers.
    pub(crate) fn versions(&self) -> Result<[Option<(u8, u8)>; 2], Problem> {
        let read = |text: &Option<String>| {
            text.as_deref().map(|text| {
                let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
                let numbers = major.parse().ok().zip(minor.parse().ok());
                numbers.ok_or_else(|| format!("`{text}` is no version"))
            })
        };
        Ok([
            read(&self.from).transpose()?,
            read(&self.before).transpose()?,
        ])
    }
}

/// `2026-11-30` or `2026-11`.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let digits = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
    matches!(parts.as_slice(), [y, m, d] if y.len() == 4 && m.len() == 2 && d.len() == 2)
        && parts.iter().all(digits)
        || matches!(parts.as_slice(), [y, m] if y.len() == 4 && m.len() == 2)
            && parts.iter().all(digits)
}
