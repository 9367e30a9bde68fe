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
    let mut reader = Reader { notes: Vec::new() };
    let name = name.unwrap_or(GROUP);
    let group = reader.group(name, Members::of("", config));
    let mut notes = reader.notes;
    let policy = policy(&[group], Map::new(), &mut notes);
    notes.push(format!(
        "clients ask for model {name:?} where they sent x-portkey-config"
    ));
    Ok(Imported { policy, notes })
}

struct Reader {
    notes: Vec<String>,
}

impl Reader {
    /// Reads a node with targets, or one that is a target itself, as the group `name`.
    fn group(&mut self, name: &str, mut node: Members<'_>) -> Group {
        let timeout_ms = timeout_ms(&mut node);
        let strategy = self.strategy(&mut node);
        let targets = node.objects(&["targets"]);
        let mut members = Vec::new();
        if targets.is_empty() {
            members.extend(self.deployment(node, timeout_ms));
        } else {
            self.remark(node);
            for target in targets {
                if target.has("targets") {
                    self.notes.push(format!(
                        "{}: its targets are members of {name:?} themselves, because groups have no groups as members",
                        target.place
                    ));
                    self.flatten(target, timeout_ms, &mut members);
                } else {
                    members.extend(self.deployment(target, timeout_ms));
                }
            }
        }
        let mut group = Group::new(name, strategy, members);
        group.drop_unused_weights();
        group
    }

    /// Adds the targets below `node`; those without a timeout get that of the configuration.
    fn flatten(
        &mut self,
        mut node: Members<'_>,
        timeout_ms: Option<u64>,
        members: &mut Vec<Deployment>,
    ) {
        self.strategy(&mut node);
        let targets = node.objects(&["targets"]);
        self.remark(node);
        for target in targets {
            if target.has("targets") {
                self.flatten(target, timeout_ms, members);
            } else {
                members.extend(self.deployment(target, timeout_ms));
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
        if node.take(&["retry"]).is_some() {
            self.notes.push(format!("{}: the next member follows instead, and a sole target is asked again after a broken connection", node.place_of("retry")));
        }
        if node.take(&["cache"]).is_some() {
            self.notes.push(format!(
                "{}: answers are not cached here",
                node.place_of("cache")
            ));
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
                    node.place_of(name)
                ));
            }
        }
        node.finish(&mut self.notes);
    }

    fn deployment(
        &mut self,
        mut target: Members<'_>,
        inherited_timeout_ms: Option<u64>,
    ) -> Option<Deployment> {
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
        let has_api_key = target.take(&["api_key", "apiKey"]).is_some();
        let aws_region = target.text(&["aws_region", "awsRegion"]).map(str::to_owned);
        target.take(&[
            "aws_access_key_id",
            "awsAccessKeyId",
            "aws_secret_access_key",
            "awsSecretAccessKey",
        ]);
        let server = Server {
            provider,
            base_url: base_url.map(str::to_owned),
            api_version: target
                .text(&["azure_api_version", "azureApiVersion"])
                .map(str::to_owned),
            key: match virtual_key {
                Some(name) => KeySource::secret(name),
                None if has_api_key || provider.profile().needs_key => {
                    KeySource::secret_of(provider)
                }
                None => KeySource::None,
            },
            aws_region,
        };
        let deployment = target.text(&["azure_deployment_id", "azureDeploymentId"]);
        let timeout_ms = timeout_ms(&mut target).or(inherited_timeout_ms);
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
            timeout_ms,
            price: None,
            context_window: None,
        })
    }
}

fn timeout_ms(node: &mut Members<'_>) -> Option<u64> {
    let milliseconds = node.number(&["request_timeout", "requestTimeout"])?;
    Some(milliseconds.max(1.0) as u64)
}

#[cfg(test)]
mod tests;
