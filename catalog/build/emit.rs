//! The tables as Rust.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write};

use crate::Problem;
use crate::dialect::{Dialect, DialectPatch};
use crate::error_rows::{ErrorRow, ErrorsFile};
use crate::fields::Fields;
use crate::models_file::{ModelsFile, PriceRow, RuleRow};
use crate::provider_file::{ProviderFile, endpoints};
use crate::words::{Efforts, UnknownFields, Word};

/// The name of the provider that stands for servers of which only the wire format is known.
const COMPATIBLE: &str = "openai-compatible";

/// A value as Rust.
trait Literal {
    fn literal(&self) -> String;
}

impl<T: Word> Literal for T {
    fn literal(&self) -> String {
        format!("{}::{self:?}", T::TYPE)
    }
}

impl Literal for bool {
    fn literal(&self) -> String {
        self.to_string()
    }
}

impl Literal for u16 {
    fn literal(&self) -> String {
        self.to_string()
    }
}

impl Literal for Efforts {
    fn literal(&self) -> String {
        format!("Efforts::from_bits({})", self.bits())
    }
}

impl Literal for Fields {
    fn literal(&self) -> String {
        format!("Fields::from_bits({})", self.bits())
    }
}

impl<T: Literal> Literal for Option<T> {
    fn literal(&self) -> String {
        let some = |value: &T| format!("Some({})", value.literal());
        self.as_ref().map_or_else(|| "None".to_owned(), some)
    }
}

macro_rules! emit_parts {
    ($($(#[$doc:meta])* $part:ident: $type:ty = $default:expr;)+) => {
        fn dialect(dialect: &Dialect) -> String {
            let mut out = String::from("Dialect { ");
            $(let _ = write!(out, "{}: {}, ", stringify!($part), dialect.$part.literal());)+
            let _ = write!(out, "fields: {} }}", dialect.fields.literal());
            out
        }

        fn patch(patch: &DialectPatch) -> String {
            let mut out = String::from("DialectPatch { ");
            $(if patch.$part.is_some() {
                let _ = write!(out, "{}: {}, ", stringify!($part), patch.$part.literal());
            })+
            for (name, fields) in [
                ("accepted_fields", patch.accepted_fields),
                ("dropped_fields", patch.dropped_fields),
            ] {
                if fields != Fields::NONE {
                    let _ = write!(out, "{name}: {}, ", fields.literal());
                }
            }
            out + "..DialectPatch::NONE }"
        }
    };
}
dialect_parts!(emit_parts);

/// The whole file.
pub(crate) fn tables(
    providers: &BTreeMap<String, ProviderFile>,
    models: &ModelsFile,
    errors: &ErrorsFile,
) -> Result<String, Problem> {
    let mut out = String::new();
    let mut order: Vec<&ProviderFile> = providers.values().collect();
    // Who makes models comes first: where two claim a name it is theirs.
    order.sort_by_key(|provider| (!provider.makes_models, provider.name.clone()));
    for provider in &order {
        out += &profile(provider, models)?;
    }
    let names: Vec<String> = order
        .iter()
        .map(|provider| constant(&provider.name))
        .collect();
    let list: Vec<String> = names.iter().map(|name| format!("&{name}")).collect();
    let _ = writeln!(
        out,
        "pub(crate) static PROVIDERS: [&Profile; {}] = [{}];",
        list.len(),
        list.join(", ")
    );
    if !providers.contains_key(COMPATIBLE) {
        return Err(format!("there is no {COMPATIBLE}.toml"));
    }
    let _ = writeln!(
        out,
        "impl Provider {{ /// Anything that speaks OpenAI's protocol and is not known otherwise.\n\
         pub const COMPATIBLE: Self = Self(&{}); }}",
        constant(COMPATIBLE)
    );
    out += "/// Every provider by its name.\npub mod providers {\n";
    for (name, provider) in names.iter().zip(&order) {
        let _ = writeln!(
            out,
            "/// {}.\npub const {name}: super::Provider = super::Provider(&super::{name});",
            provider.title
        );
    }
    out += "}\n";
    out += &model_table(models)?;
    out += &retirements(models);
    out += &error_rules(errors)?;
    let _ = writeln!(
        out,
        "/// Day on which the prices were last compared with public lists.\npub const PRICES_AS_OF: &str = {:?};",
        models.prices_as_of
    );
    Ok(out)
}

fn constant(name: &str) -> String {
    name.to_ascii_uppercase().replace(['-', '.'], "_")
}

fn profile(provider: &ProviderFile, models: &ModelsFile) -> Result<String, Problem> {
    let in_file = |problem: Problem| format!("{}.toml: {problem}", provider.name);
    let (format, layout) = provider.upstream().map_err(in_file)?;
    let (header, prefix) = provider.auth_header().map_err(in_file)?;
    let own = provider.patch().map_err(in_file)?;
    // Who refuses what is unknown takes exactly what its file lists.
    let base = match own.unknown_fields {
        Some(UnknownFields::Refused) => Dialect {
            fields: Fields::NONE,
            ..Dialect::UNKNOWN
        },
        Some(UnknownFields::Ignored) | None => Dialect::UNKNOWN,
    };
    let versions = provider.versions().map_err(in_file)?.into_iter().map(|(before, change, without)| {
        format!(
            "ApiVersionRule {{ before: {before:?}, dialect: {}, without: Endpoints::from_bits({}) }}",
            patch(&change),
            without.bits()
        )
    });
    let rules = models
        .rule
        .iter()
        .filter(|rule| rule.at.iter().any(|at| *at == provider.name || at == "*"));
    let rules: Result<Vec<String>, Problem> = rules.map(model_rule).collect();
    let errors = provider.errors.iter().flat_map(|errors| &errors.rows);
    let errors: Result<Vec<String>, Problem> = errors.map(ErrorRow::literal).collect();
    let mut probe_headers = provider.probe_headers.iter();
    let probe_headers = probe_headers
        .by_ref()
        .map(|(name, value)| format!("({name:?}, {value:?})"));
    let served = endpoints(&provider.endpoints.value).map_err(in_file)?;
    let native = endpoints(&provider.native_endpoints).map_err(in_file)?;
    Ok(format!(
        "static {}: Profile = Profile {{ name: {:?}, title: {:?}, otel_name: {:?}, aliases: {}, model_aliases: {}, hosts: {}, port: {}, \
         base_url: {:?}, base_url_region: {:?}, base_url_variable: {:?}, format: {}, layout: {}, \
         auth: AuthHeader {{ name: {header:?}, prefix: {prefix:?} }}, needs_key: {}, self_hosted: {}, takes_any_model: {}, \
         model_families: {}, same_models_as: {}, makes_models: {}, has_own_prices: {}, lists_models: {}, probe: {:?}, \
         probe_headers: &[{}], endpoints: Endpoints::from_bits({}), native_endpoints: Endpoints::from_bits({}), \
         dialect: {}, api_versions: &[{}], model_rules: &[{}], errors: &[{}] }};\n",
        constant(&provider.name),
        provider.name,
        provider.title,
        provider
            .otel_name
            .clone()
            .unwrap_or_else(|| provider.name.replace('-', "_")),
        list(&provider.aliases.value),
        list(&provider.model_aliases),
        list(&provider.hosts.value),
        provider.port,
        provider.base_url.as_ref().map(|fact| &fact.value),
        provider.base_url_region,
        provider.base_url_variable,
        format.literal(),
        layout.literal(),
        provider.needs_key,
        provider.self_hosted,
        provider.takes_any_model,
        list(&provider.model_families),
        list(&provider.same_models_as),
        provider.makes_models,
        provider.has_own_prices,
        provider.lists_models,
        provider.probe.as_ref().map(|fact| &fact.value),
        joined(probe_headers),
        served.bits(),
        native.bits(),
        dialect(&base.with(&own)),
        joined(versions),
        rules?.join(", "),
        errors.map_err(in_file)?.join(", "),
    ))
}

fn model_rule(rule: &RuleRow) -> Result<String, Problem> {
    let [from, before] = rule.versions()?;
    Ok(format!(
        "ModelRule {{ models: ModelPattern {{ names: {}, family: {:?}, words: {}, without: {}, from: {from:?}, before: {before:?} }}, \
         dialect: {} }}",
        list(&rule.names),
        rule.family,
        list(&rule.words),
        list(&rule.without),
        patch(&rule.patch()?)
    ))
}

fn model_table(models: &ModelsFile) -> Result<String, Problem> {
    let mut rows: Vec<(String, &str, String)> = Vec::new();
    for row in &models.model {
        let abilities = row.abilities.iter().try_fold(0_u16, |bits, name| {
            let known = ABILITIES.iter().position(|ability| ability == name);
            let bit = known.ok_or_else(|| format!("models.toml: unknown ability `{name}`"))?;
            Ok::<u16, Problem>(bits | 1 << bit)
        })?;
        let price = row.price.as_ref().map(price).transpose()?;
        let facts = format!(
            "context_window: {}, max_output_tokens: {}, abilities: Abilities::from_bits({abilities}), \
             min_cached_tokens: {}, price: {}",
            row.context_window,
            row.max_output_tokens,
            row.min_cached_tokens,
            price.map_or_else(|| "None".to_owned(), |price| format!("Some({price})"))
        );
        rows.push((row.name.clone(), &row.provider, facts));
    }
    for row in &models.listed {
        let nothing = "context_window: 0, max_output_tokens: 0, abilities: Abilities::from_bits(0), \
                       min_cached_tokens: 0, price: None";
        let names = row.models.iter();
        rows.extend(names.map(|name| (name.clone(), row.provider.as_str(), nothing.to_owned())));
    }
    rows.sort_by_key(|(name, provider, _)| (name.to_ascii_lowercase(), provider.to_string()));
    let mut out = format!("pub(crate) static MODELS: [Model; {}] = [\n", rows.len());
    for (name, provider, facts) in rows {
        let _ = writeln!(
            out,
            "Model {{ name: {name:?}, provider: {provider:?}, {facts} }},"
        );
    }
    Ok(out + "];\n")
}

/// In the order of the library's `Ability`, which a test holds against this.
const ABILITIES: &[&str] = &[
    "tools",
    "images",
    "documents",
    "audio",
    "video",
    "json_schema",
    "reasoning",
    "prompt_cache",
    "embeddings",
];

fn price(row: &PriceRow) -> Result<String, Problem> {
    let mut tiers = Vec::new();
    for tier in &row.above {
        tiers.push(format!(
            "PriceTier {{ above_prompt_tokens: {}, input: {}, output: {}, cached: {} }}",
            tier.prompt_tokens,
            millionths(tier.input)?,
            millionths(tier.output)?,
            optional(tier.cached)?
        ));
    }
    Ok(format!(
        "ListPrice {{ input: {}, output: {}, cached: {}, cache_write: {}, tiers: &[{}], as_of: {:?} }}",
        millionths(row.input)?,
        millionths(row.output)?,
        optional(row.cached)?,
        optional(row.cache_write)?,
        tiers.join(", "),
        row.as_of
    ))
}

fn optional(usd: Option<f64>) -> Result<String, Problem> {
    usd.map_or_else(
        || Ok("None".to_owned()),
        |usd| Ok(format!("Some({})", millionths(usd)?)),
    )
}

/// Dollars in millionths, exactly.
fn millionths(usd: f64) -> Result<u32, Problem> {
    let scaled = (usd * 1e6).round();
    let exact = (scaled / 1e6 - usd).abs() < 1e-12;
    // Checked just before.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = scaled as u32;
    (exact && scaled >= 0.0 && scaled <= f64::from(u32::MAX))
        .then_some(whole)
        .ok_or_else(|| format!("models.toml: {usd} is no price of at most six decimals"))
}

fn retirements(models: &ModelsFile) -> String {
    let mut rows: Vec<(&str, &str, &str, &str)> = Vec::new();
    for row in &models.retired {
        let of_row = row.models.iter();
        rows.extend(of_row.map(|model| (&*row.provider, model.as_str(), &*row.state, &*row.date)));
    }
    rows.sort_unstable();
    rows.dedup_by_key(|row| (row.0, row.1));
    let mut out = format!(
        "pub(crate) static RETIREMENTS: [Retirement; {}] = [\n",
        rows.len()
    );
    for (provider, model, state, date) in rows {
        let state = match state {
            "retired" => "Retired",
            "announced" => "Announced",
            _ => "Deprecated",
        };
        let _ = writeln!(
            out,
            "Retirement {{ provider: {provider:?}, model: {model:?}, state: RetirementState::{state}, date: {date:?} }},"
        );
    }
    out + "];\n"
}

fn list<T: Debug>(items: &[T]) -> String {
    format!(
        "&[{}]",
        joined(items.iter().map(|item| format!("{item:?}")))
    )
}

fn joined(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<String>>().join(", ")
}

fn error_rules(file: &ErrorsFile) -> Result<String, Problem> {
    let rules = |rows: &[ErrorRow]| -> Result<String, Problem> {
        let rules: Result<Vec<String>, Problem> = rows.iter().map(ErrorRow::literal).collect();
        Ok(rules?.join(", "))
    };
    Ok(format!(
        "/// What words of error bodies mean, whoever answers.\npub static ERROR_RULES: ErrorRules = ErrorRules {{ \
         contradictions: &[{}], names: &[{}], sentences: &[{}], vague_names: &[{}] }};\n",
        rules(&file.contradictions)?,
        rules(&file.names)?,
        rules(&file.sentences)?,
        rules(&file.vague_names)?
    ))
}
