//! What the configuration says where a mistake would be expensive: keys, certificates, timeouts, retries.

use std::collections::BTreeMap;

use envoy::live::{self, Clusters};
use envoy::{
    Admin, AttemptRouting, Collector, EnvoyVersion, Gateway, KeySource, RenderError, Runtime,
};
use policy::{BaseUrl, Policy};
use serde_json::{Value, json};

const POLICY: &str = r#"
providers:
  targets:
    - { id: openai, provider: openai, secret_key_ref: { env: OPENAI_API_KEY }, timeout_ms: 60000 }
    - { id: anthropic, provider: anthropic, secret_key_ref: { store: ANTHROPIC_API_KEY } }
    - { id: azure, provider: { base_url: "https://mine.openai.azure.com" }, secret_key_ref: { env: AZURE_KEY } }
    - { id: by-address, provider: { base_url: "https://10.1.2.3:8443/v1" }, secret_key_ref: { env: OTHER_KEY } }
    - { id: ollama, provider: { base_url: "http://localhost:11434/v1" } }
model_groups:
  - name: chat
    strategy: failover
    models:
      - { provider: openai, model: a, timeout_ms: 1500 }
      - { provider: ollama, model: c }
"#;

fn policy() -> Policy {
    let loaded = policy::load(POLICY);
    loaded
        .policy
        .unwrap_or_else(|| panic!("{:#?}", loaded.findings))
}

fn gateway(policy: &Policy) -> Gateway<'_> {
    Gateway {
        policy,
        policy_text: POLICY,
        module: "/filter.wasm",
        runtime: Runtime::default(),
        listen: "127.0.0.1:41002".parse().unwrap(),
        admin: Admin::Socket("/run/admin.sock".to_owned()),
        ca_file: Some("/ca.pem"),
        access_log: None,
        collector: None,
        addresses: BTreeMap::new(),
        monitor: false,
        envoy_version: EnvoyVersion::TESTED,
        attempt_routing: AttemptRouting::Direct,
    }
}

fn cluster<'a>(clusters: &'a Clusters, name: &str) -> &'a Value {
    let found = clusters.resources().find(|cluster| cluster["name"] == name);
    found.unwrap_or_else(|| {
        panic!(
            "no cluster {name} in {:?}",
            clusters.names().collect::<Vec<_>>()
        )
    })
}

fn options(cluster: &Value) -> &Value {
    &cluster["typed_extension_protocol_options"]["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"]
}

fn filters(cluster: &Value) -> Vec<&str> {
    let filters = options(cluster)["http_filters"].as_array().unwrap();
    filters
        .iter()
        .map(|filter| filter["name"].as_str().unwrap())
        .collect()
}

#[test]
fn each_target_has_a_cluster_for_each_of_its_timeouts() {
    let policy = policy();
    let clusters = live::target_clusters(&gateway(&policy), "/run").unwrap();
    let names: Vec<&str> = clusters.names().collect();
    assert_eq!(
        names,
        [
            "kt/anthropic/120000ms",
            "kt/azure/120000ms",
            "kt/by-address/120000ms",
            "kt/ollama/120000ms",
            "kt/openai/1500ms",
            "kt/openai/60000ms",
        ]
    );
    for (name, whole, connect) in [
        ("kt/openai/1500ms", "1.500s", "1.500s"),
        ("kt/openai/60000ms", "60s", "5s"),
    ] {
        let cluster = cluster(&clusters, name);
        assert_eq!(
            options(cluster)["common_http_protocol_options"]["max_stream_duration"],
            whole
        );
        assert_eq!(cluster["connect_timeout"], connect);
    }
}

#[test]
fn what_the_filter_asks_itself_does_not_come_back_to_it() {
    let text = POLICY.replace(
        "strategy: failover",
        "strategy: semantic\n    embedding: { provider: openai, model: e }",
    );
    let text = text.replace("model: a,", "model: a, description: poems,");
    let policy = policy::load(&text).policy.unwrap();
    let clusters = live::target_clusters(&gateway(&policy), "/run").unwrap();
    let calls = cluster(&clusters, "kt/openai/calls");
    assert_eq!(
        filters(calls),
        [
            "envoy.filters.http.header_mutation",
            "envoy.filters.http.credential_injector",
            "envoy.filters.http.upstream_codec"
        ]
    );
}

#[test]
fn every_tls_target_is_asked_for_its_own_certificate() {
    let policy = policy();
    let clusters = live::target_clusters(&gateway(&policy), "/run").unwrap();
    let mut with_tls = 0;
    for (name, host, san_type) in [
        ("kt/openai/1500ms", "api.openai.com", "DNS"),
        ("kt/anthropic/120000ms", "api.anthropic.com", "DNS"),
        ("kt/azure/120000ms", "mine.openai.azure.com", "DNS"),
        ("kt/by-address/120000ms", "10.1.2.3", "IP_ADDRESS"),
    ] {
        let context = &cluster(&clusters, name)["transport_socket"]["typed_config"];
        let validation = &context["common_tls_context"]["validation_context"];
        assert_eq!(
            validation["trusted_ca"],
            json!({ "filename": "/ca.pem" }),
            "{name}"
        );
        let names = json!([{ "san_type": san_type, "matcher": { "exact": host } }]);
        assert_eq!(validation["match_typed_subject_alt_names"], names, "{name}");
        let sni = if san_type == "DNS" {
            json!(host)
        } else {
            Value::Null
        };
        assert_eq!(context["sni"], sni, "{name}");
        with_tls += 1;
    }
    assert_eq!(with_tls, 4);
    assert!(
        cluster(&clusters, "kt/ollama/120000ms")
            .get("transport_socket")
            .is_none()
    );
}

#[test]
fn without_authorities_no_tls_target_is_rendered() {
    let policy = policy();
    let without = Gateway {
        ca_file: None,
        ..gateway(&policy)
    };
    let error = live::target_clusters(&without, "/run").unwrap_err();
    assert!(matches!(error, RenderError::NoCaFile { .. }), "{error}");
}

#[test]
fn each_vendor_gets_its_key_in_its_own_header_after_the_filter_removed_all_others() {
    let policy = policy();
    let clusters = live::target_clusters(&gateway(&policy), "/run").unwrap();
    for (name, header, prefix) in [
        ("kt/openai/1500ms", "authorization", "Bearer "),
        ("kt/anthropic/120000ms", "x-api-key", ""),
        ("kt/azure/120000ms", "api-key", ""),
    ] {
        let cluster = cluster(&clusters, name);
        let chain = [
            "kt_target",
            "envoy.filters.http.credential_injector",
            "envoy.filters.http.upstream_codec",
        ];
        assert_eq!(filters(cluster), chain, "{name}");
        let injector = &options(cluster)["http_filters"][1]["typed_config"];
        let generic = &injector["credential"]["typed_config"];
        assert_eq!(
            (&generic["header"], &generic["header_value_prefix"]),
            (&json!(header), &json!(prefix)),
            "{name}"
        );
        assert_eq!(injector["overwrite"], true);
    }
    let keyless = cluster(&clusters, "kt/ollama/120000ms");
    assert_eq!(
        filters(keyless),
        ["kt_target", "envoy.filters.http.upstream_codec"]
    );
}

#[test]
fn a_key_and_the_address_it_is_for_never_part() {
    let policy = policy();
    let here = gateway(&policy);
    let target = &policy.targets[0];
    let file = live::secret_file(target, &here);
    assert_eq!(live::secret_file(target, &here), file);
    let elsewhere = BaseUrl {
        tls: false,
        host: "127.0.0.1".to_owned(),
        port: 9,
        path: String::new(),
    };
    let moved = Gateway {
        addresses: BTreeMap::from([("openai".to_owned(), elsewhere)]),
        ..gateway(&policy)
    };
    assert_ne!(live::secret_file(target, &moved), file, "another address");
    let mut other_key = target.clone();
    other_key.credential = policy.targets[1].credential.clone();
    assert_ne!(live::secret_file(&other_key, &here), file, "another key");
}

#[test]
fn the_way_to_the_next_target_is_not_a_header_and_costs_no_time() {
    let policy = policy();
    let gateway = gateway(&policy);
    let clusters = live::target_clusters(&gateway, "/run").unwrap();
    let routes = live::routes(&clusters, &gateway);
    let host = &routes["virtual_hosts"][0];
    assert_eq!(host["request_body_buffer_limit"], 34 * 1024 * 1024);
    let route = &host["routes"][1]["route"];
    let tree = &route["inline_cluster_specifier_plugin"]["extension"]["typed_config"]["cluster_matcher"]
        ["matcher_tree"];
    assert_eq!(tree["input"]["typed_config"]["key"], "wasm.kt_cluster");
    let mut reachable: Vec<&str> = tree["exact_match_map"]["map"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    reachable.sort_unstable();
    let mut expected: Vec<&str> = clusters.names().collect();
    expected.push("kt/first-byte");
    expected.sort_unstable();
    assert_eq!(reachable, expected);
    assert_eq!(route["retry_policy"]["refresh_cluster_on_retry"], true);
    assert_eq!(
        route["retry_policy"]["retry_back_off"]["base_interval"],
        "0.001s"
    );
}

#[test]
fn clusters_of_an_old_policy_stay_until_they_are_left_out() {
    let old_policy = policy();
    let new_text = POLICY
        .replace("id: azure", "id: azure-new")
        .replace("timeout_ms: 60000", "timeout_ms: 70000");
    let new_policy = policy::load(&new_text).policy.unwrap();
    let old = live::target_clusters(&gateway(&old_policy), "/run").unwrap();
    let new = live::target_clusters(&gateway(&new_policy), "/run").unwrap();
    let mut both = old.clone();
    both.extend(&new);
    for name in old.names().chain(new.names()) {
        assert!(both.names().any(|other| other == name), "{name}");
    }
    assert_eq!(both.names().count(), old.names().count() + 2);
}

#[test]
fn the_collectors_token_is_added_by_envoy_and_reaches_nobody_else() {
    let policy = policy();
    let with = |url: &str, with_token: bool| {
        let mut gateway = gateway(&policy);
        gateway.collector = Some(Collector {
            address: url.parse().unwrap(),
            with_token,
        });
        gateway
    };
    let gateway = with("https://collector.example:8443", true);
    for bootstrap in [
        live::bootstrap(&gateway, "/run").unwrap(),
        envoy::document(&gateway, KeySource::Environment(&|_| None)).unwrap(),
    ] {
        let clusters = bootstrap["static_resources"]["clusters"]
            .as_array()
            .unwrap();
        let holders: Vec<&str> = clusters
            .iter()
            .filter(|cluster| cluster.to_string().contains("kt-collector-token"))
            .map(|cluster| cluster["name"].as_str().unwrap())
            .collect();
        assert_eq!(holders, ["kt/collector"]);
        let cluster = clusters
            .iter()
            .find(|cluster| cluster["name"] == "kt/collector")
            .unwrap();
        assert_eq!(
            filters(cluster),
            [
                "envoy.filters.http.credential_injector",
                "envoy.filters.http.upstream_codec"
            ]
        );
        let context = &cluster["transport_socket"]["typed_config"];
        assert_eq!(context["sni"], "collector.example");
    }
    let filter = live::gateway_filter(&gateway).to_string();
    assert!(filter.contains(r#"\"collector_cluster\":\"kt/collector\""#));
    assert!(filter.contains(r#"\"collector_authority\":\"collector.example:8443\""#));

    let open = live::bootstrap(&with("http://127.0.0.1:41003", false), "/run").unwrap();
    assert!(!open.to_string().contains("kt-collector-token"));
}

#[test]
fn free_memory_goes_back_to_the_system() {
    let policy = policy();
    let gateway = gateway(&policy);
    for bootstrap in [
        live::bootstrap(&gateway, "/run").unwrap(),
        envoy::document(&gateway, KeySource::Environment(&|_| None)).unwrap(),
    ] {
        let released = &bootstrap["memory_allocator_manager"]["bytes_to_release"];
        assert!(released.as_u64().is_some_and(|bytes| bytes > 0));
    }
}
