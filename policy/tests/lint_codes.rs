//! Every code of lint: what it says, and the exact place where it says it.

use policy::{
    Code, Credential, Finding, LintReport, LoadOptions, Severity, Vendor, load, load_with,
};

/// A document that lints clean; the rows below spoil it.
const GOOD: &str = "\
pack:
  name: demo
  version: 1.0.0
  enabled: true
providers:
  targets:
    - id: openai
      provider: openai
      secret_key_ref:
        env: OPENAI_API_KEY
    - id: anthropic
      provider: anthropic
      secret_key_ref:
        store: ANTHROPIC_API_KEY
model_groups:
  - name: chat
    strategy: failover
    models:
      - provider: openai
        model: gpt-4o
      - provider: anthropic
        model: claude-sonnet-4
policies:
  chain:
    - audit-logger
policy:
  audit-logger:
    immutable: true
";

/// Code, line, column, path, and a part of the message.
type Expected = (Code, u32, u32, &'static str, &'static str);

fn found(findings: &[Finding]) -> Vec<(Code, u32, u32, &str, &str)> {
    findings
        .iter()
        .map(|f| {
            (
                f.code,
                f.line,
                f.column,
                f.path.as_str(),
                f.message.as_str(),
            )
        })
        .collect()
}

fn expect(text: &str, expected: &[Expected]) {
    let loaded = load(text);
    let found = found(&loaded.findings);
    let agree = found.len() == expected.len()
        && found.iter().zip(expected).all(|(found, expected)| {
            (found.0, found.1, found.2, found.3) == (expected.0, expected.1, expected.2, expected.3)
                && found.4.contains(expected.4)
        });
    assert!(agree, "{text}\nexpected {expected:#?}\nfound {found:#?}");
    let has_error = expected
        .iter()
        .any(|(code, ..)| code.severity() == Severity::Error);
    assert_eq!(loaded.policy.is_none(), has_error, "{text}");
}

/// `GOOD` with `old`, which must be there, replaced.
fn spoiled(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old), "{old}");
    GOOD.replacen(old, new, 1)
}

#[test]
fn the_good_document_is_good() {
    expect(GOOD, &[]);
}

#[test]
fn one_mistake_one_finding() {
    use Code::*;
    let rows: &[(&str, &str, &[Expected])] = &[
        // E001 unknown policy kind
        (
            "    - audit-logger",
            "    - audit-loger",
            &[
                (
                    E001,
                    25,
                    7,
                    "policies.chain[0]",
                    "unknown policy kind `audit-loger`",
                ),
                (
                    W102,
                    27,
                    3,
                    "policy.audit-logger",
                    "not in `policies.chain`",
                ),
            ],
        ),
        (
            "  audit-logger:\n",
            "  audit-logger: {}\n  pii-redactor:\n",
            &[(E001, 28, 3, "policy.pii-redactor", "`pii-redactor`")],
        ),
        // E002 unknown key
        (
            "    strategy:",
            "    stratgy:",
            &[(
                E002,
                17,
                5,
                "model_groups[0].stratgy",
                "unknown key `stratgy` in `model group`",
            )],
        ),
        (
            "pack:\n",
            "packs: 1\npack:\n",
            &[(
                E002,
                1,
                1,
                "packs",
                "unknown key `packs` in `policy config`",
            )],
        ),
        (
            "        env: OPENAI",
            "        variable: X\n        env: OPENAI",
            &[(
                E002,
                10,
                9,
                "providers.targets[0].secret_key_ref.variable",
                "unknown key",
            )],
        ),
        // E003 chained policy without block
        (
            "    - audit-logger",
            "    - audit-logger\n    - content_filter",
            &[(
                E003,
                26,
                7,
                "policies.chain[1]",
                "`content_filter` is in the chain, but has no block",
            )],
        ),
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
        // E104 missing secret_key_ref
        (
            "      secret_key_ref:\n        env: OPENAI_API_KEY\n",
            "",
            &[(
                E104,
                7,
                11,
                "providers.targets[0].secret_key_ref",
                "Missing secret_key_ref: `openai` has no key for openai",
            )],
        ),
        (
            "        env: OPENAI_API_KEY\n",
            "        {}\n",
            &[(
                E104,
                10,
                9,
                "providers.targets[0].secret_key_ref",
                "Missing secret_key_ref: it names neither",
            )],
        ),
        // E105 duplicate target id
        (
            "id: anthropic",
            "id: openai",
            &[
                (
                    E105,
                    11,
                    11,
                    "providers.targets[1].id",
                    "Duplicate target id `openai`: line 7 has it too",
                ),
                (
                    E101,
                    21,
                    19,
                    "model_groups[0].models[1].provider",
                    "`anthropic`",
                ),
            ],
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
        // E109 bad value
        (
            "        model: gpt-4o\n",
            "        model: gpt-4o\n        timeout_ms: 0\n",
            &[(
                E109,
                21,
                21,
                "model_groups[0].models[0].timeout_ms",
                "1ms to 24h",
            )],
        ),
        (
            "enabled: true",
            "enabled: yes",
            &[(
                E109,
                4,
                12,
                "pack.enabled",
                "expected true or false, found `yes`",
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
        // E111 YAML syntax or duplicate key
        (
            "  version: 1.0.0",
            "  name: twice",
            &[(
                E111,
                3,
                3,
                "pack.name",
                "duplicate key `name`: it already stands on line 2",
            )],
        ),
        (
            "  version: 1.0.0",
            "  version: [1.0.0",
            &[(E111, 4, 10, "", "not valid YAML")],
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
        // W102 documented key without effect
        (
            "  enabled: true",
            "  enabled: false",
            &[(
                W102,
                4,
                12,
                "pack.enabled",
                "its content policies do not run",
            )],
        ),
        (
            "    models:\n",
            "    latency_window: 60s\n    models:\n",
            &[(
                W102,
                18,
                21,
                "model_groups[0].latency_window",
                "`latency_window` has no effect with strategy `failover`",
            )],
        ),
        (
            "pack:\n",
            "provider_fallback: {triggers: [timeout]}\npack:\n",
            &[(W102, 1, 21, "provider_fallback.triggers", "no effect")],
        ),
        // W104 a target that cannot be reached as configured
        (
            "      provider: openai\n",
            "      provider: bedrock\n",
            &[(
                W104,
                7,
                11,
                "providers.targets[0].base_url",
                "bedrock-runtime.us-east-1",
            )],
        ),
        // W105 a key would travel unencrypted
        (
            "      provider: openai\n",
            "      provider: openai\n      base_url: http://llm.example.com/v1\n",
            &[(
                W105,
                9,
                17,
                "providers.targets[0].base_url",
                "unencrypted to llm.example.com",
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
    ];
    for (old, new, expected) in rows {
        let mut expected = expected.to_vec();
        expected.sort_by_key(|(code, line, column, ..)| (*line, *column, *code));
        expect(&spoiled(old, new), &expected);
    }
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
fn targets_must_say_where_they_are() {
    for (target, message) in [
        ("id: openai", "needs a `provider` or a `base_url`"),
        ("id: azure", "needs a `provider` or a `base_url`"),
        (
            "id: x, provider: vertex",
            "vendor `vertex` needs a `base_url`",
        ),
        (
            "id: x, provider: openai-compatible",
            "vendor `openai-compatible` needs a `base_url`",
        ),
        ("id: x, provider: nobody", "unknown vendor `nobody`"),
        (
            "id: x, base_url: nowhere",
            "begins with http:// or https://",
        ),
        (
            "id: x, provider: azure, base_url: 'https://x.openai.azure.com?api-version=1'",
            "`api_version`",
        ),
    ] {
        let text = format!("providers: [{{{target}, secret_key_ref: {{env: K}}}}]");
        let findings = load(&text).findings;
        assert_eq!(found(&findings).len(), 1, "{text}: {findings:?}");
        assert_eq!(findings[0].code, Code::E109);
        assert!(
            findings[0].message.contains(message),
            "{text}: {findings:?}"
        );
    }
}

#[test]
fn one_wrong_type_is_one_finding() {
    const TARGETS: &str = "providers: [{id: a, provider: ollama}]";
    for (text, line, column, path) in [
        ("providers: 1".to_owned(), 1, 12, "providers"),
        (
            "providers: {targets: 1}".to_owned(),
            1,
            22,
            "providers.targets",
        ),
        (
            "providers: {targets: [1]}".to_owned(),
            1,
            23,
            "providers.targets[0]",
        ),
        (
            "providers: {targets: []}".to_owned(),
            1,
            22,
            "providers.targets",
        ),
        ("providers:".to_owned(), 1, 10, "providers"),
        ("pack: {name: x}".to_owned(), 1, 1, "providers"),
        ("[]".to_owned(), 1, 1, ""),
        (format!("{TARGETS}\nmodel_groups: x"), 2, 15, "model_groups"),
        (
            format!("{TARGETS}\nmodel_groups: [x]"),
            2,
            16,
            "model_groups[0]",
        ),
        (
            format!("{TARGETS}\nmodel_groups: [{{name: g, models: x}}]"),
            2,
            34,
            "model_groups[0].models",
        ),
        (
            format!("{TARGETS}\nmodel_groups: [{{name: g, models: []}}]"),
            2,
            34,
            "model_groups[0].models",
        ),
        (
            format!("{TARGETS}\nmodel_groups: [{{name: g, models: [[]]}}]"),
            2,
            35,
            "model_groups[0].models[0]",
        ),
        (
            format!("{TARGETS}\nmodel_groups: [{{name: g}}]"),
            2,
            23,
            "model_groups[0].models",
        ),
        (format!("{TARGETS}\npolicies: x"), 2, 11, "policies"),
        (format!("{TARGETS}\nfailover: []"), 2, 11, "failover"),
    ] {
        let findings = load(&text).findings;
        let places: Vec<(u32, u32, &str)> = findings
            .iter()
            .map(|f| (f.line, f.column, f.path.as_str()))
            .collect();
        assert_eq!(places, [(line, column, path)], "{text}: {findings:?}");
    }
}

#[test]
fn long_lines_are_shown_in_part() {
    let text = format!(
        "{{\"pack\": {{\"name\": \"{}\"}}, \"providers\": 1}}",
        "x".repeat(5_000)
    );
    let finding = &load(&text).findings[0];
    let human = finding.render_human("p", &text);
    assert!(human.len() < 700, "{human}");
    let (line, carets) = (human.lines().nth(1).unwrap(), human.lines().nth(2).unwrap());
    let caret = carets.find('^').unwrap();
    assert_eq!(line.get(caret..=caret), Some("1"));
}

#[test]
fn unset_variables() {
    let unset = |credential: &Credential| *credential != Credential::Env("OPENAI_API_KEY".into());
    for strict in [false, true] {
        let options = LoadOptions {
            variable_is_set: Some(&unset),
            strict,
            ..LoadOptions::default()
        };
        let loaded = load_with(GOOD, &options);
        assert_eq!(found(&loaded.findings).len(), 1);
        let finding = &loaded.findings[0];
        assert_eq!(
            (finding.code, finding.line, finding.column),
            (Code::W103, 10, 14)
        );
        assert_eq!(
            finding.severity,
            if strict {
                Severity::Error
            } else {
                Severity::Warning
            }
        );
        assert_eq!(finding.path, "providers.targets[0].secret_key_ref.env");
        assert_eq!(loaded.policy.is_some(), !strict);
    }
}

#[test]
fn a_local_server_needs_no_key_even_when_strict() {
    let text = "providers: {targets: [{id: ollama, base_url: 'http://localhost:11434/v1', secret_key_ref: {env: DUMMY}}]}";
    let unset = |_: &Credential| false;
    let loaded = load_with(
        text,
        &LoadOptions {
            variable_is_set: Some(&unset),
            strict: true,
            ..LoadOptions::default()
        },
    );
    assert!(loaded.policy.is_some());
    assert_eq!(loaded.findings[0].code, Code::W103);
    let without = text.replace(", secret_key_ref: {env: DUMMY}", "");
    assert_eq!(load(&without).findings, []);
    let remote = without.replace("localhost", "ollama.example.com");
    assert_eq!(load(&remote).findings[0].code, Code::E104);
}

#[test]
fn prices_known_elsewhere_are_enough_for_cost() {
    let known = |vendor: Vendor, model: &str| vendor == Vendor::OpenAi && model == "gpt-4o";
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

#[test]
fn all_mistakes_are_reported_at_once_and_in_order() {
    let text = GOOD
        .replace("strategy: failover", "strategy: fastest")
        .replace("model: gpt-4o", "modle: gpt-4o")
        .replace(
            "provider: anthropic\n        model",
            "provider: claude\n        model",
        )
        .replace("immutable: true", "immutable: 1");
    let codes: Vec<(Code, u32)> = load(&text)
        .findings
        .iter()
        .map(|finding| (finding.code, finding.line))
        .collect();
    let expected = [
        (Code::E108, 17),
        (Code::W101, 19),
        (Code::E002, 20),
        (Code::E101, 21),
        (Code::E109, 28),
    ];
    assert_eq!(codes, expected);
}

#[test]
fn suggestions() {
    for (old, new, suggestion) in [
        ("    strategy:", "    stratgy:", "did you mean `strategy`?"),
        (
            "    - audit-logger",
            "    - audit_loger",
            "did you mean `audit-logger`?",
        ),
        (
            "provider: openai\n        model",
            "provider: opnai\n        model",
            "did you mean `openai`?",
        ),
        (
            "      provider: anthropic\n",
            "      provider: antropic\n",
            "did you mean `anthropic`?",
        ),
        (
            "strategy: failover",
            "strategy: weigthed",
            "did you mean `weighted`?",
        ),
        (
            "  name: demo
  version: 1.0.0
  enabled: true",
            "name: demo
version: 1.0.0
enabled: true",
            "`pack:` above is empty: is this line indented too little?",
        ),
        (
            "        model: gpt-4o\n",
            "        model: gpt-4o\n        timeout_ms: '5000'\n",
            "",
        ),
        ("  enabled: true", "  enabled: on", "write `true`"),
        (
            "      secret_key_ref:\n        env: OPENAI_API_KEY\n",
            "",
            "add `secret_key_ref: {env: OPENAI_API_KEY}`",
        ),
        (
            "        env: OPENAI_API_KEY\n",
            "        env: OPENAI_API_KEY\n      api_key: sk-123\n",
            "secret_key_ref: {env: NAME}",
        ),
    ] {
        let text = spoiled(old, new);
        let findings = load(&text).findings;
        let suggestions: Vec<&str> = findings
            .iter()
            .filter_map(|finding| finding.suggestion.as_deref())
            .collect();
        let suggested = suggestions.iter().any(|given| given.contains(suggestion));
        assert!(
            suggestion.is_empty() && findings.is_empty() || suggested,
            "{text}\n{findings:#?}"
        );
    }
}

#[test]
fn keys_are_never_repeated() {
    const KEY: &str = "sk-proj-abcdef0123456789";
    for (old, new) in [
        ("env: OPENAI_API_KEY", format!("env: {KEY}")),
        ("store: ANTHROPIC_API_KEY", format!("store: /{KEY}")),
        (
            "secret_key_ref:\n        env: OPENAI_API_KEY",
            format!("secret_key_ref: {KEY}"),
        ),
        (
            "secret_key_ref:\n        env: OPENAI_API_KEY",
            format!("api_key: {KEY}"),
        ),
        (
            "      provider: openai\n",
            format!("      provider: openai\n      base_url: https://user:{KEY}@host/v1\n"),
        ),
        (
            "      provider: openai\n",
            format!("      provider: openai\n      base_url: https://host/v1?key={KEY}\n"),
        ),
    ] {
        let text = spoiled(old, &new);
        let findings = load(&text).findings;
        assert!(!findings.is_empty(), "{text}");
        for finding in findings {
            assert!(
                !finding.render_human("policy.yaml", &text).contains(KEY),
                "{finding:?}"
            );
            assert!(!serde_json::to_string(&finding).unwrap().contains(KEY));
        }
    }
}

#[test]
fn human_output_points_with_a_caret() {
    let text = spoiled(
        "provider: openai\n        model",
        "provider: opnai\n        model",
    );
    let finding = &load(&text).findings[0];
    assert_eq!(
        finding.render_human("policy-config.yaml", &text),
        "policy-config.yaml:19:19: error[E101]: Unknown provider in model group: no target has the id `opnai`
 19 |       - provider: opnai
    |                   ^^^^^
    = did you mean `openai`?"
    );
}

#[test]
fn json_report_has_the_keys_of_the_contract() {
    let text = spoiled(
        "strategy: failover",
        "strategy: failover\n    latency_window: 60s\n    x: 1",
    );
    let report = LintReport::new("p.yaml", &load(&text).findings);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["valid"], false);
    assert_eq!(json["file"], "p.yaml");
    assert_eq!(
        json["errors"],
        serde_json::json!([{
            "code": "E002", "path": "model_groups[0].x", "line": 19, "column": 5,
            "message": "unknown key `x` in `model group`", "suggestion": null
        }])
    );
    assert_eq!(json["warnings"][0]["code"], "W102");
}
