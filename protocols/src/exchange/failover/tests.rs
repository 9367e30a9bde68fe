#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use catalog::Provider;

use super::*;
use crate::format::ClientFormat;
use crate::translator::test_attempt;

#[test]
fn silence_is_a_timeout_by_its_age_else_a_matter_of_the_connection() {
    let table = [
        (1000, 1000, true, FailoverReason::UpstreamTimeout),
        (970, 1000, false, FailoverReason::UpstreamTimeout),
        (969, 1000, true, FailoverReason::UpstreamReset),
        (0, 1000, false, FailoverReason::UpstreamConnect),
        (u64::MAX, u64::MAX, false, FailoverReason::UpstreamTimeout),
    ];
    for (waited_ms, timeout_ms, connected, expected) in table {
        let reason = FailoverReason::classify_no_response(waited_ms, timeout_ms, || connected);
        assert_eq!(reason, expected, "{waited_ms} of {timeout_ms} ms");
    }
}

#[test]
fn the_providers_fault_fails_over_and_the_clients_does_not() {
    use FailoverReason::{
        ContentPolicy, ContextLength, ModelNotFound, Upstream5xx, UpstreamAuth,
        UpstreamRateLimited, UpstreamRefused, UpstreamTimeout,
    };
    let table = [
        (ErrorKind::InvalidRequest, 400, None),
        (ErrorKind::InvalidRequest, 422, None),
        (ErrorKind::NotFound, 404, None),
        (ErrorKind::RequestTooLarge, 413, None),
        (ErrorKind::ContextLength, 400, None),
        (ErrorKind::ContentPolicy, 400, None),
        (ErrorKind::Authentication, 401, Some(UpstreamAuth)),
        (ErrorKind::Permission, 403, Some(UpstreamAuth)),
        (ErrorKind::UnsupportedField, 400, Some(UpstreamRefused)),
        (ErrorKind::Refused, 403, Some(UpstreamRefused)),
        (ErrorKind::Refused, 451, Some(UpstreamRefused)),
        (ErrorKind::EndpointNotFound, 404, Some(UpstreamRefused)),
        (ErrorKind::EndpointNotFound, 405, Some(UpstreamRefused)),
        (ErrorKind::ModelNotFound, 404, Some(ModelNotFound)),
        (ErrorKind::Timeout, 408, Some(UpstreamTimeout)),
        (ErrorKind::RateLimited, 429, Some(UpstreamRateLimited)),
        (ErrorKind::QuotaExhausted, 429, Some(UpstreamRateLimited)),
        (ErrorKind::QuotaExhausted, 400, Some(Upstream5xx)),
        (ErrorKind::Overloaded, 400, Some(Upstream5xx)),
        (ErrorKind::Overloaded, 503, Some(Upstream5xx)),
        (ErrorKind::Timeout, 504, Some(Upstream5xx)),
        (ErrorKind::Server, 424, Some(Upstream5xx)),
        (ErrorKind::Server, 500, Some(Upstream5xx)),
    ];
    let attempt = test_attempt(ClientFormat::ChatCompletions, Provider::COMPATIBLE);
    for (kind, status, expected) in table {
        let error = ProviderError {
            status,
            ..ProviderError::new(kind, "x")
        };
        assert_eq!(reason(&error, &attempt), expected, "{kind:?} {status}");
    }
    let asked = Attempt {
        fail_over_on_context_length: true,
        fail_over_on_content_policy: true,
        ..attempt
    };
    for (kind, expected) in [
        (ErrorKind::ContextLength, ContextLength),
        (ErrorKind::ContentPolicy, ContentPolicy),
    ] {
        assert_eq!(
            reason(&ProviderError::new(kind, "x"), &asked),
            Some(expected)
        );
    }
}
