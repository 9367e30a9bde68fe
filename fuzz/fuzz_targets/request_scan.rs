//! The request scanner accepts only JSON, and where it says the model is, the model is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocols::ClientFormat;
use serde_json::Value;

fuzz_target!(|body: &[u8]| {
    let Ok(facts) = protocols::facts::scan(ClientFormat::ChatCompletions, body) else { return };
    let value: Value = serde_json::from_slice(body).expect("what the scanner accepts is JSON");
    assert_eq!(value["model"].as_str(), Some(&*facts.model));
    let spelled: String = serde_json::from_slice(&body[facts.model_span]).expect("the span is a string");
    assert_eq!(spelled, facts.model);
});
