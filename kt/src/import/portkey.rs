//! Portkey's gateway configuration in JSON: nested targets with a strategy.
//!
//! Source: Portkey's documentation, "Configs" and "Gateway Config Object" (portkey.ai/docs/product/ai-gateway/configs).

use catalog::Provider;
use serde_json::{Map, Value};

use super::document::{Deployment, Group, KeySource, Server, policy};
use super::{Imported, Members};

/// The name of the group where the configuration has none: it is chosen by a header there.
const GROUP: &str = "default";

/// Reads a configuration; `name` becomes that of its group.
///
/// # Errors
/// It is not Portkey's.
pub(crate) fn import(config: &Value, name: Option<&str>) -> Result<Imported, String> {
    if config.get("targets").is_none()
        && config.get("provider").is_none()
        && config.get("virtual_key").is_none()
    {
        return Err(String::from(
            "expected a Portkey configuration with `targets`, `provider` or `virtual_key`, found none",
        ));
    }
    let mut reader = Reader {
        groups: Vec::new(),
        notes: Vec::new(),
    };
    let name = name.unwrap_or(GROUP);
    let node = Members::of("", config);
    reader.group(name, node);
    // Nested groups are read before the group that leads to them.
    reader.groups.reverse();
    let (policy, secrets) = policy(&reader.groups, Map::new());
    let mut notes = reader.notes;
    for name in secrets {
        notes.push(format!(
            "store the key {name}: keys are not copied; put it into the secrets folder, or set a variable of this name"
        ));
    }
    notes.push(format!(
        "clients ask for model {name:?} where they sent x-portkey-config"
    ));
    Ok(Imported { policy, notes })
}

struct Reader {
    groups: Vec<Group>,
    notes: Vec<String>,
}

/// What a target takes over from those around it.
#[derive(Debug, Clone, Default)]
struct Inherited {
    timeout_ms: Option<u64>,
}

impl Reader {
    /// Reads a node with targets, or one that is a target itself, as the group `name`.
    fn group(&mut self, name: &str, mut node: Members<'_>) {
        let inherited = Inherited {
            timeout_ms: node
                .number(&["request_timeout", "requestTimeout"])
                .map(|time| time.max(1.0) as u64),
        };
        let strategy = self.strategy(&mut node);
        let targets = node.objects(&["targets"]);
        let mut members = Vec::new();
        if targets.is_empty() {
            members.extend(self.deployment(node, &inherited));
        } else {
            self.remark(node);
            for target in targets {
                let is_nested = target.left.iter().any(|(name, _)| *name == "targets");
                if is_nested {
                    self.notes.push(format!(
                        "{}: its targets are members of {name:?} themselves, because groups have no groups as members",
                        target.place
                    ));
                    self.flatten(target, &inherited, &mut members);
                } else {
                    members.extend(self.deployment(target, &inherited));
                }
            }
        }
        if strategy != Some("weighted_round_robin") {
            members.iter_mut().for_each(|member| member.weight = None);
        }
        self.groups.push(Group {
            name: name.to_owned(),
            aliases: Vec::new(),
            strategy,
            members,
            fallback_group: None,
        });
    }

    fn flatten(
        &mut self,
        mut node: Members<'_>,
        inherited: &Inherited,
        members: &mut Vec<Deployment>,
    ) {
        self.strategy(&mut node);
        let targets = node.objects(&["targets"]);
        self.remark(node);
        for target in targets {
            if target.left.iter().any(|(name, _)| *name == "targets") {
                self.flatten(target, inherited, members);
            } else {
                members.extend(self.deployment(target, inherited));
            }
        }
    }

    fn strategy(&mut self, node: &mut Members<'_>) -> Option<&'static str> {
        let strategy = node.take(&["strategy"])?;
        let mut strategy = Members::of(node.place_of("strategy"), strategy);
        let mode = strategy.text(&["mode"]).unwrap_or("single");
        if strategy
            .take(&["on_status_codes", "onStatusCodes"])
            .is_some()
        {
            self.notes.push(format!(
                "{}.on_status_codes: what fails over is decided by what an answer means (docs/endpoints-and-errors.md)",
                strategy.place
            ));
        }
        let place = strategy.place.clone();
        strategy.finish(&mut self.notes);
        Some(match mode {
            "fallback" => "failover",
            "loadbalance" => "weighted_round_robin",
            "single" => "single",
            other => {
                self.notes.push(format!("{place}.mode: {other} has no counterpart here, the first that can serve does (failover)"));
                "failover"
            }
        })
    }

    /// Says what of a node has no counterpart.
    fn remark(&mut self, mut node: Members<'_>) {
        let place = node.place.clone();
        let at = |name: &str| {
            if place.is_empty() {
                name.to_owned()
            } else {
                format!("{place}.{name}")
            }
        };
        if node.take(&["retry"]).is_some() {
            self.notes.push(format!("{}: the next member follows instead, and a sole target is asked again after a broken connection", at("retry")));
        }
        if node.take(&["cache"]).is_some() {
            self.notes
                .push(format!("{}: answers are not cached here", at("cache")));
        }
        for name in [
            "input_guardrails",
            "output_guardrails",
            "before_request_hooks",
            "after_request_hooks",
        ] {
            if node.take(&[name]).is_some() {
                self.notes.push(format!(
                    "{}: see `policies` (docs/content-policies.md)",
                    at(name)
                ));
            }
        }
        node.finish(&mut self.notes);
    }

    fn deployment(&mut self, mut target: Members<'_>, inherited: &Inherited) -> Option<Deployment> {
        let place = target.place.clone();
        let mut overrides = Members::of(
            target.place_of("override_params"),
            target
                .take(&["override_params", "overrideParams"])
                .unwrap_or(&Value::Null),
        );
        let model = overrides.text(&["model"]);
        overrides.finish(&mut self.notes);
        let named = target
            .text(&["provider"])
            .map(|name| name.trim_start_matches('@'));
        let virtual_key = target.text(&["virtual_key", "virtualKey"]);
        let base_url = target.text(&["custom_host", "customHost"]);
        let provider = named
            .and_then(Provider::named)
            .or_else(|| virtual_key.and_then(Provider::of_id))
            .or_else(|| named.and_then(Provider::of_id))
            .or_else(|| model.and_then(Provider::of_model))
            .or_else(|| base_url.map(|_| Provider::COMPATIBLE));
        let Some(provider) = provider else {
            self.notes.push(format!(
                "{place}: its provider is not known, and it is left out"
            ));
            return None;
        };
        let has_key = target.take(&["api_key", "apiKey"]).is_some() || virtual_key.is_some();
        let aws_region = target.text(&["aws_region", "awsRegion"]).map(str::to_owned);
        target.take(&[
            "aws_access_key_id",
            "awsAccessKeyId",
            "aws_secret_access_key",
            "awsSecretAccessKey",
        ]);
        let name =
            virtual_key.map_or_else(|| format!("{}_API_KEY", provider.name()), str::to_owned);
        let key = KeySource::Secret(name.replace('-', "_").to_uppercase());
        let server = Server {
            provider,
            base_url: base_url.map(str::to_owned),
            api_version: target
                .text(&["azure_api_version", "azureApiVersion"])
                .map(str::to_owned),
            key: if has_key || provider.profile().needs_key {
                key
            } else {
                KeySource::None
            },
            aws_region,
        };
        let deployment = target.text(&["azure_deployment_id", "azureDeploymentId"]);
        let timeout = target.number(&["request_timeout", "requestTimeout"]);
        let weight = target.number(&["weight"]);
        self.remark(target);
        let Some(model) = deployment.or(model) else {
            self.notes.push(format!("{place}: it names no model in override_params, and is left out: members of a group say which model they are"));
            return None;
        };
        Some(Deployment {
            server,
            model: model.to_owned(),
            // Shares of 0.7 and 0.3 are 70 and 30.
            weight: weight.map(|weight| {
                if weight < 1.0 {
                    (weight * 100.0).round() as u64
                } else {
                    weight as u64
                }
            }),
            timeout_ms: timeout
                .map(|time| time.max(1.0) as u64)
                .or(inherited.timeout_ms),
            price: None,
            context_window: None,
        })
    }
}

#[cfg(test)]
mod tests;
