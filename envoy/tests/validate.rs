//! Envoy itself accepts what is rendered. It accepts that of every example in the integration tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use envoy::{
    Admin, AttemptRouting, Collector, Compose, EnvoyVersion, Gateway, KeySource, Runtime,
    bootstrap_override, compose, document, fragment, mounted_secrets, to_yaml,
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

/// What Istio's own bootstrap has of what ours has.
const ISTIO_BOOTSTRAP: &str = r#"{
    "node": {"id": "router~10.0.0.1~gw.istio-ingress~istio-ingress.svc.cluster.local", "cluster": "gw.istio-ingress"},
    "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
    "stats_config": {"use_all_default_tags": false, "stats_tags": [{"tag_name": "cluster_name", "regex": "^cluster\\.((.+?)\\.)"}]},
    "bootstrap_extensions": [{
        "name": "envoy.bootstrap.internal_listener",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener",
            "buffer_size_kb": 64
        }
    }]
}"#;

#[test]
fn envoy_takes_it_merged_over_the_bootstrap_of_istio() {
    let policy = loaded("all kinds", ALL_KINDS);
    let module = module();
    let keys = tempfile::tempdir().unwrap();
    let folder = keys.path().to_str().unwrap();
    let files = mounted_secrets(&gateway(&policy, ALL_KINDS, &module), folder);
    for (name, file) in &files {
        fs::write(keys.path().join(name), file.to_string()).unwrap();
    }
    for routing in [AttemptRouting::Direct, AttemptRouting::Hop] {
        let gateway = Gateway {
            attempt_routing: routing,
            ..gateway(&policy, ALL_KINDS, &module)
        };
        let document = document(&gateway, KeySource::Mounted(folder)).unwrap();
        let ours = bootstrap_override(&document).to_string();
        assert!(!ours.contains("internal_listener.v3"), "{ours}");
        envoy_accepts_merged("istio", ISTIO_BOOTSTRAP, Some(&ours));
    }
}

#[test]
fn envoy_takes_a_fragment_merged_over_a_bootstrap_of_its_own() {
    let own = r#"{
        "node": {"id": "a", "cluster": "b"},
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
        "static_resources": {"clusters": [{"name": "mine", "type": "STATIC"}]}
    }"#;
    let policy = loaded("all kinds", ALL_KINDS);
    let document = bootstrap(&policy, ALL_KINDS);
    envoy_accepts_merged("fragment", own, Some(&to_yaml(&fragment(&document))));
}

#[test]
fn a_compose_file_holds_the_whole_bootstrap() {
    let text = ALL_KINDS.replace("name: chat", "name: chat$HOME");
    let policy = loaded("all kinds", &text);
    let host = Compose {
        module_on_host: "./filter.wasm".to_owned(),
        module_in_container: "/filter.wasm".to_owned(),
        port: 41002,
        admin_port: 9901,
        owner_of_secrets: Some(1000),
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
    let unset = "${OPENAI_API_KEY:?set it}";
    assert_eq!(service["environment"], json!({ "OPENAI_API_KEY": unset }));
    assert_eq!(service["user"], "1000");
    assert_eq!(service["secrets"], json!(["ANTHROPIC_API_KEY"]));
    let volume = &service["volumes"][0];
    assert_eq!(volume["source"], "./filter.wasm");
    assert_eq!(volume["bind"]["create_host_path"], false);
    let check = service["healthcheck"]["test"][3].as_str().unwrap();
    assert!(check.contains("/dev/tcp/127.0.0.1/9901"), "{check}");
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
    document(
        &gateway(policy, text, &module()),
        KeySource::Environment(&|_| None),
    )
    .unwrap()
}

fn gateway<'a>(policy: &'a Policy, text: &'a str, module: &'a Path) -> Gateway<'a> {
    Gateway {
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
        envoy_version: EnvoyVersion::TESTED,
        attempt_routing: AttemptRouting::Direct,
    }
}

/// `envoy --mode validate`, with a key in every variable that a target names.
fn envoy_accepts(name: &str, document: &str) {
    envoy_accepts_merged(name, document, None);
}

/// The same for `document` with `merged` over it.
fn envoy_accepts_merged(name: &str, document: &str, merged: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bootstrap.yaml");
    fs::write(&file, document).unwrap();
    let keys = variables(document)
        .into_iter()
        .chain(merged.map(variables).into_iter().flatten())
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
        .args(merged.map_or(Vec::new(), |merged| vec!["--config-yaml", merged]))
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
