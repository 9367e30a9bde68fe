//! Every code of lint: what it says, and the exact place where it says it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

mod document;
mod groups;
mod report;
mod targets;
mod telemetry;

use policy::{Code, Finding, Severity, load};

/// A document that lints clean; the rows of the modules spoil it.
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

/// Each row spoils [`GOOD`] in one place: what is there, what stands there instead, and what lint says of it.
type Mistake = (&'static str, &'static str, &'static [Expected]);

fn expect_each(mistakes: &[Mistake]) {
    for (old, new, expected) in mistakes {
        let mut expected = expected.to_vec();
        expected.sort_by_key(|(code, line, column, ..)| (*line, *column, *code));
        expect(&spoiled(old, new), &expected);
    }
}

#[test]
fn the_good_document_is_good() {
    expect(GOOD, &[]);
}
