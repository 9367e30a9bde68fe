//! JSON answers and errors of any status reach the client as JSON, or fail over.
#![no_main]

use fuzz_support::{answer, attempt};
use libfuzzer_sys::fuzz_target;
use protocols::UpstreamFormat;

fuzz_target!(|input: (u8, u16, &[u8])| {
    let (selector, status, body) = input;
    let Some(attempt) = attempt(selector, false, b"{\"model\":\"m\"}") else { return };
    let status = 200 + status % 400;
    let passes = matches!(
        attempt.upstream(),
        UpstreamFormat::OpenAi | UpstreamFormat::Anthropic
    );
    if let Ok((shown, out)) = answer(attempt, status, body, usize::MAX) {
        assert_eq!(shown, status);
        // What passes untouched is as broken as it came; what is translated or an error of ours is JSON.
        if !out.is_empty() && !(passes && (200..300).contains(&status)) {
            serde_json::from_slice::<serde_json::Value>(&out).expect("the client gets JSON");
        }
    }
});
