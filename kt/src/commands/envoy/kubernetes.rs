//! Kubernetes objects that several targets need.

use std::collections::BTreeMap;

use ::envoy::{Gateway, TOKEN_VARIABLE, mounted_secrets, to_yaml};
use ::policy::Credential;
use serde_json::{Value, json};

/// Where `make image` says its module comes from.
pub(super) const MODULE_IMAGE: &str = "ghcr.io/keeptrusts/keeptrusts-filter:latest";
/// The folder of the module.
const MODULE_FOLDER: &str = "/var/lib/keeptrusts/module";
/// In its image the module is called as Istio and Envoy Gateway expect it.
pub(super) const MODULE: &str = "/var/lib/keeptrusts/module/plugin.wasm";
/// The folder of keys and of the SDS files that lead to them.
pub(super) const KEYS_FOLDER: &str = "/etc/keeptrusts/keys";
/// The Secret that the user makes.
const KEYS_SECRET: &str = "keeptrusts-keys";
const KEYS_VOLUME: &str = "keeptrusts-keys";
const MODULE_VOLUME: &str = "keeptrusts-module";
/// The ConfigMap with the SDS files.
const SDS_CONFIG_MAP: &str = "keeptrusts-sds";

/// A ConfigMap with `data` as file contents.
pub(super) fn config_map(name: &str, namespace: &str, data: &BTreeMap<String, String>) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": name, "namespace": namespace, "labels": labels() },
        "data": data,
    })
}

/// The SDS files that lead to the keys.
pub(super) fn sds_config_map(gateway: &Gateway, namespace: &str) -> Value {
    let files = mounted_secrets(gateway, KEYS_FOLDER);
    let data = files
        .into_iter()
        .map(|(name, file)| (name, file.to_string()))
        .collect();
    config_map(SDS_CONFIG_MAP, namespace, &data)
}

/// Volumes of a pod: keys and module.
pub(super) fn volumes(module_image: &str) -> Value {
    json!([keys(), { "name": MODULE_VOLUME, "image": { "reference": module_image, "pullPolicy": "IfNotPresent" } }])
}

/// Where a container mounts [`volumes`].
pub(super) fn volume_mounts() -> Value {
    json!([keys_at(), { "name": MODULE_VOLUME, "mountPath": MODULE_FOLDER, "readOnly": true }])
}

/// Volumes of a pod whose module comes otherwise.
pub(super) fn keys_volume() -> Value {
    json!([keys()])
}

/// Where a container mounts [`keys_volume`].
pub(super) fn keys_mount() -> Value {
    json!([keys_at()])
}

fn keys() -> Value {
    json!({ "name": KEYS_VOLUME, "projected": { "sources": [
        { "configMap": { "name": SDS_CONFIG_MAP } },
        // A key that is not there costs its target alone.
        { "secret": { "name": KEYS_SECRET, "optional": true } },
    ] } })
}

fn keys_at() -> Value {
    json!({ "name": KEYS_VOLUME, "mountPath": KEYS_FOLDER, "readOnly": true })
}

/// What the keys' Secret must have: the names by which the policy calls its keys.
pub(super) fn key_names(gateway: &Gateway) -> Vec<String> {
    let targets = gateway.policy.targets.iter();
    let mut names: Vec<String> = targets
        .filter(|target| target.aws_sigv4_region.is_none())
        .filter_map(|target| match &target.credential {
            Credential::Env(name) | Credential::Store(name) => Some(name.clone()),
            Credential::None => None,
        })
        .collect();
    if gateway.collector.as_ref().is_some_and(|it| it.with_token) {
        names.push(TOKEN_VARIABLE.to_owned());
    }
    names.sort();
    names.dedup();
    names
}

/// The command that makes the keys' Secret from variables of the user's shell.
pub(super) fn create_secret(names: &[String], namespace: &str) -> String {
    let literals: String = names
        .iter()
        .map(|name| format!(" \\\n     --from-literal={name}=\"${name}\""))
        .collect();
    format!("kubectl -n {namespace} create secret generic {KEYS_SECRET}{literals}")
}

/// Labels of all our objects.
pub(super) fn labels() -> Value {
    json!({ "app.kubernetes.io/name": "keeptrusts", "app.kubernetes.io/managed-by": "kt" })
}

/// Several objects in one file.
pub(super) fn to_documents(objects: &[Value]) -> String {
    let documents: Vec<String> = objects.iter().map(to_yaml).collect();
    documents.join("---\n")
}
