//! The same gateway as a Docker Compose file that needs no other file but the module and the keys.

use serde_json::{Map, Value, json};

/// Of the version that everything here is tested with.
pub const IMAGE: &str = "envoyproxy/envoy:v1.40.0";
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
    /// Of Envoy's admin interface, on loopback in the container.
    pub admin_port: u16,
    /// User id of whoever may read the files of keys; `None` where there are none.
    pub owner_of_secrets: Option<u32>,
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
    // An empty key would only show as a refusal of the provider.
    let environment: Map<String, Value> = host
        .variables
        .iter()
        .map(|name| (name.clone(), format!("${{{name}:?set it}}").into()))
        .collect();
    let mut gateway = json!({
        "image": IMAGE,
        "command": ["envoy", "-c", CONFIGURATION, "--log-level", "warning"],
        "ports": [format!("127.0.0.1:{0}:{0}", host.port)],
        "environment": environment,
        "secrets": names,
        "configs": [{ "source": "envoy", "target": CONFIGURATION }],
        "volumes": [{
            "type": "bind",
            "source": host.module_on_host,
            "target": host.module_in_container,
            "read_only": true,
            // Else a missing file becomes a folder.
            "bind": { "create_host_path": false },
        }],
        "healthcheck": {
            "test": ["CMD", "bash", "-c", health_check(host.admin_port)],
            "interval": "5s",
            "timeout": "3s",
            "start_period": "30s",
        },
        "restart": "unless-stopped",
        "stop_grace_period": "30s",
    });
    if let Some(owner) = host.owner_of_secrets {
        // Compose keeps their owner and mode, and only the owner may read them.
        gateway["user"] = owner.to_string().into();
    }
    json!({
        "name": "keeptrusts",
        "services": { "gateway": gateway },
        "secrets": secrets,
        // Compose puts variables into what it finds after a dollar sign.
        "configs": { "envoy": { "content": crate::to_yaml(document).replace('$', "$$") } },
    })
}

/// Asks the admin interface; Envoy's image has neither curl nor wget.
fn health_check(admin_port: u16) -> String {
    format!(
        "exec 3<>/dev/tcp/127.0.0.1/{admin_port} && printf 'GET /ready HTTP/1.0\\r\\n\\r\\n' >&3 && grep -q LIVE <&3"
    )
}
