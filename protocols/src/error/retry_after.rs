//! When a provider asks to be retried, in all spellings that providers use.
//!
//! | header | value | who |
//! |---|---|---|
//! | `retry-after-ms` | milliseconds | OpenAI, Azure |
//! | `retry-after` | seconds, with or without a fraction; or an HTTP date | all |
//! | `x-ratelimit-reset-requests`, `-tokens` | `1m30s`, `20ms`, `6.5s`, or seconds | OpenAI, Groq, Azure |
//! | `anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-reset` | RFC 3339 | Anthropic |
//! | `x-ratelimit-reset` | seconds, or Unix time in seconds or milliseconds | OpenRouter and others |
//!
//! These are the provider's values; the caller caps them.

use super::date::{http_date_ms, rfc3339_ms};
use crate::headers::{self, HeaderSlice};

/// Header pairs: the remaining quota, and when it resets.
const LIMITS: [(&str, &str); 6] = [
    (
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
    ),
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    (
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ),
    (
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
    ),
    (
        "anthropic-ratelimit-input-tokens-remaining",
        "anthropic-ratelimit-input-tokens-reset",
    ),
    (
        "anthropic-ratelimit-output-tokens-remaining",
        "anthropic-ratelimit-output-tokens-reset",
    ),
];

/// Milliseconds that `retry-after-ms` or `retry-after` ask to wait. Dates are relative to the response's `date`, else
/// to `now` in Unix seconds; without either they are ignored.
pub fn explicit_ms(headers: &HeaderSlice<'_>, now: Option<u64>) -> Option<u64> {
    if let Some(delay) =
        headers::text(headers, "retry-after-ms").and_then(|text| decimal_ms(text, 1))
    {
        return Some(delay);
    }
    let text = headers::text(headers, "retry-after")?.trim();
    decimal_ms(text, 1000)
        .or_else(|| Some(http_date_ms(text)?.saturating_sub(now_ms(headers, now)?)))
}

/// Milliseconds until these rate limits reset: the longest of those that are exhausted, else the longest of all.
/// Providers send these headers with every response; they are a request to wait only beside a 429.
pub fn limit_reset_ms(headers: &HeaderSlice<'_>, now: Option<u64>) -> Option<u64> {
    let now_ms = now_ms(headers, now);
    let reset = |name| reset_ms(headers::text(headers, name)?.trim(), now_ms);
    let used_up = |(remaining, _): &&(&str, &str)| {
        headers::text(headers, remaining).is_some_and(|text| text.trim() == "0")
    };
    let longest_used_up = LIMITS
        .iter()
        .filter(used_up)
        .filter_map(|(_, name)| reset(name))
        .max();
    longest_used_up
        .or_else(|| LIMITS.iter().filter_map(|(_, name)| reset(name)).max())
        .or_else(|| reset("x-ratelimit-reset"))
}

/// Parses a delay such as `34s`, `1m30s`, `20ms` or `1h2m3.5s` into milliseconds.
pub fn duration_ms(text: &str) -> Option<u64> {
    let mut total = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| c.is_ascii_alphabetic())?;
        let (amount, tail) = rest.split_at_checked(unit_at)?;
        let unit_end = tail
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(unit_end)?;
        let scale = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        total = total.checked_add(decimal_ms(amount, scale)?)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(total)
}

fn now_ms(headers: &HeaderSlice<'_>, now: Option<u64>) -> Option<u64> {
    headers::text(headers, "date")
        .and_then(|text| http_date_ms(text.trim()))
        .or_else(|| now?.checked_mul(1000))
}

fn reset_ms(text: &str, now_ms: Option<u64>) -> Option<u64> {
    if let Some(value) = decimal_ms(text, 1000) {
        // Delays are short: a number of seconds later than 2001 is a Unix time, and above 10^12 one in milliseconds.
        return match value / 1000 {
            1_000_000_000_000.. => Some((value / 1000).saturating_sub(now_ms?)),
            1_000_000_000.. => Some(value.saturating_sub(now_ms?)),
            _ => Some(value),
        };
    }
    duration_ms(text).or_else(|| Some(rfc3339_ms(text)?.saturating_sub(now_ms?)))
}

/// A non-negative decimal number times `scale`, rounded up: retrying too early is refused again.
fn decimal_ms(text: &str, scale: u32) -> Option<u64> {
    let text = text.trim();
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !plain || !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    let scaled = (value * f64::from(scale)).ceil();
    // Float casts saturate.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Some(scaled as u64)
}

#[cfg(test)]
mod tests;
