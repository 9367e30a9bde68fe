#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn inside(text: Text<'_>) -> String {
    let mut out = Vec::new();
    text.write(&mut out);
    serde_json::from_slice(&out).unwrap()
}

/// Feeds the fragments. Returns what was accepted, and whether the object is complete.
fn accepted(fragments: &[&str]) -> (String, bool) {
    let (mut plain, mut escaped) = (Arguments::default(), Arguments::default());
    let (mut from_plain, mut from_escaped) = (String::new(), String::new());
    for fragment in fragments {
        from_plain += &inside(plain.accept(Text::Plain(fragment)));
        let literal = serde_json::to_string(fragment).unwrap();
        let literal = literal.trim_matches('"').to_owned();
        // Trimming would remove an escaped quote at the end of a literal.
        let literal = if fragment.ends_with('"') && !literal.ends_with("\\\"") {
            literal + "\""
        } else {
            literal
        };
        from_escaped += &inside(escaped.accept(Text::Escaped(&literal)));
    }
    assert_eq!(from_plain, from_escaped, "{fragments:?}");
    assert_eq!(plain.is_complete(), escaped.is_complete(), "{fragments:?}");
    (from_plain, plain.is_complete())
}

#[test]
fn an_object_passes_until_its_last_brace() {
    for (fragments, want, complete) in [
        (&["{}"][..], "{}", true),
        (&["", " \n", " {\"a\"", ":1", "}"], "{\"a\":1}", true),
        (
            &["{\"a\":{\"b\":[", "{}]}", "}", "\n"],
            "{\"a\":{\"b\":[{}]}}",
            true,
        ),
        (
            &["{\"a\":\"}", "\\\"}", "\\\\", "\"}x"],
            "{\"a\":\"}\\\"}\\\\\"}",
            true,
        ),
        (&["{\"é", "🧪}\":1"], "{\"é🧪}\":1", false),
        (&["{\"a\":1}{\"a\":1}"], "{\"a\":1}", true),
        (&["null"], "", true),
        (&["[", "{}]"], "", true),
        (&["\"{}\""], "", true),
        (&[" "], "", false),
    ] {
        assert_eq!(
            accepted(fragments),
            (want.to_owned(), complete),
            "{fragments:?}"
        );
    }
}

#[test]
fn unicode_escapes_of_structure_count_and_halves_of_characters_do_not_disturb() {
    let mut arguments = Arguments::default();
    for (fragment, part, complete) in [
        (r"\u007b\u0022\ud83e", r"\u007b\u0022\ud83e", false),
        (r"\udde0\u0022:1", r"\udde0\u0022:1", false),
        (r"\u007d\u007d", r"\u007d", true),
    ] {
        let Text::Escaped(accepted) = arguments.accept(Text::Escaped(fragment)) else {
            panic!("escaped text stays escaped");
        };
        assert_eq!((accepted, arguments.is_complete()), (part, complete));
    }
}
