//! What a content filter replaces leaves JSON behind, in which it finds nothing more.
#![no_main]

use guardrails::{Guardrails, Verdict, apply};
use libfuzzer_sys::fuzz_target;
use policy::{CONTENT_CATEGORIES, ContentPolicy, ContentPolicyKind, PolicyAction};
use protocols::ClientFormat;
use serde_json::Value;

thread_local! {
    static GUARDRAILS: Guardrails = Guardrails::new(&[ContentPolicy {
        name: String::from("all"),
        kind: ContentPolicyKind::ContentFilter {
            categories: CONTENT_CATEGORIES.to_vec(),
            action: PolicyAction::Redact,
            moderation: None,
        },
    }])
    .expect("the lists compile");
}

fuzz_target!(|body: &[u8]| {
    for format in [ClientFormat::ChatCompletions, ClientFormat::Responses, ClientFormat::AnthropicMessages] {
        let evaluate = |body: &[u8]| GUARDRAILS.with(|guardrails| guardrails.evaluate(format, body));
        let Ok(evaluation) = evaluate(body) else { continue };
        let Verdict::Redact(splices) = evaluation.action else { continue };
        let redacted = apply(body, &splices);
        let was_json = serde_json::from_slice::<Value>(body).is_ok();
        assert_eq!(serde_json::from_slice::<Value>(&redacted).is_ok(), was_json);
        evaluate(&redacted).expect("what is left can be read");
    }
});
