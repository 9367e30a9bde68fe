//! The headers of an answer: what is read from the provider's, and what the client gets.
//!
//! The client's list is built from the few that have a meaning for it; the provider's others (cookies, its server and
//! network, its account's organisation) stay behind. Rate limits are named as the client's own SDK names them.

use super::Headers;
use crate::error::retry_after;
use crate::format::ClientFormat;

/// Goes on under its own name.
const KEPT: [&str; 3] = ["retry-after", "retry-after-ms", "cache-control"];

/// The provider's name for this request, to quote to its support. The first that is found goes on.
const REQUEST_IDS: [&str; 4] = [
    "x-request-id",
    "request-id",
    "x-amzn-requestid",
    "apim-request-id",
];

/// Anthropic's rate limits and their names in OpenAI's answers.
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

/// `content-type` without its parameters, in lower case; empty where there is none.
pub(super) fn media_type(headers: &Headers) -> String {
    let value = text(headers, "content-type").unwrap_or_default();
    value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

/// `content-encoding`, unless it says that there is none.
pub(super) fn content_encoding(headers: &Headers) -> Option<&str> {
    text(headers, "content-encoding")
        .map(str::trim)
        .filter(|encoding| !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity"))
}

/// `content-length`, where it is a number.
pub(super) fn content_length(headers: &Headers) -> Option<u64> {
    text(headers, "content-length")?.trim().parse().ok()
}

/// The provider's headers that go on to `client`. `now` is in Unix seconds.
pub(super) fn kept(upstream: &Headers, client: ClientFormat, now: u64) -> Headers {
    let anthropic = client.speaks_anthropic();
    let mut list = Headers::new();
    let mut request_id = None;
    for (name, value) in upstream {
        let is_limit = if anthropic {
            name.starts_with("anthropic-ratelimit-")
        } else {
            name.starts_with("x-ratelimit-")
        };
        if is_limit || KEPT.contains(&name.as_str()) {
            list.push((name.clone(), value.clone()));
        } else if let Some((from, to)) = RATE_LIMITS.iter().find(|(from, _)| from == name)
            && let Some(value) = renamed_limit(from, value, upstream, now)
        {
            list.push(((*to).to_owned(), value));
        }
        if request_id.is_none() && REQUEST_IDS.contains(&name.as_str()) {
            request_id = Some(value.clone());
        }
    }
    if let Some(value) = request_id {
        list.push((
            String::from(if anthropic {
                "request-id"
            } else {
                "x-request-id"
            }),
            value,
        ));
    }
    list
}

/// OpenAI's resets are durations, Anthropic's are times.
fn renamed_limit(name: &str, value: &[u8], upstream: &Headers, now: u64) -> Option<Vec<u8>> {
    if !name.ends_with("-reset") {
        return Some(value.to_vec());
    }
    let date = upstream.iter().find(|(known, _)| known == "date").cloned();
    let list: Headers = date
        .into_iter()
        .chain([(name.to_owned(), value.to_vec())])
        .collect();
    let seconds = retry_after::limit_reset_ms(&list, Some(now))?.div_ceil(1000);
    Some(format!("{seconds}s").into_bytes())
}

/// `list` with what describes the body.
pub(super) fn with_content(mut list: Headers, is_stream: bool, length: Option<u64>) -> Headers {
    let content_type = if is_stream {
        "text/event-stream"
    } else {
        "application/json"
    };
    list.push((
        String::from("content-type"),
        content_type.as_bytes().to_vec(),
    ));
    if let Some(length) = length.filter(|_| !is_stream) {
        list.push((
            String::from("content-length"),
            length.to_string().into_bytes(),
        ));
    }
    list
}

fn text<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    let (_, value) = headers.iter().find(|(known, _)| known == name)?;
    std::str::from_utf8(value).ok()
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn headers(list: &[(&str, &str)]) -> Headers {
        list.iter()
            .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
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
        let expected = headers(&[
            ("cache-control", "no-cache"),
            ("retry-after", "3"),
            ("x-ratelimit-remaining-tokens", "7"),
            ("x-request-id", "req_1"),
        ]);
        assert_eq!(kept(&upstream, ClientFormat::ChatCompletions, 0), expected);
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
        let expected = headers(&[
            ("x-ratelimit-limit-requests", "50"),
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "37s"),
            ("x-request-id", "req_1"),
        ]);
        assert_eq!(
            kept(&upstream, ClientFormat::ChatCompletions, 784_111_740),
            expected
        );
        let anthropic: Vec<String> = kept(&upstream, ClientFormat::AnthropicMessages, 0)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(anthropic.len(), 5);
        assert!(anthropic.contains(&"request-id".to_owned()));
        assert!(!anthropic.contains(&"anthropic-organization-id".to_owned()));
    }

    #[test]
    fn what_is_read_from_the_providers_headers() {
        let list = headers(&[
            ("content-type", "Text/Event-Stream; charset=utf-8"),
            ("content-encoding", "gzip"),
        ]);
        assert_eq!(
            (media_type(&list).as_str(), content_encoding(&list)),
            ("text/event-stream", Some("gzip"))
        );
        let list = headers(&[("content-encoding", "Identity"), ("content-length", "12")]);
        assert_eq!(
            (media_type(&list).as_str(), content_encoding(&list)),
            ("", None)
        );
        assert_eq!(content_length(&list), Some(12));
        assert_eq!(content_length(&headers(&[("content-length", "-1")])), None);
    }
}
