//! Envoy itself accepts what is rendered. It accepts that of every example in the integration tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use envoy::{
    Admin, Collector, Compose, Gateway, Istio, Runtime, compose, document, istio, to_yaml,
};
use policy::{Credential, LoadOptions, Policy};
use serde_json::{Value, json};

/// Every kind of address, credential and timeout that a target can have.
const ALL_KINDS: &str = r#"
providers:
  targets:
    - { id: openai, provider: openai, secret_key_ref: { env: OPENAI_API_KEY } }
    - { id: anthropic, provider: anthropic, secret_key_ref: { store: ANTHROPIC_API_KEY } }
    - { id: azure, provider: { base_url: "https://mine.openai.azure.com" }, secret_key_ref: { env: AZURE_KEY } }
    - { id: bedrock, provider: { base_url: "https://bedrock-runtime.us-east-1.amazonaws.com" }, secret_key_ref: { env: AWS_KEY } }
    - { id: by-address, provider: { base_url: "https://10.1.2.3:8443/v1" }, secret_key_ref: { env: OTHER_KEY } }
    - { id: by-v6-address, provider: { base_url: "http://[::1]:8000/v1" } }
    - { id: "ollama_the.local-1", provider: { base_url: "http://localhost:11434/v1" } }
model_groups:
  - name: chat
    strategy: failover
    models:
      - { provider: openai, model: a, timeout_ms: 300 }
      - { provider: openai, model: b, timeout_ms: 5000 }
      - { provider: "ollama_the.local-1", model: c }
"#;

#[test]
fn every_kind_of_target_is_accepted() {
    accepts("all kinds", ALL_KINDS);
}

#[test]
fn a_target_with_aws_signing_is_accepted() {
    let mut policy = loaded("all kinds", ALL_KINDS);
    for target in &mut policy.targets {
        target.aws_sigv4_region = Some("eu-central-1".to_owned());
    }
    envoy_accepts("signing", &rendered(&policy, ALL_KINDS));
}

#[test]
fn the_patches_for_istio_make_a_bootstrap_that_is_accepted() {
    let policy = loaded("all kinds", ALL_KINDS);
    let place = Istio {
        namespace: "istio-ingress".to_owned(),
        workload: BTreeMap::from([("istio".to_owned(), "ingressgateway".to_owned())]),
    };
    let filter = istio(&bootstrap(&policy, ALL_KINDS), &place);
    assert_eq!(filter["kind"], "EnvoyFilter");
    // What Istio does with them, in short.
    let mut merged = json!({
        "node": { "id": "a", "cluster": "b" },
        "admin": { "address": { "socket_address": { "address": "127.0.0.1", "port_value": 0 } } },
    });
    for patch in filter["spec"]["configPatches"].as_array().unwrap() {
        let (operation, value) = (&patch["patch"]["operation"], &patch["patch"]["value"]);
        match patch["applyTo"].as_str().unwrap() {
            "BOOTSTRAP" => {
                assert_eq!(operation, "MERGE");
                merged["bootstrap_extensions"] = value["bootstrap_extensions"].clone();
                merged["static_resources"] = value["static_resources"].clone();
            }
            kind => {
                assert_eq!(
                    (operation, &patch["match"]["context"]),
                    (&json!("ADD"), &json!("GATEWAY"))
                );
                let list = &mut merged["static_resources"][format!("{}s", kind.to_lowercase())];
                if list.is_null() {
                    *list = json!([]);
                }
                list.as_array_mut().unwrap().push(value.clone());
            }
        }
    }
    envoy_accepts("istio", &to_yaml(&merged));
}

#[test]
fn a_compose_file_holds_the_whole_bootstrap() {
    let text = ALL_KINDS.replace("name: chat", "name: chat$HOME");
    let policy = loaded("all kinds", &text);
    let host = Compose {
        module_on_host: "./filter.wasm".to_owned(),
        module_in_container: "/filter.wasm".to_owned(),
        port: 41002,
        variables: vec!["OPENAI_API_KEY".to_owned()],
        secret_files: vec![(
            "ANTHROPIC_API_KEY".to_owned(),
            "/home/u/secrets/ANTHROPIC_API_KEY".to_owned(),
        )],
    };
    let document = bootstrap(&policy, &text);
    let file = compose(&document, &host);
    let service = &file["services"]["gateway"];
    assert_eq!(service["ports"], json!(["127.0.0.1:41002:41002"]));
    assert_eq!(service["environment"], json!(["OPENAI_API_KEY"]));
    assert_eq!(service["secrets"], json!(["ANTHROPIC_API_KEY"]));
    assert_eq!(service["volumes"], json!(["./filter.wasm:/filter.wasm:ro"]));
    let content = file["configs"]["envoy"]["content"].as_str().unwrap();
    assert!(content.contains("chat$$HOME"));
    assert_eq!(content.replace("$$", "$"), to_yaml(&document));
}

fn accepts(name: &str, text: &str) {
    envoy_accepts(name, &rendered(&loaded(name, text), text));
}

fn loaded(name: &str, text: &str) -> Policy {
    let endpoint = |_: &str| Some("https://mine.openai.azure.com".to_owned());
    let options = LoadOptions {
        endpoint: Some(&endpoint),
        ..LoadOptions::default()
    };
    let loaded = policy::load_with(text, &options);
    loaded
        .policy
        .unwrap_or_else(|| panic!("{name}: {:#?}", loaded.findings))
}

fn rendered(policy: &Policy, text: &str) -> String {
    to_yaml(&bootstrap(policy, text))
}

fn bootstrap(policy: &Policy, text: &str) -> Value {
    let module = module();
    let gateway = Gateway {
        policy,
        policy_text: text,
        module: module.to_str().unwrap(),
        runtime: Runtime {
            gateway_id: "gw-test".to_owned(),
            ..Runtime::default()
        },
        listen: "127.0.0.1:0".parse().unwrap(),
        admin: Admin::Loopback("127.0.0.1:0".parse().unwrap()),
        ca_file: Some("/etc/ssl/certs/ca-certificates.crt"),
        access_log: Some("/dev/null"),
        collector: Some(Collector {
            address: "http://127.0.0.1:41003".parse().unwrap(),
            with_token: true,
        }),
        addresses: BTreeMap::new(),
        monitor: true,
    };
    document(&gateway, &|_| None).unwrap()
}

/// `envoy --mode validate`, with a key in every variable that a target names.
fn envoy_accepts(name: &str, document: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bootstrap.yaml");
    fs::write(&file, document).unwrap();
    let keys = variables(document)
        .into_iter()
        .map(|name| (name, "sk-test"));
    let output = Command::new(envoy_binary())
        .args([
            "--mode",
            "validate",
            "--log-level",
            "warning",
            "--config-path",
        ])
        .arg(&file)
        .env_clear()
        .envs(keys)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {said}\n{document}");
    // What is deprecated today is refused by a later Envoy.
    assert!(!said.contains("eprecated"), "{name}: {said}");
}

fn variables(document: &str) -> Vec<&str> {
    let lines = document.lines().map(str::trim);
    lines
        .filter_map(|line| line.strip_prefix("environment_variable: "))
        .collect()
}

fn envoy_binary() -> PathBuf {
    let named = std::env::var_os("ENVOY_BIN").map(PathBuf::from);
    let installed = Some(checkout().join(".tools/envoy/envoy")).filter(|path| path.is_file());
    named
        .or(installed)
        .expect("these tests need Envoy: run scripts/setup, or name a binary in ENVOY_BIN")
}

fn module() -> PathBuf {
    let named = std::env::var_os("KEEPTRUSTS_FILTER_WASM").map(PathBuf::from);
    let built = checkout().join("target/keeptrusts_filter.wasm");
    named
        .or_else(|| Some(built).filter(|path| path.is_file()))
        .expect("these tests need the filter module: run `make wasm`, or name it in KEEPTRUSTS_FILTER_WASM")
}

fn checkout() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[test]
fn no_key_can_be_in_what_is_rendered() {
    // The renderer is given no keys at all: what it writes for a key is where Envoy finds it.
    let document = rendered(&loaded("all kinds", ALL_KINDS), ALL_KINDS);
    let policy = loaded("all kinds", ALL_KINDS);
    let referenced: Vec<&str> = variables(&document);
    for target in &policy.targets {
        match &target.credential {
            Credential::Env(name) | Credential::Store(name) => {
                assert!(referenced.contains(&name.as_str()), "{name}");
            }
            Credential::None => {}
        }
    }
}
