//! The request scanner accepts only JSON, and where it says the model is, the model is. A body that is read in pieces says
//! the same as the whole one, and has as many tokens.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocols::request_info::{self, RequestInfo};
use protocols::{ElidedBody, ClientFormat};
use routing::tokens::{RequestTokens, of_request};
use serde_json::Value;

fuzz_target!(|body: &[u8]| {
    let whole = request_info::scan(ClientFormat::ChatCompletions, body).ok();
    if let Some(info) = &whole {
        let value: Value = serde_json::from_slice(body).expect("what the scanner accepts is JSON");
        assert_eq!(value["model"].as_str(), Some(&*info.model));
        let spelled: String = serde_json::from_slice(&body[info.model_span.clone()]).expect("the span is a string");
        assert_eq!(spelled, info.model);
    }
    let length = body.first().map_or(1, |byte| usize::from(*byte % 64) + 1);
    let mut tokens = RequestTokens::default();
    for piece in body.chunks(length) {
        tokens.push(piece);
    }
    assert_eq!(tokens.finish(), of_request(body));
    let mut elided = ElidedBody::keeping(16);
    if !take(&mut elided, body, length) {
        // Too short to be given up for its length.
        assert!(whole.is_none());
        return;
    }
    match (request_info::scan(ClientFormat::ChatCompletions, elided.body()), whole) {
        (Ok(info), Some(whole)) => assert_eq!(told(&info), told(&whole)),
        (Err(_), Some(whole)) => {
            let id = whole.conversation_id.as_deref().unwrap_or_default();
            assert!(whole.model.len() > 32 || id.len() > 32, "a name was left out");
        }
        (info, None) => assert!(info.is_err()),
    }
});

/// Pieces of this length, and longer ones behind such as break off in a character or an escape sequence.
fn take(elided: &mut ElidedBody, body: &[u8], length: usize) -> bool {
    let mut left_over = 0;
    while elided.taken() < body.len() {
        let start = elided.taken();
        let end = body.len().min(start + left_over + length);
        if !elided.take(&body[start..end]) || (end == body.len() && elided.taken() == start) {
            return false;
        }
        left_over = end - elided.taken();
    }
    true
}

fn told(info: &RequestInfo<'_>) -> impl PartialEq + std::fmt::Debug {
    (
        info.model.to_string(),
        info.model_span.clone(),
        info.conversation_id.as_deref().map(str::to_owned),
        (info.stream, info.include_usage, info.has_stream_options),
        (info.max_output_tokens, info.choices),
        (info.text_bytes, info.required),
    )
}
