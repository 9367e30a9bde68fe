//! Policies over simulated providers, as text.

use std::fmt::Write;

use simulator::{Dialect, Provider};

use crate::KEY_MARK;

/// A target over a simulated provider.
#[derive(Debug, Clone)]
pub struct Upstream {
    id: String,
    base_url: String,
    vendor: &'static str,
    extra: String,
}

impl Upstream {
    /// The target `id` at `provider`.
    pub fn at(id: &str, provider: &Provider, dialect: Dialect) -> Self {
        let vendor = match dialect {
            Dialect::OpenAi => "openai-compatible",
            Dialect::Anthropic => "anthropic",
            Dialect::Bedrock => "bedrock",
        };
        Self {
            id: id.to_owned(),
            base_url: provider.base_url(),
            vendor,
            extra: String::new(),
        }
    }

    /// The target `id` at any address.
    pub fn at_url(id: &str, base_url: &str) -> Self {
        Self {
            id: id.to_owned(),
            base_url: base_url.to_owned(),
            vendor: "openai-compatible",
            extra: String::new(),
        }
    }

    /// Spoken to as this vendor.
    #[must_use]
    pub fn vendor(mut self, vendor: &'static str) -> Self {
        self.vendor = vendor;
        self
    }

    /// A further line of the target, such as `priority: 1`.
    #[must_use]
    pub fn with(mut self, line: &str) -> Self {
        let _ = writeln!(self.extra, "      {line}");
        self
    }

    /// The variable that holds this target's key.
    pub fn key_variable(&self) -> String {
        format!("KEY_{}", self.id.to_uppercase().replace('-', "_"))
    }

    /// The key that the harness puts there.
    pub fn key(&self) -> String {
        format!("{KEY_MARK}{}", self.id)
    }
}

/// A policy document and the keys it refers to.
#[derive(Debug, Clone, Default)]
pub struct PolicyText {
    /// YAML.
    pub text: String,
    /// Variables that hold keys.
    pub keys: Vec<(String, String)>,
}

impl PolicyText {
    /// Targets without probes, then `rest` verbatim (top-level keys such as `model_groups:`).
    pub fn over(upstreams: &[Upstream], rest: &str) -> Self {
        let mut text = String::from(
            "pack:\n  name: integration\n  version: 1.0.0\n  enabled: true\nproviders:\n  targets:\n",
        );
        for upstream in upstreams {
            let Upstream {
                id,
                base_url,
                vendor,
                extra,
            } = upstream;
            let variable = upstream.key_variable();
            let _ = write!(
                text,
                "    - id: {id}\n      provider:\n        base_url: {base_url}\n        type: {vendor}\n        secret_key_ref:\n          env: {variable}\n"
            );
            if !extra.contains("health_check:") {
                text.push_str("      health_check:\n        enabled: false\n");
            }
            text.push_str(extra);
        }
        text.push_str(rest);
        let keys = upstreams
            .iter()
            .map(|upstream| (upstream.key_variable(), upstream.key()))
            .collect();
        Self { text, keys }
    }

    /// One failover group `name` of `(target, model, timeout_ms)`.
    pub fn failover(upstreams: &[Upstream], name: &str, members: &[(&str, &str, u64)]) -> Self {
        let mut rest =
            format!("model_groups:\n  - name: {name}\n    strategy: failover\n    models:\n");
        for (target, model, timeout_ms) in members {
            let _ = write!(
                rest,
                "      - provider: {target}\n        model: {model}\n        timeout_ms: {timeout_ms}\n"
            );
        }
        Self::over(upstreams, &rest)
    }
}
