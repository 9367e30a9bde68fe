//! What a content filter replaces leaves JSON behind, in which it finds nothing more; and each thing to find is found however
//! often it was written as JSON.
#![no_main]

use guardrails::{Guardrails, Verdict, apply};
use libfuzzer_sys::fuzz_target;
use policy::{CONTENT_CATEGORIES, ContentPolicy, ContentPolicyKind, PolicyAction};
use serde_json::{Value, json};

thread_local! {
    static REDACT: Guardrails = guardrails(PolicyAction::Redact);
    static BLOCK: Guardrails = guardrails(PolicyAction::Block);
}

fn guardrails(action: PolicyAction) -> Guardrails {
    Guardrails::new(&[ContentPolicy {
        name: String::from("all"),
        kind: ContentPolicyKind::ContentFilter {
            categories: CONTENT_CATEGORIES.to_vec(),
            action,
            moderation: None,
        },
    }])
    .expect("the lists compile")
}

/// Anything in `body` is found.
fn is_blocked(body: &[u8]) -> Option<bool> {
    let evaluation = BLOCK.with(|guardrails| guardrails.evaluate(body)).ok()?;
    Some(matches!(evaluation.verdict, Verdict::Block { .. }))
}

fuzz_target!(|body: &[u8]| {
    let evaluate = |body: &[u8]| REDACT.with(|guardrails| guardrails.evaluate(body));
    if let Ok(evaluation) = evaluate(body) {
        assert_eq!(is_blocked(body), Some(evaluation.verdict != Verdict::Allow));
        if let Verdict::Redact(splices) = evaluation.verdict {
            let redacted = apply(body, &splices);
            let was_json = serde_json::from_slice::<Value>(body).is_ok();
            assert_eq!(serde_json::from_slice::<Value>(&redacted).is_ok(), was_json);
            let left = evaluate(&redacted).expect("what is left can be read");
            assert_eq!(left.verdict, Verdict::Allow);
        }
    }
    let Ok(text) = std::str::from_utf8(body) else { return };
    let mut text = text.to_owned();
    let mut was_found = false;
    for _ in 0..4 {
        let body = json!({"messages": [{"content": text}]}).to_string();
        let is_found = is_blocked(body.as_bytes()).expect("it is JSON");
        assert!(is_found || !was_found, "{body}");
        was_found = is_found;
        text = json!({"k": text}).to_string();
    }
});
