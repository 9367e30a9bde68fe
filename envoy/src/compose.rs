//! The same gateway as a Docker Compose file that needs no other file but the module and the keys.

use serde_json::{Map, Value, json};

/// The version that everything here is tested with.
const IMAGE: &str = "envoyproxy/envoy:v1.40.0";
const CONFIGURATION: &str = "/etc/keeptrusts/envoy.yaml";

/// What a container takes from the machine it runs on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compose {
    /// The filter module on the host.
    pub module_on_host: String,
    /// Where the bootstrap says it is.
    pub module_in_container: String,
    /// Where clients connect, in the container and on the host's loopback address.
    pub port: u16,
    /// Variables that are handed through: those that hold keys.
    pub variables: Vec<String>,
    /// Names and files of keys. They appear as `/run/secrets/NAME`.
    pub secret_files: Vec<(String, String)>,
}

/// A Compose file that runs Envoy with the bootstrap `document` ([`crate::document`]).
pub fn compose(document: &Value, host: &Compose) -> Value {
    let secrets: Map<String, Value> = host
        .secret_files
        .iter()
        .map(|(name, file)| (name.clone(), json!({ "file": file })))
        .collect();
    let names: Vec<&String> = secrets.keys().collect();
    json!({
        "name": "keeptrusts",
        "services": { "gateway": {
            "image": IMAGE,
            "command": ["envoy", "-c", CONFIGURATION, "--log-level", "warning"],
            "ports": [format!("127.0.0.1:{0}:{0}", host.port)],
            "environment": host.variables,
            "secrets": names,
            "configs": [{ "source": "envoy", "target": CONFIGURATION }],
            "volumes": [format!("{}:{}:ro", host.module_on_host, host.module_in_container)],
            "restart": "unless-stopped",
            "stop_grace_period": "30s",
        } },
        "secrets": secrets,
        // Compose puts variables into what it finds after a dollar sign.
        "configs": { "envoy": { "content": crate::to_yaml(document).replace('$', "$$") } },
    })
}
