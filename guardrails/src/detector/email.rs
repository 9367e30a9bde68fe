//! Addresses of mailboxes: `local@domain.tld` (RFC 5321 without quoted local parts and address literals), in letters of any
//! script (RFC 6531, IDNA).

use std::ops::Range;

const MAX_LOCAL_CHARS: usize = 64;
const MAX_DOMAIN_CHARS: usize = 253;

/// Around the `@` at `at`.
pub(super) fn around(text: &str, at: usize) -> Option<Range<usize>> {
    let before = text.get(..at)?;
    let after = text.get(at.checked_add(1)?..)?;
    let local = local(before);
    let domain = domain(after)?;
    let start = at.saturating_sub(local.len());
    let end = at.saturating_add(1).saturating_add(domain.len());
    (!local.is_empty()).then_some(start..end)
}

/// The end of `text` that can be a local part.
fn local(text: &str) -> &str {
    // Nothing else separates an address from a sentence that is written without spaces.
    let in_running_text = text
        .chars()
        .next_back()
        .is_some_and(is_written_without_spaces);
    let is_local = |char: &char| {
        is_letter(*char) && (in_running_text || !is_written_without_spaces(*char))
            || "._%+-'".contains(*char)
    };
    let chars = text.chars().rev().take(MAX_LOCAL_CHARS);
    let length: usize = chars.take_while(is_local).map(char::len_utf8).sum();
    let local = text
        .get(text.len().saturating_sub(length)..)
        .unwrap_or_default();
    // Quotes and full stops before an address are not part of it.
    local.trim_start_matches(['.', '-', '\''])
}

/// The beginning of `text` that can be a domain. It ends with its last label that can be a top-level domain; what follows
/// may be the end of a sentence.
fn domain(text: &str) -> Option<&str> {
    let mut end = None;
    let mut label_start = 0_usize;
    let mut dots = 0_usize;
    let mut rest = MAX_DOMAIN_CHARS;
    loop {
        let label = label(text.get(label_start..)?, rest);
        if label.is_empty() || label.starts_with('-') {
            break;
        }
        let label_end = label_start.saturating_add(label.len());
        if dots > 0 && is_top_level(label) {
            end = Some(label_end);
        }
        let Some(dot) = text.get(label_end..)?.chars().next() else {
            break;
        };
        // IDNA takes these for dots; behind a label in ASCII they are the ends of sentences.
        let is_dot = dot == '.' || (matches!(dot, '。' | '｡') && !label.is_ascii());
        let length = label.chars().count().saturating_add(1);
        if !is_dot || rest <= length {
            break;
        }
        rest = rest.saturating_sub(length);
        label_start = label_end.saturating_add(dot.len_utf8());
        dots = dots.saturating_add(1);
    }
    text.get(..end?)
}

/// The label at the front of `text`, at most `limit` characters.
fn label(text: &str, limit: usize) -> &str {
    let is_part = |char: &char| *char == '-' || is_letter(*char);
    let chars = text.chars().take(limit).take_while(is_part);
    let (label, behind) = text
        .split_at_checked(chars.map(char::len_utf8).sum())
        .unwrap_or((text, ""));
    // The last label of `example.com` may be followed by a sentence that is written without spaces.
    let goes_on = behind
        .strip_prefix('.')
        .is_some_and(|next| next.starts_with(is_letter));
    match label.find(is_written_without_spaces) {
        Some(sentence) if !goes_on && label.starts_with(|char: char| char.is_ascii()) => {
            label.get(..sentence).unwrap_or_default()
        }
        _ => label,
    }
}

fn is_top_level(label: &str) -> bool {
    let is_name = |char: char| is_letter(char) && !char.is_numeric();
    label.starts_with("xn--") || (label.chars().nth(1).is_some() && label.chars().all(is_name))
}

/// A letter or digit of any script, or a sign that joins letters in the scripts of India and its neighbours.
fn is_letter(char: char) -> bool {
    char.is_alphanumeric()
        || matches!(char, '\u{93c}' | '\u{94d}' | '\u{9bc}' | '\u{9cd}' | '\u{a3c}' | '\u{a4d}' | '\u{abc}' | '\u{acd}'
            | '\u{b3c}' | '\u{b4d}' | '\u{bcd}' | '\u{c4d}' | '\u{cbc}' | '\u{ccd}' | '\u{d4d}' | '\u{dca}' | '\u{e3a}'
            | '\u{e47}'..='\u{e4e}' | '\u{eba}' | '\u{ec8}'..='\u{ece}' | '\u{1037}' | '\u{1039}' | '\u{103a}' | '\u{17d2}')
}

/// Of a script in which words follow on each other without spaces, or on their particles: Thai and its neighbours, Chinese,
/// Japanese, Korean.
fn is_written_without_spaces(char: char) -> bool {
    matches!(char, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3005}'..='\u{3007}'
        | '\u{3040}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}
