//! No input makes the reader panic, hang or lie about its verdict, and a large policy loads at once.
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use std::fs;
use std::path::Path;
use std::time::Instant;

use policy::{
    Code, Credential, Finding, LintReport, LoadOptions, Loaded, Severity, Source, load, load_with,
};
use proptest::prelude::*;

fn seeds() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/seeds");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let yaml = files.filter(|path| {
        path.extension()
            .is_some_and(|extension| extension == "yaml")
    });
    let mut texts: Vec<String> = yaml.map(|path| fs::read_to_string(path).unwrap()).collect();
    texts.sort();
    texts
}

/// What must hold of every answer to every text.
fn check(text: &str) -> Loaded {
    let unset = |_: &Credential| false;
    let nothing = |_: &str| None;
    let options = LoadOptions {
        variable_is_set: Some(&unset),
        endpoint: Some(&nothing),
        ..LoadOptions::default()
    };
    let loaded = load_with(text, &options);
    let is_error = |finding: &Finding| finding.severity == Severity::Error;
    assert_eq!(
        loaded.policy.is_none(),
        loaded.findings.iter().any(is_error),
        "{text:?}"
    );
    assert!(
        loaded
            .findings
            .is_sorted_by_key(|finding| (finding.line, finding.column))
    );
    let source = Source::new(text);
    for finding in &loaded.findings {
        assert!(finding.line >= 1 && finding.column >= 1 && finding.end_column > finding.column);
        let human = finding.render_human("f", &source);
        assert!(human.starts_with(&format!("f:{}:{}: ", finding.line, finding.column)));
    }
    let report = LintReport::new("f", &loaded.findings);
    assert_eq!(report.valid, loaded.policy.is_some());
    if let Some(policy) = &loaded.policy {
        for group in &policy.groups {
            assert!(
                group
                    .members
                    .iter()
                    .all(|member| policy.target(member.target).is_some())
            );
            assert!(
                group
                    .fallback_group
                    .is_none_or(|fallback| policy.group(fallback).is_some())
            );
        }
        assert_eq!(policy.default_order.len(), policy.targets.len());
        assert!(!policy::cluster::clusters(policy).is_empty());
        assert!(
            policy
                .targets
                .iter()
                .all(|target| target.probe_path().is_none_or(|path| path.starts_with('/')))
        );
    }
    loaded
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in "\\PC{0,200}") {
        check(&text);
    }

    #[test]
    fn text_of_yaml_s_own_characters(text in "[-\\[\\]{}:,&*!|>'\"%@`#?<~ab1. \\t\\r\\n\u{feff}]{0,120}") {
        check(&text);
    }

    #[test]
    fn seeds_with_bytes_changed(
        seed in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let seeds = seeds();
        let mut bytes = seed.get(&seeds).clone().into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        check(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn seeds_with_lines_moved_and_indented(
        seed in any::<prop::sample::Index>(),
        moves in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0usize..6), 1..5),
    ) {
        let seeds = seeds();
        let mut lines: Vec<String> = seed.get(&seeds).lines().map(str::to_owned).collect();
        for (from, to, indent) in moves {
            let line = lines.remove(from.index(lines.len()));
            let to = to.index(lines.len() + 1);
            lines.insert(to, format!("{}{line}", " ".repeat(indent)));
        }
        check(&lines.join("\n"));
    }

    #[test]
    fn seeds_with_a_value_replaced(
        seed in any::<prop::sample::Index>(),
        line in any::<prop::sample::Index>(),
        value in prop_oneof![
            Just("[]"), Just("{}"), Just("~"), Just("-1"), Just("1e308"), Just("99999999999999999999"), Just("\"\""),
            Just("*x"), Just("&x 1"), Just("!t 1"), Just("[[[1]]]"), Just("{a: {b: c}}"), Just("é 😀"), Just("'''"),
        ],
    ) {
        let seeds = seeds();
        let mut lines: Vec<String> = seed.get(&seeds).lines().map(str::to_owned).collect();
        let line = line.index(lines.len());
        let key = lines[line].split_inclusive(':').next().unwrap().to_owned();
        lines[line] = format!("{key} {value}");
        check(&lines.join("\n"));
    }
}

#[test]
fn json_and_yaml_mean_the_same() {
    for text in seeds() {
        let yaml = load(&text).policy.unwrap();
        // Windows line ends and a byte order mark change nothing.
        let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
        assert_eq!(load(&windows).policy.as_ref(), Some(&yaml));
    }
    let json = "{\n\t\"version\": 1,\n\t\"providers\": [\n\t\t{\"id\": \"a\", \"provider\": \"openai:chat:x\\/y\\ud83d\\ude00\",\n\t\t\"secret_key_ref\": {\"env\": \"K\"}, \"weight\": 7.0}\n\t]\n}\n";
    let policy = load(json).policy.unwrap();
    assert_eq!(policy.targets[0].model.as_deref(), Some("x/y😀"));
    assert_eq!(
        (policy.version.as_str(), policy.targets[0].weight),
        ("1", Some(7))
    );
}

#[test]
fn aliases_and_merge_keys() {
    let text = "
policies: &p {}
providers:
  targets:
    - &openai
      id: one
      provider: openai
      secret_key_ref: &key {env: OPENAI_API_KEY}
      timeout_ms: 1000
    - <<: *openai
      id: two
      timeout_ms: 2000
    - <<: [{model: m}, *openai]
      id: three
";
    let policy = load(text).policy.unwrap();
    let targets: Vec<_> = policy
        .targets
        .iter()
        .map(|t| {
            (
                t.id.as_str(),
                t.timeout_ms,
                t.model.as_deref(),
                &t.credential,
            )
        })
        .collect();
    let key = Credential::Env("OPENAI_API_KEY".into());
    assert_eq!(
        targets,
        [
            ("one", 1000, None, &key),
            ("two", 2000, None, &key),
            ("three", 1000, Some("m"), &key)
        ]
    );
}

#[test]
fn refused_yaml() {
    let bomb: String = (1..9)
        .map(|n| {
            format!(
                "a{n}: &a{n} [{}]\n",
                vec![format!("*a{}", n - 1); 10].join(",")
            )
        })
        .collect();
    for (text, message) in [
        ("a: 1\n---\nb: 2\n".to_owned(), "one YAML document"),
        (format!("a0: &a0 x\n{bomb}"), "aliases repeat more than"),
        ("a: &a [*a]".to_owned(), "inside the value"),
        ("a: *b".to_owned(), "unknown anchor"),
        ("[".repeat(100), "nested more than 64"),
        ("- ".repeat(10_000), "nested more than 64"),
        ("{a: ".repeat(100_000), ""),
        ("a: !env HOME".to_owned(), "tag `!env` is not supported"),
        ("? [a]\n: b".to_owned(), "key must be a string"),
        ("? {a: b}\n: c".to_owned(), "key must be a string"),
        (": a".to_owned(), "a key is missing"),
        ("a: &x k\n*x : b".to_owned(), "alias cannot be a key"),
        ("<<: 1".to_owned(), "merges a mapping"),
        ("a:\n\tb: 1".to_owned(), ""),
        (String::new(), "the document is empty"),
        ("# nothing\n".to_owned(), "the document is empty"),
    ] {
        let loaded = check(&text);
        let finding = loaded.findings.first().unwrap();
        let shown: String = text.chars().take(40).collect();
        assert_eq!(
            (loaded.findings.len(), finding.code),
            (1, Code::E111),
            "{shown}: {:?}",
            loaded.findings
        );
        assert!(
            finding.message.contains(message),
            "{shown}: {}",
            finding.message
        );
    }
    let tab = &check("a:\n\tb: 1").findings[0];
    assert!(
        tab.suggestion
            .as_deref()
            .is_some_and(|suggestion| suggestion.contains("tab")),
        "{tab:?}"
    );
}

/// A policy of about 1 MB.
fn large(groups: usize) -> String {
    let mut text = String::from("providers:\n  targets:\n");
    for target in 0..100 {
        text.push_str(&format!("    - id: t{target}\n      provider: openai\n      secret_key_ref: {{env: K{target}}}\n"));
    }
    text.push_str("model_groups:\n");
    for group in 0..groups {
        text.push_str(&format!(
            "  - name: group-{group}\n    models:\n      - provider: t{}\n        model: m\n      - provider: t{}\n        model: n\n",
            group % 100,
            (group + 1) % 100
        ));
        if group > 0 {
            text.push_str(&format!("    fallback_group: group-{}\n", group - 1));
        }
    }
    text
}

/// Insists that ten times the groups take about ten times as long: it would be a hundred times if it were quadratic. A busy
/// machine disturbs the measurement: one of some tries has to show it.
fn assert_linear(policy: impl Fn(usize) -> String) {
    let (small, large) = (policy(1_000), policy(10_000));
    let time = |text: &str| {
        let start = Instant::now();
        load(text);
        start.elapsed()
    };
    assert!((0..10).any(|_| time(&large) < time(&small) * 30));
}

#[test]
fn a_large_policy_loads_at_once() {
    assert_eq!(load(&large(10_000)).policy.unwrap().groups.len(), 10_000);
    assert_linear(large);
}

#[test]
fn a_large_policy_full_of_mistakes_loads_at_once() {
    let mistaken = |groups| {
        large(groups)
            .replace("provider: t", "provider: u")
            .replace("fallback_group: g", "fallback_group: h")
    };
    assert_eq!(load(&mistaken(10_000)).findings.len(), 29_999);
    assert_linear(mistaken);
}
