//! Streams look the same to the client however they arrive, and never look complete after a failure.
#![no_main]

use fuzz_support::{answer, attempt};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (selector, step, body) = input;
    let Some(attempt) = attempt(selector, true, b"{\"model\":\"m\",\"stream\":true}") else { return };
    let whole = answer(attempt.clone(), 200, body, usize::MAX);
    let cut = answer(attempt, 200, body, usize::from(step));
    assert_eq!(whole, cut);
});
