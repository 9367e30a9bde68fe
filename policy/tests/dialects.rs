//! What the dialects mean: documents that say the same in different words, and what is assumed where they say nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use catalog::{Effort, Endpoint, OutputLimit, Provider, SystemMessages, providers};
use policy::{
    BaseUrl, Credential, LoadOptions, Member, OnContextLength, Policy, Source, Strategy, TargetId,
    load, load_with,
};

const TARGETS: &str = "
    - {id: a, provider: openai, secret_key_ref: {env: A}}
    - {id: b, provider: anthropic, secret_key_ref: {env: B}}
";

fn policy(text: &str) -> Policy {
    let loaded = load(text);
    let source = Source::new(text);
    let human: Vec<String> = loaded
        .findings
        .iter()
        .map(|finding| finding.render_human("p", &source))
        .collect();
    loaded
        .policy
        .unwrap_or_else(|| panic!("{text}\n{}", human.join("\n")))
}

/// A document with the two targets, and `rest` at the top level.
fn with(rest: &str) -> Policy {
    policy(&format!("providers:\n  targets:{TARGETS}{rest}"))
}

/// A document with the two targets, and `rest` below `providers`.
fn within(rest: &str) -> Policy {
    policy(&format!("providers:\n  {rest}\n  targets:{TARGETS}"))
}

#[test]
fn every_way_to_say_the_same() {
    let target = |text: &str| policy(&format!("providers: {{targets: [{{{text}}}]}}"));
    let group = |text: &str| with(&format!("model_groups: [{{name: g, {text}}}]"));
    let same = [
        // Targets
        vec![
            target("id: t, provider: {base_url: 'https://h.example/v1', secret_key_ref: {env: K}}"),
            target("id: t, provider: {base_url: 'https://h.example/v1'}, secret_key_ref: {env: K}"),
            target("id: t, base_url: 'https://h.example', secret_key_ref: {env: K}"),
            target(
                "name: t, provider: openai-compatible, base_url: 'https://h.example/v1/', secret_key_ref: {env: K}",
            ),
            policy("providers: [{id: t, base_url: 'https://h.example', secret_key_ref: {env: K}}]"),
        ],
        vec![
            target(
                "id: t, provider: 'azure:chat:m', base_url: 'https://x.openai.azure.com', secret_key_ref: {env: K}",
            ),
            target(
                "id: t, provider: azure_openai, model: m, base_url: 'https://x.openai.azure.com', secret_key_ref: {env: K}",
            ),
            target(
                "id: t, provider: {type: azure-openai, base_url: 'https://x.openai.azure.com', secret_key_ref: {env: K}}, model: m",
            ),
            target(
                "id: t, base_url: 'https://x.openai.azure.com/', model: m, secret_key_ref: {env: K}",
            ),
        ],
        vec![
            target("id: t, provider: ollama, model: 'llama3.1:8b'"),
            target("id: t, provider: 'ollama:llama3.1:8b'"),
            target("id: t, provider: 'ollama:chat:llama3.1:8b'"),
            target("id: t, base_url: 'http://localhost:11434', model: 'llama3.1:8b'"),
        ],
        vec![
            target("id: t, provider: openai, secret_key_ref: {env: K}, timeout_ms: 1500"),
            target("id: t, provider: openai, secret_key_ref: {env: K}, timeout_seconds: 1.5"),
            target("id: t, provider: openai, secret_key_ref: {env: K}, timeout_ms: 1.5s"),
            target(
                "id: t, provider: openai, secret_key_ref: {env: K}, timeout_seconds: 1500ms, timeout_ms: 1500",
            ),
        ],
        // Groups
        vec![
            group("strategy: latency, models: [{provider: a, model: m}], latency_window: 1m"),
            group(
                "routing: latency-priority, models: [{provider: a, model: m}], window_seconds: 60",
            ),
            group(
                "routing: lowest_latency, strategy: LATENCY, targets: [{provider: a, model: m}], window_seconds: 60s",
            ),
            within(
                "model_groups: [{name: g, strategy: latency, models: [{provider: a, model: m}]}]",
            ),
        ],
        vec![
            group("models: [{provider: b, model: m}, {provider: a, model: m}], strategy: failover"),
            group("models: [{provider: b, model: m}, {provider: a, model: m}], strategy: fallback"),
            group("models: [{provider: b, model: m}, {provider: a, model: m}], strategy: ordered"),
            group("models: [{provider: b, model: m}, {provider: a, model: m}], strategy: priority"),
            group("models: [{provider: b, model: m}, {provider: a, model: m}]"),
        ],
        vec![
            group(
                "models: [{provider: a, model: m, weight: 70}, {provider: b, model: m, weight: 30}]",
            ),
            group(
                "targets: [{provider: a, model: m, weight: 70}, {provider: b, model: m, weight: 30}], strategy: weighted",
            ),
        ],
        // Failover
        vec![
            with(
                "failover: {enabled: true, strategy: failover, retry: {max_attempts: 2, timeout_seconds: 30}}",
            ),
            within(
                "failover: {strategy: failover, retry: {max_attempts: 2, timeout_seconds: 30s}}",
            ),
        ],
        vec![
            with("routing: round_robin"),
            with("provider_routing: {strategy: round-robin}"),
            within("routing: {strategy: round_robin}"),
        ],
        vec![
            with("provider_fallback: {enabled: false, max_fallback_attempts: 3}"),
            within("fallback: {enabled: false, max_retries: 3}"),
        ],
        vec![
            with("circuit_breaker: {failure_threshold: 7, cooldown_seconds: 60}"),
            within("circuit_breaker: {failure_threshold: 7, recovery_timeout: 1m}"),
        ],
        // Content policies
        vec![
            with(
                "policies: {chain: [content-filter]}\npolicy: {content-filter: {categories: [hate], action: block}}",
            ),
            with(
                "policies: {chain: [content_filter], policy: {content_filter: {categories: [hate], action: block}}}",
            ),
            with("policies: [{type: content_filter, action: block, config: {categories: [hate]}}]"),
            with(
                "policies: [{config: {categories: [hate], action: block}, type: content-filter, name: content-filter}]",
            ),
        ],
    ];
    for (row, policies) in same.iter().enumerate() {
        for (column, other) in policies.iter().enumerate() {
            assert_eq!(&policies[0], other, "row {row}, column {column}");
        }
    }
}

#[test]
fn contradictions_are_errors() {
    for rest in [
        "model_groups: [{name: g, strategy: cost, routing: failover, models: [{provider: a, model: m}]}]",
        "model_groups: [{name: g, models: [{provider: a, model: m, timeout_ms: 1000, timeout_seconds: 2}]}]",
        "routing: random\nprovider_routing: cost",
    ] {
        let loaded = load(&format!("providers:\n  targets:{TARGETS}{rest}"));
        let contradicts = loaded
            .findings
            .iter()
            .any(|finding| finding.message.contains("contradicts"));
        assert!(contradicts, "{rest}: {:?}", loaded.findings);
    }
}

#[test]
fn vendors_are_recognised() {
    for (target, vendor, url) in [
        (
            "id: x, base_url: 'https://api.anthropic.com'",
            providers::ANTHROPIC,
            "api.anthropic.com/v1",
        ),
        // The host says more than the id.
        (
            "id: openai, base_url: 'https://api.anthropic.com'",
            providers::ANTHROPIC,
            "api.anthropic.com/v1",
        ),
        (
            "id: my-claude, base_url: 'https://proxy.example'",
            providers::ANTHROPIC,
            "proxy.example/v1",
        ),
        (
            "id: azure-openai-eu, base_url: 'https://proxy.example'",
            providers::AZURE_OPENAI,
            "proxy.example",
        ),
        (
            "id: x, base_url: 'https://proxy.example/llm'",
            Provider::COMPATIBLE,
            "proxy.example/llm",
        ),
        (
            "id: openai, provider: {type: vllm, base_url: 'http://gpu:8000'}",
            providers::VLLM,
            "gpu:8000/v1",
        ),
        (
            "id: claude, provider: openai",
            providers::OPENAI,
            "api.openai.com/v1",
        ),
        (
            "id: x, provider: groq",
            providers::GROQ,
            "api.groq.com/openai/v1",
        ),
        (
            "id: x, provider: google",
            providers::GEMINI,
            "generativelanguage.googleapis.com/v1beta/openai",
        ),
        (
            "id: x, provider: bedrock, region: eu-west-1",
            providers::BEDROCK,
            "bedrock-runtime.eu-west-1.amazonaws.com",
        ),
        (
            "id: x, provider: bedrock, region: europe",
            providers::BEDROCK,
            "bedrock-runtime.us-east-1.amazonaws.com",
        ),
    ] {
        let policy = policy(&format!(
            "providers: [{{{target}, secret_key_ref: {{env: K}}}}]"
        ));
        let BaseUrl { path, .. } = &policy.targets[0].base_url;
        let found = format!("{}{path}", policy.targets[0].base_url.authority());
        assert_eq!(
            (policy.targets[0].vendor, found.as_str()),
            (vendor, url),
            "{target}"
        );
    }
}

#[test]
fn the_azure_resource_may_come_from_the_environment() {
    let text = "providers: [{id: t, provider: 'azure:chat:m', secret_key_ref: {env: K}}]";
    let unresolved = policy(text);
    assert_eq!(
        unresolved.targets[0].endpoint_variable.as_deref(),
        Some("AZURE_OPENAI_ENDPOINT")
    );
    assert!(unresolved.targets[0].base_url.host.ends_with(".invalid"));
    let endpoint = |name: &str| {
        (name == "AZURE_OPENAI_ENDPOINT").then(|| "https://r.openai.azure.com/".to_owned())
    };
    let loaded = load_with(
        text,
        &LoadOptions {
            endpoint: Some(&endpoint),
            ..LoadOptions::default()
        },
    );
    assert_eq!(loaded.findings, []);
    let target = &loaded.policy.unwrap().targets[0];
    assert_eq!(
        (
            target.endpoint_variable.as_deref(),
            target.base_url.host.as_str()
        ),
        (None, "r.openai.azure.com")
    );
}

#[test]
fn members_are_in_failover_order_and_inherit_from_their_targets() {
    let policy = policy(
        "
providers:
  targets:
    - {id: a, provider: openai, secret_key_ref: {env: A}, weight: 3, region: eu, timeout_ms: 7000, model: m}
    - {id: b, provider: openai, secret_key_ref: {env: A}, priority: 9}
    - {id: c, provider: openai, secret_key_ref: {env: A}, cost_per_1k_input: 1, cost_per_1k_output: 2}
model_groups:
  - name: g
    strategy: weighted_round_robin
    targets: [a, {provider: b, model: m}, {provider: c, model: m, priority: 1, timeout_ms: 1s, region: us}]
",
    );
    let members = &policy.groups[0].members;
    let order: Vec<usize> = members.iter().map(|member| member.target.0).collect();
    // c has priority 1, b inherits 9, a has none.
    assert_eq!(order, [2, 1, 0]);
    let [c, b, a] = members.as_slice() else {
        panic!()
    };
    let facts = |member: &Member| (member.weight, member.timeout_ms, member.region.clone());
    assert_eq!(facts(a), (Some(3), 7_000, Some("eu".into())));
    assert_eq!(facts(b), (Some(1), policy::DEFAULT_TIMEOUT_MS, None));
    assert_eq!(facts(c), (Some(1), 1_000, Some("us".into())));
    assert_eq!(a.model.as_deref(), Some("m"));
    assert_eq!(c.price.map(|price| price.output_per_1k), Some(2.0));
    assert_eq!(
        policy.default_order,
        [TargetId(1), TargetId(0), TargetId(2)]
    );
}

#[test]
fn strategy_priority_numbers_the_targets_that_have_none() {
    let numbers = |rest: &str| {
        let targets = "[{id: a, provider: ollama}, {id: b, provider: ollama, priority: 5}, {id: c, provider: ollama}]";
        let policy = policy(&format!("providers: {targets}\n{rest}"));
        policy
            .targets
            .iter()
            .map(|target| target.priority)
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(""), [None, Some(5), None]);
    assert_eq!(
        numbers("failover: {strategy: priority}"),
        [Some(6), Some(5), Some(7)]
    );
}

#[test]
fn defaults_of_strategies_come_from_routing() {
    let text = "routing: {strategy: cost, budget_per_request_usd: 0.5, assumed_output_tokens: 10}
model_groups:
  - name: g
    assumed_output_tokens: 20
    models: [{provider: a, model: m, cost_per_1k_input: 0, cost_per_1k_output: 0}]
";
    let Strategy::Cost(settings) = with(text).groups[0].strategy.clone() else {
        panic!()
    };
    assert_eq!(
        (
            settings.budget_per_request_usd,
            settings.assumed_output_tokens
        ),
        (Some(0.5), 20)
    );
}

#[test]
fn semantic_routing_with_an_embeddings_target() {
    let text = "
model_groups:
  - name: g
    strategy: semantic
    min_similarity: 0.4
    embedding: {provider: a, model: text-embedding-3-small, timeout_ms: 300}
    models: [{provider: b, model: m, description: poems, examples: [write a poem, 'rhyme: this']}]
";
    let policy = with(text);
    let Strategy::Semantic(settings) = &policy.groups[0].strategy else {
        panic!()
    };
    let embedding = settings.embedding.as_ref().unwrap();
    assert_eq!(
        (
            settings.min_similarity,
            embedding.target,
            embedding.timeout_ms
        ),
        (0.4, TargetId(0), 300)
    );
    assert_eq!(
        policy.groups[0].members[0].examples,
        ["write a poem", "rhyme: this"]
    );
}

#[test]
fn a_target_that_the_filter_calls_itself_has_a_cluster_for_that() {
    let policy = with(
        "
model_groups:
  - name: g
    strategy: semantic
    embedding: {provider: a, model: text-embedding-3-small}
    models: [{provider: b, model: m, description: poems}]
",
    );
    let calls: Vec<_> = policy::cluster::clusters(&policy)
        .into_iter()
        .filter(|spec| spec.purpose == policy::cluster::Purpose::Calls)
        .map(|spec| (spec.name, spec.target.0))
        .collect();
    assert_eq!(calls, [(String::from("kt/a/calls"), 0)]);
}

#[test]
fn health_and_failover_settings() {
    let policy = with(
        "
health_check: {interval_seconds: 10, timeout_seconds: 2s, expected_status: 200}
failover: {model_mapping: {x: y}, retry: {max_attempts: 5}}
provider_fallback: {context_window: fallback, content_policy: stop, max_fallback_attempts: 2}
max_request_bytes: 4096
log_bodies: true
",
    );
    let check = &policy.targets[0].health_check;
    assert_eq!(
        (
            check.interval_ms,
            check.timeout_ms,
            check.unhealthy_threshold
        ),
        (10_000, 2_000, 3)
    );
    assert_eq!(check.expected_statuses, [200]);
    assert_eq!(
        policy.failover.on_context_length,
        OnContextLength::NextMember
    );
    assert!(!policy.failover.on_content_policy);
    assert_eq!(policy.failover.max_attempts, Some(2));
    assert_eq!(
        (policy.gateway.max_request_bytes, policy.gateway.log_bodies),
        (4_096, true)
    );
    assert_eq!(policy.targets[0].credential, Credential::Env("A".into()));
}

#[test]
fn who_gives_one_of_the_two_limits_of_failures_means_both() {
    for (settings, unhealthy, failure) in [
        ("", 3, 3),
        ("health_check: {unhealthy_threshold: 7}", 7, 7),
        ("circuit_breaker: {failure_threshold: 7}", 7, 7),
        (
            "health_check: {unhealthy_threshold: 7}\ncircuit_breaker: {failure_threshold: 2}",
            7,
            2,
        ),
    ] {
        let target = &with(&format!("\n{settings}\n")).targets[0];
        assert_eq!(
            (
                target.health_check.unhealthy_threshold,
                target.circuit_breaker.failure_threshold
            ),
            (unhealthy, failure),
            "{settings}"
        );
    }
}

#[test]
fn long_chains_of_fallback_groups_and_their_cycles() {
    let groups = |links: &[(&str, &str)]| {
        let groups: Vec<String> = links
            .iter()
            .map(|(name, next)| {
                let next = if next.is_empty() {
                    String::new()
                } else {
                    format!(", fallback_group: {next}")
                };
                format!("{{name: {name}, models: [{{provider: a, model: m}}]{next}}}")
            })
            .collect();
        load(&format!(
            "providers:\n  targets:{TARGETS}model_groups: [{}]",
            groups.join(", ")
        ))
    };
    let good = groups(&[("x", "y"), ("y", "z"), ("z", ""), ("w", "y")])
        .policy
        .unwrap();
    let next: Vec<_> = good
        .groups
        .iter()
        .map(|group| group.fallback_group.map(|id| id.0))
        .collect();
    assert_eq!(next, [Some(1), Some(2), None, Some(1)]);
    // One finding for each circle, none for those who only lead into it.
    for (links, message) in [
        (vec![("w", "x"), ("x", "y"), ("y", "x")], "y → x → y"),
        (
            vec![("x", "y"), ("y", "z"), ("z", "x"), ("w", "z")],
            "z → x → y → z",
        ),
    ] {
        let findings = groups(&links).findings;
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].message.contains(message), "{findings:?}");
    }
}

#[test]
fn every_provider_of_the_catalogue_can_be_named_and_is_in_the_schema() {
    let schema: serde_json::Value = serde_json::from_str(policy::json_schema()).unwrap();
    let mut examples: Vec<&str> = schema["$defs"]["vendor"]["examples"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(serde_json::Value::as_str)
        .collect();
    examples.sort_unstable();
    let mut names: Vec<&str> = Provider::all().map(Provider::name).collect();
    names.sort_unstable();
    assert_eq!(examples, names);
    for name in names {
        let text = format!(
            "providers: {{targets: [{{id: t, provider: {name}, base_url: 'https://h.example/x', secret_key_ref: {{env: K}}}}]}}"
        );
        let loaded = load(&text);
        let policy = loaded
            .policy
            .unwrap_or_else(|| panic!("{name}: {:?}", loaded.findings));
        assert_eq!(policy.targets[0].vendor.name(), name);
    }
}

#[test]
fn quirks_and_endpoints_say_what_a_targets_server_takes() {
    let target = |keys: &str| {
        let text =
            format!("providers: {{targets: [{{id: t, base_url: 'http://localhost:9', {keys}}}]}}");
        let loaded = load(&text);
        let policy = loaded
            .policy
            .unwrap_or_else(|| panic!("{:?}", loaded.findings));
        policy.targets[0].clone()
    };
    let plain = target("secret_key_ref: {env: K}");
    assert_eq!(plain.dialect("m"), Provider::COMPATIBLE.dialect(None, "m"));
    assert!(!plain.serves(Endpoint::Responses) && plain.serves(Endpoint::ChatCompletions));

    let own = target(
        "quirks: {output_limit: max_tokens, max_stop: 4, many_choices: false, efforts: [low, high], \
         dropped_fields: [verbosity], system_messages: first}, endpoints: [chat-completions, responses]",
    );
    let dialect = own.dialect("m");
    assert_eq!(dialect.output_limit, OutputLimit::MaxTokens);
    assert_eq!(dialect.max_stop, 4);
    assert_eq!(dialect.system_messages, SystemMessages::First);
    assert_eq!(dialect.efforts.nearest(Effort::Medium), Some(Effort::High));
    assert!(!dialect.takes("n") && !dialect.takes("verbosity") && dialect.takes("store"));
    assert!(own.serves(Endpoint::Responses) && !own.serves(Endpoint::Embeddings));

    // What the policy says goes before what the catalogue knows of the model.
    let text = "providers: {targets: [{id: t, provider: openai, secret_key_ref: {env: K}, quirks: {output_limit: max_tokens}}]}";
    let policy = load(text).policy.unwrap();
    assert_eq!(
        policy.targets[0].dialect("gpt-5.4").output_limit,
        OutputLimit::MaxTokens
    );
}

#[test]
fn what_is_no_quirk_is_said_with_its_place_and_neighbour() {
    for (quirks, code, message, suggestion) in [
        (
            "{outputlimit: max_tokens}",
            "E002",
            "unknown key `outputlimit` in `quirks`",
            Some("did you mean `output_limit`?"),
        ),
        (
            "{output_limit: max_token}",
            "E109",
            "expected `max_tokens` or `max_completion_tokens` or `either`, found",
            Some("did you mean `max_tokens`?"),
        ),
        (
            "{output_limit: true}",
            "E109",
            "expected `max_tokens` or",
            None,
        ),
        (
            "{strict_tools: maybe}",
            "E109",
            "expected `true` or `false`, found",
            None,
        ),
        (
            "{max_stop: 70000}",
            "E109",
            "expected a whole number from 0 to 65535, found",
            None,
        ),
        (
            "{max_stop: -1}",
            "E109",
            "expected a whole number from 0 to 65535, found",
            None,
        ),
        (
            "{efforts: high}",
            "E109",
            "expected a list of words, found",
            None,
        ),
        (
            "{dropped_fields: [verbose]}",
            "E109",
            "expected names of fields",
            Some("did you mean `verbosity`?"),
        ),
        (
            "{dropped_fields: [[a]]}",
            "E109",
            "expected a list of words, found",
            None,
        ),
        (
            "{seed: {a: 1}}",
            "E109",
            "expected a word, a number or a list of words, found",
            None,
        ),
        ("[a]", "E109", "expected a `quirks` mapping, found", None),
    ] {
        let text = format!(
            "providers: {{targets: [{{id: t, base_url: 'http://localhost:9', quirks: {quirks}}}]}}"
        );
        let loaded = load(&text);
        assert!(loaded.policy.is_none(), "{quirks}");
        let found = &loaded.findings[0];
        assert_eq!(found.code.as_str(), code, "{quirks}: {found:?}");
        assert!(found.message.contains(message), "{quirks}: {found:?}");
        assert_eq!(found.suggestion.as_deref(), suggestion, "{quirks}");
    }
    let text =
        "providers: {targets: [{id: t, base_url: 'http://localhost:9', endpoints: [responces]}]}";
    let found = &load(text).findings[0];
    assert_eq!(
        found.suggestion.as_deref(),
        Some("did you mean `responses`?")
    );
}
