//! A Deployment of stock Envoy for Kubernetes.

use std::collections::BTreeMap;

use ::envoy::{EnvoyVersion, KeySource, to_yaml};
use serde_json::{Value, json};

use super::{Render, kubernetes};
use crate::commands::Failure;
use crate::policy_file::{self, Document};

const NAME: &str = "keeptrusts";
const NAMESPACE: &str = "keeptrusts";
const ADMIN: &str = "127.0.0.1:9901";
const CONFIG_MAP: &str = "keeptrusts-envoy";
const CONFIG_FOLDER: &str = "/etc/keeptrusts/envoy";
/// Of Envoy's image.
const USER: u32 = 101;

/// What the reader must know, and all objects.
pub(super) fn objects(render: &Render, document: &Document) -> Result<(String, String), Failure> {
    let namespace = render.namespace(NAMESPACE);
    let setting = render.in_container(kubernetes::MODULE, ADMIN.parse()?, EnvoyVersion::TESTED);
    let gateway = setting.gateway(document);
    let rendered = ::envoy::document(&gateway, KeySource::Mounted(kubernetes::KEYS_FOLDER))?;
    let port = setting.listen.port();
    let files = BTreeMap::from([("envoy.yaml".to_owned(), to_yaml(&rendered))]);
    let version = policy_file::version(&document.text);
    let objects = [
        kubernetes::config_map(CONFIG_MAP, namespace, &files),
        kubernetes::sds_config_map(&gateway, namespace),
        deployment(namespace, port, &version, &render.module_image),
        service(namespace, port),
        disruption_budget(namespace),
        network_policy(namespace, port),
    ];
    let secret = kubernetes::create_secret(&kubernetes::key_names(&gateway), namespace);
    let notes = format!(
        "Needs Kubernetes 1.33 or later, which mounts images.\n\
         1. kubectl create namespace {namespace}\n\
         2. {secret}\n\
         3. kubectl apply --server-side -f THIS_FILE\n\
         A changed key is read within a minute or two; a changed policy makes new pods."
    );
    Ok((notes, kubernetes::to_documents(&objects)))
}

fn metadata(namespace: &str) -> Value {
    json!({ "name": NAME, "namespace": namespace, "labels": kubernetes::labels() })
}

fn selector() -> Value {
    json!({ "app.kubernetes.io/name": NAME, "app.kubernetes.io/component": "gateway" })
}

fn deployment(namespace: &str, port: u16, version: &str, module_image: &str) -> Value {
    let mut volumes = kubernetes::volumes(module_image);
    let mut mounts = kubernetes::volume_mounts();
    for (list, own) in [
        (
            &mut volumes,
            json!({ "name": "envoy", "configMap": { "name": CONFIG_MAP } }),
        ),
        (
            &mut mounts,
            json!({ "name": "envoy", "mountPath": CONFIG_FOLDER, "readOnly": true }),
        ),
    ] {
        list.as_array_mut()
            .into_iter()
            .for_each(|list| list.push(own.clone()));
    }
    let probe = |path: &str, period: u32| json!({ "httpGet": { "path": path, "port": port }, "periodSeconds": period, "timeoutSeconds": 2 });
    let container = json!({
        "name": "envoy",
        "image": ::envoy::IMAGE,
        "args": ["-c", format!("{CONFIG_FOLDER}/envoy.yaml"), "--log-level", "warning", "--disable-hot-restart"],
        "ports": [{ "name": "http", "containerPort": port }],
        "resources": {
            "requests": { "cpu": "500m", "memory": "256Mi" },
            "limits": { "memory": "1Gi" },
        },
        // The gateway itself, not its providers: they come and go without new pods.
        "startupProbe": { "tcpSocket": { "port": port }, "periodSeconds": 1, "failureThreshold": 60 },
        "livenessProbe": { "tcpSocket": { "port": port }, "periodSeconds": 10 },
        "readinessProbe": probe("/health", 5),
        // Kubernetes takes the pod out of the Service while it still serves.
        "lifecycle": { "preStop": { "sleep": { "seconds": 10 } } },
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": { "drop": ["ALL"] },
        },
        "volumeMounts": mounts,
    });
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(namespace),
        "spec": {
            "replicas": 2,
            "selector": { "matchLabels": selector() },
            "template": {
                "metadata": {
                    "labels": selector(),
                    "annotations": {
                        // Another policy, other pods.
                        "keeptrusts.com/policy-version": version,
                        "prometheus.io/scrape": "true",
                        "prometheus.io/port": port.to_string(),
                        "prometheus.io/path": "/metrics",
                    },
                },
                "spec": {
                    "automountServiceAccountToken": false,
                    "terminationGracePeriodSeconds": 60,
                    "securityContext": {
                        "runAsNonRoot": true,
                        "runAsUser": USER,
                        "fsGroup": USER,
                        "seccompProfile": { "type": "RuntimeDefault" },
                    },
                    "containers": [container],
                    "volumes": volumes,
                },
            },
        },
    })
}

fn service(namespace: &str, port: u16) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(namespace),
        "spec": {
            "selector": selector(),
            "ports": [{ "name": "http", "port": port, "targetPort": "http", "appProtocol": "http" }],
        },
    })
}

fn disruption_budget(namespace: &str) -> Value {
    json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(namespace),
        "spec": { "minAvailable": 1, "selector": { "matchLabels": selector() } },
    })
}

/// Clients reach the gateway's port only; the admin interface is on loopback anyway.
fn network_policy(namespace: &str, port: u16) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(namespace),
        "spec": {
            "podSelector": { "matchLabels": selector() },
            "policyTypes": ["Ingress"],
            "ingress": [{ "ports": [{ "protocol": "TCP", "port": port }] }],
        },
    })
}
