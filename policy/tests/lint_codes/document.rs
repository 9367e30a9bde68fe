//! What a document is made of: its syntax, keys, types and policies.

use policy::{Code, load};

use crate::{GOOD, expect_each};

#[test]
fn one_mistake_one_finding() {
    use Code::*;
    expect_each(&[
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
    ]);
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
