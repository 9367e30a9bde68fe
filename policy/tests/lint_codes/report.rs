//! How findings are told.

use policy::{LintReport, Source, load};

use crate::spoiled;

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
fn long_lines_are_shown_in_part() {
    let text = format!(
        "{{\"pack\": {{\"name\": \"{}\"}}, \"providers\": 1}}",
        "x".repeat(5_000)
    );
    let finding = &load(&text).findings[0];
    let human = finding.render_human("p", &Source::new(&text));
    assert!(human.len() < 700, "{human}");
    let (line, carets) = (human.lines().nth(1).unwrap(), human.lines().nth(2).unwrap());
    let caret = carets.find('^').unwrap();
    assert_eq!(line.get(caret..=caret), Some("1"));
}

#[test]
fn human_output_points_with_a_caret() {
    let text = spoiled(
        "provider: openai\n        model",
        "provider: opnai\n        model",
    );
    let finding = &load(&text).findings[0];
    assert_eq!(
        finding.render_human("policy-config.yaml", &Source::new(&text)),
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
