use super::super::tests::checked;
use super::*;

fn imported(config: &str) -> (Value, Vec<String>) {
    checked(import(&policy::yaml_to_json(config).unwrap()))
}

#[test]
fn deployments_of_one_name_become_a_group_and_their_servers_targets() {
    let (policy, notes) = imported(
        "
model_list:
  - model_name: chat
    litellm_params:
      model: azure/chat-eu
      api_base: https://eu.openai.azure.com/
      api_key: os.environ/AZURE_EU_KEY
      api_version: 2024-10-21
      rpm: 60
  - model_name: chat
    litellm_params:
      model: azure/chat-us
      api_base: https://us.openai.azure.com/
      api_key: os.environ/AZURE_US_KEY
      api_version: 2024-10-21
      rpm: 20
  - model_name: claude
    litellm_params:
      model: anthropic/claude-sonnet-5-5
      api_key: sk-ant-in-the-file
      timeout: 30
    model_info: {input_cost_per_token: 0.000003, output_cost_per_token: 0.000015}
  - model_name: local
    litellm_params: {model: ollama_chat/llama3.2, api_base: 'http://localhost:11434'}
",
    );
    assert_eq!(
        policy["providers"]["targets"],
        json!([
            {"id": "azure-openai", "provider": "azure-openai", "base_url": "https://eu.openai.azure.com/",
                "api_version": "2024-10-21", "secret_key_ref": {"env": "AZURE_EU_KEY"}},
            {"id": "azure-openai-2", "provider": "azure-openai", "base_url": "https://us.openai.azure.com/",
                "api_version": "2024-10-21", "secret_key_ref": {"env": "AZURE_US_KEY"}},
            {"id": "anthropic", "provider": "anthropic", "secret_key_ref": {"store": "ANTHROPIC_API_KEY"}},
            {"id": "ollama", "provider": "ollama", "base_url": "http://localhost:11434"},
        ])
    );
    assert_eq!(
        policy["model_groups"],
        json!([
            {"name": "chat", "strategy": "weighted_round_robin", "models": [
                {"provider": "azure-openai", "model": "chat-eu", "weight": 60},
                {"provider": "azure-openai-2", "model": "chat-us", "weight": 20},
            ]},
            {"name": "claude", "models": [
                {"provider": "anthropic", "model": "claude-sonnet-5-5", "timeout_ms": 30_000,
                    "cost_per_1k_input": 0.003, "cost_per_1k_output": 0.015},
            ]},
            {"name": "local", "models": [{"provider": "ollama", "model": "llama3.2"}]},
        ])
    );
    // The key itself is in neither.
    assert!(!policy.to_string().contains("sk-ant") && !notes.concat().contains("sk-ant"));
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(
        notes[0].starts_with("store the key ANTHROPIC_API_KEY"),
        "{notes:?}"
    );
}

const THREE: &str = "
model_list:
  - {model_name: a, litellm_params: {model: openai/gpt-5.5, api_key: os.environ/OPENAI_API_KEY}}
  - {model_name: b, litellm_params: {model: groq/llama-3.3-70b-versatile, api_key: os.environ/GROQ_API_KEY}}
  - {model_name: c, litellm_params: {model: mistral/mistral-large-latest, api_key: os.environ/MISTRAL_API_KEY}}
";

/// The group called `name`.
fn group<'a>(policy: &'a Value, name: &str) -> &'a Value {
    let groups = policy["model_groups"].as_array().unwrap();
    groups.iter().find(|group| group["name"] == name).unwrap()
}

#[test]
fn fallbacks_follow_and_go_round_in_no_circle() {
    let (policy, notes) = imported(&format!(
        "{THREE}
litellm_settings:
  fallbacks: [{{a: [b, c]}}, {{b: [c]}}, {{c: [b, missing]}}]
"
    ));
    assert_eq!(group(&policy, "a")["fallback_group"], "a-fallbacks");
    let joined = group(&policy, "a-fallbacks");
    assert_eq!(joined["strategy"], "failover");
    let models = joined["models"].as_array().unwrap().iter();
    assert_eq!(
        models.map(|one| &one["provider"]).collect::<Vec<_>>(),
        ["groq", "mistral"]
    );
    assert_eq!(group(&policy, "b")["fallback_group"], "c");
    assert!(group(&policy, "c").get("fallback_group").is_none());
    assert!(
        notes
            .iter()
            .any(|note| note == "fallbacks.c: there is no model \"missing\""),
        "{notes:?}"
    );
    assert!(
        notes
            .iter()
            .any(|note| note.starts_with("fallbacks.c: \"b\" comes back to \"c\"")),
        "{notes:?}"
    );
}

#[test]
fn strategies_aliases_and_breakers_have_their_counterparts() {
    for (strategy, expected) in [
        ("latency-based-routing", "latency"),
        ("cost-based-routing", "cost"),
        ("simple-shuffle", "random"),
        ("usage-based-routing-v2", "round_robin"),
    ] {
        let (policy, notes) = imported(&format!(
            "{THREE}
  - {{model_name: a, litellm_params: {{model: groq/llama-3.3-70b-versatile, api_key: os.environ/GROQ_API_KEY}}}}
router_settings:
  routing_strategy: {strategy}
  model_group_alias: {{gpt-4: a}}
  allowed_fails: 2
  cooldown_time: 45
"
        ));
        assert_eq!(group(&policy, "a")["strategy"], expected);
        assert_eq!(group(&policy, "a")["aliases"], json!(["gpt-4"]));
        assert_eq!(
            policy["circuit_breaker"],
            json!({"failure_threshold": 3, "cooldown_seconds": 45.0})
        );
        let says_so = notes
            .iter()
            .any(|note| note.contains("usage-based-routing-v2 has no counterpart"));
        assert_eq!(says_so, expected == "round_robin", "{notes:?}");
    }
}

#[test]
fn order_is_failover() {
    let (policy, _) = imported(
        "
model_list:
  - {model_name: a, litellm_params: {model: openai/gpt-5.5, order: 1, api_key: os.environ/K}}
  - {model_name: a, litellm_params: {model: groq/llama-3.3-70b-versatile, order: 2, api_key: os.environ/G}}
",
    );
    assert_eq!(group(&policy, "a")["strategy"], "failover");
}

#[test]
fn whatever_is_not_taken_over_is_named_with_its_place() {
    let (_, notes) = imported(&format!(
        "{THREE}
  - {{model_name: 'openai/*', litellm_params: {{model: 'openai/*'}}}}
  - {{model_name: a, litellm_params: {{model: openai/gpt-5.5, api_key: os.environ/K, temperature: 0.2}}}}
litellm_settings: {{success_callback: [langfuse], drop_params: true}}
router_settings: {{redis_host: localhost}}
general_settings: {{master_key: sk-1234}}
"
    ));
    let has = |part: &str| notes.iter().any(|note| note.contains(part));
    for part in [
        "model_list[3]: \"openai/*\" is left out",
        "model_list[4].litellm_params.temperature: has no counterpart",
        "litellm_settings.success_callback: has no counterpart",
        "litellm_settings.drop_params: what a provider does not take",
        "router_settings.redis_host: has no counterpart",
        "general_settings.master_key: keys are made with `kt tokens create`",
    ] {
        assert!(has(part), "{part}: {notes:#?}");
    }
    assert!(!has("sk-1234"), "{notes:?}");
}

#[test]
fn what_is_no_configuration_of_litellm_is_an_error() {
    for config in ["", "a: 1", "model_list: []"] {
        let config = policy::yaml_to_json(config).unwrap();
        assert!(import(&config).unwrap_err().contains("`model_list`"));
    }
}
