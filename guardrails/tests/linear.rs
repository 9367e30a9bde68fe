//! The cost of judging grows with the text and not with its square, whatever the text is made of.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use std::time::{Duration, Instant};

use guardrails::Guardrails;
use policy::{CONTENT_CATEGORIES, ContentPolicy, ContentPolicyKind, PolicyAction};
use serde_json::json;

fn cost(guardrails: &Guardrails, text: &str) -> Duration {
    let body = json!({"model": "m", "messages": [{"role": "user", "content": text}]}).to_string();
    (0..3)
        .map(|_| {
            let start = Instant::now();
            let evaluation = guardrails.evaluate(body.as_bytes());
            assert!(evaluation.is_ok());
            start.elapsed()
        })
        .min()
        .unwrap_or_default()
}

#[test]
fn ten_times_the_text_costs_about_ten_times_as_much() {
    let guardrails = Guardrails::new(&[ContentPolicy {
        name: "all".to_owned(),
        kind: ContentPolicyKind::ContentFilter {
            categories: CONTENT_CATEGORIES.to_vec(),
            action: PolicyAction::Redact,
            moderation: None,
        },
    }])
    .unwrap();
    for piece in [
        "ordinary words ",
        "a",
        "@",
        "a@",
        "a.b@c.",
        "1",
        "1 ",
        "4111-",
        "+1",
        "(415) ",
        "de89",
        "sk-1.",
        "sk-",
        "eyj-",
        "eyj.a1",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY----- -----END PRIVATE KEY-----",
        "-----begin ",
        "kill him ",
        "decapitated",
        "decapitat-",
        "ignore all previous ",
        "a@b.io ",
        "\\u0041",
        "\n",
        "  ",
        "\u{200b}",
        "ｋ",
        "😀",
        "\"",
        // Layers, of which some have something to read and some have not.
        "\\",
        "\\n",
        "\\\\n4",
        "\\u005c",
        "u005c",
        "\\ud83d",
        "\\x",
        "[\"\\",
        "{\"4111111111111111\":4111111111111111,",
        "[[",
        "4111111111111111,",
        // Disguises.
        "\u{7f}",
        "\u{1b}[",
        "\u{1b}[1;",
        "\u{e0100}",
        "⑷",
        "e\u{301}",
        "用户@",
        "@例。",
        "a@b例.",
        "+14155550123",
        "(415)555-0123",
    ] {
        let (short, long) = (
            piece.repeat(5_000 / piece.len()),
            piece.repeat(50_000 / piece.len()),
        );
        // A square would be a hundred times. A busy machine disturbs the measurement: one of many has to show it.
        let mut tries = (0..30).map(|_| (cost(&guardrails, &short), cost(&guardrails, &long)));
        let is_linear = tries.any(|(short, long)| long < short * 24 + Duration::from_millis(1));
        assert!(is_linear, "`{piece}`");
    }
}
