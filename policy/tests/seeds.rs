//! The configurations of the seed documents lint without errors and mean what the documents say.
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use std::fs;
use std::path::{Path, PathBuf};

use catalog::{Provider, providers};
use policy::{
    Code, ContentPolicyKind, Credential, Finding, LoadOptions, Policy, PolicyAction, Severity,
    Source, Strategy, load, load_with,
};

fn seeds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/seeds")
}

fn seed(name: &str) -> (Policy, Vec<Finding>) {
    let text = fs::read_to_string(seeds().join(name)).unwrap();
    let loaded = load(&text);
    let source = Source::new(&text);
    let human: Vec<String> = loaded
        .findings
        .iter()
        .map(|finding| finding.render_human(name, &source))
        .collect();
    (
        loaded
            .policy
            .unwrap_or_else(|| panic!("{}", human.join("\n"))),
        loaded.findings,
    )
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries
        .filter(|path| path.extension().is_some_and(|ext| ext == "yaml"))
        .collect();
    files.sort();
    files
}

#[test]
fn every_seed_lints_without_errors() {
    let files = yaml_files(&seeds());
    assert_eq!(files.len(), 16);
    for file in files {
        let (_, findings) = seed(file.file_name().unwrap().to_str().unwrap());
        for finding in findings {
            assert_eq!(finding.severity, Severity::Warning);
            assert_eq!(finding.code, Code::W101, "{finding:?}");
        }
    }
}

#[test]
fn unset_variables_are_warnings_only_when_asked() {
    let text = fs::read_to_string(seeds().join("002-multi-provider-core.yaml")).unwrap();
    assert_eq!(load(&text).findings, []);
    let codes = |strict| {
        let (is_set, endpoint) = (|_: &Credential| false, |_: &str| None);
        let options = LoadOptions {
            variable_is_set: Some(&is_set),
            endpoint: Some(&endpoint),
            strict,
            ..LoadOptions::default()
        };
        let loaded = load_with(&text, &options);
        assert_eq!(loaded.policy.is_some(), !strict);
        loaded
            .findings
            .iter()
            .map(|finding| (finding.code, finding.line))
            .collect::<Vec<_>>()
    };
    let expected = [
        (Code::W103, 26),
        (Code::W104, 27),
        (Code::W103, 31),
        (Code::W103, 35),
    ];
    assert_eq!(codes(false), expected);
    assert_eq!(codes(true), expected);
}

#[test]
fn every_snippet_stands_word_for_word_in_its_document() {
    let files = yaml_files(&seeds().join("snippets"));
    assert_eq!(files.len(), 8);
    for file in files {
        let snippet = fs::read_to_string(&file).unwrap();
        let whole = fs::read_to_string(seeds().join(file.file_name().unwrap())).unwrap();
        assert!(whole.ends_with(&snippet), "{}", file.display());
    }
}

#[test]
fn seed_000_failover_chain() {
    let (policy, findings) = seed("000-failover-chain.yaml");
    assert_eq!(findings, []);
    assert_eq!(
        (policy.name.as_str(), policy.version.as_str()),
        ("cto-multi-provider-providers-1", "1.0.0")
    );
    let vendors: Vec<Provider> = policy.targets.iter().map(|target| target.vendor).collect();
    assert_eq!(
        vendors,
        [
            providers::OPENAI,
            providers::ANTHROPIC,
            providers::AZURE_OPENAI,
            providers::BEDROCK
        ]
    );
    assert_eq!(
        policy.targets[3].credential,
        Credential::Store("AWS_BEDROCK_KEY".into())
    );
    assert!(!policy.targets[3].health_check.enabled);
    let group = &policy.groups[0];
    assert_eq!(group.strategy, Strategy::Failover);
    let members: Vec<(usize, Option<&str>, u64)> = group
        .members
        .iter()
        .map(|member| (member.target.0, member.model.as_deref(), member.timeout_ms))
        .collect();
    assert_eq!(
        members,
        [
            (0, Some("gpt-4o"), 5_000),
            (2, Some("gpt-4o"), 8_000),
            (1, Some("claude-sonnet-4-20250514"), 10_000)
        ]
    );
    assert!(matches!(
        policy.content_policies[0].kind,
        ContentPolicyKind::AuditLogger {
            immutable: true,
            retention_days: 365,
            log_all_access: true
        }
    ));
}

#[test]
fn seed_000_latency_routing() {
    let (policy, _) = seed("000-latency-routing.yaml");
    let Strategy::Latency(settings) = &policy.groups[0].strategy else {
        panic!()
    };
    assert_eq!(
        (
            settings.window_ms,
            settings.max_latency_ms,
            settings.min_sample_count
        ),
        (60_000, Some(3_000), 5)
    );
    assert_eq!(
        policy.groups[0].members[1].region.as_deref(),
        Some("westeurope")
    );
}

#[test]
fn seed_001_groups() {
    let (policy, _) = seed("001-model-groups.yaml");
    assert_eq!(policy.groups[0].strategy, Strategy::Weighted);
    assert_eq!(policy.groups[0].members[1].weight, Some(30));
    let azure = &policy.targets[2];
    assert_eq!(azure.base_url.path, "/openai/deployments/gpt-4o");
    assert_eq!(
        azure.api_version.as_deref(),
        Some(policy::deployments_path::DEFAULT_API_VERSION)
    );
    let ollama = &policy.targets[3];
    assert_eq!(
        (ollama.vendor, ollama.base_url.authority().as_str()),
        (providers::OLLAMA, "localhost:11434")
    );

    let (policy, _) = seed("001-cost-routing.yaml");
    let Strategy::Cost(settings) = &policy.groups[0].strategy else {
        panic!()
    };
    assert_eq!(settings.budget_per_request_usd, Some(0.01));
    assert_eq!(
        policy.groups[0].members[0].price.unwrap().input_per_1k,
        0.00015
    );

    let (policy, _) = seed("001-session-affinity.yaml");
    assert!(policy.groups[0].session_affinity);
    let (policy, _) = seed("001-ab-test.yaml");
    assert_eq!(
        policy.groups[0].members[1].tag.as_deref(),
        Some("experiment")
    );
}

#[test]
fn seed_002_groups_of_targets() {
    let (policy, _) = seed("002-multi-provider-core.yaml");
    assert_eq!(policy.default_strategy, Strategy::WeightedRoundRobin);
    let [production, backup] = policy.groups.as_slice() else {
        panic!()
    };
    assert_eq!(production.strategy, Strategy::WeightedRoundRobin);
    assert_eq!(production.aliases, ["gpt-5.4-mini"]);
    assert_eq!(production.fallback_group, Some(policy::GroupId(1)));
    let weights: Vec<_> = production
        .members
        .iter()
        .map(|member| member.weight)
        .collect();
    assert_eq!(weights, [Some(7), Some(3)]);
    assert_eq!(
        production.members[1].model.as_deref(),
        Some("gpt-5.4-mini-mini")
    );
    assert_eq!(backup.members[0].weight, Some(1));
    assert_eq!(
        policy.targets[1].endpoint_variable.as_deref(),
        Some("AZURE_OPENAI_ENDPOINT")
    );
    assert_eq!(policy.targets[0].base_url.path, "/v1");
}

#[test]
fn seed_003_tutorial() {
    let (policy, findings) = seed("003-multi-provider-failover.yaml");
    assert_eq!(findings, []);
    assert_eq!(
        (policy.name.as_str(), policy.version.as_str()),
        ("policy-config", "1")
    );
    let priorities: Vec<_> = policy
        .targets
        .iter()
        .map(|target| target.priority)
        .collect();
    assert_eq!(priorities, [Some(1), Some(2)]);
    assert!(
        policy
            .targets
            .iter()
            .all(|target| target.health_check.enabled && target.timeout_ms == 30_000)
    );
    let failover = &policy.failover;
    assert_eq!(
        (
            failover.enabled,
            failover.max_attempts,
            failover.model_mapping.len()
        ),
        (true, Some(1), 2)
    );
    assert_eq!(failover.written_strategy.as_deref(), Some("priority"));
    assert_eq!(policy.content_policies[0].name, "content-filter");
    let ContentPolicyKind::ContentFilter {
        categories,
        action,
        moderation: None,
    } = &policy.content_policies[0].kind
    else {
        panic!()
    };
    assert_eq!((categories.len(), *action), (2, PolicyAction::Flag));
}
