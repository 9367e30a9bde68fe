//! The files of a run directory, from which Envoy takes changes while requests are in flight.
//!
//! Order of a change: [`CLUSTERS`] with old and new ones, and the new ones' secrets before it; when Envoy has taken
//! that, [`ROUTES`] over old and new, then [`FILTER`]; and some time later, when no plan names the old clusters any
//! more, [`CLUSTERS`] and [`ROUTES`] without them.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use policy::cluster::clusters;
use policy::{Credential, Target};
use serde_json::{Value, json};

use crate::cluster::target_cluster;
use crate::credential::{Keys, secret_name};
use crate::gateway::{Gateway, RenderError};
use crate::proto::any;
use crate::{bootstrap, collector, route, wasm};

/// The bootstrap. Envoy reads it once.
pub const BOOTSTRAP: &str = "bootstrap.json";
/// CDS: one cluster for each target and timeout.
pub const CLUSTERS: &str = "clusters.json";
/// RDS: the route, with the names of all clusters.
pub const ROUTES: &str = "routes.json";
/// ECDS: the gateway filter, with the policy.
pub const FILTER: &str = "filter.json";
/// Folder of the secrets, one SDS file for each target.
pub const SECRETS: &str = "secrets";

/// The collector's token, below the run directory. No target's file has this name: those end with a hash.
pub const COLLECTOR_SECRET: &str = "secrets/collector.json";

/// Statistics that say which version of a file Envoy works with, and whether it refused one.
pub const STATISTICS: [(&str, &str); 3] = [
    (CLUSTERS, "cluster_manager.cds"),
    (ROUTES, "http.gateway.rds.gateway"),
    (FILTER, "extension_config_discovery.http_filter.kt_gateway"),
];

/// Clusters by name. Those of an old and a new policy merge with [`Clusters::extend`]; the new one wins.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Clusters(BTreeMap<String, Value>);

/// The bootstrap for the run directory `directory`.
///
/// # Errors
/// See [`RenderError`].
pub fn bootstrap(gateway: &Gateway, directory: &str) -> Result<Value, RenderError> {
    bootstrap::live_bootstrap(gateway, directory)
}

/// The clusters of one policy.
///
/// # Errors
/// See [`RenderError`].
pub fn target_clusters(gateway: &Gateway, directory: &str) -> Result<Clusters, RenderError> {
    let mut all = Clusters::default();
    for spec in clusters(gateway.policy) {
        if let Some(cluster) = target_cluster(gateway, &spec, Keys::Live(directory))? {
            all.0
                .insert(spec.name, any("envoy.config.cluster.v3.Cluster", cluster));
        }
    }
    Ok(all)
}

/// What [`ROUTES`] holds: one resource.
pub fn routes(clusters: &Clusters, gateway: &Gateway) -> Value {
    let names = clusters.0.keys().map(String::as_str);
    any(
        "envoy.config.route.v3.RouteConfiguration",
        route::configuration(gateway, names),
    )
}

/// What [`FILTER`] holds: one resource.
pub fn gateway_filter(gateway: &Gateway) -> Value {
    any(
        "envoy.config.core.v3.TypedExtensionConfig",
        wasm::gateway_filter(gateway),
    )
}

/// The file of a target's secret, below the run directory.
///
/// A target that moves to another address or another key gets another file: its old cluster keeps the old key, and no
/// key can reach an address it was not meant for while Envoy takes the change.
pub fn secret_file(target: &Target, gateway: &Gateway) -> String {
    let mut hasher = DefaultHasher::new();
    let address = gateway.address_of(target);
    (address.tls, &address.host, address.port).hash(&mut hasher);
    match &target.credential {
        Credential::Env(name) => ("env", name).hash(&mut hasher),
        Credential::Store(name) => ("store", name).hash(&mut hasher),
        Credential::None => "none".hash(&mut hasher),
    }
    format!(
        "{SECRETS}/{}-{:016x}.json",
        file_name(&target.id),
        hasher.finish()
    )
}

/// Ids are the user's: what could leave the folder is escaped.
fn file_name(id: &str) -> String {
    let mut name = String::new();
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            _ => name.push_str(&format!("%{byte:02x}")),
        }
    }
    name
}

/// What [`secret_file`] holds: one resource. An empty key sends none.
pub fn secret(target: &str, key: &str) -> Value {
    secret_named(&secret_name(target), key)
}

/// What [`COLLECTOR_SECRET`] holds: one resource.
pub fn collector_secret(token: &str) -> Value {
    secret_named(collector::TOKEN, token)
}

fn secret_named(name: &str, value: &str) -> Value {
    secret_resource(name, json!({ "inline_string": value }))
}

/// The secret `name` as an SDS resource; `source` is a `DataSource`.
pub(crate) fn secret_resource(name: &str, source: Value) -> Value {
    any(
        "envoy.extensions.transport_sockets.tls.v3.Secret",
        json!({ "name": name, "generic_secret": { "secret": source } }),
    )
}

/// A whole file: `resources` under the name `version`.
pub fn discovery_response<'a>(
    version: &str,
    resources: impl IntoIterator<Item = &'a Value>,
) -> String {
    let resources: Vec<&Value> = resources.into_iter().collect();
    json!({ "version_info": version, "resources": resources }).to_string()
}

impl Clusters {
    /// Adds those of `newer`, in place of those of the same name.
    pub fn extend(&mut self, newer: &Self) {
        self.0.extend(
            newer
                .0
                .iter()
                .map(|(name, cluster)| (name.clone(), cluster.clone())),
        );
    }

    /// What [`CLUSTERS`] holds.
    pub fn resources(&self) -> impl Iterator<Item = &Value> {
        self.0.values()
    }

    /// Names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl FromIterator<(String, Value)> for Clusters {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(named: I) -> Self {
        Self(named.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_names_a_file_outside_the_folder() {
        for (id, file) in [
            ("openai", "openai"),
            ("openai-main_2", "openai-main_2"),
            ("../../etc/x", "%2e%2e%2f%2e%2e%2fetc%2fx"),
            ("a%2e", "a%252e"),
            ("ü", "%c3%bc"),
        ] {
            assert_eq!(file_name(id), file);
        }
    }
}
