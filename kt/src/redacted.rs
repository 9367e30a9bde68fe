//! Texts that may hold URLs, without what those keep secret: everything that `kt` says of an error goes through here.

use std::borrow::Cow;
use std::fmt;

const MASK: &str = "***";
/// Names of query parameters whose values are secret, wherever they stand in the name.
const SECRET_PARAMETERS: [&str; 8] = [
    "token",
    "key",
    "secret",
    "pass",
    "auth",
    "sig",
    "credential",
    "pwd",
];

/// Shows a text without user names, passwords and secret query parameters of the URLs in it. A URL ends where white
/// space, a quotation mark or a bracket stands.
pub(crate) struct Redacted<'a>(pub(crate) &'a str);

impl fmt::Display for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ends_word = |c: char| c.is_whitespace() || "'\"`<>()[]{}|".contains(c);
        let mut rest = self.0;
        while let Some(end) = rest.find(ends_word) {
            let (word, behind) = rest.split_at(end);
            let separator = behind.chars().next().map_or(0, char::len_utf8);
            f.write_str(&in_text(word))?;
            f.write_str(&behind[..separator])?;
            rest = &behind[separator..];
        }
        f.write_str(&in_text(rest))
    }
}

/// A word is a URL if it says so, or looks like one whose scheme was mistyped: `user:password@host`.
fn in_text(word: &str) -> Cow<'_, str> {
    let looks_like_one = word.contains("://")
        || word
            .split_once('@')
            .is_some_and(|(user, _)| user.contains(':'));
    if looks_like_one {
        url(word)
    } else {
        Cow::Borrowed(word)
    }
}

/// All of `text` was meant as a URL, however wrong it is.
pub(crate) fn url(text: &str) -> Cow<'_, str> {
    let begin = text.find("://").map_or(0, |at| at + 3);
    let (head, query) = match text.split_once('?') {
        Some((head, query)) => (head, Some(query)),
        None => (text, None),
    };
    // A password may hold an `@` or a `?` that somebody forgot to escape: the last one ends it.
    if let Some(at) = text.rfind('@').filter(|at| *at >= begin) {
        return Cow::Owned(format!(
            "{}{MASK}{}",
            &text[..begin],
            redact_query(&text[at..])
        ));
    }
    match query {
        Some(_) => Cow::Owned(format!("{head}{}", redact_query(&text[head.len()..]))),
        None => Cow::Borrowed(text),
    }
}

fn redact_query(text: &str) -> String {
    let Some((head, query)) = text.split_once('?') else {
        return text.to_owned();
    };
    let parameters: Vec<String> = query
        .split('&')
        .map(|parameter| match parameter.split_once('=') {
            Some((name, _)) if is_secret(name) => format!("{name}={MASK}"),
            _ => parameter.to_owned(),
        })
        .collect();
    format!("{head}?{}", parameters.join("&"))
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_PARAMETERS.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_keeps_secret_is_shown_nowhere() {
        for (text, shown) in [
            ("clickhouse://u:pw@h/d", "clickhouse://***@h/d"),
            ("clickhuose://u:p@w@h/d", "clickhuose://***@h/d"),
            (
                "cannot reach 'http://u:pw@h:1/x': refused",
                "cannot reach 'http://***@h:1/x': refused",
            ),
            (
                "see (https://h/?a=1&api_token=pw&b=2)",
                "see (https://h/?a=1&api_token=***&b=2)",
            ),
            ("http//u:pw@h", "***@h"),
            ("https://h/?Signature=pw", "https://h/?Signature=***"),
            ("https://u:p?w@h/", "https://***@h/"),
            ("https://h/a?b=c", "https://h/a?b=c"),
            (
                "ask somebody@example.com at 10:30",
                "ask somebody@example.com at 10:30",
            ),
            ("nothing: of é that", "nothing: of é that"),
            ("", ""),
        ] {
            assert_eq!(Redacted(text).to_string(), shown);
            assert!(!Redacted(text).to_string().contains("pw"));
        }
        // A whole value, spaces and all.
        assert_eq!(url("clickhouse:/u:p w@h"), "***@h");
        assert_eq!(url("token@h"), "***@h");
        assert_eq!(url("nowhere"), "nowhere");
    }
}
