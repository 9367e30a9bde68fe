//! For Envoy Gateway.

use ::envoy::{EnvoyVersion, KeySource, to_yaml};
use serde_json::json;

use super::{Render, kubernetes};
use crate::commands::Failure;
use crate::policy_file::Document;

/// Envoy Gateway's own choice.
const ADMIN: &str = "127.0.0.1:19000";
/// Where its chart puts itself and its proxies.
const NAMESPACE: &str = "envoy-gateway-system";

/// What the reader must know, and the EnvoyProxy with the ConfigMap of its keys.
pub(super) fn proxy(render: &Render, document: &Document) -> Result<(String, String), Failure> {
    let namespace = render.namespace(NAMESPACE);
    let setting = render.in_container(kubernetes::MODULE, ADMIN.parse()?, EnvoyVersion::OLDEST);
    let gateway = setting.gateway(document);
    let rendered = ::envoy::document(&gateway, KeySource::Mounted(kubernetes::KEYS_FOLDER))?;
    let bootstrap = to_yaml(&::envoy::fragment(&rendered));
    let port = setting.listen.port();
    let proxy = json!({
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "EnvoyProxy",
        "metadata": { "name": "keeptrusts", "namespace": namespace, "labels": kubernetes::labels() },
        "spec": {
            "bootstrap": { "type": "Merge", "value": bootstrap },
            "provider": {
                "type": "Kubernetes",
                "kubernetes": {
                    "envoyDeployment": {
                        "pod": { "volumes": kubernetes::volumes(&render.module_image) },
                        "container": { "volumeMounts": kubernetes::volume_mounts() },
                    },
                    "envoyService": { "patch": {
                        "type": "StrategicMerge",
                        "value": { "spec": { "ports": [
                            { "name": "http-keeptrusts", "port": port, "targetPort": port, "protocol": "TCP" },
                        ] } },
                    } },
                },
            },
        },
    });
    let objects = [kubernetes::sds_config_map(&gateway, namespace), proxy];
    let secret = kubernetes::create_secret(&kubernetes::key_names(&gateway), namespace);
    let notes = format!(
        "Needs an Envoy Gateway whose proxy is Envoy {version} or later (1.6 has 1.36, 1.9 has 1.39), and Kubernetes 1.33\n\
         or later, which mounts images.\n\
         1. {secret}\n\
         2. kubectl apply --server-side -f THIS_FILE\n\
         3. Name it in your GatewayClass: spec.parametersRef {{group: gateway.envoyproxy.io, kind: EnvoyProxy,\n\
            name: keeptrusts, namespace: {namespace}}}. The proxies then listen on port {port} as well, and restart after\n\
            every change.",
        version = setting.oldest_envoy(),
    );
    Ok((notes, kubernetes::to_documents(&objects)))
}
