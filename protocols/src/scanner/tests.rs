#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use proptest::prelude::*;

use super::*;

fn whole(text: &[u8]) -> Result<(), JsonError> {
    let mut scanner = Scanner::new(text)?;
    scanner.value()?;
    scanner.end()
}

#[test]
fn accepts_json() {
    let deepest = format!("{}{}", "[".repeat(128), "]".repeat(128));
    let table = [
        "{}",
        "[]",
        "null",
        "true",
        "false",
        "0",
        "-0",
        "12",
        "-1.5e+10",
        "1E-2",
        "0.1",
        "\"\"",
        " [ ] ",
        "\r\n\t {} \n",
        r#"{"a":1,"b":[{},[],"x"],"a":{"c":null}}"#,
        r#""\"\\\/\b\f\n\r\t\u00e9\uD83D\ude00""#,
        "\"é😀\u{2028}\"",
        r#""\ud800""#,
        r#"[1,2 , 3]"#,
        &deepest,
    ];
    for text in table {
        assert_eq!(whole(text.as_bytes()), Ok(()), "{text}");
    }
}

#[test]
fn refuses_what_is_not_json() {
    let table: &[(&[u8], &str)] = &[
        (b"", "expected a value at byte 0, found the end of the text"),
        (
            b"{",
            "expected a key in quotes at byte 1, found the end of the text",
        ),
        (b"{\"a\"}", "expected `:` at byte 4, found `}`"),
        (b"{\"a\":}", "expected a value at byte 5, found `}`"),
        (
            b"{\"a\":1,}",
            "expected a key in quotes at byte 7, found `}`",
        ),
        (b"{a:1}", "expected a key in quotes at byte 1, found `a`"),
        (b"[1 2]", "expected `,` or `]` at byte 3, found `2`"),
        (b"[1,]", "expected a value at byte 3, found `]`"),
        (b"[1}", "expected `,` or `]` at byte 2, found `}`"),
        (b"{\"a\":1]", "expected `,` or `}` at byte 6, found `]`"),
        (
            b"{} {}",
            "expected the end of the body at byte 3, found `{`",
        ),
        (b"01", "expected the end of the body at byte 1, found `1`"),
        (
            b"1.",
            "expected a digit at byte 2, found the end of the text",
        ),
        (
            b"-",
            "expected a digit at byte 1, found the end of the text",
        ),
        (
            b"1e+",
            "expected a digit at byte 3, found the end of the text",
        ),
        (b"+1", "expected a value at byte 0, found `+`"),
        (b"NaN", "expected a value at byte 0, found `N`"),
        (
            b"nul",
            "expected `true`, `false` or `null` at byte 0, found `n`",
        ),
        (
            b"truex",
            "expected the end of the body at byte 4, found `x`",
        ),
        (b"'a'", "expected a value at byte 0, found `'`"),
        (
            b"\"a",
            "expected the end of the string at byte 2, found the end of the text",
        ),
        (
            b"\"a\nb\"",
            "expected a character that may stand in a string unescaped at byte 2, found character 0x0a",
        ),
        (
            b"\"\\x\"",
            "expected an escape sequence at byte 2, found `x`",
        ),
        (
            b"\"\\u12g4\"",
            "expected an escape sequence at byte 2, found `u`",
        ),
        (
            b"\"\\u12",
            "expected an escape sequence at byte 2, found `u`",
        ),
        (
            b"\xEF\xBB\xBF{}",
            "expected a value at byte 0, found `\u{feff}`",
        ),
        (b"\"\xff\"", "expected UTF-8, found other bytes from byte 1"),
        (
            b"\"\xed\xa0\x80\"",
            "expected UTF-8, found other bytes from byte 1",
        ),
        (b"// x\n{}", "expected a value at byte 0, found `/`"),
    ];
    for (text, message) in table {
        let found = whole(text).map_err(|error| error.to_string());
        assert_eq!(
            found,
            Err((*message).to_owned()),
            "{}",
            String::from_utf8_lossy(text)
        );
    }
    for open in ["[", "{\"a\":", "[{\"a\":"] {
        assert_eq!(
            whole(open.repeat(200_000).as_bytes()),
            Err(JsonError::TooDeep),
            "{open}"
        );
    }
    let mixed = format!("{}1{}", "[".repeat(129), "]".repeat(129));
    assert_eq!(whole(mixed.as_bytes()), Err(JsonError::TooDeep));
}

#[test]
fn strings_are_decoded() {
    let table = [
        (r#""""#, ""),
        (r#""plain""#, "plain"),
        (r#""a\nb\t\"\\\/""#, "a\nb\t\"\\/"),
        (r#""\u0041\u00e9\u20ac""#, "Aé€"),
        (r#""\ud83d\ude00!""#, "😀!"),
        (r#""\ud83d!""#, "\u{fffd}!"),
        (r#""\ud83dA""#, "\u{fffd}A"),
        (r#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
        (r#""\u0000""#, "\0"),
    ];
    for (text, expected) in table {
        let literal = Scanner::new(text.as_bytes()).unwrap().string().unwrap();
        assert_eq!(literal.decode(), expected, "{text}");
        assert!(literal.is(expected));
        assert_eq!(literal.span(), 0..text.len());
    }
}

#[test]
fn special_bytes_are_found_at_every_place_in_a_block() {
    for special in [b'"', b'\\', 0x1f, 0] {
        for at in 0..200 {
            let mut bytes = vec![0xC3_u8; 200];
            bytes[at] = special;
            assert_eq!(literal::plain_prefix(&bytes), at);
        }
    }
    for byte in 0..=u8::MAX {
        let may_stand = byte >= 0x20 && byte != b'"' && byte != b'\\';
        for length in 0..200 {
            let passed = literal::plain_prefix(&vec![byte; length]);
            assert_eq!(passed, if may_stand { length } else { 0 }, "{byte:#x}");
        }
    }
}

#[test]
fn what_may_stand_in_a_string_ends_where_it_should() {
    let plain = "All work and no play makes for a dull prompt. !~\u{7f}".repeat(4);
    // The input after the backslash, whether it is valid, and how much of it belongs to the sequence.
    type Taken = Option<(usize, usize)>;
    let table: &[(&[u8], Taken)] = &[
        (b"", Some((0, 0))),
        (b"\"", Some((0, 0))),
        (b"\x1f", None),
        (b"\n", None),
        (b"\\n\"", Some((2, 1))),
        (b"\\q", None),
        (b"\\", Some((0, 0))),
        (b"\\u00", Some((0, 0))),
        (b"\\u00e", Some((0, 0))),
        (b"\\u00e9", Some((6, 4))),
        (b"\\u00g", None),
        (b"\\u00\"", None),
        ("é".as_bytes(), Some((2, 0))),
        ("😀\"".as_bytes(), Some((4, 0))),
        (b"\xf0\x9f", Some((0, 0))),
        (b"\xf0\x9f\"", None),
        (b"\xf0\x9f\\n", None),
        (b"\xff", None),
        (b"\xed\xa0\x80", None),
    ];
    for length in 0..plain.len() {
        for (behind, expected) in table {
            let bytes = [&plain.as_bytes()[..length], behind].concat();
            let expected = expected.map(|(more, saved)| (length + more, saved));
            assert_eq!(
                string_prefix(&bytes),
                expected,
                "{behind:?} behind {length}"
            );
        }
    }
}

/// Any JSON value, and texts that are nearly one.
fn nearly_json() -> impl Strategy<Value = String> {
    let leaf = proptest::sample::select(vec![
        "1",
        "-0",
        "1.5e3",
        "0",
        "01",
        "true",
        "nul",
        "null",
        "\"a\"",
        "\"\\n\"",
        "\"\\q\"",
        "\"\\ud800\"",
        "\"é\"",
        "",
    ]);
    leaf.prop_map(str::to_owned)
        .prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4)
                    .prop_map(|list| format!("[{}]", list.join(","))),
                proptest::collection::vec(inner.clone(), 0..4).prop_map(|list| {
                    let members: Vec<String> = list
                        .iter()
                        .map(|value| format!(" \"k\" :{value}"))
                        .collect();
                    format!("{{{}}}", members.join(" ,"))
                }),
                inner.prop_map(|value| format!("[{value}}}")),
            ]
        })
}

proptest! {
    #[test]
    fn agrees_with_a_full_parser(text in nearly_json()) {
        // `RawValue` checks syntax and accepts lone surrogates, as we do.
        let theirs = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok();
        prop_assert_eq!(whole(text.as_bytes()).is_ok(), theirs, "{}", text);
    }

    #[test]
    fn any_bytes_give_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let theirs = serde_json::from_slice::<&serde_json::value::RawValue>(&bytes).is_ok();
        prop_assert_eq!(whole(&bytes).is_ok(), theirs);
    }

    #[test]
    fn decoded_text_is_the_text(text in ".{0,40}") {
        let json = serde_json::to_string(&text).unwrap();
        let literal = Scanner::new(json.as_bytes()).unwrap().string().unwrap();
        prop_assert_eq!(literal.decode(), text.as_str());
        prop_assert_eq!(literal.decoded_len(), text.len());
    }
}
