//! No rendering names a static secret that is not in the same document: Envoy (1.36 to 1.40) crashes on one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use envoy::{
    Admin, AttemptRouting, Collector, EnvoyVersion, Gateway, IstioGateway, KeySource, Runtime,
    bootstrap_override, document, envoy_filter, fragment, live,
};
use policy::{LoadOptions, Policy};
use serde_json::Value;

const GENERIC: &str =
    "type.googleapis.com/envoy.extensions.http.injected_credentials.generic.v3.Generic";

#[test]
fn every_static_secret_that_is_named_is_there() {
    let mut named = 0;
    for path in examples() {
        let text = fs::read_to_string(&path).unwrap();
        let policy = loaded(&path, &text);
        for (form, rendering) in renderings(&policy, &text) {
            let secrets = &rendering["static_resources"]["secrets"];
            let there: BTreeSet<&str> = secrets
                .as_array()
                .into_iter()
                .flatten()
                .map(|secret| secret["name"].as_str().unwrap())
                .collect();
            let mut missing = Vec::new();
            for name in statically_named(&rendering) {
                named += 1;
                if !there.contains(name) {
                    missing.push(name);
                }
            }
            assert!(
                missing.is_empty(),
                "{} as {form}: {missing:?}",
                path.display()
            );
        }
    }
    assert!(named > 40, "{named}");
}

/// Secrets of injected credentials that come from no file.
fn statically_named(value: &Value) -> Vec<&str> {
    let inner: Vec<&Value> = match value {
        Value::Object(fields) => fields.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    };
    let mut names: Vec<&str> = inner.into_iter().flat_map(statically_named).collect();
    let credential = &value["credential"];
    if value["@type"] == GENERIC && credential["sds_config"].is_null() {
        names.extend(credential["name"].as_str());
    }
    names
}

fn renderings(policy: &Policy, text: &str) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for routing in [AttemptRouting::Direct, AttemptRouting::Hop] {
        let gateway = gateway(policy, text, routing);
        let own = document(&gateway, KeySource::Environment(&|_| None)).unwrap();
        let mounted = document(&gateway, KeySource::Mounted("/keys")).unwrap();
        let followed = live::bootstrap(&gateway, "/run").unwrap();
        let clusters = live::target_clusters(&gateway, "/run").unwrap();
        let place = IstioGateway {
            namespace: "istio-ingress".to_owned(),
            workload: BTreeMap::new(),
        };
        let resources = clusters.resources().cloned().collect();
        for (form, rendering) in [
            ("bootstrap", own.clone()),
            ("bootstrap of mounted keys", mounted.clone()),
            ("override", bootstrap_override(&own)),
            ("override of mounted keys", bootstrap_override(&mounted)),
            ("fragment", fragment(&own)),
            ("EnvoyFilter", envoy_filter(&mounted, &place)),
            ("live bootstrap", followed),
            ("live clusters", Value::Array(resources)),
        ] {
            all.push((format!("{form}, {routing:?}"), rendering));
        }
    }
    all
}

fn gateway<'a>(policy: &'a Policy, text: &'a str, routing: AttemptRouting) -> Gateway<'a> {
    Gateway {
        policy,
        policy_text: text,
        module: "/filter.wasm",
        runtime: Runtime::default(),
        listen: "127.0.0.1:41002".parse().unwrap(),
        admin: Admin::Loopback("127.0.0.1:9901".parse().unwrap()),
        ca_file: Some("/ca.pem"),
        access_log: None,
        collector: Some(Collector {
            address: "http://127.0.0.1:41003".parse().unwrap(),
            with_token: true,
        }),
        addresses: BTreeMap::new(),
        monitor: true,
        envoy_version: EnvoyVersion::TESTED,
        attempt_routing: routing,
    }
}

fn loaded(path: &Path, text: &str) -> Policy {
    let endpoint = |_: &str| Some("https://mine.openai.azure.com".to_owned());
    let options = LoadOptions {
        endpoint: Some(&endpoint),
        ..LoadOptions::default()
    };
    let loaded = policy::load_with(text, &options);
    loaded
        .policy
        .unwrap_or_else(|| panic!("{}: {:#?}", path.display(), loaded.findings))
}

/// Every policy below `examples/`.
fn examples() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let folders = ["seeds", "quickstart", "minimal-envoy"].map(|folder| root.join(folder));
    let files = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path());
    let mut policies: Vec<PathBuf> = files
        .filter(|path| path.extension().is_some_and(|it| it == "yaml"))
        .filter(|path| path.file_name().is_some_and(|name| name != "envoy.yaml"))
        .collect();
    policies.sort();
    assert!(policies.len() > 15, "{policies:?}");
    policies
}
