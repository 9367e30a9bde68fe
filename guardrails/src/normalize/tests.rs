#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use proptest::prelude::*;

use super::*;

fn read(text: &str, reading: Reading) -> NormalizedText {
    let mut normalized = NormalizedText::default();
    normalized.read(text, reading);
    normalized
}

fn undisguised(text: &str) -> NormalizedText {
    read(text, Reading::Undisguised)
}

#[test]
fn disguises_are_taken_off() {
    for (text, expected) in [
        ("Plain TEXT", "plain text"),
        (r"a\n\t  b\u00a0c", "a b c"),
        ("a\n\t  b\u{85}c\u{2800}d", "a b c d"),
        ("a    b  c       d", "a b c d"),
        (r"\u0041\u00c9\ud83d\ude00", "aé😀"),
        (r#"a\"b\\c\/d"#, r#"a"b\c/d"#),
        (r"a\xb\", r"a\xb\"),
        ("ＫＩＬＬ＠", "kill@"),
        ("𝐤𝑖𝓵𝕝 𝟜𝟚", "kill 42"),
        ("Ⓚ🄸ʟˡ ⑷⁴٤", "kill (4)44"),
        ("don’t — “so”", "don't - \"so\""),
        (r"x\u0000y", "xy"),
        ("ÄÖÜ ẞ ПРИВЕТ", "äöü ß привет"),
        ("İ", "İ"),
        (
            "k\u{336}i\u{336}l\u{336}l\u{336} 4\u{fe0f}\u{20e3}",
            "kill 4",
        ),
        ("\u{1b}[1;31mkill\u{1b}[0m", "kill"),
        (r"\u001b[31mk\u001b[ill", "kll"),
        ("\u{1b}kill\u{1b}[", "kill["),
    ] {
        assert_eq!(undisguised(text).text(), expected, "{text}");
    }
}

/// One of each kind: controls, variation selectors, fillers, tags, marks of direction, joiners.
#[test]
fn what_has_no_width_hides_nothing() {
    let invisible = "\u{0}\u{8}\u{1f}\u{7f}\u{80}\u{9f}\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{180b}\u{180e}\u{200b}\
        \u{200c}\u{200d}\u{200e}\u{202e}\u{2060}\u{2064}\u{2065}\u{2069}\u{206f}\u{3164}\u{fe00}\u{fe0f}\u{feff}\u{ffa0}\u{fff9}\
        \u{1bca0}\u{1d173}\u{e0001}\u{e0041}\u{e007f}\u{e0100}\u{e01ef}";
    for char in invisible.chars() {
        let text = format!("k{char}i{char}{char}ll{char}x");
        assert_eq!(
            undisguised(&text).text(),
            "killx",
            "U+{:04X}",
            u32::from(char)
        );
        let literal = read(&text, Reading::Literal);
        assert_eq!(literal.text(), "k i ll x", "U+{:04X}", u32::from(char));
        assert!(literal.is_disguised());
    }
    assert!(!undisguised("Kill “him” — now，\\n中文 \u{a0}é\\u0041").is_disguised());
}

#[test]
fn other_styles_are_themselves_in_the_literal_reading() {
    for (text, undisguised, literal) in [
        ("him¹", "him1", "him¹"),
        ("Ⓐkill", "akill", "Ⓐkill"),
        ("a\u{301}b", "ab", "a\u{301}b"),
        ("＠", "@", "@"),
        ("\u{1b}[kill", "ill", " [kill"),
    ] {
        assert_eq!(
            read(text, Reading::Undisguised).text(),
            undisguised,
            "{text}"
        );
        assert_eq!(read(text, Reading::Literal).text(), literal, "{text}");
    }
}

#[test]
fn a_backslash_that_was_escaped_is_noticed() {
    for (text, expected) in [
        (r"a\nb\/\u0041", false),
        (r"a\\nb", true),
        (r"a\u005cnb", true),
        (r"a\xb＼", false),
    ] {
        assert_eq!(undisguised(text).has_backslash(), expected, "{text}");
    }
}

#[test]
fn places_lead_back_to_what_was_sent() {
    for (text, part, expected) in [
        ("a Kill b", "kill", "Kill"),
        (r"\nK\u0049ll\n", "kill", r"K\u0049ll"),
        ("k\u{200b}ill\u{200b}", "kill", "k\u{200b}ill"),
        ("\u{200b}kill", "kill", "kill"),
        (r"one\n \t two", "one two", r"one\n \t two"),
        (r"x\n \t two", "two", "two"),
        ("ｋｉｌｌ!", "kill", "ｋｉｌｌ"),
        (r"\ud83d\ude00", "😀", r"\ud83d\ude00"),
        ("x⑷y", "4", "⑷"),
        ("x⑷y", "(4", "⑷"),
        ("x⑷y", "4)y", "⑷y"),
        ("É中4", "中4", "中4"),
    ] {
        let normalized = undisguised(text);
        let start = normalized.text().find(part).unwrap();
        let source = normalized.source(&(start..start + part.len()));
        assert_eq!(&text[source], expected, "{text}");
    }
}

proptest! {
    /// Eight bytes at a time find what one at a time find.
    #[test]
    fn the_fast_way_is_right(text in "[a-c \\\\é\u{7f}\n\u{1f}~]{0,40}", after_space: bool) {
        let mut previous = if after_space { ' ' } else { 'x' };
        let mut expected = text.len();
        for (at, char) in text.char_indices() {
            if "\\é\u{7f}\n\u{1f}".contains(char) || (char == ' ' && previous == ' ') {
                expected = at;
                break;
            }
            previous = char;
        }
        prop_assert_eq!(plain_prefix(text.as_bytes(), after_space), expected);
    }

    /// Any part of the normalized text comes from a part of the source that is read as it again, or holds it where the
    /// part began or ended in the middle of one character's reading.
    #[test]
    fn sources_are_read_as_what_was_found(
        text in "([A-Za-z0-9 \\n\"\\\\ÄÉé\u{200b}ｋ⑷😀]|  ){1,30}", from in 0_usize..30, to in 1_usize..30, literal: bool,
    ) {
        let reading = if literal { Reading::Literal } else { Reading::Undisguised };
        let quoted = serde_json::to_string(&text).unwrap();
        let inside = &quoted[1..quoted.len() - 1];
        let whole = read(inside, reading);
        let borders: Vec<usize> = whole.text().char_indices().map(|(at, _)| at)
            .chain([whole.text().len()]).collect();
        let (Some(start), Some(end)) = (borders.get(from), borders.get(to)) else { return Ok(()) };
        prop_assume!(start < end);
        let source = whole.source(&(*start..*end));
        let again = read(&inside[source], reading);
        let part = &whole.text()[*start..*end];
        prop_assert!(again.text() == part || (text.contains('⑷') && again.text().contains(part)));
    }
}
