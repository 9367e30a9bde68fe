//! Model groups: their members, names and strategies.

use catalog::{Provider, providers};
use policy::{Code, LoadOptions, load, load_with};

use crate::{expect, expect_each, found, spoiled};

#[test]
fn one_mistake_one_finding() {
    use Code::*;
    expect_each(&[
        // E101 unknown provider in model group
        (
            "provider: openai\n        model",
            "provider: opnai\n        model",
            &[(
                E101,
                19,
                19,
                "model_groups[0].models[0].provider",
                "Unknown provider in model group: no target has the id `opnai`",
            )],
        ),
        (
            "    models:\n",
            "    targets: [openai, nobody]\n    models:\n",
            &[
                (E101, 18, 23, "model_groups[0].targets[1]", "`nobody`"),
                (W101, 18, 15, "model_groups[0].targets[0]", ""),
            ],
        ),
        // E102 weights must sum to 100
        (
            "strategy: failover\n    models:\n      - provider: openai\n        model: gpt-4o\n      - provider: anthropic\n",
            "strategy: weighted\n    models:\n      - provider: openai\n        model: gpt-4o\n        weight: 70\n      - provider: anthropic\n        weight: 20\n",
            &[(
                E102,
                21,
                17,
                "model_groups[0].models[0].weight",
                "Weights must sum to 100: those of `chat` sum to 90",
            )],
        ),
        // E103 duplicate model group name
        (
            "policies:\n",
            "  - name: chat\n    models:\n      - provider: openai\n        model: gpt-4o\npolicies:\n",
            &[(
                E103,
                23,
                11,
                "model_groups[1].name",
                "Duplicate model group name `chat`: line 16 has it too",
            )],
        ),
        // E106 alias collides
        (
            "    strategy:",
            "    aliases: [chat, a, a]\n    strategy:",
            &[
                (
                    E106,
                    17,
                    15,
                    "model_groups[0].aliases[0]",
                    "it is a model group's name on line 16",
                ),
                (
                    E106,
                    17,
                    24,
                    "model_groups[0].aliases[2]",
                    "it is an alias on line 17",
                ),
            ],
        ),
        // E107 fallback_group unknown or cyclic
        (
            "    strategy:",
            "    fallback_group: chatt\n    strategy:",
            &[(
                E107,
                17,
                21,
                "model_groups[0].fallback_group",
                "`chatt` is no model group",
            )],
        ),
        (
            "    strategy:",
            "    fallback_group: chat\n    strategy:",
            &[(
                E107,
                17,
                21,
                "model_groups[0].fallback_group",
                "fallback_group is cyclic: chat → chat",
            )],
        ),
        // E108 unknown strategy
        (
            "strategy: failover",
            "strategy: fail-over",
            &[(
                E108,
                17,
                15,
                "model_groups[0].strategy",
                "unknown strategy `fail-over`",
            )],
        ),
        // E110 strategy lacks what it needs
        (
            "strategy: failover",
            "strategy: cost",
            &[
                (
                    E110,
                    20,
                    16,
                    "model_groups[0].models[0].model",
                    "needs the prices of gpt-4o",
                ),
                (
                    E110,
                    22,
                    16,
                    "model_groups[0].models[1].model",
                    "needs the prices of claude-sonnet-4",
                ),
            ],
        ),
        (
            "strategy: failover",
            "strategy: weighted",
            &[
                (
                    E110,
                    19,
                    9,
                    "model_groups[0].models[0].weight",
                    "needs a `weight` on every member",
                ),
                (
                    E110,
                    21,
                    9,
                    "model_groups[0].models[1].weight",
                    "needs a `weight` on every member",
                ),
            ],
        ),
        (
            "strategy: failover",
            "strategy: semantic",
            &[(
                E110,
                16,
                11,
                "model_groups[0]",
                "needs a `description` or `examples`",
            )],
        ),
        // W101 missing model mapping
        (
            "        model: gpt-4o\n",
            "",
            &[(
                W101,
                19,
                19,
                "model_groups[0].models[0].provider",
                "Missing model mapping: `openai` gets the client's model name (chat)",
            )],
        ),
        // W106 the same target and model twice
        (
            "      - provider: anthropic\n        model: claude-sonnet-4",
            "      - provider: openai\n        model: gpt-4o",
            &[(
                W106,
                21,
                19,
                "model_groups[0].models[1].provider",
                "line 19",
            )],
        ),
    ]);
}

#[test]
fn a_deployment_in_the_base_url_wins_over_the_model() {
    let azure = "\
providers:
  targets:
    - id: a
      base_url: https://x.openai.azure.com/openai/deployments/gpt-4o
      secret_key_ref: {env: K}
model_groups:
  - name: g
    models: [{provider: a, model: gpt-4o}]
";
    expect(azure, &[]);
    let other = azure.replace("model: gpt-4o", "model: gpt-4o-mini");
    let place = "model_groups[0].models[0].model";
    expect(
        &other,
        &[(Code::W107, 8, 35, place, "names the deployment `gpt-4o`")],
    );
}

#[test]
fn prices_known_elsewhere_are_enough_for_cost() {
    let known = |vendor: Provider, model: &str| vendor == providers::OPENAI && model == "gpt-4o";
    let options = LoadOptions {
        known_price: Some(&known),
        ..LoadOptions::default()
    };
    let findings = load_with(&spoiled("strategy: failover", "strategy: cost"), &options).findings;
    assert_eq!(found(&findings).len(), 1);
    assert!(findings[0].message.contains("claude-sonnet-4"));
}

#[test]
fn embeddings_come_from_who_speaks_openais_protocol() {
    for (target, valid) in [("openai", true), ("anthropic", false)] {
        let text = format!(
            "
providers:
  targets:
    - {{id: openai, provider: openai, secret_key_ref: {{env: O}}}}
    - {{id: anthropic, provider: anthropic, secret_key_ref: {{env: A}}}}
model_groups:
  - name: g
    strategy: semantic
    embedding: {{provider: {target}, model: m}}
    models: [{{provider: openai, model: gpt-4o, description: poems}}]
"
        );
        let loaded = load(&text);
        assert_eq!(loaded.policy.is_some(), valid, "{:?}", loaded.findings);
        if !valid {
            let (code, line, ..) = found(&loaded.findings)[0];
            assert_eq!((code, line), (Code::E109, 9));
        }
    }
}
