//! The path of an endpoint on an upstream.

use std::borrow::Cow;
use std::fmt::Write;

use catalog::PathLayout;

use crate::error::RequestError;
use crate::translator::Attempt;

/// The path and query of one of OpenAI's endpoints (`chat/completions`, `embeddings`, …) on this attempt's upstream.
///
/// | layout | base path | path |
/// |---|---|---|
/// | plain | empty | `/v1/{endpoint}` |
/// | | any other | `{base}/{endpoint}` |
/// | deployments | ends with `/deployments/{d}` or `/v1` | `{base}/{endpoint}`, with `api-version` if configured |
/// | | other, with `api-version` | `{base}/openai/deployments/{model}/{endpoint}?api-version=…` |
/// | | other, with `api-version`, for `responses` | `{base}/openai/responses?api-version=…` |
/// | | other, without | `{base}/openai/v1/{endpoint}` |
///
/// A trailing `/openai` of a base path with deployments is not doubled.
///
/// # Errors
/// The model name cannot be a path segment, see [`segment`].
pub fn openai(attempt: &Attempt, endpoint: &str) -> Result<String, RequestError> {
    let base = attempt.base_path.as_str();
    match attempt.provider.profile().layout {
        PathLayout::Deployments => below_deployments(attempt, endpoint),
        PathLayout::Plain | PathLayout::ModelInPath => {
            let base = if base.is_empty() { "/v1" } else { base };
            Ok(format!("{base}/{endpoint}"))
        }
    }
}

/// The path of one of Anthropic's endpoints (`messages`, `messages/count_tokens`). `/v1` is appended to a base path
/// that does not end with it, as Anthropic's own clients do.
pub fn anthropic(base_path: &str, endpoint: &str) -> String {
    let version = if base_path.ends_with("/v1") {
        ""
    } else {
        "/v1"
    };
    format!("{base_path}{version}/{endpoint}")
}

fn below_deployments(attempt: &Attempt, endpoint: &str) -> Result<String, RequestError> {
    let base = attempt.base_path.as_str();
    let query = attempt
        .api_version
        .as_deref()
        .map_or_else(String::new, |version| {
            format!("?api-version={}", percent_encoded(version))
        });
    let mut last_segments = base.rsplit('/');
    let last = last_segments.next().unwrap_or_default();
    if last == "v1" || last_segments.next() == Some("deployments") {
        return Ok(format!("{base}/{endpoint}{query}"));
    }
    let base = base.strip_suffix("/openai").unwrap_or(base);
    if attempt.api_version.is_none() {
        return Ok(format!("{base}/openai/v1/{endpoint}"));
    }
    if endpoint == "responses" {
        return Ok(format!("{base}/openai/responses{query}"));
    }
    let deployment = segment(&attempt.model)?;
    Ok(format!(
        "{base}/openai/deployments/{deployment}/{endpoint}{query}"
    ))
}

/// A model name as one path segment: everything but unreserved characters is percent-encoded, including `/` and `:`.
///
/// # Errors
/// The name could be read as another path by a proxy: it is empty, `.`, `..`, or has control characters.
pub fn segment(model: &str) -> Result<String, RequestError> {
    let found = match model {
        "" => "an empty name",
        "." | ".." => "a relative path",
        name if name.chars().any(char::is_control) => "control characters",
        name => return Ok(percent_encoded(name)),
    };
    let why = format!("expected a name that can stand in a URL's path, found {found}");
    Err(RequestError::invalid_value("model", why))
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
pub fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            // Writing to a `String` cannot fail.
            _ => _ = write!(encoded, "%{byte:02X}"),
        }
    }
    encoded
}

/// A path segment or query value with its `%XX` read, once. `None` where a `%` begins no escape, or the result is not UTF-8.
pub fn percent_decoded(text: &str) -> Option<Cow<'_, str>> {
    let Some((plain, mut rest)) = text.split_once('%') else {
        return Some(Cow::Borrowed(text));
    };
    let mut bytes = plain.as_bytes().to_vec();
    loop {
        let (digits, behind) = rest.split_at_checked(2)?;
        // `from_str_radix` takes a sign.
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        let (plain, after) = behind.split_once('%').unwrap_or((behind, ""));
        bytes.extend_from_slice(plain.as_bytes());
        if plain.len() == behind.len() {
            return String::from_utf8(bytes).ok().map(Cow::Owned);
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests;
