//! Targets: where they are, and their keys.

use policy::{Code, Credential, LoadOptions, Severity, Source, load, load_with};

use crate::{GOOD, expect, expect_each, found, spoiled};

#[test]
fn one_mistake_one_finding() {
    use Code::*;
    expect_each(&[
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
    ]);
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
fn w108_headers_that_should_not_be_forwarded_or_never_are() {
    let text = spoiled(
        "      provider: openai\n",
        "      provider: openai\n      forward_headers: [X-Tenant-Id, openai-project, Cookie, authorization, x-forwarded-for, x-tenant-id]\n",
    );
    expect(
        &text,
        &[
            (
                Code::W108,
                9,
                54,
                "providers.targets[0].forward_headers[2]",
                "`cookie` looks like a credential",
            ),
            (
                Code::W108,
                9,
                62,
                "providers.targets[0].forward_headers[3]",
                "`authorization` is never forwarded",
            ),
            (
                Code::W108,
                9,
                77,
                "providers.targets[0].forward_headers[4]",
                "`x-forwarded-for` is never forwarded",
            ),
        ],
    );
    let policy = load(&text).policy.unwrap();
    assert_eq!(
        policy.targets[0].forward_headers,
        ["x-tenant-id", "openai-project", "cookie"]
    );
    assert!(policy.targets[1].forward_headers.is_empty());
    for bad in [
        "[x-foo-*]",
        "['x-key: 1']",
        "['']",
        "['é']",
        "x-tenant-id",
        "[1, {a: b}]",
    ] {
        let line = format!("      provider: openai\n      forward_headers: {bad}\n");
        let text = spoiled("      provider: openai\n", &line);
        let codes: Vec<_> = load(&text)
            .findings
            .iter()
            .map(|finding| finding.code)
            .collect();
        assert!(codes.contains(&Code::E109), "{bad}: {codes:?}");
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
            format!("      provider: openai\n      forward_headers: ['x-api-key: {KEY}']\n"),
        ),
        (
            "      provider: openai\n",
            format!("      provider: openai\n      base_url: https://host/v1?key={KEY}\n"),
        ),
    ] {
        let text = spoiled(old, &new);
        let findings = load(&text).findings;
        assert!(!findings.is_empty(), "{text}");
        let source = Source::new(&text);
        for finding in findings {
            assert!(
                !finding.render_human("policy.yaml", &source).contains(KEY),
                "{finding:?}"
            );
            assert!(!serde_json::to_string(&finding).unwrap().contains(KEY));
        }
    }
}
