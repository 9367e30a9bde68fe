#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn blank_text_is_recognised_through_escapes() {
    for (text, blank) in [
        (Text::Plain(""), true),
        (Text::Plain(" \n\u{a0}"), true),
        (Text::Escaped(r" \n\t\u0020\u3000"), true),
        (Text::Escaped(r"\n."), false),
        (Text::Escaped(r"\\"), false),
        (Text::Escaped(r"\ud83e"), false),
        (Text::Plain("a"), false),
    ] {
        assert_eq!(text.is_blank(), blank, "{text:?}");
    }
}

#[test]
fn white_space_at_the_end_is_trimmed_through_escapes() {
    for (inside, trimmed) in [
        (r"a \n\t ", "a"),
        (r"a\\n", r"a\\n"),
        (r"a\\\n", r"a\\"),
        ("a ", "a"),
        (r"\n", ""),
    ] {
        let Text::Escaped(rest) = Text::Escaped(inside).trim_end() else {
            panic!("{inside}")
        };
        assert_eq!(rest, trimmed, "{inside}");
    }
}

#[test]
fn plain_and_escaped_text_are_written_as_the_same_literal() {
    for text in [
        Text::Plain("a\"\n\u{1f9ea}"),
        Text::Escaped("a\\\"\\n\u{1f9ea}"),
    ] {
        let (mut whole, mut inside) = (Vec::new(), vec![b'"']);
        text.write(&mut whole);
        text.write_inside(&mut inside);
        inside.push(b'"');
        assert_eq!(whole, inside);
        assert_eq!(whole, "\"a\\\"\\n\u{1f9ea}\"".as_bytes());
    }
}
