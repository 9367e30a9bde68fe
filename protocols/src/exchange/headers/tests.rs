#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn headers<'a>(list: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a [u8])> {
    list.iter()
        .map(|(name, value)| (*name, value.as_bytes()))
        .collect()
}

fn kept_of<'a>(
    upstream: &'a [(&'a str, &'a [u8])],
    client: ClientFormat,
    now: u64,
) -> Vec<(&'a str, String)> {
    kept(upstream, client, now)
        .into_iter()
        .map(|(name, value)| (name, String::from_utf8(value.into_owned()).unwrap()))
        .collect()
}

#[test]
fn only_what_has_a_meaning_for_the_client_goes_on() {
    let upstream = headers(&[
        (":status", "200"),
        ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("content-type", "application/json"),
        ("content-length", "12"),
        ("content-encoding", "identity"),
        ("transfer-encoding", "chunked"),
        ("connection", "keep-alive"),
        ("set-cookie", "__cf_bm=1"),
        ("server", "cloudflare"),
        ("via", "1.1 x"),
        ("alt-svc", "h3"),
        ("cf-ray", "1"),
        ("openai-organization", "secret-org"),
        ("openai-processing-ms", "5"),
        ("x-envoy-upstream-service-time", "5"),
        ("strict-transport-security", "x"),
        ("x-should-retry", "true"),
        ("x-request-id", "req_1"),
        ("request-id", "req_2"),
        ("cache-control", "no-cache"),
        ("retry-after", "3"),
        ("x-ratelimit-remaining-tokens", "7"),
    ]);
    let expected = [
        ("openai-processing-ms", "5"),
        ("x-should-retry", "true"),
        ("cache-control", "no-cache"),
        ("retry-after", "3"),
        ("x-ratelimit-remaining-tokens", "7"),
        ("x-request-id", "req_1"),
    ]
    .map(|(name, value)| (name, value.to_owned()));
    assert_eq!(
        kept_of(&upstream, ClientFormat::ChatCompletions, 0),
        expected
    );
    let anthropic = kept_of(&upstream, ClientFormat::AnthropicMessages, 0);
    let names: Vec<&str> = anthropic.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        [
            "x-should-retry",
            "cache-control",
            "retry-after",
            "request-id"
        ]
    );
}

#[test]
fn rate_limits_are_named_as_the_clients_sdk_names_them() {
    let upstream = headers(&[
        ("anthropic-ratelimit-requests-limit", "50"),
        ("anthropic-ratelimit-requests-remaining", "0"),
        ("anthropic-ratelimit-requests-reset", "1994-11-06T08:49:37Z"),
        ("anthropic-ratelimit-input-tokens-remaining", "1"),
        ("anthropic-organization-id", "secret"),
        ("request-id", "req_1"),
    ]);
    let expected = [
        ("x-ratelimit-limit-requests", "50"),
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "37s"),
        ("x-request-id", "req_1"),
    ]
    .map(|(name, value)| (name, value.to_owned()));
    assert_eq!(
        kept_of(&upstream, ClientFormat::ChatCompletions, 784_111_740),
        expected
    );
    let anthropic: Vec<&str> = kept(&upstream, ClientFormat::AnthropicMessages, 0)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(anthropic.len(), 5);
    assert!(anthropic.contains(&"request-id"));
    assert!(!anthropic.contains(&"anthropic-organization-id"));
}

#[test]
fn what_is_read_from_the_providers_headers() {
    let list = headers(&[
        ("content-type", "Text/Event-Stream; charset=utf-8"),
        ("content-encoding", "gzip"),
    ]);
    assert_eq!(
        (&*media_type(&list), content_encoding(&list)),
        ("text/event-stream", Some("gzip"))
    );
    let list = headers(&[("content-encoding", "Identity"), ("content-length", "12")]);
    assert_eq!((&*media_type(&list), content_encoding(&list)), ("", None));
    assert_eq!(content_length(&list), Some(12));
    assert_eq!(content_length(&headers(&[("content-length", "-1")])), None);
}
