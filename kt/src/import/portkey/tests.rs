use serde_json::json;

use super::super::tests::checked;
use super::*;

fn imported(config: &Value) -> (Value, Vec<String>) {
    checked(import(config, Some("chat")))
}

#[test]
fn a_fallback_is_a_failover_group() {
    let (policy, notes) = imported(&json!({
        "strategy": {"mode": "fallback", "on_status_codes": [429, 503]},
        "request_timeout": 20000,
        "targets": [
            {"provider": "openai", "api_key": "sk-secret", "override_params": {"model": "gpt-5.5"}},
            {"virtual_key": "anthropic-prod", "override_params": {"model": "claude-sonnet-5-5"}, "retry": {"attempts": 3}},
        ],
    }));
    assert_eq!(
        policy,
        json!({
            "providers": {"targets": [
                {"id": "openai", "provider": "openai", "secret_key_ref": {"store": "OPENAI_API_KEY"}},
                {"id": "anthropic", "provider": "anthropic", "secret_key_ref": {"store": "ANTHROPIC_PROD"}},
            ]},
            "model_groups": [{"name": "chat", "strategy": "failover", "models": [
                {"provider": "openai", "model": "gpt-5.5", "timeout_ms": 20_000},
                {"provider": "anthropic", "model": "claude-sonnet-5-5", "timeout_ms": 20_000},
            ]}],
        })
    );
    let has = |part: &str| notes.iter().any(|note| note.contains(part));
    assert!(has("strategy.on_status_codes"), "{notes:?}");
    assert!(has("targets[1].retry"), "{notes:?}");
    assert!(has("ask for model \"chat\""), "{notes:?}");
    assert!(!has("sk-secret"), "{notes:?}");
}

#[test]
fn shares_are_weights_and_nested_targets_become_members() {
    let (policy, notes) = imported(&json!({
        "strategy": {"mode": "loadbalance"},
        "targets": [
            {"provider": "openai", "virtual_key": "openai-a", "weight": 0.7, "override_params": {"model": "gpt-5.5"}},
            {"strategy": {"mode": "fallback"}, "weight": 0.3, "targets": [
                {"provider": "azure-openai", "custom_host": "https://x.openai.azure.com", "api_key": "k",
                    "azure_deployment_id": "eu", "azure_api_version": "2024-10-21"},
            ]},
            {"provider": "openai", "virtual_key": "openai-a"},
        ],
    }));
    let group = &policy["model_groups"][0];
    assert_eq!(group["strategy"], "weighted_round_robin");
    assert_eq!(group["models"][0]["weight"], 70);
    assert_eq!(group["models"][1]["model"], "eu");
    assert_eq!(group["models"].as_array().unwrap().len(), 2);
    let has = |part: &str| notes.iter().any(|note| note.contains(part));
    assert!(has("targets[1]: its targets are members"), "{notes:?}");
    assert!(has("targets[2]: it names no model"), "{notes:?}");
}

#[test]
fn what_is_no_configuration_of_portkey_is_an_error() {
    assert!(import(&json!({"model_list": []}), None).is_err());
    assert!(import(&Value::Null, None).is_err());
}
