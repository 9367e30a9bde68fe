//! What a plugin configuration of Envoy says: which role the filter plays, and with which policy.
//!
//! `kt` renders an envelope, `{"role", "runtime", "policy"}`. A document without `role` is a policy written by hand,
//! as YAML, JSON, or a `Struct` (which Envoy hands over in protobuf's encoding), and makes the filter a gateway.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use catalog::Provider;
use events::KnownControl;
use guardrails::Guardrails;
use ingress::Ingress;
use policy::{Credential, LoadOptions, Loaded, Policy, Severity, TargetId};
use protocols::json;
use routing::{PolicyIndex, price};
use semconv::LabelChoice;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::struct_config;
use crate::telemetry::Address;

/// The part that one instance of the module plays.
#[derive(Debug)]
pub enum Role {
    /// Downstream HTTP filter: reads requests and plans their way.
    Gateway(Rc<GatewayConfig>),
    /// Upstream HTTP filter of a target's cluster.
    Target,
    /// Upstream HTTP filter of [`policy::cluster::FIRST_BYTE`].
    Hop,
    /// HTTP filter whose root context probes targets, by the policy of the downstream filter.
    Monitor,
}

/// A policy, ready to route by.
#[derive(Debug)]
pub struct GatewayConfig {
    /// The policy.
    pub policy: Arc<Policy>,
    /// Its lookups, made once.
    pub index: PolicyIndex,
    /// What only the process that started Envoy knows.
    pub runtime: Runtime,
    /// Reads requests and has them planned.
    pub ingress: Ingress,
    /// Content policies; `None` where there are none.
    pub guardrails: Option<Guardrails>,
    /// Targets that cannot be authenticated, by [`TargetId`].
    pub without_credential: Vec<bool>,
    /// What requests are counted by; `None` counts none.
    pub metric_labels: Option<LabelChoice>,
}

/// What the document itself cannot say.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct Runtime {
    /// Names this gateway in events.
    pub gateway_id: String,
    /// Names this version of the policy in events.
    pub config_version: String,
    /// Version of the product, for `/health`.
    pub version: String,
    /// Ids of targets whose key could not be found.
    pub credentials_missing: Vec<String>,
    /// Base URLs of targets that name a variable instead of one, by variable.
    pub endpoints: BTreeMap<String, String>,
    /// Names the Envoy process in events and to the collector; empty where whoever rendered it could not know.
    pub instance_id: String,
    /// Cluster that takes events, knows keys and budgets; `None` sends none and lets everybody in.
    pub collector_cluster: Option<String>,
    /// What callouts to it say in `:authority`; there whenever the cluster is.
    pub collector_authority: Option<String>,
    /// Requests without a good key are refused even before the collector was heard.
    pub keys_required: bool,
    /// The gateway's own rule on who is let in.
    pub auth: AuthRule,
    /// What this gateway has heard of the collector before this process began.
    pub known_control: KnownControl,
    /// Simulated providers stand in for all targets: nothing is spent, and no budget is asked.
    pub simulated: bool,
    /// Cluster of the listener that holds the monitor; `None` where there is none.
    pub monitor_cluster: Option<String>,
    /// How Envoy's route finds the cluster of an attempt.
    pub attempt_routing: AttemptRouting,
}

/// How each attempt at a request reaches the cluster of its target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptRouting {
    /// The route's matcher reads the cluster from filter state, before each retry as well (Envoy 1.39 and later).
    #[default]
    Direct,
    /// Every attempt goes to [`policy::cluster::FIRST_BYTE`], whose filter sends it on.
    Hop,
}

/// Who decides whether requests need a gateway key. A rule of the gateway's own goes before whatever the collector says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthRule {
    /// The collector: they do from the first key on.
    #[default]
    Collector,
    /// They always do.
    Required,
    /// They never do.
    Disabled,
}

impl Default for Runtime {
    fn default() -> Self {
        Self {
            gateway_id: String::new(),
            config_version: String::new(),
            version: String::from(env!("CARGO_PKG_VERSION")),
            credentials_missing: Vec::new(),
            endpoints: BTreeMap::new(),
            instance_id: String::new(),
            collector_cluster: None,
            collector_authority: None,
            keys_required: false,
            simulated: false,
            monitor_cluster: None,
            attempt_routing: AttemptRouting::default(),
            auth: AuthRule::Collector,
            known_control: KnownControl::default(),
        }
    }
}

/// Why a plugin configuration was refused: one line that says where.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    /// The bytes are not text.
    #[error("plugin configuration is not UTF-8 text: expected YAML or JSON")]
    NotText,
    /// The policy has errors.
    #[error("policy refused: {0}")]
    Policy(String),
    /// The role needs a policy and none is there.
    #[error("role `{0}` needs a `policy`, and the plugin configuration has none")]
    NoPolicy(&'static str),
}

#[derive(Deserialize)]
struct Envelope<'a> {
    role: RoleName,
    #[serde(default)]
    runtime: Runtime,
    /// The document itself, or its text.
    #[serde(borrow, default)]
    policy: Option<&'a RawValue>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum RoleName {
    Gateway,
    Target,
    Hop,
    Monitor,
}

/// Reads a plugin configuration.
///
/// # Errors
/// Not text, or a policy with errors.
pub fn read(bytes: &[u8]) -> Result<Role, ConfigError> {
    let decoded = struct_config::to_json(bytes);
    let text = match &decoded {
        Some(document) => document.as_str(),
        None => std::str::from_utf8(bytes).map_err(|_| ConfigError::NotText)?,
    };
    let Ok(envelope) = json::parse_text::<Envelope<'_>>(text) else {
        return Ok(Role::Gateway(gateway_config(text, Runtime::default())?));
    };
    let with_policy = |role| {
        let document = envelope.policy.ok_or(ConfigError::NoPolicy(role))?;
        match json::Text::of(document) {
            None => gateway_config(document.get(), envelope.runtime),
            Some(text) => {
                let text = text.decode().ok_or(ConfigError::NotText)?;
                gateway_config(&text, envelope.runtime)
            }
        }
    };
    match envelope.role {
        RoleName::Gateway => with_policy("gateway").map(Role::Gateway),
        RoleName::Monitor => Ok(Role::Monitor),
        RoleName::Target => Ok(Role::Target),
        RoleName::Hop => Ok(Role::Hop),
    }
}

fn gateway_config(text: &str, runtime: Runtime) -> Result<Rc<GatewayConfig>, ConfigError> {
    let endpoint = |variable: &str| runtime.endpoints.get(variable).cloned();
    let options = LoadOptions {
        endpoint: Some(&endpoint),
        known_price: Some(&knows_price),
        ..LoadOptions::default()
    };
    let Loaded { policy, findings } = policy::load_with(text, &options);
    let Some(policy) = policy else {
        let first = findings
            .iter()
            .find(|finding| finding.severity == Severity::Error);
        let what = first.map_or_else(
            || String::from("it has errors"),
            |finding| {
                format!(
                    "line {}:{}: {}: {}",
                    finding.line, finding.column, finding.path, finding.message
                )
            },
        );
        return Err(ConfigError::Policy(what));
    };
    let policy = Arc::new(policy);
    let missing: BTreeSet<&str> = runtime
        .credentials_missing
        .iter()
        .map(String::as_str)
        .collect();
    let without_credential = policy
        .targets
        .iter()
        .map(|target| missing.contains(target.id.as_str()))
        .collect();
    let guardrails = match policy.content_policies.as_slice() {
        [] => None,
        policies => {
            let compiled = Guardrails::new(policies);
            Some(compiled.map_err(|error| ConfigError::Policy(error.to_string()))?)
        }
    };
    let labels = policy.telemetry.labels;
    let metric_labels = policy.telemetry.prometheus.enabled.then_some(LabelChoice {
        provider: labels.provider,
        model: labels.model,
        group: labels.group,
        key: labels.key,
        team: labels.team,
    });
    Ok(Rc::new(GatewayConfig {
        guardrails,
        ingress: Ingress::new(&policy),
        index: PolicyIndex::new(Arc::clone(&policy)),
        policy,
        runtime,
        without_credential,
        metric_labels,
    }))
}

fn knows_price(vendor: Provider, model: &str) -> bool {
    price::built_in(vendor, model).is_some()
}

impl GatewayConfig {
    /// Where events go, if anywhere.
    pub(crate) fn collector(&self) -> Option<Address<'_>> {
        let cluster = self.runtime.collector_cluster.as_deref()?;
        Some(Address {
            cluster,
            authority: self
                .runtime
                .collector_authority
                .as_deref()
                .unwrap_or("collector"),
        })
    }

    /// Requests have spans: somebody exports them, and a collector hears of them.
    pub(crate) fn traces(&self) -> bool {
        self.policy.telemetry.traces.is_some() && self.runtime.collector_cluster.is_some()
    }

    /// The target needs a key and has none.
    pub fn lacks_credential(&self, target: TargetId) -> bool {
        let declared_missing = self
            .without_credential
            .get(target.0)
            .copied()
            .unwrap_or(false);
        let never_needed = self
            .policy
            .target(target)
            .is_some_and(|target| target.credential == Credential::None);
        declared_missing && !never_needed
    }
}
