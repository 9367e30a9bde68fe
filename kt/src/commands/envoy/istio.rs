//! For the Envoy of an Istio gateway.

use std::collections::BTreeMap;

use ::envoy::{
    AttemptRouting, BOOTSTRAP_OVERRIDE_KEY, EnvoyVersion, IstioGateway, KeySource, to_yaml,
};
use serde_json::{Value, json};

use super::{Render, Setting, kubernetes};
use crate::commands::Failure;
use crate::policy_file::Document;

/// Istio's own choice.
const ADMIN: &str = "127.0.0.1:15000";
/// Where Istio's charts put gateways.
const NAMESPACE: &str = "istio-ingress";
/// Istio shows only the statistics that this annotation of pods adds to its own.
const STATISTICS: &str = "sidecar.istio.io/statsInclusionPrefixes";
const INCLUDED: &str = "wasmcustom,cluster.kt/,http.gateway";
const BOOTSTRAP_CONFIG_MAP: &str = "keeptrusts-bootstrap";

/// What the reader must know, and the ConfigMaps for `sidecar.istio.io/bootstrapOverride`.
pub(super) fn bootstrap_override(
    render: &Render,
    document: &Document,
) -> Result<(String, String), Failure> {
    let namespace = render.namespace(NAMESPACE);
    let setting = render.in_container(kubernetes::MODULE, ADMIN.parse()?, EnvoyVersion::OLDEST);
    let gateway = setting.gateway(document);
    let rendered = ::envoy::document(&gateway, KeySource::Mounted(kubernetes::KEYS_FOLDER))?;
    let bootstrap = ::envoy::bootstrap_override(&rendered).to_string();
    let bootstrap = BTreeMap::from([(BOOTSTRAP_OVERRIDE_KEY.to_owned(), bootstrap)]);
    let objects = [
        kubernetes::config_map(BOOTSTRAP_CONFIG_MAP, namespace, &bootstrap),
        kubernetes::sds_config_map(&gateway, namespace),
    ];
    let values = json!({
        "podAnnotations": {
            "sidecar.istio.io/bootstrapOverride": BOOTSTRAP_CONFIG_MAP,
            STATISTICS: INCLUDED,
        },
        "volumes": kubernetes::volumes(&render.module_image),
        "volumeMounts": kubernetes::volume_mounts(),
        "service": { "ports": service_ports(setting.listen.port()) },
    });
    let secret = kubernetes::create_secret(&kubernetes::key_names(&gateway), namespace);
    let version = setting.oldest_envoy();
    let notes = format!(
        "Needs an Istio whose proxy is Envoy {version} or later (Istio 1.28 has 1.36, 1.31 has 1.39), and Kubernetes\n\
         1.33 or later, which mounts images.\n\
         1. {secret}\n\
         2. kubectl apply --server-side -f THIS_FILE\n\
         3. helm upgrade GATEWAY istio/gateway -n {namespace} --reuse-values -f VALUES, with the values below. A\n\
            Deployment that comes from elsewhere needs the same annotations, volumes, mounts and Service port.\n\
         A gateway that cannot load what is merged into its bootstrap does not start: give it a Deployment of its own.\n\
         Restart it after every change.\n\n{}",
        to_yaml(&values)
    );
    Ok((notes, kubernetes::to_documents(&objects)))
}

/// What the reader must know, and the EnvoyFilter with the ConfigMap of its keys.
pub(super) fn envoy_filter(
    render: &Render,
    document: &Document,
) -> Result<(String, String), Failure> {
    let namespace = render.namespace(NAMESPACE);
    let image = format!("oci://{}", render.module_image);
    let setting = Setting {
        // Istio up to 1.30 drops what direct routing needs.
        attempt_routing: AttemptRouting::Hop,
        ..render.in_container(&image, ADMIN.parse()?, EnvoyVersion::OLDEST)
    };
    let gateway = setting.gateway(document);
    let rendered = ::envoy::document(&gateway, KeySource::Mounted(kubernetes::KEYS_FOLDER))?;
    let place = IstioGateway {
        namespace: namespace.to_owned(),
        workload: render.workload.iter().cloned().collect(),
    };
    let objects = [
        kubernetes::sds_config_map(&gateway, namespace),
        ::envoy::envoy_filter(&rendered, &place),
    ];
    let from_image = setting.module.starts_with("oci://");
    let values = json!({
        "podAnnotations": { STATISTICS: INCLUDED },
        "volumes": kubernetes::keys_volume(),
        "volumeMounts": kubernetes::keys_mount(),
        "service": { "ports": service_ports(setting.listen.port()) },
    });
    let secret = kubernetes::create_secret(&kubernetes::key_names(&gateway), namespace);
    let module = if from_image {
        "Istio's agent fetches the module from its image."
    } else {
        "The module must be mounted in the pods."
    };
    let notes = format!(
        "Needs Istio 1.28 or later. {module}\n\
         1. {secret}\n\
         2. helm upgrade GATEWAY istio/gateway -n {namespace} --reuse-values -f VALUES, with the values below. A\n\
            Deployment that comes from elsewhere needs the same volumes, mounts and Service port.\n\
         3. kubectl apply --server-side -f THIS_FILE: it is larger than what kubectl keeps in an annotation.\n\
         Other listeners of the gateway go on whatever is wrong here: Envoy refuses only what names it. Later changes\n\
         need no restart. An existing host leads here by a VirtualService: docs/envoys-and-meshes.md.\n\n{}",
        to_yaml(&values)
    );
    Ok((notes, kubernetes::to_documents(&objects)))
}

fn service_ports(port: u16) -> Value {
    json!([
        { "name": "status-port", "port": 15021, "targetPort": 15021, "protocol": "TCP" },
        { "name": "http2", "port": 80, "targetPort": 80, "protocol": "TCP" },
        { "name": "https", "port": 443, "targetPort": 443, "protocol": "TCP" },
        { "name": "http-keeptrusts", "port": port, "targetPort": port, "protocol": "TCP" },
    ])
}
