//! The form of `providers/<name>.toml`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::Problem;
use crate::dialect::{DialectPatch, InvalidQuirk, QuirkValue};
use crate::endpoint::{Endpoint, Endpoints};
use crate::error_rows::ProviderErrors;
use crate::source::{Fact, Grade, ShortNames, check};
use crate::upstream::{PathLayout, UpstreamFormat};
use crate::words::Word;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderFile {
    pub(crate) name: String,
    pub(crate) title: String,
    /// What OpenTelemetry's conventions call it; its own name where they do not know it.
    pub(crate) otel_name: Option<String>,
    pub(crate) aliases: Fact<Vec<String>>,
    #[serde(default)]
    pub(crate) model_aliases: Vec<String>,
    pub(crate) hosts: Fact<Vec<String>>,
    #[serde(default)]
    pub(crate) port: u16,
    pub(crate) base_url: Option<Fact<String>>,
    pub(crate) base_url_region: Option<String>,
    pub(crate) base_url_variable: Option<String>,
    pub(crate) format: Fact<String>,
    #[serde(default = "plain")]
    pub(crate) layout: String,
    pub(crate) auth: Fact<String>,
    #[serde(default = "yes")]
    pub(crate) needs_key: bool,
    #[serde(default)]
    pub(crate) self_hosted: bool,
    #[serde(default)]
    pub(crate) takes_any_model: bool,
    #[serde(default)]
    pub(crate) model_families: Vec<String>,
    #[serde(default)]
    pub(crate) same_models_as: Vec<String>,
    #[serde(default)]
    pub(crate) makes_models: bool,
    #[serde(default)]
    pub(crate) has_own_prices: bool,
    #[serde(default)]
    pub(crate) lists_models: bool,
    pub(crate) probe: Option<Fact<String>>,
    #[serde(default)]
    pub(crate) probe_headers: BTreeMap<String, String>,
    pub(crate) endpoints: Fact<Vec<String>>,
    pub(crate) native_endpoints: Vec<String>,
    #[serde(default)]
    request: BTreeMap<String, Fact<toml::Value>>,
    #[serde(default)]
    api_version: Vec<ApiVersion>,
    pub(crate) errors: Option<ProviderErrors>,
    #[serde(default)]
    sources: ShortNames,
}

fn plain() -> String {
    PathLayout::Plain.name().to_owned()
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApiVersion {
    before: String,
    #[serde(default)]
    request: BTreeMap<String, toml::Value>,
    #[serde(default)]
    without: Vec<String>,
    grade: Grade,
    source: Vec<String>,
}

impl ProviderFile {
    /// The file itself, if all that it says has a meaning and a source.
    pub(crate) fn checked(self, path: &Path) -> Result<Self, Problem> {
        let file = path.display();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        if stem != Some(self.name.as_str()) {
            return Err(format!(
                "{file}: the file is to be called {}.toml",
                self.name
            ));
        }
        let lower = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|byte| {
                    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte)
                })
        };
        for name in self.names() {
            if !lower(name) {
                return Err(format!(
                    "{file}: name `{name}`: lower case, digits, `-` and `.` only"
                ));
            }
        }
        let in_file = |problem| format!("{file}: {problem}");
        self.check_sources().map_err(in_file)?;
        if let Some(errors) = &self.errors {
            errors.check(&self.sources).map_err(in_file)?;
        }
        for host in &self.hosts.value {
            if host.matches('*').count() > 1 || host.contains('{') {
                return Err(format!("{file}: host `{host}`: at most one `*`"));
            }
        }
        self.upstream().map_err(in_file)?;
        self.auth_header().map_err(in_file)?;
        endpoints(&self.endpoints.value).map_err(in_file)?;
        endpoints(&self.native_endpoints).map_err(in_file)?;
        self.patch().map_err(in_file)?;
        self.versions().map_err(in_file)?;
        Ok(self)
    }

    fn check_sources(&self) -> Result<(), Problem> {
        let names = &self.sources;
        self.aliases.check("aliases", names)?;
        self.hosts.check("hosts", names)?;
        self.format.check("format", names)?;
        self.auth.check("auth", names)?;
        self.endpoints.check("endpoints", names)?;
        for fact in [&self.base_url, &self.probe].into_iter().flatten() {
            fact.check("base_url or probe", names)?;
        }
        for (key, fact) in &self.request {
            fact.check(&format!("request.{key}"), names)?;
        }
        for version in &self.api_version {
            check(version.grade, &version.source, None, "api_version", names)?;
        }
        Ok(())
    }

    /// Every name that a configuration may use.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let aliases = self.aliases.value.iter().chain(&self.model_aliases);
        std::iter::once(self.name.as_str()).chain(aliases.map(String::as_str))
    }

    pub(crate) fn upstream(&self) -> Result<(UpstreamFormat, PathLayout), Problem> {
        let format = UpstreamFormat::named(&self.format.value)
            .ok_or_else(|| format!("unknown format `{}`", self.format.value))?;
        let layout = PathLayout::named(&self.layout)
            .ok_or_else(|| format!("unknown layout `{}`", self.layout))?;
        Ok((format, layout))
    }

    /// Header and prefix of `authorization: Bearer KEY`.
    pub(crate) fn auth_header(&self) -> Result<(&str, &str), Problem> {
        let text = &self.auth.value;
        let parts = text
            .strip_suffix("KEY")
            .and_then(|text| text.split_once(": "));
        parts.ok_or_else(|| format!("auth: expected `header: prefix KEY`, found `{text}`"))
    }

    pub(crate) fn patch(&self) -> Result<DialectPatch, Problem> {
        patch(
            self.request
                .iter()
                .map(|(key, fact)| (key.as_str(), &fact.value)),
        )
    }

    pub(crate) fn versions(&self) -> Result<Vec<(&str, DialectPatch, Endpoints)>, Problem> {
        let read = |version: &'_ ApiVersion| {
            let patch = patch(
                version
                    .request
                    .iter()
                    .map(|(key, value)| (key.as_str(), value)),
            )?;
            Ok((patch, endpoints(&version.without)?))
        };
        let versions = self.api_version.iter();
        versions
            .map(|version| read(version).map(|(patch, without)| (&*version.before, patch, without)))
            .collect()
    }
}

/// Endpoints by name.
pub(crate) fn endpoints(names: &[String]) -> Result<Endpoints, Problem> {
    names.iter().try_fold(Endpoints::NONE, |set, name| {
        let endpoint = Endpoint::named(name).ok_or_else(|| format!("unknown endpoint `{name}`"))?;
        Ok(set.with(endpoint))
    })
}

/// Parts of a dialect by name.
pub(crate) fn patch<'a>(
    parts: impl Iterator<Item = (&'a str, &'a toml::Value)>,
) -> Result<DialectPatch, Problem> {
    let mut patch = DialectPatch::NONE;
    for (key, value) in parts {
        let words: Vec<&str>;
        let value = match value {
            toml::Value::String(word) => QuirkValue::Word(word),
            toml::Value::Boolean(value) => QuirkValue::Bool(*value),
            toml::Value::Integer(number) => QuirkValue::Number(
                u64::try_from(*number).map_err(|_| format!("request.{key}: negative"))?,
            ),
            toml::Value::Array(list) => {
                words = list.iter().filter_map(toml::Value::as_str).collect();
                if words.len() != list.len() {
                    return Err(format!("request.{key}: expected words"));
                }
                QuirkValue::List(&words)
            }
            other => return Err(format!("request.{key}: unexpected {}", other.type_str())),
        };
        patch.set(key, value).map_err(|error| match error {
            InvalidQuirk::UnknownKey => format!("request.{key}: unknown key"),
            InvalidQuirk::UnknownWord(word) => format!("request.{key}: unknown word `{word}`"),
            error => format!("request.{key}: {error:?}"),
        })?;
    }
    Ok(patch)
}

/// Names that two providers have, and providers that are named and are not there.
pub(crate) fn conflicts(providers: &BTreeMap<String, ProviderFile>) -> Vec<Problem> {
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    let mut problems = Vec::new();
    for provider in providers.values() {
        for name in provider.names() {
            if let Some(other) = owners.insert(name, &provider.name) {
                problems.push(format!(
                    "`{name}` is a name of {other} and of {}",
                    provider.name
                ));
            }
        }
        for other in &provider.same_models_as {
            if !providers.contains_key(other) {
                problems.push(format!("{}: no provider `{other}`", provider.name));
            }
        }
    }
    problems
}
