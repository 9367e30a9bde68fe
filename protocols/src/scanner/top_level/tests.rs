#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use proptest::prelude::*;

use super::*;

const KEYS: &[&str] = &["usage", "model"];

fn watched<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Option<String>, Option<String>, Progress) {
    let mut watcher = TopLevel::new(KEYS);
    for piece in pieces {
        watcher.observe(piece);
    }
    let text = |key| {
        watcher
            .value(key)
            .map(|value| String::from_utf8_lossy(value).into_owned())
    };
    (text("usage"), text("model"), watcher.progress())
}

#[test]
fn only_members_of_the_outermost_object_are_taken() {
    use Progress::{Closed, NotAnObject, Open};
    let table: &[(&str, Option<&str>, Option<&str>, Progress)] = &[
        (
            r#"{"usage":{"a":[1,{"b":2}]},"model":"m"}"#,
            Some(r#"{"a":[1,{"b":2}]}"#),
            Some(r#""m""#),
            Closed,
        ),
        (
            r#" { "model" : "m" , "usage" : null } "#,
            Some("null"),
            Some(r#""m""#),
            Closed,
        ),
        (
            r#"{"choices":[{"usage":1,"model":2}],"model":"m"}"#,
            None,
            Some(r#""m""#),
            Closed,
        ),
        (
            r#"{"text":"\"usage\":{\"a\":1}","x":"\\","model":"m"}"#,
            None,
            Some(r#""m""#),
            Closed,
        ),
        (
            r#"{"a":"}","b":"{","c":["]"],"model":7}"#,
            None,
            Some("7"),
            Closed,
        ),
        (r#"{"model":"a","model":"b"}"#, None, Some(r#""b""#), Closed),
        (r#"{"usage\"":1,"\"model":2}"#, None, None, Closed),
        (
            r#"{"usage":{"a":1},"model":"#,
            Some(r#"{"a":1}"#),
            None,
            Open,
        ),
        (r#"{"usage":{"a":1"#, None, None, Open),
        ("{}", None, None, Closed),
        ("", None, None, Open),
        ("  ", None, None, Open),
        ("[{}]", None, None, NotAnObject),
        ("<html>", None, None, NotAnObject),
    ];
    for (text, usage, model, progress) in table {
        let expected = (
            usage.map(str::to_owned),
            model.map(str::to_owned),
            *progress,
        );
        assert_eq!(watched([text.as_bytes()]), expected, "{text}");
        assert_eq!(
            watched(text.as_bytes().chunks(1)),
            expected,
            "{text}, byte by byte"
        );
    }
}

#[test]
fn a_value_too_long_to_be_usage_is_not_kept() {
    let long = format!(
        r#"{{"usage":"{}","model":"m"}}"#,
        "x".repeat(MAX_KEPT_BYTES)
    );
    assert_eq!(
        watched([long.as_bytes()]),
        (None, Some("\"m\"".to_owned()), Progress::Closed)
    );
}

// There is no clock on wasm32-unknown-unknown.
#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
#[test]
fn time_grows_with_length_and_no_faster() {
    let nested = |depth: usize| {
        format!(
            "{{\"a\":{}{}{}",
            "[".repeat(depth),
            "]".repeat(depth),
            " ".repeat(depth * 8)
        )
    };
    crate::translator::assert_linear(nested, |text| {
        assert_eq!(watched([text.as_bytes()]).2, Progress::Open);
    });
}

proptest! {
    #[test]
    fn finds_what_a_full_parser_finds(
        members in proptest::collection::vec(("usage|model|a|\"|\\\\", "[a-z{}\\[\\]\",:\\\\]{0,6}"), 0..5),
        cut in 0usize..80,
    ) {
        let mut object = serde_json::Map::new();
        for (key, text) in members {
            object.insert(key, serde_json::json!([text, {"usage": text}]));
        }
        let text = serde_json::to_string(&object).unwrap();
        let (head, tail) = text.as_bytes().split_at(cut.min(text.len()));
        let expected = |key: &str| object.get(key).map(|value| value.to_string());
        prop_assert_eq!(watched([head, tail]), (expected("usage"), expected("model"), Progress::Closed));
    }
}
