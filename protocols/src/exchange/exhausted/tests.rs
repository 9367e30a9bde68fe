#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn attempts_are_summed_up_as_the_contract_says() {
    let limited = |retry_after_ms| FailedAttempt {
        reason: Some(FailoverReason::UpstreamRateLimited),
        answered: true,
        retry_after_ms,
    };
    let answered = FailedAttempt {
        reason: Some(FailoverReason::Upstream5xx),
        answered: true,
        retry_after_ms: None,
    };
    let silent = FailedAttempt {
        reason: Some(FailoverReason::UpstreamTimeout),
        answered: false,
        retry_after_ms: None,
    };
    let table: [(&[FailedAttempt], u16, Option<u64>); 8] = [
        (&[], 503, Some(1000)),
        (&[silent], 503, Some(1000)),
        (&[silent, silent], 503, Some(1000)),
        (&[answered], 502, None),
        (&[silent, answered], 502, None),
        (&[limited(None)], 429, Some(1000)),
        (
            &[limited(Some(9000)), limited(Some(4000)), limited(None)],
            429,
            Some(4000),
        ),
        (&[limited(Some(9000)), silent], 502, Some(9000)),
    ];
    for (attempts, status, retry_after_ms) in table {
        let sum = Exhausted::of(attempts.iter().copied());
        assert_eq!(
            (sum.status, sum.retry_after_ms),
            (status, retry_after_ms),
            "{attempts:?}"
        );
    }
}
