//! Providers: one row each.

use std::fmt;
use std::hash::{Hash, Hasher};

use crate::dialect::{Dialect, DialectPatch};
use crate::endpoint::Endpoints;
use crate::error_rule::{self, ErrorKind, ErrorRule, ErrorText};
use crate::model::ModelRule;
use crate::name;
use crate::tables::{ERROR_RULES, PROVIDERS};
use crate::upstream::{PathLayout, UpstreamFormat};

/// How a credential is shown to a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthHeader {
    /// Lower-case header name.
    pub name: &'static str,
    /// Before the key, such as `Bearer `.
    pub prefix: &'static str,
}

/// What is known of a provider beyond the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Canonical name: in configurations, events and logs. Lower case, words joined by `-`.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// `gen_ai.provider.name` of OpenTelemetry's conventions; the name with `_` for `-` where they do not list it.
    pub otel_name: &'static str,
    /// Further names, in configurations and inside the ids of targets.
    pub aliases: &'static [&'static str],
    /// Further names in configurations only, because in the id of a target they may mean a model.
    pub model_aliases: &'static [&'static str],
    /// Hosts that belong to the provider; one `*` stands for any characters.
    pub hosts: &'static [&'static str],
    /// The port that tells it where no host does; 0 for none.
    pub port: u16,
    /// Where its API is when a target gives no base URL. Its path also completes a base URL that has none.
    pub base_url: Option<&'static str>,
    /// The part of the base URL's host that is the target's region.
    pub base_url_region: Option<&'static str>,
    /// The environment variable that names the base URL where a target gives none, as in the provider's own SDKs.
    pub base_url_variable: Option<&'static str>,
    /// What it speaks.
    pub format: UpstreamFormat,
    /// Where its endpoints are.
    pub layout: PathLayout,
    /// How it wants the key.
    pub auth: AuthHeader,
    /// `false`: a server at a loopback or private address may go without a key.
    pub needs_key: bool,
    /// It runs on the user's own machines: names of models say nothing of prices.
    pub self_hosted: bool,
    /// Users name models or deployments themselves, or the list is open: any name may be right.
    pub takes_any_model: bool,
    /// First words of the model names that are this provider's own.
    pub model_families: &'static [&'static str],
    /// Names of the providers whose models it serves under their own names.
    pub same_models_as: &'static [&'static str],
    /// It sells models of its own making: its prices say something of the same models elsewhere.
    pub makes_models: bool,
    /// It sells others' models at prices of its own.
    pub has_own_prices: bool,
    /// The catalogue lists all of its current models: a name that is not listed is a mistake, or newer.
    pub lists_models: bool,
    /// A GET below the base URL that costs nothing and fails for a bad key; `None` where there is none.
    pub probe: Option<&'static str>,
    /// Headers that the probe needs beside the credential.
    pub probe_headers: &'static [(&'static str, &'static str)],
    /// What it serves.
    pub endpoints: Endpoints,
    /// What is sent there as it comes; the rest of what it serves is reached by translation, unless a target says
    /// otherwise.
    pub native_endpoints: Endpoints,
    /// What a request may hold.
    pub dialect: Dialect,
    /// How older versions of its API differ; the oldest first.
    pub api_versions: &'static [ApiVersionRule],
    /// How requests to some models differ; where several fit, each changes what those before it left.
    pub model_rules: &'static [ModelRule],
    /// What its error bodies mean; the first that fits decides.
    pub errors: &'static [ErrorRule],
}

/// How an API differs in versions before some other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ApiVersionRule {
    /// The first version without the difference. Versions are dates.
    pub before: &'static str,
    /// The difference.
    pub dialect: DialectPatch,
    /// Endpoints that are not served yet.
    pub without: Endpoints,
}

/// Who runs a target. One that is not listed is reached as [`Provider::COMPATIBLE`].
#[derive(Clone, Copy)]
pub struct Provider(pub(crate) &'static Profile);

impl Provider {
    /// Every provider, those of a vendor's own models first.
    pub fn all() -> impl ExactSizeIterator<Item = Self> + Clone {
        PROVIDERS.iter().copied().map(Self)
    }

    /// What is known of it.
    pub fn profile(self) -> &'static Profile {
        self.0
    }

    /// Canonical name, as it stands in events and logs.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// What it speaks.
    pub fn format(self) -> UpstreamFormat {
        self.0.format
    }

    /// The provider called `name` in a configuration: canonical name or alias, `_` for `-` and any case allowed.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim();
        Self::all().find(|provider| {
            let profile = provider.0;
            let mut names = profile.aliases.iter().chain(profile.model_aliases);
            is_called(name, profile.name) || names.any(|alias| is_called(name, alias))
        })
    }

    /// The provider that runs `host`.
    pub fn of_host(host: &str) -> Option<Self> {
        Self::all().find(|provider| {
            let mut hosts = provider.0.hosts.iter();
            hosts.any(|pattern| name::matches_host(pattern, host))
        })
    }

    /// The provider that is known by its port alone.
    pub fn of_port(port: u16) -> Option<Self> {
        Self::all().find(|provider| provider.0.port != 0 && provider.0.port == port)
    }

    /// The provider whose name stands in `id` as a word or as words in a row, as in `local-ollama` or `azure-openai-eu`.
    /// Longer names win, then earlier ones.
    pub fn of_id(id: &str) -> Option<Self> {
        const MOST_WORDS: usize = 4;
        let words: Vec<&str> = id.split(['-', '_', '.']).collect();
        (1..=words.len().min(MOST_WORDS))
            .rev()
            .flat_map(|length| words.windows(length).map(|words| words.join("-")))
            .find_map(|name| {
                Self::all()
                    .filter(|provider| *provider != Self::COMPATIBLE)
                    .find(|provider| {
                        let mut names = provider.0.aliases.iter();
                        is_called(&name, provider.0.name)
                            || names.any(|alias| is_called(&name, alias))
                    })
            })
    }

    /// The provider whose own model has the name `model`.
    pub fn of_model(model: &str) -> Option<Self> {
        Self::all().find(|provider| {
            let mut families = provider.0.model_families.iter();
            families.any(|family| in_family(family, model))
        })
    }

    /// The dialect of requests to `model`, in that version of the API.
    pub fn dialect(self, api_version: Option<&str>, model: &str) -> Dialect {
        let profile = self.0;
        let versions = profile.api_versions.iter();
        let older =
            versions.filter(|rule| api_version.is_some_and(|version| version < rule.before));
        let dialect = older.fold(profile.dialect, |dialect, rule| dialect.with(&rule.dialect));
        let rules = profile.model_rules.iter();
        rules
            .filter(|rule| rule.models.fits(model))
            .fold(dialect, |dialect, rule| dialect.with(&rule.dialect))
    }

    /// The endpoints that are not served in that version of the API.
    pub fn endpoints_missing_in(self, api_version: &str) -> Endpoints {
        let older = self
            .0
            .api_versions
            .iter()
            .filter(|rule| api_version < rule.before);
        older.fold(Endpoints::NONE, |missing, rule| {
            Endpoints::from_bits(missing.bits() | rule.without.bits())
        })
    }

    /// What `error` means by its words; `None` where they are unknown. What only this provider says goes before what
    /// anybody may say.
    pub fn kind_of_error(self, error: &ErrorText<'_>) -> Option<ErrorKind> {
        error_rule::first(self.0.errors, error).or_else(|| ERROR_RULES.kind_of(error))
    }

    /// It sells the same models under the same names as `other`, or is the same.
    pub fn shares_models_with(self, other: Self) -> bool {
        self == other || self.0.same_models_as.contains(&other.name())
    }
}

/// Whether `written` is `name`, in any case and with `_` for `-`.
fn is_called(written: &str, name: &str) -> bool {
    let plain = |byte: u8| {
        if byte == b'_' {
            b'-'
        } else {
            byte.to_ascii_lowercase()
        }
    };
    written.len() == name.len() && written.bytes().map(plain).eq(name.bytes())
}

/// A family is followed by `-`, `:`, `@` or nothing, unless it ends with a dot of its own.
fn in_family(family: &str, model: &str) -> bool {
    model.strip_prefix(family).is_some_and(|rest| {
        family.ends_with('.') || rest.is_empty() || rest.starts_with(['-', ':', '@'])
    })
}

impl PartialEq for Provider {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Provider {}

impl PartialOrd for Provider {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Provider {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.name().cmp(other.name())
    }
}

impl Hash for Provider {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Provider({})", self.name())
    }
}
