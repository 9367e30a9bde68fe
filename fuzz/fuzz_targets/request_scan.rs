//! The request scanner accepts only JSON, and where it says the model is, the model is. A body that is read in pieces says
//! the same as the whole one, and has as many tokens.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocols::facts::{self, RequestFacts};
use protocols::{Abridged, ClientFormat};
use routing::tokens::{RequestTokens, of_request};
use serde_json::Value;

fuzz_target!(|body: &[u8]| {
    let whole = facts::scan(ClientFormat::ChatCompletions, body).ok();
    if let Some(facts) = &whole {
        let value: Value = serde_json::from_slice(body).expect("what the scanner accepts is JSON");
        assert_eq!(value["model"].as_str(), Some(&*facts.model));
        let spelled: String = serde_json::from_slice(&body[facts.model_span.clone()]).expect("the span is a string");
        assert_eq!(spelled, facts.model);
    }
    let length = body.first().map_or(1, |byte| usize::from(*byte % 64) + 1);
    let mut tokens = RequestTokens::default();
    for piece in body.chunks(length) {
        tokens.push(piece);
    }
    assert_eq!(tokens.finish(), of_request(body));
    let mut abridged = Abridged::keeping(16);
    if !take(&mut abridged, body, length) {
        // Too short to be given up for its length.
        assert!(whole.is_none());
        return;
    }
    match (facts::scan(ClientFormat::ChatCompletions, abridged.body()), whole) {
        (Ok(facts), Some(whole)) => assert_eq!(told(&facts), told(&whole)),
        (Err(_), Some(whole)) => {
            let id = whole.conversation_id.as_deref().unwrap_or_default();
            assert!(whole.model.len() > 32 || id.len() > 32, "a name was left out");
        }
        (facts, None) => assert!(facts.is_err()),
    }
});

/// Pieces of this length, and longer ones behind such as break off in a character or an escape sequence.
fn take(abridged: &mut Abridged, body: &[u8], length: usize) -> bool {
    let mut left_over = 0;
    while abridged.taken() < body.len() {
        let start = abridged.taken();
        let end = body.len().min(start + left_over + length);
        if !abridged.take(&body[start..end]) || (end == body.len() && abridged.taken() == start) {
            return false;
        }
        left_over = end - abridged.taken();
    }
    true
}

fn told(facts: &RequestFacts<'_>) -> impl PartialEq + std::fmt::Debug {
    (
        facts.model.to_string(),
        facts.model_span.clone(),
        facts.conversation_id.as_deref().map(str::to_owned),
        (facts.stream, facts.include_usage, facts.has_stream_options),
        (facts.max_output_tokens, facts.choices),
        (facts.text_bytes, facts.needs),
    )
}
