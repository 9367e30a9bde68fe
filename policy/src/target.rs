//! Answers that follow from a target's settings and its vendor: how it is probed, and whether it needs its key.

use catalog::{Dialect, Endpoint, PathLayout};

use crate::deployments_path::DeploymentsPath;
use crate::model::Target;

impl Target {
    /// Path and query of the probe; `None` if probes are off or the vendor has no free one.
    pub fn probe_path(&self) -> Option<String> {
        if !self.health_check.enabled {
            return None;
        }
        if let Some(own) = &self.health_check.path {
            return Some(format!("{}{own}", self.base_url.path));
        }
        match self.vendor.profile().layout {
            PathLayout::Deployments => Some(DeploymentsPath::of(self).models_path()),
            PathLayout::Plain | PathLayout::ModelInPath => {
                let path = self.vendor.profile().probe?;
                Some(format!("{}{path}", self.base_url.path))
            }
        }
    }

    /// What a request to `model` may hold here: as the catalogue says of provider, API version and model, and then as the
    /// policy says of this target.
    pub fn dialect(&self, model: &str) -> Dialect {
        let known = self.vendor.dialect(self.api_version.as_deref(), model);
        known.with(&self.quirks)
    }

    /// A server of the user's own at a loopback or private address: nobody sends a bill.
    pub fn costs_nothing(&self) -> bool {
        self.vendor.profile().self_hosted && self.base_url.is_private()
    }

    /// Whether requests for `endpoint` are sent as they come, because this target serves it itself.
    pub fn serves(&self, endpoint: Endpoint) -> bool {
        if let Some(endpoints) = self.endpoints {
            return endpoints.contains(endpoint);
        }
        let version = self.api_version.as_deref();
        let is_missing = |version: &str| {
            let missing = self.vendor.endpoints_missing_in(version);
            missing.contains(endpoint)
        };
        let native = self.vendor.profile().native_endpoints;
        native.contains(endpoint) && !version.is_some_and(is_missing)
    }

    /// A local server of a vendor that knows no keys: an unset variable does not stop it from serving.
    pub fn serves_without_key(&self) -> bool {
        !self.vendor.profile().needs_key && self.base_url.is_private()
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use crate::load;

    #[test]
    fn probes_and_keys_by_vendor() {
        for (target, probe, keyless) in [
            ("provider: openai", Some("/v1/models"), false),
            ("provider: anthropic", Some("/v1/models"), false),
            (
                "base_url: https://x.openai.azure.com",
                Some("/openai/v1/models"),
                false,
            ),
            (
                "base_url: https://x.openai.azure.com/openai/deployments/d",
                Some("/openai/models?api-version=2024-10-21"),
                false,
            ),
            ("provider: openrouter", Some("/api/v1/key"), false),
            (
                "provider: bedrock, aws_sigv4_region: eu-west-1",
                None,
                false,
            ),
            (
                "provider: bedrock, health_check: {path: /ping}",
                Some("/ping"),
                false,
            ),
            (
                "provider: openai, health_check: {enabled: false}",
                None,
                false,
            ),
            (
                "provider: openai, health_check: {path: /x?y=1}",
                Some("/v1/x?y=1"),
                false,
            ),
            ("base_url: http://localhost:11434", Some("/v1/models"), true),
            (
                "provider: ollama, base_url: https://ollama.example.com",
                Some("/v1/models"),
                false,
            ),
            (
                "base_url: http://10.1.2.3:9000/llm",
                Some("/llm/models"),
                true,
            ),
        ] {
            let key = if target.contains("sigv4") {
                ""
            } else {
                ", secret_key_ref: {env: KEY}"
            };
            let text = format!("providers: {{targets: [{{id: t, {target}{key}}}]}}");
            let loaded = load(&text);
            let policy = loaded
                .policy
                .unwrap_or_else(|| panic!("{text}: {:?}", loaded.findings));
            assert_eq!(policy.targets[0].probe_path().as_deref(), probe, "{text}");
            assert_eq!(policy.targets[0].serves_without_key(), keyless, "{text}");
        }
    }
}
