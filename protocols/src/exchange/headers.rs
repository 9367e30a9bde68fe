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
mod tests;
