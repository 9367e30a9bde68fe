//! Every translator turns a request into JSON, or refuses it with a message.
#![no_main]

use fuzz_support::attempt;
use libfuzzer_sys::fuzz_target;
use protocols::BodyPrefix;
use protocols::exchange::Exchange;

fuzz_target!(|input: (u8, bool, &[u8])| {
    let (selector, stream, body) = input;
    let Some(attempt) = attempt(selector, stream, body) else { return };
    if protocols::request_info::scan(attempt.client, body).is_err() {
        return;
    }
    let span = attempt.model_span.clone();
    let mut exchange = Exchange::new(attempt).expect("the pair is served");
    match exchange.request(body) {
        Err(error) => assert!(!error.message.is_empty()),
        Ok(request) => {
            assert!(request.path.starts_with('/') && request.path.bytes().all(|byte| byte.is_ascii_graphic()));
            if let Some(model) = body.get(span) {
                let prefix = BodyPrefix { start: &body[..body.len().min(20)], model };
                if let Some(from_parts) = exchange.request_from_prefix(prefix) {
                    assert_eq!(from_parts.expect("parts are as good as the whole"), request);
                }
            }
            serde_json::from_slice::<serde_json::Value>(&request.body.applied(body)).expect("the upstream gets JSON");
        }
    }
});
