//! Response headers: what is read from the provider's, and what the client gets.
//!
//! The client gets only the headers that mean something to it; the provider's others (cookies, server, network, the
//! account's organisation) are dropped. Rate limits are renamed to what the client's own SDK expects.

use std::borrow::Cow;

use super::ResponseHeaders;
use crate::error::retry_after;
use crate::format::ClientFormat;
use crate::headers::HeaderSlice;

/// Forwarded under its own name. SDKs of both shapes retry by the first three.
const KEPT: [&str; 4] = [
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
    "cache-control",
];

/// Forwarded to clients of OpenAI's shape, whose SDKs show it.
const PROCESSING_TIME: &str = "openai-processing-ms";

/// The provider's request id, for its support. The first one found is forwarded.
const REQUEST_IDS: [&str; 4] = [
    "x-request-id",
    "request-id",
    "x-amzn-requestid",
    "apim-request-id",
];

/// Anthropic's rate limit headers and OpenAI's names for them.
const RATE_LIMITS: [(&str, &str); 6] = [
    (
        "anthropic-ratelimit-requests-limit",
        "x-ratelimit-limit-requests",
    ),
    (
        "anthropic-ratelimit-requests-remaining",
        "x-ratelimit-remaining-requests",
    ),
    (
        "anthropic-ratelimit-requests-reset",
        "x-ratelimit-reset-requests",
    ),
    (
        "anthropic-ratelimit-tokens-limit",
        "x-ratelimit-limit-tokens",
    ),
    (
        "anthropic-ratelimit-tokens-remaining",
        "x-ratelimit-remaining-tokens",
    ),
    (
        "anthropic-ratelimit-tokens-reset",
        "x-ratelimit-reset-tokens",
    ),
];

/// `content-type` in lower case without parameters; empty if absent.
pub(super) fn media_type<'a>(headers: &HeaderSlice<'a>) -> Cow<'a, str> {
    let value = text(headers, "content-type").unwrap_or_default();
    let media_type = value.split(';').next().unwrap_or_default().trim();
    if media_type.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(media_type.to_ascii_lowercase())
    } else {
        Cow::Borrowed(media_type)
    }
}

/// `content-encoding`, unless it is absent or `identity`.
pub(super) fn content_encoding<'a>(headers: &HeaderSlice<'a>) -> Option<&'a str> {
    text(headers, "content-encoding")
        .map(str::trim)
        .filter(|encoding| !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity"))
}

/// `content-length`, if it is a number.
pub(super) fn content_length(headers: &HeaderSlice<'_>) -> Option<u64> {
    text(headers, "content-length")?.trim().parse().ok()
}

/// The provider's headers that are forwarded to `client`. `now` is in Unix seconds.
pub(super) fn kept<'a>(
    upstream: &HeaderSlice<'a>,
    client: ClientFormat,
    now: u64,
) -> ResponseHeaders<'a> {
    let (limits, request_id_name) = if client.speaks_anthropic() {
        ("anthropic-ratelimit-", "request-id")
    } else {
        ("x-ratelimit-", "x-request-id")
    };
    let mut list = ResponseHeaders::with_capacity(8);
    let mut request_id = None;
    for (name, value) in upstream {
        let is_shown = *name == PROCESSING_TIME && !client.speaks_anthropic();
        if name.starts_with(limits) || KEPT.contains(name) || is_shown {
            list.push((name, Cow::Borrowed(*value)));
        } else if let Some((from, to)) = RATE_LIMITS.iter().find(|(from, _)| from == name)
            && let Some(value) = renamed_limit(from, value, upstream, now)
        {
            list.push((to, value));
        }
        if request_id.is_none() && REQUEST_IDS.contains(name) {
            request_id = Some(*value);
        }
    }
    if let Some(value) = request_id {
        list.push((request_id_name, Cow::Borrowed(value)));
    }
    list
}

/// OpenAI's resets are durations, Anthropic's are dates.
fn renamed_limit<'a>(
    name: &str,
    value: &'a [u8],
    upstream: &HeaderSlice<'_>,
    now: u64,
) -> Option<Cow<'a, [u8]>> {
    if !name.ends_with("-reset") {
        return Some(Cow::Borrowed(value));
    }
    let date = (upstream.iter().copied())
        .filter(|(known, _)| *known == "date")
        .take(1);
    let list: Vec<_> = date.chain([(name, value)]).collect();
    let seconds = retry_after::limit_reset_ms(&list, Some(now))?.div_ceil(1000);
    Some(Cow::Owned(format!("{seconds}s").into_bytes()))
}

/// Adds the headers that describe the body to `list`.
pub(super) fn with_content(
    mut list: ResponseHeaders<'_>,
    is_stream: bool,
    length: Option<u64>,
) -> ResponseHeaders<'_> {
    let content_type: &[u8] = if is_stream {
        b"text/event-stream"
    } else {
        b"application/json"
    };
    list.push(("content-type", Cow::Borrowed(content_type)));
    if let Some(length) = length.filter(|_| !is_stream) {
        let length = length.to_string().into_bytes();
        list.push(("content-length", Cow::Owned(length)));
    }
    list
}

fn text<'a>(headers: &HeaderSlice<'a>, name: &str) -> Option<&'a str> {
    let (_, value) = headers.iter().find(|(known, _)| *known == name)?;
    std::str::from_utf8(value).ok()
}

#[cfg(test)]
mod tests {
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
}
