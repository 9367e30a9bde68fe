//! Escape sequences of JSON in texts that need not be JSON.

/// The first character of `text`, its escape sequence read, and what follows. A backslash that begins none is itself. Half a
/// surrogate pair is U+FFFD.
pub(crate) fn first_char(text: &str) -> Option<(char, &str)> {
    let mut chars = text.chars();
    let first = chars.next()?;
    let rest = chars.as_str();
    match first {
        '\\' => Some(escaped(rest).unwrap_or((first, rest))),
        _ => Some((first, rest)),
    }
}

/// The character that stands behind a backslash at the front of `rest`, and what follows. `None` where it is no escape
/// sequence.
pub(crate) fn escaped(rest: &str) -> Option<(char, &str)> {
    escape_sequence(rest, |rest| rest.strip_prefix('\\'))
}

/// [`escaped`] behind any number of backslashes: as many stand in the middle of a surrogate pair.
pub(crate) fn escaped_deeply(rest: &str) -> Option<(char, &str)> {
    escape_sequence(rest, |rest| Some(rest.trim_start_matches('\\')))
}

fn escape_sequence<'a>(
    rest: &'a str,
    behind_backslash: impl Fn(&'a str) -> Option<&'a str>,
) -> Option<(char, &'a str)> {
    let mut chars = rest.chars();
    let char = match chars.next()? {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return unicode(chars.as_str(), behind_backslash),
        char @ ('"' | '\\' | '/') => char,
        _ => return None,
    };
    Some((char, chars.as_str()))
}

fn unicode<'a>(
    digits: &'a str,
    behind_backslash: impl Fn(&'a str) -> Option<&'a str>,
) -> Option<(char, &'a str)> {
    let (first, rest) = code_unit(digits)?;
    if let Some(char) = char::from_u32(first) {
        return Some((char, rest));
    }
    let second = behind_backslash(rest)
        .and_then(|rest| rest.strip_prefix('u'))
        .and_then(code_unit);
    Some(match (first, second) {
        (0xD800..=0xDBFF, Some((second @ 0xDC00..=0xDFFF, behind))) => {
            let code = ((first & 0x3FF) << 10 | second & 0x3FF).saturating_add(0x1_0000);
            (
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
                behind,
            )
        }
        _ => (char::REPLACEMENT_CHARACTER, rest),
    })
}

fn code_unit(digits: &str) -> Option<(u32, &str)> {
    let (digits, rest) = digits.split_at_checked(4)?;
    // A sign is no digit here.
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    Some((u32::from_str_radix(digits, 16).ok()?, rest))
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn sequences_are_read_and_all_else_is_itself() {
        for (text, expected) in [
            (r"\n4", Some(('\n', "4"))),
            (r"\/4", Some(('/', "4"))),
            (r"\\n", Some(('\\', "n"))),
            (r"\u0041B", Some(('A', "B"))),
            (r"\ud83D\uDe00x", Some(('😀', "x"))),
            (r"\ud83dx", Some(('\u{fffd}', "x"))),
            (r"\ud83d\u0041", Some(('\u{fffd}', r"\u0041"))),
            (r"\u+041", Some(('\\', "u+041"))),
            (r"\u00é", Some(('\\', "u00é"))),
            (r"\4", Some(('\\', "4"))),
            (r"\", Some(('\\', ""))),
            ("é", Some(('é', ""))),
            ("", None),
        ] {
            assert_eq!(first_char(text), expected, "{text}");
        }
    }
}
