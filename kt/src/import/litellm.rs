//! LiteLLM's `config.yaml`.
//!
//! Source: LiteLLM's documentation, "Config.yaml" and "Router - Load Balancing" (docs.litellm.ai/docs/proxy/configs, /routing).

use catalog::Provider;
use routing::price;
use serde_json::{Map, Value, json};

use super::document::{Deployment, Group, KeySource, Server, policy};
use super::{Imported, Members};

/// A reference to a variable in a value.
const VARIABLE: &str = "os.environ/";

/// What LiteLLM asks where a model's name has no provider in front and no provider is known to have it.
const DEFAULT_PROVIDER: Provider = Provider::COMPATIBLE;

/// Settings of the proxy itself, and what does their work here.
const DONE_OTHERWISE: &[(&str, &str)] = &[
    (
        "general_settings.master_key",
        "keys are made with `kt tokens create`, and stored as hashes",
    ),
    (
        "general_settings.database_url",
        "the collector keeps keys, budgets and events: `--store` names a ClickHouse",
    ),
    (
        "general_settings.alerting",
        "webhooks are made with `kt webhooks create`, or in the console",
    ),
    (
        "litellm_settings.drop_params",
        "what a provider does not take is left out by documented rules (docs/translation.md)",
    ),
    (
        "litellm_settings.num_retries",
        "each member of a group is tried once, and the next one follows; a sole target is asked again after a broken connection",
    ),
    (
        "litellm_settings.context_window_fallbacks",
        "a prompt that is too long goes to the next member with a larger window by itself",
    ),
    (
        "litellm_settings.max_budget",
        "ceilings are set with `kt spend provider-budget create`, and for keys with `kt tokens create`",
    ),
    (
        "router_settings.num_retries",
        "each member of a group is tried once, and the next one follows; a sole target is asked again after a broken connection",
    ),
    (
        "router_settings.context_window_fallbacks",
        "a prompt that is too long goes to the next member with a larger window by itself",
    ),
    (
        "router_settings.enable_pre_call_checks",
        "members whose window is too small are left out by themselves",
    ),
    (
        "router_settings.retry_after",
        "a provider's `retry-after` is kept to by itself",
    ),
];

/// Reads a configuration.
///
/// # Errors
/// It is not LiteLLM's.
pub(crate) fn import(config: &Value) -> Result<Imported, String> {
    let mut notes = Vec::new();
    let mut config = Members::of("", config);
    let models = config.objects(&["model_list"]);
    if models.is_empty() {
        return Err(String::from(
            "expected a LiteLLM configuration with a `model_list`, found none",
        ));
    }
    let mut router = Router::read(&mut config, &mut notes);
    let mut groups = Vec::new();
    for model in models {
        add(model, &router, &mut groups, &mut notes);
    }
    router.shape(&mut groups, &mut notes);
    config.take(&["environment_variables"]);
    config.finish(&mut notes);
    let policy = policy(&groups, router.policy_settings, &mut notes);
    Ok(Imported { policy, notes })
}

/// What holds for all groups.
struct Router {
    strategy: String,
    timeout_ms: Option<u64>,
    /// Group, and those that follow it.
    fallbacks: Vec<(String, Vec<String>)>,
    default_fallbacks: Vec<String>,
    /// Alias, and the group.
    aliases: Vec<(String, String)>,
    policy_settings: Map<String, Value>,
}

impl Router {
    fn read(config: &mut Members<'_>, notes: &mut Vec<String>) -> Self {
        let section = |config: &mut Members<'_>, name: &'static str| {
            let value = config.take(&[name]).cloned().unwrap_or(Value::Null);
            (name, value)
        };
        let sections = [
            section(config, "litellm_settings"),
            section(config, "router_settings"),
            section(config, "general_settings"),
        ];
        let mut router = Self {
            strategy: String::from("simple-shuffle"),
            timeout_ms: None,
            fallbacks: Vec::new(),
            default_fallbacks: Vec::new(),
            aliases: Vec::new(),
            policy_settings: Map::new(),
        };
        let mut breaker = Map::new();
        for (name, section) in &sections {
            let mut members = Members::of(*name, section);
            if let Some(strategy) = members.text(&["routing_strategy"]) {
                strategy.clone_into(&mut router.strategy);
            }
            let seconds = members.number(&["request_timeout", "timeout"]);
            router.timeout_ms = seconds.and_then(milliseconds).or(router.timeout_ms);
            router
                .fallbacks
                .extend(fallbacks(members.take(&["fallbacks"])));
            router
                .default_fallbacks
                .extend(texts(members.take(&["default_fallbacks"])));
            let aliases = members
                .take(&["model_group_alias"])
                .and_then(Value::as_object);
            for (alias, group) in aliases.into_iter().flatten() {
                let group = group.as_str().or_else(|| group.get("model")?.as_str());
                if let Some(group) = group {
                    router.aliases.push((alias.clone(), group.to_owned()));
                }
            }
            if let Some(fails) = members.number(&["allowed_fails"]) {
                // LiteLLM cools down after more than so many.
                breaker.insert(
                    String::from("failure_threshold"),
                    json!(fails.max(0.0) as u64 + 1),
                );
            }
            if let Some(seconds) = members.number(&["cooldown_time"]) {
                breaker.insert(String::from("cooldown_seconds"), json!(seconds));
            }
            for (place, remark) in DONE_OTHERWISE {
                let Some(name) = place.strip_prefix(&format!("{}.", members.place)) else {
                    continue;
                };
                if members.take(&[name]).is_some() {
                    notes.push(format!("{place}: {remark}"));
                }
            }
            members.finish(notes);
        }
        if !breaker.is_empty() {
            router
                .policy_settings
                .insert(String::from("circuit_breaker"), Value::Object(breaker));
        }
        router
    }

    /// Gives groups their strategies, aliases and fallbacks.
    fn shape(&mut self, groups: &mut Vec<Group>, notes: &mut Vec<String>) {
        let strategy = match self.strategy.as_str() {
            "latency-based-routing" => Some("latency"),
            "cost-based-routing" => Some("cost"),
            "simple-shuffle" => None,
            other => {
                notes.push(format!(
                    "router_settings.routing_strategy: {other} has no counterpart here, members take turns instead (round_robin)"
                ));
                Some("round_robin")
            }
        };
        for group in groups.iter_mut().filter(|group| group.members.len() > 1) {
            let has_weights = group.members.iter().any(|member| member.weight.is_some());
            group.strategy = group.strategy.or(strategy).or(Some(if has_weights {
                "weighted_round_robin"
            } else {
                "random"
            }));
        }
        groups.iter_mut().for_each(Group::drop_unused_weights);
        for (alias, name) in &self.aliases {
            match groups.iter_mut().find(|group| group.name == *name) {
                Some(group) => group.aliases.push(alias.clone()),
                None => notes.push(format!(
                    "router_settings.model_group_alias.{alias}: there is no model {name:?}"
                )),
            }
        }
        self.set_fallbacks(groups, notes);
        let has_no_price = |member: &Deployment| {
            let provider = member.server.provider;
            member.price.is_none() && price::built_in(provider, &member.model).is_none()
        };
        let by_cost = groups.iter().filter(|group| group.strategy == Some("cost"));
        let unpriced: Vec<&str> = by_cost
            .flat_map(|group| &group.members)
            .filter(|member| has_no_price(member))
            .map(|member| member.model.as_str())
            .collect();
        if !unpriced.is_empty() {
            notes.push(format!(
                "no price is known of {}: they count as the dearest model of their provider (`unpriced: worst_known`) until they get cost_per_1k_input and cost_per_1k_output",
                unpriced.join(", ")
            ));
            self.policy_settings
                .insert(String::from("unpriced"), json!("worst_known"));
        }
    }

    fn set_fallbacks(&self, groups: &mut Vec<Group>, notes: &mut Vec<String>) {
        let names: Vec<String> = groups.iter().map(|group| group.name.clone()).collect();
        for name in &names {
            let own = self.fallbacks.iter().find(|(group, _)| group == name);
            let wanted = own.map_or(&self.default_fallbacks, |(_, list)| list);
            let mut known: Vec<&String> = Vec::new();
            for other in wanted.iter().filter(|other| *other != name) {
                if names.contains(other) {
                    known.push(other);
                } else {
                    notes.push(format!("fallbacks.{name}: there is no model {other:?}"));
                }
            }
            let fallback = match known.as_slice() {
                [] => continue,
                [one] => (*one).clone(),
                several => {
                    // A group has one that follows it, so several become one that has all their members in order.
                    let members = several
                        .iter()
                        .flat_map(|other| members_of(groups, other))
                        .collect();
                    let joined = format!("{name}-fallbacks");
                    groups.push(Group::new(&joined, Some("failover"), members));
                    joined
                }
            };
            if leads_to(groups, &fallback, name) {
                notes.push(format!(
                    "fallbacks.{name}: {fallback:?} comes back to {name:?}, and fallbacks go round in no circle here"
                ));
            } else if let Some(group) = groups.iter_mut().find(|group| group.name == *name) {
                group.fallback_group = Some(fallback);
            }
        }
    }
}

fn members_of(groups: &[Group], name: &str) -> Vec<Deployment> {
    let found = groups.iter().find(|group| group.name == name);
    let members = found
        .map(|group| group.members.as_slice())
        .unwrap_or_default();
    let without_weight = |member: &Deployment| Deployment {
        weight: None,
        ..member.clone()
    };
    members.iter().map(without_weight).collect()
}

/// Whether the chain of fallbacks that begins with `from` has `name`.
fn leads_to(groups: &[Group], from: &str, name: &str) -> bool {
    let mut at = Some(from);
    for _ in 0..=groups.len() {
        match at {
            Some(here) if here == name => return true,
            Some(here) => {
                let group = groups.iter().find(|group| group.name == here);
                at = group.and_then(|group| group.fallback_group.as_deref());
            }
            None => return false,
        }
    }
    true
}

/// Adds one entry of `model_list` to the group of its name.
fn add(mut entry: Members<'_>, router: &Router, groups: &mut Vec<Group>, notes: &mut Vec<String>) {
    let place = entry.place.clone();
    let Some(name) = entry.text(&["model_name"]) else {
        notes.push(format!("{place}: it has no model_name, and is left out"));
        return;
    };
    if name.contains('*') {
        notes.push(format!(
            "{place}: {name:?} is left out: a model that is no group goes to the provider that has it by itself"
        ));
        return;
    }
    let params = entry.take(&["litellm_params"]).unwrap_or(&Value::Null);
    let info = entry.take(&["model_info"]).unwrap_or(&Value::Null);
    let mut params = Members::of(entry.place_of("litellm_params"), params);
    let mut info = Members::of(entry.place_of("model_info"), info);
    let Some(model) = params.text(&["model"]) else {
        notes.push(format!(
            "{place}: it has no litellm_params.model, and is left out"
        ));
        return;
    };
    let (provider, model) = provider_and_model(model, params.text(&["custom_llm_provider"]));
    let order = params.number(&["order"]);
    let weight = params.number(&["weight"]);
    let rpm = params.number(&["rpm"]).or_else(|| entry.number(&["rpm"]));
    let tpm = params.number(&["tpm"]).or_else(|| entry.number(&["tpm"]));
    let timeout = params.number(&["timeout"]);
    params.take(&["stream_timeout", "max_retries", "use_in_pass_through"]);
    let cost = |info: &mut Members<'_>, params: &mut Members<'_>, name: &str| {
        info.number(&[name]).or_else(|| params.number(&[name]))
    };
    let input = cost(&mut info, &mut params, "input_cost_per_token");
    let output = cost(&mut info, &mut params, "output_cost_per_token");
    info.take(&[
        "id",
        "mode",
        "base_model",
        "max_tokens",
        "max_output_tokens",
        "supports_vision",
        "supports_function_calling",
    ]);
    let deployment = Deployment {
        server: server(provider, &mut params, notes),
        model,
        weight: weight.or(rpm).or(tpm).map(|number| number.max(1.0) as u64),
        timeout_ms: timeout.and_then(milliseconds).or(router.timeout_ms),
        price: input
            .zip(output)
            .map(|(input, output)| (per_1k(input), per_1k(output))),
        context_window: info
            .number(&["max_input_tokens"])
            .map(|tokens| tokens.max(0.0) as u64),
    };
    params.finish(notes);
    info.finish(notes);
    entry.finish(notes);
    let at = groups.iter().position(|group| group.name == name);
    let group = match at.and_then(|at| groups.get_mut(at)) {
        Some(group) => group,
        None => {
            groups.push(Group::new(name, None, Vec::new()));
            let Some(group) = groups.last_mut() else {
                return;
            };
            group
        }
    };
    if order.is_some() {
        // The order of the list is the order of failover.
        group.strategy = Some("failover");
    }
    group.members.push(deployment);
}

/// `provider/model`, where the provider may be left out.
fn provider_and_model(name: &str, named: Option<&str>) -> (Provider, String) {
    if let Some(provider) = named.and_then(Provider::named) {
        return (provider, name.to_owned());
    }
    if let Some((prefix, model)) = name.split_once('/')
        && let Some(provider) = Provider::named(prefix)
    {
        let model = ["converse/", "invoke/"]
            .iter()
            .find_map(|route| model.strip_prefix(route))
            .unwrap_or(model);
        return (provider, model.to_owned());
    }
    (
        Provider::of_model(name).unwrap_or(DEFAULT_PROVIDER),
        name.to_owned(),
    )
}

fn server(provider: Provider, params: &mut Members<'_>, notes: &mut Vec<String>) -> Server {
    let place = params.place.clone();
    let base_url = params.text(&["api_base", "base_url"]).map(str::to_owned);
    let base_url = base_url.filter(|url| {
        let by_variable = url.starts_with(VARIABLE);
        if by_variable {
            notes.push(format!(
                "{place}.api_base: write the address itself, policies take none from variables"
            ));
        }
        !by_variable
    });
    let aws_region = params.text(&["aws_region_name"]).map(str::to_owned);
    if params
        .take(&[
            "aws_access_key_id",
            "aws_secret_access_key",
            "aws_session_token",
            "aws_profile_name",
            "aws_role_name",
        ])
        .is_some()
    {
        notes.push(format!("{place}: AWS credentials are looked for where AWS's own tools do, such as in AWS_ACCESS_KEY_ID"));
    }
    let key = match params.text(&["api_key"]) {
        Some(key) => match key.strip_prefix(VARIABLE) {
            Some(variable) => KeySource::Variable(variable.to_owned()),
            None => KeySource::secret_of(provider),
        },
        None if provider.profile().needs_key && aws_region.is_none() => {
            KeySource::secret_of(provider)
        }
        None => KeySource::None,
    };
    Server {
        provider,
        base_url,
        api_version: params.text(&["api_version"]).map(str::to_owned),
        aws_region,
        key,
    }
}

/// `[{"a": ["b", "c"]}, …]`
fn fallbacks(value: Option<&Value>) -> Vec<(String, Vec<String>)> {
    let list = value.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_object)
        .flatten()
        .map(|(name, others)| (name.clone(), texts(Some(others)).collect()))
        .collect()
}

fn texts(value: Option<&Value>) -> impl Iterator<Item = String> {
    let list = value.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned)
}

fn milliseconds(seconds: f64) -> Option<u64> {
    (seconds > 0.0).then(|| (seconds * 1_000.0).min(u32::MAX.into()) as u64)
}

/// Whole billionths of a dollar, so that 0.0000025 a token is 0.0025.
fn per_1k(per_token: f64) -> f64 {
    (per_token * 1e12).round() / 1e9
}

#[cfg(test)]
mod tests;
