//! What judging a request costs: `cargo bench -p keeptrusts-guardrails`.
//!
//! Prints the best of many runs, which a busy machine disturbs least; the numbers are for comparing one change with
//! another on one machine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use guardrails::Guardrails;
use policy::{CONTENT_CATEGORIES, ContentCategory, ContentPolicy, ContentPolicyKind, PolicyAction};

fn main() {
    println!(
        "{:<40} {:>10} {:>12} {:>10}",
        "what", "bytes", "best", "MB/s"
    );
    let everything = guardrails(&CONTENT_CATEGORIES, PolicyAction::Redact);
    let tutorial = guardrails(
        &[ContentCategory::Hate, ContentCategory::Violence],
        PolicyAction::Flag,
    );
    for (size, turns) in [("1 KB", 2), ("10 KB", 22), ("100 KB", 220), ("1 MB", 2200)] {
        let body = chat(turns);
        for (name, guardrails) in [("hate, violence", &tutorial), ("everything", &everything)] {
            measure(&format!("{size} of chat, {name}"), body.len(), || {
                black_box(guardrails.evaluate(black_box(body.as_bytes())).is_ok());
            });
        }
    }
    measure("compiling the lists", 0, || {
        black_box(guardrails(&CONTENT_CATEGORIES, PolicyAction::Redact));
    });
}

fn guardrails(categories: &[ContentCategory], action: PolicyAction) -> Guardrails {
    let policy = ContentPolicy {
        name: "content-filter".to_owned(),
        kind: ContentPolicyKind::ContentFilter {
            categories: categories.to_vec(),
            action,
            moderation: None,
        },
    };
    match Guardrails::new(&[policy]) {
        Ok(guardrails) => guardrails,
        Err(error) => panic!("{error}"),
    }
}

/// Ordinary words, with the escapes and numbers that prompts have.
fn chat(turns: usize) -> String {
    let text = "Summarise the report of 14 March for me, please: \\\"Revenue rose by 12.5% to 340 million, and\\nthe board \
        expects the same of next year.\\\" Then write to the team in Zürich that we shall meet at 10:30 in room 217.\\n\\n";
    let turn = format!("{{\"role\":\"user\",\"content\":\"{}\"}}", text.repeat(2));
    format!(
        "{{\"model\":\"m\",\"messages\":[{}]}}",
        vec![turn; turns].join(",")
    )
}

fn measure(what: &str, bytes: usize, run: impl Fn()) {
    let mut best = Duration::MAX;
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(400) {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed());
    }
    let rate = bytes as f64 / best.as_secs_f64() / 1e6;
    println!("{what:<40} {bytes:>10} {best:>12.2?} {rate:>10.0}");
}
